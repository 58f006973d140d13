package diagnostics

import (
	"maps"
	"slices"
	"sort"
	"strings"
	"sync"
	"time"

	"tillscope/link"
	"tillscope/wire"
)

// A session works in two steps: reading turns the bytes of an event into messages, booking makes of them what snapshots
// show. Reading knows nothing of booking, so that the two can share the work of a large capture between two cores; what
// comes out does not depend on how far one is ahead of the other.

// intake is the state of reading. Only Handle and End use it.
type intake struct {
	mu      sync.Mutex
	decoder *wire.Decoder // of which each line gets one like it
	conns   map[uint64]*conn
	byAddr  map[string]*lineState
	ahead   *ahead           // nil when what is read is booked at once
	serial  bool             // the source is a serial line
	items   []item           // room for those of the event in hand
	held    map[uint64]*conn // of a recording: in the middle of a frame that something ended which has not come yet
}

// reading is an event with the messages that its bytes completed.
type reading struct {
	ev    link.Event
	line  *lineState
	conn  *conn // nil for an afterthought of a connection that is gone
	det   *wire.Detection
	items []item
	size  int  // bytes of data
	quiet bool // there is no event but its time: a silence ended what was begun
}

// item is a message with its direction and the time at which its first byte passed.
type item struct {
	m       *wire.Message
	dir     link.Dir
	at      time.Time
	rest    []mark // where, counted from its first byte, and when its other pieces began, if it came in several
	oneWire bool   // only one direction of its connection has been heard so far
}

// whole is when the last byte passed, or the first byte of the piece that it came in.
func (it *item) whole() time.Time {
	if n := len(it.rest); n > 0 {
		return it.rest[n-1].at
	}
	return it.at
}

// half is one direction of a connection as it is read. Its marks give a held-back message the time at which its first
// byte passed.
type half struct {
	s              *wire.Stream
	received, used int64
	marks          []mark
}

type mark struct {
	from int64
	at   time.Time
}

// passed says when the next n bytes passed, of which the first has no mark when it came before all marks: then it is now.
func (h *half) passed(n int, now time.Time) (at time.Time, rest []mark) {
	at = now
	end := h.used + int64(n)
	gone := 0
	for i, m := range h.marks {
		switch {
		case m.from <= h.used:
			at = m.at
		case m.from < end:
			rest = append(rest, mark{m.from - h.used, m.at})
		}
		if m.from <= end {
			gone = i // all before the piece of the byte that comes next
		}
	}
	if h.used = end; h.used >= h.received {
		h.marks, h.used = h.marks[:0], h.received
	} else {
		h.marks = slices.Delete(h.marks, 0, gone)
	}
	return at, rest
}

// hostOnly is an address without its port. Names of serial ports may have colons too.
func hostOnly(addr string) string {
	if i := strings.LastIndexByte(addr, ':'); i > 0 && digits(addr[i+1:]) {
		return strings.Trim(addr[:i], "[]")
	}
	return addr
}

// read takes the bytes of r's event in. What comes of it stands in r until the next one is read.
func (in *intake) read(r *reading) {
	ev := &r.ev
	if ev.Kind == link.Gap && ev.Conn == 0 { // of a capture that could not keep up: nobody knows whose bytes they were
		return
	}
	if ev.Kind == link.Stood {
		return
	}
	if r.conn = in.conns[ev.Conn]; r.conn != nil {
		r.line = r.conn.line
	} else if r.line, r.conn = in.open(ev); r.conn == nil {
		return
	}
	c, dir := r.conn, ev.Dir&1
	h := &c.half[dir]
	switch ev.Kind {
	case link.Data:
		r.interrupted(dir, ev.At)
		if c.told = c.told || ev.Line != "" || ev.Note != ""; ev.Line != "" {
			c.line.dec.Recall(ev.Line)
		}
		if ev.Note != "" {
			h.s.Recall(ev.Note)
		}
		h.marks = append(h.marks, mark{h.received, ev.At})
		h.received += int64(len(ev.Data))
		in.items = c.items(in.items[:0], dir, h.s.Write(ev.Data), ev.At)
		r.take(in.items)
		r.size, ev.Data = len(ev.Data), nil // read, and many of them wait
		if ev.Note != "" && h.s.Waits() {
			in.held[c.id] = c
		}
	case link.HalfClose:
		r.take(c.items(nil, dir, h.s.Close(), ev.At))
	case link.Gap:
		r.gap(dir)
	case link.Unplugged:
		r.breakOff(link.ToHost, ev.At)
		r.breakOff(link.ToTerminal, ev.At)
	case link.Closed, link.Reset:
		r.close(ev.At)
		in.forget(c)
	case link.Refused, link.Unreached:
		in.forget(c)
	}
	r.det = c.line.detected()
}

