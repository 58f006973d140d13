package diagnostics

import "strings"

// folded is what became of transactions that are no longer kept one by one.
type folded struct {
	count  int
	stages [8]int // how many came that far
	unseen int    // how many were only sent because the answer was not captured
	causes map[string]foldedCause
	// By the statement: in both, and paid out.
	both, paid int
	fates      fates
}

// foldedCause is what a cause explains of them.
type foldedCause struct {
	transactions int
	amount       int64
	sums         Sums
}

// foldsAfter is after how many more transactions they are looked through. A screen has little room; what only writes a report
// has time in mind, as with a long capture.
func (o Options) foldsAfter() int {
	if o.Older > 0 {
		return keptMore
	}
	return 3 * keptMore
}

// fold lets go of transactions that need not be told one by one any more: old ones whose money is on its way first, the
// unarrived only when there are too many. Stages and causes keep counting them.
func (s *Session) fold() {
	sn := &Snapshot{Totals: s.totals}
	for _, x := range s.lines {
		sn.Lines = append(sn.Lines, x.Line)
	}
	hits := s.walk(sn, s.gather(sn)) // what goes is counted for its cause: nobody may have asked for a verdict yet
	known := s.explanations()
	explain := func(t *txn) {
		if t.asks() {
			t.explain(s.causeOf(t, hits, known))
			t.doubtful = t.doubtful || s.tree.altered(t, t.Cause)
		}
	}
	l := &s.ledger
	old, recent := l.txns[:len(l.txns)-keptRecent], l.txns[len(l.txns)-keptRecent:]
	leave := func(t *txn) {
		if s.statement != nil {
			s.payOut(t)
		}
		l.drop(t)
	}
	kept := old[:0]
	for _, t := range old {
		if !t.stayed { // the others are explained again when they go
			explain(t)
		}
		if t.unarrived() {
			kept = append(kept, t)
			continue
		}
		if t.stayed {
			explain(t)
		}
		leave(t)
	}
	spare := max(len(kept)-keptUnarrived, 0)
	for _, t := range kept[:spare] {
		if t.stayed {
			explain(t)
		}
		leave(t)
	}
	for _, t := range kept[spare:] {
		t.stayed = true
	}
	n := copy(l.txns, kept[spare:])
	n += copy(l.txns[n:], recent)
	clear(l.txns[n:])
	l.txns = l.txns[:n]
	l.foldAt = n + l.foldMore
	for _, t := range l.roster {
		t.foldBatch()
	}
}

// unarrived says that a transaction was meant to bring money and did not get as far as it should.
func (t *txn) unarrived() bool {
	return t.moves() && (!t.approved() || t.reversed() || t.late || t.Cause != "" && t.Cause != "bank.clearing-pending")
}

// explain notes its cause.
func (t *txn) explain(cause string) {
	if t.Cause != cause {
		t.own().Cause = cause
	}
}

// paid notes what the statement tells of it.
func (t *txn) paid(payout string) {
	if t.Payout != payout {
		t.own().Payout = payout
	}
}

// drop counts a transaction and forgets it.
func (l *ledger) drop(t *txn) {
	f := &l.folded
	f.count++
	t.gone = true
	x := fate{stage: t.stage(), arrived: t.arrival(), cause: t.Cause}
	if t.moves() {
		stage := t.stage()
		for i := 1; i <= stage; i++ {
			f.stages[i]++
		}
		if stage == 1 && t.Unseen {
			f.unseen++
		}
		if stage == 5 {
			x.owed = t.term.owe(t.Batch)
		}
	}
	if t.Payout != "" && t.Payout != "missing" && t.Payout != "due" {
		f.both++
		if t.Payout == "paid" {
			f.paid++
		}
	}
	if t.Cause != "" {
		if f.causes == nil {
			f.causes = map[string]foldedCause{}
		}
		c := f.causes[t.Cause]
		c.transactions++
		if !t.doubtful {
			c.amount += t.Amount
			c.sums = c.sums.Add(t.money())
		}
		f.causes[t.Cause] = c
	}
	f.fates.put(t.N, x)
	t.term.forget(t)
	t.original = nil
}

// owe counts a folded transaction that waits for the settlement of its batch.
func (t *terminal) owe(batch string) *owed {
	if t.folded == nil {
		t.folded = map[string]*owed{}
	}
	if _, ok := t.folded[batch]; !ok && len(t.folded) >= keptSettlement {
		batch = ""
	}
	o := t.folded[batch]
	if o == nil {
		o = &owed{}
		t.folded[strings.Clone(batch)] = o
	}
	o.n++
	return o
}

// foldBatch lets go of folded transactions in a terminal's open batch: of many terminals that do not settle they would be more
// than all that are kept.
func (t *terminal) foldBatch() {
	rest := t.open[:0]
	for _, x := range t.open {
		if !x.gone {
			rest = append(rest, x)
		}
	}
	clear(t.open[len(rest):])
	t.open = rest
}
