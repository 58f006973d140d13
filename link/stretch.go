package link

import (
	"bytes"
	"slices"
	"time"
)

// stretch is one direction of a connection.
type stretch struct {
	known  bool
	heard  bool   // not known yet, but the other side has acknowledged all before next
	came   bool   // bytes of it are in the capture
	lacks  bool   // counted as a direction of which the capture has none
	next   uint32 // the sequence number of the next byte
	held   []piece
	bytes  int     // in held
	since  instant // when the oldest of held came
	acked  uint32  // beyond next: acknowledged although never seen
	ackAt  instant
	ending bool // a FIN came, which may still wait for bytes before it
	ended  bool // and was told
	fin    uint32
	recent [2]trace // the latest segments, to tell copies from retransmissions
	turn   uint8

	timed    bool // a round trip is being measured
	timedEnd uint32
	timedAt  instant

	closed  instant // when its receiver closed the window, zero while that is open
	told    bool    // that it is closed
	unheard int     // retransmissions since the other side was heard
	firstAt instant
}

type piece struct {
	seq     uint32
	data    []byte
	missing int
	at      instant
	line    string
	frame   string
}

type trace struct {
	seq uint32
	n   int32
	id  uint16
	at  instant
}

// end tells that a direction is done once all bytes before its FIN are there.
func (a *assembler) end(c *connection, dir Dir, at instant) {
	h := &c.half[dir]
	if !h.ending || h.ended || h.fin != h.next {
		return
	}
	h.ended = true
	h.next++
	a.tell(c, HalfClose, dir, at, 0)
	if c.half[0].ended && c.half[1].ended {
		a.tell(c, Closed, ToHost, at, 0)
		a.bury(c)
	}
}

// acknowledge reads what a segment says about the bytes of dir, which went towards its sender.
func (a *assembler) acknowledge(c *connection, dir Dir, s *segment) {
	h := &c.half[dir]
	if h.timed && ahead(s.ack, h.timedEnd) >= 0 {
		h.timed = false
		took := s.at.since(h.timedAt)
		a.tally.RoundTrips++
		a.tally.RoundTripTime += took
		a.tally.WorstRoundTrip = max(a.tally.WorstRoundTrip, took)
	}
	if !h.known && !h.heard {
		h.heard, h.next = true, s.ack
	}
	if n := ahead(s.ack, h.next); n > 0 && n < beyond && !h.ending {
		if h.ackAt == 0 || len(h.held) > 0 && ahead(h.acked, h.held[0].seq) < 0 {
			h.acked, h.ackAt = s.ack, s.at
		}
		a.wait(c)
	}
	switch closed := s.window == 0 && s.flags&flagFIN == 0 && !h.ending; {
	case closed && h.closed == 0:
		h.closed, h.told = s.at, false
		a.tally.ZeroWindows++
		a.wait(c)
	case !closed && h.closed != 0:
		if took := s.at.since(h.closed); took >= stalling && !h.told {
			a.tell(c, Stalled, dir, s.at, took)
		}
		h.closed = 0
	}
}

// payload puts the bytes of a segment in their place.
func (a *assembler) payload(c *connection, dir Dir, s *segment) {
	h := &c.half[dir]
	a.open(c, s.at)
	n := len(s.payload) + s.missing
	d := ahead(s.seq, h.next)
	if d > beyond || d < -beyond { // the beginning of another connection is missing
		a.flush(c, dir)
		a.gap(c, dir, s.at, 0)
		h.next, d = s.seq, 0
	}
	if d < 0 && -d >= n || d > 0 && h.holds(s.seq, n) {
		a.again(c, dir, s, n, d)
		return
	}
	h.remember(s, n)
	p := piece{s.seq, s.payload, s.missing, s.at, s.line, s.frame}
	if d > 0 {
		a.hold(c, dir, p, d)
		return
	}
	if h.timed = h.timed && d == 0; !h.timed && d == 0 && len(h.held) == 0 {
		h.timed, h.timedEnd, h.timedAt = true, s.seq+uint32(n), s.at
	}
	if d < 0 {
		a.resent(c, dir, s.at, -d, 1)
	}
	if len(h.held) > 0 {
		if wait := s.at.since(h.since); wait > resending {
			a.resent(c, dir, s.at, n, 1)
		} else {
			a.tally.OutOfOrder++
		}
	}
	a.deliver(c, dir, p, s.at)
	a.drain(c, dir, s.at)
}

// deliver gives a piece that begins at the next byte or before it. Bytes that were there first stay.
func (a *assembler) deliver(c *connection, dir Dir, p piece, at instant) {
	h := &c.half[dir]
	old := ahead(h.next, p.seq)
	h.came = true
	h.next = p.seq + uint32(len(p.data)+p.missing)
	ev := c.event()
	ev.At, ev.Kind, ev.Dir = at.time(), Data, dir
	if old < len(p.data) {
		if ev.Line = p.line; old == 0 {
			ev.Note = p.frame
		}
		a.data(ev, p.data[old:])
	}
	if p.missing > 0 {
		a.gap(c, dir, at, p.missing-max(old-len(p.data), 0))
	}
	if h.ackAt != 0 && ahead(h.acked, h.next) <= 0 {
		h.ackAt = 0
	}
}

