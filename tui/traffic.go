package tui

import (
	"cmp"
	"slices"
	"sort"
	"strings"

	tea "charm.land/bubbletea/v2"

	"tillscope/diagnostics"
)

// trafficPane lists what passed on the line, newest at the bottom. It keeps its place by entry number, so that rows that
// leave the ring or a filter never move the cursor to another message. It draws the rows in sight only: its cost does not
// grow with the ring.
type trafficPane struct {
	follow bool
	sel    int // number of the selected entry, 0 when there is none
	top    int // number of the first entry in sight
	last   int // number of the newest entry when following stopped
	filter string
	wrong  string // the word of the filter that cannot be read
	recent []string

	rows   []*diagnostics.Entry
	first  int      // number of the entry that judged begins with
	judged []judged // of the snapshot's entries
	by     filter
}

// judged is an entry as the filter last saw it. Entries are replaced when their pair is found, transactions when they move.
type judged struct {
	e     *diagnostics.Entry
	t     *diagnostics.Transaction
	text  string // what words are searched in, empty until a filter asks
	known bool   // pass is of this filter
	pass  bool
}

func (t *trafficPane) title(m *Model) (string, string) {
	right := ""
	if n := len(t.rows); n > 0 {
		right = itoa(t.index()+1) + "/" + itoa(n)
	}
	return m.t("pane.traffic"), right
}

// forget makes the texts of all rows anew: a mark or the language has changed.
func (t *trafficPane) forget() { t.judged = nil }

// rejudge looks at all rows with another filter. Their texts stay.
func (t *trafficPane) rejudge(filter string) {
	t.filter = filter
	f, err := parseFilter(filter)
	t.by, t.wrong = f, ""
	if err != nil {
		t.wrong = err.Error()
	}
	for i := range t.judged {
		t.judged[i].known = false
	}
}

// take adopts a new snapshot, or the same one after the filter changed.
func (t *trafficPane) take(m *Model) {
	t.rows = m.snap.Entries
	if t.filter != "" {
		t.search(m)
	}
	switch {
	case len(t.rows) == 0:
		t.sel = 0
	case t.follow || t.sel == 0:
		t.sel = t.rows[len(t.rows)-1].N
	default:
		t.sel = t.rows[t.index()].N
	}
}

// search keeps the rows that pass. Only rows that are new or have changed are judged.
func (t *trafficPane) search(m *Model) {
	shift := m.snap.FirstEntry - t.first
	if shift < 0 {
		t.judged, shift = nil, 0
	}
	t.judged = slices.Delete(t.judged, 0, min(shift, len(t.judged)))
	t.first = m.snap.FirstEntry
	t.rows = nil
	worded := slices.ContainsFunc(t.by, func(w term) bool { return w.key == "" })
	for i, e := range m.snap.Entries {
		if i == len(t.judged) {
			t.judged = append(t.judged, judged{})
		}
		j, txn := &t.judged[i], m.txnOf(e)
		if j.e != e || j.t != txn {
			*j = judged{e: e, t: txn}
		}
		if !j.known {
			if worded && j.text == "" {
				j.text = strings.ToLower(m.writer.row(e, txn, m.names[e.Terminal], false).text() + " " + e.Terminal + " " + m.marks[e.N])
			}
			j.known, j.pass = true, t.by.holds(m, e, j.text)
		}
		if j.pass {
			t.rows = append(t.rows, e)
		}
	}
}

// index is the place of the selected entry in rows, or of the nearest that is still there.
func (t *trafficPane) index() int { return t.find(t.sel) }

func (t *trafficPane) find(n int) int {
	i := sort.Search(len(t.rows), func(i int) bool { return t.rows[i].N >= n })
	return max(min(i, len(t.rows)-1), 0)
}

// fresh counts the entries that came since following stopped.
func (t *trafficPane) fresh(m *Model) int {
	if t.follow || len(m.snap.Entries) == 0 {
		return 0
	}
	return m.snap.Entries[len(m.snap.Entries)-1].N - t.last
}

func (t *trafficPane) matches(m *Model) string {
	if t.wrong != "" {
		return m.look.state[diagnostics.Warn] + " " + m.t("filter.wrong", diagnostics.Clean(t.wrong))
	}
	return m.look.state[diagnostics.OK] + " " + m.t("filter.matches", len(t.rows), len(m.snap.Entries))
}

// crowded is the rate, in messages a second, from which a slow line gets counters in place of rows that rush by.
const crowded = 10

