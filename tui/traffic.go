package tui

import (
	"cmp"
	"slices"
	"sort"
	"strings"

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
	first  int // number of the first row, when all are listed
	n      int // how many rows are listed
	high   int // rows when last drawn
	recent []string
	search
}

func (t *trafficPane) title(m *Model) (string, string) {
	right := ""
	if t.n > 0 {
		right = itoa(t.index()+1) + "/" + itoa(t.n)
	}
	return m.t("pane.traffic"), right
}

// number is the entry number of the i-th row.
func (t *trafficPane) number(i int) int {
	if t.filter == "" {
		return t.first + i
	}
	return t.rows[i]
}

// take adopts a new snapshot, or the same one after the filter changed.
func (t *trafficPane) take(m *Model) {
	t.first, t.n = m.snap.Oldest(), 0
	if k := len(m.snap.Entries); k > 0 {
		t.n = m.snap.FirstEntry + k - t.first
	}
	if t.filter != "" {
		t.run(m)
		t.n = len(t.rows)
	}
	switch {
	case t.n == 0:
		t.sel = 0
	case t.follow || t.sel == 0:
		t.sel = t.number(t.n - 1)
	default:
		t.sel = t.number(t.index())
	}
}

// index is the place of the selected entry in the list, or of the nearest that is still there.
func (t *trafficPane) index() int { return t.find(t.sel) }

func (t *trafficPane) find(n int) int {
	i := sort.Search(t.n, func(i int) bool { return t.number(i) >= n })
	return max(min(i, t.n-1), 0)
}

// newest is the number of the latest entry, 0 when there is none.
func (m *Model) newest() int { return m.snap.FirstEntry + len(m.snap.Entries) - 1 }

// fresh counts the entries that came since following stopped.
func (t *trafficPane) fresh(m *Model) int {
	if t.follow || len(m.snap.Entries) == 0 {
		return 0
	}
	return m.newest() - t.last
}

// crowded is the rate, in messages a second, from which a slow line gets counters in place of rows that rush by.
const crowded = 10

// nothing says why there is no traffic to show.
func (m *Model) nothing(w int) []string {
	key := "traffic.waiting"
	if m.snap.Ended {
		key = "traffic.none"
	}
	out := fold(m.t(key), w-2, "")
	if m.snap.Err != "" {
		for _, line := range fold(diagnostics.Clean(m.snap.Err), w-2, "") {
			out = append(out, m.look.p(bad, line))
		}
	}
	return indent(out)
}

func (t *trafficPane) draw(m *Model, w, h int) []string {
	if t.n == 0 {
		if t.filter != "" {
			return indent(fold(m.t("traffic.nomatch"), w-2, ""))
		}
		return m.nothing(w)
	}
	if m.low && t.follow && m.snap.Rate > crowded && !m.snap.Ended {
		return m.counters(w, h)
	}
	var out []string
	t.high = h
	at, top := t.index(), t.find(t.top)
	top = min(max(min(top, at), at-h+1), max(t.n-h, 0))
	if top == 0 && t.first > 1 && t.filter == "" {
		out = append(out, m.look.p(dim, " "+m.t("traffic.gap", t.first-1)))
		h--
		top = max(top, at-h+1)
	}
	t.top = t.number(top)
	pair := 0
	if e := t.current(m); e != nil {
		pair = e.Pair
	}
	for i := top; i < min(top+h, t.n); i++ {
		e := m.entry(t.number(i))
		if e == nil {
			continue
		}
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
			r.parts = append(r.parts, part{token: accent, text: "  " + m.look.mark + " " + note})
		}
		out = append(out, gutter+r.paint(m.look, w-1, i == at))
	}
	return out
}

// move changes the selection. Leaving the newest row stops following, coming back to it resumes.
func (t *trafficPane) move(m *Model, by int) {
	if t.n == 0 {
		return
	}
	end := t.n - 1
	at := min(max(t.index()+by, 0), end)
	if t.follow && at < end {
		t.last = m.newest()
	}
	t.follow = at == end && by > 0 || t.follow && at == end
	t.sel = t.number(at)
}

// show selects an entry by number. A filter that hides it is dropped.
func (t *trafficPane) show(m *Model, n int) bool {
	if t.n == 0 || t.number(t.find(n)) != n {
		if t.filter == "" {
			return false
		}
		m.setFilter("")
		return t.show(m, n)
	}
	if t.follow {
		t.last = m.newest()
	}
	t.sel, t.follow = n, false
	t.top = t.number(max(t.find(n)-t.high/2, 0)) // in the middle: what was before it tells as much as what came after
	return true
}

// open goes to the message pane.
func (t *trafficPane) open(m *Model) { m.focus = message }

func (t *trafficPane) click(m *Model, _, row int) {
	i := t.find(t.top) + row
	if row < 0 || i >= t.n {
		return
	}
	if t.number(i) == t.sel {
		t.open(m)
		return
	}
	t.move(m, i-t.index())
}

// current is the selected entry, or nil.
func (t *trafficPane) current(m *Model) *diagnostics.Entry {
	if t.n == 0 {
		return nil
	}
	return m.entry(t.number(t.index()))
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