// open finds or makes the line of an event, and a connection unless there is none any more.
func (in *intake) open(ev *link.Event) (*lineState, *conn) {
	addr, host := hostOnly(ev.Terminal), ev.Host
	l := in.byAddr[addr+"|"+host]
	if l == nil {
		l = &lineState{Line: Line{Address: addr, Host: host}, dec: in.decoder.Like(), serial: in.serial, seen: &wire.Detection{}, det: &wire.Detection{}}
		in.byAddr[addr+"|"+host] = l
	}
	if ev.Kind == link.Closed || ev.Kind == link.HalfClose || ev.Kind >= link.Retransmitted && ev.Kind <= link.HalfOpen {
		return l, nil // the end, or an afterthought, of a connection that is gone already
	}
	c := &conn{id: ev.Conn, line: l, from: ev.Terminal, term: &l.anon}
	c.half[0].s, c.half[1].s = l.dec.Stream(true), l.dec.Stream(false)
	in.conns[ev.Conn] = c
	return l, c
}

// forget lets go of what is read of a connection. Requests without answer keep the rest of it.
func (in *intake) forget(c *conn) {
	c.half = [2]half{}
	delete(in.conns, c.id)
	delete(in.held, c.id)
}

// reads says that a line is read with a framing.
func (l *lineState) reads(framing string) bool { return l.dec.Detection().Framing == framing }

// detected is what the line was found to carry so far: the same pointer as long as nothing changes.
func (l *lineState) detected() *wire.Detection {
	if l.dec.Detection() != *l.seen {
		now := l.dec.Detection()
		l.seen = &now
	}
	return l.seen
}

// isResponse tells the direction of a decoded message by its type: wire may hand over both directions at once.
func isResponse(mti string) bool { return len(mti) == 4 && (mti[2]-'0')%2 == 1 }

// items adds what came of one direction's bytes. Both directions may come on one serial port: then the type of a message
// tells who sent it.
func (c *conn) items(items []item, dir link.Dir, msgs []*wire.Message, now time.Time) []item {
	oneWire := !c.told && (c.half[link.ToHost].received == 0 || c.half[link.ToTerminal].received == 0)
	for _, m := range msgs {
		d := dir
		if !m.Undecoded() {
			d = link.ToHost
			if isResponse(m.MTI) {
				d = link.ToTerminal
			}
		}
		at, rest := c.half[dir].passed(len(m.Raw()), now)
		items = append(items, item{m, d, at, rest, oneWire})
	}
	return items
}

// take puts messages behind what was read of the event so far, in the order of their times.
func (r *reading) take(items []item) {
	if len(items) > 1 {
		sort.SliceStable(items, func(i, j int) bool {
			if !items[i].at.Equal(items[j].at) {
				return items[i].at.Before(items[j].at)
			}
			return items[i].dir < items[j].dir
		})
	}
	if r.items == nil && len(items) == 1 && items[0].m.Control == "" {
		r.items = items // as nearly always
		return
	}
	for _, it := range items {
		// A refusal in the middle of a frame ends it.
		if it.m.Control == "NAK" && !it.oneWire && r.conn.line.reads("stx-etx") {
			other := 1 - it.dir&1
			if r.conn.begun(other) {
				r.breakOff(other, it.at)
			}
		}
		r.items = append(r.items, it)
	}
}

// begun says that a frame is begun in a direction, and may come to no end. What a recording says of a frame it says of all of it,
// however long its pieces took: there it is one that came to no end on the line.
func (c *conn) begun(dir link.Dir) bool {
	if c.told {
		return c.half[dir].s.Waits()
	}
	return c.half[dir].s.Pending() > 0
}

// interrupted ends a frame whose sender fell silent in the middle of it. On a serial line that nobody understands yet, what
// stands before the silence is noise for the same reason; over TCP a message may dawdle.
func (r *reading) interrupted(dir link.Dir, now time.Time) {
	h := &r.conn.half[dir]
	if n := len(h.marks); n > 0 && now.Sub(h.marks[n-1].at) > inFrame && r.conn.begun(dir) &&
		(r.conn.line.reads("stx-etx") || r.conn.line.serial && r.conn.line.reads("")) {
		r.breakOff(dir, h.marks[n-1].at)
	}
}

