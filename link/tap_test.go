package link

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"io"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// rig runs a tap in front of serve and gives its address. stop waits for an event of the kind that ends the story, ends
// the tap and gives what it saw.
func rig(t *testing.T, serve func(*net.TCPConn)) (addr string, stop func(last Kind) []Event) {
	t.Helper()
	return rigWith(t, serve, TapOptions{}, func(Event) {})
}

// rigWith is rig with options and with a sink that gets everything after it has been noted.
func rigWith(t *testing.T, serve func(*net.TCPConn), o TapOptions, sink func(Event)) (addr string, stop func(last Kind) []Event) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	if serve == nil {
		l.Close()
	} else {
		wg.Go(func() {
			for {
				c, err := l.Accept()
				if err != nil {
					return
				}
				wg.Go(func() { defer c.Close(); serve(c.(*net.TCPConn)) })
			}
		})
	}
	tap, err := NewTap("127.0.0.1:0", l.Addr().String(), o)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	var seen []Event
	kinds := make(chan Kind, 1<<16)
	wg.Go(func() {
		if err := tap.Run(ctx, func(ev Event) { seen = append(seen, ev); kinds <- ev.Kind; sink(ev) }); err != nil {
			t.Error(err)
		}
	})
	return tap.Addr().String(), func(last Kind) []Event {
		for giveUp := time.After(20 * time.Second); ; {
			select {
			case k := <-kinds:
				if k != last {
					continue
				}
			case <-giveUp:
				t.Error("the event that ends the story never came")
			}
			break
		}
		cancel()
		l.Close()
		wg.Wait()
		return seen
	}
}

func dial(t *testing.T, addr string) *net.TCPConn {
	t.Helper()
	c, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	_ = c.SetDeadline(time.Now().Add(20 * time.Second))
	return c.(*net.TCPConn)
}

func count(evs []Event, k Kind, d Dir) (n int) {
	for _, ev := range evs {
		if ev.Kind == k && ev.Dir == d {
			n++
		}
	}
	return n
}

func gather(evs []Event, d Dir) []byte {
	var b []byte
	for _, ev := range evs {
		if ev.Kind == Data && ev.Dir == d {
			b = append(b, ev.Data...)
		}
	}
	return b
}

// The client ends its sending before the host answers: a relay that closes both ways on the first end loses the answer.
func TestTapCarriesEveryByteOverHalfClose(t *testing.T) {
	addr, stop := rig(t, func(c *net.TCPConn) {
		b, _ := io.ReadAll(c)
		_, _ = c.Write(append([]byte("got "), b...))
	})
	sent := make([]byte, 1<<20)
	_, _ = rand.Read(sent)
	c := dial(t, addr)
	go func() { _, _ = c.Write(sent); _ = c.CloseWrite() }()
	back, err := io.ReadAll(c)
	c.Close()
	if err != nil || !bytes.Equal(back, append([]byte("got "), sent...)) {
		t.Fatalf("%d bytes came back, err %v", len(back), err)
	}
	evs := stop(Closed)
	if !bytes.Equal(gather(evs, ToHost), sent) || !bytes.Equal(gather(evs, ToTerminal), back) {
		t.Error("the copies differ from what was relayed")
	}
	if count(evs, Opened, ToHost) != 1 || count(evs, HalfClose, ToHost) != 1 || count(evs, HalfClose, ToTerminal) != 1 || count(evs, Closed, ToHost) != 1 {
		t.Errorf("events %v", evs)
	}
}

func TestTapPassesAResetOnAndNamesItsSide(t *testing.T) {
	addr, stop := rig(t, func(c *net.TCPConn) {
		_, _ = c.Read(make([]byte, 1))
		abort(c)
	})
	c := dial(t, addr)
	_, _ = c.Write([]byte("x"))
	if _, err := c.Read(make([]byte, 1)); err == nil || errors.Is(err, io.EOF) {
		t.Errorf("the terminal saw %v, not a reset", err)
	}
	c.Close()
	if evs := stop(Reset); count(evs, Reset, ToTerminal) != 1 || count(evs, Reset, ToHost) != 0 {
		t.Errorf("events %v", evs)
	}
}

func TestTapResetsATerminalWhoseHostRefuses(t *testing.T) {
	addr, stop := rig(t, nil)
	// The reset may come before the connect returns.
	if c, err := net.Dial("tcp", addr); err == nil {
		_ = c.SetDeadline(time.Now().Add(20 * time.Second))
		if _, err := c.Read(make([]byte, 1)); err == nil {
			t.Error("the terminal was left connected")
		}
		c.Close()
	}
	if evs := stop(Refused); count(evs, Refused, ToTerminal) != 1 {
		t.Errorf("events %v", evs)
	}
}

func TestTapAddressesAreChecked(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	_, port, _ := net.SplitHostPort(l.Addr().String())
	for _, a := range []struct{ listen, upstream, bind, says string }{
		{"127.0.0.1:0", "nohost", "", "host:port"},
		{"127.0.0.1:0", ":8583", "", "host:port"},
		{"bad", "127.0.0.1:1", "", "host:port"},
		{"198.51.100.7:0", "127.0.0.1:1", "", "it has"},
		{"127.0.0.1:" + port, "127.0.0.1:1", "", "another program"},
		{"127.0.0.1:0", "127.0.0.1:1", "somewhere", "no IP address"},
		{"127.0.0.1:0", "127.0.0.1:1", "198.51.100.7", "this machine has"},
	} {
		if tap, err := NewTap(a.listen, a.upstream, TapOptions{Bind: a.bind}); err == nil || !strings.Contains(err.Error(), a.says) {
			t.Errorf("%+v: %v", a, err)
			if tap != nil {
				tap.listener.Close()
			}
		}
	}
}

func TestTapIntoItselfIsRefused(t *testing.T) {
	for _, a := range [][2]string{{"127.0.0.1:0", "127.0.0.1"}, {"0.0.0.0:0", "127.0.0.1"}, {":0", "localhost"}} {
		tap, err := NewTap(a[0], "192.0.2.1:8583", TapOptions{})
		if err != nil {
			t.Fatal(err)
		}
		_, port, _ := net.SplitHostPort(tap.Addr().String())
		for upstream, itself := range map[string]bool{net.JoinHostPort(a[1], port): true, net.JoinHostPort("192.0.2.1", port): false, net.JoinHostPort(a[1], "1"): false} {
			if tap.upstream = upstream; tap.isItself() != itself {
				t.Errorf("on %s, %s is the tap itself: %v", a[0], upstream, !itself)
			}
		}
		tap.listener.Close()
	}
	// The whole way, on a port that nobody else takes meanwhile.
	for try := range 50 {
		at := freePort(t)
		_, err := NewTap(at, at, TapOptions{})
		if err != nil && strings.Contains(err.Error(), "another program") {
			time.Sleep(time.Duration(try) * time.Millisecond)
			continue
		}
		if err == nil || !strings.Contains(err.Error(), "come back") {
			t.Errorf("a tap into itself: %v", err)
		}
		return
	}
	t.Skip("other programs take every port that is free")
}

// freePort is an address of the loopback on which nobody listens, for now.
func freePort(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}
