package link

import (
	"context"
	"errors"
	"io"
	"net"
	"os"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
)

const (
	// connectWait is how long the host may take to accept. Terminals give up after 60 s at the latest; a connect that hangs
	// longer than this is reported and the terminal is reset, as it would be by a router that gives up.
	connectWait = 30 * time.Second
	// patientConnect is how long a terminal that leaves may have waited for the host: what it sent is delivered then as if
	// the host had accepted at once. One that has waited longer has given up, and its request must not reach the host any
	// more: it never would have without the tap.
	patientConnect = 3 * time.Second
	// early bounds what a terminal may send before the host has accepted. What exceeds it waits in the system's buffers.
	early = 64 << 10
	// idleRead is what a direction reads into while little passes: a message and more.
	idleRead = 2 << 10
	busyRead = 64 << 10
)

// busy lends buffers to directions that have more to carry than a message.
var busy = sync.Pool{New: func() any { b := make([]byte, busyRead); return &b }}

// The words that Windows has for what went wrong. Elsewhere no error has these numbers.
const (
	wsaInUse    = syscall.Errno(10048)
	wsaNotLocal = syscall.Errno(10049)
	wsaReset    = syscall.Errno(10054)
	wsaTimedOut = syscall.Errno(10060)
	wsaRefused  = syscall.Errno(10061)
)

func refused(err error) bool {
	return errors.Is(err, syscall.ECONNREFUSED) || errors.Is(err, wsaRefused)
}

// wasReset tells an RST of the peer. Once one call has reported it, later writes fail with EPIPE.
func wasReset(err error) bool {
	return errors.Is(err, syscall.ECONNRESET) || errors.Is(err, syscall.EPIPE) || errors.Is(err, wsaReset)
}

// relay is one connection of a terminal, carried on to the host.
type relay struct {
	tap  *Tap
	base Event
	ends [2]*net.TCPConn       // by the direction in which they send: the terminal, the host
	over atomic.Pointer[Event] // how it ended, when not in order

	mu    sync.Mutex // never held over anything that waits
	lanes [2]pace    // by direction
}

func (r *relay) tell(at time.Time, kind Kind, dir Dir, note string, took time.Duration) {
	ev := r.base
	ev.At, ev.Kind, ev.Dir, ev.Note, ev.Took = at, kind, dir, note, took
	r.tap.queue.put(ev)
}

// relay carries one connection until both directions are done.
func (t *Tap) relay(ctx context.Context, terminal *net.TCPConn, id uint64) {
	r := &relay{tap: t, base: Event{Conn: id, Terminal: terminal.RemoteAddr().String(), Host: t.upstream}}
	r.ends[ToHost] = terminal
	first, host, left := r.connect(ctx)
	if host == nil {
		abort(terminal) // the terminal gets what the network would have given it: a connection that is reset
		return
	}
	r.ends[ToTerminal] = host
	stop := context.AfterFunc(ctx, func() { abort(terminal); abort(host) })
	defer stop()
	t.stand(r, true)
	var back sync.WaitGroup
	back.Go(func() { r.carry(ctx, ToTerminal, nil, nil) })
	r.carry(ctx, ToHost, first, left)
	back.Wait()
	t.stand(r, false)
	now := time.Now()
	r.look(now)
	r.trickled(ToHost, now)
	r.trickled(ToTerminal, now)
	ended := r.over.Load()
	if ended != nil {
		r.abort()
	}
	terminal.Close()
	host.Close()
	switch {
	case ctx.Err() != nil: // what the tap's own end cuts off is no event of the line
	case ended == nil:
		r.tell(now, Closed, ToHost, "", 0)
	case ended.Kind == HalfOpen:
		if !r.known(ended.Dir) {
			t.queue.put(*ended)
		}
		r.tell(ended.At, Closed, ended.Dir, "", 0)
	default:
		t.queue.put(*ended)
	}
}

