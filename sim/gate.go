package sim

import (
	"context"
	"net"
	"sync"
	"syscall"
	"time"
)

// gate is the host's address: open, closed (connects are refused), or dead (connects stay without any answer).
type gate struct {
	addr  string
	open  *net.TCPListener // nil while closed
	dead  bool
	fills []net.Conn // what keeps the queue of a dead address full
}

// gateLook is how often the gate looks whether it should be another one.
const gateLook = 10 * time.Millisecond

func newGate(l net.Listener) *gate {
	return &gate{addr: l.Addr().String(), open: l.(*net.TCPListener)}
}

// set makes the gate what it should be. A port that another program took meanwhile is tried again next time.
func (g *gate) set(closed, dead bool) {
	if closed {
		g.close()
		return
	}
	if g.open == nil {
		l, err := net.Listen("tcp", g.addr)
		if err != nil {
			return
		}
		g.open = l.(*net.TCPListener)
	}
	switch {
	case dead && !g.dead:
		g.kill()
	case !dead && g.dead:
		g.revive()
	}
}

func (g *gate) close() {
	if g.open != nil {
		_ = g.open.Close()
		g.open, g.dead = nil, false
		g.unfill()
	}
}

// kill lets the system queue no connection and fills its last place, so that further SYNs are dropped as on a cut line.
func (g *gate) kill() {
	g.dead = true
	g.backlog(0)
	for range 4 {
		c, err := net.DialTimeout("tcp", g.addr, 30*time.Millisecond)
		if err != nil {
			return
		}
		g.fills = append(g.fills, c)
	}
}

func (g *gate) revive() {
	g.dead = false
	g.backlog(syscall.SOMAXCONN)
	g.unfill()
}

func (g *gate) unfill() {
	for _, c := range g.fills {
		_ = c.Close()
	}
	g.fills = nil
}

func (g *gate) backlog(n int) {
	raw, err := g.open.SyscallConn()
	if err != nil {
		return
	}
	_ = raw.Control(func(fd uintptr) { _ = listenAgain(fd, n) })
}

// serve answers every connection until ctx ends.
func (h *host) serve(ctx context.Context, g *gate) {
	var conns sync.WaitGroup
	defer conns.Wait()
	defer g.close()
	for ctx.Err() == nil {
		open, cut := context.WithCancel(ctx)
		g.set(h.faults.any("host.down") != nil, h.faults.any("line.outage") != nil)
		if g.open == nil {
			sleep(ctx, gateLook)
		}
		h.receive(open, g, &conns)
		cut() // a host that goes down takes its connections with it
	}
}

// receive accepts connections as long as the gate is what it should be.
func (h *host) receive(ctx context.Context, g *gate, conns *sync.WaitGroup) {
	for ctx.Err() == nil && g.open != nil && h.faults.any("host.down") == nil {
		if dead := h.faults.any("line.outage") != nil; dead != g.dead {
			g.set(false, dead)
		}
		if g.dead {
			sleep(ctx, gateLook)
			continue
		}
		_ = g.open.SetDeadline(time.Now().Add(gateLook))
		c, err := g.open.Accept()
		if err != nil {
			continue
		}
		conns.Go(func() { h.talk(ctx, c.(*net.TCPConn)) })
	}
	if g.open != nil && ctx.Err() == nil {
		g.close()
	}
}

func sleep(ctx context.Context, d time.Duration) {
	select {
	case <-ctx.Done():
	case <-time.After(d):
	}
}
