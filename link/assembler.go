package link

import (
	"bytes"
	"slices"
	"time"
)

// Times on the capture's own clock.
const (
	sweepEvery   = 100 * time.Millisecond
	patience     = 3 * time.Second       // how long a missing segment may still come before it counts as lost
	acknowledged = 10 * time.Millisecond // the same when its receiver has acknowledged it: only the capture lacks it
	lingering    = 30 * time.Second      // how long an ended connection is remembered, so that stragglers open none
	straggling   = 2 * time.Second       // how long after a reset data may still be on its way
	resending    = 3 * time.Millisecond  // a hole that is filled later than this was filled by a retransmission
	unanswered   = 30 * time.Second      // how long the host may take to answer a connect
	stalling     = time.Second           // how long a window is closed before that is worth an event
)

const (
	heldPerHalf = 256 << 10 // bytes held of one direction behind a hole
	heldInAll   = 16 << 20
	maxConns    = 1 << 15 // connections that stand at once
	maxGraves   = 1 << 14
	beyond      = 16 << 20 // a sequence number so far off belongs to another connection
)

// assembler turns TCP segments into events: bytes in the order in which the receiver got them, and what happened to the
// connections. Its time is the capture's; its memory is bounded whatever comes.
type assembler struct {
	tally   *Tally
	emit    func(Event)                    // takes an event without data
	data    func(ev Event, payload []byte) // takes data, which it copies
	ports   []uint16                       // of hosts, when they are known
	hosts   map[endpoint]bool              // seen to accept connections
	conns   map[pair]*connection
	oldest  *connection // by their latest packet
	newest  *connection
	waiting []*connection   // that time decides something about
	graves  map[pair]*grave // of connections that have ended
	buried  []*grave        // the same, in the order of their ends
	ids     uint64
	held    int // bytes behind holes
	now     instant
	swept   instant
}

// instant is a time in nanoseconds since 1970: there are many of them for every connection.
type instant int64

func (t instant) time() time.Time               { return time.Unix(0, int64(t)).UTC() }
func (t instant) since(u instant) time.Duration { return time.Duration(t - u) }

// pair is the two ends of a connection, the smaller one first.
type pair struct{ a, b endpoint }

// connection is one TCP connection, or one attempt at it.
type connection struct {
	key            pair
	id             uint64
	terminal, host string
	fromA          bool // the terminal is key.a
	half           [2]stretch
	syn            instant // when the terminal asked for the connection
	isn            uint32
	opened, over   bool
	waits          bool
	last           instant
	prev, next     *connection
}

// grave is what is remembered of a connection that has ended, so that stragglers open no new one.
type grave struct {
	key   pair
	fromA bool
	isn   uint32
	next  [2]uint32
	last  instant
}

func newAssembler(tally *Tally, ports []uint16, emit func(Event), data func(Event, []byte)) *assembler {
	return &assembler{tally: tally, emit: emit, data: data, ports: ports, hosts: map[endpoint]bool{}, conns: map[pair]*connection{}, graves: map[pair]*grave{}}
}

func compare(a, b endpoint) int {
	if c := bytes.Compare(a.addr[:], b.addr[:]); c != 0 {
		return c
	}
	return int(a.port) - int(b.port)
}

// ahead is how far a lies behind b in the sequence space, negative when before.
func ahead(a, b uint32) int { return int(int32(a - b)) }

// segment takes the next segment of the capture.
func (a *assembler) segment(s *segment) {
	a.tick(s.at)
	key, fromA := pair{s.from, s.to}, true
	if compare(s.from, s.to) > 0 {
		key, fromA = pair{s.to, s.from}, false
	}
	c := a.conns[key]
	if s.icmp != "" {
		if c != nil && !c.opened && c.syn != 0 {
			a.unreached(c, s.at, s.icmp)
		}
		return
	}
	if c == nil && a.straggles(key, s, fromA) {
		if len(s.payload) > 0 {
			a.tally.Late++
		}
		return
	}
	if c != nil && s.flags&(flagSYN|flagACK) == flagSYN && (fromA != c.fromA || c.syn != 0 && s.seq != c.isn || c.syn == 0 && c.opened) {
		// The next connection between the same ends; how this one ended is not in the capture.
		a.finish(c, s.at)
		if !c.over {
			a.tell(c, Closed, ToHost, s.at, 0)
			a.bury(c)
		}
		c = nil
	}
	if c == nil {
		c = a.begin(key, fromA, s)
	}
	a.touch(c)
	dir := ToTerminal
	if fromA == c.fromA {
		dir = ToHost
	}
	a.take(c, dir, s)
}

