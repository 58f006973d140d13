//go:build unix

package cli

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/creack/pty"
	"github.com/moov-io/iso8583"

	"tillscope/diagnostics"
	"tillscope/link"
	"tillscope/sim"
	"tillscope/wire"
)

const (
	ack, nak = 0x06, 0x15
	between  = 100 * time.Millisecond // bytes of a frame: after a longer pause it is broken off
)

// framed packs a message for a serial line.
func framed(t *testing.T, mti string, f map[int]string) []byte {
	t.Helper()
	spec, err := wire.Spec("cup")
	if err != nil {
		t.Fatal(err)
	}
	m := iso8583.NewMessage(spec)
	m.MTI(mti)
	for id, v := range f {
		if err := m.Field(id, v); err != nil {
			t.Fatal(err)
		}
	}
	body, err := m.Pack()
	if err != nil {
		t.Fatal(err)
	}
	body = append([]byte{0x60, 0, 3, 0, 0, 0x60, 0x31, 0, 0x31, 0x10, 1}, body...)
	n := len(body)
	out := append([]byte{2, byte(n/1000<<4 | n/100%10), byte(n/10%10<<4 | n%10)}, body...)
	out = append(out, 3)
	var x byte
	for _, c := range out[1:] {
		x ^= c
	}
	return append(out, x)
}

// party is one end of the line: what it heard comes byte by byte, what it sends is paced as a wire would and may be
// damaged on its way.
type party struct {
	device *os.File
	heard  chan byte
	pace   time.Duration // of a byte
	damage func([]byte) []byte
	sent   int // bytes that reached the line
	tally
}

// tally is what the two ends know that a watcher has to find out.
type tally struct{ naks, again int }

func newParty(device *os.File, baud int, ear func(byte) byte) *party {
	p := &party{device: device, heard: make(chan byte, 4096), pace: 10 * time.Second / time.Duration(baud)}
	go func() {
		defer close(p.heard)
		for b := make([]byte, 256); ; {
			n, err := device.Read(b)
			for _, c := range b[:n] {
				p.heard <- ear(c)
			}
			if err != nil {
				return
			}
		}
	}()
	return p
}

func (p *party) send(b []byte) {
	if p.damage != nil {
		b = p.damage(b)
	}
	time.Sleep(time.Duration(len(b)) * p.pace)
	n, _ := p.device.Write(b)
	p.sent += n
}

// next is the byte that comes within a time.
func (p *party) next(within time.Duration) (c byte, ok bool) {
	select {
	case c, ok = <-p.heard:
	case <-time.After(within):
	}
	return c, ok
}

// take reads a frame as terminals do, and acknowledges it. It answers nil when nothing came within a time.
func (p *party) take(within time.Duration) []byte {
	for giveUp := time.Now().Add(within); ; {
		c, ok := p.next(time.Until(giveUp))
		if !ok {
			return nil
		}
		if c != 2 {
			continue
		}
		b := []byte{c}
		for {
			if c, ok = p.next(between); !ok {
				break
			}
			if b = append(b, c); len(b) > 3 && len(b) == 5+int(b[1]>>4)*1000+int(b[1]&15)*100+int(b[2]>>4)*10+int(b[2]&15) {
				break
			}
		}
		var x byte
		for _, c := range b[1:] {
			x ^= c
		}
		if n := len(b); ok && b[n-2] == 3 && x == 0 {
			p.send([]byte{ack})
			return b
		}
		for ok { // what is left of a frame whose length is damaged is not read as the next one
			_, ok = p.next(between)
		}
		p.naks++
		p.send([]byte{nak})
	}
}

// give sends a frame until it is acknowledged, at most three times.
func (p *party) give(b []byte) bool {
	for try := range 3 {
		if try > 0 {
			p.again++
		}
		p.send(b)
		for {
			c, ok := p.next(2 * time.Second)
			if ok && c == ack {
				return true
			}
			if !ok || c == nak {
				break
			}
		}
	}
	return false
}

