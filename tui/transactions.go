package tui

import (
	"cmp"
	"slices"
	"strings"

	"tillscope/diagnostics"
)

// transactionsPane lists every transaction with the stage that it reached and what stopped it, and sums up what has not
// arrived by its cause.
type transactionsPane struct {
	scroll
	sel  int                      // number of the selected transaction
	gone *diagnostics.Transaction // it, when it is no longer kept one by one and not in the list
	last *diagnostics.Transaction // it, as it was while it was kept: it may go while somebody reads its story
	by   int                      // column that sorts
	wide int                      // cells of a row when last drawn
	down bool
	list []*diagnostics.Transaction
}

// column is one of the table. Below min cells of the pane's width it goes away; below roomy cells of it, it is narrow, so that
// the cause has room, for which the table is there.
type column struct {
	key    string // of its heading
	width  int
	narrow int
	min    int
	right  bool
	less   func(a, b *diagnostics.Transaction) int
}

var columns = []column{
	{"#", 5, 5, 0, true, func(a, b *diagnostics.Transaction) int { return a.N - b.N }},
	{"time", 9, 9, 100, false, func(a, b *diagnostics.Transaction) int { return a.At.Compare(b.At) }},
	{"terminal", 9, 6, 0, false, func(a, b *diagnostics.Transaction) int { return strings.Compare(a.Terminal, b.Terminal) }},
	{"type", 17, 14, 62, false, func(a, b *diagnostics.Transaction) int { return strings.Compare(a.Type, b.Type) }},
	{"STAN", 8, 7, 76, false, func(a, b *diagnostics.Transaction) int { return strings.Compare(a.STAN, b.STAN) }},
	{"card", 18, 18, 140, false, func(a, b *diagnostics.Transaction) int { return strings.Compare(a.Card, b.Card) }},
	{"amount", 13, 12, 0, true, func(a, b *diagnostics.Transaction) int { return cmp.Compare(a.Amount, b.Amount) }},
	{"39", 4, 3, 0, false, func(a, b *diagnostics.Transaction) int { return strings.Compare(a.ResponseCode, b.ResponseCode) }},
	{"stage", 13, 12, 0, false, func(a, b *diagnostics.Transaction) int { return rank(a.Stage) - rank(b.Stage) }},
	{"cause", 0, 0, 0, false, func(a, b *diagnostics.Transaction) int { return strings.Compare(a.Cause, b.Cause) }},
}

// roomy is the width from which columns are as wide as they like.
const roomy = 90

func rank(stage string) int { return slices.Index(diagnostics.Stages[:], stage) }

func (t *transactionsPane) title(m *Model) (string, string) {
	at := t.index() + 1
	if t.gone != nil {
		at = 0
	}
	right := m.t("transactions.sorted", m.heading(columns[t.by])) + " " + itoa(at) + "/" + itoa(len(t.list))
	if n := m.snap.Folded; n > 0 {
		right += " " + m.look.dot + " " + m.t("transactions.folded", n)
	}
	return m.t("pane.transactions"), right
}

func (m *Model) heading(c column) string {
	if key := "col." + c.key; m.lang.Has(key) {
		return m.t(key)
	}
	return c.key
}

// order sorts the snapshot's transactions as the user chose. What is equal stays in the order of the line.
func (t *transactionsPane) order(m *Model) {
	t.list = m.snap.Transactions
	if t.by != 0 || t.down {
		t.list = slices.Clone(t.list)
		slices.SortStableFunc(t.list, func(a, b *diagnostics.Transaction) int {
			if t.down {
				a, b = b, a
			}
			return columns[t.by].less(a, b)
		})
	}
	if x := m.snap.Transaction(t.sel); x != nil {
		t.last = x
	} else if t.gone == nil && t.last != nil && t.last.N == t.sel {
		if x := *t.last; m.refate(&x) {
			t.gone = &x
		}
	}
	if t.sel == 0 && len(t.list) > 0 { // at first, what needs an explanation
		at := slices.IndexFunc(t.list, func(x *diagnostics.Transaction) bool { return stateOf(x) == diagnostics.Fail })
		t.sel = t.list[max(at, 0)].N
	}
}

