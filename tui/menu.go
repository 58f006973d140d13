package tui

import (
	"strings"

	"charm.land/bubbles/v2/textinput"
	tea "charm.land/bubbletea/v2"
	"charm.land/lipgloss/v2"
)

// menu is the help: every action with its keys, found by typing and run with enter. What cannot be run says why.
type menu struct {
	input textinput.Model
	at    int
	scroll
}

func (m *Model) openMenu() tea.Cmd {
	m.menu = &menu{input: m.newInput("> ")}
	return m.menu.input.Focus()
}

// found lists the actions whose name, keys or id hold what was typed.
func (n *menu) found(m *Model) []action {
	var out []action
	want := strings.ToLower(strings.TrimSpace(n.input.Value()))
	for _, a := range actions {
		if strings.Contains(strings.ToLower(a.id+" "+m.t("action."+a.id)+" "+strings.Join(a.keys, " ")), want) {
			out = append(out, a)
		}
	}
	return out
}

func (n *menu) press(m *Model, msg tea.KeyPressMsg) tea.Cmd {
	list := n.found(m)
	switch msg.String() {
	case "esc", "ctrl+c":
		m.menu = nil
	case "up", "ctrl+p":
		n.at = max(n.at-1, 0)
	case "down", "ctrl+n":
		n.at = min(n.at+1, max(len(list)-1, 0))
	case "pgup":
		n.at = max(n.at-n.high, 0)
	case "pgdown":
		n.at = min(n.at+n.high, max(len(list)-1, 0))
	case "enter":
		if n.at < len(list) {
			m.menu = nil
			return m.perform(list[n.at])
		}
	default:
		var cmd tea.Cmd
		n.input, cmd = n.input.Update(msg)
		n.at = 0
		return cmd
	}
	return nil
}

// over draws the menu on top of a screen of w by h cells.
func (n *menu) over(m *Model, screen string, w, h int) string {
	list := n.found(m)
	n.at = min(n.at, max(len(list)-1, 0))
	wide := min(w-4, 64)
	p := pane{rect{0, 0, wide, min(len(actions)+3, h-2)}, 0, true, true}
	inner, high := p.inner()
	var body []string
	for i, a := range list {
		why := a.why(m)
		keys := m.look.fit(strings.Join(a.keys, " "), 15)
		s := m.look.ends(" "+m.look.p(accent, keys)+m.t("action."+a.id), m.look.p(dim, why)+" ", inner)
		switch {
		case i == n.at:
			s = m.look.p(selected, m.look.ends(" "+keys+m.t("action."+a.id), why+" ", inner))
		case why != "":
			s = m.look.ends(m.look.p(dim, " "+keys+m.t("action."+a.id)), m.look.p(dim, why)+" ", inner)
		}
		body = append(body, s)
	}
	if len(list) == 0 {
		body = []string{" " + m.look.p(dim, m.t("menu.nomatch"))}
	}
	if n.at < n.top {
		n.top = n.at
	} else if n.at >= n.top+high-1 {
		n.top = n.at - high + 2
	}
	text := append([]string{" " + n.input.View()}, n.window(body, high-1)...)
	return m.overlay(screen, m.look.box(p, m.t("pane.help"), m.t("menu.hint"), text, true), w, h)
}

// question draws a yes-or-no question on top of a screen.
func (m *Model) question(screen string, w, h int) string {
	wide := min(w-4, 60)
	text := append([]string{""}, fold(" "+m.asking, wide-4, " ")...)
	text = append(text, "", " "+m.look.p(accent, "y")+" "+m.t("quit.yes")+"   "+m.look.p(accent, "n")+" "+m.t("quit.no"))
	p := pane{rect{0, 0, wide, len(text) + 3}, 0, true, true}
	return m.overlay(screen, m.look.box(p, m.t("pane.question"), "", text, true), w, h)
}

// overlay puts a box in the middle of a screen. The compositor drops blanks at the ends of lines; they come back.
func (m *Model) overlay(screen string, box []string, w, h int) string {
	wide := lipgloss.Width(box[0])
	top := lipgloss.NewLayer(strings.Join(box, "\n")).X((w - wide) / 2).Y((h - len(box)) / 2).Z(1)
	out := strings.Split(lipgloss.NewCompositor(lipgloss.NewLayer(screen), top).Render(), "\n")
	for i := range out {
		out[i] = m.look.fit(out[i], w)
	}
	return strings.Join(out, "\n")
}
