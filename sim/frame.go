package sim

import (
	"encoding/binary"
	"errors"
	"io"
)

// framings are those that the store can speak: what design and package wire call them. A message without any length cannot
// be told from the next one by a host, so "none" is not among them.
var framings = []string{"len2", "len2-incl", "bcd2", "ascii4", "stx-etx", "vml", "len4", "len2-le"}

// maxFrame is more than any terminal sends. What claims to be longer is no frame, and a host hangs up on it.
const maxFrame = 2048

const (
	stx = 0x02
	etx = 0x03
	eot = 0x04
	enq = 0x05
	ack = 0x06
	nak = 0x15
)

var errFrame = errors.New("this is no frame")

func lrc(b []byte) (x byte) {
	for _, c := range b {
		x ^= c
	}
	return x
}

// readFrame reads one frame and answers its payload. On a serial line it looks for the next STX; elsewhere what does not
// begin like a frame is errFrame, since there is no way back into step. A frame whose LRC is wrong is errFrame too.
func readFrame(r io.Reader, framing string) ([]byte, error) {
	var head [4]byte
	take := func(n int) error { _, err := io.ReadFull(r, head[:n]); return err }
	n := 0
	switch framing {
	case "len2", "len2-incl", "len2-le":
		if err := take(2); err != nil {
			return nil, err
		}
		n = int(binary.BigEndian.Uint16(head[:]))
		if framing == "len2-le" {
			n = int(binary.LittleEndian.Uint16(head[:]))
		} else if framing == "len2-incl" {
			n -= 2
		}
	case "bcd2":
		if err := take(2); err != nil {
			return nil, err
		}
		n = fromBCD(head[:2])
	case "ascii4":
		if err := take(4); err != nil {
			return nil, err
		}
		for _, c := range head {
			if c < '0' || c > '9' {
				return nil, errFrame
			}
			n = n*10 + int(c-'0')
		}
	case "len4", "vml":
		if err := take(4); err != nil {
			return nil, err
		}
		n = int(binary.BigEndian.Uint32(head[:]))
		if framing == "vml" {
			n = int(binary.BigEndian.Uint16(head[:]))
		}
	case "stx-etx":
		for head[0] = 0; head[0] != stx; {
			if err := take(1); err != nil {
				return nil, err
			}
		}
		if p, ok := r.(*port); ok { // the host's end; a terminal has a patience of its own
			r = midFrame{p}
		}
		if err := take(2); err != nil {
			return nil, err
		}
		n = fromBCD(head[:2])
	}
	if n < 10 || n > maxFrame {
		return nil, errFrame
	}
	b := make([]byte, n, n+2)
	if _, err := io.ReadFull(r, b); err != nil {
		return nil, err
	}
	if framing != "stx-etx" {
		return b, nil
	}
	lead := lrc(head[:2])
	if err := take(2); err != nil {
		return nil, err
	}
	if head[0] != etx || lead^lrc(b)^etx != head[1] {
		return nil, errFrame
	}
	return b, nil
}

func fromBCD(b []byte) (n int) {
	for _, c := range b {
		if c>>4 > 9 || c&15 > 9 {
			return -1
		}
		n = n*100 + int(c>>4)*10 + int(c&15)
	}
	return n
}
