package tui

import (
	"fmt"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/charmbracelet/colorprofile"
)

// What a screen has to stand: a terminal that takes nothing for a minute, and hours of traffic.

// A terminal that takes nothing for a minute costs no message, and shows what is right once it goes on: the newest row, all of
// the counts, and cell for cell what a screen drawn anew shows.
func TestStalledTerminalLosesNothing(t *testing.T) {
	load := newLoad(t)
	at := time.Now().Add(-2 * time.Minute)
	load.exchange(at)
	x := start(t, kit{profile: colorprofile.ANSI256, w: 100, h: 30, options: func(o *Options) { o.Session = load.session }})
	x.until("tillscope  LIVE TAP")
	x.mu.Lock() // whoever writes waits now
	const minute = 60 * 50 / 2
	for i := range minute {
		load.exchange(at.Add(time.Duration(i+1) * 40 * time.Millisecond))
	}
	got := load.session.Snapshot().Totals
	time.Sleep(2 * refresh) // a write is under way, and the next frames wait behind it
	x.mu.Unlock()
	const all = 2 * (minute + 1)
	if got.Messages != all || got.Dropped != 0 {
		t.Errorf("%d messages of %d, %d dropped", got.Messages, all, got.Dropped)
	}
	load.session.End(nil) // from now on nothing changes by itself
	x.until(fmt.Sprintf("%d msg", all))
	x.until("ended")
	x.until(fmt.Sprintf("%06d", load.n)) // the trace number of the newest sale
	x.press("\t")
	x.until("[Message #")
	before := x.screen()
	written := x.written()
	x.press("\x0c") // draw all of it anew
	for deadline := time.Now().Add(60 * time.Second); x.written() < written+1000; time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("the screen is not drawn anew")
		}
	}
	x.wait("the same, drawn anew", func(s string) bool { return s == before })
	x.quit()
}

// After hours of traffic the program holds no more than in the first: 50 messages a second, four hours long. What is kept of
// transactions grows and is let go by turns, so the most of each hour counts.
func TestMemoryIsFlat(t *testing.T) {
	if testing.Short() {
		t.Skip("hundreds of thousands of messages")
	}
	load := newLoad(t)
	m := newTest(t, "en", 120, 30)
	m.o.Session = load.session
	at := time.Now()
	const hours, looks = 4, 40
	var most [hours]float64
	for hour := range most {
		for range looks {
			for range 3600 * 50 / 2 / looks {
				load.exchange(at)
				at = at.Add(40 * time.Millisecond)
			}
			m.take()
			_ = m.View()
			runtime.GC()
			var s runtime.MemStats
			runtime.ReadMemStats(&s)
			most[hour] = max(most[hour], float64(s.HeapAlloc)/(1<<20))
		}
	}
	t.Logf("MiB at the most in each hour: %.1f", most)
	if kept := m.newest() - m.snap.Oldest() + 1; kept < 100_000 {
		t.Errorf("%d rows are kept", kept)
	}
	if most[hours-1] > most[0]*1.1 {
		t.Errorf("%.1f MiB grew to %.1f", most[0], most[hours-1])
	}
}

// Rows that are packed are listed, read and searched as the newest are.
func TestOlderRowsAreListedAndSearched(t *testing.T) {
	load := newLoad(t)
	at := time.Now()
	const exchanges = 10_000
	for i := range exchanges {
		load.exchange(at.Add(time.Duration(i) * 40 * time.Millisecond))
	}
	m := newTest(t, "en", 120, 30)
	m.o.Session = load.session
	m.take()
	if m.traffic().n != 2*exchanges || m.snap.FirstEntry < exchanges {
		t.Fatalf("%d rows are listed, %d packed", m.traffic().n, m.snap.FirstEntry-1)
	}
	keys(m, "home")
	if s := shown(m); !strings.Contains(s, "1/20000") || !strings.Contains(s, "000001") {
		t.Errorf("the first row is not shown:\n%s", s)
	}
	keys(m, "down", "tab", "home")
	if s := shown(m); !strings.Contains(s, "Message #2") || !strings.Contains(s, "0210") {
		t.Errorf("the second row is not shown:\n%s", s)
	}
	keys(m, "esc")
	for _, c := range []struct {
		filter string
		rows   int
	}{{"stan=000007", 2}, {"stan=000007 mti=0210", 1}, {"approved stan=000008", 1}, {"mti=0200", exchanges}, {"type=sale arrived=no", 0}, {"stan=9990", 2}, {"stage=confirmed", 2 * exchanges}, {"stage=sent", 0}} {
		m.setFilter(c.filter)
		for m.traffic().left > 0 {
			m.Update(tick{})
		}
		if m.traffic().n != c.rows {
			t.Errorf("%s: %d rows, want %d", c.filter, m.traffic().n, c.rows)
		}
	}
	m.setFilter("stan=000007")
	for m.traffic().left > 0 {
		if s := shown(m); !strings.Contains(s, "% searched") {
			t.Errorf("nothing says that the search goes on:\n%s", s)
		}
		m.Update(tick{})
	}
	keys(m, "end", "up")
	if s := shown(m); !strings.Contains(s, "000007") || !strings.Contains(s, "2 of 20000 rows") {
		t.Error(s)
	}
	if !m.jump(5, message) || m.traffic().sel != 5 {
		t.Error("a jump does not find an older row")
	}
}
