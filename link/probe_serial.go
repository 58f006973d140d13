package link

import (
	"bytes"
	"context"
	"io"
	"strings"
	"time"

	"go.bug.st/serial"
)

// ModemLines are the lines that the other side of a serial port drives.
type ModemLines struct{ CTS, DSR, DCD, RI bool }

// probeModem reads them. A port that a source holds is asked through it; another one is opened, which raises its DTR and
// RTS, and closed again.
func probeModem(ctx context.Context, t Target) Finding {
	var bits *serial.ModemStatusBits
	err := errAway
	if t.Line != nil {
		for _, e := range t.Line.ends {
			if e.now() == t.Port {
				e.idle(func(p port) { bits, err = p.GetModemStatusBits() })
			}
		}
	} else {
		var p port
		if p, err = openPort(t.Port, t.Mode); err != nil {
			return failed(explainOpen(t.Port, t.Mode, err))
		}
		defer p.Close()
		bits, err = p.GetModemStatusBits()
	}
	if err != nil || ctx.Err() != nil {
		return Finding{Outcome: "unavailable"}
	}
	found := ModemLines{bits.CTS, bits.DSR, bits.DCD, bits.RI}
	var on []string
	for _, l := range []struct {
		name string
		on   bool
	}{{"CTS", found.CTS}, {"DSR", found.DSR}, {"DCD", found.DCD}, {"RI", found.RI}} {
		if l.on {
			on = append(on, l.name)
		}
	}
	if len(on) == 0 {
		return Finding{Outcome: "off", Detail: found}
	}
	return Finding{Outcome: "on", OK: found.DSR || found.CTS, Args: []any{strings.Join(on, ", ")}, Detail: found}
}

// Loopback is how much of the pattern that went out came back.
type Loopback struct{ Sent, Back int }

// probeLoopback sends a pattern out of a port, on which a loopback plug must sit, and compares what comes back. It never
// uses a port that a source holds: on that one hangs a terminal.
func probeLoopback(ctx context.Context, t Target) Finding {
	if t.Line != nil {
		return Finding{Outcome: "busy"}
	}
	p, err := openPort(t.Port, t.Mode)
	if err != nil {
		return failed(explainOpen(t.Port, t.Mode, err))
	}
	pattern := make([]byte, 256) // every byte once, and with 7 data bits their lower half
	for i := range pattern {
		pattern[i] = byte(i) & byte(1<<t.Mode.DataBits-1)
	}
	wait := time.Second
	if t.Mode.Baud > 0 {
		wait += time.Duration(len(pattern)*12) * time.Second / time.Duration(t.Mode.Baud)
	}
	limited, cancel := context.WithTimeout(ctx, wait)
	defer cancel()
	var back bytes.Buffer
	done := make(chan struct{})
	go func() { // reading a port has no deadline; closing it ends the reading
		defer close(done)
		_, _ = io.Copy(&limitedBuffer{&back, len(pattern)}, p)
	}()
	_, err = p.Write(pattern)
	if err == nil {
		select {
		case <-done:
		case <-limited.Done():
		}
	}
	p.Close()
	<-done
	found := Loopback{Sent: len(pattern), Back: back.Len()}
	f := Finding{Args: []any{found.Back, found.Sent}, Detail: found}
	switch {
	case err != nil:
		return failed(err)
	case back.Len() == 0:
		f.Outcome = "nothing"
	case bytes.Equal(back.Bytes(), pattern):
		f.Outcome, f.OK = "whole", true
	default:
		f.Outcome = "damaged"
	}
	return f
}

// limitedBuffer ends the copying into it once it holds most bytes.
type limitedBuffer struct {
	to   *bytes.Buffer
	most int
}

func (l *limitedBuffer) Write(b []byte) (int, error) {
	n, _ := l.to.Write(b)
	if l.to.Len() >= l.most {
		return n, io.EOF
	}
	return n, nil
}