func (t *transactionsPane) index() int {
	return max(slices.IndexFunc(t.list, func(x *diagnostics.Transaction) bool { return x.N == t.sel }), 0)
}

// stateOf tells how a transaction stands.
func stateOf(x *diagnostics.Transaction) diagnostics.State {
	switch {
	case x.Cause == pending:
		return diagnostics.OK
	case x.Cause != "":
		return diagnostics.Fail
	case x.Arrived == "no":
		return diagnostics.Warn
	case rank(x.Stage) >= rank("confirmed"):
		return diagnostics.OK
	}
	return diagnostics.Unknown
}

// moves says that a transaction is on the way to an account: a sign-on moves no money, and an upload tells of money once more.
func moves(x *diagnostics.Transaction) bool {
	switch x.Type {
	case "sale", "void", "refund", "preauth", "completion", "adjust":
		return true
	}
	return false
}

// sums are what has not arrived, by cause and currency: lines for the foot of the table.
func (m *Model) sums(w int) (out []string) {
	var all diagnostics.Sums
	by := map[string]diagnostics.Money{}
	n := 0
	list := tally(m.snap.Transactions, func(x *diagnostics.Transaction) string {
		if x.Arrived != "no" || x.Amount == 0 || x.Doubtful {
			return ""
		}
		key := x.Cause + "|" + x.Currency
		sum := diagnostics.Money{Currency: x.Currency, Amount: x.Amount}
		n, all = n+1, all.Add(sum)
		sum.Amount += by[key].Amount
		by[key] = sum
		return key
	})
	out = append(out, m.look.p(strong, " "+m.t("transactions.lost", n, m.look.yuans(all.String()))))
	for _, c := range list {
		name := m.t("transactions.nocause")
		if cause, _, _ := strings.Cut(c.key, "|"); cause != "" {
			name = m.t("cause." + cause)
		}
		out = append(out, m.look.fit("  "+m.look.flushRight(m.look.yuans(by[c.key].String()), 14)+m.look.flushRight(itoa(c.n), 6)+"  "+name, w))
	}
	return out
}

func (t *transactionsPane) draw(m *Model, w, h int) []string {
	t.order(m)
	if len(t.list) == 0 {
		return indent(fold(m.t("transactions.none"), w-2, ""))
	}
	sums := m.sums(w)
	if most := max(h/3, 1); len(sums) > most {
		sums = sums[:most]
	}
	rows := max(h-1-1-len(sums), 1)
	at := t.index()
	t.long, t.high = len(t.list), rows
	t.to(at, rows)
	t.scroll.move(0)
	out := []string{m.look.p(strong, t.line(m, w, func(c column) string {
		s := m.heading(c)
		if brief := "col." + c.key + ".brief"; w < roomy && m.lang.Has(brief) {
			s = m.t(brief)
		}
		if c.key == columns[t.by].key {
			s += map[bool]string{false: "^", true: "v"}[t.down]
		}
		return s
	}))}
	for i := t.top; i < min(t.top+rows, len(t.list)); i++ {
		s := t.line(m, w, t.cells(m, t.list[i]))
		if i == at && t.gone == nil {
			s = m.look.p(selected, s)
		} else if stateOf(t.list[i]) == diagnostics.Fail {
			s = m.look.p(plain, s)
		} else {
			s = m.look.p(dim, s)
		}
		out = append(out, s)
	}
	for len(out) < rows+1 {
		out = append(out, "")
	}
	out = append(out, m.look.p(edge, strings.Repeat(m.look.borders.h, w)))
	return append(out, sums...)
}

