package wire

import (
	"bytes"
	"hash/maphash"
	"strings"
)

// seed keys the card tokens of this process. It never leaves memory.
var seed = maphash.MakeSeed()

// runLimit is the shortest run of digits that may be a card number in bytes that nobody vouches for.
const runLimit = 12

// builder makes a message: a scrubbed copy of its frame, and behind it, in the same bytes, the texts of its fields.
type builder struct {
	m     *Message
	b     []byte
	raw   int  // length of the frame
	clean bool // all of it is known to be printable text

	hidden  []nibbles
	scratch *[]byte // room for bytes that stand in hex
}

// frame is the scrubbed copy.
func (k *builder) frame() []byte { return k.b[:k.raw] }

// hide overwrites nibbles with zeros.
func (k *builder) hide(from, to int) {
	if from >= to {
		return
	}
	b := k.frame()
	if from%2 == 1 {
		b[from/2] &= 0xF0
	}
	clear(b[(from+1)/2 : to/2])
	if to%2 == 1 {
		b[to/2] &= 0x0F
	}
	k.hidden = append(k.hidden, nibbles{uint16(from), uint16(to)})
}

var zerosText, zerosEBCDIC = strings.Repeat("0", 64), strings.Repeat("\xF0", 64)

// hideText overwrites whole bytes with a digit, so that a scrubbed frame still decodes to the same fields.
func (k *builder) hideText(from, to int, c coding) {
	if from >= to {
		return
	}
	zeros := zerosText
	if c == asEBCDIC {
		zeros = zerosEBCDIC
	}
	for b := k.b[from:to]; len(b) > 0; {
		b = b[copy(b, zeros):]
	}
	k.hidden = append(k.hidden, nibbles{uint16(2 * from), uint16(2 * to)})
}

// hideChars hides characters from..to of a field.
func (k *builder) hideChars(s *span, c coding, from, to int) {
	if from >= to {
		return
	}
	off := int(s.off)
	switch {
	case c.packed():
		lead := 2*off + c.lead(s.chars(c))
		k.hide(lead+from, lead+to)
	case c == asBinary:
		k.hide(2*(off+from), 2*(off+to))
	default:
		k.hideText(off+from, off+to, c)
	}
}

// text makes the value of a field ready: where it stands in the frame when it is text there, else behind the frame.
func (k *builder) text(s *span, c coding) (p place) {
	at := len(k.b)
	value := k.b[s.off:][:s.n]
	switch {
	case c.packed():
		k.b = appendDigits(k.b, value, s.chars(c), c)
	case c == asEBCDIC:
		for _, x := range value {
			if ebcdic[x] == 0 {
				k.b = k.b[:at]
				return p // it shows as hex
			}
			k.b = append(k.b, ebcdic[x])
		}
	case c == asText && (k.clean || printable(value)):
		return place{s.off, s.n}
	default:
		return p
	}
	return place{uint16(at), uint16(len(k.b) - at)}
}

// clearRange is the part of a PAN of n digits that is hidden: all but the first six and last four, and everything but
// the last four of a number too short for that.
func clearRange(n int) (from, to int) {
	switch {
	case n > 12:
		return 6, n - 4
	case n > 4:
		return 0, n - 4
	}
	return 0, n
}

// do does one task of a message whose fields stand as planned.
func (k *builder) do(t *task) {
	s := k.m.fields.span(&t.planned)
	if t.kind == taskField {
		k.field(&s, t.step)
		return
	}
	at := s.off
	switch value := k.b[at:][:t.size]; {
	case t.kind == taskDigits:
		at = uint16(len(k.b))
		k.b = appendDigits(k.b, value, 2*len(value), asBCD)
	case !k.clean && !printable(value):
		for i := t.from; i < t.to; i++ {
			s := k.m.at(int(i))
			k.field(&s, &k.m.dialect.steps[s.id])
		}
		return
	}
	for _, v := range t.keep {
		k.m.ready[v.slot] = place{at + v.at, v.n}
	}
}

