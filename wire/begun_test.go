package wire

import "testing"

// TestBeginningsOfFramesAreRead gives a new line what a capture has that keeps no more than some bytes of each packet.
func TestBeginningsOfFramesAreRead(t *testing.T) {
	for _, dialect := range []string{"cup", "iso87-ascii"} {
		frame, _ := typical(t, dialect)
		for n := 100; n < len(frame); n++ {
			d, err := NewDecoder(Options{})
			if err != nil {
				t.Fatal(err)
			}
			s := d.Stream(true)
			for range 5 {
				out := append([]*Message(nil), s.Write(frame[:n])...)
				out = append(out, s.Gap()...)
				if m := out[0]; len(out) != 1 || m.MTI != "0200" || m.Framing != "len2" || m.Dialect != dialect || m.Stop == nil || m.Stop.Offset != n || m.Get(11) != "000123" {
					t.Fatalf("%s: %d bytes of %d give %d messages, %q, %+v, stop %+v", dialect, n, len(frame), len(out), m.MTI, *m.Form, m.Stop)
				}
			}
		}
	}
}
