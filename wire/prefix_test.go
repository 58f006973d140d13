package wire

import (
	"slices"
	"testing"
)

// A line whose messages stand behind bytes that nobody knows, in a frame with a length: its first exchange teaches it.
func TestUnknownHeaderOfALine(t *testing.T) {
	body := sale(t, "000123")[2+11:] // without length, TPDU and header
	for name, prefix := range map[string]string{"call data": "\x60\x00\x03\x00\x00\x01LRI4085551234\x00", "routing": "A4M04000", "two bytes": "\x00\x07"} {
		one := frameAs("len2", slices.Concat([]byte(prefix), body))
		d, err := NewDecoder(Options{})
		if err != nil {
			t.Fatal(err)
		}
		for i := range 4 {
			s := d.Stream(true)
			got := slices.Clone(s.Write(one[:50]))
			got = append(got, s.Write(one[50:])...)
			got = append(got, s.Close()...)
			if len(got) != 1 || got[0].Get(11) != "000123" || got[0].Header != unknownHeader || got[0].PAN() != "622424******0113" {
				t.Fatalf("%s, connection %d: %d messages, the first %s of %+v", name, i, len(got), got[0].MTI, got[0].Form)
			}
			if form := leaks(everything(got[0]), testPAN); form != "" {
				t.Error("the card number stands there as", form)
			}
		}
		if det := d.Detection(); det.Framing != "len2" || det.Header != unknownHeader || det.Dialect != "cup" {
			t.Errorf("%s is read as %+v", name, det)
		}
	}
}
