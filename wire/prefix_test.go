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

// Between STX and ETX, without a length, and with a check byte or none.
func TestTextBetweenSTXAndETX(t *testing.T) {
	body := "0200" + "3220000000808000" + "000010" + "000000001500" + "1206041200" + "000001" + "12340001" + "840"
	for _, behind := range []string{"\x03", "\x03\x51"} {
		m, det, err := Decode([]byte("\x02"+body+behind), Options{})
		if err != nil || m.Stop != nil || m.Get(11) != "000001" || m.Get(49) != "840" || det.Header != unknownHeader {
			t.Errorf("%q: %v, %+v, stop %+v", behind, err, det, m.Stop)
		}
	}
}
