package diagnostics

import (
	"strings"
	"time"

	"tillscope/wire"
)

// ledger pairs messages into exchanges and exchanges into transactions, as a terminal does it. What it keeps is bounded.
type ledger struct {
	pairs         map[pairKey]*exchange // the newest without answer
	first, last   *exchange             // all without answer, in order of sending
	free          *exchange             // answered ones, to be used again
	open          int                   // how many are without answer
	txns          []*txn                // those that are kept, in order
	nextTxn       int
	foldAt        int // how many may be kept before they are looked through
	foldMore      int // by how many more that is each time
	terminals     map[string]*terminal
	roster        []*terminal // the same, in the order in which they came up
	issuers       map[string]*issuer
	words         map[string]string // texts that come again and again: codes, currencies, batches
	folded        folded
	requests      int
	answers       int
	orphans       int // answers whose request was not seen
	forgotten     int // requests that stayed without answer and are no longer kept
	at            tally
	signs         signs
	cards         int
	chip, stripes int
}

// pairKey finds the request of an answer: line, class of message and trace number. There is no gap in it: so it is hashed in
// one go.
type pairKey struct {
	line  int
	class uint32
	stan  uint32
}

// exchange is a request that has no answer yet.
type exchange struct {
	key      pairKey
	n        int
	at       time.Time
	conn     *conn
	term     *terminal
	txn      *txn
	reversal bool
	pin      bool   // it carries a PIN
	card     uint64 // token of its card
	totals   bool   // it carries totals in UnionPay's form

	byTerm, byIssuer, all tally // occasions so far

	older        *exchange // of the same key
	before, next *exchange // in order of sending
}

func newLedger(foldMore int) ledger {
	return ledger{pairs: map[pairKey]*exchange{}, terminals: map[string]*terminal{}, issuers: map[string]*issuer{}, words: map[string]string{}, nextTxn: 1, foldMore: foldMore, foldAt: keptRecent + foldMore}
}

// word is a text of its own that is equal to one of a message, the same for all that are equal.
func (l *ledger) word(text string) string {
	w, ok := l.words[text]
	if !ok && text != "" {
		w = strings.Clone(text)
		if len(l.words) < keptWords {
			l.words[w] = w
		}
	}
	return w
}

// requestClass is the second and third digit of a message type, those of the request that an answer belongs to.
func requestClass(mti string) uint32 { // an odd third digit answers the even one before it
	return uint32(mti[1])<<8 | uint32(mti[2]&^1)
}

// traceKey is a trace number as a key. What is no number gets one of its own, above all numbers of six digits.
func traceKey(s string) uint32 {
	n, plain := uint32(0), len(s) <= 9
	for i := 0; plain && i < len(s); i++ {
		plain = s[i]-'0' <= 9
		n = n*10 + uint32(s[i]-'0')
	}
	if plain {
		return n
	}
	n = 2166136261
	for i := range len(s) {
		n = (n ^ uint32(s[i])) * 16777619
	}
	return n | 1<<31
}

func sub(s string, from, n int) string {
	if len(s) < from+n {
		return ""
	}
	return s[from : from+n]
}

func digits(s string) bool {
	for i := range len(s) {
		if s[i]-'0' > 9 {
			return false
		}
	}
	return s != ""
}

// take books one decoded message, whose last byte came at whole; ok says that it answers a request, lat after which time.
func (l *ledger) take(s *Session, c *conn, e *Entry, whole time.Time) (lat time.Duration, ok bool) {
	m := e.Msg
	if len(m.MTI) != 4 {
		return 0, false
	}
	key := pairKey{c.line.ID, requestClass(m.MTI), traceKey(m.Get(11))}
	if !isResponse(m.MTI) {
		l.request(s, c, e, key)
		return 0, false
	}
	if m.Stop != nil && !m.Has(39) {
		return 0, false // cut off before it says anything: the terminal cannot take it for an answer
	}
	x := l.match(key, strings.TrimSpace(m.Get(41)), c)
	if x == nil {
		l.orphans++
		return 0, false
	}
	l.answers++
	x.term.heard++
	lat = max(whole.Sub(x.at), 0) // a terminal can do nothing with the first byte
	l.occasion(answers, x.term)
	if x.txn != nil {
		e.Txn = x.txn.N
		l.answer(s, x, e)
		if !x.reversal {
			x.txn.took = lat
		}
		if s.isLate(x, c, whole) {
			x.txn.late = true
			l.note(late, x.sign())
		}
	}
	e.Pair, e.Latency = x.n, lat
	s.change(x.n, func(q *Entry) { q.Pair = e.N })
	l.close(x)
	return lat, true
}