// ended is the pair of ports that a line under test stands between.
func ended(t *testing.T) (a, b *os.File, names []string) {
	t.Helper()
	for _, d := range []**os.File{&a, &b} {
		device, port, err := pty.Open()
		if err != nil {
			t.Skip("no pseudo terminals here:", err)
		}
		*d = device
		names = append(names, port.Name())
		t.Cleanup(func() { port.Close(); device.Close() })
	}
	return a, b, names
}

// shop plays sales between a terminal and its host.
func shop(t *testing.T, terminal, host *party, sales int) (answered int) {
	t.Helper()
	done := make(chan struct{})
	var both sync.WaitGroup
	both.Go(func() {
		for {
			select {
			case <-done:
				return
			default:
			}
			b := host.take(50 * time.Millisecond)
			if b == nil {
				continue
			}
			m, _, err := wire.Decode(b, wire.Options{})
			if err != nil || m.Undecoded() {
				t.Errorf("the host got %X", b)
				continue
			}
			host.give(framed(t, "0210", map[int]string{3: "000000", 4: m.Get(4), 11: m.Get(11), 39: "00", 41: m.Get(41), 60: "22000001000"}))
		}
	})
	for i := range sales {
		ok := terminal.give(framed(t, "0200", map[int]string{2: "6200000000000005", 3: "000000", 4: fmt.Sprintf("%012d", 100+i), 11: fmt.Sprintf("%06d", i+1), 41: "10000001", 49: "156", 60: "22000001000"}))
		if ok && terminal.take(5*time.Second) != nil {
			answered++
		}
	}
	close(done)
	both.Wait()
	return answered
}

func TestSerialLineCountsWhatItsEndsKnow(t *testing.T) {
	for _, c := range []struct {
		mode   link.Mode
		behind bool // the damage is done where it cannot be seen
		auto   bool
	}{
		{link.Mode{Baud: 9600, DataBits: 8, Parity: "none", StopBits: "1"}, false, false},
		{link.Mode{Baud: 115200, DataBits: 8, Parity: "none", StopBits: "1"}, false, false},
		{link.Mode{Baud: 115200, DataBits: 8, Parity: "none", StopBits: "1"}, true, false},
		{link.Mode{Baud: 9600, DataBits: 7, Parity: "even", StopBits: "1"}, false, false},
		{link.Mode{Baud: 115200, DataBits: 7, Parity: "even", StopBits: "1"}, false, false},
		{link.Mode{Baud: 9600, DataBits: 8, Parity: "none", StopBits: "1"}, false, true},
	} {
		t.Run(fmt.Sprint(c), func(t *testing.T) {
			t.Parallel()
			a, b, names := ended(t)
			s, err := link.NewSerial(link.SerialOptions{Port: names[0], Other: names[1], Mode: c.mode, Auto: c.auto, Plausible: sense(wire.Options{})})
			if err != nil {
				t.Fatal(err)
			}
			session, err := diagnostics.NewSession(diagnostics.Options{Info: s.Info()})
			if err != nil {
				t.Fatal(err)
			}
			ctx, cancel := context.WithCancel(context.Background())
			defer cancel()
			over := make(chan error, 1)
			go func() { over <- s.Run(ctx, session.Handle) }()

			baud := 115200 // what is paced is the same at every speed
			if c.mode.Baud == 9600 && !c.auto {
				baud = 9600
			}
			heard := 0
			terminal := newParty(a, baud, func(x byte) byte { return x })
			host := newParty(b, baud, func(x byte) byte {
				if heard++; c.behind && heard%170 == 50 {
					x ^= 0x08
				}
				return x
			})
			dice := rand.New(rand.NewPCG(1, 2))
			wrong, planned := 0, 0
			terminal.damage = func(b []byte) []byte {
				if len(b) < 10 || planned%3 != 1 || c.behind {
					planned++
					return b
				}
				planned++
				b = bytes.Clone(b)
				switch at := dice.IntN(len(b)-5) + 3; dice.IntN(3) {
				case 0: // a byte of the message
					b[at] ^= byte(1 << dice.IntN(8))
					wrong++
				case 1: // the check byte
					b[len(b)-1] ^= 0x20
					wrong++
				case 2: // one that is lost
					b = append(b[:at], b[at+1:]...)
				}
				return b
			}
			const sales = 12
			answered := shop(t, terminal, host, sales)
			sent := int64(terminal.sent + host.sent)
			for giveUp := time.Now().Add(20 * time.Second); session.Snapshot().Lines[0].Bytes < sent && time.Now().Before(giveUp); {
				time.Sleep(10 * time.Millisecond)
			}
			cancel()
			if err := <-over; err != nil {
				t.Error(err)
			}
			session.End(nil)
			sn := session.Snapshot()
			l := sn.Lines[0]
			if l.Bytes != sent || answered != sales {
				t.Errorf("%d bytes of %d seen, %d of %d answered", l.Bytes, sent, answered, sales)
			}
			if naks, again := terminal.naks+host.naks, terminal.again+host.again; l.NAKs != naks || l.Retransmits != again || l.LRCErrors != wrong || naks == 0 {
				t.Errorf("NAKs %d of %d, sent again %d of %d, LRC errors %d of %d", l.NAKs, naks, l.Retransmits, again, l.LRCErrors, wrong)
			}
			if len(sn.Transactions) != sales {
				t.Errorf("%d transactions of %d sales", len(sn.Transactions), sales)
			}
			for _, x := range sn.Transactions {
				if x.ResponseCode != "00" {
					t.Errorf("%s is not answered", x.STAN)
				}
			}
			if t.Failed() {
				for _, e := range sn.Entries {
					if e.Msg == nil {
						t.Log(e.N, e.Kind, e.Note)
					} else {
						t.Log(e.N, e.Dir, e.Msg.MTI, e.Msg.Control, e.Msg.Check, len(e.Msg.Raw()), e.Again)
					}
				}
			}
		})
	}
}

