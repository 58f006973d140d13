package diagnostics

import (
	"cmp"
	"slices"
	"sort"
	"strings"
	"sync"
	"time"

	"tillscope/assets"
	"tillscope/link"
	"tillscope/wire"
)

// Options say what a session watches and how it speaks.
type Options struct {
	Lang      *assets.Lang
	Info      link.Info
	Wire      wire.Options
	TimeScale float64           // how many times faster than life this line runs; 0 is 1
	Answers   map[string]string // tree questions that a person answered: node to yes, no or unknown
	RingSize  int               // entries kept; 0 is 20000
	Statement *Statement        // the acquirer's settlement statement, matched to what is seen
	Tree      *Tree             // replaces the shipped tree
	// Record, when set, gets everything that passed, in order, with card data masked. It must not wait.
	Record func(link.Event)
}

// Session turns link events into a diagnosis. All methods are safe from any goroutine.
type Session struct {
	mu        sync.Mutex
	o         Options
	tree      *tree
	codes     map[string]Code
	started   time.Time
	now       time.Time
	ended     bool
	err       string
	version   uint64
	ticks     uint64 // changes of version that only time made
	cached    *Snapshot
	ring      []*Entry
	nextN     int
	shown     int // entries from here on are in no snapshot yet
	totals    Totals
	lines     []*lineState
	byAddr    map[string]*lineState
	conns     map[uint64]*conn
	recent    []time.Time
	ledger    ledger
	probed    map[string]string // what tests answered: node to yes, no or unknown
	statement *Statement
	events    []eventSeen
	foreigns  []int
}

// eventSeen is a connection's fault, kept beyond the ring for the evidence.
type eventSeen struct {
	kind     link.Kind
	dir      link.Dir
	n, line  int
	terminal string
	took     time.Duration
	size     int
}

type lineState struct {
	Line
	dec    *wire.Decoder
	frames int             // of a line whose frames are acknowledged
	lats   []time.Duration // the latest answers' latencies
	anon   terminal        // who speaks before it has named itself
	pace   pace
	// What its frames are like: read, never understood, with bytes behind the last field, tried in another form and fitting it.
	decoded, unread, trailing, tried, fitted int
	halfCloses                               int // answers that came although the terminal had ended its sending with the request
}

type mark struct {
	from int64
	at   time.Time
}

// half is one direction of a connection. Its marks give a held-back message the time at which its first byte passed.
type half struct {
	s              *wire.Stream
	received, used int64
	marks          []mark
}

func (h *half) began(n int, now time.Time) time.Time {
	at := now
	for i, m := range h.marks {
		if m.from > h.used {
			break
		}
		at = m.at
		if i > 0 && i == len(h.marks)-1 {
			break
		}
	}
	h.used += int64(n)
	if h.used >= h.received {
		h.marks, h.used = h.marks[:0], h.received
	}
	return at
}

type conn struct {
	id       uint64
	line     *lineState
	half     [2]half
	term     *terminal
	from     string    // the terminal's address with its port
	end      [2]ending // of the side that sends in a direction
	endN     int       // entry of the reset that ended it, 0 when there is none
	halfOpen time.Time // when it was seen that bytes are not acknowledged
	broken   time.Time // when a frame last came damaged
	closedAt time.Time
	foreign  [2]int // frames of another protocol
	decoded  bool   // a message was understood
	misfit   bool   // a frame in another form was noted
	enquired int    // entry of an ENQ without an answer, 0 when there is none
	reset    bool
	closed   bool
	counted  bool
	sent     [2]sent // of frames that are acknowledged
	lastDir  link.Dir
}

// NewSession loads the tree and the response codes; a mistake in them is an error with file and line.
func NewSession(o Options) (*Session, error) {
	if o.Lang == nil {
		l, err := assets.Language(assets.Languages[0])
		if err != nil {
			return nil, err
		}
		o.Lang = l
	}
	if o.TimeScale <= 0 {
		o.TimeScale = 1
	}
	if o.RingSize <= 0 {
		o.RingSize = 20000
	}
	if _, err := wire.NewDecoder(o.Wire); err != nil {
		return nil, err
	}
	t, codes, err := loadShipped()
	if err != nil {
		return nil, err
	}
	if o.Tree != nil {
		t = o.Tree.tree
	}
	for node, a := range o.Answers {
		if err := t.checkAnswer(node, a); err != nil {
			return nil, err
		}
	}
	return &Session{o: o, tree: t, codes: codes, nextN: 1, version: 1, byAddr: map[string]*lineState{}, conns: map[uint64]*conn{},
		ledger: newLedger(), statement: o.Statement}, nil
}

