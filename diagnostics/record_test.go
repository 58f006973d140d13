package diagnostics

import (
	"bytes"
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

// A recording of damaged frames is read into the same rows as the line was, although card data and all that was not
// understood are missing in it.
func TestRecordingOfDamageReadsTheSame(t *testing.T) {
	r := newRig(t)
	row := func(e *Entry) string {
		m := e.Msg
		text := fmt.Sprint(e.At.UnixMilli(), e.Dir, e.Again, e.Txn, e.Pair, m.MTI, m.Control, m.Check != "", len(m.Raw()), m.Trailing, m.Form != nil)
		if m.Stop != nil {
			text += fmt.Sprint(m.Stop.Offset, m.Stop.Field, m.Stop.Reason)
		}
		return text
	}
	random := rand.New(rand.NewPCG(5, 6))
	damaged, undecoded, stopped := 0, 0, 0
	for range 60 {
		var recorded []link.Event
		live, err := NewSession(Options{Record: func(ev link.Event) { recorded = append(recorded, ev) }})
		if err != nil {
			t.Fatal(err)
		}
		say := func(dir link.Dir, b []byte) {
			r.at = r.at.Add(50 * time.Millisecond)
			live.Handle(link.Event{At: r.at, Conn: 1, Terminal: "/dev/ttyUSB0", Kind: link.Data, Dir: dir, Data: b})
		}
		known := false // the line, from some whole frames: of others too little is left in a recording
		// send is a frame as often as its receiver refuses it.
		send := func(dir link.Dir, b []byte) {
			for range 3 {
				bad := known && random.IntN(3) == 0
				if b := bytes.Clone(b); bad {
					// In its payload: what happens to its ends decides where the next begins.
					b[3+random.IntN(len(b)-5)] ^= byte(1 + random.IntN(255))
					say(dir, b)
					say(1-dir, []byte{0x15})
				} else {
					say(dir, b)
					say(1-dir, []byte{6})
					return
				}
			}
			say(dir, []byte{4})
		}
		for i := range 12 {
			known = i > 1
			stan := fmt.Sprintf("%06d", i+1)
			sale := map[int]string{2: pan1, 3: "000000", 4: "000000000100", 11: stan, 14: "2912", 22: "021", 35: pan1 + "=29121010000000000", 41: "10000001", 42: "898310054110001", 49: "156", 60: "22000001000"}
			if i == 0 {
				sale = map[int]string{11: stan, 41: "10000001", 42: "898310054110001", 60: "00000001003", 63: "01 "}
				send(link.ToHost, stxEtx(r.msg("0800", sale)))
			} else {
				send(link.ToHost, stxEtx(r.msg("0200", sale)))
			}
			if i > 0 {
				send(link.ToTerminal, stxEtx(r.msg("0210", map[int]string{2: pan1, 3: "000000", 4: "000000000100", 11: stan, 37: "112412000123", 39: "00", 41: "10000001", 42: "898310054110001", 60: "22000001000"})))
			}
		}
		live.End(nil)
		again, err := NewSession(Options{})
		if err != nil {
			t.Fatal(err)
		}
		for _, ev := range recorded {
			again.Handle(ev)
		}
		again.End(nil)
		a, b := live.Snapshot(), again.Snapshot()
		var was, is []string
		for _, e := range a.Entries {
			was = append(was, row(e))
			switch m := e.Msg; {
			case m.Undecoded() && m.Control == "":
				undecoded++
			case m.Stop != nil:
				stopped++
			case m.Check != "":
				damaged++
			}
		}
		for _, e := range b.Entries {
			is = append(is, row(e))
		}
		if diff := cmp.Diff(was, is); diff != "" {
			t.Fatalf("rows of the line (-) and of its recording (+) differ:\n%s", diff)
		}
		if x, y := a.Lines[0], b.Lines[0]; x.LRCErrors != y.LRCErrors || x.NAKs != y.NAKs || x.Retransmits != y.Retransmits || x.Undecoded != y.Undecoded {
			t.Fatalf("the line was %+v, its recording is %+v", x, y)
		}
	}
	if damaged < 100 || undecoded < 20 || stopped < 30 {
		t.Errorf("%d frames read to their end though damaged, %d not at all and %d in part are too few to prove anything", damaged, undecoded, stopped)
	}
}
