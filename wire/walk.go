package wire

import (
	"encoding/binary"
	"fmt"
	"math/bits"
)

// span places one field in the frame. Offsets count from the first byte of the frame, length prefix included. It is
// small and without pointers; maxFrame keeps all numbers within 16 bits.
type span struct {
	off, n uint16 // bytes of the value
	id     uint8
	marks  uint8
}

// odd marks packed digits of which the last half byte is no digit, or the first.
const odd = 1

// chars is the length in digits, characters or bytes, as the prefix counts.
func (s *span) chars(c coding) int {
	n := int(s.n)
	if c.packed() {
		n *= 2
		n -= int(s.marks & odd)
	}
	return n
}

// fault is why a walk ended early.
type fault uint8

const (
	faultNone fault = iota
	faultMTI
	faultBitmap
	faultField  // the dialect has no such field
	faultLength // no number
	faultLong   // longer than allowed: have of want
	faultShort  // have bytes are left, want are needed
)

// walked is what one walk over a payload found. It holds no text, so that a walk allocates nothing.
type walked struct {
	mti        [4]byte
	fields     [2]uint64 // the bitmaps, bit 1 cleared
	third      uint64    // the third bitmap, where it stands with the others
	spans      []span
	bitmap     int // offset of the bitmap
	end        int // offset after the last field read
	fault      fault
	at         int // where the fault is
	field      int
	have, want int
}

// stop tells a fault in words; nil when the walk came to its end.
func (w *walked) stop(d *dialect) *Stop {
	if w.fault == faultNone {
		return nil
	}
	s := &Stop{Offset: w.at, Known: w.at, Field: fmt.Sprint(w.field)}
	switch w.fault {
	case faultMTI:
		s.Field, s.Reason = "mti", remark("stop.mti")
	case faultBitmap:
		s.Field, s.Reason = "bitmap", remark("stop.bitmap")
	case faultField:
		s.Reason = remark("stop.field", d.id)
	case faultLength:
		s.Reason = remark("stop.length")
	case faultLong:
		s.Known += int(d.steps[w.field].prefixBytes())
		s.Reason = remark("stop.long", w.have, w.want)
	case faultShort:
		s.Known += int(d.steps[w.field].prefixBytes())
		s.Reason = remark("stop.short", w.want, w.have)
	}
	return s
}

// walk reads MTI, bitmaps and fields of b from offset at on. It never reads past b and never fails: what it could not
// read is told by fault. over replaces the definitions of some fields.
func (d *dialect) walk(b []byte, at int, spans []span, over []*def) (w walked) {
	w.spans = spans[:0]
	if d.head(b, at, &w) {
		d.rest(b, &w, over)
	}
	return w
}

// head reads MTI and bitmaps. w.end is then where the first field begins.
func (d *dialect) head(b []byte, at int, w *walked) bool {
	w.end, w.at = at, at
	n, ok := d.readMTI(b[at:], &w.mti)
	if !ok {
		w.fault = faultMTI
		return false
	}
	at += n
	w.end, w.at, w.field, w.bitmap = at, at, 1, at
	if n, ok = d.readBitmap(b[at:], &w.fields[0]); !ok {
		w.fault = faultBitmap
		return false
	}
	at += n
	if w.fields[0]>>63 == 1 {
		w.fields[0] &^= 1 << 63 // it announced the second bitmap and is no field
		w.end = at
		if n, ok = d.readBitmap(b[at:], &w.fields[1]); !ok {
			w.fault = faultBitmap
			return false
		}
		at += n
		if d.third == atHead && w.fields[1]>>63 == 1 {
			w.fields[1] &^= 1 << 63
			w.end = at
			if n, ok = d.readBitmap(b[at:], &w.third); !ok {
				w.fault = faultBitmap
				return false
			}
			at += n
		}
	}
	w.end = at
	return true
}

// atHead is the field that is the third bitmap where that stands with the others, announced by the first bit of the second.
const atHead = 65