// SetLang changes the language of the snapshots to come.
func (s *Session) SetLang(l *assets.Lang) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if l != nil {
		s.o.Lang = l
		s.version++
	}
}

// Answer takes a person's answer (yes, no, unknown) to a question of the tree. What is seen on the line outweighs it.
func (s *Session) Answer(node, answer string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.tree.checkAnswer(node, answer); err != nil {
		return err
	}
	if s.o.Answers == nil {
		s.o.Answers = map[string]string{}
	}
	s.o.Answers[node] = answer
	s.version++
	return nil
}

// Tick moves the line's clock on when nothing happens, so that silence is noticed.
func (s *Session) Tick(now time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if now.After(s.now) && !s.ended {
		s.clock(now)
		s.version++
		s.ticks++
		s.waited()
	}
}

// End says that the source has ended, with an error when it failed.
func (s *Session) End(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	ids := make([]uint64, 0, len(s.conns))
	for id := range s.conns {
		ids = append(ids, id)
	}
	slices.Sort(ids)
	for _, id := range ids {
		c := s.conns[id]
		s.close(c, s.now)
	}
	s.ended = true
	if err != nil {
		s.err = err.Error()
	}
	s.version++
}

func (s *Session) clock(at time.Time) {
	if s.started.IsZero() {
		s.started = at
	}
	if at.After(s.now) {
		s.now = at
	}
}

// hostOnly is an address without its port. Names of serial ports may have colons too.
func hostOnly(addr string) string {
	if i := strings.LastIndexByte(addr, ':'); i > 0 && digits(addr[i+1:]) {
		return strings.Trim(addr[:i], "[]")
	}
	return addr
}

// Handle takes in one event of the source, in order.
func (s *Session) Handle(ev link.Event) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.version++
	s.clock(ev.At)
	if ev.Kind == link.Gap && ev.Conn == 0 { // of a capture that could not keep up: nobody knows whose bytes they were
		s.totals.Dropped += ev.Count
		s.add(&Entry{At: ev.At, Kind: ev.Kind, Dir: ev.Dir, Count: ev.Count, Note: ev.Note})
		return
	}
	c := s.conn(ev)
	if c == nil {
		return
	}
	l := c.line
	h := &c.half[ev.Dir&1]
	switch ev.Kind {
	case link.Opened:
		l.Connects++
		l.Open++
		c.counted = true
		s.connection(c, ev, 0)
		s.record(ev)
	case link.Data:
		s.interrupted(c, ev.Dir, ev.At)
		h.marks = append(h.marks, mark{h.received, ev.At})
		h.received += int64(len(ev.Data))
		l.Bytes += int64(len(ev.Data))
		s.take(c, ev.Dir, h.s.Write(ev.Data), ev.At)
	case link.Gap:
		s.gap(c, ev.Dir, ev.At)
		s.event(c, ev)
	case link.HalfClose:
		s.connection(c, ev, 0)
		s.take(c, ev.Dir, h.s.Close(), ev.At)
		s.record(ev)
	case link.Closed, link.Reset:
		c.reset = ev.Kind == link.Reset
		s.close(c, ev.At)
		if ev.Kind == link.Reset {
			if ev.Dir == link.ToHost {
				l.ResetsTerminal++
			} else {
				l.ResetsHost++
			}
			s.event(c, ev)
		} else {
			s.record(ev)
		}
		s.finish(c)
	case link.Refused:
		l.Refused++
		s.event(c, ev)
		s.finish(c)
	case link.Unreached:
		l.Unreach++
		s.event(c, ev)
		s.finish(c)
	case link.Unplugged:
		s.breakOff(c, link.ToHost, ev.At)
		s.breakOff(c, link.ToTerminal, ev.At)
		s.event(c, ev)
	default: // nothing that the bytes or the connection's state depend on
		s.event(c, ev)
	}
}

// gap ends what was begun in a direction: bytes are missing there.
func (s *Session) gap(c *conn, dir link.Dir, at time.Time) {
	h := &c.half[dir&1]
	s.take(c, dir, h.s.Gap(), at)
	h.used, h.marks = h.received, h.marks[:0]
}

