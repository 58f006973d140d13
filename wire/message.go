package wire

import (
	"fmt"
	"math/bits"
	"strings"
)

// Message is one frame of the line, decoded as far as it goes and masked. It is immutable and safe to share.
// Nothing in it holds clear card data: see Masking in this package's comment.
type Message struct {
	*Form           // how it was read, shared by all messages that were read so
	*Oddity         // what few messages have, shared by those that do not
	MTI      string // four digits, or empty when the frame was not understood so far
	Trailing int    // bytes after the last field, inside the frame or behind it

	bytes        string   // the scrubbed frame, and behind it texts of fields
	fields       standing // where they stand, for nearly all messages; for others see more
	card         uint64
	raw          int32  // length of the frame
	headAt       uint16 // where the header starts, after the length
	headLen      uint16
	panAt, panTo uint16 // the masked number from a track, in bytes
	panOf        uint8  // the field that is the masked number

	// Room for what nearly every message needs; a count and not a slice, which would point back into the message and be
	// followed by every garbage collection.
	hidden     uint8
	ready      [len(readyFields)]place
	hiddenRoom [8]nibbles
}

// place is a run of a message's bytes; none when n is 0.
type place struct{ at, n uint16 }

// more is what few messages have: fields that stand as no plan says, and uncommonly many hidden runs.
type more struct {
	bitmaps [2]uint64
	spans   []span
	hidden  []nibbles
}

// seal keeps what a walk without a plan and the masking found.
func (m *Message) seal(w *walked, hidden []nibbles) {
	if m.fields.plan == nil && len(w.spans) > 0 || len(hidden) > len(m.hiddenRoom) {
		m.odd().more = &more{w.fields, w.spans, hidden}
		return
	}
	if len(hidden) > 0 && &hidden[0] != &m.hiddenRoom[0] { // there were more, or none were expected
		copy(m.hiddenRoom[:], hidden)
	}
	m.hidden = uint8(len(hidden))
}

// count is how many fields were read.
func (m *Message) count() int {
	switch {
	case m.fields.plan != nil:
		return len(m.fields.plan.spans)
	case m.more != nil:
		return len(m.more.spans)
	}
	return 0
}

// at is where field i of those that were read stands.
func (m *Message) at(i int) span {
	if m.fields.plan != nil {
		return m.fields.span(&m.fields.plan.spans[i])
	}
	return m.more.spans[i]
}

func (m *Message) hiddenList() []nibbles {
	if m.more != nil {
		return m.more.hidden
	}
	return m.hiddenRoom[:m.hidden]
}

// Form is the framing, header and dialect of a message, empty when it was not understood.
type Form struct {
	Framing, Header, Dialect string
	dialect                  *dialect
}

// Oddity is what sets a message apart from plain traffic of its line.
type Oddity struct {
	Foreign string // "TLS", "HTTP", … when the bytes are another protocol's
	Detail  string // what TLS shows in clear: "alert 42", "client hello 1.2, server name …"
	Check   string // what is wrong with the frame's check byte, empty when it is right or there is none
	Control string // "ACK", "NAK", "ENQ" or "EOT": a byte between the frames of a serial line, and no message
	Stop    *Stop  // where decoding ended early, nil when it reached the end
	Fits    string // the form that its line does not have and in which it reads well, as framing/header/dialect

	ended bool // it is a message because nothing more came
	more  *more
}

var (
	noForm   = &Form{}
	noOddity = &Oddity{}
)

// odd is the message's own oddity, to be filled in.
func (m *Message) odd() *Oddity {
	if m.Oddity == noOddity {
		m.Oddity = &Oddity{}
	}
	return m.Oddity
}