// connect reaches the host. Meanwhile it keeps what the terminal sends already, and the error that ended its sending if one
// did. It gives no host when there is none, or when the terminal gave up waiting; what happened is told then.
func (r *relay) connect(ctx context.Context) (first []byte, host *net.TCPConn, left error) {
	terminal, began := r.ends[ToHost], time.Now()
	ctx, giveUp := context.WithTimeout(ctx, connectWait)
	defer giveUp()
	var conn net.Conn
	var err error
	dialed := make(chan struct{})
	go func() {
		dialer := net.Dialer{KeepAliveConfig: keepAlive}
		if r.tap.bind != nil {
			dialer.LocalAddr = r.tap.bind
		}
		dialer.SetMultipathTCP(false)
		conn, err = dialer.DialContext(ctx, "tcp", r.tap.upstream)
		_ = terminal.SetReadDeadline(time.Unix(1, 0)) // wakes the reading below
		close(dialed)
	}()
	buf := make([]byte, idleRead)
	for len(first) < early && left == nil {
		var n int
		n, left = terminal.Read(buf)
		first = append(first, buf[:n]...)
	}
	patience := max(r.tap.scaled(patientConnect), time.Second)
	switch {
	case left == nil: // it sends much; the rest waits in the system's buffers
	case errors.Is(left, os.ErrDeadlineExceeded): // the connect has its outcome
		left = nil
	case errors.Is(left, io.EOF): // it sends no more but may still wait for an answer
	default:
		impatient := time.AfterFunc(patience-time.Since(began), giveUp)
		defer impatient.Stop()
	}
	<-dialed
	_ = terminal.SetReadDeadline(time.Time{})
	now := time.Now()
	took := now.Sub(began)
	switch {
	case left != nil && took >= patience:
		if err == nil {
			abort(conn.(*net.TCPConn))
		}
		r.tell(now, Unreached, ToHost, "the terminal left before the host had accepted", took)
	case err == nil:
		note := ""
		if at := conn.RemoteAddr().String(); at != r.tap.upstream {
			note = at
		}
		r.tell(now, Opened, ToHost, note, took)
		return first, conn.(*net.TCPConn), left
	case errors.Is(err, context.Canceled): // the tap ends
	case refused(err):
		r.tell(now, Refused, ToTerminal, "", took)
	default:
		r.tell(now, Unreached, ToHost, words(err), took)
	}
	return nil, nil, nil
}

// carry moves the bytes of one direction until their sender ends or either side is gone. Each chunk's copy is put into the
// queue, which never waits, before the bytes go out: so an answer can never stand in front of its request. First and ended
// are what has been read already.
func (r *relay) carry(ctx context.Context, dir Dir, first []byte, ended error) {
	from, to := r.ends[dir], r.ends[1-dir]
	pass := func(b []byte) bool {
		at := time.Now()
		r.passing(dir, len(b), at)
		ev := r.base
		ev.At, ev.Kind, ev.Dir, ev.Data = at, Data, dir, append([]byte(nil), b...)
		r.tap.queue.put(ev)
		_, err := to.Write(b)
		r.passed(dir)
		if err != nil {
			// What the far side sent before it went may still wait to be read. The other direction carries that and then
			// meets the end itself.
			r.fail(ctx, err, 1-dir)
		}
		return err == nil
	}
	if len(first) > 0 && !pass(first) {
		return
	}
	small := make([]byte, idleRead)
	buf, large := small, (*[]byte)(nil)
	release := func() {
		if large != nil {
			busy.Put(large)
			buf, large = small, nil
		}
	}
	defer release()
	for {
		n, err := 0, ended
		if ended == nil {
			n, err = from.Read(buf)
		}
		if n > 0 && !pass(buf[:n]) {
			return
		}
		switch {
		case errors.Is(err, io.EOF) && r.over.Load() == nil: // this side sends no more, the other may
			now := time.Now()
			r.trickled(dir, now)
			r.tell(now, HalfClose, dir, "", 0)
			_ = to.CloseWrite()
			return
		case err != nil:
			r.fail(ctx, err, dir)
			r.abort()
			return
		case n == len(buf) && large == nil:
			large = busy.Get().(*[]byte)
			buf = *large
		case n < idleRead:
			release()
		}
	}
}

// fail keeps what ended the connection when the side that sends in dir met an error. The first one counts: it is what
// happened, and the others follow from it.
func (r *relay) fail(ctx context.Context, err error, dir Dir) {
	if errors.Is(err, net.ErrClosed) || ctx.Err() != nil {
		return
	}
	ev := r.base
	ev.At = time.Now()
	if wasReset(err) {
		ev.Kind, ev.Dir = Reset, dir
	} else { // the system gave up on a peer that acknowledges nothing, or on the way to it
		ev.Kind, ev.Dir, ev.Note = HalfOpen, 1-dir, words(err)
		ev.Took = r.since(1-dir, ev.At)
	}
	r.over.CompareAndSwap(nil, &ev)
}

// words are what the system itself says, without our addresses around it.
func words(err error) string {
	var no syscall.Errno
	var dns *net.DNSError
	var op *net.OpError
	switch {
	case errors.As(err, &no):
		return no.Error()
	case errors.As(err, &dns):
		return dns.Name + ": " + dns.Err
	case errors.As(err, &op):
		return op.Err.Error()
	}
	return err.Error()
}

// abort resets both sides.
func (r *relay) abort() {
	abort(r.ends[ToHost])
	abort(r.ends[ToTerminal])
}

// abort closes with a reset, so that the peer does not take it for an orderly end.
func abort(c *net.TCPConn) {
	_ = c.SetLinger(0)
	_ = c.Close()
}