// drain gives what waited for the bytes that have just come.
func (a *assembler) drain(c *connection, dir Dir, at instant) {
	h := &c.half[dir]
	for len(h.held) > 0 && ahead(h.held[0].seq, h.next) <= 0 {
		p := h.held[0]
		h.held = h.held[1:]
		h.bytes -= len(p.data)
		a.held -= len(p.data)
		if ahead(p.seq+uint32(len(p.data)+p.missing), h.next) > 0 {
			a.deliver(c, dir, p, max(p.at, at))
		}
	}
	if len(h.held) > 0 {
		h.since = h.held[0].at
	} else {
		h.held = nil
	}
	a.end(c, dir, at)
}

func (a *assembler) gap(c *connection, dir Dir, at instant, lost int) {
	a.tally.Gaps++
	a.tally.Lost += lost
	ev := c.event()
	ev.At, ev.Kind, ev.Dir, ev.Lost = at.time(), Gap, dir, lost
	a.emit(ev)
}

// hold keeps a segment that came before its predecessors.
func (a *assembler) hold(c *connection, dir Dir, p piece, d int) {
	h := &c.half[dir]
	if h.ackAt != 0 && p.at.since(h.ackAt) > acknowledged && ahead(h.acked, p.seq) >= 0 && len(h.held) == 0 {
		// Its receiver has long had what is missing here.
		a.gap(c, dir, p.at, d)
		h.next = p.seq
		a.deliver(c, dir, p, p.at)
		a.end(c, dir, p.at)
		return
	}
	if h.bytes+len(p.data) > heldPerHalf || a.held+len(p.data) > heldInAll {
		a.flush(c, dir)
		if ahead(p.seq, h.next) <= 0 {
			a.deliver(c, dir, p, p.at)
			a.drain(c, dir, p.at)
			return
		}
	}
	p.data = bytes.Clone(p.data)
	at := len(h.held)
	for at > 0 && ahead(p.seq, h.held[at-1].seq) < 0 {
		at--
	}
	if len(h.held) == 0 {
		h.since = p.at
	}
	h.held = slices.Insert(h.held, at, p)
	h.bytes += len(p.data)
	a.held += len(p.data)
	a.wait(c)
}

// unseen tells of bytes that were acknowledged, and behind which nothing came: the capture has no more of this direction, or lacks
// just the last of it.
func (a *assembler) unseen(c *connection, dir Dir, at instant) {
	h := &c.half[dir]
	if d := ahead(h.acked, h.next); h.ackAt != 0 && d > 0 && d < beyond {
		a.gap(c, dir, at, d)
		h.next, h.ackAt = h.acked, 0
		if !h.came && !h.lacks {
			h.lacks = true
			a.tally.OneWay++
		}
	}
}

// flush gives up on every hole of a direction.
func (a *assembler) flush(c *connection, dir Dir) {
	h := &c.half[dir]
	for len(h.held) > 0 {
		p := h.held[0]
		a.gap(c, dir, p.at, ahead(p.seq, h.next))
		h.next = p.seq
		a.drain(c, dir, p.at)
	}
	if h.ending && !h.ended {
		if d := ahead(h.fin, h.next); d > 0 && d < beyond {
			a.gap(c, dir, a.now, d)
		}
		h.next = h.fin
		a.end(c, dir, a.now)
	}
}

// fill gives what waits in both directions.
func (a *assembler) fill(c *connection, at instant) {
	for dir := range c.half {
		if h := &c.half[dir]; len(h.held) > 0 || h.ending && !h.ended {
			a.flush(c, Dir(dir))
		} else {
			a.unseen(c, Dir(dir), at)
		}
	}
}

// again counts a segment that brings nothing new.
func (a *assembler) again(c *connection, dir Dir, s *segment, n, d int) {
	h := &c.half[dir]
	switch {
	case n <= 1 && d == -1:
		a.tally.KeepAlives++
	case h.copied(s, n):
		a.tally.Copies++
	default:
		h.remember(s, n)
		h.timed = false // nobody can say which of the two is acknowledged
		if h.unheard == 0 {
			h.firstAt = s.at
		}
		a.resent(c, dir, s.at, n, 1)
		if h.unheard++; h.unheard == 3 {
			a.tell(c, HalfOpen, dir, s.at, s.at.since(h.firstAt))
		}
	}
}

func (a *assembler) resent(c *connection, dir Dir, at instant, bytes, segments int) {
	a.tally.Retransmitted += segments
	ev := c.event()
	ev.At, ev.Kind, ev.Dir, ev.Size, ev.Count = at.time(), Retransmitted, dir, bytes, segments
	a.emit(ev)
}

func (h *stretch) remember(s *segment, n int) {
	h.recent[h.turn&1] = trace{s.seq, int32(n), s.id, s.at}
	h.turn++
}

// copied says that the capture saw one packet twice, as on the loopback or on a port that mirrors both ways.
func (h *stretch) copied(s *segment, n int) bool {
	for _, t := range h.recent {
		since := s.at.since(t.at)
		if int(t.n) == n && t.seq == s.seq && (since < time.Millisecond || s.id != 0 && t.id == s.id && since < sweepEvery) {
			return true
		}
	}
	return false
}

// holds says that all bytes of a range wait already.
func (h *stretch) holds(seq uint32, n int) bool {
	for _, p := range h.held {
		if ahead(seq, p.seq) >= 0 && ahead(seq+uint32(n), p.seq+uint32(len(p.data)+p.missing)) <= 0 {
			return true
		}
	}
	return false
}