// cells are what a transaction has to say in each column.
func (t *transactionsPane) cells(m *Model, x *diagnostics.Transaction) func(column) string {
	return func(c column) string {
		switch c.key {
		case "#":
			return itoa(x.N)
		case "time":
			return x.At.Local().Format("15:04:05")
		case "terminal":
			return cmp.Or(m.names[x.Terminal], diagnostics.Clean(x.Terminal))
		case "type":
			return m.t("type." + x.Type)
		case "STAN":
			return diagnostics.Clean(x.STAN)
		case "card":
			return diagnostics.Clean(x.Card)
		case "amount":
			if x.Amount != 0 {
				return diagnostics.Clean(m.look.money(itoa(int(x.Amount)), x.Currency))
			}
		case "39":
			return diagnostics.Clean(x.ResponseCode)
		case "stage":
			stage := x.Stage
			if !moves(x) && rank(stage) > rank("answered") {
				stage = "answered"
			}
			return m.look.state[stateOf(x)] + " " + m.t("stage."+stage)
		case "cause":
			switch {
			case x.Cause != "":
				return m.t("cause." + x.Cause)
			case x.Arrived == "no":
				return m.t("transactions.nocause")
			}
		}
		return ""
	}
}

// room is how many cells a column has on w: 0 where it is left out, -1 for the one that takes the rest.
func (c column) room(m *Model, w int) int {
	wide := c.width
	if w < roomy {
		wide = c.narrow
	}
	n := len(m.snap.Transactions)
	switch {
	case w < c.min:
		return 0
	case c.width == 0:
		return -1
	case n > 0 && c.key == "#": // a number that is cut is another number
		return max(wide, len(itoa(m.snap.Transactions[n-1].N))+2)
	}
	return wide
}

func (t *transactionsPane) line(m *Model, w int, cell func(column) string) string {
	t.wide = w
	var b strings.Builder
	for _, c := range columns {
		switch s, wide := cell(c), c.room(m, w); {
		case wide == 0:
		case wide < 0 && w-width(b.String()) < 10: // a stump says nothing
		case wide < 0:
			b.WriteString(s)
		case c.right:
			b.WriteString(m.look.flushRight(s, wide-2) + "  ")
		default:
			b.WriteString(m.look.fit(s, wide-1) + " ")
		}
	}
	return m.look.fit(b.String(), w)
}

// sortBy goes on to the next column that is in sight.
func (t *transactionsPane) sortBy(_ *Model, by int) {
	t.by = (t.by + by + len(columns)) % len(columns)
	if columns[t.by].key == "39" || columns[t.by].key == "card" {
		t.by++ // not worth a stop
	}
	t.down = columns[t.by].key == "amount" // the largest first
}

func (t *transactionsPane) move(m *Model, by int) {
	t.order(m)
	t.gone = nil
	if len(t.list) > 0 {
		t.sel = t.list[min(max(t.index()+by, 0), len(t.list)-1)].N
	}
}

// show selects a transaction, of the list or one that is no longer in it.
func (t *transactionsPane) show(m *Model, x *diagnostics.Transaction) {
	t.sel, t.gone = x.N, nil
	if m.snap.Transaction(x.N) == nil {
		t.gone = x
	}
	t.order(m)
}

// current is the selected transaction, or nil.
func (t *transactionsPane) current(m *Model) *diagnostics.Transaction {
	t.order(m)
	if t.gone != nil && m.refate(t.gone) {
		return t.gone
	}
	t.gone = nil
	if len(t.list) == 0 {
		return nil
	}
	return t.list[t.index()]
}

// open goes to the transaction's story.
func (t *transactionsPane) open(m *Model) { m.focus = story }

// click on a row selects it, and opens the one that is; on a heading, it sorts by it, and then the other way round.
func (t *transactionsPane) click(m *Model, col, row int) {
	if row == 0 {
		for i, c := range columns {
			wide := c.room(m, t.wide)
			if wide < 0 || col < wide {
				t.by, t.down = i, i == t.by && !t.down || i != t.by && c.key == "amount"
				return
			}
			col -= wide
		}
	}
	if i := t.top + row - 1; row > 0 && row <= t.high && i < len(t.list) {
		if t.list[i].N == t.sel {
			t.open(m)
		}
		t.sel, t.gone = t.list[i].N, nil
	}
}
