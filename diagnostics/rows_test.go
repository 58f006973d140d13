package diagnostics

import (
	"testing"
	"time"

	"tillscope/link"
	"tillscope/wire"
)

// Rows that have gone into packs are found by their numbers, with answers that came long after, and the oldest go in the end.
func TestOlderRows(t *testing.T) {
	s, err := NewSession(Options{RingSize: 2 * packRows, Older: 4 * packRows, Wire: wire.Options{Framing: "len2", Header: "tpdu+cup", Dialect: "cup"}})
	if err != nil {
		t.Fatal(err)
	}
	at := time.Unix(1e9, 0)
	const rows = 10 * packRows
	for i := range rows {
		s.mu.Lock()
		s.add(Entry{At: at.Add(time.Duration(i) * time.Millisecond), Line: 1, Terminal: "T", Kind: link.Reset, Count: i})
		s.mu.Unlock()
	}
	before := s.Snapshot()
	oldest := before.Oldest()
	if kept := rows - oldest + 1; kept < 6*packRows-1 || kept > 7*packRows {
		t.Errorf("%d rows are kept", kept)
	}
	for n := oldest; n <= rows; n++ {
		if e := before.Entry(n); e == nil || e.N != n || e.Count != n-1 || !e.At.Equal(at.Add(time.Duration(n-1)*time.Millisecond)) {
			t.Fatalf("row %d is %+v", n, e)
		}
	}
	for _, n := range []int{0, oldest - 1, rows + 1} {
		if e := before.Entry(n); e != nil {
			t.Errorf("row %d is %+v", n, e)
		}
	}
	s.mu.Lock()
	s.change(oldest+3, func(e *Entry) { e.Pair = 99 })
	s.version++
	s.mu.Unlock()
	after := s.Snapshot()
	if after.Entry(oldest+3).Pair != 99 || before.Entry(oldest+3).Pair != 0 || after.Entry(oldest+3).Count != oldest+2 {
		t.Error("a late answer changes more, or less, than the rows to come")
	}
	s.mu.Lock()
	for i := range 3 { // the first of them copies what the snapshot has, the others change the copy
		s.change(oldest+3+i, func(e *Entry) { e.Pair = 90 + i })
	}
	s.version++
	s.mu.Unlock()
	for i, want := range []int{99, 0, 0} {
		if got, later := after.Entry(oldest+3+i).Pair, s.Snapshot().Entry(oldest+3+i).Pair; got != want || later != 90+i {
			t.Errorf("row %d is answered by %d, and by %d in a later snapshot", oldest+3+i, got, later)
		}
	}
}

// BenchmarkLateAnswer: an answer to a request that is packed already, as on a busy line with a slow host.
func BenchmarkLateAnswer(b *testing.B) {
	s, err := NewSession(Options{RingSize: packRows, Older: 375 * packRows, Wire: wire.Options{Framing: "len2", Header: "tpdu+cup", Dialect: "cup"}})
	if err != nil {
		b.Fatal(err)
	}
	x := newTraffic(b)
	var chunk [2][]byte
	ev := link.Event{At: t0, Conn: 1, Terminal: "10.0.0.1:1000", Host: "10.0.0.9:8583", Kind: link.Opened}
	s.Handle(ev)
	ev.Kind = link.Data
	for s.nextN < 300*packRows {
		chunk = x.next(chunk)
		for dir, data := range chunk {
			ev.Dir, ev.Data = link.Dir(dir), data
			s.Handle(ev)
		}
		chunk = [2][]byte{}
	}
	for n := 0; b.Loop(); n++ {
		at := 1000 + n%packRows
		if s.sentAs(at) == nil {
			b.Fatal("not kept")
		}
		s.change(at, func(e *Entry) { e.Pair = at })
		if n%500 == 0 {
			s.version++
			s.Snapshot()
		}
	}
}

// BenchmarkPack: what a row costs to be packed and to be read again, and how many bytes it is meanwhile.
func BenchmarkPack(b *testing.B) {
	s, err := NewSession(Options{Wire: wire.Options{Framing: "len2", Header: "tpdu+cup", Dialect: "cup"}})
	if err != nil {
		b.Fatal(err)
	}
	x := newTraffic(b)
	var chunk [2][]byte
	for range packRows / 2 {
		chunk = x.next(chunk)
	}
	ev := link.Event{At: t0, Conn: 1, Terminal: "10.0.0.1:1000", Host: "10.0.0.9:8583", Kind: link.Opened}
	s.Handle(ev)
	ev.Kind = link.Data
	for dir, data := range chunk {
		ev.Dir, ev.Data = link.Dir(dir), data
		s.Handle(ev)
	}
	rows := s.Snapshot().Entries
	if len(rows) < packRows {
		b.Fatalf("%d rows", len(rows))
	}
	rows = rows[:packRows]
	shelf := &shelf{}
	p := shelf.pack(rows)
	b.Run("pack", func(b *testing.B) {
		for b.Loop() {
			p = shelf.pack(rows)
		}
		b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/packRows, "ns/row")
		b.ReportMetric(float64(len(p.data))/packRows, "B/row")
	})
	b.Run("unpack", func(b *testing.B) {
		for b.Loop() {
			shelf.unpack(p)
		}
		b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/packRows, "ns/row")
	})
}

// Rows that nobody saw are used again, those of a snapshot never.
func TestRowsOfSnapshotsStay(t *testing.T) {
	s, err := NewSession(Options{RingSize: packRows, Wire: wire.Options{Framing: "len2", Header: "tpdu+cup", Dialect: "cup"}})
	if err != nil {
		t.Fatal(err)
	}
	var snapshots []*Snapshot
	for i := range 20 * packRows {
		s.mu.Lock()
		s.add(Entry{Line: 1, Kind: link.Reset, Count: i + 1})
		s.version++
		s.mu.Unlock()
		if i%(3*packRows) == 2*packRows {
			snapshots = append(snapshots, s.Snapshot())
		}
	}
	for _, sn := range append(snapshots, s.Snapshot()) {
		if len(sn.Entries) < packRows {
			t.Fatalf("%d rows are kept", len(sn.Entries))
		}
		for i, e := range sn.Entries {
			if e.N != sn.FirstEntry+i || e.Count != e.N {
				t.Fatalf("row %d is now %+v", sn.FirstEntry+i, e)
			}
		}
	}
}
