//go:build unix

package link

import (
	"bytes"
	"fmt"
	"math/bits"
	"math/rand/v2"
	"net"
	"strings"
	"testing"
	"time"

	"go.bug.st/serial"
)

// parityBit is what a UART sends behind the data bits.
func parityBit(b byte, m Mode) int {
	ones := bits.OnesCount8(b) & 1
	return map[string]int{"even": ones, "odd": 1 - ones, "mark": 1, "space": 0}[m.Parity]
}

// uart is what a receiver set to rx makes of bytes that were sent at tx: it waits for the edge of a start bit and looks at
// the middle of each bit that it expects, as the chips do.
func uart(sent []byte, tx, rx Mode) (heard []byte) {
	var level []int // one for each bit on the wire
	for _, b := range sent {
		level = append(level, 0)
		for i := range tx.DataBits {
			level = append(level, int(b>>i&1))
		}
		if tx.Parity != "none" {
			level = append(level, parityBit(b&(1<<tx.DataBits-1), tx))
		}
		level = append(level, 1)
		for range rand.N(3) { // no terminal sends without a pause for ever
			level = append(level, 1)
		}
	}
	bit := float64(tx.Baud) / float64(rx.Baud) // of the receiver, in bits of the sender
	at := func(t float64) int {
		if i := int(t); i < len(level) {
			return level[i]
		}
		return 1
	}
	for t := 0.0; int(t) < len(level); {
		if at(t) == 1 {
			t = float64(int(t) + 1)
			continue
		}
		var b byte
		for i := range rx.DataBits {
			b |= byte(at(t+bit*(float64(i)+1.5))) << i
		}
		n := float64(rx.DataBits) + 1
		if rx.Parity != "none" {
			if at(t+bit*(n+0.5)) != parityBit(b, rx) {
				b = 0 // what the system makes of it
			}
			n++
		}
		heard = append(heard, b)
		t += bit * (n + 0.5)
		if at(t) == 0 { // a framing error: it is taken for the next start bit that came too early
			t -= bit / 2
		}
	}
	return heard
}

// heard is a line whose terminal sends at tx, as a tuner hears it. No time passes.
type heard struct {
	t  *testing.T
	tn *tuner
	tx Mode
	at time.Time
	in []Event
}

func hearing(t *testing.T, o SerialOptions, tx Mode) *heard {
	o.Mode = DefaultMode
	return &heard{t: t, tn: newTuner(&Serial{o: o, queue: newQueue()}), tx: tx, at: time.Unix(0, 0)}
}

// send lets the terminal send a message, and pause.
func (h *heard) send(b []byte) {
	h.tn.hear(ToHost, uart(b, h.tx, h.tn.current()), h.at)
	h.tn.think(h.at.Add(quiet / 2))
	h.at = h.at.Add(quiet)
	h.tn.think(h.at)
	h.in = append(h.in, h.tn.s.queue.take()...)
}

// plain is a message of seven bits, closed a message of eight.
func plain(n int) []byte {
	return fmt.Appendf(nil, "02007020048020C00000%026d\r\n", n)
}

func closed(n int) []byte {
	b := append([]byte{2, 0, 0x41}, noise(40)...)
	b = append(b, byte(n), 3)
	var x byte
	for _, c := range b[1:] {
		x ^= c
	}
	return append(b, x)
}

// The messages are noise, and among what a receiver with other settings hears of noise, a frame may close by chance: once in
// ten thousand lines, seen here. So one line in all may be wrong.
func TestSpeedAndFormatAreFound(t *testing.T) {
	wrong := 0
	for _, speed := range speeds {
		for _, format := range []Mode{{0, 8, "none", "1"}, {0, 8, "even", "1"}, {0, 8, "odd", "1"}, {0, 7, "even", "1"}, {0, 7, "odd", "1"}} {
			format.Baud = speed
			message := closed
			if format.DataBits == 7 {
				message = plain
			}
			h := hearing(t, SerialOptions{Auto: true}, format)
			for i := 0; len(all(h.in, Tuned)) == 0 && i < 100; i++ {
				h.send(message(i))
			}
			found := all(h.in, Tuned)
			if len(found) != 1 || found[0].Note != format.String() || found[0].Count < 15 || len(all(h.in, Garbled)) > 0 {
				if wrong++; wrong > 1 {
					t.Errorf("%s: found %+v, doubts %+v", format, found, all(h.in, Garbled))
				}
				t.Logf("%s: found %+v, doubts %+v", format, found, all(h.in, Garbled))
				continue
			}
			if len(gather(h.in, ToHost)) == 0 {
				t.Errorf("%s: the message that told it is lost", format)
			}
			last := message(99)
			if h.send(last); !bytes.HasSuffix(gather(h.in, ToHost), last) {
				t.Errorf("%s: the next message came as something else", format)
			}
		}
	}
}

