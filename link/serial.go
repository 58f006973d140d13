package link

import (
	"context"
	"sync"
	"sync/atomic"
	"time"
)

const (
	pollLines = 20 * time.Millisecond  // how often modem lines are looked at: none of what rides on them is faster
	lookAgain = 500 * time.Millisecond // how often a port that went away is looked for
	stuck     = 2 * time.Second        // after which a write under way is told
	partTime  = time.Second            // how long the ends may take to come to rest when watching ends
)

// SerialOptions say which ports a line has.
type SerialOptions struct {
	Port  string // on the terminal's side, or the only one, which listens in
	Other string // on the host's side, for a relay between two ports
	Host  string // host:port, for a relay between Port and a host on TCP
	Mode  Mode   // the zero value is DefaultMode
	// Auto finds speed and format from what arrives; Mode is tried first.
	Auto bool
	// Plausible says which share of bytes, 0 to 1, makes sense to whoever knows what the line carries. It may be nil. It is
	// called beside the relay, never by it.
	Plausible func([]byte) float64
}

// Serial is a serial line: one port that listens in, or a relay of two ports, or of a port and a TCP host. The relay
// carries every byte as it came; what looks at the bytes gets copies.
type Serial struct {
	o     SerialOptions
	queue *queue
	ends  []*end
	host  *hostEnd
	tuner *tuner
	conn  atomic.Uint64
	work  sync.WaitGroup
}

// NewSerial opens the ports. An error says what to do about it on this system.
func NewSerial(o SerialOptions) (*Serial, error) {
	if o.Mode == (Mode{}) {
		o.Mode = DefaultMode
	}
	if err := o.Mode.Check(); err != nil {
		return nil, err
	}
	if o.Other != "" && o.Host != "" {
		return nil, mistake("a second port and a host are two different lines: name one of them")
	}
	if o.Other == o.Port {
		return nil, mistake("both ends are %s: a relay needs two ports", o.Port)
	}
	s := &Serial{o: o, queue: newQueue()}
	s.conn.Store(1)
	if o.Host != "" {
		if err := CheckHost(o.Host); err != nil {
			return nil, err
		}
		s.host = &hostEnd{s: s}
		s.host.calls.Store(1)
	}
	names := []string{o.Port}
	if o.Other != "" {
		names = append(names, o.Other)
	}
	for i, name := range names {
		p, err := openPort(name, o.Mode)
		if err != nil {
			s.shut()
			return nil, explainOpen(name, o.Mode, err)
		}
		s.ends = append(s.ends, &end{side: Dir(i), now: rememberPort(name), port: p, mode: o.Mode})
	}
	s.tuner = newTuner(s)
	return s, nil
}

func (s *Serial) shut() {
	for _, e := range s.ends {
		e.shut()
	}
	if s.host != nil {
		s.host.shut()
	}
}

// Info describes the line.
func (s *Serial) Info() Info {
	d := s.o.Port
	for _, far := range []string{s.o.Other, s.o.Host} {
		if far != "" {
			d += " <-> " + far
		}
	}
	if s.o.Auto {
		return Info{Kind: "serial", Describe: d + " auto"}
	}
	return Info{Kind: "serial", Describe: d + " " + s.o.Mode.String()}
}

// Port is the port on the terminal's side, which a probe may test.
func (s *Serial) Port() string { return s.o.Port }

// Relays says that the line passes through, and is not only listened in on.
func (s *Serial) Relays() bool { return len(s.ends) > 1 || s.host != nil }

// Dropped counts what sink did not get.
func (s *Serial) Dropped() Dropped { return s.queue.counts() }

func (s *Serial) event(kind Kind, dir Dir) Event {
	return Event{At: time.Now(), Conn: s.conn.Load(), Terminal: s.o.Port, Host: s.o.Other + s.o.Host, Kind: kind, Dir: dir}
}

// Run relays, or listens in, until ctx ends. A port that goes away ends nothing: it is waited for.
func (s *Serial) Run(ctx context.Context, sink func(Event)) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	if s.host == nil {
		s.queue.put(s.event(Opened, ToHost))
	}
	for _, e := range s.ends {
		p := e.port
		s.work.Go(func() { s.read(ctx, e, p) })
	}
	s.work.Go(func() { s.poll(ctx) })
	done := make(chan struct{})
	go func() {
		<-ctx.Done()
		s.shut()
		rest := make(chan struct{})
		go func() { s.work.Wait(); close(rest) }()
		select {
		case <-rest:
		case <-time.After(partTime): // a write that never ends, see end.shut
		}
		close(done)
	}()
	s.queue.pump(done, sink)
	return nil
}

