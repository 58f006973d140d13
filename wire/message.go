package wire

import (
	"fmt"
	"strings"
	"unicode/utf8"

	"golang.org/x/text/encoding/simplifiedchinese"
)

// Message is one frame of the line, decoded as far as it goes and masked. It is immutable and safe to share.
// Nothing in it holds clear card data: see Masking in this package's comment.
type Message struct {
	Framing, Header, Dialect string
	MTI                      string // four digits, or empty when the frame was not understood so far
	Trailing                 int    // bytes inside the frame after the last field
	Stop                     *Stop  // where decoding ended early, nil when it reached the end
	Foreign                  string // "TLS", "HTTP", … when the bytes are another protocol's

	raw     string // the scrubbed frame
	spans   []span
	hidden  []nibbles
	headAt  int // where the header starts, after the length
	headLen int
	card    uint64
	pan     string
}

// Stop says where decoding ended before the end of the frame, and why.
type Stop struct {
	Offset int    // byte in the frame
	Field  string // the field that could not be read, "header", "mti", "bitmap" or "frame"
	Reason string
}

// Field is one decoded element with its place in Raw.
type Field struct {
	ID             string // "4", "60.2", "55.9F26"
	Name           string
	Value          string // masked; digits, text, or upper-case hex for binary elements
	Offset, Length int    // bytes of the value in Raw, without its length prefix
	Masked         bool
	Problem        string
}

// nibbles is a hidden run of the frame: half-open, in nibbles from the frame's start.
type nibbles struct{ from, to int }

// Raw is the frame, length prefix included, with card data overwritten.
func (m *Message) Raw() string { return m.raw }

// Undecoded says that no message type was found in the frame.
func (m *Message) Undecoded() bool { return m.MTI == "" }

// Card is a token of the card: equal for the same card within one run, 0 when the message names none. It is drawn
// under a key of this process and is never to be written out.
func (m *Message) Card() uint64 { return m.card }

// PAN is the masked card number, from field 2 or else from track 2: first six, last four.
func (m *Message) PAN() string { return m.pan }

// MaskedNibble says whether nibble i of Raw (2×byte, plus 1 for the low half) was overwritten.
func (m *Message) MaskedNibble(i int) bool {
	for _, h := range m.hidden {
		if i >= h.from && i < h.to {
			return true
		}
	}
	return false
}

// Has says whether a top-level field is present.
func (m *Message) Has(field int) bool { return m.span(field) != nil }

// Get is the masked value of a top-level field, or "" when it is absent.
func (m *Message) Get(field int) string {
	if s := m.span(field); s != nil {
		v, _ := m.value(*s)
		return v
	}
	return ""
}

func (m *Message) span(field int) *span {
	for i := range m.spans {
		if m.spans[i].def.id == field {
			return &m.spans[i]
		}
	}
	return nil
}

// value renders a span; text says that it is text and not digits or hex.
func (m *Message) value(s span) (value string, masked bool) {
	b := m.raw[s.off : s.off+s.n]
	var out []byte
	step, lead := 2, 0 // nibbles a character, nibbles before the first
	switch s.def.coding {
	case asBCD, asLBCD:
		step = 1
		if s.chars%2 == 1 && s.def.coding == asBCD {
			lead = 1
		}
		out = appendDigits(make([]byte, 0, s.chars), b, s.chars, s.def.coding == asLBCD)
	case asBinary:
		if s.def.hide != hideEMV && !s.def.tlv && s.def.max > 8 && printable(b) {
			out = []byte(b)
		} else {
			step, out = 1, fmt.Appendf(nil, "%X", b)
		}
	case asHex:
		out = []byte(strings.ToUpper(b))
	default:
		switch {
		case printable(b):
			out = []byte(b)
		default:
			if t, ok := gbk(b); ok && !m.hides(2*s.off, 2*(s.off+s.n)) {
				return t, false
			}
			step, out = 1, fmt.Appendf(nil, "%X", b)
		}
	}
	for i := range out {
		if m.MaskedNibble(2*s.off + lead + i*step) {
			out[i] = '*'
			masked = true
		}
	}
	return string(out), masked
}

func (m *Message) hides(from, to int) bool {
	for _, h := range m.hidden {
		if h.from < to && from < h.to {
			return true
		}
	}
	return false
}

func printable(s string) bool {
	for i := range len(s) {
		if s[i] < 0x20 || s[i] > 0x7E {
			return false
		}
	}
	return true
}