// match finds the request: of the same terminal, the same connection before others, the newest first.
func (l *ledger) match(key pairKey, term string, c *conn) *exchange {
	var best *exchange
	for x := l.pairs[key]; x != nil; x = x.older {
		if term != "" && x.term.id != "" && x.term.id != term {
			continue
		}
		if x.conn == c {
			return x
		}
		if best == nil {
			best = x
		}
	}
	if best == nil && c.unseen.IsZero() {
		best = l.only(key, c)
	}
	return best
}

// only is the one request of a class that a connection has open. An answer that repeats neither its trace number nor its
// terminal is its answer all the same, and damaged: nothing else was asked, unless the capture lacks some of it.
func (l *ledger) only(key pairKey, c *conn) (found *exchange) {
	for x, n := l.last, 0; x != nil && n < 64; x, n = x.before, n+1 {
		if x.conn != c || x.key.class != key.class {
			continue
		}
		if found != nil {
			return nil
		}
		found = x
	}
	return found
}

func (l *ledger) request(s *Session, c *conn, e *Entry, key pairKey) {
	m := e.Msg
	l.requests++
	if l.open >= keptOpen {
		x := l.first
		k, _ := s.fate(x)
		if x.txn != nil && !x.reversal {
			x.txn.fate = k
		}
		if k != fateless || !x.unseen() {
			l.forgotten++
		}
		l.close(x)
	}
	x := l.free
	if x == nil {
		x = &exchange{}
	} else {
		l.free = x.next
	}
	*x = exchange{key: key, n: e.N, at: e.At, conn: c, term: c.term, older: l.pairs[key], before: l.last}
	l.pairs[key] = x
	if l.last == nil {
		l.first = x
	} else {
		l.last.next = x
	}
	l.last = x
	l.open++
	l.occasion(requests, x.term)
	x.term.asked = e.At
	x.pin, x.card = m.Has(52), m.Card()
	if m.MTI[1] == '5' {
		x.totals = unionPayTotals(m.Get(48), "0")
	}
	var t *txn
	if m.MTI[1] == '4' {
		x.reversal = true
		if t = l.reversed(x.term, c.line.ID, m); t != nil {
			t.reversalN, t.revRefused = e.N, false
		}
	} else {
		t = l.repeated(x.term, key, m)
	}
	if t == nil {
		t = l.begin(s, x, e)
	} else {
		t.hear(m)
	}
	x.txn, e.Txn = t, t.N
	if t.issuer != nil {
		t.issuer.at[requests]++
		x.byIssuer = t.issuer.at
	}
	x.byTerm, x.all = x.term.at, l.at
	t.add(e.N)
	if len(t.Messages) == 1 && t.asks() {
		l.read(x, t, m)
	}
	l.requested(s, x, t, e)
}

// close takes an exchange out of the tables: it was answered, or is too old to be kept.
func (l *ledger) close(x *exchange) {
	if at := l.pairs[x.key]; at == x {
		if x.older == nil {
			delete(l.pairs, x.key)
		} else {
			l.pairs[x.key] = x.older
		}
	} else {
		for ; at != nil; at = at.older {
			if at.older == x {
				at.older = x.older
				break
			}
		}
	}
	if x.before == nil {
		l.first = x.next
	} else {
		x.before.next = x.next
	}
	if x.next == nil {
		l.last = x.before
	} else {
		x.next.before = x.before
	}
	l.open--
	*x = exchange{next: l.free}
	l.free = x
}

// add notes that a message belongs to a transaction.
func (t *txn) add(n int) {
	x := t.own()
	if x.Messages == nil {
		x.Messages = t.two[:0]
	}
	x.Messages = append(x.Messages, n) // behind what snapshots see of it
}

