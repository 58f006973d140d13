package wire

import (
	"bytes"
	"fmt"
	"slices"
	"testing"
)

// told is a stream in short: control bytes by name, messages by type, what is neither by a question mark.
func told(ms []*Message) (out []string) {
	for _, m := range ms {
		name := m.MTI
		switch {
		case m.Control != "":
			name = m.Control
		case m.Undecoded():
			name = "?"
		}
		if m.Check != "" {
			name += " LRC"
		}
		if m.Stop != nil && m.Stop.Field == "frame" && !m.Undecoded() {
			name += " cut"
		}
		out = append(out, name)
	}
	return out
}

// tell reads b in pieces of n bytes.
func tell(t *testing.T, b []byte, n int) []string {
	t.Helper()
	d, err := NewDecoder(Options{})
	if err != nil {
		t.Fatal(err)
	}
	s := d.Stream(true)
	var out []string
	for piece := range slices.Chunk(b, n) {
		out = append(out, told(s.Write(piece))...)
	}
	return append(out, told(s.Close())...)
}

func TestControlBytesStandBetweenFrames(t *testing.T) {
	one := frameAs("stx-etx", sale(t, "000001")[2:])
	damaged := bytes.Clone(one)
	damaged[len(damaged)-20] ^= 0x40
	headless := bytes.Clone(one)
	headless[14] = 0xFF // the message type
	for name, c := range map[string]struct {
		b    []byte
		want []string
	}{
		"asked first":                {slices.Concat([]byte{5}, one, []byte{4}), []string{"ENQ", "0200", "EOT"}},
		"joined in the middle":       {slices.Concat([]byte{6, 6, 5}, one, []byte{6}, one, []byte{0x15}), []string{"ACK", "ACK", "ENQ", "0200", "ACK", "0200", "NAK"}},
		"nobody answers":             {[]byte{5, 5, 5, 5}, []string{"ENQ", "ENQ", "ENQ", "ENQ"}},
		"asked twice":                {[]byte{5, 5}, []string{"ENQ", "ENQ"}},
		"damaged":                    {slices.Concat(one, damaged, one), []string{"0200", "0200 LRC", "0200"}},
		"damaged type":               {slices.Concat(one, headless, one), []string{"0200", "? LRC", "0200"}},
		"a length that leads astray": {slices.Concat([]byte{9, 0, 0x60, 0, 3}, one), []string{"?", "0200"}},
		"other garbage":              {slices.Concat(one, []byte("noise"), one), []string{"0200", "?", "0200"}},
		"control bytes in noise":     {slices.Concat(one, []byte{6, 0x81, 6, 6, 0x15}, one), []string{"0200", "ACK", "?", "0200"}},
	} {
		for _, n := range []int{1, 2, 3, 7, 4096} {
			if got := tell(t, c.b, n); !slices.Equal(got, c.want) {
				t.Errorf("%s, %d bytes at a time: %q, want %q", name, n, got, c.want)
			}
		}
	}
}

// A damaged length makes a frame that never ends: what refused it ends it.
func TestBrokenFrame(t *testing.T) {
	one := frameAs("stx-etx", sale(t, "000001")[2:])
	long := bytes.Clone(one)
	long[1] += 0x10
	d, err := NewDecoder(Options{})
	if err != nil {
		t.Fatal(err)
	}
	s := d.Stream(true)
	got := told(s.Write(slices.Concat(one, long)))
	if s.Pending() != len(long) {
		t.Errorf("%d bytes wait, not the %d of the damaged frame", s.Pending(), len(long))
	}
	got = append(got, told(s.Broken())...)
	got = append(got, told(s.Write(slices.Concat([]byte{5}, one)))...)
	if want := []string{"0200", "0200 cut", "ENQ", "0200"}; !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
}

func TestControlBytesCostNothing(t *testing.T) {
	d, err := NewDecoder(Options{Framing: "stx-etx"})
	if err != nil {
		t.Fatal(err)
	}
	s := d.Stream(true)
	bytes := []byte{6, 0x15, 5, 4}
	if n := testing.AllocsPerRun(100, func() { s.Write(bytes) }); n > 0 {
		t.Errorf("%v allocations for four control bytes", n)
	}
}

// A serial line that is heard from the middle of a frame on begins like one of another framing, and what ends that frame looks
// like the length of the next. The line is known by the second whole frame.
func TestSerialLineWithoutItsFirstBytes(t *testing.T) {
	var whole []byte
	for i := range 4 {
		whole = append(whole, frameAs("stx-etx", sale(t, fmt.Sprintf("%06d", i))[2:])...)
	}
	first := len(whole) / 4
	for gone := range first + 1 {
		d, err := NewDecoder(Options{})
		if err != nil {
			t.Fatal(err)
		}
		s := d.Stream(true)
		var stans []string
		for _, m := range s.Write(slices.Concat(whole[gone:], []byte{6, 6, 5}, whole[:first])) {
			if m.Control != "" {
				stans = append(stans, m.Control)
			} else if m.Framing == "stx-etx" && m.Stop == nil && m.Check == "" {
				stans = append(stans, m.Get(11))
			}
		}
		want := []string{"000001", "000002", "000003", "ACK", "ACK", "ENQ", "000000"}
		// What is left of the first frame may be read as this or that.
		if !slices.Equal(stans[max(0, len(stans)-len(want)):], want) || d.Detection().Framing != "stx-etx" {
			t.Errorf("without %d bytes: %q of %+v, want %q", gone, stans, d.Detection(), want)
		}
	}
}
