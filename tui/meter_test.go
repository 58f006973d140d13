package tui

import (
	"strings"
	"testing"
	"time"
)

// stuck is a terminal that takes its time.
type stuck struct{ wait time.Duration }

func (s stuck) Write(p []byte) (int, error) { time.Sleep(s.wait); return len(p), nil }

// A terminal that stalls twice gets less by itself, says so, and more again once it has followed for a while.
func TestSlowTerminalGetsLess(t *testing.T) {
	m := newTest(t, "en", 120, 30)
	m.o.Meter = &Meter{to: stuck{slowWrite}}
	m.watchMeter()
	if m.low {
		t.Fatal("low bandwidth without a reason")
	}
	for range 2 {
		if n, err := m.o.Meter.Write([]byte("frame")); n != 5 || err != nil {
			t.Fatal(n, err)
		}
	}
	m.watchMeter()
	if !m.low || !strings.Contains(shown(m), "low bandwidth") {
		t.Error("a terminal that stalls is not spared")
	}
	m.o.Meter.lately.Store(time.Now().Add(-2 * calmSpan).UnixNano())
	m.watchMeter()
	if m.low {
		t.Error("a terminal that follows again is still spared")
	}
	m.setLow(true) // chosen by hand, it stays
	m.watchMeter()
	if !m.low {
		t.Error("what the user chose was taken back")
	}
}

// In low bandwidth, traffic that rushes by is counted, and freezing shows its rows.
func TestLowBandwidthCounts(t *testing.T) {
	x := newLoad(t)
	at := time.Now()
	for i := range 200 {
		x.exchange(at.Add(time.Duration(i) * time.Millisecond))
	}
	m := newTest(t, "en", 80, 24)
	m.o.Session = x.session
	m.take()
	keys(m, "B")
	if s := shown(m); !strings.Contains(s, "counters in place of rows") || !strings.Contains(s, "0210 00") {
		t.Error(s)
	}
	keys(m, "k")
	if strings.Contains(shown(m), "counters in place of rows") {
		t.Error("rows cannot be looked at")
	}
}