// field scrubs one decoded field and makes its value ready.
func (k *builder) field(s *span, st *step) {
	c, mark := st.coding, len(k.hidden)
	var p place
	if st.ready > 0 {
		p = k.text(s, c)
		k.m.ready[st.ready-1] = p
	}
	switch st.hide {
	case hideNone:
		return
	case hidePAN:
		if s.id == 2 && p.n > 0 && k.card(k.b[p.at:][:p.n]) {
			k.m.panOf = 2
		}
		from, to := clearRange(s.chars(c))
		if p.n > 0 {
			if p.at == s.off { // the frame gets digits where stars are shown
				p.at = uint16(len(k.b))
				k.b = append(k.b, k.b[s.off:][:s.n]...)
				k.m.ready[st.ready-1] = p
			}
			stars(k.b[int(p.at)+from : int(p.at)+to])
		}
		k.hideChars(s, c, from, to)
		return
	case hideAll:
		if s.id == 35 && k.m.card == 0 {
			k.track(s, c)
		}
		if c.packed() {
			k.hide(2*int(s.off), 2*int(s.off+s.n)) // a filler too
		} else {
			k.hideChars(s, c, 0, int(s.n))
		}
	case hideRuns:
		if mti := k.m.MTI; s.id == 62 && len(mti) == 4 && mti[1] == '8' && mti[2]&1 == 1 {
			k.keys(s, c) // what answers a sign-on may be keys, whoever's host it is
		} else if df := k.m.dialect.defs[s.id]; df.inner == nil || !k.insideRuns(df.inner, s) {
			k.runs(int(s.off), int(s.off+s.n), runLimit+1, c)
		}
	case hideEMV:
		k.chip(s, c)
	case hideKeys:
		k.keys(s, c)
	case hideBatch:
		if mti := k.m.MTI; mti == "0320" || mti == "0330" {
			// Count, then records of card kind 2, STAN 6, PAN 20, amount 12 digits.
			size := s.chars(c)
			for at := 2; at+8 < size; at += 40 {
				k.hideChars(s, c, at+8, min(at+28, size))
			}
		}
	}
	if len(k.hidden) > mark && st.ready > 0 {
		k.m.ready[st.ready-1] = place{} // made from the scrubbed frame when it is asked for
	}
}

// insideRuns hides the runs of each subfield by itself: across them, bitmaps and lengths would look like digits. It is
// false when the subfields do not fill the field.
func (k *builder) insideRuns(c *composite, s *span) bool {
	off, end := int(s.off), int(s.off+s.n)
	read := Message{Form: k.m.Form, Oddity: noOddity, bytes: string(k.frame())}
	coding := asText
	if k.m.dialect.mti == asEBCDIC {
		coding = asEBCDIC
	}
	at := off
	parts := c.subfields(&read, nil, "", off, end)
	for i, p := range parts {
		if i+1 < len(parts) && parts[i+1].Offset < p.Offset+p.Length {
			continue // its own parts follow
		}
		at = p.Offset + p.Length
	}
	if at != end {
		return false
	}
	for i, p := range parts {
		if i+1 == len(parts) || parts[i+1].Offset >= p.Offset+p.Length {
			k.runs(p.Offset, p.Offset+p.Length, runLimit+1, coding)
		}
	}
	return true
}

func stars(b []byte) {
	for i := range b {
		b[i] = '*'
	}
}

// keys hides field 62: the working keys of a sign-on's answer, and card data of other uses. What terminals say of
// themselves stays.
func (k *builder) keys(s *span, c coding) {
	value := k.b[s.off:][:s.n]
	switch mti := k.m.MTI; {
	case mti == "0800" && len(value) <= 40 && (bytes.HasPrefix(value, []byte("Sequence No"))):
	case mti == "0820" || mti == "0830":
		k.runs(int(s.off), int(s.off+s.n), runLimit+1, c)
	case c == asBinary:
		k.hide(2*int(s.off), 2*int(s.off+s.n))
	default:
		k.hideText(int(s.off), int(s.off+s.n), c)
	}
}

// chip scrubs chip data by tag; data that is not TLV to its end is hidden whole.
func (k *builder) chip(s *span, c coding) {
	off, n := int(s.off), int(s.n)
	value := k.b[off : off+n]
	if c != asBinary {
		k.chipText(s, c)
		return
	}
	mark := len(k.hidden)
	for at := 0; at < len(value); {
		// Nearly all elements have one or two bytes of tag and one of length, and are no secret; the rest goes the long way.
		if at+2 < len(value) {
			body := 0
			switch tag := uint32(value[at]); plainTag[tag] {
			case 1:
				body = at + 2
			case 2:
				if second := value[at+1]; second < 0x80 && !secretTag(tag<<8|uint32(second)) {
					body = at + 3
				}
			}
			if body > 0 {
				if n := value[body-1]; n < 0x80 && body+int(n) <= len(value) {
					at = body + int(n)
					continue
				}
			}
		}
		e, next, more, ok := nextTLV(value, at)
		if !more {
			if !ok {
				k.hidden = k.hidden[:mark]
				k.hide(2*off, 2*(off+n))
			}
			return
		}
		if secretTag(e.tag) || constructed(e.tag) && e.tag != 0x71 && e.tag != 0x72 {
			k.hide(2*(off+e.off), 2*(off+e.off+e.n))
		}
		at = next
	}
}

// plainTag is how many bytes the tag of a primitive element has that begins so, 0 where it is a secret or takes a closer
// look.
var plainTag = func() (t [256]uint8) {
	for i := range t {
		switch b := uint32(i); {
		case b == 0 || b == 0xFF || constructed(b) || secretTag(b):
		case b&0x1F == 0x1F:
			t[i] = 2
		default:
			t[i] = 1
		}
	}
	return t
}()

