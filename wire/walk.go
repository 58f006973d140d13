package wire

import "fmt"

// span places one field in the frame. Offsets count from the first byte of the frame, length prefix included.
type span struct {
	def   *def
	off   int
	n     int // bytes of the value
	chars int // digits, characters or bytes, as the length prefix counts
}

// walked is what one walk over a payload found.
type walked struct {
	mti   string
	spans []span
	end   int // offset after the last field read
	stop  *Stop
}

// walk reads MTI, bitmap and fields of frame from offset at on. It never reads past the frame and never fails: what it
// could not read is told by stop.
func (d *dialect) walk(frame []byte, at int, spans []span) (w walked) {
	w.end, w.spans = at, spans[:0]
	mti, n, ok := readDigits(frame[at:], 4, d.mti)
	if !ok || !validMTI(mti) {
		w.stop = &Stop{at, "mti", "no message type here"}
		return w
	}
	w.mti = string(mti[:4])
	at += n
	var bits [16]byte
	nb, n, ok := d.readBitmap(frame[at:], &bits)
	if !ok {
		w.stop = &Stop{at, "bitmap", "the frame ends inside the bitmap, or it is not hex"}
		w.end = at
		return w
	}
	at += n
	w.end = at
	for id := 2; id <= nb*8; id++ {
		if bits[(id-1)/8]&(0x80>>((id-1)%8)) == 0 {
			continue
		}
		df := d.defs[id]
		if df == nil {
			w.stop = &Stop{at, fmt.Sprint(id), "the bitmap names a field that " + d.id + " does not have"}
			return w
		}
		chars := df.max
		start := at
		if df.digits > 0 {
			var n int
			chars, n, ok = df.readLength(frame[at:])
			if !ok {
				w.stop = &Stop{at, fmt.Sprint(id), "the length of the field is not a number, or the frame ends inside it"}
				return w
			}
			if chars > df.max {
				w.stop = &Stop{at, fmt.Sprint(id), fmt.Sprintf("the field says %d long, at most %d is allowed", chars, df.max)}
				return w
			}
			at += n
		}
		n := df.bytes(chars)
		if n > len(frame)-at {
			w.stop = &Stop{start, fmt.Sprint(id), fmt.Sprintf("the field needs %d bytes, %d are left in the frame", n, len(frame)-at)}
			return w
		}
		w.spans = append(w.spans, span{df, at, n, chars})
		at += n
		w.end = at
	}
	return w
}

func (d *dialect) readBitmap(b []byte, bits *[16]byte) (bytes, n int, ok bool) {
	read := func(i int) bool {
		if d.bitmap == asHex {
			if len(b) < 2*i+2 {
				return false
			}
			hi, lo := unhex(b[2*i]), unhex(b[2*i+1])
			if hi > 15 || lo > 15 {
				return false
			}
			bits[i] = hi<<4 | lo
			return true
		}
		if len(b) <= i {
			return false
		}
		bits[i] = b[i]
		return true
	}
	bytes = 8
	for i := 0; i < bytes; i++ {
		if !read(i) {
			return 0, 0, false
		}
		if i == 0 && bits[0]&0x80 != 0 {
			bytes = 16
		}
	}
	bits[0] &^= 0x80 // bit 1 announced the second half and is no field
	n = bytes
	if d.bitmap == asHex {
		n *= 2
	}
	return bytes, n, true
}

func unhex(c byte) byte {
	switch {
	case c >= '0' && c <= '9':
		return c - '0'
	case c >= 'A' && c <= 'F':
		return c - 'A' + 10
	case c >= 'a' && c <= 'f':
		return c - 'a' + 10
	}
	return 255
}

// readLength reads the length prefix of a field: its value and how many bytes it takes.
func (df *def) readLength(b []byte) (chars, n int, ok bool) {
	text, n, ok := readDigits(b, df.digits, df.prefix)
	if !ok {
		return 0, 0, false
	}
	for _, c := range text[:df.digits] {
		chars = chars*10 + int(c-'0')
	}
	return chars, n, true
}

// readDigits reads count decimal digits that stand right-justified in coding c.
func readDigits(b []byte, count int, c coding) (text [8]byte, n int, ok bool) {
	if c == asText {
		if len(b) < count {
			return text, 0, false
		}
		for i := range count {
			if b[i] < '0' || b[i] > '9' {
				return text, 0, false
			}
			text[i] = b[i]
		}
		return text, count, true
	}
	n = (count + 1) / 2
	if c == asBinary || len(b) < n {
		return text, 0, false
	}
	odd := count % 2
	if odd == 1 && b[0]>>4 != 0 {
		return text, 0, false
	}
	for i := range count {
		x := b[(i+odd)/2]
		if (i+odd)%2 == 0 {
			x >>= 4
		}
		if x &= 0xF; x > 9 {
			return text, 0, false
		}
		text[i] = '0' + x
	}
	return text, n, true
}

// validMTI accepts the versions, classes, functions and origins that ISO 8583 defines.
func validMTI(m [8]byte) bool {
	return m[0] <= '2' && m[1] >= '1' && m[1] <= '8' && m[2] <= '4' && m[3] <= '5'
}
