package tui

import (
	"fmt"
	"strings"

	"tillscope/diagnostics"
	"tillscope/wire"
)

// walk takes the cursor into the bytes, or back to the fields.
func (p *messagePane) walk(m *Model) {
	m.focus = message
	p.both = false
	p.walking = !p.walking
	p.byteAt = p.offset()
}

// step moves the cursor in the bytes; the deepest field that has the byte is selected, and comes in sight when it is folded.
func (p *messagePane) step(by int) {
	if p.of == nil {
		return
	}
	p.byteAt, p.chosen = min(max(p.byteAt+by, 0), max(len(p.of.Raw())-1, 0)), true
	found := -1
	for i, f := range p.all {
		if p.byteAt >= f.Offset && p.byteAt < f.Offset+f.Length {
			found = i
		}
	}
	if found < 0 {
		return
	}
	f := p.all[found]
	if up := parent(f); up != "" && p.folded(up) {
		p.setFold(up, false)
	}
	for i := range p.fields {
		if p.fields[i].ID == f.ID && p.fields[i].Offset == f.Offset {
			p.at = i
		}
	}
}

// rule parts fields and bytes, and names what the lit bytes are.
func (p *messagePane) rule(m *Model, w int) string {
	name := ""
	if p.at < len(p.fields) {
		f := p.fields[p.at]
		name = m.t("message.bytes", f.Offset, f.Length)
		if p.walking {
			name = m.t("message.byte", p.byteAt, p.place(m))
		} else if n := f.To - f.From; n != 2*f.Length {
			name = m.t("message.nibbles", f.Offset, f.Length, n)
		}
		name = " " + m.look.fit(name, min(width(name), w-4)) + " "
	}
	return m.look.p(edge, m.look.borders.h) + m.look.p(dim, name) + m.look.p(edge, strings.Repeat(m.look.borders.h, max(w-1-width(name), 0)))
}

// place names the byte under the cursor: a field, or what stands between fields.
func (p *messagePane) place(m *Model) string {
	inside, next := "", ""
	begun := false
	for _, f := range p.all {
		switch {
		case p.byteAt >= f.Offset && p.byteAt < f.Offset+f.Length:
			inside = f.ID + " " + m.nameOf(f)
			if parent(f) == header || f.ID == header {
				inside = m.nameOf(f)
			}
		case f.Offset > p.byteAt && next == "" && parent(f) == "":
			next = f.ID
		case parent(f) == "" && f.ID != header:
			begun = true
		}
	}
	switch {
	case inside != "":
		return inside
	case next == header:
		return m.t("message.framing")
	case next != "" && begun:
		return m.t("message.length", next)
	case next != "":
		return m.t("message.mti")
	}
	return m.t("message.rest")
}

// byteRows is a hex dump, scrubbed nibbles as stars, around the selected field or the cursor.
func (p *messagePane) byteRows(m *Model, raw string, w, h int) []string {
	from, to := -1, -1
	if p.at < len(p.fields) {
		from, to = p.fields[p.at].From, p.fields[p.at].To
	}
	rows := (len(raw) + p.perLine - 1) / p.perLine
	first := min(max(from, 0)/2/p.perLine, max(rows-h, 0))
	if p.walking {
		first = min(max(p.byteAt/p.perLine-h/2, 0), max(rows-h, 0))
	}
	text := w >= 5+p.perLine*4+1
	var out []string
	for r := first; r < min(first+h, rows); r++ {
		out = append(out, p.byteRow(m, raw, r*p.perLine, from, to, w, text))
	}
	return out
}

// byteRow is one line of the dump. from and to are the lit nibbles.
func (p *messagePane) byteRow(m *Model, raw string, start, from, to, w int, text bool) string {
	var b, ascii strings.Builder
	b.WriteString(m.look.p(dim, fmt.Sprintf("%04x ", start)))
	end := min(start+p.perLine, len(raw))
	for i := start; i < end; i++ {
		hex, c, masked := byteText(p.of, raw, i)
		t := plain
		switch {
		case p.of.Stop != nil && i == p.of.Stop.Offset:
			t = bad // where decoding ended
		case masked:
			t = dim
		}
		high, low := 2*i >= from && 2*i < to, 2*i+1 >= from && 2*i+1 < to
		paint := func(inside bool, s string) string {
			if p.walking && i == p.byteAt {
				return m.look.p(selected, s)
			}
			if inside {
				return m.look.p(lit, s)
			}
			return m.look.p(t, s)
		}
		if high == low {
			b.WriteString(paint(high, hex))
		} else {
			b.WriteString(paint(high, hex[:1]) + paint(low, hex[1:]))
		}
		if low && 2*(i+1) < to && i+1 < end && !p.walking {
			b.WriteString(m.look.p(lit, " "))
		} else {
			b.WriteByte(' ')
		}
		ascii.WriteString(paint(high || low, c))
	}
	if !text {
		return b.String()
	}
	return m.look.fit(b.String(), 5+p.perLine*3) + ascii.String()
}

// byteText is byte i as two hex digits, and as a character where it is printable ASCII.
func byteText(msg *wire.Message, raw string, i int) (hex, char string, masked bool) {
	const digit = "0123456789ABCDEF"
	h, l := digit[raw[i]>>4], digit[raw[i]&15]
	hi, lo := msg.MaskedNibble(2*i), msg.MaskedNibble(2*i+1)
	if hi {
		h = '*'
	}
	if lo {
		l = '*'
	}
	char = "."
	switch {
	case hi || lo:
		char = "*"
	case raw[i] >= 0x20 && raw[i] < 0x7F:
		char = raw[i : i+1]
	}
	return string([]byte{h, l}), char, hi || lo
}

// text is the whole message as lines, for the clipboard: what the screen shows of it, masked.
func (p *messagePane) text(m *Model, e *diagnostics.Entry) string {
	var b strings.Builder
	b.WriteString("#" + itoa(e.N) + " " + m.rowOf(e, false).text() + "\n")
	if e.Msg == nil {
		return b.String()
	}
	p.load(e)
	for _, f := range p.all {
		if f.ID != header {
			fmt.Fprintf(&b, "%-8s %s: %s", f.ID, m.nameOf(f), diagnostics.Clean(f.Value))
			if !f.Problem.None() {
				b.WriteString("  ! " + diagnostics.Clean(f.Problem.In(m.lang)))
			}
			b.WriteByte('\n')
		}
	}
	raw := e.Msg.Raw()
	for i := range len(raw) {
		if i%16 == 0 {
			fmt.Fprintf(&b, "\n%04x", i)
		}
		hex, _, _ := byteText(e.Msg, raw, i)
		b.WriteString(" " + hex)
	}
	b.WriteByte('\n')
	return b.String()
}
