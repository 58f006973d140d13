package tui

import (
	"strings"
	"testing"

	tea "charm.land/bubbletea/v2"
	"charm.land/huh/v2"
)

// What a form tells itself late, after it has closed, must not send the next one off before anybody has seen it.
func TestLateMessagesReachNoOtherForm(t *testing.T) {
	m := newTest(t, "en", 100, 30)
	ran := 0
	open := func() *form {
		text := ""
		m.openForm("form", "", do(func(*Model) { ran++ }), huh.NewGroup(huh.NewInput().Title("name").Value(&text)))
		return m.dialog.(*form)
	}
	first := open()
	late := first.own(func() tea.Msg { return huh.NextField() })() // the only field: it would complete a form
	m.dialog = nil
	second := open()
	_, cmd := m.Update(late)
	follow(m, cmd)
	if ran != 0 || m.dialog != second || second.huh.State != huh.StateNormal {
		t.Errorf("the second form ran %d times by a message of the first", ran)
	}
	_, cmd = m.Update(tea.KeyPressMsg{Code: tea.KeyEnter})
	follow(m, cmd)
	if ran != 1 || m.dialog != nil {
		t.Errorf("a form ran %d times", ran)
	}
}

// follow runs a command and what follows from it, as the program would.
func follow(m *Model, cmd tea.Cmd) {
	if cmd == nil {
		return
	}
	switch msg := cmd().(type) {
	case tea.BatchMsg:
		for _, c := range msg {
			follow(m, c)
		}
	default:
		_, next := m.Update(msg)
		follow(m, next)
	}
}

// On the smallest screen the field that is filled in, and what is wrong with it, are in sight.
func TestLongFormsShowTheirField(t *testing.T) {
	m := full(t, "en", false)
	m.Update(tea.WindowSizeMsg{Width: 60, Height: 18})
	keys(m, "f")
	m.chooseFault("issuer.down")
	m.dialog.(*form).huh.Init()
	for _, field := range []string{"Mode", "Terminals", "After so many", "Until so many", "Share", "Card BINs"} {
		if s := shown(m); !strings.Contains(s, field) {
			t.Fatalf("%s is not shown:\n%s", field, s)
		}
		if field == "Share" {
			m.dialog.update(m, tea.PasteMsg{Content: "many"})
			keys(m, "enter")
			if s := shown(m); !strings.Contains(s, "many is no share") {
				t.Fatalf("nothing says what is wrong:\n%s", s)
			}
			keys(m, "backspace", "backspace", "backspace", "backspace")
		}
		keys(m, "enter")
	}
}
