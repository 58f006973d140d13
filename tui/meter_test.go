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
	m.o.Meter = &Meter{to: stuck{2 * slowWrite}}
	m.watchMeter()
	if m.low {
		t.Fatal("low bandwidth without a reason")
	}
	for i := 0; m.o.Meter.slow.Load() < 2; i++ { // on a busy machine a stall may look like the machine's
		if i == 100 {
			t.Fatal("no write counts as stalled")
		}
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

// A machine without processor time to spare makes writes long and timers late alike: the terminal is not to blame.
func TestBusyMachineIsNoSlowTerminal(t *testing.T) {
	for _, c := range []struct {
		took, late time.Duration
		stalled    bool
	}{
		{time.Millisecond, 0, false},
		{slowWrite, 1, false},
		{2 * slowWrite, time.Millisecond, true},
		{time.Second, 20 * time.Millisecond, true},
		{2 * slowWrite, 0, false},             // the timer did not even come
		{3 * slowWrite, 2 * slowWrite, false}, // it came as late
		{time.Minute, time.Second, true},
	} {
		if got := stalled(c.took, c.late); got != c.stalled {
			t.Errorf("a write of %v whose timer is %v late: stalled %v", c.took, c.late, got)
		}
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
