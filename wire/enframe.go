package wire

import (
	"encoding/binary"
	"fmt"
)

// Enframe puts a payload, header and message, into a framing. An error says that the payload does not fit, or that the
// framing is unknown.
func Enframe(framing string, payload []byte) ([]byte, error) {
	n := len(payload)
	if n > maxFrame {
		return nil, fmt.Errorf("%d bytes are more than a frame holds", n)
	}
	packed := []byte{byte(n/1000%10<<4 | n/100%10), byte(n/10%10<<4 | n%10)}
	var b []byte
	switch framing {
	case "none":
	case "len2":
		b = binary.BigEndian.AppendUint16(nil, uint16(n))
	case "len2-incl":
		b = binary.BigEndian.AppendUint16(nil, uint16(n+2))
	case "len2-le":
		b = binary.LittleEndian.AppendUint16(nil, uint16(n))
	case "bcd2":
		b = packed
	case "ascii4":
		b = fmt.Appendf(nil, "%04d", n)
	case "len4":
		b = binary.BigEndian.AppendUint32(nil, uint32(n))
	case "vml":
		b = append(binary.BigEndian.AppendUint16(nil, uint16(n)), 0, 0)
	case "stx-etx":
		b = append(append([]byte{stx}, packed...), payload...)
		b = append(b, etx)
		return append(b, lrc(b[1:])), nil
	default:
		return nil, fmt.Errorf("no framing %q: choose one of %v", framing, Framings())
	}
	return append(b, payload...), nil
}

// Whole says that b holds a frame to its end.
func Whole(framing string, b []byte) bool {
	f, ok := measure(framing, b)
	return ok && len(b) >= lookahead && len(b) >= f.total
}
