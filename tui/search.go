package tui

import (
	"errors"
	"slices"
	"strings"
	"time"

	tea "charm.land/bubbletea/v2"

	"tillscope/diagnostics"
)

// search finds the rows that pass a filter. The newest are looked at whenever there is something new; the older ones, which
// are packed and cost microseconds each, some at a time, newest first, so that no key waits for them.
type search struct {
	filter string
	wrong  error // why the filter cannot be read
	by     filter
	rows   []int // numbers of the rows that pass

	from   int           // number of the entry that judged begins with
	judged []judged      // of the snapshot's newest entries
	runs   map[int][]int // by the first row of each run of older ones: those of it that pass
	left   int           // runs that have not been looked at
	again  int           // the run that is looked at once more next: transactions move after their rows have become old
}

// judged is an entry as the filter last saw it. Entries are replaced when their pair is found, transactions when they move.
type judged struct {
	e     *diagnostics.Entry
	t     *diagnostics.Transaction
	text  string // what words are searched in, empty until a filter asks
	known bool   // pass is of this filter
	pass  bool
}

// lookFor is how long one look at older rows may take.
const lookFor = 10 * time.Millisecond

func (m *Model) setFilter(s string) {
	m.traffic().rejudge(s)
	m.traffic().take(m)
}

// forget makes the texts of all rows anew: a mark or the language has changed.
func (s *search) forget() { s.judged, s.runs = nil, nil }

// rejudge looks at all rows with another filter. Their texts stay.
func (s *search) rejudge(filter string) {
	s.filter, s.runs, s.left = filter, nil, 0
	f, err := parseFilter(filter)
	s.by, s.wrong = f, err
	for i := range s.judged {
		s.judged[i].known = false
	}
}

// run lists the rows that pass, as far as they have been looked at.
func (s *search) run(m *Model) {
	s.rows = s.rows[:0]
	s.older(m)
	shift := m.snap.FirstEntry - s.from
	if shift < 0 {
		s.judged, shift = nil, 0
	}
	s.judged = slices.Delete(s.judged, 0, min(shift, len(s.judged)))
	s.from = m.snap.FirstEntry
	for i, e := range m.snap.Entries {
		if i == len(s.judged) {
			s.judged = append(s.judged, judged{})
		}
		j, txn := &s.judged[i], m.txnOf(e)
		if j.e != e || j.t != txn {
			*j = judged{e: e, t: txn}
		}
		if !j.known {
			if s.worded() && j.text == "" {
				j.text = m.words(e)
			}
			j.known, j.pass = true, s.by.holds(m, e, j.text)
		}
		if j.pass {
			s.rows = append(s.rows, e.N)
		}
	}
}

// worded says that the filter has words that are searched in the text of rows.
func (s *search) worded() bool {
	return slices.ContainsFunc(s.by, func(w term) bool { return w.key == "" })
}

// words is the text of a row as words are searched in it.
func (m *Model) words(e *diagnostics.Entry) string {
	return strings.ToLower(m.writer.row(e, m.txnOf(e), m.names[e.Terminal], false).text() + " " + e.Terminal + " " + m.marks[e.N])
}

// older looks at rows that are packed: at runs that were not looked at yet, newest first, as long as it may take; when
// all were, at one of them once more.
func (s *search) older(m *Model) {
	starts := m.snap.OlderRuns()
	if s.runs == nil {
		s.runs = map[int][]int{}
	}
	began := time.Now()
	s.left = 0
	for _, n := range slices.Backward(starts) {
		if _, known := s.runs[n]; known {
			continue
		}
		if s.left > 0 || time.Since(began) > lookFor {
			s.left++
			continue
		}
		s.look(m, n)
	}
	if s.left == 0 && len(starts) > 0 {
		s.again++
		s.look(m, starts[s.again%len(starts)])
	}
	if len(s.runs) > len(starts) {
		for n := range s.runs {
			if n < starts[0] {
				delete(s.runs, n)
			}
		}
	}
	for _, n := range starts {
		s.rows = append(s.rows, s.runs[n]...)
	}
}

// look looks at one run of older rows.
func (s *search) look(m *Model, n int) {
	var pass []int
	for _, e := range m.snap.OlderRun(n) {
		text := ""
		if s.worded() {
			text = m.words(e)
		}
		if s.by.holds(m, e, text) {
			pass = append(pass, e.N)
		}
	}
	s.runs[n] = pass
}

// matches says how many rows pass, and how many were looked at.
func (t *trafficPane) matches(m *Model) string {
	if wrong := (wrongWord{}); errors.As(t.wrong, &wrong) {
		return m.look.state[diagnostics.Warn] + " " + m.t(wrong.key, diagnostics.Clean(wrong.word))
	}
	all := m.newest() - m.snap.Oldest() + 1
	if t.left > 0 {
		runs := len(m.snap.OlderRuns())
		return m.look.state[diagnostics.Unknown] + " " + m.t("filter.searching", len(t.rows), all, 100*(runs-t.left)/runs)
	}
	return m.look.state[diagnostics.OK] + " " + m.t("filter.matches", len(t.rows), all)
}

// startFilter begins to type a filter, with the one that holds.
func (m *Model) startFilter() tea.Cmd {
	m.typing = true
	m.input.SetValue(m.traffic().filter)
	m.input.CursorEnd()
	if m.view != scope {
		m.setView(scope)
	}
	m.focus = traffic
	m.input.ShowSuggestions = true
	m.suggest()
	return m.input.Focus()
}

// typeFilter edits the filter; the list follows every key. tab completes, up and down go through what was used before.
func (m *Model) typeFilter(msg tea.KeyPressMsg) tea.Cmd {
	t := m.traffic()
	switch k := msg.String(); k {
	case "enter":
		m.typing = false
		if f := strings.TrimSpace(t.filter); f != "" && t.wrong == nil {
			t.recent = append(slices.DeleteFunc(t.recent, func(s string) bool { return s == f }), f)
		}
		return nil
	case "esc", "ctrl+c":
		m.typing = false
		m.setFilter("")
		return nil
	case "pgup", "pgdown":
		return m.press(k)
	case "up", "down":
		at := slices.Index(t.recent, m.input.Value())
		switch {
		case k == "up" && at < 0:
			at = len(t.recent) - 1
		case k == "up":
			at--
		case at >= 0:
			at++
		default:
			return nil
		}
		if at < 0 || at >= len(t.recent) {
			return nil
		}
		m.input.SetValue(t.recent[at])
		m.input.CursorEnd()
		m.setFilter(m.input.Value())
		return nil
	}
	var cmd tea.Cmd
	m.input, cmd = m.input.Update(msg)
	m.setFilter(m.input.Value())
	m.suggest()
	return cmd
}

// suggest offers what can stand after what was typed.
func (m *Model) suggest() {
	typed := m.input.Value()
	at := strings.LastIndexByte(typed, ' ') + 1
	var list []string
	for _, c := range m.completions(typed[at:]) {
		list = append(list, typed[:at]+c)
	}
	m.input.SetSuggestions(list)
}
