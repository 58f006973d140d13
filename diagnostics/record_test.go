package diagnostics

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"slices"
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
			if again.Handle(ev); ev.Kind == link.Data {
				got = append(got, piece{ev.Dir, ev.At, len(ev.Data)})
			}
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

// replayed is a session of what another one recorded.
func replayed(t *testing.T, recorded []link.Event) *Session {
	t.Helper()
	s, err := NewSession(Options{})
	if err != nil {
		t.Fatal(err)
	}
	for _, ev := range recorded {
		s.Handle(ev)
	}
	s.End(nil)
	return s
}

// Two cards of which the same digits may be seen are two in a recording, too.
func TestRecordingTellsCardsApart(t *testing.T) {
	var recorded []link.Event
	live, err := NewSession(Options{Record: func(ev link.Event) { recorded = append(recorded, ev) }})
	if err != nil {
		t.Fatal(err)
	}
	r := newRig(t)
	r.s = live
	for i, pan := range []string{"6226000000010003", "6226000000190003", "6226000000010003", "6226000000270003", "6226000000190003"} {
		r.sale("T0000001", fmt.Sprintf("%06d", i+1), pan, "00")
	}
	live.End(nil)
	again := replayed(t, recorded)
	// Tokens are of one run: what counts is which are the same.
	same := func(s *Session) (which []int) {
		var tokens []uint64
		for _, e := range s.Snapshot().Entries {
			if e.Msg != nil && e.Msg.MTI == "0200" {
				at := slices.Index(tokens, e.Msg.Card())
				if at < 0 {
					at, tokens = len(tokens), append(tokens, e.Msg.Card())
				}
				which = append(which, at)
			}
		}
		return which
	}
	if a, b := same(live), same(again); !slices.Equal(a, []int{0, 1, 0, 2, 1}) || !slices.Equal(a, b) {
		t.Errorf("the line had the cards %v, its recording has %v", a, b)
	}
}

