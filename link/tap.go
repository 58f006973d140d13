package link

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
)

// acceptPause is how long the tap waits when the system has no room for another connection. Terminals wait meanwhile in
// the system's own queue, as in front of a busy host.
const acceptPause = 50 * time.Millisecond

// keepAlive finds peers that went away without a word on connections that idle, at two small segments a minute.
var keepAlive = net.KeepAliveConfig{Enable: true, Idle: time.Minute, Interval: 15 * time.Second, Count: 4}

// TapOptions are what a tap can be told beyond its two addresses.
type TapOptions struct {
	Bind      string  // local IP address towards the host; the system chooses when empty
	TimeScale float64 // how many times faster than life this line runs: thresholds in time are divided by it; 0 is 1
}

// Tap is an inline TCP relay: terminals connect to it, and it connects to the host for each of them. It adds no byte and
// no header of its own. What the analysis gets are copies.
type Tap struct {
	listener net.Listener
	upstream string
	bind     *net.TCPAddr
	scale    float64
	queue    *queue
	usual    atomic.Int64 // how long answers take at the most of late, in nanoseconds

	mu       sync.Mutex
	standing map[*relay]struct{}
}

// NewTap binds listen at once, so that a terminal may connect from now on. Both addresses are host:port. The upstream may
// be a name: each connection looks it up anew and tries all its addresses in turn.
func NewTap(listen, upstream string, o TapOptions) (*Tap, error) {
	if err := CheckHost(upstream); err != nil {
		return nil, err
	}
	t := &Tap{upstream: upstream, scale: o.TimeScale, queue: newQueue(), standing: map[*relay]struct{}{}}
	if t.scale <= 0 {
		t.scale = 1
	}
	if o.Bind != "" {
		local, err := localAddress(o.Bind)
		if err != nil {
			return nil, err
		}
		t.bind = local
	}
	l, err := Listen(listen)
	if err != nil {
		return nil, err
	}
	t.listener = l
	if t.isItself() {
		l.Close()
		return nil, mistake("the host's address %s is the tap's own, and every connection would come back to it: name the real host", upstream)
	}
	return t, nil
}

// Listen binds a TCP address, host:port. An error says what to do about it.
func Listen(listen string) (net.Listener, error) {
	_, port, err := net.SplitHostPort(listen)
	if _, perr := net.LookupPort("tcp", port); err != nil || perr != nil {
		return nil, mistake("the address to listen on %q is not host:port, as in 0.0.0.0:8583; ports are 1 to 65535", listen)
	}
	lc := net.ListenConfig{KeepAliveConfig: keepAlive}
	lc.SetMultipathTCP(false) // a terminal must meet what its host would offer
	l, err := lc.Listen(context.Background(), "tcp", listen)
	var dns *net.DNSError
	switch {
	case errors.Is(err, syscall.EADDRINUSE) || errors.Is(err, wsaInUse):
		return nil, fmt.Errorf("cannot listen on %s: another program has it; end that one (a tap whose terminal went away goes on, `pkill tillscope` ends it) or take another port", listen)
	case errors.Is(err, os.ErrPermission):
		return nil, fmt.Errorf("cannot listen on %s: ports below 1024 need more rights; take a higher port", listen)
	case errors.Is(err, syscall.EADDRNOTAVAIL) || errors.Is(err, wsaNotLocal) || errors.As(err, &dns):
		return nil, fmt.Errorf("cannot listen on %s: this machine has no such address; it has %s, and 0.0.0.0 means all of them", listen, localAddresses())
	case err != nil:
		return nil, fmt.Errorf("cannot listen on %s: %w", listen, err)
	}
	return l, nil
}

// CheckHost says what is wrong with the address of a host. Its name is looked up when it is called.
func CheckHost(s string) error {
	name, port, err := net.SplitHostPort(s)
	if n, perr := net.LookupPort("tcp", port); err != nil || name == "" || perr != nil || n == 0 {
		return mistake("the host's address %q is not host:port, as in 192.0.2.7:8583; ports are 1 to 65535", s)
	}
	return nil
}

