// Package sim is a store that fails on demand: terminals, a line, an acquirer's host and issuers, all speaking over real
// loopback connections, with faults where they arise in life. What watches it learns only what a tap on the line sees.
package sim

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"slices"
	"strings"
	"sync"
	"time"

	"tillscope/link"
	"tillscope/wire"
)

var (
	errAnswer = errors.New("the answer does not belong to the request")
	errModule = errors.New("the communication module broke off")
	errSeal   = errors.New("the answer's MAC is wrong")
)

const (
	maxTerminals = 1000
	keptSecrets  = 4096
	merchant     = "898310054110001"
)

// Options choose what the store plays. The zero value of each but Seed means its default.
type Options struct {
	Scenario  string  // id; the healthy one when empty
	Seed      int64   // the same seed gives the same messages, apart from times
	Terminals int     // 3
	Speed     float64 // 1; 20 lives twenty times faster
}

// Store is a simulated shop and its bank, seen through a tap on the line between them.
type Store struct {
	o        Options
	scenario Scenario

	mu     sync.Mutex
	blocks [][]byte
}

// New prepares a store. It fails when an option makes no sense, and names the scenarios when the asked one is unknown.
func New(o Options) (*Store, error) {
	s, err := find(o.Scenario)
	if err != nil {
		return nil, err
	}
	if o.Terminals == 0 {
		o.Terminals = 3
	}
	if o.Speed == 0 {
		o.Speed = 1
	}
	if o.Terminals < 1 || o.Terminals > maxTerminals {
		return nil, fmt.Errorf("%d terminals cannot be simulated: choose 1 to %d", o.Terminals, maxTerminals)
	}
	if !(o.Speed >= 0.01 && o.Speed <= 100) {
		return nil, fmt.Errorf("a speed of %v cannot be simulated: choose 0.01 to 100", o.Speed)
	}
	for _, f := range s.Faults {
		if f.Terminal > o.Terminals {
			return nil, fmt.Errorf("scenario %s is about terminal %d: simulate at least that many, not %d", s.ID, f.Terminal, o.Terminals)
		}
	}
	return &Store{o: o, scenario: s}, nil
}

// Scenario is what the store plays.
func (s *Store) Scenario() Scenario { return s.scenario }

// Info describes the store.
func (s *Store) Info() link.Info {
	return link.Info{Kind: "sim", Simulated: true, Describe: s.scenario.ID}
}

// Secrets lists what must never be shown or written: the test cards' numbers and tracks as text, and the PIN blocks used
// so far (the last few thousand) as bytes. It is for tests that search the program's output for them.
func (s *Store) Secrets() [][]byte {
	s.mu.Lock()
	defer s.mu.Unlock()
	var out [][]byte
	for _, c := range TestCards() {
		out = append(out, []byte(c.PAN), []byte(c.Track2))
	}
	return append(out, s.blocks...)
}

func (s *Store) keep(block []byte) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.blocks = append(s.blocks, block); len(s.blocks) > keptSecrets {
		s.blocks = append([][]byte(nil), s.blocks[keptSecrets/2:]...)
	}
}

// Run opens the shop until ctx ends. Sink gets what a tap between terminals and host sees, and nothing else.
func (s *Store) Run(ctx context.Context, sink func(link.Event)) error {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return fmt.Errorf("the simulated host cannot listen: %w", err)
	}
	tap, err := link.NewTap("127.0.0.1:0", l.Addr().String())
	if err != nil {
		l.Close()
		return err
	}
	h, terminals, err := s.build(tap.Addr().String())
	if err != nil {
		l.Close()
		return err
	}
	ctx, cancel := context.WithCancel(ctx)
	var running sync.WaitGroup
	defer running.Wait()
	defer cancel()
	if slices.ContainsFunc(s.scenario.Faults, func(f Fault) bool { return f.Kind == "host.down" }) {
		l.Close()
	} else {
		running.Go(func() { h.serve(ctx, l) })
	}
	running.Go(func() { s.sell(ctx, terminals) })
	return tap.Run(ctx, sink)
}

