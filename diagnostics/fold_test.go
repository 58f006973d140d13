package diagnostics

import (
	"testing"
	"time"

	"tillscope/link"
	"tillscope/wire"
)

// What is no longer kept one by one is counted all the same, and what is kept is bounded.
func TestFoldedTransactionsAreCounted(t *testing.T) {
	s, err := NewSession(Options{RingSize: 1000, Wire: wire.Options{Framing: "len2", Header: "tpdu+cup", Dialect: "cup"}})
	if err != nil {
		t.Fatal(err)
	}
	const sales = 30000
	x := newTraffic(t)
	ev := link.Event{At: t0, Conn: 1, Terminal: "10.0.0.1:1000", Host: "10.0.0.9:8583", Kind: link.Opened}
	s.Handle(ev)
	ev.Kind = link.Data
	for range sales / 50 {
		var chunk [2][]byte
		for range 50 {
			chunk = x.next(chunk)
		}
		for dir, data := range chunk {
			ev.At = ev.At.Add(time.Millisecond)
			ev.Dir, ev.Data = link.Dir(dir), data
			s.Handle(ev)
		}
	}
	sn := s.Snapshot()
	if len(sn.Transactions) > keptRecent+keptUnarrived+3*keptMore || sn.Folded == 0 || len(sn.Transactions)+sn.Folded != sales {
		t.Errorf("%d kept and %d folded of %d", len(sn.Transactions), sn.Folded, sales)
	}
	answered := sales - sales/200
	declined := 0
	for i := 1; i <= sales; i++ {
		if i%33 == 0 && i%200 != 0 {
			declined++
		}
	}
	if sn.Stages[1].Count != sales || sn.Stages[3].Count != answered || sn.Stages[4].Count != answered-declined {
		t.Errorf("stages %+v; want %d sent, %d answered, %d approved", sn.Stages, sales, answered, answered-declined)
	}
	short := 0
	for _, c := range sn.Causes {
		if c.ID == "balance.insufficient" {
			short = c.Transactions
		}
	}
	if short != declined {
		t.Errorf("%d transactions lack money, want %d", short, declined)
	}
	stages, lacking := map[string]int{}, 0
	for n := 1; n <= sales; n++ {
		if sn.Transaction(n) != nil {
			continue
		}
		f, ok := sn.Fate(n)
		if !ok {
			t.Fatalf("nobody knows what became of transaction %d", n)
		}
		stages[f.Stage]++
		if f.Cause == "balance.insufficient" {
			lacking++
			if f.Arrived != "no" {
				t.Fatalf("transaction %d: %+v", n, f)
			}
		}
	}
	kept := 0
	for _, x := range sn.Transactions {
		if x.Cause == "balance.insufficient" {
			kept++
		}
	}
	if all := stages["sent"] + stages["answered"] + stages["confirmed"]; all != sn.Folded || lacking+kept != declined {
		t.Errorf("%d fates %v of %d folded; %d and %d lack money, want %d", all, stages, sn.Folded, lacking, kept, declined)
	}
	if _, ok := sn.Fate(sales + 1); ok {
		t.Error("a transaction that never was has a fate")
	}
	last := sn.Transactions[len(sn.Transactions)-1]
	if sn.Transaction(last.N) != last || sn.Transaction(1) != nil && sn.Transaction(1).N != 1 {
		t.Error("a transaction is not found by its number")
	}
}

// A question whose answer changes nothing any more is not asked.
func TestQuestionsEndWithTheirAnswer(t *testing.T) {
	r := sold(t)
	if q := r.s.Snapshot().Questions; len(q) != 3 || q[0].Node != "payout-held" {
		t.Fatalf("asked %v", q)
	}
	if err := r.s.Answer("payout-held", "yes"); err != nil {
		t.Fatal(err)
	}
	sn := r.s.Snapshot()
	if len(sn.Questions) != 0 || len(sn.Causes) != 1 || sn.Causes[0].ID != "risk.payout-hold" || sn.Causes[0].Transactions != 4 {
		t.Errorf("asked %v, causes %+v", sn.Questions, sn.Causes)
	}
	r.s.SetStatement(readTest(t, "rrn,amount,status\nR00000000001,1.00,paid\n", nil))
	if sn := r.s.Snapshot(); len(sn.Questions) != 0 || sn.Transactions[0].Arrived != "yes" {
		t.Errorf("with a statement, asked %v", sn.Questions)
	}
}

// Fates cost no more than there are rows to ask for them, the oldest go, and a batch that is settled later settles them.
func TestFatesAreBounded(t *testing.T) {
	var f fates
	o := &owed{}
	const all = (fateRuns + 3) * fateRun
	for n := 5; n < all; n++ {
		f.put(n, fate{stage: 5, arrived: "unknown", owed: o})
	}
	f.put(6, fate{stage: 3})
	sn := &Snapshot{fates: f}
	if _, ok := sn.Fate(6); ok || len(f.runs) != fateRuns {
		t.Errorf("%d runs are kept", len(f.runs))
	}
	if x, ok := sn.Fate(all - 1); !ok || x.Stage != "confirmed" {
		t.Errorf("the newest is %+v", x)
	}
	o.settled.Store(true)
	if x, _ := sn.Fate(all - 1); x.Stage != "settled" {
		t.Errorf("its batch is settled, and it stands at %s", x.Stage)
	}
}