// gbk reads Chinese text. Only printable results count: random bytes often pass for GB18030.
func gbk(s string) (string, bool) {
	t, err := simplifiedchinese.GB18030.NewDecoder().String(s)
	if err != nil || !utf8.ValidString(t) {
		return "", false
	}
	for _, r := range t {
		if r < 0x20 || r == utf8.RuneError || r >= 0x7F && r < 0xA0 || r >= 0xE000 && r < 0xF900 {
			return "", false
		}
	}
	return t, true
}

// Fields lists every field with its subfields, in wire order, each subfield after its parent.
func (m *Message) Fields() []Field {
	var out []Field
	for _, s := range m.spans {
		v, masked := m.value(s)
		f := Field{ID: fmt.Sprint(s.def.id), Name: s.def.name, Value: v, Offset: s.off, Length: s.n, Masked: masked, Problem: problem(s.def.id, v, masked)}
		out = append(out, f)
		out = m.subfields(out, s, v)
	}
	return out
}

func (m *Message) subfields(out []Field, s span, value string) []Field {
	if s.def.tlv && s.def.coding == asBinary {
		tags, _ := walkTLV(m.raw[s.off : s.off+s.n])
		for _, t := range tags {
			v := []byte(fmt.Sprintf("%X", m.raw[s.off+t.off:s.off+t.off+t.n]))
			hidden := false
			for i := range v {
				if m.MaskedNibble(2*(s.off+t.off) + i) {
					v[i], hidden = '*', true
				}
			}
			out = append(out, Field{ID: fmt.Sprintf("%d.%s", s.def.id, t.tag), Name: tagNames[t.tag], Value: string(v), Offset: s.off + t.off, Length: t.n, Masked: hidden})
		}
		return out
	}
	at := 0
	for _, p := range s.def.layout {
		if at >= len(value) {
			break
		}
		n := min(p.n, len(value)-at)
		f := Field{ID: p.id, Name: p.name, Value: value[at : at+n], Offset: s.off + at, Length: n, Masked: strings.Contains(value[at:at+n], "*")}
		if s.def.coding == asBCD || s.def.coding == asLBCD {
			lead := 0
			if s.chars%2 == 1 && s.def.coding == asBCD {
				lead = 1
			}
			f.Offset = s.off + (at+lead)/2
			f.Length = s.off + (at+lead+n+1)/2 - f.Offset
		}
		out = append(out, f)
		at += n
	}
	return out
}

// HeaderParts names the parts of the header, or none when there is no header.
func (m *Message) HeaderParts() []Field {
	type p struct {
		id, name string
		from, n  int // nibbles
	}
	var parts []p
	if m.headLen >= 5 {
		parts = append(parts, p{"tpdu.id", "TPDU id", 0, 2}, p{"tpdu.to", "TPDU destination", 2, 4}, p{"tpdu.from", "TPDU origin", 6, 4})
	}
	if m.headLen >= 11 {
		parts = append(parts, p{"cup.application", "Application type", 10, 2}, p{"cup.version", "Software version", 12, 2}, p{"cup.status", "Terminal status", 14, 1},
			p{"cup.request", "Processing requirement", 15, 1}, p{"cup.subversion", "Software sub-version", 16, 6})
	}
	var out []Field
	head := m.raw[m.headAt : m.headAt+m.headLen]
	for _, q := range parts {
		v := make([]byte, q.n)
		for i := range v {
			v[i] = "0123456789ABCDEF"[nibble(head, q.from+i)]
		}
		off := m.headAt + q.from/2
		out = append(out, Field{ID: q.id, Name: q.name, Value: string(v), Offset: off, Length: m.headAt + (q.from+q.n+1)/2 - off})
	}
	return out
}

// problem tells what is implausible about a value that could be read.
func problem(id int, v string, masked bool) string {
	if masked {
		return ""
	}
	switch id {
	case 3, 4, 11, 12, 13, 15, 25:
		for i := range len(v) {
			if v[i] < '0' || v[i] > '9' {
				return "not all digits"
			}
		}
	}
	switch {
	case id == 13 || id == 15:
		if v != "0000" && (v[:2] < "01" || v[:2] > "12" || v[2:] < "01" || v[2:] > "31") {
			return "not a date (MMDD)"
		}
	case id == 12 && len(v) == 6:
		if v[:2] > "23" || v[2:4] > "59" || v[4:] > "59" {
			return "not a time (hhmmss)"
		}
	}
	return ""
}
