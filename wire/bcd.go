package wire

import (
	"errors"
	"fmt"

	"github.com/moov-io/iso8583/specs"
)

// packed is a BCD codec for moov's specs. Moov's own builds a 256-entry table for every value and refuses the D that
// separates the parts of a track; this one reads nibbles directly and maps D to '=' and back.
type packed struct{ left bool }

var errNotPacked = errors.New("only digits and the track separator can be packed")

// Moov finds codecs by name when it imports a spec. Both names keep their meaning: BCD stands right, LBCD left.
func init() {
	specs.EncodingsExtToInt["BCD"] = packed{}
	specs.EncodingsExtToInt["LBCD"] = packed{left: true}
}

// Encode packs digits, two a byte; an odd count is filled with a zero nibble on the side away from the justified end.
func (p packed) Encode(src []byte) ([]byte, error) {
	out := make([]byte, (len(src)+1)/2)
	at := 0
	if len(src)%2 == 1 && !p.left {
		at = 1
	}
	for _, c := range src {
		var n byte
		switch {
		case c >= '0' && c <= '9':
			n = c - '0'
		case c == '=' || c == 'D' || c == 'd':
			n = 0xD
		default:
			return nil, errNotPacked
		}
		if at%2 == 0 {
			n <<= 4
		}
		out[at/2] |= n
		at++
	}
	return out, nil
}

// Decode unpacks length digits and answers how many bytes they took.
func (p packed) Decode(src []byte, length int) ([]byte, int, error) {
	n := (length + 1) / 2
	if length < 0 || len(src) < n {
		return nil, 0, fmt.Errorf("%d digits need %d bytes, %d are left", length, n, len(src))
	}
	c := asBCD
	if p.left {
		c = asLBCD
	}
	return appendDigits(make([]byte, 0, length), src[:n], length, c), n, nil
}