// Serve is the host alone, for terminals that come from elsewhere: those of a store with the same seed, since a host knows
// a terminal by its master key. Others are answered 97.
func (s *Store) Serve(ctx context.Context, l net.Listener) error {
	h, _, err := s.build("")
	if err != nil {
		return err
	}
	h.serve(ctx, l)
	return nil
}

// Sell is the terminals alone, against a test host at an address.
func (s *Store) Sell(ctx context.Context, to string) error {
	_, terminals, err := s.build(to)
	if err != nil {
		return err
	}
	s.sell(ctx, terminals)
	return nil
}

func (s *Store) sell(ctx context.Context, terminals []*terminal) {
	var running sync.WaitGroup
	defer running.Wait()
	for i, t := range terminals {
		// Not all in the same instant, yet all within the first tenth of a second.
		running.Go(func() { t.run(ctx, time.Duration(i)*80*time.Millisecond/time.Duration(len(terminals))) })
	}
}

// build makes the host and the terminals that it knows.
func (s *Store) build(to string) (*host, []*terminal, error) {
	spec, err := wire.Spec("cup")
	if err != nil {
		return nil, nil, err
	}
	h := newHost(spec, s.scenario.Faults, s.o.Speed)
	terminals := make([]*terminal, s.o.Terminals)
	for i := range terminals {
		terminals[i] = s.install(h, i, to)
	}
	return h, terminals, nil
}

// install sets terminal i up, registers it with the host and gives both their own seeded dice: what one terminal meets
// must not depend on how the others are scheduled.
func (s *Store) install(h *host, i int, to string) *terminal {
	dice := func(part uint64) *rand.Rand { return rand.New(rand.NewPCG(uint64(s.o.Seed), uint64(i)<<8|part)) }
	var from *net.TCPAddr
	if ip, _, _ := net.SplitHostPort(to); strings.HasPrefix(ip, "127.") {
		from = loopback(i)
	}
	t := &terminal{spec: h.spec, to: to, from: from, speed: s.o.Speed, rng: dice(1),
		tid: fmt.Sprintf("%08d", 10010001+i), mid: merchant, serial: fmt.Sprintf("%08d", 31000001+i),
		tmk: draw(dice(2), 16), batch: 1, keep: s.keep}
	h.register(t.tid, t.mid, t.tmk, dice(3))
	for _, f := range s.scenario.Faults {
		if f.Terminal != i+1 {
			continue
		}
		switch f.Kind {
		case "terminal.config":
			t.tid = f.TID
		case "terminal.keys":
			t.tmk = draw(dice(4), 16)
		case "terminal.reader":
			t.fallback = f.Share
		case "terminal.module":
			t.breaks = f.Share
		}
	}
	return t
}

// loopback is terminal i's own address, 127.0.0.11 and on, where the system takes any of the loopback net. Others know
// 127.0.0.1 alone; terminals then share it.
func loopback(i int) *net.TCPAddr {
	ip := net.IPv4(127, 0, byte((i+11)/250), byte((i+11)%250+1))
	if i+11 < 250 {
		ip = net.IPv4(127, 0, 0, byte(i+11))
	}
	l, err := net.ListenTCP("tcp", &net.TCPAddr{IP: ip})
	if err != nil {
		return nil
	}
	_ = l.Close()
	return &net.TCPAddr{IP: ip}
}

func scaled(d time.Duration, speed float64) time.Duration { return time.Duration(float64(d) / speed) }

// pause waits for d of the shop's time; false when ctx ended.
func pause(ctx context.Context, d time.Duration, speed float64) bool {
	t := time.NewTimer(scaled(d, speed))
	defer t.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-t.C:
		return ctx.Err() == nil
	}
}
