// Package sim is a store that fails on demand: terminals, a line, an acquirer's host and issuers, all speaking over real
// loopback connections, with faults where they arise in life. What watches it learns only what a tap on the line sees.
//
// A [Scenario] says what shop it is and what is wrong in it; a [Store] plays one. Start with [New] and [Store.Run]. What is
// wrong can be changed meanwhile by [Store.Control], and [Store.Truth] says what really happened.
package sim

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"sync"
	"time"

	"tillscope/link"
)

const (
	maxTerminals = 1000
	keptSecrets  = 4096
)

// Options choose what the store plays. The zero value of each but Seed means its default, which the scenario may give.
type Options struct {
	Scenario  string  // id, or the name of a YAML file; the healthy one when empty
	Seed      int64   // the same seed gives the same messages, apart from times
	Terminals int     // 3
	Speed     float64 // 1; 20 lives twenty times faster
	Dialect   string  // cup
	Framing   string  // what the dialect usually has
	Header    string  // what the dialect usually has
	Serial    bool    // each terminal on a serial line of its own instead of TCP, in the stx-etx framing

	Unpaced bool // nobody waits for anything: as fast as the machine can
	Anyone  bool // the host takes terminals that nobody registered, with the lab's master key
}

// Store is a simulated shop and its bank, seen through a tap on the line between them. It runs once.
type Store struct {
	o         Options
	scenario  Scenario
	codec     *codec
	terminals int
	clock     *clock
	faults    *faults
	control   *Control
	truth     *truth
	bank      *bank
	statement io.WriteCloser // nil for none
	aside     *aside         // nil while only one half runs

	mu     sync.Mutex
	blocks [][]byte
	failed error  // what the store itself could not do, the first
	stop   func() // ends the run
}

// New prepares a store. It fails when an option makes no sense, and names the scenarios when the asked one is unknown.
func New(o Options) (*Store, error) {
	sc, err := find(o.Scenario)
	if err != nil {
		return nil, err
	}
	o.Speed = cmp.Or(o.Speed, 1)
	if o.Serial {
		o.Framing = cmp.Or(o.Framing, "stx-etx")
	}
	sc.Terminals = cmp.Or(o.Terminals, sc.Terminals)
	o.Seed = cmp.Or(o.Seed, sc.Seed)
	if o.Dialect != "" && o.Dialect != sc.Dialect { // what the scenario says of its own dialect does not fit another
		sc.Dialect, sc.Framing, sc.Header, sc.MAC = o.Dialect, "", "", ""
	}
	sc.Framing, sc.Header = cmp.Or(o.Framing, sc.Framing), cmp.Or(o.Header, sc.Header)
	if err := sc.check(); err != nil {
		return nil, fmt.Errorf("scenario %s: %w", sc.ID, err)
	}
	if err := checkSpeed(o.Speed); err != nil {
		return nil, err
	}
	sc = sc.fill()
	c, err := newCodec(sc.Dialect, sc.Framing, sc.Header, sc.MAC)
	if err != nil {
		return nil, err
	}
	s := &Store{o: o, scenario: sc, codec: c, terminals: sc.Terminals, clock: newClock(o.Speed, o.Unpaced), truth: newTruth()}
	s.faults = newFaults(o.Seed, s.clock, sc.Faults)
	s.bank = newBank(s.faults)
	s.control = &Control{store: s, next: len(sc.Faults)}
	return s, nil
}

func checkSpeed(speed float64) error {
	if !(speed >= 0.01 && speed <= 100) {
		return fmt.Errorf("a speed of %v cannot be simulated: choose 0.01 to 100", speed)
	}
	return nil
}

// Scenario is what the store plays.
func (s *Store) Scenario() Scenario { return s.scenario }

// WriteStatement makes the store write the acquirer's settlement statement to a file, which is closed when the store ends.
// It must come before the store runs.
func (s *Store) WriteStatement(file io.WriteCloser) { s.statement = file }

// Registration is what the host knows of a terminal before it ever called.
type Registration struct {
	TID, MID  string
	MasterKey []byte // of the lab: it follows from the seed
}

// Registered lists the terminals that the host knows, and last the one that stands for all others where Anyone may come.
func (s *Store) Registered() (out []Registration) {
	for i := range s.terminals {
		out = append(out, Registration{tidOf(i), merchant, s.masterKey(i)})
	}
	if s.o.Anyone {
		out = append(out, Registration{"*", "*", labKey})
	}
	return out
}

func tidOf(i int) string { return fmt.Sprintf("%08d", 10010001+i) }

// dice are terminal i's own, for one of several purposes.
func (s *Store) dice(i int, part uint64) *rand.Rand {
	return rand.New(rand.NewPCG(uint64(s.o.Seed), uint64(i)<<8|part))
}

func (s *Store) masterKey(i int) []byte { return draw(s.dice(i, 2), 16) }

// Info describes the store.
func (s *Store) Info() link.Info {
	return link.Info{Kind: "sim", Simulated: true, Describe: s.scenario.ID}
}