func (t *trafficPane) draw(m *Model, w, h int) []string {
	if len(t.rows) == 0 {
		key := "traffic.waiting"
		switch {
		case t.filter != "":
			key = "traffic.nomatch"
		case m.snap.Ended:
			key = "traffic.none"
		}
		return indent(fold(m.t(key), w-2, ""))
	}
	if m.low && t.follow && m.snap.Rate > crowded && !m.snap.Ended {
		return m.counters(w, h)
	}
	var out []string
	at, top := t.index(), t.find(t.top)
	top = min(max(min(top, at), at-h+1), max(len(t.rows)-h, 0))
	if top == 0 && m.snap.FirstEntry > 1 && t.filter == "" {
		out = append(out, m.look.p(dim, " "+m.t("traffic.gap", m.snap.FirstEntry-1)))
		h--
		top = max(top, at-h+1)
	}
	t.top = t.rows[top].N
	pair := t.rows[at].Pair
	for i := top; i < min(top+h, len(t.rows)); i++ {
		e := t.rows[i]
		_, marked := m.marks[e.N]
		gutter := " "
		switch {
		case marked:
			gutter = m.look.p(accent, m.look.mark)
		case e.N == pair:
			gutter = m.look.p(accent, "=") // the other half of the selected row
		}
		r := m.rowOf(e, w < 72)
		if note := m.marks[e.N]; note != "" {
			r.parts = append(r.parts, part{accent, "  " + m.look.mark + " " + note})
		}
		out = append(out, gutter+r.paint(m.look, w-1, i == at))
	}
	return out
}

// move changes the selection. Leaving the newest row stops following, coming back to it resumes.
func (t *trafficPane) move(m *Model, by int) {
	if len(t.rows) == 0 {
		return
	}
	end := len(t.rows) - 1
	at := min(max(t.index()+by, 0), end)
	if t.follow && at < end {
		t.last = m.snap.Entries[len(m.snap.Entries)-1].N
	}
	t.follow = at == end && by > 0 || t.follow && at == end
	t.sel = t.rows[at].N
}

// show selects an entry by number. A filter that hides it is dropped.
func (t *trafficPane) show(m *Model, n int) bool {
	if i := t.find(n); len(t.rows) == 0 || t.rows[i].N != n {
		if t.filter == "" {
			return false
		}
		m.setFilter("")
		return t.show(m, n)
	}
	if t.follow {
		t.last = m.snap.Entries[len(m.snap.Entries)-1].N
	}
	t.sel, t.follow = n, false
	return true
}

// open goes to the message pane.
func (t *trafficPane) open(m *Model) { m.focus = message }

func (t *trafficPane) click(m *Model, row int) {
	i := t.find(t.top) + row
	if row < 0 || i >= len(t.rows) {
		return
	}
	if t.rows[i].N == t.sel {
		t.open(m)
		return
	}
	t.move(m, i-t.index())
}

// current is the selected entry, or nil.
func (t *trafficPane) current() *diagnostics.Entry {
	if len(t.rows) == 0 {
		return nil
	}
	return t.rows[t.index()]
}

// counters are what a slow line shows of fast traffic: what came lately, by message type and by response code.
func (m *Model) counters(w, h int) []string {
	const recent = 500
	list := m.snap.Entries[max(len(m.snap.Entries)-recent, 0):]
	out := []string{" " + m.look.p(strong, m.t("low.counters", m.snap.Rate)), " " + m.look.p(dim, m.t("low.how", m.keys.first("freeze"), m.keys.first("lowbandwidth"))), ""}
	for _, b := range tally(list, func(e *diagnostics.Entry) string {
		if e.Msg == nil || e.Msg.Undecoded() {
			return ""
		}
		return strings.TrimSpace(e.Msg.MTI + " " + e.Msg.Get(39))
	}) {
		name := b.key
		if code := strings.TrimSpace(b.key[min(5, len(b.key)):]); code != "" {
			name += " " + m.meaningOf(code)
		}
		out = append(out, " "+m.look.ends(diagnostics.Clean(name), percent(b.n, len(list)), min(w-2, 60)))
	}
	return out[:min(len(out), h)]
}

// counted is how often a key was seen.
type counted struct {
	key string
	n   int
}

// tally counts keys, the most frequent first; an empty key counts nothing.
func tally[T any](list []T, key func(T) string) (out []counted) {
	at := map[string]int{}
	for _, x := range list {
		k := key(x)
		if k == "" {
			continue
		}
		i, ok := at[k]
		if !ok {
			i = len(out)
			at[k] = i
			out = append(out, counted{key: k})
		}
		out[i].n++
	}
	slices.SortStableFunc(out, func(a, b counted) int { return cmp.Or(b.n-a.n, strings.Compare(a.key, b.key)) })
	return out
}

func percent(n, of int) string { return itoa((n*100+of/2)/max(of, 1)) + "%" }

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
		if f := strings.TrimSpace(t.filter); f != "" && t.wrong == "" {
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
