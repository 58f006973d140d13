//go:build unix

package link

import (
	"bytes"
	"context"
	"errors"
	"io"
	"math/rand/v2"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/creack/pty"
	"go.bug.st/serial"
)

// cable is a pty under a lasting name: what is written to the device comes out of the port of that name.
type cable struct {
	t      *testing.T
	name   string
	device *os.File
	port   *os.File // held so that the device is not hung up when nobody has the port open
}

func plug(t *testing.T) *cable {
	t.Helper()
	c := &cable{t: t, name: filepath.Join(t.TempDir(), "ttyTest")}
	c.replug()
	t.Cleanup(c.unplug)
	return c
}

func (c *cable) replug() {
	c.t.Helper()
	device, port, err := pty.Open()
	if err != nil {
		c.t.Skip("no pseudo terminals here:", err)
	}
	if err := os.Symlink(port.Name(), c.name); err != nil {
		c.t.Fatal(err)
	}
	c.device, c.port = device, port
}

func (c *cable) unplug() {
	os.Remove(c.name)
	c.port.Close()
	c.device.Close()
}

// watched is a serial line under test and what it told.
type watched struct {
	t      *testing.T
	cancel func()
	ended  chan error

	mu     sync.Mutex
	events []Event
	more   chan struct{}
}

// watch runs a line. Events are taken once block, when there is one, is closed.
func watchSerial(t *testing.T, o SerialOptions, block <-chan struct{}) *watched {
	t.Helper()
	s, err := NewSerial(o)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	w := &watched{t: t, cancel: cancel, ended: make(chan error, 1), more: make(chan struct{}, 1)}
	go func() {
		w.ended <- s.Run(ctx, func(ev Event) {
			if block != nil {
				<-block
			}
			w.mu.Lock()
			w.events = append(w.events, ev)
			w.mu.Unlock()
			select {
			case w.more <- struct{}{}:
			default:
			}
		})
	}()
	t.Cleanup(func() { w.end() })
	return w
}

func (w *watched) end() []Event {
	w.cancel()
	select {
	case err := <-w.ended:
		w.ended <- err
		if err != nil {
			w.t.Error(err)
		}
	case <-time.After(20 * time.Second):
		w.t.Fatal("watching does not end")
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	return slices.Clone(w.events)
}

// until waits for what was told to satisfy a condition.
func (w *watched) until(what string, ok func([]Event) bool) []Event {
	w.t.Helper()
	for giveUp := time.After(30 * time.Second); ; {
		w.mu.Lock()
		events := slices.Clone(w.events)
		w.mu.Unlock()
		if ok(events) {
			return events
		}
		select {
		case <-w.more:
		case <-giveUp:
			w.t.Fatalf("%s never came; there was %+v", what, events)
		}
	}
}

func all(evs []Event, k Kind) (out []Event) {
	for _, ev := range evs {
		if ev.Kind == k {
			out = append(out, ev)
		}
	}
	return out
}

// expect reads exactly what is wanted.
func expect(t *testing.T, from io.Reader, want []byte) {
	t.Helper()
	got := make([]byte, len(want))
	if n, err := io.ReadFull(from, got); err != nil || !bytes.Equal(got, want) {
		t.Errorf("%d bytes of %d came, err %v, or others", n, len(want), err)
	}
}

func noise(n int) []byte {
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(rand.N(256))
	}
	return b
}

func TestSerialRelayIsExactAndWaitsForNobody(t *testing.T) {
	for _, m := range []Mode{{9600, 8, "none", "1"}, {115200, 8, "none", "1"}, {9600, 7, "even", "1"}, {115200, 7, "even", "2"}} {
		t.Run(m.String(), func(t *testing.T) {
			a, b := plug(t), plug(t)
			block := make(chan struct{})
			w := watchSerial(t, SerialOptions{Port: a.name, Other: b.name, Mode: m}, block)
			out, back := append(noise(100_000), 1, 2, 3), append(noise(50_000), 0x11, 0x13, 0, 0xFF, '\r', '\n')
			var both sync.WaitGroup
			both.Go(func() { _, _ = a.device.Write(out) })
			both.Go(func() { _, _ = b.device.Write(back) })
			both.Go(func() { expect(t, b.device, out) })
			both.Go(func() { expect(t, a.device, back) })
			both.Wait() // although nobody takes the events
			close(block)
			events := w.until("all bytes", func(evs []Event) bool {
				return len(gather(evs, ToHost)) == len(out) && len(gather(evs, ToTerminal)) == len(back)
			})
			if !bytes.Equal(gather(events, ToHost), out) || !bytes.Equal(gather(events, ToTerminal), back) {
				t.Error("the copies differ from what was relayed")
			}
			if count(events, Opened, ToHost) != 1 {
				t.Errorf("the line was opened %d times", count(events, Opened, ToHost))
			}
			w.end()
		})
	}
}

