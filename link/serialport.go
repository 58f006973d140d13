package link

import (
	"errors"
	"fmt"
	"io"
	"sync"
	"sync/atomic"
	"time"

	"go.bug.st/serial"
)

// Mode is how bytes stand on a serial line.
type Mode struct {
	Baud     int    // bits a second, 50 to 4,000,000
	DataBits int    // 5 to 8
	Parity   string // none, odd, even, mark or space
	StopBits string // 1, 1.5 or 2
}

// DefaultMode is what most terminals are set to: 9600 8N1.
var DefaultMode = Mode{9600, 8, "none", "1"}

var (
	parities = map[string]serial.Parity{"none": serial.NoParity, "odd": serial.OddParity, "even": serial.EvenParity, "mark": serial.MarkParity, "space": serial.SpaceParity}
	stops    = map[string]serial.StopBits{"1": serial.OneStopBit, "1.5": serial.OnePointFiveStopBits, "2": serial.TwoStopBits}
)

// Check says what is wrong with the settings, and what may stand instead.
func (m Mode) Check() error {
	_, parity := parities[m.Parity]
	_, stop := stops[m.StopBits]
	switch {
	case m.Baud < 50 || m.Baud > 4_000_000:
		return mistake("%d baud is no speed of a serial line: 50 to 4000000, most often 9600 or 115200", m.Baud)
	case m.DataBits < 5 || m.DataBits > 8:
		return mistake("%d data bits do not exist: 5, 6, 7 or 8", m.DataBits)
	case !parity:
		return mistake("no parity %q: none, odd, even, mark or space", m.Parity)
	case !stop:
		return mistake("no number of stop bits %q: 1, 1.5 or 2", m.StopBits)
	}
	return nil
}

// String is the mode as technicians write it, 9600 8N1.
func (m Mode) String() string {
	letter := map[string]string{"none": "N", "odd": "O", "even": "E", "mark": "M", "space": "S"}[m.Parity]
	return fmt.Sprintf("%d %d%s%s", m.Baud, m.DataBits, letter, m.StopBits)
}

func (m Mode) native() *serial.Mode {
	// DTR and RTS stay as the system sets them when it opens a port, on: to lower them afterwards would be one more pulse.
	return &serial.Mode{BaudRate: m.Baud, DataBits: m.DataBits, Parity: parities[m.Parity], StopBits: stops[m.StopBits]}
}

// port is what a serial line needs of a serial.Port. A pty has no modem lines and refuses them.
type port interface {
	io.ReadWriteCloser
	SetMode(*serial.Mode) error
	GetModemStatusBits() (*serial.ModemStatusBits, error)
	SetDTR(bool) error
	SetRTS(bool) error
}

// openPort is replaced in tests that need modem lines.
var openPort = func(name string, m Mode) (port, error) { return serial.Open(name, m.native()) }

// OpenSerial opens a serial port, or a pty, for reading and writing raw bytes. An error says what to do about it.
func OpenSerial(name string, m Mode) (io.ReadWriteCloser, error) {
	if err := m.Check(); err != nil {
		return nil, err
	}
	p, err := openPort(name, m)
	if err != nil {
		return nil, explainOpen(name, m, err)
	}
	return p, nil
}

var errAway = errors.New("the port is not there")

// end is one end of a serial line: a port that may go away and come back.
type end struct {
	side Dir           // in which its bytes travel
	now  func() string // the port's name: one on USB may come back under another number

	mu    sync.Mutex // held while a write is under way: a port must not be closed under it, its number may be another file's by then
	port  port       // nil while it is away
	mode  Mode       // that it is set to
	lines lines
	since atomic.Int64 // when the write under way began, in Unix nanoseconds, 0 when none is
	slow  bool         // told that it takes nothing
}

// Write sends bytes out of the port, all or an error.
func (e *end) Write(b []byte) (n int, err error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.port == nil {
		return 0, errAway
	}
	e.since.Store(time.Now().UnixNano())
	defer e.since.Store(0)
	for n < len(b) && err == nil {
		var k int
		if k, err = e.port.Write(b[n:]); k == 0 && err == nil {
			err = io.ErrShortWrite
		}
		n += k
	}
	return n, err
}

// idle uses the port, unless it is away or a write is under way.
func (e *end) idle(f func(port)) {
	if e.since.Load() == 0 && e.mu.TryLock() {
		defer e.mu.Unlock()
		if e.port != nil {
			f(e.port)
		}
	}
}

// shut closes the port. Who writes to a port whose other end takes nothing, and has no speed of its own, would write for
// ever: then it is left to the end of the program.
func (e *end) shut() {
	for range 50 {
		if e.mu.TryLock() {
			if e.port != nil {
				_ = e.port.Close() // there is nothing to be lost any more
				e.port = nil
			}
			e.mu.Unlock()
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
}

// lines are the modem lines of a port as last seen, and which of them have ever been on.
type lines struct {
	known     bool
	refused   bool
	now, ever serial.ModemStatusBits
}

// note names the lines that differ from before, or all of them at first.
func (l *lines) note(now serial.ModemStatusBits) (changed string) {
	for _, x := range []struct {
		name     string
		was, is  bool
		everSeen *bool
	}{{"DSR", l.now.DSR, now.DSR, &l.ever.DSR}, {"CTS", l.now.CTS, now.CTS, &l.ever.CTS}, {"DCD", l.now.DCD, now.DCD, &l.ever.DCD}, {"RI", l.now.RI, now.RI, &l.ever.RI}} {
		*x.everSeen = *x.everSeen || x.is
		if l.known && x.was == x.is {
			continue
		}
		state := " off"
		if x.is {
			state = " on"
		}
		if changed != "" {
			changed += ", "
		}
		changed += x.name + state
	}
	l.known, l.now = true, now
	return changed
}
