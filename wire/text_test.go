package wire

import "testing"

// A byte anywhere, in a text of any length: what is printable has no byte outside 20 to 7E.
func TestPrintable(t *testing.T) {
	for n := range 20 {
		for at := range n {
			for c := range 256 {
				b := make([]byte, n)
				for i := range b {
					b[i] = 'A' + byte(i)
				}
				b[at] = byte(c)
				if want := c >= 0x20 && c <= 0x7E; printable(b) != want || printable(string(b)) != want {
					t.Fatalf("byte %02X at %d of %d: %v", c, at, n, !want)
				}
			}
		}
	}
}
