package wire

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
)

// randomBody is a message of random fields whose lengths fit, with random content: digits for the most part, so that runs
// of them are met, and any bytes else.
func randomBody(r *rand.Rand, d *dialect) (b []byte) {
	var set [2]uint64
	var fields []byte
	share, wild := r.IntN(90)+5, r.IntN(4) == 0
	for id := 2; id <= 128; id++ {
		st := &d.steps[id]
		if st.unit == 0 || id == 65 || id == d.third || r.IntN(100) > share && id != 3 { // a message has a field
			continue
		}
		size := int(st.size)
		if st.digits > 0 {
			chars := r.IntN(min(int(st.max), 40) + 1)
			size = (chars*int(st.unit) + 1) / 2
			fields = append(fields, lengthOf(st, chars)...)
		}
		set[(id-1)/64] |= 1 << (63 - (id-1)%64)
		for range size {
			switch {
			case wild && r.IntN(3) == 0:
				fields = append(fields, byte(r.Uint32()))
			case st.coding.packed():
				fields = append(fields, byte(r.IntN(10)<<4|r.IntN(10)))
			case st.coding == asEBCDIC:
				fields = append(fields, 0xF0+byte(r.IntN(10)))
			default:
				fields = append(fields, '0'+byte(r.IntN(10)))
			}
		}
	}
	mti := "0200"
	if d.version != 0 {
		mti = string(d.version) + "200"
	}
	switch {
	case d.mti.packed():
		b = append(b, mti[0]<<4&0xF0|mti[1]&15, 0)
	case d.mti == asEBCDIC:
		for _, c := range []byte(mti) {
			b = append(b, 0xF0|c&15)
		}
	default:
		b = append(b, mti...)
	}
	if set[1] != 0 {
		set[0] |= 1 << 63
	}
	for half, x := range set {
		if half == 1 && x == 0 {
			break
		}
		if d.bitmap == asHex {
			b = fmt.Appendf(b, "%016X", x)
		} else if d.bitmap == asEBCDIC {
			b = append(b, toEBCDIC(fmt.Sprintf("%016X", x))...)
		} else {
			for i := range 8 {
				b = append(b, byte(x>>(56-8*i)))
			}
		}
	}
	return append(b, fields...)
}

// lengthOf is a length prefix.
func lengthOf(st *step, chars int) []byte {
	n := int(st.prefixBytes())
	out := make([]byte, n)
	for i := n - 1; i >= 0; i-- {
		switch st.prefix {
		case asBCD, asLBCD:
			out[i] = byte(chars/10%10<<4 | chars%10)
			chars /= 100
		case asBinary:
			out[i] = byte(chars)
			chars >>= 8
		case asHex:
			out[i] = "0123456789ABCDEF"[chars&15]
			chars >>= 4
		case asEBCDIC:
			out[i] = 0xF0 + byte(chars%10)
			chars /= 10
		default:
			out[i] = '0' + byte(chars%10)
			chars /= 10
		}
	}
	return out
}

// TestPlansWalkAsFieldByField holds plans and their tasks to the slow way: the same places, the same end, the same values.
func TestPlansWalkAsFieldByField(t *testing.T) {
	all, err := known()
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range all {
		planned, kept := 0, 0
		r := rand.New(rand.NewPCG(1, 2))
		for range 400 {
			b := randomBody(r, d)
			w := d.walk(b, 0, nil, nil)
			if w.fault != faultNone || w.end != len(b) {
				t.Fatalf("%s: % X is read to %d of %d: %+v", d.id, b, w.end, len(b), w)
			}
			if p := d.plan(w.fields); p != nil {
				planned++
				var st standing
				var head walked
				ok := d.head(b, 0, &head)
				first := head.end
				if !ok || !p.follow(b, &head, &st) || head.end != w.end {
					t.Fatalf("%s: no plan for % X", d.id, b)
				}
				for i, want := range w.spans {
					if got := st.span(&p.spans[i]); got != want {
						t.Fatalf("%s: field %d of % X stands at %+v, planned %+v", d.id, want.id, b, want, got)
					}
				}
				if p.follow(b[:len(b)-1], &walked{end: first}, &st) {
					t.Fatalf("%s: % X is cut and nobody noticed", d.id, b)
				}
			}
			dec, err := NewDecoder(Options{Framing: "len2", Header: "none", Dialect: d.id})
			if err != nil {
				t.Fatal(err)
			}
			out := dec.Stream(true).Write(append([]byte{byte(len(b) >> 8), byte(len(b))}, b...))
			if len(out) != 1 || out[0].Stop != nil {
				t.Fatalf("%s: % X is not read", d.id, b)
			}
			slow := *out[0]
			slow.ready = [len(readyFields)]place{}
			for _, id := range readyFields {
				if got, want := out[0].Get(id), slow.Get(id); got != want {
					t.Errorf("%s: field %d is %q, made ready %q", d.id, id, want, got)
				}
				if out[0].Has(id) {
					kept++
				}
			}
		}
		if planned == 0 || kept == 0 {
			t.Errorf("%s: %d plans, %d values: nothing was tried", d.id, planned, kept)
		}
	}
}

// TestWhatIsOverwrittenIsTold compares frames with what is kept of them: a half byte that became another one is a hidden one.
func TestWhatIsOverwrittenIsTold(t *testing.T) {
	whole := sale(t, "000123")
	secrets := strings.Repeat("5A0862242456789801135F340101", 12)
	for name, frame := range map[string][]byte{
		"a sale": whole, "a sale that is cut off": whole[:len(whole)-9], "many secrets": saleOf(t, "000123", secrets), "many secrets in no order": saleOf(t, "000123", secrets+"9F2608"),
		"words": []byte("card 6224245678980113=30122015432100 was refused, and nobody knows why"), "nothing known": append([]byte("\x01\x02\x03\xFF"), testPAN...),
	} {
		m, _, err := Decode(frame, Options{})
		if err != nil || len(m.Raw()) != len(frame) {
			t.Fatalf("%s: %d of %d bytes, %v", name, len(m.Raw()), len(frame), err)
		}
		hidden := 0
		for i := range 2 * len(frame) {
			switch {
			case m.MaskedNibble(i):
				hidden++
			case nibble(m.Raw(), i) != nibble(string(frame), i):
				t.Fatalf("%s: half byte %d of % X was overwritten, and nobody tells", name, i, m.Raw())
			}
		}
		if hidden == 0 {
			t.Errorf("%s: nothing is hidden in % X", name, m.Raw())
		}
	}
}
