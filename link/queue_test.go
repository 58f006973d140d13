package link

import (
	"errors"
	"strings"
	"testing"
)

func TestQueueDropsAndSaysSo(t *testing.T) {
	q := newQueue()
	big := make([]byte, queueBytes/2+1)
	q.put(Event{Conn: 1, Kind: Data, Data: big})
	q.put(Event{Conn: 1, Kind: Data, Data: big})
	q.put(Event{Conn: 1, Kind: Closed})
	evs := q.take()
	if len(evs) != 3 || evs[1].Kind != Gap || evs[1].Lost != len(big) || evs[2].Kind != Closed {
		t.Fatalf("%d events", len(evs))
	}
	if d := q.counts(); d.Copies != 1 || d.Bytes != len(big) {
		t.Errorf("counted %+v", d)
	}
}

// Whoever takes nothing must not make the queue grow, whatever is put into it, and must learn afterwards how much is missing.
func TestQueueIsBoundedAndEveryConnectionEnds(t *testing.T) {
	q := newQueue()
	q.put(Event{Conn: 1, Kind: Opened})
	q.put(Event{Conn: 1, Kind: Data, Data: make([]byte, queueBytes)}) // does not fit
	q.put(Event{Conn: 1, Kind: Data, Data: make([]byte, queueBytes-900)})
	q.put(Event{Conn: 2, Kind: Opened}) // the last that fits
	q.put(Event{Conn: 2, Kind: Data, Data: make([]byte, 500)})
	const storm = 100000
	for c := range uint64(storm) {
		q.put(Event{Conn: 10 + c, Kind: Opened})
		q.put(Event{Conn: 10 + c, Kind: Data, Data: make([]byte, 10)})
		q.put(Event{Conn: 10 + c, Kind: Silent})
		q.put(Event{Conn: 10 + c, Kind: Closed})
	}
	q.put(Event{Conn: 1, Kind: Closed})
	q.put(Event{Conn: 2, Kind: Reset})
	if len(q.events) > 20 || len(q.out) != 0 || len(q.lost) != 0 {
		t.Fatalf("%d events and %d connections are kept", len(q.events), len(q.out))
	}
	open := map[uint64]bool{}
	for _, ev := range q.take() {
		switch ev.Kind {
		case Opened:
			open[ev.Conn] = true
		case Closed, Reset:
			delete(open, ev.Conn)
		}
	}
	if len(open) != 0 {
		t.Errorf("connections %v stand for ever", open)
	}
	if d := q.counts(); d.Connections != storm || d.Copies != 4*storm+2 {
		t.Errorf("counted %+v", d)
	}
	q.put(Event{Conn: 7, Kind: Opened})
	evs := q.take()
	if len(evs) != 2 || evs[0].Kind != Gap || evs[0].Lost != 10*storm || !strings.Contains(evs[0].Note, "100000 connections") {
		t.Errorf("said %+v", evs)
	}
}

func TestPanicOfTheAnalysisIsAnEventThatItLost(t *testing.T) {
	q := newQueue()
	q.put(Event{Conn: 1, Kind: Data, Data: []byte("6222020000000008")})
	q.put(Event{Conn: 1, Kind: Data, Data: []byte("abc")})
	q.put(Event{Conn: 1, Kind: Closed})
	done := make(chan struct{})
	close(done)
	var got []Event
	q.pump(done, func(ev Event) {
		got = append(got, ev)
		switch {
		case ev.Kind == Data && len(ev.Data) > 3:
			panic(errors.New(string(ev.Data))) // what it says may hold card data
		case ev.Kind == Data:
			_ = ev.Data[len(ev.Data)]
		case ev.Lost == 3:
			panic("and once more")
		}
	})
	if len(got) != 5 || got[1].Kind != Gap || got[1].Lost != 16 || got[3].Kind != Gap || got[4].Kind != Closed {
		t.Fatalf("the sink got %+v", got)
	}
	if !strings.Contains(got[1].Note, "link/queue_test.go:") || strings.Contains(got[1].Note, "62220") || !strings.Contains(got[3].Note, "index out of range") {
		t.Errorf("said %q and %q", got[1].Note, got[3].Note)
	}
	if d := q.counts(); d.Panics != 2 || d.Bytes != 19 {
		t.Errorf("counted %+v", d)
	}
}