// straggles says that a segment still belongs to a connection that has ended.
func (a *assembler) straggles(key pair, s *segment, fromA bool) bool {
	g := a.graves[key]
	if g == nil {
		return false
	}
	since := s.at.since(g.last)
	if s.flags&(flagSYN|flagACK) == flagSYN {
		return since < resending && s.seq == g.isn // captured twice
	}
	dir := ToTerminal
	if fromA == g.fromA {
		dir = ToHost
	}
	// Bytes that go on long after a reset: it was not believed, or the next connection's beginning is missing.
	return len(s.payload) == 0 || since < straggling || ahead(s.seq, g.next[dir]) < 0
}

func (a *assembler) begin(key pair, fromA bool, s *segment) *connection {
	a.ids++
	c := &connection{key: key, fromA: fromA == a.fromTerminal(s)}
	terminal, host := key.a, key.b
	if !c.fromA {
		terminal, host = key.b, key.a
	}
	c.id, c.terminal, c.host = a.ids, terminal.String(), host.String()
	a.conns[key] = c
	if len(a.conns) > maxConns {
		old := a.oldest
		a.finish(old, s.at)
		if !old.over {
			a.tell(old, Closed, ToHost, s.at, 0)
			a.bury(old)
		}
	}
	return c
}

// fromTerminal says which side sent the first segment that is seen of a connection. Who asks for it is the terminal; where
// a capture begins in the middle, a known host is the host, and else the side with the lower port.
func (a *assembler) fromTerminal(s *segment) bool {
	if s.flags&flagSYN != 0 {
		return s.flags&flagACK == 0
	}
	from, to := slices.Contains(a.ports, s.from.port) || a.hosts[s.from], slices.Contains(a.ports, s.to.port) || a.hosts[s.to]
	if from != to {
		return to
	}
	return s.from.port >= s.to.port
}

// touch puts a connection behind all others in the order of their latest packets.
func (a *assembler) touch(c *connection) {
	c.last = a.now
	if a.newest == c {
		return
	}
	a.unlink(c)
	c.prev = a.newest
	if a.newest != nil {
		a.newest.next = c
	} else {
		a.oldest = c
	}
	a.newest = c
}

func (a *assembler) unlink(c *connection) {
	if c.prev != nil {
		c.prev.next = c.next
	} else if a.oldest == c {
		a.oldest = c.next
	}
	if c.next != nil {
		c.next.prev = c.prev
	} else if a.newest == c {
		a.newest = c.prev
	}
	c.prev, c.next = nil, nil
}

// bury ends a connection.
func (a *assembler) bury(c *connection) {
	c.over = true
	a.unlink(c)
	delete(a.conns, c.key)
	g := &grave{key: c.key, fromA: c.fromA, isn: c.isn, last: a.now}
	for i := range c.half {
		a.held -= c.half[i].bytes
		g.next[i] = c.half[i].next
	}
	a.graves[g.key] = g
	a.buried = append(a.buried, g)
	for len(a.buried) > maxGraves || a.now.since(a.buried[0].last) > lingering {
		if old := a.buried[0]; a.graves[old.key] == old {
			delete(a.graves, old.key)
		}
		a.buried = a.buried[1:]
	}
}

func (c *connection) event() Event { return Event{Conn: c.id, Terminal: c.terminal, Host: c.host} }

func (a *assembler) tell(c *connection, k Kind, dir Dir, at instant, took time.Duration) {
	ev := c.event()
	ev.At, ev.Kind, ev.Dir, ev.Took = at.time(), k, dir, took
	a.emit(ev)
}

// wait asks for the sweep to look at a connection.
func (a *assembler) wait(c *connection) {
	if !c.waits {
		c.waits = true
		a.waiting = append(a.waiting, c)
	}
}

// take reads a segment of a standing connection.
func (a *assembler) take(c *connection, dir Dir, s *segment) {
	h, back := &c.half[dir], &c.half[1-dir]
	syn, ack := s.flags&flagSYN != 0, s.flags&flagACK != 0
	back.unheard = 0
	switch {
	case s.flags&flagRST != 0:
		a.reset(c, dir, s)
		return
	case syn && !ack:
		if c.syn == 0 {
			c.syn, c.isn = s.at, s.seq
			h.known, h.next = true, s.seq+1
			a.wait(c)
		}
		return
	case syn:
		if !c.opened {
			h.known, h.next = true, s.seq+1
			if !back.known {
				back.known, back.next = true, s.ack
			}
			a.open(c, s.at)
		}
		return
	case ack && !c.opened && c.syn != 0:
		a.open(c, s.at) // its answer is not in the capture
	}
	if !h.known {
		if h.heard && ahead(s.seq, h.acked) >= 0 {
			a.unseen(c, dir, s.at)
		}
		h.known, h.next, h.ackAt = true, s.seq, 0
	}
	if ack {
		a.acknowledge(c, 1-dir, s)
	}
	if len(s.payload)+s.missing > 0 {
		a.payload(c, dir, s)
	}
	if s.flags&flagFIN != 0 && !h.ending {
		h.ending, h.fin = true, s.seq+uint32(len(s.payload)+s.missing)
		a.end(c, dir, s.at)
		if !h.ended {
			a.wait(c)
		}
	}
}