// begin starts a transaction with its request.
func (l *ledger) begin(s *Session, x *exchange, e *Entry) *txn {
	m := e.Msg
	kind := "reversal"
	if !x.reversal {
		kind = TypeOf(m)
	}
	amount, currency, _ := minorUnits(m)
	stan := m.Get(11)
	texts := stan + m.PAN() // a part of a message would keep the whole message, and more: they stand in blocks
	told := &Transaction{N: l.nextTxn, Line: x.key.line, Type: kind, MTI: m.MTI, STAN: texts[:len(stan)], RRN: strings.Clone(strings.TrimSpace(m.Get(37))), Terminal: x.term.id,
		Amount: amount, Currency: l.word(currency), Card: texts[len(stan):], At: e.At, Batch: l.word(batchOf(private(m)))}
	t := &txn{Transaction: told, moving: movesMoney(kind), doubtful: !whole(m), term: x.term, stan: x.key.stan, fate: fateless}
	l.nextTxn++
	t.issuer = l.issuerOf(t.Card)
	if x.reversal {
		t.reversalN = e.N
	} else {
		t.term.ready = t.term.ready || t.moves()
	}
	l.txns = append(l.txns, t)
	t.term.sent(t)
	if len(l.txns) >= l.foldAt {
		s.fold()
	}
	return t
}

// unionPayTotals says that field 48 has totals in UnionPay's form, n62, with one of these results at both of their places.
func unionPayTotals(f48, results string) bool {
	return len(f48) == 62 && digits(f48) && strings.IndexByte(results, f48[30]) >= 0 && strings.IndexByte(results, f48[61]) >= 0
}

// settlementResult is what the host found when it compared totals: 1 equal, 2 unequal, 3 error, 0 when it does not say.
func (x *exchange) settlementResult(m *wire.Message) byte {
	result := byte('0')
	if f48 := m.Get(48); x.totals && unionPayTotals(f48, "0123") {
		result = max(f48[30], f48[61]) // of domestic and of foreign cards: the worse one counts
	} else if f66 := strings.TrimLeft(m.Get(66), "0 "); f66 != "" {
		result = f66[0]
	} else if m.Get(39) == "501" {
		result = '2'
	}
	if result < '1' || result > '3' {
		return '0'
	}
	return result
}

// originalSTAN is the trace number of the transaction that a reversal or a void names: field 90, or 56 of the later
// versions, or 61 of UnionPay; empty when it names none.
func originalSTAN(m *wire.Message) string {
	for _, f := range [...]struct{ field, from int }{{90, 4}, {61, 6}, {56, 4}} {
		if v := sub(m.Get(f.field), f.from, 6); digits(v) && strings.Trim(v, "0") != "" {
			return v
		}
	}
	return ""
}

// reversed is the newest transaction that a reversal can mean: amounts must agree when both name one. Where the transaction itself
// was not seen, it is the reversal that came before: a second try may give another reason.
func (l *ledger) reversed(term *terminal, line int, m *wire.Message) *txn {
	want, _, known := minorUnits(m)
	find := func(stan string) (found *txn) {
		for t := term.numbered(traceKey(stan)); t != nil; t = t.earlier() {
			if (t.moves() || t.Type == "reversal") && (!known || t.doubtful || want == t.Amount) {
				if t.Line == line {
					return t
				}
				if found == nil {
					found = t
				}
			}
		}
		return found
	}
	if t := find(m.Get(11)); t != nil {
		return t
	}
	if stan := originalSTAN(m); stan != "" {
		return find(stan)
	}
	return nil
}

// repeated is the transaction that a request asks for again: the same type, trace number and amount, and no answer yet, or
// a message type that says that it is a repeat (0221, 0321).
func (l *ledger) repeated(term *terminal, key pairKey, m *wire.Message) *txn {
	t := term.numbered(key.stan)
	if t == nil || requestClass(t.MTI) != key.class || t.answered && m.MTI[3]%2 == 0 {
		return nil
	}
	if want, _, ok := minorUnits(m); !ok && m.Has(4) || want != t.Amount && !t.doubtful {
		return nil
	}
	if t.Type != TypeOf(m) {
		return nil
	}
	t.repeats++
	return t
}