// breakOff gives what was begun in a direction as it stands.
func (r *reading) breakOff(dir link.Dir, at time.Time) {
	r.take(r.conn.items(nil, dir, r.conn.half[dir].s.Broken(), at))
}

// gap ends what was begun in a direction: bytes are missing there.
func (r *reading) gap(dir link.Dir) {
	h := &r.conn.half[dir]
	r.take(r.conn.items(nil, dir, h.s.Gap(), r.ev.At))
	h.used, h.marks = h.received, h.marks[:0]
}

// close takes what both directions still hold.
func (r *reading) close(at time.Time) {
	c := r.conn
	r.take(c.items(c.items(nil, link.ToHost, c.half[0].s.Close(), at), link.ToTerminal, c.half[1].s.Close(), at))
}

// waited are the frames of connections that came to no end until now, so that they are seen before anything else is sent.
func waited(conns map[uint64]*conn, now time.Time) []reading {
	return each(conns, func(r *reading) {
		r.ev.At = now
		r.interrupted(link.ToHost, now)
		r.interrupted(link.ToTerminal, now)
	})
}

// overdue are those of a recording that had waited when the next event came.
func (in *intake) overdue(now time.Time) (out []reading) {
	if len(in.held) > 0 {
		out = waited(in.held, now)
		maps.DeleteFunc(in.held, func(_ uint64, c *conn) bool { return !c.half[0].s.Waits() && !c.half[1].s.Waits() })
	}
	return out
}

// rest is what the connections that still stand hold at the end.
func (in *intake) rest() []reading {
	return each(in.conns, func(r *reading) { r.close(time.Time{}) })
}

// each reads on connections, in the order in which they were opened, and answers what came of it.
func each(conns map[uint64]*conn, read func(*reading)) (out []reading) {
	for _, id := range slices.Sorted(maps.Keys(conns)) {
		r := reading{conn: conns[id], line: conns[id].line, quiet: true}
		read(&r)
		r.det = r.line.detected()
		out = append(out, r)
	}
	return out
}

// mostAhead is how many events reading may be ahead of booking.
const mostAhead = 1024

// ahead carries readings to a goroutine that books them.
type ahead struct {
	mu       sync.Mutex
	more     sync.Cond // something waits, or nothing will come any more
	less     sync.Cond // there is room
	waiting  []reading
	spare    []reading
	finished bool
	done     chan struct{}
}

// ReadAhead lets the session book what it reads on a goroutine of its own, until End: for sources of which more is there
// than can be watched, as files are. A snapshot may then lack what Handle has just taken in; after End it lacks nothing.
func (s *Session) ReadAhead() {
	s.in.mu.Lock()
	defer s.in.mu.Unlock()
	if s.in.ahead != nil {
		return
	}
	a := &ahead{done: make(chan struct{})}
	a.more.L, a.less.L = &a.mu, &a.mu
	s.in.ahead = a
	go func() {
		defer close(a.done)
		for {
			a.mu.Lock()
			for len(a.waiting) == 0 && !a.finished {
				a.more.Wait()
			}
			batch := a.waiting
			a.waiting = a.spare[:0]
			a.less.Signal()
			a.mu.Unlock()
			if len(batch) == 0 {
				return
			}
			s.mu.Lock()
			for i := range batch {
				s.book(&batch[i])
				clear(batch[i].items)
			}
			s.mu.Unlock()
			a.spare = batch
		}
	}()
}

// put hands over a copy of r and of its items.
func (a *ahead) put(r *reading) {
	a.mu.Lock()
	for len(a.waiting) >= mostAhead {
		a.less.Wait()
	}
	n := len(a.waiting)
	a.waiting = slices.Grow(a.waiting, 1)[:n+1]
	next := &a.waiting[n]
	items := append(next.items[:0], r.items...) // where those of an earlier one stood
	*next = *r
	next.items = items
	if n == 0 {
		a.more.Signal()
	}
	a.mu.Unlock()
}

// finish waits until all is booked.
func (a *ahead) finish() {
	a.mu.Lock()
	a.finished = true
	a.more.Signal()
	a.mu.Unlock()
	<-a.done
}