func (s *Session) finish(c *conn) {
	if c.counted {
		c.line.Open--
	}
	c.closed = true
	s.over(c, s.now)
	c.half = [2]half{} // requests without answer keep the connection, and need no more of it
	delete(s.conns, c.id)
}

func (s *Session) conn(ev link.Event) *conn {
	if c := s.conns[ev.Conn]; c != nil {
		return c
	}
	addr, host := hostOnly(ev.Terminal), ev.Host
	key := addr + "|" + host
	l := s.byAddr[key]
	if l == nil {
		dec, err := wire.NewDecoder(s.o.Wire)
		if err != nil {
			return nil // checked in NewSession
		}
		l = &lineState{Line: Line{ID: len(s.lines) + 1, Address: addr, Host: host}, dec: dec}
		s.lines = append(s.lines, l)
		s.byAddr[key] = l
	}
	if ev.Kind == link.Closed || ev.Kind == link.HalfClose || ev.Kind >= link.Retransmitted && ev.Kind <= link.HalfOpen {
		return nil // the end, or an afterthought, of a connection that is gone already
	}
	c := &conn{id: ev.Conn, line: l, from: ev.Terminal, term: &l.anon}
	c.half[0].s, c.half[1].s = l.dec.Stream(true), l.dec.Stream(false)
	s.conns[ev.Conn] = c
	return c
}

func (s *Session) add(e *Entry) *Entry {
	e.N = s.nextN
	s.nextN++
	s.ring = append(s.ring, e)
	if len(s.ring) >= s.o.RingSize+max(s.o.RingSize/8, 1) { // amortised: dropping one by one would move the ring each time
		n := copy(s.ring, s.ring[len(s.ring)-s.o.RingSize:])
		clear(s.ring[n:])
		s.ring = s.ring[:n]
	}
	return e
}

// change replaces an entry that snapshots hold; one that none has seen is changed in place.
func (s *Session) change(n int, f func(*Entry)) {
	if len(s.ring) == 0 || n < s.ring[0].N || n >= s.nextN {
		return
	}
	i := n - s.ring[0].N
	if n >= s.shown {
		f(s.ring[i])
		return
	}
	e := *s.ring[i]
	f(&e)
	s.ring[i] = &e
}

func (s *Session) event(c *conn, ev link.Event) {
	s.record(ev)
	term := cmp.Or(c.term.id, c.line.Address)
	e := s.add(&Entry{At: ev.At, Line: c.line.ID, Terminal: term, Dir: ev.Dir, Kind: ev.Kind, Note: ev.Note,
		Took: ev.Took, Lost: ev.Lost, Size: ev.Size, Count: ev.Count})
	if ev.Kind < link.Kinds {
		c.line.Events[ev.Kind]++
	}
	s.connection(c, ev, e.N)
	if ev.Kind == link.Gap {
		s.totals.Dropped++
		return
	}
	if len(s.events) >= 2*keptSigns {
		s.events = append(s.events[:0], s.events[keptSigns:]...)
	}
	s.events = append(s.events, eventSeen{ev.Kind, ev.Dir, e.N, c.line.ID, c.term.id, ev.Took, ev.Size})
}

// isResponse tells the direction of a decoded message by its type: wire may hand over both directions at once.
func isResponse(mti string) bool { return len(mti) == 4 && (mti[2]-'0')%2 == 1 }

// item is a message with its direction and the time at which its first byte passed.
type item struct {
	m   *wire.Message
	dir link.Dir
	at  time.Time
}

// items are what came of one direction's bytes. Both directions may come on one serial port: then the type of a message
// tells who sent it.
func (c *conn) items(dir link.Dir, msgs []*wire.Message, now time.Time) []item {
	items := make([]item, 0, len(msgs))
	for _, m := range msgs {
		d := dir
		if !m.Undecoded() {
			d = link.ToHost
			if isResponse(m.MTI) {
				d = link.ToTerminal
			}
		}
		items = append(items, item{m, d, c.half[dir&1].began(len(m.Raw()), now)})
	}
	return items
}

func (s *Session) take(c *conn, dir link.Dir, msgs []*wire.Message, now time.Time) {
	if len(msgs) > 0 {
		s.book(c, c.items(dir, msgs, now))
	}
}