// Secrets lists what must never be shown or written: the cards' numbers and tracks as text, and the PIN blocks and
// encrypted working keys so far (the last few thousand) as bytes. It is for tests that search the program's output for them.
func (s *Store) Secrets() [][]byte {
	s.mu.Lock()
	defer s.mu.Unlock()
	var out [][]byte
	for i := range s.terminals {
		for _, c := range cardsOf(i) {
			out = append(out, []byte(c.PAN), []byte(c.Track2), []byte(c.expired().Track2))
		}
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

// fail ends the run: the store itself could not do what a store does, as pack a message. To go on would show on the line a
// failure that no scenario has.
func (s *Store) fail(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.failed == nil {
		s.failed = fmt.Errorf("the simulated store failed by itself, which is a mistake in it: %w", err)
	}
	if s.stop != nil {
		s.stop()
	}
}

// failure is what fail was told, nil when all went as it should.
func (s *Store) failure() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.failed
}

// until is a context that ends when ctx does or the store fails.
func (s *Store) until(ctx context.Context) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancel(ctx)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.stop = cancel
	return ctx, cancel
}

// Run opens the shop until ctx ends. Sink gets what a tap between terminals and host sees, and nothing else.
func (s *Store) Run(ctx context.Context, sink func(link.Event)) error {
	if s.o.Serial {
		return s.runSerial(ctx, sink)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return fmt.Errorf("the simulated host cannot listen: %w", err)
	}
	tap, err := link.NewTap("127.0.0.1:0", l.Addr().String(), link.TapOptions{TimeScale: s.o.Speed})
	if err != nil {
		l.Close()
		return err
	}
	ctx, cancel := s.until(ctx)
	defer cancel()
	d := newDetours(ctx, s.o.Speed, sink)
	defer d.end()
	g := newGate(l)
	g.set(s.faults.any("host.down") != nil, s.faults.any("line.outage") != nil)
	s.aside = newAside()
	h, terminals, err := s.build(func(i int) dialer { return d.dialer(tap.Addr().String(), loopback(i)) })
	if err != nil {
		g.close()
		return err
	}
	var running sync.WaitGroup
	running.Go(func() { h.serve(ctx, g) })
	running.Go(func() { s.sell(ctx, terminals) })
	err = tap.Run(ctx, d.sink)
	cancel()
	running.Wait()
	return cmp.Or(s.failure(), err, h.close())
}

// Serve is the host alone, for terminals that come from elsewhere: those of a store with the same seed, since a host knows
// a terminal by its master key. Others are answered 97, unless Anyone may come. A request that it cannot answer, because the
// answer does not pack, is told by the error at the end: a foreign terminal must not be able to stop it.
func (s *Store) Serve(ctx context.Context, l net.Listener) error {
	if _, ok := l.(*net.TCPListener); !ok {
		return fmt.Errorf("the host listens on TCP only, not on %s", l.Addr().Network())
	}
	h, _, err := s.build(nil)
	if err != nil {
		return err
	}
	h.serve(ctx, newGate(l))
	return cmp.Or(s.failure(), h.close())
}

// Sell is the terminals alone, against a test host at an address.
func (s *Store) Sell(ctx context.Context, to string) error {
	ctx, cancel := s.until(ctx)
	defer cancel()
	d := newDetours(ctx, s.o.Speed, nil)
	defer d.end()
	here := loopbackOnly(to)
	_, terminals, err := s.build(func(i int) dialer {
		if here {
			return d.dialer(to, loopback(i))
		}
		return d.dialer(to, nil)
	})
	if err != nil {
		return err
	}
	s.sell(ctx, terminals)
	return s.failure()
}

func (s *Store) sell(ctx context.Context, terminals []*terminal) {
	var running sync.WaitGroup
	defer running.Wait()
	for i, t := range terminals {
		// Not all in the same instant, yet all within the first tenth of a second; many need longer to sign in.
		spread := max(80*time.Millisecond, time.Duration(len(terminals))*time.Millisecond)
		running.Go(func() { t.run(ctx, time.Duration(i)*spread/time.Duration(len(terminals))) })
	}
}

// build makes the host and the terminals that it knows.
func (s *Store) build(dial func(int) dialer) (*host, []*terminal, error) {
	h := &host{codec: s.codec, scenario: &s.scenario, faults: s.faults, clock: s.clock, truth: s.truth, bank: s.bank, keep: s.keep, fail: s.fail, aside: s.aside, anyone: s.o.Anyone, lanes: map[string]*lane{}}
	if s.statement != nil {
		var err error
		if h.payout, err = newPayout(s.statement, s); err != nil {
			return nil, nil, fmt.Errorf("the statement cannot be written: %w", err)
		}
	}
	terminals := make([]*terminal, s.terminals)
	for i := range terminals {
		terminals[i] = s.install(h, i)
		if dial != nil {
			terminals[i].dial = dial(i)
		}
	}
	return h, terminals, nil
}

// install sets terminal i up, registers it with the host and gives both their own seeded dice: what one terminal meets
// must not depend on how the others are scheduled.
func (s *Store) install(h *host, i int) *terminal {
	t := &terminal{index: i, codec: s.codec, scenario: &s.scenario, faults: s.faults, clock: s.clock, truth: s.truth, keep: s.keep, fail: s.fail, aside: s.aside,
		rng: s.dice(i, 1), own: tidOf(i), serial: fmt.Sprintf("%08d", 31000001+i),
		tmk: s.masterKey(i), badTMK: draw(s.dice(i, 4), 16), batch: 1, asked: '0'}
	h.register(i, t.own, merchant, t.tmk, s.dice(i, 3))
	s.bank.open(cardsOf(i))
	return t
}

// close books what is still open, as a host does at the end of its day, and ends the statement.
func (h *host) close() error {
	if h.payout != nil {
		for _, tid := range sortedKeys(h.lanes) {
			ln := h.lanes[tid]
			for _, e := range ln.order {
				h.payout.close(ln, e)
			}
		}
	}
	return h.payout.end()
}
