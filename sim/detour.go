package sim

import (
	"context"
	"net"
	"sync"

	"tillscope/link"
)

// detours are where terminals go whose address is wrong: to a port where nobody listens, or to an address where nobody
// is. The line is watched there too, by taps of their own, which are made when the first terminal goes there.
type detours struct {
	ctx     context.Context
	watch   func(link.Event) // nil when nobody watches
	speed   float64
	mu      sync.Mutex
	to      map[string]string // by kind of fault
	ends    []func()
	running sync.WaitGroup

	one sync.Mutex // events come one at a time, whichever tap saw them
}

func newDetours(ctx context.Context, speed float64, watch func(link.Event)) *detours {
	return &detours{ctx: ctx, speed: speed, watch: watch, to: map[string]string{}}
}

func (d *detours) sink(ev link.Event) {
	d.one.Lock()
	defer d.one.Unlock()
	d.watch(ev)
}

// dialer goes from a terminal's own address to the host, or wrong.
func (d *detours) dialer(to string, from *net.TCPAddr) dialer {
	return func(ctx context.Context, wrong *live) (conn, error) {
		at := to
		if wrong != nil {
			var err error
			if at, err = d.wrong(wrong.Kind); err != nil {
				return nil, err
			}
		}
		nd := net.Dialer{}
		if from != nil {
			nd.LocalAddr = from
		}
		c, err := nd.DialContext(ctx, "tcp", at)
		if err != nil {
			return nil, err
		}
		return c.(*net.TCPConn), nil
	}
}

// wrong is the address that a fault leads to.
func (d *detours) wrong(kind string) (string, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if to := d.to[kind]; to != "" {
		return to, nil
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	g := newGate(l)
	g.set(kind == "setup.port", kind == "setup.address")
	d.ends = append(d.ends, g.close)
	to := g.addr
	if d.watch != nil {
		tap, err := link.NewTap("127.0.0.1:0", g.addr, link.TapOptions{TimeScale: d.speed})
		if err != nil {
			return "", err
		}
		to = tap.Addr().String()
		offset := uint64(len(d.to)+1) << 32
		d.running.Go(func() {
			_ = tap.Run(d.ctx, func(ev link.Event) {
				ev.Conn += offset
				d.sink(ev)
			})
		})
	}
	d.to[kind] = to
	return to, nil
}

// end waits for the taps, whose context has ended, and takes the addresses away.
func (d *detours) end() {
	d.running.Wait()
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, end := range d.ends {
		end()
	}
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
