package diagnostics

import (
	"cmp"
	"time"

	"tillscope/link"
	"tillscope/wire"
)

// On a serial line every frame is acknowledged: the receiver sends ACK, or NAK when the LRC is wrong, and the sender
// repeats what was refused or met silence. A frame that is repeated is still one message, and one that was damaged was
// never received: neither is a transaction of its own.

// sent is what stands out about the frames of one direction.
type sent struct {
	last     *wire.Message // the latest
	bad      bool          // it came damaged
	held     *Entry        // it came damaged, and counts only if its receiver takes it all the same: a copy of its row
	whole    time.Time     // when all of held was there
	booked   bool          // it is in the ledger
	refused  bool          // NAK since
	acked    bool          // ACK since
	answered bool          // a good frame came back since
	acks     bool          // its receiver is known to acknowledge
}

// inFrame is how long a sender may pause inside a frame. Terminals wait 100 ms for the next byte.
const inFrame = time.Second

// framed says that a line has frames that are acknowledged.
func (l *lineState) framed() bool { return l.det.Framing == "stx-etx" }

// control takes in a byte between the frames.
func (s *Session) control(c *conn, it *item) {
	l, dir := c.line, it.dir
	if it.oneWire { // who sent it follows from who sent before
		dir = c.lastDir
		if it.m.Control == "ACK" || it.m.Control == "NAK" {
			dir = 1 - dir
		}
	}
	about := &c.sent[1-dir&1] // what it acknowledges
	switch it.m.Control {
	case "ACK":
		about.acked, about.acks = true, true
		s.settle(c, about)
	case "NAK":
		l.NAKs++
		about.refused, about.held = true, nil
	case "EOT":
		c.sent[dir&1] = sent{acks: c.sent[dir&1].acks} // it will not be sent again
	}
	e := s.add(Entry{At: it.at, Line: l.ID, Terminal: cmp.Or(c.term.id, l.Address), Dir: dir, Kind: link.Data, Msg: it.m})
	s.recordMessage(c, it, dir)
	s.heard(c, it.m.Control, e.N, it.at)
}

// handshake looks at a frame as its receiver does, and says whether it is a message of its own.
func (s *Session) handshake(c *conn, e *Entry, whole time.Time) bool {
	l, m := c.line, e.Msg
	c.lastDir = e.Dir
	if !l.framed() {
		return true
	}
	l.frames++
	bad := damaged(m)
	if m.Check != "" {
		l.LRCErrors++
		// Where no LRC was ever right, both ends reckon it by another rule than ours.
		bad = bad && (l.LRCErrors < l.frames || l.frames < 3 || m.Undecoded())
	}
	mine, other := &c.sent[e.Dir&1], &c.sent[1-e.Dir&1]
	again := mine.repeated(m, bad)
	if again {
		l.Retransmits++
		s.change(e.N, func(x *Entry) { x.Again = true })
	} else {
		s.settle(c, mine)
	}
	*mine = sent{last: m, bad: bad, acks: mine.acks, booked: again && mine.booked}
	if !m.Undecoded() { // who answers has taken what came before
		s.settle(c, other)
		other.answered = true
	}
	if bad {
		if !mine.booked && !m.Undecoded() {
			row := *e
			mine.held, mine.whole = &row, whole
		}
		return false
	}
	first := !mine.booked
	mine.booked = true
	return first
}

// settle books a damaged frame that its receiver took.
func (s *Session) settle(c *conn, f *sent) {
	if e := f.held; e != nil {
		f.held, f.booked = nil, true
		s.enter(c, e, f.whole)
		s.change(e.N, func(row *Entry) { row.Txn, row.Pair, row.Latency = e.Txn, e.Pair, e.Latency })
	}
}

// release books what nobody refused until the end.
func (s *Session) release(c *conn) {
	for i := range c.sent {
		s.settle(c, &c.sent[i])
	}
}

// damaged says that a receiver who checks its frames does not take this one.
func damaged(m *wire.Message) bool {
	return m.Check != "" || m.Undecoded() || m.Stop != nil && m.Stop.Field == "frame"
}

// repeated says that a frame is the latest one again: the same after NAK, or while neither acknowledgement nor answer
// came; or, when one of the two was damaged, nearly the same.
func (f *sent) repeated(m *wire.Message, bad bool) bool {
	switch {
	case f.last == nil:
		return false
	case !f.refused && f.answered && (f.acked || !f.acks):
		return false
	case bad || f.bad:
		return alike(f.last, m)
	}
	return f.last.Raw() == m.Raw() && f.last.Card() == m.Card()
}

// noise is how many bytes of a frame may be damaged, lost or made up for it to be known as the same again.
const noise = 4

// alike says that two frames differ by no more than noise, in what was understood of both. Where none was, their lengths have to
// do. The LRC behind them follows from the rest.
func alike(x, y *wire.Message) bool {
	a, b := x.Raw(), y.Raw()
	switch {
	case max(len(a), len(b))-min(len(a), len(b)) > noise:
		return false
	case len(a) != len(b) || x.Undecoded() || y.Undecoded():
		return true
	}
	n := 0
	for i := range min(understood(x), understood(y), len(a)-1) {
		if a[i] != b[i] {
			n++
		}
	}
	return n <= noise
}
