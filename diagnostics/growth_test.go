package diagnostics

import (
	"fmt"
	"runtime"
	"testing"
	"time"

	"tillscope/link"
)

// hours feeds a session with what hours on a bad line bring: each exchange has a connection of its own, from one of 40
// addresses, every fifth is declined, some end in a reset, are not understood, are cut off, or do not connect at all.
type hours struct {
	session *Session
	*traffic
	ev link.Event
}

// exchanges feeds so many of them.
func (h *hours) exchanges(n int) {
	codes := []string{"51", "55", "91", "A0"}
	send := func(kind link.Kind, dir link.Dir, data []byte) {
		h.ev.At = h.ev.At.Add(9 * time.Millisecond)
		h.ev.Kind, h.ev.Dir, h.ev.Data = kind, dir, data
		h.session.Handle(h.ev)
	}
	for range n {
		pair := h.next([2][]byte{})
		i := h.stan
		h.ev.Conn++
		h.ev.Terminal = fmt.Sprintf("10.0.0.%d:%d", 10+i%40, 1024+i%60000)
		if i%29 == 0 {
			send(link.Refused, link.ToHost, nil)
			continue
		}
		send(link.Opened, link.ToHost, nil)
		if i%37 == 0 {
			pair[0] = []byte("\x00\x30HELLO, IS ANYBODY THERE? NOTHING OF THIS FITS...")
		}
		send(link.Data, link.ToHost, pair[0])
		switch {
		case i%11 == 0 || len(pair[1]) == 0:
			send(link.Reset, link.Dir(i%2), nil)
			continue
		case i%41 == 0:
			pair[1] = pair[1][:len(pair[1])/2]
		case i%5 == 0:
			copy(pair[1][h.codeAt:], codes[i/5%len(codes)])
		}
		send(link.Data, link.ToTerminal, pair[1])
		send(link.Closed, link.ToHost, nil)
	}
}

// What a session keeps is bounded: three times the traffic takes no more memory. What is kept of transactions grows and is let
// go by turns, so the most of several looks counts.
func TestMemoryDoesNotGrowWithTraffic(t *testing.T) {
	if testing.Short() {
		t.Skip("hundreds of thousands of messages")
	}
	s, err := NewSession(Options{RingSize: 1000, Older: 20_000})
	if err != nil {
		t.Fatal(err)
	}
	h := &hours{session: s, traffic: newTraffic(t), ev: link.Event{At: t0, Host: "10.0.0.9:8583"}}
	most := func(exchanges int) (mib float64) {
		const looks = 12
		for range looks {
			h.exchanges(exchanges / looks)
			s.Snapshot()
			runtime.GC()
			var m runtime.MemStats
			runtime.ReadMemStats(&m)
			mib = max(mib, float64(m.HeapAlloc)/(1<<20))
		}
		return mib
	}
	const n = 60_000
	h.exchanges(n / 2)
	first := most(n / 2)
	h.exchanges(3*n/2 + n)
	last := most(n / 2)
	sn := s.Snapshot()
	t.Logf("%.1f MiB, then %.1f MiB; %d messages, %d transactions kept", first, last, sn.Totals.Messages, len(sn.Transactions))
	if kept := s.nextN - sn.Oldest(); kept < 20_000 || sn.Totals.Undecoded == 0 || len(sn.Transactions) < keptUnarrived+keptRecent {
		t.Errorf("%d rows, %d transactions are kept, %d were not understood: that is not what fills a session", kept, len(sn.Transactions), sn.Totals.Undecoded)
	}
	open := 0
	for _, x := range s.ledger.roster {
		open += len(x.open)
	}
	if open > len(sn.Transactions) {
		t.Errorf("%d transactions wait for a settlement that does not come, more than the %d that are kept", open, len(sn.Transactions))
	}
	if last > first*1.15 {
		t.Errorf("%.1f MiB grew to %.1f", first, last)
	}
}