// rest reads the fields that the bitmaps name.
func (d *dialect) rest(b []byte, w *walked, over []*def) {
	at := w.end
	sets := [3]uint64{w.fields[0], w.fields[1], w.third}
	n := bits.OnesCount64(sets[0]) + bits.OnesCount64(sets[1]) + bits.OnesCount64(sets[2])
	if d.has3(w.fields) {
		n += 64
	}
	if n > cap(w.spans) {
		w.spans = make([]span, 0, n)
	}
	room, k := w.spans[:cap(w.spans)], 0
	whole := at // where the last field that was read ends
	var other step
walking:
	for third := range sets {
		for set := sets[third]; set != 0; {
			lead := bits.LeadingZeros64(set)
			set &^= 1 << (63 - lead)
			id := uint8(third*64 + lead + 1)
			st := &d.steps[id]
			for _, df := range over {
				if df.id == int(id) {
					other = df.step()
					st = &other
				}
			}
			start, size, marks := at, int(st.size), st.odd
			if st.digits > 0 {
				chars, n := st.length(b[at:])
				if n == 0 {
					w.fault, w.at, w.field = faultLength, at, int(id)
					break walking
				}
				if chars > int(st.max) {
					w.fault, w.at, w.field, w.have, w.want = faultLong, at, int(id), chars, int(st.max)
					break walking
				}
				at += n
				size, marks = (chars*int(st.unit)+1)/2, uint8(chars)&st.odd
			} else if st.unit == 0 {
				w.fault, w.at, w.field = faultField, at, int(id)
				break walking
			}
			if size > len(b)-at {
				w.fault, w.at, w.field, w.have, w.want = faultShort, start, int(id), len(b)-at, size
				break walking
			}
			if st.digits > 0 && st.odd == 0 && size > 0 && b[at+size-1]&15 == 0xF {
				marks = odd // the filler is all that tells
			}
			room[k] = span{id: id, off: uint16(at), n: uint16(size), marks: marks}
			k++
			if int(id) == d.third && id != atHead && size == 8 {
				sets[2] = binary.BigEndian.Uint64(b[at:])
			}
			at += size
			whole = at
		}
	}
	w.spans, w.end = room[:k], whole
}

// has3 says that a third bitmap is among the fields.
func (d *dialect) has3(fields [2]uint64) bool {
	return d.third > atHead && fields[(d.third-1)/64]<<((d.third-1)%64)>>63 == 1
}

// readMTI reads the message type; ok says that ISO 8583 defines such a version, class, function and origin. The class 9, which it
// reserves, is UnionPay's for the signatures of customers.
func (d *dialect) readMTI(b []byte, mti *[4]byte) (n int, ok bool) {
	switch d.mti {
	case asBCD, asLBCD:
		if len(b) < 2 {
			return 0, false
		}
		*mti = [4]byte{pairs[b[0]][0], pairs[b[0]][1], pairs[b[1]][0], pairs[b[1]][1]}
		n = 2
	case asEBCDIC:
		if len(b) < 4 {
			return 0, false
		}
		*mti = [4]byte{ebcdic[b[0]], ebcdic[b[1]], ebcdic[b[2]], ebcdic[b[3]]}
		n = 4
	default:
		if len(b) < 4 {
			return 0, false
		}
		*mti = [4]byte(b)
		n = 4
	}
	m := mti
	return n, m[0] >= '0' && m[0] <= '2' && m[1] >= '1' && m[1] <= '9' && m[2] >= '0' && m[2] <= '4' && m[3] >= '0' && m[3] <= '5'
}

func (d *dialect) readBitmap(b []byte, out *uint64) (n int, ok bool) {
	if !d.bitmap.hex() {
		if len(b) < 8 {
			return 0, false
		}
		*out = binary.BigEndian.Uint64(b)
		return 8, true
	}
	if len(b) < 16 {
		return 0, false
	}
	text := [16]byte(b)
	if d.bitmap == asEBCDIC {
		for i, c := range text {
			text[i] = ebcdic[c]
		}
	}
	high, ok1 := unhex8(binary.BigEndian.Uint64(text[:8]))
	low, ok2 := unhex8(binary.BigEndian.Uint64(text[8:]))
	*out = high<<32 | low
	return 16, ok1 && ok2
}

// prefixBytes is how many bytes the length in front of a field takes.
func (st *step) prefixBytes() uint8 {
	switch st.prefix {
	case asBCD, asLBCD:
		return (st.digits + 1) / 2
	case asHex:
		return 2 * st.digits
	}
	return st.digits
}

// length reads the length prefix of a field: its value and how many bytes it takes, 0 when it is none.
func (st *step) length(b []byte) (chars, n int) {
	n = int(st.digits)
	switch st.prefix {
	case asBCD, asLBCD:
		if n = (n + 1) / 2; len(b) < n {
			return 0, 0
		}
		for _, c := range b[:n] {
			if c>>4 > 9 || c&15 > 9 {
				return 0, 0
			}
			chars = chars*100 + int(c>>4)*10 + int(c&15)
		}
		return chars, n
	case asBinary:
		if len(b) < n {
			return 0, 0
		}
		for _, c := range b[:n] {
			chars = chars<<8 | int(c)
		}
		return chars, n
	case asHex:
		if n *= 2; len(b) < n {
			return 0, 0
		}
		for _, c := range b[:n] {
			h := unhex(c)
			if h > 15 {
				return 0, 0
			}
			chars = chars<<4 | int(h)
		}
		return chars, n
	}
	zero := byte('0')
	if st.prefix == asEBCDIC {
		zero = 0xF0
	}
	if len(b) < n {
		return 0, 0
	}
	for _, c := range b[:n] {
		if c -= zero; c > 9 {
			return 0, 0
		}
		chars = chars*10 + int(c)
	}
	return chars, n
}