func TestOnePortListensAndSendsNothing(t *testing.T) {
	a := plug(t)
	w := watchSerial(t, SerialOptions{Port: a.name}, nil)
	if _, err := a.device.Write([]byte("hello")); err != nil {
		t.Fatal(err)
	}
	events := w.until("the bytes", func(evs []Event) bool { return string(gather(evs, ToHost)) == "hello" })
	if events[0].Terminal != a.name || events[0].Host != "" || events[0].Conn != 1 {
		t.Errorf("%+v", events[0])
	}
	if len(all(w.end(), Unplugged)) > 0 {
		t.Error("silence passes for a port that went away")
	}
	_, _ = a.port.Write([]byte("first"))
	expect(t, a.device, []byte("first"))
}

// A pty has no modem lines: that is said once, and never taken for lines that are off.
func TestRefusedModemLinesAreNotOff(t *testing.T) {
	a, b := plug(t), plug(t)
	w := watchSerial(t, SerialOptions{Port: a.name, Other: b.name}, nil)
	w.until("the refusal", func(evs []Event) bool { return len(all(evs, Signals)) == 2 })
	time.Sleep(10 * pollLines)
	for _, ev := range all(w.end(), Signals) {
		if ev.Note != "" {
			t.Errorf("a pty says %q", ev.Note)
		}
	}
}

func TestUnpluggedAndBack(t *testing.T) {
	a, b := plug(t), plug(t)
	w := watchSerial(t, SerialOptions{Port: a.name, Other: b.name}, nil)
	_, _ = a.device.Write([]byte("one"))
	expect(t, b.device, []byte("one"))
	for i, c := range []*cable{b, a} { // the far end first, then the near one
		c.unplug()
		w.until("the loss", func(evs []Event) bool { return len(all(evs, Unplugged)) == i+1 })
		if c == b { // what the terminal sends now is seen, and lost
			_, _ = a.device.Write([]byte("lost"))
			w.until("what is lost", func(evs []Event) bool { return bytes.HasSuffix(gather(evs, ToHost), []byte("lost")) })
		}
		c.replug()
		w.until("the return", func(evs []Event) bool { return len(all(evs, Plugged)) == i+1 })
		_, _ = a.device.Write([]byte("again"))
		expect(t, b.device, []byte("again"))
		_, _ = b.device.Write([]byte("back"))
		expect(t, a.device, []byte("back"))
	}
	events := w.end()
	gone := all(events, Unplugged)
	if gone[0].Dir != ToTerminal || gone[0].Note != b.name || gone[1].Dir != ToHost || gone[1].Note != a.name {
		t.Errorf("the sides and names of the ports: %+v", gone)
	}
	if got := string(gather(events, ToHost)); got != "onelostagainagain" {
		t.Errorf("to the host: %q", got)
	}
}

func TestAFarEndThatTakesNothingDoesNotHoldTheEnd(t *testing.T) {
	a, b := plug(t), plug(t)
	w := watchSerial(t, SerialOptions{Port: a.name, Other: b.name}, nil)
	_, _ = a.device.Write(make([]byte, 22_000)) // more than one pty takes, less than both
	w.until("the stall", func(evs []Event) bool { return len(all(evs, Stalled)) > 0 })
	_, _ = b.device.Write([]byte("the other direction goes on"))
	expect(t, a.device, []byte("the other direction goes on"))
	w.end()
}

