package sim

import (
	"fmt"
	"strings"

	"github.com/moov-io/iso8583"
)

// packedLength is a length in front of a field as packed digits. Moov's own makes a table of 256 entries for each length
// that it reads or writes, which takes as long as the rest of the message.
type packedLength struct{ digits int }

// quicken gives a spec quick lengths where moov's are packed digits, and lets a packed track hold what is encrypted.
func quicken(spec *iso8583.MessageSpec) {
	if track := spec.Fields[35].Spec(); strings.HasPrefix(track.Pref.Inspect(), "BCD.") {
		track.Enc = hexTrack{}
	}
	for _, f := range spec.Fields {
		if name, digits, _ := strings.Cut(f.Spec().Pref.Inspect(), "."); name == "BCD" && strings.Trim(digits, "L") == "" && digits != "" {
			f.Spec().Pref = packedLength{len(digits)}
		}
	}
}

// EncodeLength writes the length of a field.
func (p packedLength) EncodeLength(most, n int) ([]byte, error) {
	if n > most {
		return nil, fmt.Errorf("%d are more than the %d that fit", n, most)
	}
	out, left := make([]byte, (p.digits+1)/2), n
	for i := len(out) - 1; i >= 0; i-- {
		out[i] = byte(left/10%10<<4 | left%10)
		left /= 100
	}
	if left > 0 || p.digits%2 == 1 && out[0] > 9 {
		return nil, fmt.Errorf("%d has more than %d digits", n, p.digits)
	}
	return out, nil
}

// DecodeLength reads the length of a field, and says how many bytes it took.
func (p packedLength) DecodeLength(most int, b []byte) (n, took int, err error) {
	if took = (p.digits + 1) / 2; len(b) < took {
		return 0, 0, fmt.Errorf("a length of %d digits has %d bytes only", p.digits, len(b))
	}
	if n = fromBCD(b[:took]); n < 0 || n > most {
		return 0, 0, fmt.Errorf("%X is no length up to %d", b[:took], most)
	}
	return n, took, nil
}

// Inspect is moov's name of it.
func (p packedLength) Inspect() string { return "BCD." + strings.Repeat("L", p.digits) }
