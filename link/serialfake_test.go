package link

import (
	"io"
	"net"
	"os"
	"slices"
	"sync"
	"testing"

	"go.bug.st/serial"
)

// wired is a port with modem lines. Its other end is the test.
type wired struct {
	io.ReadWriteCloser
	mu       sync.Mutex
	bits     serial.ModemStatusBits
	dtr, rts bool
	sets     int
}

func (p *wired) SetMode(*serial.Mode) error { return nil }
func (p *wired) GetModemStatusBits() (*serial.ModemStatusBits, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	b := p.bits
	return &b, nil
}
func (p *wired) SetDTR(on bool) error { return p.set(&p.dtr, on) }
func (p *wired) SetRTS(on bool) error { return p.set(&p.rts, on) }
func (p *wired) set(line *bool, on bool) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	*line = on
	p.sets++
	return nil
}
func (p *wired) turn(b serial.ModemStatusBits) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.bits = b
}

// fakePorts puts ports of the test's in place of the system's.
func fakePorts(t *testing.T, ports map[string]port) {
	real := openPort
	openPort = func(name string, _ Mode) (port, error) {
		if p := ports[name]; p != nil {
			return p, nil
		}
		return nil, os.ErrNotExist
	}
	t.Cleanup(func() { openPort = real })
}

// quick is a far end that answers before the write to it returns, and lets that wait until the answer was seen.
type quick struct {
	answers chan []byte
	seen    chan struct{}
	closed  chan struct{}
	once    sync.Once
}

func (q *quick) Read(b []byte) (int, error) {
	select {
	case a := <-q.answers:
		return copy(b, a), nil
	case <-q.closed:
		return 0, io.EOF
	}
}

func (q *quick) Write(b []byte) (int, error) {
	q.answers <- []byte("answer")
	select {
	case <-q.seen:
	case <-q.closed:
	}
	return len(b), nil
}

func (q *quick) Close() error {
	q.once.Do(func() { close(q.closed) })
	return nil
}

// However quick an answer is, its request stands before it.
func TestRequestsStandBeforeQuickAnswers(t *testing.T) {
	here, there := net.Pipe()
	far := &quick{answers: make(chan []byte, 1), seen: make(chan struct{}), closed: make(chan struct{})}
	fakePorts(t, map[string]port{"A": &wired{ReadWriteCloser: there}, "B": &wired{ReadWriteCloser: far}})
	w := watchSerial(t, SerialOptions{Port: "A", Other: "B"}, nil)
	if _, err := here.Write([]byte("request")); err != nil {
		t.Fatal(err)
	}
	got := make([]byte, 16)
	n, err := here.Read(got) // the answer has gone through
	if err != nil || string(got[:n]) != "answer" {
		t.Fatalf("%q, %v", got[:n], err)
	}
	var order []Dir
	data := func(evs []Event) []Dir {
		order = order[:0]
		for _, ev := range evs {
			if ev.Kind == Data {
				order = append(order, ev.Dir)
			}
		}
		return order
	}
	w.until("the answer", func(evs []Event) bool { return slices.Contains(data(evs), ToTerminal) })
	close(far.seen)
	w.until("both", func(evs []Event) bool { return len(data(evs)) == 2 })
	if order[0] != ToHost {
		t.Errorf("the order is %v", order)
	}
}
