package diagnostics

import (
	"strings"
	"time"
)

// Reconciled is how the statement compares with what was seen on the line.
type Reconciled struct {
	File      string
	Rows      int
	Both      int       // approved on the line, and in the statement with the same amount
	OnlyLine  int       // approved on the line, not in the statement, and due: money that is missing (短款)
	NotDue    int       // the same, and not due yet by the calendar
	OnlyHost  int       // in the statement, not seen on the line
	Different int       // in both, with different amounts
	Paid      int       // of both, those that were paid out
	Held      int       // held by the acquirer
	Returned  int       // came back
	Unseen    []HostRow // the first of those that only the statement has
	Problems  []string  // rows that could not be read
}

// HostRow is a row of the statement that nothing on the line belongs to.
type HostRow struct {
	Row            int
	RRN, STAN      string
	Terminal       string
	Amount         int64
	Payout, Reason string
}

const keptHostRows = 100

// nearby is how far the times of a sale and of its row may lie apart when nothing else names it.
const nearby = 10 * time.Minute

// find is the row of a transaction: by reference number and date, else by terminal, trace number, date and amount, else by
// amount, last four digits and time.
func (st *Statement) find(t *txn) *row {
	at := t.At.In(st.rules.Calendar.zone)
	pick := func(list []*row, fits func(*row) bool) *row {
		var found *row
		for _, x := range list {
			if x.matched && x.of != t || !fits(x) {
				continue
			}
			if found == nil || x.amount == t.Amount && found.amount != t.Amount || found.overtaken(x) {
				found = x
			}
		}
		return found
	}
	if t.RRN != "" {
		if x := pick(st.byRRN[t.RRN], func(x *row) bool { return sameDay(x, at) && signFits(x, t) }); x != nil {
			for _, y := range st.byRRN[t.RRN] {
				if y.overtaken(x) {
					y.matched, y.of = true, t
				}
			}
			return x
		}
	}
	stan := strings.TrimLeft(t.STAN, "0")
	if stan != "" {
		fits := func(x *row) bool {
			return sameDay(x, at) && signFits(x, t) && (x.amount == t.Amount || x.net || x.amount == -t.Amount) &&
				(x.batch == "" || t.Batch == "" || x.batch == strings.TrimLeft(t.Batch, "0")) && (x.rrn == "" || t.RRN == "" || x.rrn == t.RRN)
		}
		if x := pick(st.bySTAN[t.term.id+"|"+stan], fits); x != nil {
			return x
		}
		if x := pick(st.bySTAN["|"+stan], func(x *row) bool { return fits(x) && x.amount == t.Amount }); x != nil {
			return x
		}
	}
	if n := len(t.Card); n >= 4 {
		return pick(st.byCard[t.Card[n-4:]], func(x *row) bool {
			return x.rrn == "" && x.stan == "" && x.timed && x.amount == t.Amount && apart(x, at) <= nearby && (x.terminal == "" || x.terminal == t.term.id)
		})
	}
	return nil
}

// overtaken says that another row tells what became of this one's payout: it did not arrive and was made again, on the same
// day or later, or it was made and came back another day.
func (x *row) overtaken(by *row) bool {
	return x.amount == by.amount && (x.payout != "paid" && by.payout == "paid" && !by.at.Before(x.at) || x.payout == "paid" && by.payout != "paid" && by.at.After(x.at))
}

// signFits keeps refunds and voids, whose rows are negative, apart from sales.
func signFits(x *row, t *txn) bool {
	return x.amount >= 0 || t.Type == "void" || t.Type == "refund"
}

// sameDay allows a day of difference: the statement's day may begin at the cut-off.
func sameDay(x *row, at time.Time) bool {
	return !x.dated || apart(x, at) <= 36*time.Hour
}

// apart is how far a row is from a time. A row without a year is of the nearest one, one without a time of noon.
func apart(x *row, at time.Time) time.Duration {
	when := x.at
	if !x.timed {
		when = when.Add(12 * time.Hour)
	}
	best := when.Sub(at).Abs()
	if when.Year() == 0 {
		best = 1 << 62
		for y := -1; y <= 1; y++ {
			best = min(best, when.AddDate(at.Year()+y, 0, 0).Sub(at).Abs())
		}
	}
	return best
}

// netOf says that a net amount may be what is left of an amount after a fee.
func (x *row) agrees(amount int64) bool {
	got := max(x.amount, -x.amount)
	if !x.net {
		return got == amount
	}
	return got <= amount && got*100 >= amount*95
}

// reconcile matches every kept transaction with the statement, and tells how they compare.
func (s *Session) reconcile() *Reconciled {
	st := s.statement
	if st == nil {
		return nil
	}
	r := &Reconciled{File: st.File, Rows: st.Rows, Problems: st.Problems, Both: s.ledger.folded.both, Paid: s.ledger.folded.paid}
	for _, t := range s.ledger.txns {
		s.payOut(t)
		switch {
		case t.Payout == "missing":
			r.OnlyLine++
		case t.Payout == "due":
			r.NotDue++
		case t.Payout == "differs":
			r.Different++
		case t.Payout != "":
			r.Both++
		}
		switch t.Payout {
		case "paid":
			r.Paid++
		case "held":
			r.Held++
		case "account", "status":
			r.Returned++
		}
	}
	for _, x := range st.rows {
		if !x.matched {
			if r.OnlyHost++; len(r.Unseen) < keptHostRows {
				r.Unseen = append(r.Unseen, HostRow{x.n, x.rrn, x.stan, x.terminal, x.amount, x.payout, x.reason})
			}
		}
	}
	return r
}

// payOut says what the statement tells of a transaction. What it does not list is missing only when it was due.
func (s *Session) payOut(t *txn) {
	if !t.moves() || t.Type == "preauth" {
		return
	}
	counts := t.approved() && !t.reversed() && !t.voided && t.Type != "void"
	x := s.statement.find(t)
	switch {
	case x != nil && !x.agrees(t.Amount):
		x.matched, x.of = true, t
		t.paid("differs")
	case x != nil:
		x.matched, x.of = true, t
		if counts || x.payout != "paid" {
			t.paid(x.payout)
		} else {
			t.paid("") // booked and undone: both are in the statement
		}
	case !counts || t.Type == "refund" || s.statement.beginsAfter(t.At):
		t.paid("")
	case s.statement.rules.Calendar.due(t.At).After(s.reckoned()):
		t.paid("due")
	default:
		t.paid("missing")
	}
}

// beginsAfter says that a statement is about later days: what it does not list is not missing.
func (st *Statement) beginsAfter(at time.Time) bool {
	return st.from.Year() > 1 && at.Add(36*time.Hour).Before(st.from)
}

// reckoned is the day on which the statement is looked at: the line's clock, or the statement's last day when that is later.
func (s *Session) reckoned() time.Time {
	if s.statement.to.Year() > 1 && s.statement.to.After(s.now) {
		return s.statement.to
	}
	return s.now
}

// statementFacts tells what the acquirer's statement shows.
func (s *Session) statementFacts(f *Facts) {
	if s.statement == nil {
		return
	}
	f.Statement = true
	for _, t := range s.ledger.txns {
		switch t.Payout {
		case "held":
			f.Held++
		case "account":
			f.BadAccount++
		case "status":
			f.BadStatus++
		case "missing":
			f.Overdue++
		}
	}
}
