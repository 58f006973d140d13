package diagnostics

import (
	"slices"
	"strings"
	"time"

	"tillscope/link"
	"tillscope/wire"
)

// record hands an event without data to whoever records. Its note has the system's words, never what passed on the line.
func (s *Session) record(ev link.Event) {
	if s.o.Record != nil {
		s.o.Record(ev)
	}
}

// recordWatch tells what a recording cannot know of the watch: when it stood still, and until when it went on.
func (s *Session) recordWatch(at time.Time) {
	if s.o.Record == nil {
		return
	}
	ev := link.Event{At: at, Kind: link.Stood}
	for _, x := range s.unsaid {
		ev.Took, ev.Note = x.to.Sub(x.from), x.from.UTC().Format(time.RFC3339Nano)
		s.o.Record(ev)
	}
	if s.unsaid = s.unsaid[:0]; s.ended {
		ev.Took, ev.Note = 0, ""
		s.o.Record(ev)
	}
}

// recordMessage hands a message over as what passed on the line, masked, with how it was read, in the pieces in which it passed:
// how long an answer took depends on them.
func (s *Session) recordMessage(c *conn, it *item, dir link.Dir) {
	if s.o.Record == nil || s.o.Recording != nil && !s.o.Recording() {
		return
	}
	l := c.line
	if l.noted != l.det {
		l.noted, l.note = l.det, l.det.Note()
	}
	piece := link.Event{Conn: c.id, Terminal: c.from, Host: l.Host, Kind: link.Data, Dir: dir, Line: l.note, Note: it.m.Note(*l.det, s.another(it.m))}
	b, from := storable(it.m), int64(0)
	piece.At = it.at
	for _, next := range it.rest {
		s.recordPiece(piece, b[from:next.from])
		piece.At, piece.Note, from = next.at, "", next.from
	}
	s.recordPiece(piece, b[from:])
}

// keptCards bounds how many cards are told apart of which the same digits may be seen.
const keptCards = 1 << 14

// another says which of the cards that look the same in a recording is a message's, 0 for the first.
func (s *Session) another(m *wire.Message) int {
	card := m.Card()
	if card == 0 {
		return 0
	}
	look := m.PAN()
	alike := s.cards[look]
	i := slices.Index(alike, card)
	switch {
	case i >= 0:
		return i
	case len(s.cards) >= keptCards || len(alike) >= keptCards/1024:
		return 0
	case s.cards == nil:
		s.cards = map[string][]uint64{}
	}
	s.cards[strings.Clone(look)] = append(alike, card)
	return len(alike)
}

// recordPiece holds back what came in one piece with what may follow.
func (s *Session) recordPiece(piece link.Event, b []byte) {
	t := &s.taken
	if len(t.Data) > 0 && (piece.Note != "" || t.Line != piece.Line || t.Dir != piece.Dir || !t.At.Equal(piece.At)) {
		s.recordTaken()
	}
	if piece.Data = append(t.Data, b...); t.Note != "" {
		piece.Note = t.Note
	}
	*t = piece
}

// recordTaken hands over the messages that came in one piece.
func (s *Session) recordTaken() {
	if ev := s.taken; len(ev.Data) > 0 {
		s.taken = link.Event{}
		s.o.Record(ev)
		if len(s.unsaid) > 0 {
			s.recordWatch(ev.At)
		}
	}
}

// unread stands for a byte that was not understood. No digit, in any coding, and no length looks like that, so that a
// message read again from a recording stops where it stopped on the line.
const unread = 0xFF

// understood is how many bytes of a frame are what they were taken for.
func understood(m *wire.Message) int {
	const names = 5 // a TLS record's header, or the method of HTTP
	if m.Foreign != "" {
		return min(names, len(m.Raw()))
	}
	return m.Understood()
}

// storable is what of a message may be written to a disk. Where decoding stopped, what follows is not trusted and becomes
// unread; of another protocol the first bytes stay, which name it.
func storable(m *wire.Message) []byte {
	b := []byte(m.Raw())
	kept := understood(m)
	for i := kept; i < len(b); i++ {
		b[i] = unread
	}
	shape(b, m, kept)
	m.Reseal(b)
	return b
}

// shape leaves in what was not understood, from kept on, what shows by its shape alone what went wrong, without a byte of
// what it said: that somebody asked for the line, printed words into it, or put zeros behind carriage returns.
func shape(b []byte, m *wire.Message, kept int) {
	switch raw := m.Raw(); {
	case m.Foreign == "text":
		hush(b, raw)
	case kept == len(b):
	case kept == 0 && enquiring(raw):
		for i := range b {
			b[i] = 0x05
		}
	case kept == 0 && wording(raw):
		words := strings.TrimLeft(raw, "\r\n")
		to := len(raw) - len(words) + strings.Index(words, "\r\n")
		hush(b, raw[:to+2])
	case zeroed(raw):
		for i := kept; i+1 < len(b); i++ {
			if raw[i] == '\r' {
				copy(b[i:], "\r\x00")
			}
		}
	}
}

// hush writes words as what looks like words: letters become n, blanks and ends of lines stay, and
// all else becomes *. Neither can be taken for packed digits, which would be masked as a card number.
func hush(b []byte, words string) {
	for i := range words {
		switch c := words[i]; {
		case c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z':
			b[i] = 'n'
		case c == ' ', c == '\t', c == '\r', c == '\n':
			b[i] = c
		default:
			b[i] = '*'
		}
	}
}
