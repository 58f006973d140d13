package wire

import (
	"bytes"
	"fmt"
	"strings"
)

// The shortest message worth the name is an MTI and a bitmap; the longest is far beyond what terminals send, and short
// enough to notice lost sync.
const (
	minFrame = 10
	maxFrame = 8192
)

// Framings lists the framing ids, the commonest first.
//
//	len2       two bytes, big-endian: the length of what follows
//	len2-incl  the same, counting itself
//	bcd2       two bytes of packed decimal digits
//	ascii4     four decimal digits as text
//	stx-etx    02, two bytes of packed digits, payload, 03, LRC (XOR of all after the 02 through the 03)
//	vml        Visa: two bytes, big-endian, and two reserved zero bytes
//	len4       four bytes, big-endian
//	len2-le    two bytes, little-endian
//	none       no length: a message ends where its last field does
func Framings() []string {
	return []string{"len2", "len2-incl", "bcd2", "ascii4", "stx-etx", "vml", "len4", "len2-le", "none"}
}

// lookahead is how many bytes tell the length of any framing.
const lookahead = 4

// frame is where the parts of a framed message stand.
type frame struct{ payload, end, total int }

const (
	tiny = 8 // of a payload
)

// measure reads the length in front of b. ok is false when b does not begin like this framing; a frame may be longer
// than b. b has at least lookahead bytes, or is all there is.
func measure(framing string, b []byte) (f frame, ok bool) {
	need := lookahead
	switch framing {
	case "none":
		return frame{0, len(b), len(b)}, true
	case "len2", "len2-incl", "len2-le", "bcd2":
		need = 2
	case "stx-etx":
		need = 3
	}
	if len(b) < need {
		return f, false
	}
	n := int(b[0])<<8 | int(b[1])
	switch framing {
	case "len2":
		f = frame{2, 2 + n, 2 + n}
	case "len2-incl":
		f = frame{2, n, n}
	case "len2-le":
		n = int(b[1])<<8 | int(b[0])
		f = frame{2, 2 + n, 2 + n}
	case "bcd2":
		if n, ok = packedNumber(b[:2]); !ok {
			return f, false
		}
		f = frame{2, 2 + n, 2 + n}
	case "ascii4":
		n = 0
		for _, c := range b[:4] {
			if c < '0' || c > '9' {
				return f, false
			}
			n = n*10 + int(c-'0')
		}
		f = frame{4, 4 + n, 4 + n}
	case "len4":
		if b[0] != 0 || b[1] != 0 {
			return f, false
		}
		n = int(b[2])<<8 | int(b[3])
		f = frame{4, 4 + n, 4 + n}
	case "vml":
		if b[2] != 0 || b[3] != 0 {
			return f, false
		}
		f = frame{4, 4 + n, 4 + n}
	case "stx-etx":
		if b[0] != 2 {
			return f, false
		}
		if n, ok = packedNumber(b[1:3]); !ok {
			return f, false
		}
		f = frame{3, 3 + n, 3 + n + 2}
		if len(b) > f.end && b[f.end] != 3 {
			return f, false
		}
	default:
		return f, false
	}
	return f, f.end-f.payload >= tiny && f.total <= maxFrame
}

func packedNumber(b []byte) (n int, ok bool) {
	for _, c := range b {
		if c>>4 > 9 || c&15 > 9 {
			return 0, false
		}
		n = n*100 + int(c>>4)*10 + int(c&15)
	}
	return n, true
}

// lrc is the XOR that closes a frame of the stx-etx framing: over everything after STX, ETX included.
func lrc(b []byte) (x byte) {
	for _, c := range b {
		x ^= c
	}
	return x
}

// closed says that b begins with STX and ends with ETX and a check byte, as a frame of stx-etx does whatever its length says.
func closed(b []byte) bool {
	return len(b) > minFrame && b[0] == stx && b[len(b)-2] == etx
}

// checkLRC says what is wrong with the length and the LRC of an stx-etx frame (what it is, and what the bytes give), or nothing when
// both are right or did not come.
func checkLRC(b []byte, f frame) string {
	if f.end+2 > len(b) {
		return ""
	}
	var wrong []string
	if n, ok := packedNumber(b[1:3]); !ok || n != f.end-f.payload {
		wrong = append(wrong, fmt.Sprintf("length %X != %04d", b[1:3], f.end-f.payload))
	}
	if want := lrc(b[1 : f.end+1]); want != b[f.end+1] {
		wrong = append(wrong, fmt.Sprintf("LRC %02X != %02X", b[f.end+1], want))
	}
	return strings.Join(wrong, ", ")
}

// Headers lists the header ids: what stands between the length and the MTI.
//
//	none           nothing
//	tpdu           60, destination and origin of two bytes each
//	tpdu+cup       TPDU and UnionPay's six bytes
//	tpdu+version2  TPDU and a version of two bytes
//	base24         "ISO" and nine characters
//	visa           as long as its first byte says, 22 bytes or more
//	cups           UnionPay's of 46 bytes, between institutions and the switch: 2E, a version, and the length of all in text
func Headers() []string {
	return []string{"tpdu+cup", "tpdu", "none", "tpdu+version2", "base24", "visa", "cups"}
}

// cupsHeader is how long UnionPay's header between institutions and the switch is, which its first byte says.
const cupsHeader = 46

// headerLen is how long the header at the front of a payload is. ok is false when the payload does not begin like it.
func headerLen(header string, b []byte) (n int, ok bool) {
	tpdu := len(b) >= 5 && b[0] >= 0x60 && b[0] <= 0x68
	switch header {
	case "none":
		return 0, true
	case "tpdu":
		return 5, tpdu
	case "tpdu+cup":
		return 11, tpdu && len(b) >= 11 && b[5] >= 0x60 && b[5] <= 0x68
	case "tpdu+version2":
		return 7, tpdu && len(b) >= 7
	case "base24":
		return 12, len(b) >= 12 && bytes.HasPrefix(b, []byte("ISO")) && printable(b[:12])
	case "visa":
		if len(b) < 5 || b[0] < 22 || b[0] > 48 {
			return 0, false
		}
		total := int(b[3])<<8 | int(b[4]) // of header and message
		return int(b[0]), len(b) >= int(b[0]) && total >= len(b) && total <= maxFrame
	case "cups":
		if len(b) < 6 || b[0] != cupsHeader || !cupsBegins(b) {
			return 0, false
		}
		return cupsHeader, len(b) >= cupsHeader
	}
	return 0, false
}

// cupsBegins says that version and length stand where they belong in UnionPay's header: version 1 or 2, with the highest bit set
// where it is a test, and the length of header and message in four digits.
func cupsBegins(b []byte) bool {
	total := 0
	for _, c := range b[2:6] {
		if c < '0' || c > '9' {
			return false
		}
		total = total*10 + int(c-'0')
	}
	return b[1]&0x7F >= 1 && b[1]&0x7F <= 2 && total >= cupsHeader+minFrame && total <= maxFrame
}