func TestSerialToAHost(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	go func() { // one message a call, as hosts like it
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			b := make([]byte, 3)
			_, _ = io.ReadFull(c, b)
			_, _ = c.Write(bytes.ToUpper(b))
			c.Close()
		}
	}()
	a := plug(t)
	w := watchSerial(t, SerialOptions{Port: a.name, Host: l.Addr().String()}, nil)
	for i, m := range []string{"one", "two"} {
		_, _ = a.device.Write([]byte(m))
		expect(t, a.device, []byte(strings.ToUpper(m)))
		w.until("the end of the call", func(evs []Event) bool { return len(all(evs, Closed)) == i+1 })
	}
	l.Close()
	for i := range 2 {
		_, _ = a.device.Write([]byte("three"))
		w.until("the refusal", func(evs []Event) bool { return len(all(evs, Refused)) == i+1 && len(gather(evs, ToHost)) == 11+5*i })
	}
	events := w.end()
	calls, data := all(events, Opened), all(events, Data)
	if n := len(data); data[n-1].Conn != data[n-2].Conn || data[n-1].Conn == all(events, Refused)[1].Conn {
		t.Error("what is sent again belongs to another connection, or to one that was refused")
	}
	if len(calls) != 2 || calls[0].Conn == calls[1].Conn || string(gather(events, ToTerminal)) != "ONETWO" {
		t.Errorf("%+v", events)
	}
}

func TestModemLinesAreToldAndFollowed(t *testing.T) {
	left, leftFar := net.Pipe()
	right, rightFar := net.Pipe()
	defer leftFar.Close()
	defer rightFar.Close()
	a, b := &wired{ReadWriteCloser: left, dtr: true, rts: true}, &wired{ReadWriteCloser: right, dtr: true, rts: true}
	a.bits = serial.ModemStatusBits{DSR: true, CTS: true}
	fakePorts(t, map[string]port{"A": a, "B": b})
	w := watchSerial(t, SerialOptions{Port: "A", Other: "B"}, nil)
	said := func(what string, dir Dir) func([]Event) bool {
		return func(evs []Event) bool {
			return slices.ContainsFunc(evs, func(ev Event) bool { return ev.Kind == Signals && ev.Dir == dir && ev.Note == what })
		}
	}
	w.until("the lines at first", said("DSR on, CTS on, DCD off, RI off", ToHost))
	w.until("the lines at first", said("DSR off, CTS off, DCD off, RI off", ToTerminal))
	a.turn(serial.ModemStatusBits{DSR: true, DCD: true})
	w.until("the change", said("CTS off, DCD on", ToHost))
	w.end()
	if !b.dtr || b.rts {
		t.Errorf("the other side shows DTR %v, RTS %v", b.dtr, b.rts)
	}
	if !a.dtr || !a.rts || a.sets > 0 {
		t.Error("lines that are not wired are followed")
	}
}

func TestPortsThatCannotBeOpened(t *testing.T) {
	real := openPort
	t.Cleanup(func() { openPort = real })
	for _, c := range []struct {
		err  error
		want string
	}{
		{os.ErrNotExist, "there is no port"},
		{os.ErrPermission, "no permission"},
		{&serial.PortError{}, "is in use"}, // its zero value is a busy port
		{errors.New("input/output error"), "cannot be opened"},
	} {
		openPort = func(string, Mode) (port, error) { return nil, c.err }
		if _, err := NewSerial(SerialOptions{Port: "/dev/ttyUSB7"}); err == nil || !strings.Contains(err.Error(), c.want) || !strings.Contains(err.Error(), "/dev/ttyUSB7") {
			t.Errorf("%v gives %v", c.err, err)
		}
	}
	openPort = real
	if _, err := OpenSerial("/dev/null", DefaultMode); err == nil || !strings.Contains(err.Error(), "is no serial port") {
		t.Error(err)
	}
	a := plug(t)
	if _, err := OpenSerial(a.name, Mode{9600, 8, "none", "1.5"}); err == nil || !strings.Contains(err.Error(), "1.5 stop bits") {
		t.Error(err)
	}
	for _, m := range []Mode{{}, {9600, 9, "none", "1"}, {9600, 8, "some", "1"}, {9600, 8, "none", "3"}, {5_000_000, 8, "none", "1"}} {
		if m.Check() == nil {
			t.Errorf("%v is taken", m)
		}
	}
	for _, o := range []SerialOptions{{Port: a.name, Other: a.name}, {Port: a.name, Host: "nowhere"}, {Port: a.name, Other: "b", Host: "192.0.2.1:1"}} {
		if _, err := NewSerial(o); err == nil {
			t.Errorf("%+v is taken", o)
		}
	}
}
