package tui

import (
	"strings"

	"charm.land/bubbles/v2/textinput"
	tea "charm.land/bubbletea/v2"
	"charm.land/lipgloss/v2"
)

// dialog is what stands over the screen and takes the keys: help, a question, a form. esc always closes it.
type dialog interface {
	update(m *Model, msg tea.Msg) tea.Cmd
	box(m *Model, w, h int) []string // at most w by h cells
}

// question asks for yes or no.
type question struct {
	text, yes, no string
	then          func(*Model) tea.Cmd
}

func (q *question) update(m *Model, msg tea.Msg) tea.Cmd {
	if k, ok := msg.(tea.KeyPressMsg); ok {
		m.dialog = nil
		if s := k.String(); s == "y" || s == "Y" {
			return q.then(m)
		}
	}
	return nil
}

func (q *question) box(m *Model, w, _ int) []string {
	wide := min(w, 60)
	text := append([]string{""}, indent(fold(q.text, wide-4, ""))...)
	text = append(text, "", " "+m.look.p(accent, "y")+" "+q.yes+"   "+m.look.p(accent, "n")+" "+q.no)
	return m.look.box(pane{rect{0, 0, wide, len(text) + 3}, 0, true, true}, m.t("pane.question"), "", text, true)
}

func indent(rows []string) []string {
	for i := range rows {
		rows[i] = " " + rows[i]
	}
	return rows
}

// prompt asks for one line of text.
type prompt struct {
	title string
	input textinput.Model
	then  func(*Model, string)
}

func (m *Model) ask(title, value string, then func(*Model, string)) tea.Cmd {
	p := &prompt{title: title, input: m.newInput("> "), then: then}
	p.input.SetValue(value)
	p.input.CursorEnd()
	m.dialog = p
	return p.input.Focus()
}

func (p *prompt) update(m *Model, msg tea.Msg) tea.Cmd {
	if k, ok := msg.(tea.KeyPressMsg); ok {
		switch k.String() {
		case "esc", "ctrl+c":
			m.dialog = nil
			return nil
		case "enter":
			m.dialog = nil
			p.then(m, strings.TrimSpace(p.input.Value()))
			return nil
		}
	}
	var cmd tea.Cmd
	p.input, cmd = p.input.Update(msg)
	return cmd
}

func (p *prompt) box(m *Model, w, _ int) []string {
	p.input.SetWidth(min(w, 70) - 6)
	text := []string{" " + p.input.View(), "", " " + m.look.p(dim, m.t("prompt.hint"))}
	return m.look.box(pane{rect{0, 0, min(w, 70), len(text) + 2}, 0, true, true}, p.title, "", text, true)
}

// overlay puts a box in the middle of a screen. The compositor drops blanks at the ends of lines; they come back.
func (m *Model) overlay(screen string, box []string, w, h int) string {
	wide := lipgloss.Width(box[0])
	top := lipgloss.NewLayer(strings.Join(box, "\n")).X((w - wide) / 2).Y(max(h-len(box), 0) / 2).Z(1)
	out := strings.Split(lipgloss.NewCompositor(lipgloss.NewLayer(screen), top).Render(), "\n")
	for i := range out {
		out[i] = m.look.fit(out[i], w)
	}
	return strings.Join(out, "\n")
}
