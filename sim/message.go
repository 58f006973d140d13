package sim

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"

	"github.com/moov-io/iso8583"
)

const (
	headLen   = 11 // TPDU and UnionPay header
	maxFrame  = 8192
	cupHeader = "\x60\x31\x00\x31\x10\x01"
	tpduOut   = "\x60\x00\x03\x00\x00" // to the host's network 0003
	tpduBack  = "\x60\x00\x00\x00\x03"
)

// binaryFields hold raw bytes in the dialect; all others are digits or text.
var binaryFields = map[int]bool{52: true, 55: true, 62: true, 64: true}

// fields are the values of one message by field number. Binary fields hold their bytes in the string.
type fields map[int]string

// message is a message as one end of the line handles it.
type message struct {
	mti string
	f   fields
}

// pack builds a whole frame. With a MAC key the frame is sealed by field 64.
func pack(spec *iso8583.MessageSpec, tpdu string, m message, mak []byte) ([]byte, error) {
	out := iso8583.NewMessage(spec)
	out.MTI(m.mti)
	for n, v := range m.f {
		if n == 64 {
			continue
		}
		if err := put(out, n, v); err != nil {
			return nil, fmt.Errorf("field %d of %s: %w", n, m.mti, err)
		}
	}
	if mak != nil {
		if err := put(out, 64, string(make([]byte, 8))); err != nil {
			return nil, err
		}
	}
	body, err := out.Pack()
	if err != nil {
		return nil, fmt.Errorf("cannot pack %s: %w", m.mti, err)
	}
	if mak != nil {
		seal, err := mac(mak, body[:len(body)-8])
		if err != nil {
			return nil, err
		}
		copy(body[len(body)-8:], seal)
	}
	frame := binary.BigEndian.AppendUint16(nil, uint16(headLen+len(body)))
	frame = append(frame, tpdu...)
	frame = append(frame, cupHeader...)
	return append(frame, body...), nil
}

func put(m *iso8583.Message, n int, v string) error {
	if binaryFields[n] {
		return m.BinaryField(n, []byte(v))
	}
	return m.Field(n, v)
}

// unpack reads the bytes after a frame's length.
func unpack(spec *iso8583.MessageSpec, frame []byte) (message, error) {
	if len(frame) < headLen+10 {
		return message{}, errors.New("the frame is too short for a message")
	}
	in := iso8583.NewMessage(spec)
	if err := in.Unpack(frame[headLen:]); err != nil {
		return message{}, err
	}
	mti, err := in.GetMTI()
	if err != nil {
		return message{}, err
	}
	m := message{mti: mti, f: fields{}}
	for n := range in.GetFields() {
		if n < 2 {
			continue
		}
		if binaryFields[n] {
			b, err := in.GetBytes(n)
			if err != nil {
				return message{}, err
			}
			m.f[n] = string(b)
			continue
		}
		if m.f[n], err = in.GetString(n); err != nil {
			return message{}, err
		}
	}
	return m, nil
}

// sealed proves field 64 of a frame without its length.
func sealed(frame, mak []byte) bool {
	if len(frame) < headLen+18 || mak == nil {
		return false
	}
	want, err := mac(mak, frame[headLen:len(frame)-8])
	return err == nil && string(want) == string(frame[len(frame)-8:])
}

// readFrame reads one frame and drops its length.
func readFrame(r io.Reader) ([]byte, error) {
	var head [2]byte
	if _, err := io.ReadFull(r, head[:]); err != nil {
		return nil, err
	}
	n := int(binary.BigEndian.Uint16(head[:]))
	if n < headLen || n > maxFrame {
		return nil, fmt.Errorf("a frame of %d bytes cannot be", n)
	}
	b := make([]byte, n)
	_, err := io.ReadFull(r, b)
	return b, err
}

// totals are the sums of one batch as settlement states them.
type totals struct {
	debit, credit   int64 // fen
	debits, credits int
}

// field48 writes the 62 digits of settlement: domestic cards, their result, foreign cards (none here), their result.
func (t totals) field48(result byte) string {
	own := fmt.Sprintf("%012d%03d%012d%03d%c", t.debit, t.debits, t.credit, t.credits, result)
	return own + fmt.Sprintf("%030d%c", 0, result)
}