// open tells of the connection once, before anything else of it.
func (a *assembler) open(c *connection, at instant) {
	if c.opened {
		return
	}
	c.opened = true
	took := time.Duration(0)
	if c.syn != 0 {
		took = at.since(c.syn)
		a.tally.Handshakes++
		a.tally.HandshakeTime += took
		if host := c.key.b; len(a.hosts) < maxConns {
			if !c.fromA {
				host = c.key.a
			}
			a.hosts[host] = true
		}
	}
	a.tell(c, Opened, ToHost, at, took)
}

func (a *assembler) reset(c *connection, dir Dir, s *segment) {
	a.fill(c, s.at)
	if !c.opened && c.syn != 0 && dir == ToTerminal {
		a.tell(c, Refused, dir, s.at, s.at.since(c.syn))
	} else {
		a.tell(c, Reset, dir, s.at, 0)
	}
	a.bury(c)
}

func (a *assembler) unreached(c *connection, at instant, note string) {
	ev := c.event()
	ev.At, ev.Kind, ev.Dir, ev.Took, ev.Note = at.time(), Unreached, ToHost, at.since(c.syn), note
	a.emit(ev)
	c.over = true
	a.unlink(c) // and not buried: an answer may still come
	delete(a.conns, c.key)
}

// tick moves the clock on when nothing comes.
func (a *assembler) tick(now instant) {
	if a.now = max(a.now, now); a.now.since(a.swept) >= sweepEvery {
		a.sweep()
	}
}

// sweep does what only time decides.
func (a *assembler) sweep() {
	a.swept = a.now
	kept := a.waiting[:0]
	for _, c := range a.waiting {
		if c.waits = !c.over && a.waitsOn(c); c.waits {
			kept = append(kept, c)
		}
	}
	clear(a.waiting[len(kept):])
	a.waiting = kept
}

// waitsOn looks at one connection and says whether it still waits for something.
func (a *assembler) waitsOn(c *connection) bool {
	if !c.opened {
		if c.syn == 0 {
			return false
		}
		if a.now.since(c.syn) >= unanswered {
			a.unreached(c, a.now, "")
			return false
		}
		return true
	}
	waits := false
	for i := range c.half {
		dir, h := Dir(i), &c.half[i]
		if len(h.held) > 0 || h.ending && !h.ended {
			since := h.since
			if len(h.held) == 0 {
				since = c.last
			}
			seen := h.ackAt != 0 && len(h.held) > 0 && ahead(h.acked, h.held[0].seq) >= 0 && a.now.since(h.ackAt) > acknowledged
			if seen || a.now.since(since) > patience {
				a.flush(c, dir)
			} else {
				waits = true
			}
		} else if h.ackAt != 0 && ahead(h.acked, h.next) > 0 {
			// Captures that were put together of two may have the acknowledgement much too early.
			if a.now.since(h.ackAt) > patience {
				a.unseen(c, dir, a.now)
			} else {
				waits = true
			}
		}
		if h.closed != 0 && !h.told {
			if took := a.now.since(h.closed); took >= stalling {
				h.told = true
				a.tell(c, Stalled, dir, a.now, took)
			} else {
				waits = true
			}
		}
	}
	return waits
}

// finish gives what a connection still holds when no more of it will be seen.
func (a *assembler) finish(c *connection, at instant) {
	if c.over {
		return
	}
	if !c.opened && c.syn != 0 {
		a.unreached(c, at, "the capture ends")
		return
	}
	a.fill(c, at)
}

// close gives what still waits at the end of the capture. Connects younger than young are not yet unanswered.
func (a *assembler) close(young time.Duration) {
	var all []*connection
	for c := a.oldest; c != nil; c = c.next {
		all = append(all, c)
	}
	slices.SortFunc(all, func(x, y *connection) int { return int(x.id) - int(y.id) })
	for _, c := range all {
		if c.opened || c.syn != 0 && a.now.since(c.syn) >= young {
			a.finish(c, a.now)
		}
	}
}
