package link

import (
	"io"
	"os"
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