// Stop says where decoding ended before the end of the frame, and why.
type Stop struct {
	Offset  int    // byte in the frame
	Known   int    // bytes of the frame that were understood: those before Offset, and the length in front of a field that is not there as a whole or too long; of a frame that was cut off, those of whole fields
	Field   string // the field that could not be read, "header", "mti", "bitmap" or "frame"
	Reason  Remark
	Suspect string // the first field before it whose value is implausible, empty when all are plausible
}

// Field is one decoded element with its place in Raw.
type Field struct {
	ID             string // "4", "60.2", "55.9F26"
	Name           string
	Value          string // masked; digits, text, or upper-case hex for binary elements
	Offset, Length int    // bytes of the value in Raw, without its length prefix
	From, To       int    // the same in nibbles, half-open: packed digits may begin or end within a byte
	Masked         bool
	Problem        Remark // what is wrong with the value, if anything is
}

// nibbles is a hidden run of the frame: half-open, in nibbles from the frame's start.
type nibbles struct{ from, to uint16 }

// Raw is the frame, length prefix included, with card data overwritten.
func (m *Message) Raw() string { return m.bytes[:m.raw] }

// Undecoded says that no message type was found in the frame.
func (m *Message) Undecoded() bool { return m.MTI == "" }

// Card is a token of the card: equal for the same card within one run, 0 when the message names none. It is drawn
// under a key of this process and is never to be written out.
func (m *Message) Card() uint64 { return m.card }

// Clone is a copy that keeps nothing but itself in memory: messages are made in blocks, which stay as long as one of theirs does.
func (m *Message) Clone() *Message {
	c := *m
	c.bytes = strings.Clone(m.bytes)
	return &c
}

// PAN is the masked card number, from field 2 or else from track 2: first six, last four.
func (m *Message) PAN() string {
	if m.panOf != 0 {
		return m.Get(int(m.panOf))
	}
	return m.bytes[m.panAt:m.panTo]
}

// MaskedNibble says whether nibble i of Raw (2×byte, plus 1 for the low half) was overwritten.
func (m *Message) MaskedNibble(i int) bool {
	for _, h := range m.hiddenList() {
		if i >= int(h.from) && i < int(h.to) {
			return true
		}
	}
	return false
}

// Has says whether a top-level field is present.
func (m *Message) Has(field int) bool {
	_, ok := m.span(field)
	return ok
}

// Get is the masked value of a top-level field, or "" when it is absent.
func (m *Message) Get(field int) string {
	if uint(field) < uint(len(readyAt)) && readyAt[field] > 0 {
		if p := m.ready[readyAt[field]-1]; p.n > 0 {
			return m.bytes[p.at:][:p.n]
		}
	}
	if s, ok := m.span(field); ok {
		v, _ := m.value(&s)
		return v
	}
	return ""
}

// span is where a field stands: as far behind the first as the bitmaps name fields before it.
func (m *Message) span(field int) (s span, ok bool) {
	at := uint(field - 1)
	if at-1 >= 127 {
		return s, false
	}
	var bitmaps [2]uint64
	if m.fields.plan != nil {
		bitmaps = m.fields.plan.fields
	} else if m.more != nil {
		bitmaps = m.more.bitmaps
	}
	set := bitmaps[at/64] << (at % 64) // this field is the highest bit
	if set>>63 == 0 {
		return s, false
	}
	behind := bits.OnesCount64(bitmaps[0] &^ (^uint64(0) >> at))
	if at >= 64 {
		behind = bits.OnesCount64(bitmaps[0]) + bits.OnesCount64(bitmaps[1]&^(^uint64(0)>>(at-64)))
	}
	if behind >= m.count() {
		return s, false // decoding stopped before it
	}
	return m.at(behind), true
}

// def is what a field is, in the dialect or as it had to be read.
func (m *Message) def(s *span) *def { return m.dialect.defs[s.id] }

// size is a field's length in characters of its text.
func (m *Message) size(s *span) int {
	return s.chars(m.def(s).coding)
}

func (m *Message) hides(from, to int) bool {
	for _, h := range m.hiddenList() {
		if int(h.from) < to && from < int(h.to) {
			return true
		}
	}
	return false
}

