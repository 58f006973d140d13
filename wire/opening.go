package wire

import "iter"

// openings are the readings, by their place in the list, with which a header, a message type and a bitmap could stand behind the
// length of a frame. It is asked at every byte of a stream that is not understood: readings of one header stand together.
func openings(readings []reading, b []byte, f frame) iter.Seq[int] {
	return func(yield func(int) bool) {
		b := b[:min(f.end, len(b))]
		header, n, ok := "", 0, false
		for i := range readings {
			r := &readings[i]
			if i == 0 || r.header != header || r.skip > 0 {
				header = r.header
				n, ok = r.headerLen(b[min(f.payload, len(b)):])
				n += f.payload
			}
			if !ok && r.header == "cups" && n >= len(b) && n > f.payload {
				if !yield(i) { // it is longer than what has come, and begins as it should
					return
				}
				continue
			}
			if ok && n < len(b) && mtiBegins[b[n]]>>r.dialect.mti&1 == 1 && r.dialect.opens(b[n:]) && !yield(i) {
				return
			}
		}
	}
}

// opens says that b begins with a message type of the dialect and a bitmap.
func (d *dialect) opens(b []byte) bool {
	var mti [4]byte
	n, ok := d.readMTI(b, &mti)
	if !ok || d.version != 0 && mti[0] != d.version {
		return false
	}
	var bits uint64
	_, ok = d.readBitmap(b[n:], &bits)
	return ok && bits != 0
}

// mtiBegins says for each byte in which codings, a bit each, it begins a message type.
var mtiBegins = func() (t [256]uint32) {
	for v := byte(0); v <= 2; v++ {
		t['0'+v] |= 1 << asText
		t[0xF0+v] |= 1 << asEBCDIC
		for class := byte(1); class <= 9; class++ {
			t[v<<4|class] |= 1<<asBCD | 1<<asLBCD
		}
	}
	return t
}()