// A recording of damaged frames gives the same rows and the same report as the line did, to the last digit, although card data and
// all that was not understood are missing in it: on serial lines and over TCP, from the first frame on, whatever is damaged, lost or
// cut off.
func TestRecordingOfDamageReadsTheSame(t *testing.T) {
	r := newRig(t)
	row := func(e *Entry) string {
		text := fmt.Sprint(e.At.UnixNano(), e.Kind, e.Dir, e.Again, e.Txn, e.Pair, e.Latency)
		if m := e.Msg; m != nil {
			text += fmt.Sprint(m.MTI, m.Control, m.Check != "", len(m.Raw()), m.Trailing, m.Framing, m.Header, m.Dialect, m.Foreign, m.Fits, m.PAN())
			if m.Stop != nil {
				text += fmt.Sprint(m.Stop.Offset, m.Stop.Field, m.Stop.Reason, m.Stop.Suspect)
			}
		}
		return text
	}
	tell := func(s *Session) (rows []string, report string) {
		sn := s.Snapshot()
		for _, e := range sn.Entries {
			rows = append(rows, row(e))
		}
		var b bytes.Buffer
		if err := NewReport(sn, "", t0, t0).JSON(&b); err != nil {
			t.Fatal(err)
		}
		return rows, b.String()
	}
	damaged, undecoded, stopped := 0, 0, 0
	for seed := range uint64(50) {
		random := rand.New(rand.NewPCG(seed, 6))
		serial := seed%2 == 0
		var recorded []link.Event
		live, err := NewSession(Options{Record: func(ev link.Event) { recorded = append(recorded, ev) }})
		if err != nil {
			t.Fatal(err)
		}
		line := link.Event{Conn: 1, Terminal: "/dev/ttyUSB0"}
		if !serial {
			line.Terminal, line.Host = "10.0.0.1:1000", "10.0.0.9:8583"
		}
		say := func(kind link.Kind, dir link.Dir, b []byte) {
			ev := line
			ev.At, ev.Kind, ev.Dir, ev.Data = r.at, kind, dir, b
			live.Handle(ev)
		}
		// pass is a frame as it comes through: whole, damaged, cut off or torn.
		pass := func(dir link.Dir, b []byte) (whole bool) {
			b = bytes.Clone(b)
			switch random.IntN(10) {
			case 0, 1:
				b[random.IntN(len(b))] ^= byte(1 + random.IntN(255))
			case 2:
				b = b[:random.IntN(len(b))]
			case 3:
				at := random.IntN(len(b))
				b = append(b[:at], b[min(at+1+random.IntN(5), len(b)):]...)
			default:
				whole = true
			}
			for len(b) > 0 {
				n := min(1+random.IntN(2*len(b)), len(b))
				r.at = r.at.Add(50 * time.Millisecond)
				say(link.Data, dir, b[:n])
				b = b[n:]
			}
			if random.IntN(4) == 0 {
				r.at = r.at.Add(2 * inFrame)
				live.Tick(r.at.Add(-inFrame / 2))
			}
			r.at = r.at.Add(50 * time.Millisecond)
			return whole
		}
		// send is a frame as often as its receiver refuses it.
		send := func(dir link.Dir, b []byte) {
			if !serial {
				pass(dir, b)
				return
			}
			for range 3 {
				if pass(dir, stxEtx(b)) {
					say(link.Data, 1-dir, []byte{6})
					return
				}
				say(link.Data, 1-dir, []byte{0x15})
			}
			say(link.Data, dir, []byte{4})
		}
		for i := range 16 {
			if r.at = r.at.Add(time.Second); !serial {
				line.Conn++
				say(link.Opened, link.ToHost, nil)
			}
			stan := fmt.Sprintf("%06d", i+1)
			sale := map[int]string{3: "000000", 4: "000000000100", 11: stan, 14: "2912", 22: "021", 35: pan1 + "=29121010000000000", 41: "10000001", 42: "898310054110001", 49: "156", 60: "22000001000"}
			answer := map[int]string{3: "000000", 4: "000000000100", 11: stan, 37: "112412000123", 39: "00", 41: "10000001", 42: "898310054110001", 60: "22000001000"}
			if i%2 == 0 {
				sale[2], answer[2] = pan1, pan1
			}
			if i == 0 {
				send(link.ToHost, r.msg("0800", map[int]string{11: stan, 41: "10000001", 42: "898310054110001", 60: "00000001003", 63: "01 "}))
			} else {
				send(link.ToHost, r.msg("0200", sale))
				send(link.ToTerminal, r.msg("0210", answer))
			}
			if !serial {
				say([]link.Kind{link.Closed, link.Reset}[random.IntN(2)], link.Dir(random.IntN(2)), nil)
			}
		}
		live.End(nil)
		again := replayed(t, recorded)
		was, report := tell(live)
		is, same := tell(again)
		if diff := cmp.Diff(was, is); diff != "" {
			t.Fatalf("seed %d: rows of the line (-) and of its recording (+) differ:\n%s", seed, diff)
		}
		if diff := cmp.Diff(report, same); diff != "" {
			t.Fatalf("seed %d: the report of the line (-) and of its recording (+) differ:\n%s", seed, diff)
		}
		for _, e := range live.Snapshot().Entries {
			switch m := e.Msg; {
			case m == nil || m.Control != "":
			case m.Undecoded():
				undecoded++
			case m.Stop != nil:
				stopped++
			case m.Check != "":
				damaged++
			}
		}
	}
	if damaged < 50 || undecoded < 50 || stopped < 50 {
		t.Errorf("%d frames read to their end though damaged, %d not at all and %d in part are too few to prove anything", damaged, undecoded, stopped)
	}
}

// What waited for the watch is no sign, in a recording as on the line.
func TestRecordingTellsWhenTheWatchStood(t *testing.T) {
	r := newRig(t)
	var recorded []link.Event
	live, err := NewSession(Options{Record: func(ev link.Event) { recorded = append(recorded, ev) }})
	if err != nil {
		t.Fatal(err)
	}
	r.s = live
	for i := range 20 {
		r.sale("T0000001", fmt.Sprintf("%06d", i+1), pan1, "00")
		if i%5 == 4 {
			from := r.at.Add(time.Second)
			r.at = from.Add(20 * time.Second)
			live.Stood(from, r.at)
		}
	}
	live.End(nil)
	again := replayed(t, recorded)
	if diff := cmp.Diff(live.stalls.known, again.stalls.known, cmp.AllowUnexported(stall{})); diff != "" {
		t.Errorf("the line (-) and its recording (+) differ:\n%s", diff)
	}
	if a, b := live.Snapshot(), again.Snapshot(); a.Totals != b.Totals || !a.Now.Equal(b.Now) {
		t.Errorf("%v %+v, %v %+v", a.Now, a.Totals, b.Now, b.Totals)
	}
}
