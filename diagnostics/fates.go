package diagnostics

import "sync/atomic"

// Fate is how far a transaction came that is no longer kept one by one, whether its money arrived and what stopped it, as in
// Transaction.
type Fate struct{ Stage, Arrived, Cause string }

// fate is what is kept of it. Most transactions of a batch share one.
type fate struct {
	stage          int
	arrived, cause string
	owed           *owed // the batch that it waits for, nil when for none
}

// owed counts the folded transactions that wait for the settlement of a batch.
type owed struct {
	n       int
	settled atomic.Bool
}

// Transactions are numbered; the fates of so many stand together, and so many of these runs are kept: as many as there are
// rows to ask for them.
const (
	fateRun  = 1024
	fateRuns = 100
)

// fates finds what became of folded transactions by their numbers. A snapshot holds a copy: runs are only ever added, and an
// entry is set once, when its transaction is in no snapshot any more.
type fates struct {
	first int // number of the transaction that the first run begins with
	runs  []*[fateRun]atomic.Pointer[fate]
	same  map[fate]*fate
	last  *fate // that was put: most become the same
}

// put notes what became of transaction n.
func (f *fates) put(n int, x fate) {
	if len(f.runs) == 0 {
		f.first = n - n%fateRun
	}
	if n < f.first {
		return // its rows are gone as well
	}
	for n >= f.first+len(f.runs)*fateRun {
		f.runs = append(f.runs, new([fateRun]atomic.Pointer[fate]))
	}
	if more := len(f.runs) - fateRuns; more > 0 {
		f.runs, f.first = f.runs[more:], f.first+more*fateRun
	}
	if f.last == nil || *f.last != x {
		f.last = f.known(x)
	}
	f.runs[(n-f.first)/fateRun][n%fateRun].Store(f.last)
}

// known is x, as those have it that became the same.
func (f *fates) known(x fate) *fate {
	const most = 256 // batches end, and their fates come no more
	if f.same == nil || len(f.same) > most {
		f.same = map[fate]*fate{}
	}
	known := f.same[x]
	if known == nil {
		known = &x
		f.same[x] = known
	}
	return known
}

// Fate is what became of a transaction that is no longer kept one by one; ok is false when it is kept, or long gone.
func (sn *Snapshot) Fate(n int) (out Fate, ok bool) {
	f := sn.fates
	if n < f.first || n >= f.first+len(f.runs)*fateRun || sn.Transaction(n) != nil {
		return out, false
	}
	x := f.runs[(n-f.first)/fateRun][n%fateRun].Load()
	if x == nil {
		return out, false
	}
	stage := x.stage
	if x.owed != nil && x.owed.settled.Load() {
		stage = 6
	}
	return Fate{Stages[stage], x.arrived, x.cause}, true
}
