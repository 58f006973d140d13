package sim

import (
	"bytes"
	"time"
)

// What becomes of bytes on bad cables and behind bad drivers.

// enquiries is how often a terminal asks a register's driver for the line before it gives up.
const enquiries = 3

// drive is a terminal behind a register whose port driver is wrong. It answers what is left of the frame.
func drive(c *patient, f *live, frame []byte) ([]byte, error) {
	switch f.Mode {
	case "enq": // nobody answers: not the driver that should, and not the host, which speaks no such thing
		for range enquiries {
			if _, err := c.Write([]byte{enq}); err != nil {
				return nil, err
			}
			wait := *c
			if wait.end = min(c.end, c.clock.now()+300*time.Millisecond); c.clock.unpaced {
				wait.end = c.clock.now()
			}
			var b [1]byte
			if _, err := wait.Read(b[:]); err == nil && b[0] == ack {
				return frame, nil
			}
		}
		_, _ = c.Write([]byte{eot})
		return nil, errPort
	case "text": // a port opened as text: a zero byte after each carriage return
		return bytes.ReplaceAll(frame, []byte{'\r'}, []byte{'\r', 0}), nil
	case "garbage":
		return append(append([]byte("\r\nCOM3 OPEN 9600,N,8,1\r\n"), frame...), "\r\nOK\r\n"...), nil
	}
	return frame[:min(len(frame), 64)], nil // partial: a buffer of 64 bytes, and no flow control
}

// flip damages a few bits behind the length, never the same ones twice.
func flip(frame []byte, m moment) {
	if len(frame) < 24 {
		return
	}
	for i := range uint64(3) {
		h := mixed(uint64(m.terminal), uint64(m.n), i)
		frame[20+h%uint64(len(frame)-20)] ^= 1 << (h >> 32 % 8)
	}
}

// misclock is what a receiver at half the baud rate makes of bytes: every bit counts twice, and the rest is lost.
func misclock(frame []byte) {
	for i, b := range frame {
		frame[i] = b&1 | b&1<<1 | b>>1&1<<2 | b>>1&1<<3 | b>>2&1<<4 | b>>2&1<<5 | b>>3&1<<6 | 0x80
	}
}
