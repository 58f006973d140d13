package wire

import (
	"encoding/binary"
	"encoding/hex"
	"testing"
)

// TestUnhexEight holds it to the standard library for every byte at every place.
func TestUnhexEight(t *testing.T) {
	for _, plain := range []string{"00000000", "72380104", "FEDCBA98", "ffaabbcc", "9A0f1E2d"} {
		for place := range 8 {
			for c := range 256 {
				text := []byte(plain)
				text[place] = byte(c)
				var room [4]byte
				_, err := hex.Decode(room[:], text)
				want := uint64(binary.BigEndian.Uint32(room[:]))
				if got, ok := unhex8(binary.BigEndian.Uint64(text)); ok != (err == nil) || ok && got != want {
					t.Fatalf("%q gives %X, %v: want %X, %v", text, got, ok, want, err)
				}
			}
		}
	}
}
