package diagnostics

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"tillscope/link"
)

// A recording keeps the pieces in which messages passed, with the time of each: a latency counts to an answer's last byte, and
// what a silence inside a frame ended must end there again.
func TestRecordingKeepsThePieces(t *testing.T) {
	type piece struct {
		Dir link.Dir
		At  time.Time
		N   int
	}
	for _, gap := range []time.Duration{time.Millisecond, 2 * inFrame} {
		r := newRig(t)
		random := rand.New(rand.NewPCG(1, 2))
		var recorded []link.Event
		live, err := NewSession(Options{Record: func(ev link.Event) { recorded = append(recorded, ev) }})
		if err != nil {
			t.Fatal(err)
		}
		var sent []piece
		for i := range 12 {
			stan := fmt.Sprintf("%06d", i+1)
			for dir, b := range [][]byte{
				r.msg("0200", map[int]string{2: pan1, 3: "000000", 4: "000000000100", 11: stan, 41: "T0000001", 49: "156", 60: "22000001000"}),
				r.msg("0210", map[int]string{3: "000000", 4: "000000000100", 11: stan, 39: "00", 41: "T0000001", 60: "22000001000"}),
			} {
				for len(b) > 0 {
					n := 1 + random.IntN(len(b))
					r.at = r.at.Add(gap)
					sent = append(sent, piece{link.Dir(dir), r.at, n})
					live.Handle(link.Event{At: r.at, Conn: 1, Terminal: "10.0.0.1:1000", Host: "10.0.0.9:8583", Kind: link.Data, Dir: link.Dir(dir), Data: b[:n]})
					b = b[n:]
				}
			}
		}
		live.End(nil)
		again, err := NewSession(Options{})
		if err != nil {
			t.Fatal(err)
		}
		var got []piece
		for _, ev := range recorded {
			got = append(got, piece{ev.Dir, ev.At, len(ev.Data)})
			again.Handle(ev)
		}
		again.End(nil)
		if diff := cmp.Diff(sent, got); diff != "" {
			t.Errorf("pieces sent (-) and recorded (+) differ:\n%s", diff)
		}
		a, b := NewReport(live.Snapshot(), "", t0, t0).Lines[0], NewReport(again.Snapshot(), "", t0, t0).Lines[0]
		if a.Latency != b.Latency || a.Latency.Max < gap.Milliseconds() || a.Messages != 24 || b.Messages != 24 {
			t.Errorf("live %+v, opened again %+v", a, b)
		}
	}
}
