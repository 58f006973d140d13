package tui

import (
	"sort"
	"strings"

	"tillscope/diagnostics"
)

// trafficPane lists what passed on the line, newest at the bottom. It keeps its place by entry number, so that rows that
// leave the ring or a filter never move the cursor to another message.
type trafficPane struct {
	follow bool
	sel    int // number of the selected entry, 0 when there is none
	top    int // number of the first entry in sight
	last   int // number of the newest entry when following stopped
	high   int // rows in sight when last drawn
	filter string
	wrong  string // the word of the filter that cannot be read

	rows  []*diagnostics.Entry
	cache map[int]filtered
}

// filtered is the text of an entry that the filter searches. Entries are replaced when their pair is found.
type filtered struct {
	e    *diagnostics.Entry
	text string
}

func (t *trafficPane) title(m *Model) (string, string) {
	right := ""
	if n := len(t.rows); n > 0 {
		right = itoa(t.index()+1) + "/" + itoa(n)
	}
	return m.t("pane.traffic"), right
}

// take adopts a new snapshot, or the same one after the filter changed.
func (t *trafficPane) take(m *Model) {
	t.rows = m.snap.Entries
	t.wrong = ""
	if t.filter != "" {
		f, err := parseFilter(t.filter)
		if err != nil {
			t.wrong = err.Error()
		}
		t.rows = t.search(m, f)
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

// search keeps the rows that pass.
func (t *trafficPane) search(m *Model, by filter) []*diagnostics.Entry {
	var out []*diagnostics.Entry
	if t.cache == nil || len(t.cache) > 2*len(m.snap.Entries)+1000 {
		t.cache = make(map[int]filtered, len(m.snap.Entries))
	}
	for _, e := range m.snap.Entries {
		f := t.cache[e.N]
		if f.e != e {
			f = filtered{e, strings.ToLower(m.rowOf(e, false).text() + " " + e.Terminal)}
			t.cache[e.N] = f
		}
		if by.holds(m, e, f.text) {
			out = append(out, e)
		}
	}
	return out
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
	return m.t("filter.matches", len(t.rows), len(m.snap.Entries))
}

func (t *trafficPane) draw(m *Model, w, h int) []string {
	t.high = h
	if len(t.rows) == 0 {
		key := "traffic.waiting"
		switch {
		case t.filter != "":
			key = "traffic.nomatch"
		case m.snap.Ended:
			key = "traffic.none"
		}
		return []string{"", " " + m.look.p(dim, m.t(key))}
	}
	at, top := t.index(), t.find(t.top)
	top = min(max(min(top, at), at-h+1), max(len(t.rows)-h, 0))
	t.top = t.rows[top].N
	out := make([]string, 0, h)
	for i := top; i < min(top+h, len(t.rows)); i++ {
		if i == 0 && top == 0 && m.snap.FirstEntry > 1 && i != at {
			out = append(out, m.look.p(dim, " "+m.t("traffic.gap", m.snap.FirstEntry-1)))
			continue
		}
		out = append(out, m.rowOf(t.rows[i], w < 72).paint(m.look, w, i == at))
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
		t.filter = ""
		t.take(m)
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

// current is the selected entry, or nil.
func (t *trafficPane) current() *diagnostics.Entry {
	if len(t.rows) == 0 {
		return nil
	}
	return t.rows[t.index()]
}
