package link

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gopacket/gopacket/layers"
	"github.com/gopacket/gopacket/pcapgo"
	"golang.org/x/sys/unix"
)

// collector gathers what events carried, by the terminal's address and the direction.
type collector struct {
	mu    sync.Mutex
	data  map[wayOf][]byte
	kinds map[Kind]int
}

func newCollector() *collector {
	return &collector{data: map[wayOf][]byte{}, kinds: map[Kind]int{}}
}

func (c *collector) take(ev Event) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.kinds[ev.Kind]++
	if ev.Kind == Data {
		way := wayOf{ev.Terminal, ev.Dir}
		c.data[way] = append(c.data[way], ev.Data...)
	}
}

func (c *collector) until(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for deadline := time.Now().Add(30 * time.Second); ; time.Sleep(5 * time.Millisecond) {
		c.mu.Lock()
		done := ok()
		c.mu.Unlock()
		if done {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("%s did not come: %v", what, c.kinds)
		}
	}
}

// captureLoopback captures a port of the loopback, or skips the test where that is not allowed.
func captureLoopback(t *testing.T, ports ...uint16) (seen *collector, c *Capture, end func()) {
	t.Helper()
	c, err := NewCapture("lo", ports)
	if err != nil {
		if os.Geteuid() == 0 {
			t.Fatal(err)
		}
		t.Skipf("only root may capture: %v", err)
	}
	seen = newCollector()
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- c.Run(ctx, seen.take) }()
	return seen, c, func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	}
}

// TestCaptureSeesWhatATapSees relays over the loopback and captures it at the same time.
func TestCaptureSeesWhatATapSees(t *testing.T) {
	host, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer host.Close()
	go func() {
		for {
			c, err := host.Accept()
			if err != nil {
				return
			}
			go func() {
				defer c.Close()
				_, _ = io.Copy(c, c)
			}()
		}
	}()
	tap, err := NewTap("127.0.0.1:0", host.Addr().String(), TapOptions{})
	if err != nil {
		t.Fatal(err)
	}
	port := uint16(tap.Addr().(*net.TCPAddr).Port)
	passive, capture, end := captureLoopback(t, port)
	inline := newCollector()
	ctx, cancel := context.WithCancel(context.Background())
	tapped := make(chan error, 1)
	go func() { tapped <- tap.Run(ctx, inline.take) }()

	const terminals, rounds = 20, 100
	var all sync.WaitGroup
	for i := range terminals {
		all.Go(func() {
			c, err := net.Dial("tcp", tap.Addr().String())
			if err != nil {
				t.Error(err)
				return
			}
			defer c.Close()
			for n := range rounds {
				out := bytes.Repeat([]byte(fmt.Sprintf("%d/%d ", i, n)), 1+n*7%60)
				back := make([]byte, len(out))
				if _, err := c.Write(out); err != nil {
					t.Error(err)
					return
				}
				if _, err := io.ReadFull(c, back); err != nil || !bytes.Equal(out, back) {
					t.Error("the tap broke the line:", err)
					return
				}
			}
		})
	}
	all.Wait()
	inline.until(t, "the end of the tapped connections", func() bool { return inline.kinds[Closed]+inline.kinds[Reset] == terminals })
	passive.until(t, "the end of the captured connections", func() bool { return passive.kinds[Closed]+passive.kinds[Reset] == terminals })
	cancel()
	if err := <-tapped; err != nil {
		t.Error(err)
	}
	end()
	if len(inline.data) != 2*terminals || len(passive.data) != len(inline.data) {
		t.Errorf("%d directions tapped, %d captured", len(inline.data), len(passive.data))
	}
	for way, want := range inline.data {
		if got := passive.data[way]; !bytes.Equal(got, want) {
			t.Errorf("%v: the tap saw %d bytes, the capture %d", way, len(want), len(got))
		}
	}
	if passive.kinds[Opened] != terminals || passive.kinds[Gap]+passive.kinds[Retransmitted]+capture.tally.Dropped > 0 {
		t.Errorf("captured %v, %+v", passive.kinds, capture.tally)
	}
}

// TestCapturePutsInOrder sends the packets of a line with mishaps over the loopback.
func TestCapturePutsInOrder(t *testing.T) {
	raw, sent := talk(t, 7, Mishaps{Split: 0.1, Lost: 0.02, Doubled: 0.02, Swapped: 0.02, Resent: 0.02})
	seen, _, end := captureLoopback(t, 8583)
	lo, err := net.InterfaceByName("lo")
	if err != nil {
		t.Fatal(err)
	}
	fd, err := unix.Socket(unix.AF_PACKET, unix.SOCK_RAW|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(fd)
	r, err := pcapgo.NewReader(bytes.NewReader(raw))
	if err != nil {
		t.Fatal(err)
	}
	for n := 0; ; n++ {
		b, _, err := r.ReadPacketData()
		if err != nil {
			break
		}
		if err := unix.Sendto(fd, b, 0, &unix.SockaddrLinklayer{Ifindex: lo.Index}); err != nil {
			t.Fatal(err)
		}
	}
	seen.until(t, "the end of the connections", func() bool { return seen.kinds[Closed] == 8 })
	end()
	for way, want := range sent {
		if got := seen.data[way]; !bytes.Equal(got, want) {
			t.Errorf("%v carried %d bytes, %d came", way, len(want), len(got))
		}
	}
}

func TestInterfaces(t *testing.T) {
	all, err := Interfaces()
	if err != nil || len(all) == 0 {
		t.Fatal(all, err)
	}
	if _, err := NewCapture("nothere0", nil); err == nil || !strings.Contains(err.Error(), all[0].Name) {
		t.Errorf("an unknown interface: %v", err)
	}
}

func TestOwnConnectionIsLeftOut(t *testing.T) {
	c := Capture{own: sshConnection("192.0.2.1 50000 192.0.2.2 22"), ports: []uint16{22, 8583}}
	for _, frames := range []struct {
		terminal, host string
		want           bool
	}{{"192.0.2.1:50000", "192.0.2.2:22", false}, {"192.0.2.1:50001", "192.0.2.2:22", true}, {"192.0.2.1:50000", "192.0.2.2:9000", false}} {
		for _, b := range framesBetween(t, frames.terminal, frames.host) {
			p := newParser(&c.tally)
			if !p.packet(layers.LinkTypeEthernet, b, 1) || c.wanted(&p.segment) != frames.want {
				t.Errorf("%+v is not treated so", frames)
			}
		}
	}
	if sshConnection("") != (pair{}) || sshConnection("a b c d") != (pair{}) {
		t.Error("nonsense is taken for a connection")
	}
}