// The two halves of the simulated store, with the line under test between them.
func TestSerialLineCarriesTheStore(t *testing.T) {
	for _, m := range []link.Mode{{Baud: 9600, DataBits: 8, Parity: "none", StopBits: "1"}, {Baud: 115200, DataBits: 8, Parity: "none", StopBits: "1"},
		{Baud: 9600, DataBits: 7, Parity: "even", StopBits: "1"}, {Baud: 115200, DataBits: 7, Parity: "even", StopBits: "1"}} {
		t.Run(m.String(), func(t *testing.T) {
			t.Parallel()
			const speed = 10
			ctx, cancel := context.WithCancel(context.Background())
			var all sync.WaitGroup
			defer all.Wait()
			defer cancel()
			var names []string
			for _, run := range []func(*sim.Store, context.Context, *sim.Port) error{(*sim.Store).SellSerial, (*sim.Store).ServeSerial} {
				store, err := sim.New(sim.Options{Seed: 3, Speed: speed, Serial: true})
				if err != nil {
					t.Fatal(err)
				}
				port, err := sim.OpenPort(sim.PTY, m.Baud)
				if err != nil {
					t.Skip(err)
				}
				names = append(names, port.Name)
				all.Go(func() {
					if err := run(store, ctx, port); err != nil {
						t.Error(err)
					}
				})
			}
			s, err := link.NewSerial(link.SerialOptions{Port: names[0], Other: names[1], Mode: m})
			if err != nil {
				t.Fatal(err)
			}
			session, err := diagnostics.NewSession(diagnostics.Options{Info: s.Info(), TimeScale: speed})
			if err != nil {
				t.Fatal(err)
			}
			all.Go(func() {
				if err := s.Run(ctx, session.Handle); err != nil {
					t.Error(err)
				}
			})
			var sn *diagnostics.Snapshot
			sold := 0
			for giveUp := time.Now().Add(60 * time.Second); sold < 5 && time.Now().Before(giveUp); time.Sleep(20 * time.Millisecond) {
				sn, sold = session.Snapshot(), 0
				for _, x := range sn.Transactions {
					if x.Type == "sale" && x.ResponseCode == "00" {
						sold++
					}
				}
			}
			if sold < 5 {
				t.Fatalf("%d sales", sold)
			}
			if l := sn.Lines[0]; l.Framing != "stx-etx" || l.Dialect != "cup" || l.Undecoded+l.LRCErrors+l.NAKs+l.Retransmits > 0 {
				t.Errorf("%+v", l)
			}
		})
	}
}

