package diagnostics

import (
	"bytes"
	"slices"
	"strings"
	"testing"
	"time"

	"tillscope/link"
	"tillscope/wire"
)

// stxEtx puts a message that begins with its length of two bytes between STX and ETX, with the LRC behind.
func stxEtx(b []byte) []byte {
	n := len(b) - 2
	out := append([]byte{2, byte(n/1000<<4 | n/100%10), byte(n/10%10<<4 | n%10)}, b[2:]...)
	out = append(out, 3)
	var x byte
	for _, c := range out[1:] {
		x ^= c
	}
	return append(out, x)
}

// at gives a copy of a frame with one byte changed; at may count from the end.
func damagedAt(b []byte, at int) []byte {
	b = bytes.Clone(b)
	if at < 0 {
		at += len(b)
	}
	b[at] ^= 0x10
	return b
}

// Every story is told twice: by two ports, one for each direction, and by one that hears both.
func TestFramesAreCountedOnceAndAsTheyWere(t *testing.T) {
	r := newRig(t)
	req := func(stan string) []byte {
		return stxEtx(r.msg("0200", map[int]string{2: pan1, 3: "000000", 4: "000000000100", 11: stan, 41: "10000001", 49: "156", 60: "22000001000"}))
	}
	resp := func(stan string) []byte {
		return stxEtx(r.msg("0210", map[int]string{3: "000000", 4: "000000000100", 11: stan, 39: "00", 41: "10000001", 60: "22000001000"}))
	}
	echo, echoed := stxEtx(r.msg("0820", map[int]string{11: "000001", 41: "10000001", 60: "00000001301"})), stxEtx(r.msg("0830", map[int]string{11: "000001", 39: "00", 41: "10000001", 60: "00000001301"}))
	one, answer, two, answer2 := req("000001"), resp("000001"), req("000002"), resp("000002")
	noType, noLength, noSTX, shorter := damagedAt(one, 14), damagedAt(one, 1), damagedAt(one, 0), append(bytes.Clone(one[:40]), one[41:]...)
	out, back := link.ToHost, link.ToTerminal
	ack, nak, enq, eot := []byte{6}, []byte{0x15}, []byte{5}, []byte{4}
	type step struct {
		dir  link.Dir
		data []byte
	}
	prelude := []step{{out, two}, {back, ack}, {back, answer2}, {out, ack}} // the line is known from here on
	for _, c := range []struct {
		name                   string
		lrc, naks, again, txns int
		answered               int
		twoPorts               bool // who sent what cannot be told when both directions are one
		steps                  []step
	}{
		{"calm", 0, 0, 0, 1, 1, false, []step{{out, one}, {back, ack}, {back, answer}, {out, ack}}},
		{"asked first", 0, 0, 0, 1, 1, false, []step{{out, enq}, {back, ack}, {out, one}, {back, ack}, {back, answer}, {out, ack}, {out, eot}}},
		{"damaged behind us", 0, 1, 1, 1, 1, false, []step{{out, one}, {back, nak}, {out, one}, {back, ack}, {back, answer}, {out, ack}}},
		{"damaged in front of us", 1, 1, 1, 1, 1, false, []step{{out, damagedAt(one, -20)}, {back, nak}, {out, one}, {back, ack}, {back, answer}, {out, ack}}},
		{"damaged, and nobody says so", 1, 0, 1, 1, 1, false, []step{{out, damagedAt(one, -20)}, {out, one}, {back, answer}}},
		{"its terminal damaged", 1, 1, 1, 1, 1, false, []step{{out, damagedAt(one, bytes.Index(one, []byte("10000001")))}, {back, nak}, {out, one}, {back, ack}, {back, answer}, {out, ack}}},
		{"its LRC alone damaged", 1, 1, 1, 1, 1, false, []step{{out, damagedAt(one, -1)}, {back, nak}, {out, one}, {back, ack}, {back, answer}, {out, ack}}},
		{"its type damaged", 1, 1, 1, 1, 1, false, []step{{out, noType}, {back, nak}, {out, one}, {back, ack}, {back, answer}, {out, ack}}},
		{"its length damaged", 0, 1, 1, 1, 1, true, []step{{out, noLength}, {back, nak}, {out, one}, {back, ack}, {back, answer}, {out, ack}}},
		{"its STX damaged", 0, 0, 1, 1, 1, false, []step{{out, noSTX}, {out, one}, {back, ack}, {back, answer}, {out, ack}}},
		{"a byte lost", 0, 1, 1, 1, 1, true, []step{{out, shorter}, {back, nak}, {out, one}, {back, ack}, {back, answer}, {out, ack}}},
		{"refused three times, damaged on both sides of us", 1, 2, 2, 1, 1, false, []step{{out, one}, {back, nak}, {out, damagedAt(one, -20)}, {back, nak}, {out, one}, {back, ack}, {back, answer}, {out, ack}}},
		{"given up", 0, 3, 2, 1, 0, false, []step{{out, one}, {back, nak}, {out, one}, {back, nak}, {out, one}, {back, nak}, {out, eot}}},
		{"silence", 0, 0, 2, 1, 1, false, []step{{out, one}, {out, one}, {out, one}, {back, answer}}},
		{"ACK lost", 0, 0, 1, 1, 1, false, []step{{out, one}, {back, answer}, {out, one}, {back, ack}}},
		{"answer damaged", 1, 1, 1, 1, 1, false, []step{{out, one}, {back, ack}, {back, damagedAt(answer, -9)}, {out, nak}, {back, answer}, {out, ack}}},
		{"answer refused behind us", 0, 1, 1, 1, 1, false, []step{{out, one}, {back, ack}, {back, answer}, {out, nak}, {back, answer}, {out, ack}}},
		{"damaged, and answered all the same", 1, 0, 0, 1, 1, false, []step{{out, damagedAt(one, -1)}, {back, answer}}},
		{"two echoes with one number", 0, 0, 0, 2, 2, false, []step{{out, echo}, {back, ack}, {back, echoed}, {out, ack}, {out, echo}, {back, ack}, {back, echoed}, {out, ack}}},
	} {
		for _, ports := range []int{1, 2} {
			if ports == 1 && c.twoPorts {
				continue
			}
			var recorded []link.Event
			s, err := NewSession(Options{Record: func(ev link.Event) { recorded = append(recorded, ev) }})
			if err != nil {
				t.Fatal(err)
			}
			at := t0
			for _, x := range append(prelude, c.steps...) {
				at = at.Add(100 * time.Millisecond)
				dir := x.dir
				if ports == 1 {
					dir = out
				}
				s.Handle(link.Event{At: at, Conn: 1, Terminal: "/dev/ttyUSB0", Kind: link.Data, Dir: dir, Data: x.data})
			}
			s.End(nil)
			sn := s.Snapshot()
			l := sn.Lines[0]
			answered := 0
			for _, x := range sn.Transactions[1:] {
				if x.ResponseCode == "00" {
					answered++
				}
			}
			if l.LRCErrors != c.lrc || l.NAKs != c.naks || l.Retransmits != c.again || len(sn.Transactions)-1 != c.txns || answered != c.answered {
				t.Errorf("%s, %d ports: LRC %d, NAK %d, again %d, transactions %d, answered %d; want %d %d %d %d %d", c.name, ports,
					l.LRCErrors, l.NAKs, l.Retransmits, len(sn.Transactions)-1, answered, c.lrc, c.naks, c.again, c.txns, c.answered)
				for _, e := range sn.Entries {
					t.Logf("  %d %v %q %s %s", e.N, e.Dir, e.Msg.MTI, e.Msg.Control, e.Msg.Check)
				}
			}
			if !slices.Equal(l.Terminals, []string{"10000001"}) {
				t.Errorf("%s, %d ports: damage makes terminals: %q", c.name, ports, l.Terminals)
			}
			again := replayed(t, recorded)
			if sn := again.Snapshot(); sn.Lines[0].LRCErrors != c.lrc || sn.Lines[0].NAKs != c.naks || sn.Lines[0].Retransmits != c.again || len(sn.Transactions)-1 != c.txns {
				t.Errorf("%s, %d ports: its recording gives %+v, %d transactions", c.name, ports, sn.Lines[0], len(sn.Transactions)-1)
			}
			if r := NewReport(sn, "", t0, t0).Lines[0]; r.LRCErrors != c.lrc || r.NAKs != c.naks || r.Retransmits != c.again {
				t.Errorf("%s: the report says %+v", c.name, r)
			}
		}
	}
}

