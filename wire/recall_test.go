package wire

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
)

// keptFrame is a frame as a recording keeps it, with the note about it and about its line.
type keptFrame struct {
	b           []byte
	frame, line string
}

// keep is what a recording keeps of a message: nothing of what was not understood.
func keep(m *Message, d *Decoder) keptFrame {
	b := []byte(m.Raw())
	for i := m.Understood(); i < len(b); i++ {
		b[i] = 0xFF
	}
	m.Reseal(b)
	det := d.Detection()
	return keptFrame{b, m.Note(det, 0), det.Note()}
}

// account is everything about a message that a diagnosis goes by.
func account(m *Message) string {
	s := fmt.Sprintf("%s/%s/%s %s %d/%d %v %q %q %q %q check %v card %v %s", m.Framing, m.Header, m.Dialect, m.MTI, m.Understood(), len(m.Raw()), m.Trailing, m.Control, m.Foreign, m.Detail, m.Fits, m.Check != "", m.card != 0, m.PAN())
	s = fmt.Sprint(s, m.HeaderParts(), m.Has(39), m.Has(52), m.Has(55))
	for _, f := range []int{3, 4, 11, 37, 38, 39, 41, 42, 60} {
		s += " " + strings.ReplaceAll(m.Get(f), "*", "0") // damaged text is masked where it looks like digits, and zeros may look like less
	}
	if m.Stop != nil {
		s += fmt.Sprint(" stopped ", m.Stop.Offset, m.Stop.Field, m.Stop.Suspect, m.Stop.Reason)
	}
	return s
}

// What is kept of frames with the notes about them is read as the line was, to the last digit of what it was found to carry:
// whatever its form is, and however its bytes were damaged, lost, held up or made up.
func TestKeptFramesAreReadAsTheyWere(t *testing.T) {
	all, err := dialects()
	if err != nil {
		t.Fatal(err)
	}
	odd, whole, ends := 0, 0, 0
	for seed := range uint64(200) {
		r := rand.New(rand.NewPCG(seed, 7))
		dialect := all[r.IntN(len(all))]
		framing, header := dialect.framings[r.IntN(len(dialect.framings))], dialect.headers[r.IntN(len(dialect.headers))]
		if r.IntN(3) == 0 {
			framing = "stx-etx"
		}
		live, err := NewDecoder(Options{})
		if err != nil {
			t.Fatal(err)
		}
		again := live.Like()
		one, two := live.Stream(true), again.Stream(true)
		var pending []keptFrame // what has passed and waits for the same end as on the line
		check := func(was, is []*Message) {
			t.Helper()
			if len(was) != len(is) {
				t.Fatalf("seed %d: %d messages of the line, %d of what was kept", seed, len(was), len(is))
			}
			for i, m := range was {
				if a, b := account(m), account(is[i]); a != b {
					t.Fatalf("seed %d: the line said\n%s\nwhat was kept says\n%s\nnote %s\n%x\n%x\n%x", seed, a, b, pending[i].frame, pending[i].b, m.Raw(), is[i].Raw())
				}
			}
			if a, b := live.Detection(), again.Detection(); len(was) > 0 && a != b {
				t.Fatalf("seed %d: the line was found to carry %+v, what was kept %+v", seed, a, b)
			}
		}
		// pass lets the kept frames of messages go through the other stream, and end by what ended them.
		pass := func(was []*Message, end func(*Stream) []*Message) {
			var is []*Message
			pending = pending[:0]
			was = slices.Clone(was)
			for _, m := range was {
				k := keep(m, live)
				if pending = append(pending, k); hasRun([]byte(k.line)) || hasRun([]byte(k.frame)) {
					t.Fatalf("seed %d: a note looks like a card number: %s %s", seed, k.line, k.frame)
				}
				if k.line != "" {
					again.Recall(k.line)
				}
				if k.frame != "" {
					two.Recall(k.frame)
					odd++
				} else {
					whole++
				}
				is = append(is, two.Write(k.b)...)
			}
			if end != nil {
				ends += len(was)
				is = append(is, end(two)...)
			}
			check(was, is)
		}
		for i := range 30 {
			b := livelyFrame(r, framing, header, dialect, r.IntN(4), i+1)
			switch r.IntN(8) {
			case 0:
				b[r.IntN(len(b))] ^= byte(1 + r.IntN(255))
			case 1:
				at := r.IntN(len(b))
				b = slices.Delete(b, at, min(at+1+r.IntN(9), len(b)))
			case 2:
				b = slices.Insert(b, r.IntN(len(b)), byte(r.IntN(256)), byte(r.IntN(256)))
			case 3:
				b = b[:r.IntN(len(b))]
			case 4:
				b = append(b, "\x06\x15\x05"[r.IntN(3)])
			}
			for len(b) > 0 {
				n := 1 + r.IntN(len(b))
				pass(one.Write(b[:n]), nil)
				b = b[n:]
			}
			switch r.IntN(6) {
			case 0:
				pass(one.Gap(), (*Stream).Gap)
			case 1:
				pass(one.Broken(), (*Stream).Broken)
			case 2:
				pass(one.Close(), (*Stream).Close)
				one, two = live.Stream(true), again.Stream(true)
			}
		}
		pass(one.Close(), (*Stream).Close)
	}
	if odd < 1000 || whole < 1000 || ends < 300 {
		t.Errorf("%d odd frames, %d plain ones and %d that only an end ended are too few to prove anything", odd, whole, ends)
	}
}