// value is the text of a field, and whether some of it is hidden.
func (m *Message) value(s *span) (value string, isHidden bool) {
	hidden := m.hides(2*int(s.off), 2*int(s.off+s.n))
	if i := readyAt[s.id]; i > 0 && m.ready[i-1].n > 0 {
		p := m.ready[i-1]
		return m.bytes[p.at:][:p.n], hidden
	}
	c := m.dialect.steps[s.id].coding
	switch {
	case c == asText && !hidden:
		if b := m.bytes[s.off:][:s.n]; printable(b) {
			return b, false
		}
	case c.packed():
		return m.digits(c, int(s.off), s.chars(c)), hidden
	}
	return m.plain(m.def(s), int(s.off), int(s.n)), hidden
}

// digits unpacks count digits, hidden ones as stars.
func (m *Message) digits(c coding, off, count int) string {
	out := appendDigits(make([]byte, 0, count+1), m.bytes[off:][:(count+1)/2], count, c)
	if lead := 2*off + c.lead(count); m.hides(lead, lead+count) {
		for i := range out {
			if m.MaskedNibble(lead + i) {
				out[i] = '*'
			}
		}
	}
	return string(out)
}

// plain reads bytes of the frame as a field's: text where they are text, hex where not. Hidden ones are stars.
func (m *Message) plain(df *def, off, n int) string {
	b := m.bytes[off : off+n]
	hidden := m.hides(2*off, 2*(off+n))
	text := df.coding == asText || df.coding == asHex || df.coding == asBinary && df.hide != hideEMV && !df.tlv && (df.max > 8 || df.inner != nil)
	switch {
	case df.coding == asHex:
		b = strings.ToUpper(b)
	case df.coding == asEBCDIC:
		if !inEBCDIC(b) {
			return m.hex(off, n)
		}
		b = fromEBCDIC(b)
	case text && printable(b):
	case df.coding == asBinary && text && m.dialect.mti == asEBCDIC && inEBCDIC(b):
		b = fromEBCDIC(b)
	case text && df.coding == asText && !hidden:
		if t, ok := gbk(b); ok {
			return t
		}
		fallthrough
	default:
		return m.hex(off, n)
	}
	if !hidden {
		return b
	}
	out := []byte(b)
	for i := range out {
		if m.MaskedNibble(2 * (off + i)) {
			out[i] = '*'
		}
	}
	return string(out)
}

// hex is bytes of the frame in hex, hidden nibbles as stars.
func (m *Message) hex(off, n int) string {
	const digit = "0123456789ABCDEF"
	out := make([]byte, 0, 2*n)
	for i := 2 * off; i < 2*(off+n); i++ {
		c := digit[nibble(m.bytes, i)]
		if m.MaskedNibble(i) {
			c = '*'
		}
		out = append(out, c)
	}
	return string(out)
}

// Fields lists every field with its subfields, in wire order, each subfield after its parent.
func (m *Message) Fields() []Field {
	out := make([]Field, 0, m.count()+16)
	for i := range m.count() {
		s := m.at(i)
		df := m.def(&s)
		v, masked := m.value(&s)
		f := Field{ID: fmt.Sprint(df.id), Name: df.name, Value: v, Offset: int(s.off), Length: int(s.n), Masked: masked}
		f.From, f.To = 2*f.Offset, 2*(f.Offset+f.Length)
		if df.coding.packed() {
			n := m.size(&s)
			f.From += df.coding.lead(n)
			f.To = f.From + n
		}
		if !masked {
			f.Problem = problem(df, v, m.MTI)
		}
		if df.id == 39 && m.reversal() {
			f.Name = "Reversal reason"
		}
		if !df.told.None() {
			f.Problem = df.told
		}
		out = append(out, f)
		out = m.subfields(out, &s, v)
	}
	return out
}

