package wire

import "testing"

// A field's nibbles hold exactly its digits, also where packed digits begin in the middle of a byte.
func TestFieldsNameTheirNibbles(t *testing.T) {
	m, _, err := Decode(sale(t, "000123"), Options{})
	if err != nil {
		t.Fatal(err)
	}
	const digits = "0123456789ABCDEF"
	checked := 0
	for _, f := range append(m.HeaderParts(), m.Fields()...) {
		if f.From < 2*f.Offset || f.To > 2*(f.Offset+f.Length) || f.From > f.To {
			t.Errorf("%s: nibbles %d to %d, bytes %d and %d on", f.ID, f.From, f.To, f.Offset, f.Length)
		}
		if f.To-f.From != len(f.Value) || f.Masked {
			continue // text, two nibbles a character
		}
		checked++
		for i := range f.Value {
			if got := digits[nibble(m.Raw(), f.From+i)]; got != f.Value[i] {
				t.Errorf("%s is %s, and nibble %d is %c", f.ID, f.Value, i, got)
				break
			}
		}
	}
	if checked < 15 {
		t.Errorf("only %d packed fields were checked", checked)
	}
}
