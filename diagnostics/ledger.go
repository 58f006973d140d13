package diagnostics

import (
	"cmp"
	"strconv"
	"strings"
	"time"
)

// txn is a transaction being followed. The exported part is copied into snapshots when it changes.
type txn struct {
	Transaction
	snap       *Transaction
	req        *exchange
	answered   bool
	respN      int
	batch      string
	bin        string
	reversalN  int  // entry of the latest reversal, 0 when none
	revRefused bool // the host would not reverse it
	voided     bool
	settled    bool
	late       bool // the answer came after the terminal had given up
}

func (t *txn) moves() bool {
	switch t.Type {
	case "sale", "void", "refund", "preauth", "completion":
		return true
	}
	return false
}

func approvedCode(c string) bool {
	switch c {
	case "00", "08", "10", "11", "16", "A2", "A4", "A5", "A6":
		return true
	}
	return false
}

// ReversalAccepted says whether a response code to a reversal (0410) means that nothing is booked any more: done, no
// original found, or no such transaction to undo. Terminals drop their stored reversal on these.
func ReversalAccepted(code string) bool { return code == "00" || code == "25" || code == "12" }

func (t *txn) approved() bool { return t.answered && approvedCode(t.ResponseCode) }
func (t *txn) reversed() bool { return t.reversalN > 0 && !t.revRefused }

// exchange is a request and its answer.
type exchange struct {
	n        int
	conn     *conn
	terminal string
	at       time.Time
	txn      *txn
	reversal bool
	answered bool
}

// ledger pairs messages and follows transactions.
type ledger struct {
	open                         map[string][]*exchange // by line, class and STAN, oldest first
	waits                        []*exchange            // requests, answered ones are swept out now and then
	txns                         []*txn
	byStan                       map[string][]*txn // terminal and STAN
	toClose                      map[string][]*txn // approved and not settled yet, by terminal
	requests, responses, orphans int
	cards, chip, fallback        int
}

func newLedger() ledger {
	return ledger{open: map[string][]*exchange{}, byStan: map[string][]*txn{}, toClose: map[string][]*txn{}}
}

func requestClass(mti string) string { // an odd third digit answers the even one before it
	return mti[1:2] + string(mti[2]&^1)
}

func sub(s string, from, n int) string {
	if len(s) < from+n {
		return ""
	}
	return s[from : from+n]
}

func digits(s string) bool {
	return s != "" && strings.Trim(s, "0123456789") == ""
}

func kindOf(mti, f3, f60 string) string {
	switch mti[1] {
	case '8':
		code := sub(f60, 8, 3)
		if mti[:3] == "080" && (code == "" || strings.HasPrefix(code, "00") || code == "401") {
			return "signon"
		}
		if code == "301" {
			return "echo"
		}
		return "management"
	case '5':
		return "settlement"
	case '3':
		return "upload"
	case '6':
		return "management"
	}
	switch sub(f60, 0, 2) {
	case "01", "03":
		return "balance"
	case "10":
		return "preauth"
	case "11", "21", "23":
		return "void"
	case "20", "24":
		return "completion"
	case "22", "30", "36":
		return "sale"
	case "25", "27":
		return "refund"
	}
	switch sub(f3, 0, 2) {
	case "20", "02":
		if mti[:3] == "022" {
			return "refund"
		}
		return "void"
	case "31", "30":
		return "balance"
	case "03":
		return "preauth"
	}
	if mti[1] == '1' {
		return "preauth"
	}
	return "sale"
}

// take books one decoded message; ok says that it answers a request, lat after which time.
func (l *ledger) take(s *Session, c *conn, e *Entry) (lat time.Duration, ok bool) {
	m := e.Msg
	if len(m.MTI) != 4 {
		return 0, false
	}
	stan, term := m.Get(11), strings.TrimSpace(m.Get(41))
	key := strconv.Itoa(c.line.ID) + "|" + requestClass(m.MTI) + "|" + stan
	if !isResponse(m.MTI) {
		l.request(s, c, e, key, stan, cmp.Or(term, c.terminal))
		return 0, false
	}
	l.responses++
	x := l.match(key, term, c)
	if x == nil {
		l.orphans++
		return 0, false
	}
	x.answered = true
	lat = max(e.At.Sub(x.at), 0)
	n := 0
	if x.txn != nil {
		n = x.txn.N
		l.answer(x, e)
		// A terminal that only ends its sending does so with the request; one that waited first has given up.
		if x.conn == c && !c.gaveUp.IsZero() && c.gaveUp.Sub(x.at) >= s.patience() && !e.At.Before(c.gaveUp) {
			x.txn.late = true
		}
	}
	s.change(x.n, func(q *Entry) { q.Pair = e.N })
	s.change(e.N, func(q *Entry) { q.Pair, q.Latency, q.Txn = x.n, lat, n })
	return lat, true
}

// match finds the request: of the same terminal, the same connection before others, the newest first.
func (l *ledger) match(key, term string, c *conn) *exchange {
	list := l.open[key]
	best := -1
	for i := len(list) - 1; i >= 0; i-- {
		x := list[i]
		if term != "" && x.terminal != "" && x.terminal != term {
			continue
		}
		if x.conn == c {
			best = i
			break
		}
		if best < 0 {
			best = i
		}
	}
	if best < 0 {
		return nil
	}
	x := list[best]
	if len(list) == 1 {
		delete(l.open, key)
	} else {
		l.open[key] = append(list[:best:best], list[best+1:]...)
	}
	return x
}