func (m *Message) subfields(out []Field, s *span, value string) []Field {
	df := m.def(s)
	if df.tlv {
		return m.chip(out, s, df)
	}
	if df.inner != nil {
		return df.inner.subfields(m, out, fmt.Sprint(df.id), int(s.off), int(s.off+s.n))
	}
	c := df.coding
	size := m.size(s)
	at := 0
	for _, p := range df.parts(m.MTI, value, size) {
		if at >= size {
			break
		}
		n := min(p.n, size-at)
		f := Field{ID: fmt.Sprintf("%d.%s", df.id, p.id), Name: p.name, Offset: int(s.off) + at, Length: n}
		switch {
		case c.packed():
			lead := c.lead(size)
			f.Value = value[at : at+n]
			f.Offset = int(s.off) + (at+lead)/2
			f.Length = int(s.off) + (at+lead+n+1)/2 - f.Offset
			f.From = 2*int(s.off) + lead + at
			f.To = f.From + n
		default:
			f.Value = m.plain(df, f.Offset, n)
			f.From, f.To = 2*f.Offset, 2*(f.Offset+n)
		}
		f.Masked = strings.Contains(f.Value, "*") && m.hides(2*f.Offset, 2*(f.Offset+f.Length))
		out = append(out, f)
		at += n
	}
	return out
}

// chip lists the elements of chip data, which stands in bytes or in hex text.
func (m *Message) chip(out []Field, s *span, df *def) []Field {
	b, width := m.bytes[s.off:][:s.n], 1
	if df.coding != asBinary {
		bytes, ok := hexBytes(nil, b, df.coding)
		if !ok {
			return out
		}
		b, width = string(bytes), 2
	}
	for at := 0; ; {
		e, next, more, _ := nextTLV(b, at)
		if !more {
			return out
		}
		off, n := int(s.off)+width*e.off, width*e.n
		f := Field{ID: fmt.Sprintf("%d.%s", df.id, e.name()), Name: tagNames[e.name()], Offset: off, Length: n, From: 2 * off, To: 2 * (off + n), Masked: m.hides(2*off, 2*(off+n))}
		if f.Value = m.hex(off, n); width == 2 {
			f.Value = strings.ToUpper(m.plain(df, off, n))
		}
		out = append(out, f)
		at = next
	}
}

// headerPart is a run of nibbles of a header.
type headerPart struct {
	id, name string
	from, n  int
	text     bool // whole bytes, which are characters
}

var (
	tpduParts  = []headerPart{digits("tpdu.id", "TPDU id", 0, 2), digits("tpdu.to", "TPDU destination", 2, 4), digits("tpdu.from", "TPDU origin", 6, 4)}
	headerForm = map[string][]headerPart{
		"tpdu": tpduParts,
		"tpdu+cup": append(tpduParts[:3:3], digits("cup.application", "Application type", 10, 2), digits("cup.version", "Software version", 12, 2),
			digits("cup.status", "Terminal status", 14, 1), digits("cup.request", "Processing requirement", 15, 1), digits("cup.subversion", "Software sub-version", 16, 6)),
		"tpdu+version2": append(tpduParts[:3:3], digits("version", "Version", 10, 4)),
		"visa": {digits("visa.length", "Header length", 0, 2), digits("visa.flag", "Header flag and format", 2, 2), digits("visa.text", "Text format", 4, 2),
			digits("visa.total", "Total message length", 6, 4), digits("visa.to", "Destination station", 10, 6), digits("visa.from", "Source station", 16, 6)},
		"cups": {digits("cups.length", "Header length", 0, 2), digits("cups.version", "Version", 2, 2), letters("cups.total", "Total message length", 2, 4),
			letters("cups.to", "Destination station", 6, 11), letters("cups.from", "Source station", 17, 11), digits("cups.reserved", "Reserved", 56, 6),
			digits("cups.batch", "Batch number", 62, 2), letters("cups.transaction", "Transaction information", 32, 8), letters("cups.user", "User information", 40, 1),
			letters("cups.reject", "Reject code", 41, 5)},
	}
)

