package sim

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"sync"
	"time"

	"go.bug.st/serial"

	"tillscope/link"
)

// A serial store is terminals on serial lines of their own, each a pseudo terminal of the system: one end is the
// terminal's port, the other the host's, and the watcher hangs on both receiving wires.

// port is one end of a serial line. It stays open from one exchange to the next; Close is for whole lines only.
type port struct {
	file interface {
		io.ReadWriteCloser
		SetReadDeadline(time.Time) error
	}
	heard func([]byte) // sees what arrives here; nil when nobody watches
}

// betweenBytes is how long a sender may pause inside a frame: the 100 ms of the trade, and what a busy machine adds.
const betweenBytes = 250 * time.Millisecond

// midFrame reads what is missing of a frame. A sender that falls silent there sends no more of it: waiting on would take the
// next frame for the rest of this one.
type midFrame struct{ *port }

func (m midFrame) Read(b []byte) (int, error) {
	if err := m.SetReadDeadline(time.Now().Add(betweenBytes)); err != nil {
		return 0, err
	}
	n, err := m.port.Read(b)
	if e := m.SetReadDeadline(time.Time{}); err == nil {
		err = e
	} else if errors.Is(err, os.ErrDeadlineExceeded) {
		err = errFrame
	}
	return n, err
}

func (p *port) Read(b []byte) (int, error) {
	n, err := p.file.Read(b)
	if n > 0 && p.heard != nil {
		p.heard(append([]byte(nil), b[:n]...))
	}
	return n, err
}

func (p *port) Write(b []byte) (int, error)       { return p.file.Write(b) }
func (p *port) Close() error                      { return nil }
func (p *port) SetReadDeadline(t time.Time) error { return p.file.SetReadDeadline(t) }

// dial drops what came late for an earlier exchange, and goes on with the open port.
func (p *port) dial(context.Context, *live) (conn, error) {
	var old [256]byte
	for {
		if err := p.file.SetReadDeadline(time.Now().Add(time.Millisecond)); err != nil {
			return nil, err
		}
		if n, _ := p.Read(old[:]); n == 0 { // nothing came late; what else is wrong shows in the exchange
			return p, nil
		}
	}
}

func (s *Store) runSerial(ctx context.Context, sink func(link.Event)) error {
	ctx, cancel := s.until(ctx)
	defer cancel()
	var one sync.Mutex
	put := func(ev link.Event) {
		one.Lock()
		defer one.Unlock()
		if ctx.Err() == nil || ev.Kind != link.Data {
			sink(ev)
		}
	}
	near, far := make([]*port, s.terminals), make([]*port, s.terminals)
	s.aside = newAside()
	h, terminals, err := s.build(func(i int) dialer {
		return func(ctx context.Context, wrong *live) (conn, error) { return near[i].dial(ctx, wrong) }
	})
	if err != nil {
		return err
	}
	var running sync.WaitGroup
	defer running.Wait()
	defer cancel()
	for i := range terminals {
		a, b, name, err := openPTY()
		if err != nil {
			return fmt.Errorf("no serial line can be simulated here: %w", err)
		}
		base := link.Event{Conn: uint64(i + 1), Terminal: name, Host: "serial"}
		spy := func(dir link.Dir) func([]byte) {
			return func(data []byte) {
				ev := base
				ev.At, ev.Kind, ev.Dir, ev.Data = time.Now(), link.Data, dir, data
				put(ev)
			}
		}
		near[i], far[i] = &port{b, spy(link.ToTerminal)}, &port{a, spy(link.ToHost)}
		opened := base
		opened.At, opened.Kind = time.Now(), link.Opened
		put(opened)
		stop := context.AfterFunc(ctx, func() { _, _ = a.Close(), b.Close() })
		defer stop()
		running.Go(func() { h.listen(ctx, far[i]) })
	}
	running.Go(func() { s.sell(ctx, terminals) })
	<-ctx.Done()
	running.Wait()
	return cmp.Or(s.failure(), h.close())
}

// listen answers at a serial port until ctx ends: after whatever went wrong, too.
func (h *host) listen(ctx context.Context, p *port) {
	for ctx.Err() == nil {
		h.talk(ctx, p)
		sleep(ctx, time.Millisecond)
	}
}

// Port is a serial line of a half that runs alone.
type Port struct {
	Name string // what the other side opens
	p    *port
	ends []io.Closer
}

// PTY is the name that makes OpenPort open a pseudo terminal.
const PTY = "pty"

// OpenPort opens a serial port by its name, with baud bits a second, eight data bits and no parity. The name pty makes a
// pseudo terminal, whose other end has the name in Port.
func OpenPort(name string, baud int) (*Port, error) {
	if name == PTY {
		a, b, shown, err := openPTY()
		if err != nil {
			return nil, fmt.Errorf("no pseudo terminal can be had here: %w", err)
		}
		// The other end stays open here too: while nobody has it, reading would fail instead of waiting.
		return &Port{Name: shown, p: &port{file: a}, ends: []io.Closer{a, b}}, nil
	}
	d, err := serial.Open(name, &serial.Mode{BaudRate: baud})
	if err != nil {
		return nil, fmt.Errorf("the serial port %s cannot be opened: %w", name, err)
	}
	return &Port{Name: name, p: &port{file: device{d}}, ends: []io.Closer{d}}, nil
}

func (p *Port) close() {
	for _, e := range p.ends {
		_ = e.Close()
	}
}

// device is a port of the system, whose reads know timeouts and no deadlines.
type device struct{ serial.Port }

func (d device) SetReadDeadline(t time.Time) error {
	if t.IsZero() {
		return d.SetReadTimeout(serial.NoTimeout)
	}
	return d.SetReadTimeout(max(time.Until(t), time.Millisecond))
}

// Read answers nothing and no error when its time is over.
func (d device) Read(b []byte) (int, error) {
	n, err := d.Port.Read(b)
	if n == 0 && err == nil {
		err = os.ErrDeadlineExceeded
	}
	return n, err
}

// ServeSerial is Serve on a serial line.
func (s *Store) ServeSerial(ctx context.Context, p *Port) error {
	h, _, err := s.build(nil)
	if err != nil {
		return err
	}
	stop := context.AfterFunc(ctx, p.close)
	defer stop()
	h.listen(ctx, p.p)
	return cmp.Or(s.failure(), h.close())
}

// SellSerial is Sell over a serial line, which takes one terminal.
func (s *Store) SellSerial(ctx context.Context, p *Port) error {
	ctx, cancel := s.until(ctx)
	defer cancel()
	_, terminals, err := s.build(func(int) dialer { return p.p.dial })
	if err != nil {
		return err
	}
	stop := context.AfterFunc(ctx, p.close)
	defer stop()
	s.sell(ctx, terminals[:1])
	return s.failure()
}