// A damaged frame is booked when its receiver takes it all the same. Its row changes by that, and not in a snapshot that had it
// before.
func TestTakenThoughDamaged(t *testing.T) {
	r := newRig(t)
	s, err := NewSession(Options{})
	if err != nil {
		t.Fatal(err)
	}
	sale := func(mti, stan, code string) []byte {
		f := map[int]string{2: pan1, 3: "000000", 4: "000000000100", 11: stan, 41: "10000001", 49: "156", 60: "22000001000"}
		if code != "" {
			f[39] = code
		}
		return stxEtx(r.msg(mti, f))
	}
	at := t0
	say := func(dir link.Dir, b []byte) {
		at = at.Add(100 * time.Millisecond)
		s.Handle(link.Event{At: at, Conn: 1, Terminal: "/dev/ttyUSB0", Kind: link.Data, Dir: dir, Data: b})
	}
	say(link.ToHost, sale("0200", "000001", ""))
	say(link.ToTerminal, sale("0210", "000001", "00"))
	say(link.ToHost, damagedAt(sale("0200", "000002", ""), -1))
	before := s.Snapshot()
	say(link.ToTerminal, sale("0210", "000002", "00"))
	after := s.Snapshot()
	if was, is := before.Entry(3), after.Entry(3); was == nil || is == nil || was.Txn != 0 || was.Pair != 0 || is.Txn != 2 || is.Pair != 4 {
		t.Errorf("its row was %+v and is %+v", was, is)
	}
}