// digits is a part of a header in half bytes, and letters one in bytes that are text.
func digits(id, name string, from, n int) headerPart { return headerPart{id, name, from, n, false} }
func letters(id, name string, from, n int) headerPart {
	return headerPart{id, name, 2 * from, 2 * n, true}
}

// Head is the message type and the bitmap, with their places; none where no message was found.
func (m *Message) Head() []Field {
	if m.Undecoded() {
		return nil
	}
	at := int(m.headAt) + int(m.headLen)
	n := 4
	if m.dialect.mti.packed() {
		n = 2
	}
	mti := Field{ID: "mti", Name: "Message type indicator (MTI)", Value: m.MTI, Offset: at, Length: n, From: 2 * at, To: 2 * (at + n)}
	at += n
	if at >= int(m.raw) {
		return []Field{mti} // the frame was cut off there
	}
	n = 8
	hex, first := m.dialect.bitmap.hex(), m.bytes[at]
	if m.dialect.bitmap == asEBCDIC {
		first = ebcdic[first]
	}
	if hex {
		n = 16
	}
	if hex && unhex(first) > 7 || !hex && first > 0x7F {
		n *= 2 // bit 1 announces the second bitmap
		if m.dialect.third == atHead && !hex && m.bytes[min(at+8, int(m.raw)-1)] > 0x7F {
			n += 8
		}
	}
	n = min(n, int(m.raw)-at)
	bitmap := Field{ID: "bitmap", Name: "Bitmap", Value: m.hex(at, n), Offset: at, Length: n, From: 2 * at, To: 2 * (at + n)}
	if m.hides(2*at, 2*(at+n)) {
		return []Field{mti, bitmap}
	}
	switch text := m.bytes[at : at+n]; {
	case m.dialect.bitmap == asHex && printable(text):
		bitmap.Value = strings.ToUpper(text)
	case m.dialect.bitmap == asEBCDIC && inEBCDIC(text):
		bitmap.Value = strings.ToUpper(fromEBCDIC(text))
	}
	return []Field{mti, bitmap}
}

// HeaderBytes is the header as it stands in Raw, empty when there is none. HeaderParts tells what is in it.
func (m *Message) HeaderBytes() string { return m.bytes[m.headAt:][:m.headLen] }

// HeaderParts names the parts of the header, or none when there is no header.
func (m *Message) HeaderParts() []Field {
	var out []Field
	at, n := int(m.headAt), int(m.headLen)
	if n == 0 {
		return nil
	}
	form, ok := headerForm[m.Header]
	if !ok { // text, or a prefix that nobody knows
		f := Field{ID: m.Header, Name: "Header", Offset: at, Length: n, From: 2 * at, To: 2 * (at + n), Value: m.bytes[at : at+n]}
		if !printable(f.Value) || m.hides(2*at, 2*(at+n)) {
			f.Value = m.hex(at, n)
		}
		return []Field{f}
	}
	for _, p := range form {
		if p.from+p.n > 2*n {
			break
		}
		v := make([]byte, p.n)
		for i := range v {
			v[i] = "0123456789ABCDEF"[nibble(m.bytes, 2*at+p.from+i)]
			if m.MaskedNibble(2*at + p.from + i) {
				v[i] = '*'
			}
		}
		off := at + p.from/2
		if text := m.bytes[off : off+p.n/2]; p.text && printable(text) && !m.hides(2*off, 2*off+p.n) {
			v = []byte(text)
		}
		out = append(out, Field{ID: p.id, Name: p.name, Value: string(v), Offset: off, Length: at + (p.from+p.n+1)/2 - off, From: 2*at + p.from, To: 2*at + p.from + p.n})
	}
	return out
}
