package link

import (
	"bytes"
	"encoding/binary"
	"slices"
	"testing"

	"github.com/gopacket/gopacket/layers"
	"github.com/gopacket/gopacket/pcapgo"
)

// inPieces cuts the IP packets of a capture into fragments of at most 400 bytes, and leaves out those of which keep says no.
func inPieces(t *testing.T, raw []byte, keep func(n int) bool) []byte {
	t.Helper()
	r, err := pcapgo.NewReader(bytes.NewReader(raw))
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	w := pcapgo.NewWriter(&out)
	if err := w.WriteFileHeader(65536, layers.LinkTypeEthernet); err != nil {
		t.Fatal(err)
	}
	n := 0
	for id := uint32(1); ; id++ {
		b, ci, err := r.ReadPacketData()
		if err != nil {
			return out.Bytes()
		}
		put := func(b []byte) {
			ci.CaptureLength, ci.Length = len(b), len(b)
			if err := w.WritePacket(ci, b); err != nil {
				t.Fatal(err)
			}
		}
		head := 14 + 20
		if b[12] == 0x86 {
			head = 14 + 40
		}
		body := b[head:]
		if len(body) < 600 {
			put(b)
			continue
		}
		for at := 0; at < len(body); at += 400 {
			if n++; !keep(n) {
				continue
			}
			piece := body[at:min(at+400, len(body))]
			more := at+400 < len(body)
			f := slices.Concat(b[:head], piece)
			if head == 34 {
				binary.BigEndian.PutUint16(f[16:], uint16(20+len(piece)))
				binary.BigEndian.PutUint16(f[20:], uint16(at/8|map[bool]int{true: 0x2000}[more]))
			} else {
				part := []byte{f[20], 0, byte(at >> 8), byte(at | map[bool]int{true: 1}[more]), 0, 0, 0, 0}
				binary.BigEndian.PutUint32(part[4:], id)
				f = slices.Concat(b[:head], part, piece, make([]byte, 3)) // and bytes behind it, as cards pad
				f[20] = 44
				binary.BigEndian.PutUint16(f[18:], uint16(8+len(piece)))
			}
			put(f)
		}
	}
}

func TestFragmentsAreJoined(t *testing.T) {
	raw, sent := talk(t, 2, Mishaps{})
	events, tally, err := readBytes(t, inPieces(t, raw, func(int) bool { return true }))
	if err != nil || tally.Fragments == 0 || tally.FragmentsLost > 0 {
		t.Fatalf("%v, %+v", err, *tally)
	}
	for way, want := range sent {
		var got []byte
		for _, ev := range events {
			if ev.Kind == Data && ev.Terminal == way.terminal && ev.Dir == way.dir {
				got = append(got, ev.Data...)
			}
		}
		if !bytes.Equal(got, want) {
			t.Errorf("%v: %d bytes of %d", way, len(got), len(want))
		}
	}
}

// A packet of which a fragment is missing is none, and all its fragments are counted.
func TestFragmentsWithoutTheirPacketAreCounted(t *testing.T) {
	raw, _ := talk(t, 2, Mishaps{})
	_, tally, err := readBytes(t, inPieces(t, raw, func(n int) bool { return n != 2 }))
	if err != nil || tally.FragmentsLost == 0 || tally.FragmentsLost > 3 || tally.Gaps == 0 {
		t.Errorf("%v, %+v", err, *tally)
	}
}

// Whoever sends beginnings only gets no memory.
func TestFragmentsThatWaitAreBounded(t *testing.T) {
	tally := Tally{}
	p := newParser(&tally)
	const many = 20000
	for i := range many {
		b := make([]byte, 40+8+1000)
		b[0], b[6], b[40], b[43] = 0x60, 44, protoTCP, 1
		binary.BigEndian.PutUint16(b[4:], 1008)
		binary.BigEndian.PutUint32(b[44:], uint32(i))
		if p.packet(layers.LinkTypeRaw, b, instant(i)) {
			t.Fatal("half a packet is no segment")
		}
		if p.fragments.bytes > mostFragments {
			t.Fatalf("%d bytes wait", p.fragments.bytes)
		}
	}
	if p.close(); tally.Fragments != many || tally.FragmentsLost != many {
		t.Errorf("%+v", tally)
	}
}
