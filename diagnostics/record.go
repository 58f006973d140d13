package diagnostics

import (
	"tillscope/link"
	"tillscope/wire"
)

// record hands an event without data to whoever records. Its note has the system's words, never what passed on the line.
func (s *Session) record(ev link.Event) {
	if s.o.Record != nil {
		s.o.Record(ev)
	}
}

// recordMessage hands a message over as what passed on the line, masked.
func (s *Session) recordMessage(c *conn, m *wire.Message, e *Entry) {
	if s.o.Record != nil {
		s.o.Record(link.Event{At: e.At, Conn: c.id, Terminal: c.from, Host: c.line.Host, Kind: link.Data, Dir: e.Dir, Data: storable(m)})
	}
}

// unread stands for a byte that was not understood. No digit, in any coding, and no length looks like that, so that a
// message read again from a recording stops where it stopped on the line.
const unread = 0xFF

// storable is what of a message may be written to a disk. Where decoding stopped, what follows is not trusted and becomes
// unread; of another protocol the first bytes stay, which name it.
func storable(m *wire.Message) []byte {
	const names = 5 // a TLS record's header, or the method of HTTP
	b := []byte(m.Raw())
	kept := len(b)
	switch {
	case m.Control != "":
	case m.Foreign != "":
		kept = names
	case m.Undecoded():
		kept = 0
	case m.Stop != nil:
		kept = m.Stop.Offset
	}
	for i := kept; i < len(b); i++ {
		b[i] = unread
	}
	m.Reseal(b)
	return b
}
