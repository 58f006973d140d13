package tui

import (
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"charm.land/bubbles/v2/textinput"
	tea "charm.land/bubbletea/v2"
)

// menu is the help: every action with its keys, found by typing and run with enter. What cannot be run says why. As the
// palette it lists what fits the focus first and finds by letters that need not stand together.
type menu struct {
	input   textinput.Model
	palette bool
	at      int
	scroll
}

func (m *Model) openMenu(palette bool) {
	prompt := "> "
	if palette {
		prompt = ": "
	}
	n := &menu{input: m.newInput(prompt), palette: palette}
	n.input.Focus()
	m.dialog = n
}

// found lists the actions that fit what was typed, the best first. The help without a word keeps the order of the table.
func (n *menu) found(m *Model) []action {
	type hit struct {
		action
		score int
	}
	want := strings.ToLower(strings.TrimSpace(n.input.Value()))
	var hits []hit
	for _, a := range actions {
		best := max(fuzzy(want, strings.ToLower(m.t("action."+a.id))), fuzzy(want, a.id)-1)
		if slices.Contains(m.keys.keys[a.id], n.input.Value()) && want != "" {
			best = 1 << 20 // the key itself was typed
		}
		if best < 0 {
			continue
		}
		if n.palette && want == "" && a.why(m) == "" && a.here(m) {
			best++
		}
		hits = append(hits, hit{a, best})
	}
	if want != "" || n.palette {
		slices.SortStableFunc(hits, func(a, b hit) int { return b.score - a.score })
	}
	out := make([]action, len(hits))
	for i := range hits {
		out[i] = hits[i].action
	}
	return out
}

// fuzzy says how well the letters of want stand in text, in order: more when they stand together and begin words, -1 when
// they do not.
func fuzzy(want, text string) int {
	score, run := 0, 0
	before := ' '
	for want != "" {
		r, n := utf8.DecodeRuneInString(want)
		want = want[n:]
		for {
			if text == "" {
				return -1
			}
			c, k := utf8.DecodeRuneInString(text)
			text = text[k:]
			if c == r {
				run++
				score += run
				if !unicode.IsLetter(before) {
					score += 3
				}
				before = c
				break
			}
			before, run = c, 0
		}
	}
	return score
}

func (n *menu) update(m *Model, msg tea.Msg) tea.Cmd {
	list := n.found(m)
	if k, ok := msg.(tea.KeyPressMsg); ok {
		switch k.String() {
		case "esc", "ctrl+c":
			m.dialog = nil
			return nil
		case "up", "ctrl+p":
			n.at = max(n.at-1, 0)
			return nil
		case "down", "ctrl+n", "tab":
			n.at = min(n.at+1, max(len(list)-1, 0))
			return nil
		case "pgup":
			n.at = max(n.at-n.high, 0)
			return nil
		case "pgdown":
			n.at = min(n.at+n.high, max(len(list)-1, 0))
			return nil
		case "enter":
			if n.at >= len(list) {
				return nil
			}
			m.dialog = nil
			if a := list[n.at]; a.here(m) {
				return m.perform(a)
			} else { // its region takes the focus first
				m.view, m.focus = viewOf(a.in[0]), a.in[0]
				return m.perform(a)
			}
		}
	}
	n.at = 0
	var cmd tea.Cmd
	n.input, cmd = n.input.Update(msg)
	return cmd
}

func (n *menu) box(m *Model, w, h int) []string {
	list := n.found(m)
	n.at = min(n.at, max(len(list)-1, 0))
	p := pane{rect{0, 0, min(w, 76), min(len(actions)+3, h)}, 0, true, true}
	inner, high := p.inner()
	var body []string
	for i, a := range list {
		why := a.why(m)
		if why == "" && !a.here(m) {
			why = m.t("menu.in", m.t("pane."+regionNames[a.in[0]]))
		}
		keys := m.look.fit(strings.Join(m.keys.keys[a.id], " "), 15)
		s := m.look.ends(" "+m.look.p(accent, keys)+m.t("action."+a.id), " "+m.look.p(dim, why)+" ", inner)
		switch {
		case i == n.at:
			s = m.look.p(selected, m.look.ends(" "+keys+m.t("action."+a.id), " "+why+" ", inner))
		case a.why(m) != "":
			s = m.look.ends(m.look.p(dim, " "+keys+m.t("action."+a.id)), " "+m.look.p(dim, why)+" ", inner)
		}
		body = append(body, s)
	}
	if len(list) == 0 {
		body = []string{" " + m.look.p(dim, m.t("menu.nomatch"))}
	}
	n.scroll.to(n.at, high-1)
	n.input.SetWidth(inner - 5)
	text := append([]string{" " + n.input.View()}, n.window(body, high-1)...)
	title := "pane.help"
	if n.palette {
		title = "pane.palette"
	}
	return m.look.box(p, m.t(title), m.t("menu.hint")+" "+n.place(), text, true)
}
