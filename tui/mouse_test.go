package tui

import (
	"strings"
	"testing"

	tea "charm.land/bubbletea/v2"

	"tillscope/assets"
)

func click(m *Model, x, y int) { m.Update(tea.MouseClickMsg{X: x, Y: y, Button: tea.MouseLeft}) }

func wheel(m *Model, x, y int, down bool) {
	b := tea.MouseWheelUp
	if down {
		b = tea.MouseWheelDown
	}
	m.Update(tea.MouseWheelMsg{X: x, Y: y, Button: b})
}

// A click on a row chooses it, on a heading sorts, on a border does nothing but take the focus; the wheel moves the list of a
// dialog and never answers a question.
func TestMouse(t *testing.T) {
	m := full(t, "en", false)
	m.Update(tea.WindowSizeMsg{Width: 80, Height: 24})
	shown(m)
	last := m.traffic().sel
	for _, p := range m.at.panes {
		if p.region != traffic {
			continue
		}
		keys(m, "home")
		shown(m)
		first := m.traffic().sel
		_, high := p.inner()
		click(m, p.x+5, p.y+high+1) // the border below belongs to no row
		click(m, p.x+5, p.y)
		if m.traffic().sel != first {
			t.Errorf("a click on a border went from #%d to #%d", first, m.traffic().sel)
		}
		click(m, p.x+5, p.y+3)
		if m.traffic().sel != first+2 || first == last {
			t.Errorf("the third row is #%d, first #%d", m.traffic().sel, first)
		}
	}
	keys(m, "2")
	shown(m)
	p := m.at.panes[0]
	row := shown(m)
	head := strings.Split(row, "\n")[p.y+1]
	at := width(head[:strings.Index(head, "amount")])
	click(m, at, p.y+1)
	if s := shown(m); !strings.Contains(s, "amountv") {
		t.Errorf("a click on the amounts does not sort the largest first:\n%s", s)
	}
	click(m, at, p.y+1)
	if s := shown(m); !strings.Contains(s, "amount^") {
		t.Errorf("a second click does not turn the order round:\n%s", s)
	}
	keys(m, "%")
	if click(m, at, p.y+3); m.notice != "" {
		t.Errorf("a click leaves %q standing", m.notice)
	}
	keys(m, "?")
	wheel(m, 20, 10, true)
	wheel(m, 20, 10, true)
	wheel(m, 20, 10, false)
	if n, ok := m.dialog.(*menu); !ok || n.at != 1 {
		t.Error("the wheel does not move the help")
	}
	m.dialog = &question{text: "quit?", then: func(*Model) tea.Cmd { return tea.Quit }}
	wheel(m, 20, 10, true)
	click(m, 20, 10)
	if m.dialog == nil {
		t.Error("the mouse answers a question")
	}
}

// No key is silent: one that works in another region says where, one that does nothing says so, in both languages.
func TestKeysWithoutUseSayWhy(t *testing.T) {
	for _, lang := range assets.Languages {
		m := full(t, lang, false)
		for key, want := range map[string]string{"s": m.t("pane.transactions"), "X": m.t("pane.trainer"), "%": "?", "h": m.t("why.noside")} {
			m.notice = ""
			keys(m, key)
			if !strings.Contains(m.notice, want) || !strings.Contains(shown(m), m.notice) {
				t.Errorf("%s: %s says %q", lang, key, m.notice)
			}
		}
	}
}

// Kinds of faults take one line each, at every width.
func TestFaultsAreOneLineEach(t *testing.T) {
	for _, lang := range assets.Languages {
		for _, w := range []int{60, 61, 70, 80, 81, 120} {
			m := full(t, lang, false)
			m.Update(tea.WindowSizeMsg{Width: w, Height: 40})
			keys(m, "f", "a")
			lines := 0
			for _, row := range strings.Split(shown(m), "\n") {
				if strings.Contains(row, "│   reader.stripe") || strings.Contains(row, "│   printer.jam") || strings.Contains(row, "> reader.chip ") {
					lines++
				}
			}
			if s := shown(m); lines != 4 || strings.Contains(s, "│   can") {
				t.Errorf("%s, %d wide, %d:\n%s", lang, w, lines, s)
			}
		}
	}
}