// localAddress checks that the machine has the address.
func localAddress(s string) (*net.TCPAddr, error) {
	ip, err := netip.ParseAddr(s)
	if err != nil {
		return nil, mistake("the local address %q is no IP address; this machine has %s", s, localAddresses())
	}
	a := &net.TCPAddr{IP: ip.AsSlice(), Zone: ip.Zone()}
	l, err := net.ListenTCP("tcp", a)
	if err != nil {
		return nil, fmt.Errorf("the local address %s cannot be used: %w; this machine has %s", s, err, localAddresses())
	}
	return a, l.Close()
}

func localAddresses() string {
	addrs, err := net.InterfaceAddrs()
	if err != nil {
		return "addresses that cannot be listed"
	}
	list := ""
	for _, a := range addrs {
		if n, ok := a.(*net.IPNet); ok {
			if list != "" {
				list += ", "
			}
			list += n.IP.String()
		}
	}
	return list
}

// isItself tells an upstream that is the tap's own listening address.
func (t *Tap) isItself() bool {
	name, port, _ := net.SplitHostPort(t.upstream)
	own := t.listener.Addr().(*net.TCPAddr)
	if n, err := net.LookupPort("tcp", port); err != nil || n != own.Port {
		return false
	}
	ip := net.ParseIP(name)
	if name == "localhost" {
		ip = net.IPv4(127, 0, 0, 1)
	}
	switch {
	case ip == nil:
		return false
	case ip.Equal(own.IP) || ip.IsUnspecified():
		return true
	case !own.IP.IsUnspecified():
		return false
	}
	addrs, _ := net.InterfaceAddrs()
	for _, a := range addrs {
		if n, ok := a.(*net.IPNet); ok && (n.IP.Equal(ip) || ip.IsLoopback()) {
			return true
		}
	}
	return false
}

// Addr is the address that the tap listens on.
func (t *Tap) Addr() net.Addr { return t.listener.Addr() }

// Bind is the local address towards the host, empty when the system chooses.
func (t *Tap) Bind() string {
	if t.bind == nil {
		return ""
	}
	return (&net.IPAddr{IP: t.bind.IP, Zone: t.bind.Zone}).String()
}

// Info describes the tap.
func (t *Tap) Info() Info {
	return Info{Kind: "tap", Describe: fmt.Sprintf("%s -> %s", t.Addr(), t.upstream)}
}

// Dropped counts what sink did not get.
func (t *Tap) Dropped() Dropped { return t.queue.counts() }

// Run relays until ctx ends. Connections then standing are closed. Nothing that sink does, be it that it panics or never
// returns, reaches a connection.
func (t *Tap) Run(ctx context.Context, sink func(Event)) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	var relays sync.WaitGroup
	var failed error
	var conns uint64
	relays.Go(func() { t.watch(ctx) })
	relays.Go(func() {
		for {
			c, err := t.listener.Accept()
			switch {
			case err == nil:
				conns++ // here, so that connections are numbered in the order in which they came
				id := conns
				relays.Go(func() { t.relay(ctx, c.(*net.TCPConn), id) })
			case ctx.Err() != nil:
				return
			case noRoom(err):
				time.Sleep(acceptPause)
			default:
				failed = fmt.Errorf("the tap can accept no more connections: %w", err)
				cancel()
				return
			}
		}
	})
	done := make(chan struct{})
	go func() {
		<-ctx.Done()
		t.listener.Close()
		relays.Wait()
		close(done)
	}()
	t.queue.pump(done, sink)
	return failed
}

// noRoom tells what passes: too many open files, no buffers, a terminal that left the queue before its turn.
func noRoom(err error) bool {
	for _, e := range []error{syscall.EMFILE, syscall.ENFILE, syscall.ENOBUFS, syscall.ENOMEM, syscall.ECONNABORTED, syscall.EINTR} {
		if errors.Is(err, e) {
			return true
		}
	}
	return false
}

// jitter is what a busy machine delays by itself, however fast the line lives.
const jitter = 200 * time.Millisecond

// scaled is a time of life on this line.
func (t *Tap) scaled(d time.Duration) time.Duration {
	return max(time.Duration(float64(d)/t.scale), min(d, jitter))
}