// The settings are changed behind our back: they are sought again.
func TestSpeedIsFoundAgain(t *testing.T) {
	h := hearing(t, SerialOptions{Auto: true}, DefaultMode)
	for i := range 100 {
		if i == 30 {
			h.tx.Baud = 19200
		}
		h.send(closed(i))
	}
	if found := all(h.in, Tuned); len(found) != 2 || found[0].Note != "9600 8N1" || found[1].Note != "19200 8N1" {
		t.Errorf("%+v", found)
	}
}

func TestWrongSettingsAreNamedAndNotChanged(t *testing.T) {
	for tx, want := range map[Mode]string{{115200, 8, "none", "1"}: "", {4800, 8, "none", "1"}: "", {9600, 7, "even", "1"}: "9600 7E1"} {
		h := hearing(t, SerialOptions{}, tx)
		for i := range 200 {
			h.send(plain(i))
		}
		if said := all(h.in, Garbled); len(said) != 1 || said[0].Note != want || said[0].Size == 0 {
			t.Errorf("%s read as %s: %+v, want %q once", tx, DefaultMode, said, want)
		}
		if len(all(h.in, Tuned)) > 0 || h.tn.current() != DefaultMode || len(gather(h.in, ToHost)) == 0 {
			t.Error("the settings were changed, or the bytes were kept back")
		}
	}
}

// tuned is a port that counts its settings.
type tuned struct {
	*wired
	modes chan serial.Mode
}

func (p tuned) SetMode(m *serial.Mode) error { p.modes <- *m; return nil }

func TestPortsAreSetToWhatIsTried(t *testing.T) {
	near, far := net.Pipe()
	defer far.Close()
	p := tuned{&wired{ReadWriteCloser: near}, make(chan serial.Mode, 10)}
	fakePorts(t, map[string]port{"R": p})
	w := watchSerial(t, SerialOptions{Port: "R", Auto: true}, nil)
	if _, err := far.Write(make([]byte, 100)); err != nil {
		t.Fatal(err)
	}
	if m := <-p.modes; m.BaudRate != speeds[1] {
		t.Errorf("set to %+v", m)
	}
	text := []byte("0800 a message that anyone can read, at whatever speed")
	if _, err := far.Write(text); err != nil {
		t.Fatal(err)
	}
	events := w.until("what was found", func(evs []Event) bool { return len(all(evs, Tuned)) == 1 && bytes.Equal(gather(evs, ToHost), text) })
	if e := all(events, Tuned)[0]; e.Note != "115200 8N1" || e.Lost != 100 {
		t.Errorf("%+v", e)
	}
}

func TestWhatMakesSense(t *testing.T) {
	for name, c := range map[string]struct {
		b    []byte
		want bool
	}{
		"text":               {[]byte("0800|500|1234567890|hello world"), true},
		"frame":              {closed(1), true},
		"frame, then noise":  {append(closed(1), noise(10)...), true},
		"nobody answers":     {bytes.Repeat([]byte{5}, 30), true},
		"noise":              {noise(300), false},
		"a line that is low": {make([]byte, 300), false},
		"twice the speed":    {uart([]byte(strings.Repeat("some text, ", 9)), Mode{9600, 8, "none", "1"}, Mode{19200, 8, "none", "1"}), false},
		"half the speed":     {uart([]byte(strings.Repeat("some text, ", 9)), Mode{9600, 8, "none", "1"}, Mode{4800, 8, "none", "1"}), false},
	} {
		if got, _ := framedShare(c.b, 0); (got >= makeSense) != c.want {
			t.Errorf("%s: %.2f", name, got)
		}
	}
}

func TestAnalysisThatPanicsIsNoSense(t *testing.T) {
	tn := newTuner(&Serial{o: SerialOptions{Plausible: func([]byte) float64 { panic("on purpose") }}, queue: newQueue()})
	if share, _, _ := tn.weigh(noise(100)); share > makeSense {
		t.Errorf("%v", share)
	}
}
