package wire

import (
	"cmp"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
)

// A recording keeps frames without card data, and without what was not understood of them. Read again, they do not say all that
// they said on the line: a hidden card number has no check digit, and a damaged length looks like any other. So a recording keeps
// beside the frames, as notes, how they were read: what the line was found to carry, and of every message what its bytes do not
// say by themselves. Notes are JSON of numbers and ids. Nothing in them is hidden in the message that they are about, and what
// they say has no part in what masking hides.

// lineNote is a detection. Header is followed by its length when it is of an unknown kind.
type lineNote struct {
	Framing    string  `json:"framing,omitempty"`
	Header     string  `json:"header,omitempty"`
	Skip       int     `json:"skip,omitempty"`
	Dialect    string  `json:"dialect,omitempty"`
	Confidence float64 `json:"confidence,omitempty"`
	RunnerUp   string  `json:"runner_up,omitempty"`
	Foreign    string  `json:"foreign,omitempty"`
	Turned     int     `json:"turned,omitempty"`
}

// frameNote is how a frame was read that is no plain message of its line.
type frameNote struct {
	Size     int       `json:"size"`            // of the frame, in bytes
	Known    int       `json:"known,omitempty"` // of them, those that were understood, where it is not all
	Control  string    `json:"control,omitempty"`
	Form     *formNote `json:"form,omitempty"` // none when nothing was understood
	Stop     *stopNote `json:"stop,omitempty"`
	Damaged  bool      `json:"damaged,omitempty"` // the check byte was wrong
	Trailing int       `json:"trailing,omitempty"`
	Foreign  string    `json:"foreign,omitempty"`
	Detail   string    `json:"detail,omitempty"`
	Fits     string    `json:"fits,omitempty"`
	Card     string    `json:"card,omitempty"`    // the masked number of a track, which is hidden as a whole in the frame
	Ended    bool      `json:"ended,omitempty"`   // only the end of what came made it a message
	Another  int       `json:"another,omitempty"` // which of the cards it is of which the same digits may be seen, from 0
	NoCard   bool      `json:"no_card,omitempty"` // what stood where the card number does was none
}

type formNote struct {
	Framing string      `json:"framing"`
	Header  string      `json:"header"`
	Dialect string      `json:"dialect"`
	Head    int         `json:"head,omitempty"`  // length of the header
	At      int         `json:"at,omitempty"`    // where the header begins
	Other   []fieldNote `json:"other,omitempty"` // fields that stand otherwise than the dialect says
}

// fieldNote is how a field stands: the parts of its def that variants change.
type fieldNote struct {
	ID      int    `json:"id"`
	Content coding `json:"content"`
	Prefix  coding `json:"prefix"`
	Digits  int    `json:"digits"`
	Max     int    `json:"max"`
	Halved  bool   `json:"halved,omitempty"`
}

type stopNote struct {
	Offset  int    `json:"offset"`
	Field   string `json:"field"`
	Suspect string `json:"suspect,omitempty"`
	Why     string `json:"why"`
	Args    []any  `json:"args,omitempty"`
}

func inJSON(v any) string {
	b, err := json.Marshal(v)
	if err != nil { // numbers, texts and nothing else
		panic(err)
	}
	return string(b)
}

// Note is the detection as Recall takes it, empty as long as nothing was found.
func (d Detection) Note() string {
	if d == (Detection{}) {
		return ""
	}
	return inJSON(lineNote{d.Framing, d.Header, d.skip, d.Dialect, d.Confidence, d.RunnerUp, d.Foreign, d.Turned})
}

// Recall takes what the line was found to carry when it was recorded: it is not looked for any more. A reading that the options do
// not allow is not taken.
func (d *Decoder) Recall(note string) {
	if note == d.recalled {
		return
	}
	d.recalled = note
	var n lineNote
	if json.Unmarshal([]byte(note), &n) != nil || !showable(n.RunnerUp, n.Foreign) {
		return
	}
	det := Detection{Framing: n.Framing, Header: n.Header, Dialect: n.Dialect, Confidence: min(max(n.Confidence, 0), 1), RunnerUp: n.RunnerUp, Foreign: n.Foreign, Turned: n.Turned, skip: n.Skip}
	if n.Framing == "" {
		if !d.settled {
			d.det = det
		}
		return
	}
	i := d.reading(n.Framing, n.Header, n.Dialect, n.Skip)
	if i < 0 {
		return
	}
	d.best, d.settled, d.det = i, true, det
	d.trial, d.bad, d.strays = trialFrames, 0, 0
}

// reading is the place among the candidates of one that was found, negative when the options do not allow it.
func (d *Decoder) reading(framing, header, dialect string, skip int) int {
	at := func(header string, skip int) int {
		return slices.IndexFunc(d.candidates, func(r reading) bool {
			return r.framing == framing && r.header == header && r.dialect.id == dialect && r.skip == skip
		})
	}
	if i := at(header, skip); i >= 0 || header != unknownHeader || skip < 1 || skip > prefixes || !d.learns {
		return i
	}
	i := at("none", 0)
	if i < 0 {
		return i
	}
	d.know(d.candidates[i], skip)
	return len(d.candidates) - 1
}

