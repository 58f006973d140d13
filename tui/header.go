package tui

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"tillscope/diagnostics"
)

// calm is how long nothing has to happen for the clock to show minutes only.
const calm = 5 * time.Second

// headerRow says what is watched and whether the screen moves.
func (m *Model) headerRow(w int) string {
	sn := m.snap
	var dialects []string
	terminals := 0
	for _, l := range sn.Lines {
		terminals += len(l.Terminals)
		if d := cmp.Or(l.Foreign, l.Dialect); d != "" && !slices.Contains(dialects, d) {
			dialects = append(dialects, d)
		}
	}
	var parts []headPart
	add := func(worth int, t token, s string) {
		if s != "" {
			parts = append(parts, headPart{worth, m.look.p(t, s)})
		}
	}
	add(9, accent, m.t("source."+sn.Source.Kind))
	add(3, plain, strings.Join(dialects, "/"))
	add(4, plain, m.lang.N("head.terminals", terminals, terminals))
	add(6, plain, m.t("head.messages", sn.Totals.Messages))
	if !sn.Ended {
		add(5, plain, m.t("head.rate", sn.Rate))
	}
	if n := sn.Totals.Undecoded; n > 0 {
		add(8, warn, m.look.state[diagnostics.Warn]+" "+m.t("head.undecoded", n))
	}
	if n := sn.Totals.Dropped; n > 0 {
		add(7, warn, m.look.state[diagnostics.Warn]+" "+m.t("head.dropped", n))
	}
	if !sn.Source.Simulated {
		add(2, dim, diagnostics.Clean(sn.Source.Describe))
	}
	recording := ""
	if r := m.o.Recorder(); r != nil {
		recording = "  " + m.look.p(bad, m.look.state[diagnostics.OK]+" "+m.t("head.recording"))
		if r.Err() != nil {
			recording = "  " + m.look.p(bad, m.look.state[diagnostics.Fail]+" "+m.t("head.unrecorded"))
		}
	}
	state, t := m.t("head.following"), good
	unseen := m.traffic().fresh(m)
	switch {
	case m.frozen:
		state, t = m.t("head.frozen", m.missed), warn
	case !m.traffic().follow && unseen > 0:
		state, t = m.t("head.new", unseen), warn
	case !m.traffic().follow:
		state, t = m.t("head.browsing"), plain
	case sn.Err != "":
		state, t = m.t("head.failed"), bad
	case sn.Ended:
		state, t = m.t("head.ended"), plain
	}
	clock := ""
	if !sn.Now.IsZero() && !m.low { // a clock is bytes every second: when nothing moves, every minute is enough
		clock = sn.Now.Local().Format("  15:04:05")
		if time.Since(m.moved) > calm {
			clock = sn.Now.Local().Format("  15:04   ")
		}
	}
	if m.low {
		recording += "  " + m.look.p(warn, m.t("head.low"))
	}
	right := recording + "  " + m.look.p(t, state) + clock + " "
	return m.look.ends(m.head(parts, w-width(right)), right, w)
}

// headPart is something that the header says, and how much it is worth, up to 9.
type headPart struct {
	worth int
	text  string
}

// head joins the parts that fit on w cells, whole or not at all: first come those that are worth most.
func (m *Model) head(parts []headPart, w int) string {
	s := m.look.p(strong, " tillscope  ")
	sep := " " + m.look.dot + " "
	room := w - width(s) + width(sep)
	fits := make([]bool, len(parts))
	for worth := 9; worth > 0; worth-- {
		for i, p := range parts {
			if n := width(sep) + width(p.text); p.worth == worth && n <= room {
				room -= n
				fits[i] = true
			}
		}
	}
	var texts []string
	for i, p := range parts {
		if fits[i] {
			texts = append(texts, p.text)
		}
	}
	return s + strings.Join(texts, sep)
}

// hintRow says what to do first; it is there until it is put away.
func (m *Model) hintRow(w int) string {
	key := "hint.first"
	switch {
	case m.view == diagnosisView:
		key = "hint.first.diagnosis"
	case m.view != scope:
		key = "hint.first.view"
	case m.focus == message:
		key = "hint.first.message"
	}
	hint, away := " "+m.look.p(accent, m.t(key)), m.look.p(dim, m.keys.first("hints")+" "+m.t("hint.away"))+" "
	if width(hint)+width(away) > w {
		return m.look.fit(hint, w)
	}
	return m.look.ends(hint, away, w)
}

// footerRows say what can be pressed now, or what happened; while a filter is typed, it is the input line. What does not fit
// on one row takes more, up to most: the end of an error says what to do about it.
func (m *Model) footerRows(w, most int) (out []string) {
	tell := func(text string, room int) {
		for _, line := range fold(diagnostics.Clean(text), w-2, "") {
			if len(out) < room {
				out = append(out, m.look.fit(" "+m.look.p(warn, line), w))
			}
		}
	}
	switch {
	case m.typing:
		s := m.input.View()
		matches := m.traffic().matches(m)
		switch {
		case m.traffic().wrong == nil:
			s += "  " + m.look.p(dim, matches)
		case width(s)+2+width(matches) <= w:
			s += "  " + m.look.p(warn, matches)
		default:
			tell(matches, most-1)
		}
		if all := m.input.MatchedSuggestions(); len(all) > 0 && m.input.Value() != "" {
			words := make([]string, 0, 6)
			for _, c := range all[:min(len(all), 6)] {
				words = append(words, diagnostics.Clean(c[strings.LastIndexByte(c, ' ')+1:]))
			}
			s += "  " + m.look.p(dim, "tab: "+strings.Join(words, " "))
		}
		return append(out, m.look.fit(s, w))
	case m.notice != "":
		tell(m.notice, most)
		return out
	}
	return []string{m.keysRow(w)}
}

// keysRow says what can be pressed now, and the filter that holds.
func (m *Model) keysRow(w int) string {
	right := ""
	if f := m.traffic().filter; f != "" {
		right = m.look.p(warn, "/"+diagnostics.Clean(f)+" ") + m.look.p(dim, m.traffic().matches(m)) + " "
	}
	left, room := "", w-width(right)
	for _, a := range m.hinted() {
		hint := m.t("hint." + a.id)
		s := " " + m.look.p(accent, m.keys.first(a.id)) + " " + hint + " "
		if n := width(s); n <= room { // whole or not at all
			room -= n
			left += s
		}
	}
	return m.look.ends(left, right, w)
}

// hinted are the actions worth a place in the footer now: first those of the focused region, the help before all.
func (m *Model) hinted() (out []action) {
	for _, here := range []bool{true, false} {
		for _, a := range actions {
			if a.id == "help" && here || len(a.in) > 0 == here && a.here(m) && a.hint && a.id != "help" && a.why(m) == "" && m.keys.first(a.id) != "" {
				out = append(out, a)
			}
		}
	}
	return out
}
