package tui

import (
	"fmt"
	"strings"

	"tillscope/diagnostics"
	"tillscope/link"
	"tillscope/wire"
)

// messagePane shows one message: its fields, and below them its bytes with those of the selected field lit.
type messagePane struct {
	of     *wire.Message // what fields are of
	fields []wire.Field
	at     int // selected field
	scroll
}

func (p *messagePane) title(m *Model) (string, string) {
	e := m.traffic().current()
	if e == nil || e.Msg == nil {
		return m.t("pane.message"), ""
	}
	right := e.Msg.MTI
	if right == "" {
		right = e.Msg.Foreign
	} else {
		right += " " + strings.Join([]string{e.Msg.Framing, e.Msg.Header, e.Msg.Dialect}, " "+m.look.dot+" ")
	}
	return m.t("pane.message") + " #" + itoa(e.N), right
}

func (p *messagePane) load(e *diagnostics.Entry) {
	var msg *wire.Message
	if e != nil {
		msg = e.Msg
	}
	if msg == p.of {
		return
	}
	p.of, p.fields, p.at, p.top = msg, nil, 0, 0
	if msg != nil && !msg.Undecoded() {
		p.fields = append(msg.HeaderParts(), msg.Fields()...)
		p.home()
	}
}

// home selects the first field of the message itself: its header seldom matters, and is there above.
func (p *messagePane) home() {
	p.at = min(len(p.of.HeaderParts()), max(len(p.fields)-1, 0))
	p.top = p.at
}

func (p *messagePane) draw(m *Model, w, h int) []string {
	e := m.traffic().current()
	p.load(e)
	switch {
	case e == nil:
		return []string{"", " " + m.look.p(dim, m.t("message.none"))}
	case e.Msg == nil:
		return p.event(m, e, w)
	}
	perLine := 16
	if w < 5+16*3 {
		perLine = 8
	}
	raw := e.Msg.Raw()
	bytesHigh := min((len(raw)+perLine-1)/perLine, max(2, h*2/5))
	if len(p.fields) == 0 {
		bytesHigh = h - 2
	}
	fieldsHigh := max(h-bytesHigh-1, 1)
	if h < 8 { // no room for a rule between them
		fieldsHigh = max(h-bytesHigh, 1)
	}
	out := p.fieldRows(m, e, w, fieldsHigh)
	for len(out) < fieldsHigh {
		out = append(out, "")
	}
	if h >= 8 {
		out = append(out, m.look.p(edge, strings.Repeat(m.look.borders.h, w)))
	}
	return append(out, p.byteRows(m, raw, w, perLine, h-len(out))...)
}

// event says what happened to the connection, in the words of the system where there are some.
func (p *messagePane) event(m *Model, e *diagnostics.Entry, w int) []string {
	out := []string{"", " " + m.look.p(warn, m.look.state[diagnostics.Warn]+" "+m.writer.event(e))}
	if e.Note != "" {
		for _, s := range fold(diagnostics.Clean(e.Note), w-2, "") {
			out = append(out, " "+s)
		}
	}
	for i := range m.snap.Lines {
		if l := &m.snap.Lines[i]; l.ID == e.Line {
			out = append(out, "", " "+m.look.p(dim, m.t("message.line", l.Address, l.Host)))
		}
	}
	return out
}

func (p *messagePane) fieldRows(m *Model, e *diagnostics.Entry, w, h int) []string {
	const id = 9
	name := min(max(w/3, 12), 26)
	var out []string
	for i, f := range p.fields {
		label := f.Name
		if key := "field." + f.ID; m.lang.T(key) != key {
			label = m.lang.T(key)
		}
		value := diagnostics.Clean(f.Value)
		if note := m.meaning(f, e); note != "" {
			value += "  " + note
		}
		t := plain
		if f.Masked {
			t = dim
		}
		number := f.ID
		switch {
		case number[0] < '0' || number[0] > '9':
			number = m.look.dot // a part of the header has no number
		case strings.Contains(number, "."):
			number = " " + number
		}
		if i == p.at && m.focus == message {
			out = append(out, m.look.p(selected, m.look.fit(" "+m.look.fit(number, id)+m.look.fit(label, name)+" "+value+" "+f.Problem, w)))
			continue
		}
		s := " " + m.look.p(accent, m.look.fit(number, id)) + m.look.p(dim, m.look.fit(label, name)) + " " + m.look.p(t, value)
		if f.Problem != "" {
			s += " " + m.look.p(warn, m.look.state[diagnostics.Warn]+" "+f.Problem)
		}
		out = append(out, s)
	}
	if s := e.Msg.Stop; s != nil {
		out = append(out, " "+m.look.p(bad, m.look.state[diagnostics.Fail]+" "+m.t("message.stop", s.Offset, s.Field, diagnostics.Clean(s.Reason))))
	}
	if n := e.Msg.Trailing; n > 0 {
		out = append(out, " "+m.look.p(warn, m.look.state[diagnostics.Warn]+" "+m.t("message.trailing", n)))
	}
	if p.at < p.top {
		p.top = p.at
	} else if p.at >= p.top+h {
		p.top = p.at - h + 1
	}
	return p.window(out, h)
}

// meaning says in words what a coded value stands for.
func (m *Model) meaning(f wire.Field, e *diagnostics.Entry) string {
	switch f.ID {
	case "39":
		if c, ok := m.writer.codes[diagnostics.CodeOf(f.Value)]; ok && e.Dir == link.ToTerminal {
			return c.Meaning(m.lang.ID)
		}
	case "4":
		return m.look.money(f.Value, e.Msg.Get(49))
	}
	return ""
}

// byteRows is a hex dump, scrubbed nibbles as stars, around the selected field.
func (p *messagePane) byteRows(m *Model, raw string, w, perLine, h int) []string {
	from, to := -1, -1
	if p.at < len(p.fields) {
		from = p.fields[p.at].Offset
		to = from + p.fields[p.at].Length
	}
	rows := (len(raw) + perLine - 1) / perLine
	first := min(max(from, 0)/perLine, max(rows-h, 0))
	text := w >= 5+perLine*4+1
	var out []string
	for r := first; r < min(first+h, rows); r++ {
		var b, ascii strings.Builder
		b.WriteString(m.look.p(dim, fmt.Sprintf("%04x ", r*perLine)))
		for i := r * perLine; i < min((r+1)*perLine, len(raw)); i++ {
			hex, c, masked := byteText(p.of, raw, i)
			inside := i >= from && i < to
			t := plain
			switch {
			case inside:
				t = lit
			case masked:
				t = dim
			}
			b.WriteString(m.look.p(t, hex))
			if inside && i+1 < to && (i+1)%perLine != 0 {
				b.WriteString(m.look.p(lit, " "))
			} else {
				b.WriteByte(' ')
			}
			ascii.WriteString(m.look.p(t, c))
		}
		s := b.String()
		if text {
			s = m.look.fit(s, 5+perLine*3) + ascii.String()
		}
		out = append(out, s)
	}
	return out
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

func (p *messagePane) move(_ *Model, by int) {
	p.at = min(max(p.at+by, 0), max(len(p.fields)-1, 0))
}

// open goes to the other half of the exchange.
func (p *messagePane) open(m *Model) {
	if e := m.traffic().current(); e != nil && e.Pair > 0 && m.traffic().show(m, e.Pair) {
		return
	}
	m.notice = m.t("notice.nopair")
}
