package diagnostics

import (
	"cmp"
	"slices"
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
	RingSize  int               // newest entries, kept as they are; 0 is 4096
	Older     int               // entries before them, kept packed; 0 is none
	Statement *Statement        // the acquirer's settlement statement, matched to what is seen
	Tree      *Tree             // replaces the shipped tree
	// Record, when set, gets everything that passed, in order, with card data masked. It must not wait.
	Record func(link.Event)
	// Recording, when set, says whether Record wants anything now: masked copies of all that passes are a tenth of the work.
	Recording func() bool
}

// Session turns link events into a diagnosis. All methods are safe from any goroutine.
type Session struct {
	in        intake
	mu        sync.Mutex // of all that follows
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
	known     map[txKey]string // room of explanations
	sorted    []time.Duration  // room of percentiles
	ring      []*Entry
	spare     []*Entry // for the next ones
	older     Older
	nextN     int
	shown     int // entries from here on are in no snapshot yet
	totals    Totals
	lines     []*lineState
	recent    []time.Time
	ledger    ledger
	probed    map[string]string // what tests answered: node to yes, no or unknown
	statement *Statement
	events    []eventSeen
	foreigns  []int
	stalls    stalls
	unsaid    []stall             // of which a recording does not tell yet
	opens     []time.Time         // when connects began that stood at once, the latest ones
	cards     map[string][]uint64 // tokens by what may be seen of their numbers, of what is recorded
	taken     link.Event          // what is to be recorded of the bytes in hand
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
	serial bool            // of a serial source
	dec    *wire.Decoder   // of reading, as is seen
	seen   *wire.Detection // what it found so far
	det    *wire.Detection // the same, of what is booked
	noted  *wire.Detection // that of which note tells, for a recording
	note   string
	frames int             // of a line whose frames are acknowledged
	lats   []time.Duration // the latest answers' latencies
	median time.Duration   // of them, about: it is moved towards each
	anon   terminal        // who speaks before it has named itself
	pace   pace
	// What its frames are like: read, never understood, with bytes behind the last field.
	decoded, unread, trailing int
	outwaited                 int // answers that were still trickling in when the terminal gave up
	halfCloses                int // answers that came although the terminal had ended its sending with the request
}

type conn struct {
	id       uint64
	line     *lineState
	half     [2]half // of reading, as is told; all else is of booking
	told     bool    // a recording says who sent what
	term     *terminal
	from     string       // the terminal's address with its port
	end      [2]ending    // of the side that sends in a direction
	endN     int          // entry of the reset that ended it, 0 when there is none
	halfOpen time.Time    // when it was seen that bytes are not acknowledged
	broken   time.Time    // when a frame last came damaged
	fed      [2]time.Time // when bytes last came in a direction
	unseen   time.Time    // when it was last told that bytes are missing from what was captured
	blind    [2]bool      // since then no message of a direction was whole: pieces say nothing
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
		o.RingSize = 4096
	}
	decoder, err := wire.NewDecoder(o.Wire)
	if err != nil {
		return nil, err
	}
	t, codes, err := loadShipped()
	if err != nil {
		return nil, err
	}
	if o.Tree != nil {
		t = o.Tree.tree
	}
	if err := t.checkAnswers(o.Answers); err != nil {
		return nil, err
	}
	return &Session{o: o, tree: t, codes: codes, nextN: 1, version: 1, ledger: newLedger(o.foldsAfter()), statement: o.Statement,
		older: Older{shelf: &shelf{dialect: o.Wire.Dialect}},
		in:    intake{decoder: decoder, byAddr: map[string]*lineState{}, conns: map[uint64]*conn{}, held: map[uint64]*conn{}, serial: o.Info.Kind == "serial"}}, nil
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

// SetStatement gives the acquirer's statement, or another one, or with nil none.
func (s *Session) SetStatement(st *Statement) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.statement != nil && st == nil {
		for _, t := range s.ledger.txns {
			t.paid("")
		}
	}
	s.statement = st
	s.version++
}

// Probed takes what a test answered (yes, no, unknown) to a question of the tree. What is seen on the line outweighs it, and
// it outweighs what a person says.
func (s *Session) Probed(node, answer string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.tree.checkAnswer(node, answer); err != nil {
		return err
	}
	if s.probed == nil {
		s.probed = map[string]string{}
	}
	s.probed[node] = answer
	s.version++
	return nil
}

// Tick moves the line's clock on when nothing happens, so that silence is noticed.
func (s *Session) Tick(now time.Time) {
	s.in.mu.Lock()
	defer s.in.mu.Unlock()
	s.mu.Lock()
	defer s.mu.Unlock()
	if !now.After(s.now) || s.ended {
		return
	}
	s.clock(now)
	s.version++
	s.ticks++
	if s.in.ahead != nil {
		return
	}
	for _, r := range waited(s.in.conns, now) {
		s.book(&r)
	}
}