// close takes what both directions still hold.
func (s *Session) close(c *conn, now time.Time) {
	s.book(c, append(c.items(link.ToHost, c.half[0].s.Close(), now), c.items(link.ToTerminal, c.half[1].s.Close(), now)...))
	s.release(c)
}

func (s *Session) book(c *conn, items []item) {
	sort.SliceStable(items, func(i, j int) bool {
		if !items[i].at.Equal(items[j].at) {
			return items[i].at.Before(items[j].at)
		}
		return items[i].dir < items[j].dir
	})
	for _, it := range items {
		if it.m.Control != "" {
			s.control(c, it)
		} else {
			s.message(c, it.m, it.dir, it.at)
		}
	}
}

func (s *Session) message(c *conn, m *wire.Message, dir link.Dir, at time.Time) {
	l := c.line
	l.Messages++
	s.totals.Messages++
	if m.Undecoded() {
		l.Undecoded++
		s.totals.Undecoded++
	}
	if m.Foreign != "" {
		l.Foreign = m.Foreign
		if len(s.foreigns) < keptSigns {
			s.foreigns = append(s.foreigns, s.nextN)
		}
	}
	s.recent = append(s.recent, at)
	if len(s.recent) > 8192 {
		s.recent = append([]time.Time(nil), s.recent[4096:]...)
	}
	if t := strings.TrimSpace(m.Get(41)); t != "" && t != c.term.id {
		c.term = s.ledger.terminalOf(t)
		c.term.on(l)
	}
	e := s.add(&Entry{At: at, Line: l.ID, Terminal: cmp.Or(c.term.id, l.Address), Dir: dir, Kind: link.Data, Msg: m})
	s.recordMessage(c, m, e)
	if message := s.frame(c, e); s.handshake(c, e) && message {
		s.enter(c, e)
	}
}

// enter books a message in the ledger.
func (s *Session) enter(c *conn, e *Entry) {
	l := c.line
	if e.Msg.Undecoded() {
		return
	}
	if lat, ok := s.ledger.take(s, c, e); ok {
		l.lats = append(l.lats, lat)
		if len(l.lats) > 2000 {
			l.lats = append([]time.Duration(nil), l.lats[1000:]...)
		}
	}
}

// Snapshot is what the session knows now. It is built at most once a version.
func (s *Session) Snapshot() *Snapshot {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.cached != nil && s.cached.Version == s.version {
		return s.cached
	}
	sn := &Snapshot{Version: s.version, Started: s.started, Now: s.now, Ended: s.ended, Err: s.err, Source: s.o.Info, Totals: s.totals}
	for _, l := range s.lines {
		v := l.Line
		v.Terminals = slices.Clone(l.Terminals)
		d := l.dec.Detection()
		v.Framing, v.Header, v.Dialect, v.Confidence, v.RunnerUp = d.Framing, d.Header, d.Dialect, d.Confidence, d.RunnerUp
		v.Foreign = cmp.Or(d.Foreign, v.Foreign)
		v.Latency50, v.Latency90, v.Latency95, v.Worst = percentiles(l.lats)
		sn.Lines = append(sn.Lines, v)
	}
	ring := s.ring
	if len(ring) > s.o.RingSize {
		ring = ring[len(ring)-s.o.RingSize:]
	}
	sn.Entries = slices.Clone(ring)
	s.shown = s.nextN
	sn.FirstEntry = 1
	if len(ring) > 0 {
		sn.FirstEntry = ring[0].N
	}
	n := 0
	for i := len(s.recent) - 1; i >= 0 && s.now.Sub(s.recent[i]) <= 10*time.Second; i-- {
		n++
	}
	sn.Rate = float64(n) / 10
	s.judge(sn)
	s.cached = sn
	return sn
}

func percentiles(l []time.Duration) (p50, p90, p95, worst time.Duration) {
	if len(l) == 0 {
		return
	}
	l = slices.Clone(l)
	slices.Sort(l)
	return l[len(l)/2], l[len(l)*9/10], l[len(l)*95/100], l[len(l)-1]
}

// sentAs is the message of an entry, nil when it is no longer kept.
func (s *Session) sentAs(n int) *wire.Message {
	if len(s.ring) == 0 || n < s.ring[0].N || n >= s.nextN {
		return nil
	}
	return s.ring[n-s.ring[0].N].Msg
}
