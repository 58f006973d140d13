package diagnostics

import (
	"cmp"
	"slices"
	"strings"
	"time"
	"unicode"

	"tillscope/wire"
)

// txn is a transaction being followed: what snapshots tell of it, and what is needed to follow it. Thousands of them are kept
// and looked through again and again, so nothing stands in both.
type txn struct {
	*Transaction // to be changed through own only

	shown      bool // a snapshot has it
	answered   bool
	good       bool // answered, and approved
	moving     bool // it is meant to move money
	revRefused bool // the host would not reverse it
	voided     bool
	settled    bool
	late       bool // the answer came after the terminal had given up
	unreceived bool // the answer passed in time, and the terminal says that it had none
	fellBack   bool // read by stripe because the chip failed
	keyed      bool // the card number was typed in
	stripe     bool // the stripe was read
	misread    bool // that way, and unknown to the issuer
	doubtful   bool // its amount: what says it came damaged
	confirmed  bool // two of its requests have the same amount, or the first was damaged and another is whole
	garbled    bool // its answer came damaged, or does not repeat the request
	gone       bool // no longer kept
	stayed     bool // among the unarrived of an earlier fold
	fate       kind // why it has no answer, or kinds
	reversalN  int  // entry of the latest reversal, 0 when none
	term       *terminal
	issuer     *issuer // nil when no card is named
	older      *txn    // in its terminal's table: see traces
	reason     string  // field 39 of the first reversal
	stan       uint32  // as a key
	repeats    uint32  // how often it was sent again
	respN      int
	original   *txn          // what a void undoes
	reversedAt time.Time     // when the terminal sent its latest reversal
	took       time.Duration // until its answer was whole
	two        [2]int        // where Messages stand: most have two
}

// own is what snapshots will tell of it, to be changed: a copy when one has it already, for that must stay as it is.
func (t *txn) own() *Transaction {
	if t.shown {
		x := *t.Transaction
		t.Transaction, t.shown = &x, false
	}
	return t.Transaction
}

func (t *txn) moves() bool { return t.moving }

// movesMoney says it of a type of transactions.
func movesMoney(kind string) bool {
	switch kind {
	case "sale", "void", "refund", "preauth", "completion":
		return true
	}
	return false
}

// asks says that a transaction is one of a customer, with a cause when it fails, whether it moves money or not.
func (t *txn) asks() bool { return t.moves() || t.Type == "balance" || t.Type == "adjust" }

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

// whole says that a frame shows no damage. What stands in a damaged one may be anything.
func whole(m *wire.Message) bool { return m.Stop == nil && m.Check == "" }

// hear takes the amount of one more request.
func (t *txn) hear(m *wire.Message) {
	switch amount, currency, ok := minorUnits(m); {
	case !ok || !whole(m):
	case t.doubtful:
		x := t.own()
		x.Amount, x.Currency = amount, cmp.Or(strings.Clone(currency), x.Currency)
		t.doubtful, t.confirmed = false, true
	case amount == t.Amount:
		t.confirmed = true
	}
}

func (t *txn) approved() bool { return t.good }
func (t *txn) reversed() bool { return t.reversalN > 0 && !t.revRefused }

// arrival says whether the money arrived: yes, no or unknown.
func (t *txn) arrival() string {
	switch {
	case !t.asks():
	case t.answered && !t.approved() || t.reversed() || t.voided || t.Payout == "held" || t.Payout == "account" || t.Payout == "status":
		return "no"
	case t.Payout == "paid":
		return "yes"
	}
	return "unknown"
}

// stage is the index of the last stage that the line proves.
func (t *txn) stage() int {
	switch {
	case t.approved() && t.settled && !t.reversed():
		return 6
	case t.approved() && !t.reversed():
		return 5
	case t.approved():
		return 4
	case t.answered:
		return 3
	}
	return 1
}

// private is field 60 where it has UnionPay's form: type, batch, network code and what follows, all digits. Where it stands as
// text, the middle of a long one is masked like a card number.
func private(m *wire.Message) string {
	f60 := m.Get(60)
	if len(f60) < 8 || len(f60) > 17 {
		return ""
	}
	for i := range len(f60) {
		if c := f60[i]; c-'0' > 9 && c != '*' {
			return ""
		}
	}
	return f60
}

// batchOf is the number of the batch in field 60, empty when it is not there or masked.
func batchOf(f60 string) string {
	if b := sub(f60, 2, 6); digits(b) {
		return b
	}
	return ""
}