// usual says that a message is read from its masked bytes as it was, by who knows what its line carries.
func (m *Message) usual(d Detection) bool {
	switch {
	case m.Control != "":
		return d.Framing == "stx-etx"
	case m.Oddity != noOddity && (m.Stop != nil || m.Foreign != "" || m.Check != "" || m.ended):
		return false
	}
	return m.Trailing == 0 && m.Framing == d.Framing && m.Header == d.Header && m.Dialect == d.Dialect && m.dialect.guessed == 0 && m.Framing != "none" &&
		(m.Header != unknownHeader || int(m.headLen) == d.skip) && (m.panOf == 2 || !m.Has(2) && !m.Has(35))
}

// Note is what masked bytes of the message do not say, for Stream.Recall. It is empty for most messages of a line of which it is
// known what it carries, d. another says which of the cards is the message's of which the same digits may be seen: 0 for the first.
func (m *Message) Note(d Detection, another int) string {
	if another == 0 && m.usual(d) {
		return ""
	}
	n := frameNote{Size: len(m.Raw()), Control: m.Control, Another: another}
	if m.Control != "" {
		return inJSON(n)
	}
	if !m.Undecoded() {
		n.Form = &formNote{Framing: m.Framing, Header: m.Header, Dialect: m.Dialect, At: int(m.headAt), Head: int(m.headLen)}
		for _, df := range m.dialect.defs {
			if df != nil && !df.told.None() {
				n.Form.Other = append(n.Form.Other, df.note())
			}
		}
		n.NoCard = m.card == 0 && (m.Has(2) || m.Has(35))
	}
	if s := m.Stop; s != nil {
		n.Stop = &stopNote{s.Offset, s.Field, s.Suspect, s.Reason.key, s.Reason.args}
		if n.Known = m.Understood(); m.Undecoded() && s.Reason.key != stopCut {
			n.Stop = nil // why follows from what it was taken for
		}
	}
	n.Damaged, n.Trailing, n.Foreign, n.Fits = m.Check != "", m.Trailing, m.Foreign, m.Fits
	if showable(m.Detail) {
		n.Detail = m.Detail
	}
	if n.Trailing > 0 {
		n.Known = m.Understood()
	}
	n.Ended, n.Card = m.ended, m.bytes[m.panAt:m.panTo]
	return inJSON(n)
}

// Understood is how many bytes at the front of the frame are what they were taken for.
func (m *Message) Understood() int {
	switch {
	case m.Control != "":
		return 1
	case m.Undecoded():
		return 0
	case m.Stop != nil:
		return m.Stop.Known
	case m.Trailing == 0:
		return len(m.Raw())
	case m.count() > 0:
		last := m.at(m.count() - 1)
		return int(last.off + last.n)
	}
	head := m.Head()
	last := head[len(head)-1]
	return last.Offset + last.Length
}

func (df *def) note() fieldNote {
	return fieldNote{df.id, df.coding, df.prefix, df.digits, df.max, df.halved}
}

// Recall takes the note about the frame of a recording that begins with the next byte.
func (s *Stream) Recall(note string) {
	var n frameNote
	if s.noted() == len(s.buf) && json.Unmarshal([]byte(note), &n) == nil && n.Size > 0 && n.Size <= maxOpaque && showable(n.Foreign, n.Detail, n.Fits) &&
		(n.Stop == nil || showable(n.Stop.Field, n.Stop.Suspect)) {
		s.notes = append(s.notes, n)
	}
}

// noted is the size of the frames that notes are about.
func (s *Stream) noted() (size int) {
	for i := range s.notes {
		size += s.notes[i].Size
	}
	return size
}

// showable says that words of a note, which may be anybody's, can be shown: nothing in them steers a terminal or may be a
// card number.
func showable(words ...string) bool {
	return !slices.ContainsFunc(words, func(w string) bool { return len(w) > maxWords || !printable([]byte(w)) || hasRun([]byte(w)) })
}

// maxWords bounds a text in a note: a name that a client asks for by TLS has up to 255 characters.
const maxWords = 300

// Waits says that what is there of a recording waits for what ended it on the line.
func (s *Stream) Waits() bool {
	return len(s.notes) > 0 && s.notes[0].Ended && len(s.buf) >= s.noted()
}

// waits says that the frame at the front has not come whole, or ends only with what becomes of the connection, as it did on the
// line. More bytes behind it end it, too, unless they wait for the same.
func (s *Stream) waits() bool {
	if len(s.buf) < s.notes[0].Size {
		return true
	}
	return len(s.buf) <= s.noted() && !slices.ContainsFunc(s.notes, func(n frameNote) bool { return !n.Ended })
}

// again is the frame at the front as its note says; nil when the note does not fit it.
func (s *Stream) again() *Message {
	n := s.notes[0]
	s.notes = s.notes[1:]
	if len(s.buf) < n.Size {
		return nil
	}
	m := s.d.again(&n, s.buf[:n.Size])
	if m != nil {
		s.drop(n.Size)
		s.synced, s.fresh, s.stray = true, true, false
	} else {
		s.notes = nil
	}
	return m
}