// read carries what one end sends, for as long as it is watched, through every loss of its port.
func (s *Serial) read(ctx context.Context, e *end, p port) {
	buf := make([]byte, 4096)
	for p != nil {
		for {
			n, err := p.Read(buf)
			if n > 0 {
				s.carry(ctx, e.side, buf[:n])
			}
			if err != nil {
				break // silence is none: without a time-out Read waits
			}
		}
		e.shut()
		if ctx.Err() != nil {
			return
		}
		ev := s.event(Unplugged, e.side)
		ev.Note = e.now()
		s.queue.put(ev)
		if p = s.await(ctx, e); p == nil {
			return
		}
		ev = s.event(Plugged, e.side)
		ev.Note = e.now()
		s.queue.put(ev)
	}
}

// await waits until a port that went away is back, and gives it: nil when watching ends before.
func (s *Serial) await(ctx context.Context, e *end) port {
	clock := time.NewTicker(lookAgain)
	defer clock.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-clock.C:
		}
		mode := s.tuner.current()
		p, err := openPort(e.now(), mode)
		if err != nil {
			continue // not there yet, or its owner and group not set yet
		}
		e.mu.Lock()
		e.port, e.mode, e.lines = p, mode, lines{refused: e.lines.refused}
		e.mu.Unlock()
		if ctx.Err() != nil {
			e.shut()
			return nil
		}
		return p
	}
}

// carry hands bytes on to the other end. While that one is away they are lost, as they are on a line that is not plugged in. A
// copy is heard first, which never waits: the other end may answer before the write returns, and an answer before its request
// is another story.
func (s *Serial) carry(ctx context.Context, from Dir, b []byte) {
	at := time.Now()
	hear := func() { s.tuner.hear(from, b, at) }
	if s.host != nil {
		s.host.send(ctx, b, hear)
		return
	}
	hear()
	if len(s.ends) == 2 {
		_, _ = s.ends[1-from].Write(b) // who reads that end sees how it is
	}
}

// poll looks at what does not come as bytes.
func (s *Serial) poll(ctx context.Context) {
	clock := time.NewTicker(pollLines)
	defer clock.Stop()
	for {
		mode := s.tuner.current()
		for _, e := range s.ends {
			e.idle(func(p port) {
				if e.mode != mode {
					_ = p.SetMode(mode.native()) // a port that cannot do it hears no sense, and the next mode is tried
					e.mode = mode
				}
			})
			s.lines(e)
			if since := e.since.Load(); since == 0 {
				e.slow = false
			} else if took := time.Since(time.Unix(0, since)); took > stuck && !e.slow {
				e.slow = true
				ev := s.event(Stalled, 1-e.side)
				ev.Took = took
				s.queue.put(ev)
			}
		}
		s.tuner.think(time.Now())
		select {
		case <-ctx.Done():
			return
		case <-clock.C:
		}
	}
}

// lines tells how the modem lines of a port change, and lets the other port follow: DTR shows this one's DSR, RTS its CTS.
// A line that was never on is not wired, and nothing follows it.
func (s *Serial) lines(e *end) {
	change, refuses := "", false
	var l lines
	e.idle(func(p port) {
		if e.lines.refused {
			return
		}
		if bits, err := p.GetModemStatusBits(); err != nil {
			e.lines.refused, refuses = true, true
		} else {
			change = e.lines.note(*bits)
		}
		l = e.lines
	})
	if change == "" && !refuses {
		return
	}
	ev := s.event(Signals, e.side)
	ev.Note = change
	s.queue.put(ev)
	if len(s.ends) < 2 || refuses {
		return
	}
	s.ends[1-e.side].idle(func(p port) { // a port without these lines refuses, and that is as it is
		if l.ever.DSR {
			_ = p.SetDTR(l.now.DSR)
		}
		if l.ever.CTS {
			_ = p.SetRTS(l.now.CTS)
		}
	})
}
