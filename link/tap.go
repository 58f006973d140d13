package link

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
)

// connectWait is how long the host may take to accept. Terminals give up after 60 s at the latest; a connect that hangs
// longer than this is reported and the terminal is reset, as it would be by a router that gives up.
const connectWait = 30 * time.Second

// Tap is an inline TCP relay: terminals connect to it, and it connects to the host for each of them.
type Tap struct {
	listener net.Listener
	upstream string
	queue    *queue
	conns    atomic.Uint64
}

// NewTap binds listen at once, so that a terminal may connect from now on. Both addresses are host:port.
func NewTap(listen, upstream string) (*Tap, error) {
	if _, port, err := net.SplitHostPort(upstream); err != nil || port == "" {
		return nil, fmt.Errorf("the host's address %q is not host:port, as in 192.0.2.7:8583", upstream)
	}
	if _, _, err := net.SplitHostPort(listen); err != nil {
		return nil, fmt.Errorf("the address to listen on %q is not host:port, as in 0.0.0.0:8583", listen)
	}
	l, err := net.Listen("tcp", listen)
	switch {
	case errors.Is(err, syscall.EADDRINUSE):
		return nil, fmt.Errorf("cannot listen on %s: another program has it; end that one or take another port", listen)
	case errors.Is(err, os.ErrPermission):
		return nil, fmt.Errorf("cannot listen on %s: ports below 1024 need more rights; take a higher port", listen)
	case err != nil:
		return nil, fmt.Errorf("cannot listen on %s: %w", listen, err)
	}
	return &Tap{listener: l, upstream: upstream, queue: newQueue()}, nil
}

// Addr is the address that the tap listens on.
func (t *Tap) Addr() net.Addr { return t.listener.Addr() }

// Info describes the tap.
func (t *Tap) Info() Info {
	return Info{Kind: "tap", Describe: fmt.Sprintf("%s -> %s", t.Addr(), t.upstream)}
}

// Run relays until ctx ends. Connections then standing are closed.
func (t *Tap) Run(ctx context.Context, sink func(Event)) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	var relays sync.WaitGroup
	var failed error
	relays.Go(func() {
		for {
			c, err := t.listener.Accept()
			if err != nil {
				if ctx.Err() == nil {
					failed = fmt.Errorf("the tap can accept no more connections: %w", err)
				}
				cancel()
				return
			}
			relays.Go(func() { t.relay(ctx, c.(*net.TCPConn)) })
		}
	})
	done := make(chan struct{})
	go func() {
		<-ctx.Done()
		t.listener.Close()
		relays.Wait()
		close(done)
	}()
	for {
		for _, ev := range t.queue.take() {
			sink(ev)
		}
		select {
		case <-t.queue.wake:
		case <-done:
			for _, ev := range t.queue.take() {
				sink(ev)
			}
			return failed
		}
	}
}

// relay carries one connection until both directions are done.
func (t *Tap) relay(ctx context.Context, terminal *net.TCPConn) {
	base := Event{Conn: t.conns.Add(1), Terminal: terminal.RemoteAddr().String(), Host: t.upstream}
	tell := func(kind Kind, dir Dir, note string, took time.Duration) {
		ev := base
		ev.At, ev.Kind, ev.Dir, ev.Note, ev.Took = time.Now(), kind, dir, note, took
		t.queue.put(ev)
	}
	began := time.Now()
	dialer := net.Dialer{Timeout: connectWait}
	up, err := dialer.DialContext(ctx, "tcp", t.upstream)
	if err != nil {
		// The terminal gets what the network would have given it: a connection that is reset.
		abort(terminal)
		switch {
		case ctx.Err() != nil:
		case errors.Is(err, syscall.ECONNREFUSED):
			tell(Refused, ToTerminal, "", time.Since(began))
		default:
			tell(Unreached, ToHost, err.Error(), time.Since(began))
		}
		return
	}
	host := up.(*net.TCPConn)
	tell(Opened, ToHost, "", time.Since(began))
	stop := context.AfterFunc(ctx, func() { abort(terminal); abort(host) })
	defer stop()
	var reset atomic.Bool
	carry := func(from, to *net.TCPConn, dir Dir) {
		buf := make([]byte, 32<<10)
		for {
			n, err := from.Read(buf)
			if n > 0 {
				at := time.Now()
				if _, werr := to.Write(buf[:n]); werr != nil {
					// The far side is gone; its own reading tells how.
					abort(from)
				}
				ev := base
				ev.At, ev.Kind, ev.Dir, ev.Data = at, Data, dir, append([]byte(nil), buf[:n]...)
				t.queue.put(ev)
			}
			switch {
			case err == nil:
				continue
			case errors.Is(err, syscall.ECONNRESET) || errors.Is(err, syscall.ETIMEDOUT):
				if !reset.Swap(true) && ctx.Err() == nil {
					tell(Reset, dir, "", 0)
				}
				abort(to)
			case errors.Is(err, net.ErrClosed):
			default: // end of file: this side sends no more, the other may
				tell(HalfClose, dir, "", 0)
				_ = to.CloseWrite()
			}
			return
		}
	}
	var both sync.WaitGroup
	both.Go(func() { carry(terminal, host, ToHost) })
	both.Go(func() { carry(host, terminal, ToTerminal) })
	both.Wait()
	terminal.Close()
	host.Close()
	// When the tap itself ends, what it cuts off is no event of the line.
	if !reset.Load() && ctx.Err() == nil {
		tell(Closed, ToHost, "", 0)
	}
}

// abort closes with a reset, so that the peer does not take it for an orderly end.
func abort(c *net.TCPConn) {
	_ = c.SetLinger(0)
	_ = c.Close()
}