// Of a frame that was cut off, or has bytes behind its last field, nothing is kept but its whole fields: a part of a card number
// would be too short to be masked.
func TestKeptFramesHaveWholeFieldsOnly(t *testing.T) {
	frame := sale(t, "000001")
	for n := minFrame; n < len(frame); n++ {
		d, err := NewDecoder(Options{Framing: "len2", Header: "tpdu+cup", Dialect: "cup"})
		if err != nil {
			t.Fatal(err)
		}
		s := d.Stream(true)
		for _, m := range slices.Concat(s.Write(frame[:n]), s.Close()) {
			end := 2 + 11 + 2 + 8
			for _, f := range m.Fields() {
				end = max(end, f.Offset+f.Length)
			}
			if known := m.Understood(); known > end+2 { // the length of the next
				t.Fatalf("cut after %d bytes: %d are kept, the last field ends at %d", n, known, end)
			}
		}
	}
	long := slices.Concat(frame, []byte("more of it"))
	long[0], long[1] = byte((len(long)-2)>>8), byte(len(long)-2)
	m, _, err := Decode(long, Options{Framing: "len2", Header: "tpdu+cup", Dialect: "cup"})
	if err != nil || m.Trailing != 10 || m.Understood() != len(frame) {
		t.Errorf("%d bytes behind the last field, of %d bytes %d are kept, %v", m.Trailing, len(long), m.Understood(), err)
	}
}

// FuzzRecall reads any bytes with any notes: a file that somebody sent may have both.
func FuzzRecall(f *testing.F) {
	one := sale(f, "000001")
	f.Add(`{"framing":"len2","header":"tpdu+cup","dialect":"cup","confidence":0.9}`, `{"size":40}`, one)
	f.Add(`{"framing":"len2","header":"unknown","skip":7,"dialect":"cup"}`, `{"size":2,"control":"ACK"}`, one)
	f.Add(`{"foreign":"TLS"}`, `{"size":90,"foreign":"TLS","detail":"alert 42","ended":true}`, one)
	f.Add(`{}`, `{"size":60,"form":{"framing":"len2","header":"tpdu+cup","dialect":"cup","other":[{"id":60,"content":2,"prefix":1,"digits":2,"max":99}]},"stop":{"offset":-1,"known":900,"why":"wire.stop.long","args":[1,"x"]},"trailing":-4,"card":"622260******0123"}`, one)
	f.Fuzz(func(t *testing.T, line, frame string, b []byte) {
		if len(b) > 20000 {
			t.Skip()
		}
		d, err := NewDecoder(Options{})
		if err != nil {
			t.Fatal(err)
		}
		s := d.Stream(true)
		d.Recall(line)
		s.Recall(frame)
		var all []*Message
		for piece := range slices.Chunk(b, max(len(b)/3, 1)) {
			all = append(all, s.Write(piece)...)
			s.Recall(frame)
			d.Recall(line)
		}
		size := 0
		for _, m := range append(all, s.Close()...) {
			size += len(m.Raw())
			_, _, _ = everything(m), m.Note(d.Detection(), 1), account(m)
		}
		if size != len(b) {
			t.Errorf("%d bytes of %d came out", size, len(b))
		}
	})
}
