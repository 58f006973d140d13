package diagnostics

// traces finds a terminal's transactions by their trace numbers. Terminals count up: neighbours stand side by side here, while a map
// would scatter thousands of them over memory, and touch it for each new number and for each that goes.
type traces struct {
	slots []*txn // as many as a power of two: by the lower bits of the number, the newest first, older ones behind it
	kept  int
	most  uint32 // the highest number so far: mostly the next is a higher one, and need not be looked for
}

// numbered is the newest transaction with a trace number, nil when there is none; earlier gives those before it.
func (ts *traces) numbered(stan uint32) *txn {
	if stan > ts.most || ts.kept == 0 {
		return nil
	}
	return (*ts.slot(stan)).with(stan)
}

// earlier is the next older transaction of the same terminal and trace number.
func (t *txn) earlier() *txn { return t.older.with(t.stan) }

// with is the newest of t and those behind it that has a trace number.
func (t *txn) with(stan uint32) *txn {
	for t != nil && t.stan != stan {
		t = t.older
	}
	return t
}

func (ts *traces) slot(stan uint32) **txn { return &ts.slots[int(stan)&(len(ts.slots)-1)] }

// sent takes in a transaction that the terminal begins.
func (ts *traces) sent(x *txn) {
	if ts.kept == len(ts.slots) {
		ts.grow()
	}
	at := ts.slot(x.stan)
	x.older, *at = *at, x
	ts.kept, ts.most = ts.kept+1, max(ts.most, x.stan)
}

func (ts *traces) grow() {
	full := ts.slots
	ts.slots = make([]*txn, max(8, 2*len(full)))
	for _, t := range full {
		var oldest *txn
		for t != nil {
			t, t.older, oldest = t.older, oldest, t
		}
		for oldest != nil { // each goes in front of those that are older
			x, at := oldest, ts.slot(oldest.stan)
			oldest = x.older
			x.older, *at = *at, x
		}
	}
}

// forget takes out one that is no longer kept.
func (ts *traces) forget(x *txn) {
	for at := ts.slot(x.stan); *at != nil; at = &(*at).older {
		if *at == x {
			*at, x.older = x.older, nil
			ts.kept--
			return
		}
	}
}