// The whole command, on one port that hears both directions.
func TestSerialCommandListensIn(t *testing.T) {
	a, _, names := ended(t)
	go func() {
		for i := 0; t.Context().Err() == nil; i++ { // until the port is open, bytes are lost
			f := map[int]string{3: "000000", 4: "000000000100", 11: fmt.Sprintf("%06d", i), 41: "10000001", 60: "22000001000"}
			_, _ = a.Write(framed(t, "0200", f))
			f[39] = "51"
			_, _ = a.Write(append([]byte{ack}, framed(t, "0210", f)...))
			time.Sleep(100 * time.Millisecond)
		}
	}()
	var r diagnostics.Report
	for length := 1500 * time.Millisecond; ; length *= 2 { // a busy machine gets to hear less in the same time
		out, err := run(t, "", "serial", names[0], "--baud", "115200", "--report", "json", "--for", length.String())
		if err != nil {
			t.Fatal(err)
		}
		if r = story(t, out); len(r.Transactions) >= 5 || length > 10*time.Second {
			break
		}
	}
	if len(r.Lines) != 1 || r.Lines[0].Terminal != names[0] || r.Lines[0].Framing != "stx-etx" || len(r.Transactions) < 5 || r.Transactions[1].ResponseCode != "51" {
		t.Errorf("%+v", r)
	}
}

func TestSerialArguments(t *testing.T) {
	for _, args := range [][]string{{}, {"a", "b", "c"}, {"a", "a"}, {"a", "--baud", "fast"}, {"a", "--baud", "7"}, {"a", "--parity", "x"}, {"a", "--data-bits", "9"}, {"a", "--stop-bits", "0"},
		{"a", "b", "--host", "h:1"}, {"a", "--host", "h"}, {"a", "--list"}, {"a", "--json"}} {
		if _, err := run(t, "", append([]string{"serial"}, args...)...); !errors.As(err, new(usageError)) {
			t.Errorf("%v: %v is no usage error", args, err)
		}
	}
	missing := filepath.Join(t.TempDir(), "ttyUSB0")
	if _, err := run(t, "", "serial", missing, "--report", "json"); err == nil || errors.As(err, new(usageError)) || !strings.Contains(err.Error(), missing) {
		t.Errorf("a port that is not there: %v", err)
	}
	for _, args := range [][]string{{"serial", "--list"}, {"serial", "--list", "--json"}} {
		out, err := run(t, "", args...)
		if err != nil || out == "" {
			t.Errorf("%v: %q, %v", args, out, err)
		}
		if len(args) == 3 && json.Unmarshal([]byte(out), new([]link.SerialPort)) != nil {
			t.Errorf("no JSON: %q", out)
		}
	}
}

func TestSenseOfASpeed(t *testing.T) {
	b := framed(t, "0200", map[int]string{3: "000000", 4: "000000000100", 11: "000001", 41: "10000001", 60: "22000001000"})
	if s := sense(wire.Options{})(append(bytes.Repeat([]byte{0xE0, 0x66}, 8), b...)); s < 0.5 {
		t.Errorf("a message behind noise makes sense by %.2f", s)
	}
	noise := make([]byte, 400)
	if _, err := io.ReadFull(rand.NewChaCha8([32]byte{}), noise); err != nil {
		t.Fatal(err)
	}
	if s := sense(wire.Options{})(noise); s > 0.1 {
		t.Errorf("noise makes sense by %.2f", s)
	}
}
