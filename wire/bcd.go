package wire

import (
	"errors"
	"fmt"

	"github.com/moov-io/iso8583/encoding"
	"github.com/moov-io/iso8583/prefix"
	"github.com/moov-io/iso8583/specs"
)

// packed is a BCD codec for moov's specs. Moov's own builds a 256-entry table for every value and refuses the D that
// separates the parts of a track; this one reads nibbles directly and maps D to '=' and back.
type packed struct{ left, filled bool }

var errNotPacked = errors.New("only digits and the track separator can be packed")

// Moov finds codecs by name when it imports a spec. Both names keep their meaning: BCD stands right, LBCD left.
func init() {
	specs.EncodingsExtToInt["BCD"] = packed{}
	specs.EncodingsExtToInt["LBCD"] = packed{left: true}
	specs.EncodingsExtToInt[filledBCD] = packed{left: true, filled: true}
	specs.EncodingsExtToInt[hexEBCDIC] = inHex{}
	specs.PrefixesExtToInt[bytesEBCDIC+".LL"] = ofBytes{prefix.EBCDIC.LL}
	specs.PrefixesExtToInt[bytesEBCDIC+".LLL"] = ofBytes{prefix.EBCDIC.LLL}
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
	if at%2 == 1 && p.filled {
		out[at/2] |= 0xF
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
	if p.filled && n > 0 && src[n-1]&15 == 0xF {
		length = 2*n - 1
	}
	return appendDigits(make([]byte, 0, length), src[:n], length, c), n, nil
}

// These are names of codecs that moov does not have.
const (
	filledBCD   = "LBCDF"       // packed digits, of an odd count the last half byte is F
	bytesEBCDIC = "EBCDICBytes" // a length in EBCDIC that counts bytes of packed digits
	hexEBCDIC   = "HexToEBCDIC" // hex digits in EBCDIC, as a bitmap is text on mainframes
)

// ofBytes is a length that counts bytes where moov counts digits.
type ofBytes struct{ prefix.Prefixer }

func (p ofBytes) EncodeLength(maxLen, dataLen int) ([]byte, error) {
	return p.Prefixer.EncodeLength((maxLen+1)/2, (dataLen+1)/2)
}

func (p ofBytes) DecodeLength(maxLen int, data []byte) (length, read int, err error) {
	length, read, err = p.Prefixer.DecodeLength((maxLen+1)/2, data)
	return 2 * length, read, err
}

type inHex struct{}

// Encode writes bytes as hex digits in EBCDIC.
func (inHex) Encode(src []byte) ([]byte, error) {
	text, err := encoding.BytesToASCIIHex.Encode(src)
	if err != nil {
		return nil, err
	}
	return encoding.EBCDIC1047.Encode(text)
}

// Decode reads length bytes and answers how many digits they took.
func (inHex) Decode(src []byte, length int) ([]byte, int, error) {
	text, _, err := encoding.EBCDIC1047.Decode(src, min(2*length, len(src)))
	if err != nil {
		return nil, 0, err
	}
	return encoding.BytesToASCIIHex.Decode(text, length)
}
