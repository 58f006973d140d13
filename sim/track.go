package sim

import (
	"encoding/hex"
	"errors"
	"strings"
)

// Where a sign-on brings a track key, a track travels with eight of its bytes under that key: those that end before its
// last one, as it is packed. Field 53 says so by its third digit. What is hidden may be any half byte, so that a track here is
// hex digits with = for D, and hexTrack packs it.

var errTrack = errors.New("this is no track")

// hideTrack puts eight bytes of a track under the track key.
func hideTrack(tdk []byte, track string) (string, error) { return turnTrack(tdk, track, true) }

// showTrack is its inverse.
func showTrack(tdk []byte, track string) (string, error) { return turnTrack(tdk, track, false) }

func turnTrack(tdk []byte, track string, hide bool) (string, error) {
	digits := strings.ReplaceAll(track, "=", "D")
	b, err := hex.DecodeString(digits + strings.Repeat("0", len(digits)%2))
	if err != nil || len(b) < 9 {
		return "", errTrack
	}
	key, err := desOf(tdk)
	if err != nil {
		return "", err
	}
	block := b[len(b)-9:][:8]
	if hide {
		key.Encrypt(block, block)
	} else {
		key.Decrypt(block, block)
	}
	digits = strings.ToUpper(hex.EncodeToString(b))[:len(digits)]
	return strings.ReplaceAll(digits, "D", "="), nil
}

// hexTrack is moov's codec of a packed track that may hold any half byte.
type hexTrack struct{}

// Encode packs two half bytes into one, from the left.
func (hexTrack) Encode(src []byte) ([]byte, error) {
	digits := strings.ReplaceAll(string(src), "=", "D")
	return hex.DecodeString(digits + strings.Repeat("0", len(digits)%2))
}

// Decode unpacks n half bytes and answers how many bytes they took.
func (hexTrack) Decode(src []byte, n int) ([]byte, int, error) {
	size := (n + 1) / 2
	if n < 0 || len(src) < size {
		return nil, 0, errTrack
	}
	digits := strings.ToUpper(hex.EncodeToString(src[:size]))[:n]
	return []byte(strings.ReplaceAll(digits, "D", "=")), size, nil
}