// chipText scrubs chip data that stands in hex text.
func (k *builder) chipText(s *span, c coding) {
	mark := len(k.hidden)
	value, ok := hexBytes((*k.scratch)[:0], k.b[s.off:][:s.n], c)
	*k.scratch = value
	for at := 0; ok; {
		e, next, more, whole := nextTLV(value, at)
		if !more {
			ok = whole
			break
		}
		if secretTag(e.tag) || constructed(e.tag) && e.tag != 0x71 && e.tag != 0x72 {
			from := int(s.off) + 2*e.off
			k.hideText(from, from+2*e.n, c)
		}
		at = next
	}
	if !ok {
		k.hidden = k.hidden[:mark]
		k.hideText(int(s.off), int(s.off+s.n), c)
	}
}

// runs hides the middle of every run of at least limit digits: as text (ASCII, EBCDIC) or packed, at either alignment.
// What follows a track separator after such a run is hidden to the end of its own run.
func (k *builder) runs(from, to, limit int, c coding) {
	if to-from < (limit+1)/2 {
		return
	}
	b := k.b[from:to]
	text := k.clean || printable(b)
	k.textRuns(from, b, limit, '0', "=D^", asText)
	if c == asEBCDIC || c == asBinary || limit == runLimit {
		k.textRuns(from, b, limit, 0xF0, "\x7E\xC4\x5F\xB0", asEBCDIC)
	}
	// The packed reading of a field that is plain text is no card number. In bytes that nobody vouches for it may be.
	if limit == runLimit || !text && c != asEBCDIC {
		k.packedRuns(from, b, limit)
	}
}

func half(b []byte, i int) byte {
	if i%2 == 0 {
		return b[i/2] >> 4
	}
	return b[i/2] & 15
}

func (k *builder) packedRuns(from int, b []byte, limit int) {
	digit := func(i int) bool {
		return half(b, i) <= 9 && (limit == runLimit || b[i/2] != ' ') // in text, blanks would read as 2020…
	}
	for i := 0; i < 2*len(b); {
		j := i
		for j < 2*len(b) && digit(j) {
			j++
		}
		if j-i >= limit {
			k.hide(2*from+i+6, 2*from+j-4)
			if j < 2*len(b) && half(b, j) == 0xD {
				e := j + 1
				for e < 2*len(b) && half(b, e) <= 9 {
					e++
				}
				k.hide(2*from+j+1, 2*from+e)
				j = e
			}
		}
		i = max(j, i+1)
	}
}

// textRuns looks at every limit-th byte only: a run that is long enough cannot hide between two of them.
func (k *builder) textRuns(from int, b []byte, limit int, zero byte, separators string, c coding) {
	for at := limit - 1; at < len(b); {
		if b[at]-zero > 9 {
			at += limit
			continue
		}
		i, j := at, at+1
		for i > 0 && b[i-1]-zero <= 9 {
			i--
		}
		for j < len(b) && b[j]-zero <= 9 {
			j++
		}
		if j-i >= limit {
			k.hideText(from+i+6, from+j-4, c)
			if j < len(b) && strings.IndexByte(separators, b[j]) >= 0 {
				e := j + 1
				for e < len(b) && b[e] >= 0x20 && b[e] != 0x7F && (c == asEBCDIC || b[e] < 0x7F) {
					e++
				}
				k.hideText(from+j+1, from+e, c)
				j = e
			}
		}
		at = j + limit
	}
}

// track takes the card from track 2.
func (k *builder) track(s *span, c coding) {
	var room [40]byte
	digits := k.b[s.off:][:s.n]
	switch {
	case len(digits) > len(room):
		return
	case c.packed():
		digits = appendDigits(room[:0], digits, s.chars(c), c)
	case c == asEBCDIC:
		digits = append(room[:0], digits...)
		for i, x := range digits {
			digits[i] = ebcdic[x]
		}
	}
	if i := bytes.IndexAny(digits, "=D"); i >= 0 {
		digits = digits[:i]
	}
	if bytes.ContainsFunc(digits, func(r rune) bool { return r < '0' || r > '9' }) || !k.card(digits) {
		return
	}
	at := len(k.b)
	k.b = append(k.b, digits...)
	from, to := clearRange(len(digits))
	stars(k.b[at+from : at+to])
	k.m.panAt, k.m.panTo = uint16(at), uint16(len(k.b))
}

// card takes the token of the card from its number, the first of a message; false when it is none.
func (k *builder) card(digits []byte) bool {
	if k.m.card != 0 || len(digits) < 8 || len(digits) > 19 {
		return false
	}
	k.m.card = token(digits)
	return true
}

func token(digits []byte) uint64 { return maphash.Bytes(seed, digits) | 1 }