// Where no LRC is ever right the two ends have another rule, and their traffic counts.
func TestAnotherRuleOfTheLRC(t *testing.T) {
	s, err := NewSession(Options{Wire: wire.Options{Framing: "stx-etx", Header: "tpdu+cup", Dialect: "cup"}})
	if err != nil {
		t.Fatal(err)
	}
	r := newRig(t)
	at := t0
	for _, stan := range []string{"000001", "000002", "000003"} {
		for dir, b := range [][]byte{
			stxEtx(r.msg("0200", map[int]string{2: pan1, 3: "000000", 4: "000000000100", 11: stan, 41: "10000001", 49: "156", 60: "22000001000"})),
			stxEtx(r.msg("0210", map[int]string{3: "000000", 4: "000000000100", 11: stan, 39: "00", 41: "10000001", 60: "22000001000"})),
		} {
			at = at.Add(time.Second)
			s.Handle(link.Event{At: at, Conn: 1, Kind: link.Data, Dir: link.Dir(dir), Data: damagedAt(b, -1)})
		}
	}
	sn := s.Snapshot()
	for _, x := range sn.Transactions {
		if x.ResponseCode != "00" {
			t.Errorf("%+v is not answered", x)
		}
	}
	if l := sn.Lines[0]; l.LRCErrors != 6 || l.Retransmits != 0 || len(sn.Transactions) != 3 {
		t.Errorf("%d LRC errors, %d again, %d transactions", l.LRCErrors, l.Retransmits, len(sn.Transactions))
	}
}

func TestNamesWithColons(t *testing.T) {
	for addr, want := range map[string]string{"10.0.0.1:8583": "10.0.0.1", "[::1]:8583": "::1", "/dev/serial/by-path/pci-0:1.0-port0": "/dev/serial/by-path/pci-0:1.0-port0", "COM3": "COM3"} {
		if got := hostOnly(addr); got != want {
			t.Errorf("%s is %s, want %s", addr, got, want)
		}
	}
}

// A frame that breaks off is seen when its sender is silent, not when the next one comes; and a port that is plugged in
// again begins with a frame.
func TestFramesThatBreakOffAreSeen(t *testing.T) {
	s, err := NewSession(Options{})
	if err != nil {
		t.Fatal(err)
	}
	r := newRig(t)
	frame := stxEtx(r.msg("0200", map[int]string{2: pan1, 3: "000000", 4: "000000000100", 11: "000001", 41: "10000001", 49: "156", 60: "22000001000"}))
	at := t0
	ev := func(k link.Kind, data []byte) {
		at = at.Add(50 * time.Millisecond)
		s.Handle(link.Event{At: at, Conn: 1, Terminal: "COM3", Host: "COM4", Kind: k, Data: data})
	}
	ev(link.Data, frame)
	ev(link.Data, frame[:40])
	s.Tick(at.Add(inFrame / 2))
	if n := len(s.Snapshot().Entries); n != 1 {
		t.Errorf("%d rows before the silence is long enough", n)
	}
	s.Tick(at.Add(2 * inFrame))
	if n := len(s.Snapshot().Entries); n != 2 {
		t.Errorf("%d rows after it", n)
	}
	ev(link.Data, frame[:40])
	ev(link.Unplugged, nil)
	ev(link.Plugged, nil)
	ev(link.Data, []byte{5})
	ev(link.Data, frame)
	var rows []string
	for _, e := range s.Snapshot().Entries[2:] {
		if e.Msg == nil {
			rows = append(rows, "event")
		} else {
			rows = append(rows, e.Msg.MTI+e.Msg.Control)
		}
	}
	if got := strings.Join(rows, " "); got != "0200 event event ENQ 0200" {
		t.Errorf("%q", got)
	}
}

