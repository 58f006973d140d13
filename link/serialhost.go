package link

import (
	"context"
	"errors"
	"net"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
)

// hostEnd is the TCP host behind a serial terminal. It is called when the terminal sends, as a modem dials, and again
// after it has hung up. Bytes pass as they are: a host that wants another framing than the terminal's needs a converter.
type hostEnd struct {
	s     *Serial
	calls atomic.Uint64 // the latest number given to a connection
	mu    sync.Mutex
	c     *net.TCPConn // nil while there is no connection
}

// send hands the terminal's bytes to the host. What no host takes is lost. They are heard once it is known on which connection.
func (h *hostEnd) send(ctx context.Context, b []byte, hear func()) {
	h.mu.Lock()
	c := h.c
	h.mu.Unlock()
	if c == nil {
		c = h.dial(ctx)
	}
	hear()
	if c == nil {
		return
	}
	_, _ = c.Write(b) // who reads it tells how it ended
}

func (h *hostEnd) dial(ctx context.Context) *net.TCPConn {
	began, call := time.Now(), h.calls.Add(1)
	dialer := net.Dialer{Timeout: connectWait}
	up, err := dialer.DialContext(ctx, "tcp", h.s.o.Host)
	if err != nil {
		// What the terminal sends, over and over maybe, is no part of the call that failed, and stays one story.
		ev := h.s.event(Unreached, ToHost)
		ev.Conn = call
		if refused(err) {
			ev.Kind, ev.Dir = Refused, ToTerminal
		} else {
			ev.Note = words(err)
		}
		ev.Took = time.Since(began)
		if ctx.Err() == nil {
			h.s.queue.put(ev)
		}
		return nil
	}
	c := up.(*net.TCPConn)
	h.mu.Lock()
	h.c = c
	h.mu.Unlock()
	if ctx.Err() != nil {
		h.shut()
		return nil
	}
	h.s.conn.Store(call)
	ev := h.s.event(Opened, ToHost)
	ev.Took = time.Since(began)
	h.s.queue.put(ev)
	h.s.work.Go(func() { h.read(ctx, c) })
	return c
}

// read carries what the host sends until it hangs up.
func (h *hostEnd) read(ctx context.Context, c *net.TCPConn) {
	buf := make([]byte, 4096)
	for {
		n, err := c.Read(buf)
		if n > 0 {
			h.s.tuner.hear(ToTerminal, buf[:n], time.Now())
			_, _ = h.s.ends[0].Write(buf[:n])
		}
		if err == nil {
			continue
		}
		h.mu.Lock()
		h.c = nil
		h.mu.Unlock()
		_ = c.Close()
		if ctx.Err() == nil {
			ev := h.s.event(Closed, ToTerminal)
			if wasReset(err) || errors.Is(err, syscall.ETIMEDOUT) || errors.Is(err, wsaTimedOut) {
				ev.Kind = Reset
			}
			h.s.queue.put(ev)
			h.s.conn.Store(h.calls.Add(1))
		}
		return
	}
}

func (h *hostEnd) shut() {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.c != nil {
		_ = h.c.Close()
	}
}