// ended marks messages that nothing ended but the end of what came.
func ended(list []*Message) {
	for _, m := range list {
		if m.Control == "" {
			m.odd().ended = true
		}
	}
}

func (d *Decoder) again(n *frameNote, b []byte) (m *Message) {
	switch form := n.Form; {
	case n.Control != "":
		if m = controls[b[0]]; m == nil || m.Control != n.Control || n.Size != 1 {
			return nil
		}
		return m
	case form == nil:
		m = opaqueAs(b, n.Foreign, n.Detail)
	default:
		if m = d.formed(form, b, n.Known); m == nil || m.Undecoded() {
			return nil
		}
		m.Trailing = min(max(n.Trailing, 0), len(b))
	}
	o := m.odd()
	if n.Stop != nil {
		o.Stop = n.Stop.stop(len(b), n.Known)
	}
	if o.Fits = n.Fits; !n.Damaged {
		o.Check = ""
	} else if o.Check == "" {
		f, _ := measure("stx-etx", b)
		o.Check = cmp.Or(misread(b, f), "LRC")
	}
	if n.NoCard || n.Card != "" {
		m.card, m.panOf, m.panAt, m.panTo = 0, 0, 0, 0
	}
	if masked(n.Card) {
		at := len(m.bytes)
		m.bytes += n.Card
		m.panAt, m.panTo = uint16(at), uint16(len(m.bytes))
		m.card = token([]byte(n.Card))
	}
	if n.Another > 0 && m.card != 0 {
		m.card = token(fmt.Append(nil, m.card, n.Another))
	}
	return m
}

// formed is a message of a form that was found, of which so many bytes were understood, 0 for all.
func (d *Decoder) formed(n *formNote, b []byte, known int) *Message {
	skip := 0
	if n.Header == unknownHeader {
		skip = n.Head
	}
	i := d.reading(n.Framing, n.Header, n.Dialect, skip)
	from := n.At + n.Head
	if i < 0 || n.At < 0 || n.Head < 0 || n.At > len(b) || n.Head > len(b) || from > len(b) || known != 0 && (known < from || known > len(b)) {
		return nil
	}
	r := d.candidates[i]
	if r.form = d.formOf(&r, n.Other); r.form == nil {
		return nil
	}
	r.dialect, r.final = r.form.dialect, true
	f := r.frame(b)
	if known > 0 {
		f = frame{n.At, known, len(b)}
	}
	if f.end < from {
		return nil
	}
	return d.build(&r, b, f, n.Head, r.header)
}

// masked says that a text is a card number of which only the digits are left that may be seen.
func masked(number string) bool {
	from, to := clearRange(len(number))
	return len(number) >= 8 && len(number) <= 19 && strings.Trim(number, "0123456789*") == "" && strings.Trim(number[from:to], "*") == ""
}

// formOf is the form of a reading with some of its fields read otherwise; nil where no line can teach that.
func (d *Decoder) formOf(r *reading, fields []fieldNote) *Form {
	if len(fields) == 0 {
		return r.form
	}
	var found []*def
	for _, n := range fields {
		if n.ID < 0 || n.ID >= len(r.dialect.defs) || r.dialect.defs[n.ID] == nil || len(found) == 2 {
			return nil
		}
		all := append(r.dialect.defs[n.ID].variants(r.dialect.mti.packed()), r.dialect.also[n.ID]...)
		i := slices.IndexFunc(all, func(v *def) bool { return v.note() == n })
		if i < 0 {
			return nil
		}
		found = append(found, all[i])
	}
	for _, p := range d.patches {
		if p.of == r.dialect && p.form.Framing == r.framing && p.form.Header == r.header && p.form.dialect.reads(found) {
			return p.form
		}
	}
	return d.patch(r, found)
}

// reads says that just these fields are read otherwise than the dialect's file says.
func (d *dialect) reads(found []*def) bool {
	return d.guessed == len(found) && !slices.ContainsFunc(found, func(df *def) bool { return d.defs[df.id].told.None() || d.defs[df.id].note() != df.note() })
}

// stopReasons are those that a note can have, with how many arguments.
var stopReasons = map[string]int{"wire.stop.mti": 0, "wire.stop.bitmap": 0, "wire.stop.field": 1, "wire.stop.length": 0, "wire.stop.long": 2, "wire.stop.short": 2, stopCut: 0, "wire.stop.unknown": 0}

const stopCut = "wire.stop.cut"

func (n *stopNote) stop(size, known int) *Stop {
	s := &Stop{Offset: min(max(n.Offset, 0), size), Known: min(max(known, 0), size), Field: n.Field, Suspect: n.Suspect, Reason: Remark{n.Why, n.Args}}
	if count, ok := stopReasons[n.Why]; !ok || count != len(n.Args) {
		s.Reason = remark("stop.unknown")
	}
	for i, a := range s.Reason.args {
		switch a := a.(type) {
		case float64:
			s.Reason.args[i] = int(a)
		case string:
			if showable(a) {
				continue
			}
			s.Reason = remark("stop.unknown")
		default:
			s.Reason = remark("stop.unknown")
		}
	}
	return s
}