// At a wrong speed nothing is understood: that is shown as it comes, in few rows.
func TestNoiseOnASerialLineIsSeen(t *testing.T) {
	s, err := NewSession(Options{Info: link.Info{Kind: "serial"}})
	if err != nil {
		t.Fatal(err)
	}
	at := t0
	for range 5 {
		at = at.Add(2 * time.Second)
		s.Handle(link.Event{At: at, Conn: 1, Terminal: "COM3", Kind: link.Data, Data: bytes.Repeat([]byte{0xE6, 0x78, 0x00, 0x9E}, 30)})
		s.Tick(at.Add(time.Second / 2))
		s.Tick(at.Add(3 * time.Second / 2))
	}
	if sn := s.Snapshot(); len(sn.Entries) != 5 || sn.Totals.Undecoded != 5 {
		t.Errorf("%d rows, %+v", len(sn.Entries), sn.Totals)
	}
}

// A line may begin with a damaged frame, before anything is known of it.
func TestTheFirstFrameIsDamaged(t *testing.T) {
	r := newRig(t)
	one := stxEtx(r.msg("0200", map[int]string{2: pan1, 3: "000000", 4: "000000000100", 11: "000001", 41: "10000001", 49: "156", 60: "22000001000"}))
	answer := stxEtx(r.msg("0210", map[int]string{3: "000000", 4: "000000000100", 11: "000001", 39: "00", 41: "10000001", 60: "22000001000"}))
	for name, damaged := range map[string][]byte{"LRC": damagedAt(one, -1), "type": damagedAt(one, 14), "length": damagedAt(one, 1), "a byte lost": append(bytes.Clone(one[:40]), one[41:]...)} {
		s, err := NewSession(Options{Info: link.Info{Kind: "serial"}})
		if err != nil {
			t.Fatal(err)
		}
		at := t0
		for _, x := range []struct {
			dir  link.Dir
			data []byte
		}{{link.ToHost, damaged}, {link.ToTerminal, []byte{0x15}}, {link.ToHost, one}, {link.ToTerminal, []byte{6}}, {link.ToTerminal, answer}, {link.ToHost, []byte{6}}} {
			at = at.Add(100 * time.Millisecond)
			s.Handle(link.Event{At: at, Conn: 1, Terminal: "COM3", Kind: link.Data, Dir: x.dir, Data: x.data})
		}
		s.End(nil)
		sn := s.Snapshot()
		if l := sn.Lines[0]; l.NAKs != 1 || l.Retransmits != 1 || len(sn.Transactions) != 1 || sn.Transactions[0].ResponseCode != "00" {
			t.Errorf("%s: %+v, %d transactions", name, l, len(sn.Transactions))
			for _, e := range sn.Entries {
				t.Logf("  %d %v %q %s %s %d", e.N, e.Dir, e.Msg.MTI, e.Msg.Control, e.Msg.Check, len(e.Msg.Raw()))
			}
		}
	}
}

// Whatever of a first frame arrives before the line falls silent, the frames behind it tell what the line speaks. Without
// its STX alone it is a whole frame of another framing.
func TestAPieceTeachesNothing(t *testing.T) {
	r := newRig(t)
	one := stxEtx(r.msg("0200", map[int]string{2: pan1, 3: "000000", 4: "000000000100", 11: "000001", 41: "10000001", 49: "156", 60: "22000001000"}))
	answer := stxEtx(r.msg("0210", map[int]string{3: "000000", 4: "000000000100", 11: "000001", 39: "00", 41: "10000001", 60: "22000001000"}))
	for i := 1; i < len(one); i++ {
		for name, piece := range map[string][]byte{"changed": damagedAt(one, i), "lost": append(bytes.Clone(one[:i]), one[i+1:]...), "the last": one[:i+1]} {
			s, err := NewSession(Options{Info: link.Info{Kind: "serial"}})
			if err != nil {
				t.Fatal(err)
			}
			at := t0
			put := func(dir link.Dir, b []byte) {
				at = at.Add(100 * time.Millisecond)
				s.Handle(link.Event{At: at, Conn: 1, Terminal: "COM3", Kind: link.Data, Dir: dir, Data: b})
			}
			put(link.ToHost, piece)
			at = at.Add(3 * inFrame)
			s.Tick(at)
			for range 4 {
				put(link.ToHost, one)
				put(link.ToTerminal, []byte{6})
				put(link.ToTerminal, answer)
				put(link.ToHost, []byte{6})
			}
			s.End(nil)
			if l := s.Snapshot().Lines[0]; l.Framing != "stx-etx" || l.Undecoded > 2 {
				t.Errorf("byte %d %s: %s, %d not understood", i, name, l.Framing, l.Undecoded)
			}
		}
	}
}
