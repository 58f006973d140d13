package tui

import (
	"slices"
	"strings"

	"tillscope/diagnostics"
	"tillscope/link"
	"tillscope/wire"
)

// messagePane shows one message: its fields, and below them its bytes. The selected field lights its nibbles; walking
// through the bytes names the field that each belongs to.
type messagePane struct {
	of      *wire.Message // what fields are of
	all     []wire.Field
	fields  []wire.Field    // those in sight: all but what is folded away
	folds   map[string]bool // by id, as the user left them: true is folded
	at      int             // selected field
	chosen  bool            // by the user: the next message shows the same one, else its first
	walking bool            // the cursor is in the bytes
	both    bool            // request and response side by side
	byteAt  int             // byte under the cursor
	want    string          // field to select in the message that comes next
	perLine int             // bytes a line when last drawn
	scroll
}

// header is the row that the parts of the header fold into.
const header = "header"

func (p *messagePane) title(m *Model) (string, string) {
	e := m.traffic().current(m)
	if e == nil || e.Msg == nil {
		return m.t("pane.message"), ""
	}
	if p.both && e.Pair > 0 {
		return m.t("pane.compare", min(e.N, e.Pair), max(e.N, e.Pair)), ""
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
	keep := ""
	if p.chosen && p.at < len(p.fields) {
		keep = p.fields[p.at].ID // the same field of the next message, as far as it has it
	}
	if p.want != "" {
		keep, p.want, p.chosen = p.want, "", true
	}
	p.of, p.all, p.fields, p.at, p.top, p.byteAt = msg, nil, nil, 0, 0, 0
	if msg == nil || msg.Undecoded() {
		return
	}
	if parts := msg.HeaderParts(); len(parts) > 0 {
		first, last := parts[0], parts[len(parts)-1]
		whole := wire.Field{ID: header, Offset: first.Offset, Length: last.Offset + last.Length - first.Offset, From: first.From, To: last.To}
		for _, f := range parts {
			whole.Value += f.Value
		}
		p.all = append(append(p.all, whole), parts...)
	}
	p.all = append(p.all, msg.Fields()...)
	p.fold()
	if p.at = slices.IndexFunc(p.fields, func(f wire.Field) bool { return f.ID == keep }); p.at < 0 {
		// The first field of the message itself: its header seldom matters, and is there above.
		p.at = min(slices.IndexFunc(p.fields, func(f wire.Field) bool { return f.ID == header })+1, max(len(p.fields)-1, 0))
	}
	p.byteAt = p.offset()
}

// parent is the id of the field that f is a part of, empty when it is a field of its own.
func parent(f wire.Field) string {
	if f.ID == "" || f.ID == header {
		return ""
	}
	if f.ID[0] < '0' || f.ID[0] > '9' {
		return header
	}
	id, _, ok := strings.Cut(f.ID, ".")
	if !ok {
		return ""
	}
	return id
}

// folded says whether a field's parts are out of sight: at first the header's and long lists of tags are.
func (p *messagePane) folded(id string) bool {
	if f, said := p.folds[id]; said {
		return f
	}
	const many = 8
	n := 0
	for _, f := range p.all {
		if parent(f) == id {
			n++
		}
	}
	return id == header || n > many
}

func (p *messagePane) hasParts(id string) bool {
	return slices.ContainsFunc(p.all, func(f wire.Field) bool { return parent(f) == id })
}

func (p *messagePane) fold() {
	shut := map[string]bool{}
	p.fields = p.fields[:0:0]
	for _, f := range p.all {
		up := parent(f)
		if up != "" {
			if _, known := shut[up]; !known {
				shut[up] = p.folded(up)
			}
			if shut[up] {
				continue
			}
		}
		p.fields = append(p.fields, f)
	}
}

// setFold folds the parts of a field away or back, with the cursor on a field that stays in sight.
func (p *messagePane) setFold(id string, shut bool) {
	if p.folds == nil {
		p.folds = map[string]bool{}
	}
	p.folds[id] = shut
	now := p.fields[p.at].ID
	if shut && parent(p.fields[p.at]) == id {
		now = id
	}
	p.fold()
	p.at = max(slices.IndexFunc(p.fields, func(f wire.Field) bool { return f.ID == now }), 0)
}

func (p *messagePane) offset() int {
	if p.at < len(p.fields) {
		return p.fields[p.at].Offset
	}
	return 0
}

func (p *messagePane) draw(m *Model, w, h int) []string {
	e := m.traffic().current(m)
	p.load(e)
	switch {
	case e == nil:
		return []string{"", " " + m.look.p(dim, m.t("message.none"))}
	case e.Msg == nil:
		p.setPerLine(w)
		return p.event(m, e, w, h)
	}
	if p.both && m.unpaired() == "" {
		return p.compare(m, w, h)
	}
	p.setPerLine(w)
	raw := e.Msg.Raw()
	rule := 0
	if h >= 8 || p.walking { // else there is no room for a rule; walking, it names the byte
		rule = 1
	}
	fields := p.fieldRows(m, e, w)
	bytesHigh := min((len(raw)+p.perLine-1)/p.perLine, max(2, h*2/5, h-rule-len(fields)))
	if len(p.fields) == 0 {
		bytesHigh = h - 2
	}
	fieldsHigh := max(h-rule-bytesHigh, 1)
	p.to(p.at, fieldsHigh)
	if p.at == len(p.fields)-1 { // what stands behind the last field is about the whole message
		p.to(len(fields)-1, fieldsHigh)
		p.to(p.at, fieldsHigh)
	}
	out := slices.Clone(p.window(fields, fieldsHigh))
	for len(out) < fieldsHigh {
		out = append(out, "")
	}
	if rule > 0 {
		out = append(out, p.rule(m, w))
	}
	return append(out, p.byteRows(m, raw, w, h-len(out))...)
}

// setPerLine fits the dump into the pane.
func (p *messagePane) setPerLine(w int) {
	if p.perLine = 16; w < 5+16*3 {
		p.perLine = 8
	}
}

// event says what happened to the connection, in the words of the system where there are some, and what was under way on it,
// with its bytes: that is what an event did away with.
func (p *messagePane) event(m *Model, e *diagnostics.Entry, w, h int) []string {
	out := []string{" " + m.look.p(warn, m.look.state[diagnostics.Warn]+" "+m.writer.event(e))}
	if e.Note != "" {
		for _, s := range fold(diagnostics.Clean(e.Note), w-2, "") {
			out = append(out, " "+s)
		}
	}
	for i := range m.snap.Lines {
		if l := &m.snap.Lines[i]; l.ID == e.Line {
			out = append(out, " "+m.look.p(dim, m.t("message.line", diagnostics.Clean(l.Address), diagnostics.Clean(l.Host))))
		}
	}
	x := m.before(e)
	if x == nil {
		return out
	}
	told := []string{" " + m.look.p(strong, m.t("message.before", x.N, m.keys.first("open"))), " " + m.rowOf(x, w < 72).paint(m.look, w-2, false)}
	bytes := &messagePane{of: x.Msg, perLine: p.perLine}
	dump := bytes.byteRows(m, x.Msg.Raw(), w, h)
	if len(out)+len(told)+len(dump)+2 <= h { // paragraphs, where there is room for them
		out, told = append([]string{""}, out...), append([]string{""}, told...)
	}
	return slices.Concat(out, told, dump[:max(min(len(dump), h-len(out)-len(told)), 0)])
}

// before is the message that was the last on the line of an event when it happened, nil when none was near.
func (m *Model) before(e *diagnostics.Entry) *diagnostics.Entry {
	const near = 100
	for n := e.N - 1; n > e.N-near; n-- {
		x := m.entry(n)
		if x == nil {
			break
		}
		if x.Line == e.Line && x.Terminal == e.Terminal && x.Msg != nil {
			return x
		}
	}
	return nil
}

// nameOf is a field's name in the language of the screen.
func (m *Model) nameOf(f wire.Field) string { return m.lang.Field(f.Name) }

// fieldRows are all fields in sight or not, and what is to be said of the message as a whole.
func (p *messagePane) fieldRows(m *Model, e *diagnostics.Entry, w int) []string {
	const id = 10
	name := min(max(w/3, 12), 26)
	var out []string
	for i, f := range p.fields {
		value := diagnostics.Clean(f.Value)
		if note := m.meaning(f, e); note != "" {
			value += "  " + note
		}
		t := plain
		if f.Masked {
			t = dim
		}
		number := f.ID
		switch up := parent(f); {
		case up == header:
			number = " " + m.look.dot // a part of the header has no number
		case up != "":
			number = "  " + number
		case f.ID == header:
			number = m.t("message.header")
		}
		if parent(f) == "" {
			sign := "  "
			if p.hasParts(f.ID) {
				sign = m.look.open + " "
				if p.folded(f.ID) {
					sign = m.look.shut + " "
				}
			}
			number = sign + number
		}
		problem := ""
		if !f.Problem.None() {
			problem = " " + m.look.state[diagnostics.Warn] + " " + diagnostics.Clean(f.Problem.In(m.lang))
		}
		if i == p.at && m.focus == message {
			out = append(out, m.look.p(selected, m.look.fit(m.look.fit(number, id)+m.look.fit(m.nameOf(f), name)+" "+value+problem, w)))
			continue
		}
		mark := accent
		if i == p.at {
			mark = strong // where the cursor would be
		}
		out = append(out, m.look.p(mark, m.look.fit(number, id))+m.look.p(dim, m.look.fit(m.nameOf(f), name))+" "+m.look.p(t, value)+m.look.p(warn, problem))
	}
	if s := e.Msg.Stop; s != nil {
		reason := diagnostics.Clean(s.Reason.In(m.lang))
		text := m.t("message.stop", s.Offset, s.Field, reason)
		if s.Field == "frame" {
			text = m.t("message.cut", s.Offset, reason)
		}
		if s.Suspect != "" {
			text += "; " + m.t("message.suspect", s.Suspect)
		}
		for _, line := range fold(m.look.state[diagnostics.Fail]+" "+text, w-2, "  ") {
			out = append(out, " "+m.look.p(bad, line))
		}
	}
	if e.Msg.Check != "" {
		out = append(out, " "+m.look.p(warn, m.look.state[diagnostics.Warn]+" "+diagnostics.Clean(e.Msg.Check)))
	}
	if n := e.Msg.Trailing; n > 0 {
		out = append(out, " "+m.look.p(warn, m.look.state[diagnostics.Warn]+" "+m.t("message.trailing", n)))
	}
	return out
}

// meaning says in words what a coded value stands for.
func (m *Model) meaning(f wire.Field, e *diagnostics.Entry) string {
	switch f.ID {
	case "39":
		if e.Dir == link.ToTerminal {
			return m.meaningOf(strings.TrimSpace(f.Value))
		}
	case "4":
		return m.look.money(diagnostics.AmountOf(e.Msg))
	}
	return e.Msg.Meaning(f, m.lang)
}

// meaningOf is what a response code means, empty when it is not known.
func (m *Model) meaningOf(code string) string {
	if c, ok := m.writer.codes[diagnostics.CodeOf(code)]; ok {
		return c.Meaning(m.lang.ID)
	}
	return ""
}

func (p *messagePane) move(m *Model, by int) {
	switch {
	case p.both && m.unpaired() == "":
		p.scroll.move(by)
	case p.walking:
		p.step(by * p.perLine)
	default:
		p.at, p.chosen = min(max(p.at+by, 0), max(len(p.fields)-1, 0)), true
		p.byteAt = p.offset()
	}
}

// side folds and unfolds, or steps through the bytes.
func (p *messagePane) side(_ *Model, by int) {
	if p.walking {
		p.step(by)
		return
	}
	if p.at >= len(p.fields) {
		return
	}
	id := p.fields[p.at].ID
	if up := parent(p.fields[p.at]); up != "" {
		id = up
	}
	if p.hasParts(id) {
		p.setFold(id, by < 0)
	}
}

// open goes to the other half of the exchange, and from an event to what it broke off.
func (p *messagePane) open(m *Model) {
	if e := m.traffic().current(m); e != nil && e.Msg == nil {
		if x := m.before(e); x != nil {
			m.jump(x.N, message)
			return
		}
	}
	m.toPair()
}

func (p *messagePane) click(m *Model, _, row int) {
	if !p.walking && !p.both && row >= 0 && row < p.high {
		p.move(m, p.top+row-p.at)
	}
}

// filterOf is the filter that keeps the messages with the selected field's value, empty when a filter cannot say it.
func (p *messagePane) filterOf() string {
	if p.at >= len(p.fields) {
		return ""
	}
	f := p.fields[p.at]
	if up := parent(f); up == header || f.ID == header || f.Value == "" {
		return ""
	}
	value := strings.TrimSpace(f.Value)
	op := "="
	if i := strings.IndexAny(value, " *?[\\"); i >= 0 { // what a word of a filter cannot hold as it is
		op, value = "~", strings.TrimSpace(value[:i])
	}
	if value == "" {
		return ""
	}
	key := "field." + f.ID
	if f.ID == "39" {
		key = "rc"
	}
	return key + op + value
}

// filterByField adds the selected field's value to the filter, which is then open to be changed.
func (m *Model) filterByField() {
	f := strings.TrimSpace(m.traffic().filter + " " + m.message().filterOf())
	m.setFilter(f)
	m.startFilter()
}
