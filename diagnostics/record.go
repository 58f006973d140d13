package diagnostics

import (
	"tillscope/link"
	"tillscope/wire"
)

// record hands an event without data to whoever records.
func (s *Session) record(ev link.Event) {
	if s.o.Record != nil {
		ev.Note = ""
		s.o.Record(ev)
	}
}

// recordMessage hands a message over as what passed on the line, masked.
func (s *Session) recordMessage(c *conn, m *wire.Message, e *Entry) {
	if s.o.Record != nil {
		s.o.Record(link.Event{At: e.At, Conn: c.id, Terminal: c.from, Host: c.line.Host, Kind: link.Data, Dir: e.Dir, Data: storable(m)})
	}
}

// storable is what of a message may be written to a disk. Where decoding stopped, what follows is not trusted and becomes
// zeros; of another protocol the first bytes stay, which name it.
func storable(m *wire.Message) []byte {
	const names = 5 // a TLS record's header, or the method of HTTP
	b := []byte(m.Raw())
	switch {
	case m.Control != "":
	case m.Foreign != "":
		clear(b[min(names, len(b)):])
	case m.Undecoded():
		clear(b)
	case m.Stop != nil:
		clear(b[min(m.Stop.Offset, len(b)):])
	}
	m.Reseal(b)
	return b
}