// End says that the source has ended, with an error when it failed.
func (s *Session) End(err error) {
	s.in.mu.Lock()
	defer s.in.mu.Unlock()
	if s.in.ahead != nil {
		s.in.ahead.finish()
		s.in.ahead = nil
	}
	rest := s.in.rest()
	s.mu.Lock()
	defer s.mu.Unlock()
	for i := range rest {
		r := &rest[i]
		for k := range r.items { // what was cut off in the middle ends now
			if r.items[k].at.IsZero() {
				r.items[k].at = s.now
			}
		}
		r.line.det = r.det
		s.take(r.conn, r.items)
		s.release(r.conn)
	}
	s.ended = true
	s.recordWatch(s.now)
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

// Handle takes in one event of the source, in order.
func (s *Session) Handle(ev link.Event) {
	s.in.mu.Lock()
	defer s.in.mu.Unlock()
	for _, r := range s.in.overdue(ev.At) {
		s.pass(&r)
	}
	r := reading{ev: ev}
	s.in.read(&r)
	s.pass(&r)
}

// pass books what was read, now or soon.
func (s *Session) pass(r *reading) {
	if s.in.ahead != nil {
		s.in.ahead.put(r)
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.book(r)
}

// book takes in what was read of one event.
func (s *Session) book(r *reading) {
	ev, c := &r.ev, r.conn
	if r.quiet {
		s.clock(ev.At)
		r.line.det = r.det
		s.take(c, r.items)
		return
	}
	if ev.Kind == link.Stood {
		s.clock(ev.At)
		s.stood(recalled(ev))
		return
	}
	s.version++
	s.clock(ev.At)
	s.stalls.saw(ev, s.scaled(leastPatience))
	if r.line != nil && r.line.ID == 0 {
		r.line.ID = len(s.lines) + 1
		s.lines = append(s.lines, r.line)
	}
	if c == nil {
		if ev.Conn == 0 && ev.Kind == link.Gap {
			s.totals.Dropped += ev.Count
			s.add(Entry{At: ev.At, Kind: ev.Kind, Dir: ev.Dir, Count: ev.Count, Note: ev.Note})
		}
		return
	}
	l := c.line
	l.det = r.det
	switch ev.Kind {
	case link.Opened:
		l.Connects++
		l.Open++
		c.counted = true
		s.connection(c, *ev, 0)
		s.record(*ev)
	case link.Data:
		l.Bytes += int64(r.size)
		s.take(c, r.items) // a silence before it may have ended what came earlier
		c.fed[ev.Dir&1] = ev.At
	case link.HalfClose:
		s.connection(c, *ev, 0)
		s.take(c, r.items)
		s.record(*ev)
	case link.Closed, link.Reset:
		c.reset = ev.Kind == link.Reset
		s.take(c, r.items)
		s.release(c)
		if ev.Kind == link.Reset {
			if ev.Dir == link.ToHost {
				l.ResetsTerminal++
			} else {
				l.ResetsHost++
			}
			s.event(c, *ev)
		} else {
			s.record(*ev)
		}
		s.finish(c)
	case link.Refused:
		l.Refused++
		s.event(c, *ev)
		s.finish(c)
	case link.Unreached:
		l.Unreach++
		s.event(c, *ev)
		s.finish(c)
	case link.Gap:
		c.unseen, c.blind[ev.Dir&1] = s.now, true
		c.who(&s.ledger).missed()
		fallthrough
	default:
		s.take(c, r.items) // what the event has ended
		s.event(c, *ev)
	}
}

func (s *Session) finish(c *conn) {
	if c.counted {
		c.line.Open--
	}
	c.closed = true
	s.over(c, s.now)
}

func (s *Session) add(entry Entry) *Entry {
	if len(s.spare) == 0 { // in blocks: they come and go in order
		block := make([]Entry, 32)
		for i := range block {
			s.spare = append(s.spare, &block[len(block)-1-i])
		}
	}
	last := len(s.spare) - 1
	e := s.spare[last]
	s.spare = s.spare[:last]
	*e = entry
	e.N = s.nextN
	s.nextN++
	s.ring = append(s.ring, e)
	if len(s.ring) >= s.o.RingSize+packRows {
		rows := s.ring[:packRows]
		s.put(rows)
		if rows[0].N >= s.shown { // no snapshot has them
			s.spare = append(s.spare, rows...)
		}
		clear(rows) // the array stays for some more
		s.ring = s.ring[packRows:]
	}
	return e
}

// put packs rows behind those that are packed, and lets go of the oldest.
func (s *Session) put(rows []*Entry) {
	if s.o.Older > 0 {
		packs := s.older.packs // which snapshots share
		spare := max(len(packs)+1-max(s.o.Older/packRows, 1), 0)
		s.older.packs = slices.Concat(packs[spare:], []*pack{s.older.shelf.pack(rows)})
	}
}

// change replaces an entry that snapshots hold; one that none has seen is changed in place.
func (s *Session) change(n int, f func(*Entry)) {
	if len(s.ring) == 0 || n < s.ring[0].N || n >= s.nextN {
		s.older.change(n, f)
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
	e := s.add(Entry{At: ev.At, Line: c.line.ID, Terminal: term, Dir: ev.Dir, Kind: ev.Kind, Note: ev.Note,
		Took: ev.Took, Lost: ev.Lost, Size: ev.Size, Count: ev.Count})
	if ev.Kind < link.Kinds {
		c.line.Events[ev.Kind]++
		last := *e // rows are made in blocks, which would stay
		c.line.Last[ev.Kind] = &last
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

// take books messages in order.
func (s *Session) take(c *conn, items []item) {
	defer s.recordTaken()
	for i := range items {
		if it := &items[i]; it.m.Control != "" {
			s.control(c, it)
		} else {
			s.message(c, it)
		}
	}
}

func (s *Session) message(c *conn, it *item) {
	l, m := c.line, it.m
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
	s.recent = append(s.recent, it.at)
	if len(s.recent) >= 2*keptTimes {
		s.recent = append(s.recent[:0], s.recent[keptTimes:]...)
	}
	// A number in a damaged frame is not to be believed when nobody else has it.
	if t := strings.TrimSpace(m.Get(41)); t != "" && t != c.term.id && (m.Check == "" || s.ledger.terminals[t] != nil) {
		c.term = s.ledger.terminalOf(t)
		c.term.on(l)
	}
	e := s.add(Entry{At: it.at, Line: l.ID, Terminal: cmp.Or(c.term.id, l.Address), Dir: it.dir, Kind: link.Data, Msg: m})
	s.recordMessage(c, it, it.dir)
	if message := s.frame(c, e); s.handshake(c, e, it.whole()) && message {
		s.enter(c, e, it.whole())
	}
}

// enter books a message in the ledger, which was there as a whole at a time.
func (s *Session) enter(c *conn, e *Entry, whole time.Time) {
	l := c.line
	if e.Msg.Undecoded() {
		return
	}
	if lat, ok := s.ledger.take(s, c, e, whole); ok {
		l.lats = append(l.lats, lat)
		switch step := l.median/16 + 1; {
		case l.median == 0:
			l.median = lat
		case lat > l.median:
			l.median += step
		default:
			l.median -= step
		}
		if len(l.lats) >= 2*keptLatencies {
			l.lats = append(l.lats[:0], l.lats[keptLatencies:]...)
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
		d := *l.det
		v.Framing, v.Header, v.Dialect, v.Confidence, v.RunnerUp = d.Framing, d.Header, d.Dialect, d.Confidence, d.RunnerUp
		v.Foreign = cmp.Or(d.Foreign, v.Foreign)
		v.Latency50, v.Latency90, v.Latency95, v.Worst = s.percentiles(l.lats)
		sn.Lines = append(sn.Lines, v)
	}
	sn.Entries, sn.Older = slices.Clone(s.ring), s.older.share()
	s.shown = s.nextN
	sn.FirstEntry = 1
	if len(s.ring) > 0 {
		sn.FirstEntry = s.ring[0].N
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

// percentiles are what half, 90 % and 95 % of latencies lie below, and the longest.
func (s *Session) percentiles(l []time.Duration) (p50, p90, p95, worst time.Duration) {
	if len(l) == 0 {
		return
	}
	s.sorted = append(s.sorted[:0], l...)
	l = s.sorted
	above := 0 // what is looked for from now on stands there or behind
	at := func(k int) time.Duration {
		d := inOrder(l[above:], k-above)
		above = k
		return d
	}
	n := len(l)
	return at(n / 2), at(n * 9 / 10), at(n * 95 / 100), at(n - 1)
}

// inOrder is what would stand at place k if l were sorted (Hoare's selection). It moves what l holds, smaller ones before that
// place.
func inOrder(l []time.Duration, k int) time.Duration {
	for from, to := 0, len(l)-1; from < to; {
		middle, i, j := l[(from+to)/2], from, to
		for i <= j {
			for l[i] < middle {
				i++
			}
			for l[j] > middle {
				j--
			}
			if i <= j {
				l[i], l[j] = l[j], l[i]
				i, j = i+1, j-1
			}
		}
		switch {
		case k <= j:
			to = j
		case k >= i:
			from = i
		default:
			return l[k]
		}
	}
	return l[k]
}

// sentAs is the message of an entry, nil when it is no longer kept.
func (s *Session) sentAs(n int) *wire.Message {
	if len(s.ring) == 0 || n >= s.nextN {
		return nil
	}
	if first := s.ring[0].N; n >= first {
		return s.ring[n-first].Msg
	}
	return s.older.message(n)
}