func (l *ledger) request(s *Session, c *conn, e *Entry, key, stan, term string) {
	m := e.Msg
	l.requests++
	x := &exchange{n: e.N, conn: c, terminal: term, at: e.At}
	l.open[key] = append(l.open[key], x)
	l.waits = append(l.waits, x)
	if len(l.waits) > 1024 && len(l.waits)&1023 == 0 {
		kept := l.waits[:0:0]
		for _, w := range l.waits {
			if !w.answered {
				kept = append(kept, w)
			}
		}
		l.waits = kept
	}
	var t *txn
	if m.MTI[1] == '4' {
		x.reversal = true
		if t = l.find(c.line.ID, term, stan, m.Get(4)); t != nil {
			t.reversalN, t.revRefused = e.N, false
		}
	}
	if t == nil {
		kind := "reversal"
		if !x.reversal {
			kind = kindOf(m.MTI, m.Get(3), m.Get(60))
		}
		amount, _ := strconv.ParseInt(m.Get(4), 10, 64)
		t = &txn{Transaction: Transaction{N: len(l.txns) + 1, Line: c.line.ID, Type: kind, MTI: m.MTI, STAN: stan, RRN: strings.TrimSpace(m.Get(37)),
			Terminal: term, Amount: amount, Currency: m.Get(49), Card: m.PAN(), At: e.At}, batch: sub(m.Get(60), 2, 6)}
		if bin := sub(t.Card, 0, 6); digits(bin) {
			t.bin = bin
		}
		t.req = x
		if x.reversal {
			t.reversalN = e.N
		} else {
			l.entryMode(m.Get(22), m.Get(60))
		}
		l.txns = append(l.txns, t)
		k := term + "|" + stan
		l.byStan[k] = append(l.byStan[k], t)
	}
	x.txn = t
	t.Messages = append(t.Messages, e.N)
	s.change(e.N, func(q *Entry) { q.Txn = t.N })
}

// entryMode counts how cards were read. A fallback is a stripe (02) although F60.5 says that the chip was tried and failed.
func (l *ledger) entryMode(f22, f60 string) {
	switch mode := sub(f22, 0, 2); mode {
	case "05", "07", "95", "98":
		l.cards++
		l.chip++
	case "02", "90", "91":
		l.cards++
		if mode == "02" && sub(f60, 12, 1) == "2" {
			l.fallback++
		}
	}
}

// find is the newest transaction that a reversal can mean: amounts must agree when both name one.
func (l *ledger) find(line int, term, stan, amount string) *txn {
	list := l.byStan[term+"|"+stan]
	want, err := strconv.ParseInt(amount, 10, 64)
	for i := len(list) - 1; i >= 0; i-- {
		t := list[i]
		if t.Line == line && t.moves() && (err != nil || want == t.Amount) {
			return t
		}
	}
	return nil
}

func (l *ledger) answer(x *exchange, e *Entry) {
	t, m := x.txn, e.Msg
	t.Messages = append(t.Messages, e.N)
	code := CodeOf(m.Get(39))
	if x.reversal {
		t.revRefused = code != "" && !ReversalAccepted(code)
		if t.Type != "reversal" {
			return
		}
	}
	t.answered, t.respN, t.ResponseCode = true, e.N, code
	if r := strings.TrimSpace(m.Get(37)); r != "" {
		t.RRN = r
	}
	t.Currency = cmp.Or(t.Currency, m.Get(49))
	if t.batch == "" {
		t.batch = sub(m.Get(60), 2, 6)
	}
	if !t.approved() {
		return
	}
	switch {
	case t.Type == "settlement":
		if sub(m.Get(48), 30, 1) == "1" && code == "00" {
			l.settle(t)
		}
	case t.Type == "void":
		if o := m.Get(61); len(o) >= 12 {
			l.void(t, o[6:12])
		}
	}
	if t.moves() {
		l.toClose[t.Terminal] = append(l.toClose[t.Terminal], t)
	}
}

func (l *ledger) void(t *txn, stan string) {
	list := l.byStan[t.Terminal+"|"+stan]
	for i := len(list) - 1; i >= 0; i-- {
		if o := list[i]; o != t && o.Line == t.Line && o.Type != "void" && o.moves() {
			o.voided = true
			return
		}
	}
}

func (l *ledger) settle(s *txn) {
	var rest []*txn
	for _, t := range l.toClose[s.Terminal] {
		if t.Line == s.Line && (t.batch == "" || s.batch == "" || t.batch == s.batch) {
			t.settled = !t.reversed()
		} else {
			rest = append(rest, t)
		}
	}
	l.toClose[s.Terminal] = rest
}

// unanswered says that a request will most likely stay without answer: its connection is gone, or it has waited longer
// than patience.
func (x *exchange) unanswered(now time.Time, patience time.Duration) bool {
	return !x.answered && (x.conn.closed || now.Sub(x.at) > patience)
}