// networkCode is what a network management message (class 8) is about, in the numbers of field 70: 001 sign-on, 002
// sign-off, 301 echo. UnionPay's field 60.3 has the same, and the function code of ISO 8583:1993 (field 24) says it its way.
func networkCode(m *wire.Message) string {
	if f60 := private(m); len(f60) >= 11 {
		return f60[8:11]
	}
	if f70 := m.Get(70); f70 != "" {
		return f70
	}
	switch f24 := m.Get(24); f24 {
	case "801", "811":
		return "001"
	case "802":
		return "002"
	case "831":
		return "301"
	default:
		return ""
	}
}

// TypeOf is what a request asks for, as Transaction.Type has it.
func TypeOf(m *wire.Message) string {
	mti, f60 := m.MTI, private(m)
	switch mti[1] {
	case '8':
		code := networkCode(m)
		switch {
		case code == "301":
			return "echo"
		case code == "" && mti[2] == '0', strings.HasPrefix(code, "00") && code != "002", code == "401", code == "101", code == "161":
			return "signon"
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
	case "32", "34": // a tip, or another amount of a sale that is booked already: no money of its own
		return "adjust"
	}
	switch sub(m.Get(3), 0, 2) {
	case "20", "02":
		if mti[2] == '2' {
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

// answer books the answer to an exchange.
func (l *ledger) answer(s *Session, x *exchange, e *Entry) {
	t, m := x.txn, e.Msg
	t.add(e.N)
	code := CodeOf(m.Get(39))
	if class := m.MTI[1]; (class == '1' || class == '2') && m.MTI[2] == '1' { // an advice is a fact, and a reversal ends at the host
		l.occasion(sales, t.term)
		if t.issuer != nil {
			t.issuer.at[sales]++
		}
	}
	if t.issuer != nil {
		t.issuer.at[answers]++
	}
	l.answeredWith(x, t, e, s.sentAs(x.n))
	l.coded(x, t, e, code, s.codes[code].Cause)
	if x.reversal {
		t.revRefused = code != "" && !ReversalAccepted(code)
		if t.original != nil && t.Type == "void" && !t.revRefused {
			t.original.voided = false // the void is undone: the sale stands again
		}
		if t.Type != "reversal" {
			return
		}
	}
	t.answered, t.good, t.respN = true, approvedCode(code), e.N
	told := t.own()
	told.ResponseCode = l.word(code)
	if r := strings.TrimSpace(m.Get(37)); r != "" && r != t.RRN {
		told.RRN = strings.Clone(r)
	}
	if t.Currency == "" {
		told.Currency = l.word(m.Get(49))
	}
	if t.Batch == "" {
		told.Batch = l.word(batchOf(private(m)))
	}
	if !t.approved() {
		told.HostText = hostText(m)
		return
	}
	if t.Type == "signon" {
		t.term.ready = true
	}
	if t.moves() {
		t.term.open = append(t.term.open, t)
	}
	switch t.Type {
	case "settlement":
		if r := x.settlementResult(m); r == '1' || r == '0' && code == "00" { // most hosts but UnionPay's say it by the code alone
			l.settle(t)
		}
	case "void":
		if stan := originalSTAN(m); stan != "" {
			l.void(t, stan)
		}
	}
}

// mostHostText is how much of a host's words is kept: UnionPay has room for three times twenty characters.
const mostHostText = 60

// organisations are the card organisations that stand in front of the host's words on UnionPay's line.
var organisations = []string{"CUP", "VIS", "MCC", "MAE", "JCB", "DCC", "AMX"}

// hostText is what a host wrote beside a refusal, for the terminal's display: often the real reason.
func hostText(m *wire.Message) string {
	f63 := m.Get(63)
	for _, o := range organisations {
		if rest, found := strings.CutPrefix(f63, o); found {
			f63 = rest
			break
		}
	}
	text := []rune(strings.Join(strings.Fields(f63), " "))
	if !slices.ContainsFunc(text, unicode.IsLetter) {
		return ""
	}
	return string(text[:min(len(text), mostHostText)]) // a copy: a part of a message would keep the whole message
}

// void marks the transaction that an approved void undoes.
func (l *ledger) void(t *txn, stan string) {
	for o := t.term.numbered(traceKey(stan)); o != nil; o = o.earlier() {
		if o != t && o.Type != "void" && o.moves() {
			o.voided, t.original = true, o
			return
		}
	}
}

// settle closes a terminal's batch.
func (l *ledger) settle(s *txn) {
	same := func(batch string) bool { return batch == "" || s.Batch == "" || batch == s.Batch }
	rest := s.term.open[:0]
	for _, t := range s.term.open {
		if same(t.Batch) {
			t.settled = !t.reversed()
		} else {
			rest = append(rest, t)
		}
	}
	clear(s.term.open[len(rest):])
	s.term.open = rest
	for batch, o := range s.term.folded {
		if same(batch) {
			l.folded.stages[6] += o.n
			o.settled.Store(true)
			delete(s.term.folded, batch)
		}
	}
}
