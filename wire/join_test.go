package wire

import (
	"bytes"
	"encoding/hex"
	"flag"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
)

// talk is what one side of a line says in a dialect: the fields of its messages, by kind.
var talk = []struct {
	mti    string
	fields []int
	cup    []int // UnionPay's, where they differ
}{
	{"200", []int{2, 3, 4, 7, 11, 12, 13, 14, 18, 22, 25, 32, 35, 37, 41, 42, 43, 49, 52, 55, 64}, []int{2, 3, 4, 11, 14, 22, 23, 25, 26, 35, 41, 42, 49, 52, 53, 55, 60, 64}},
	{"400", []int{2, 3, 4, 7, 11, 12, 13, 22, 25, 32, 37, 38, 39, 41, 42, 49, 90, 95}, []int{2, 3, 4, 11, 22, 25, 38, 39, 41, 42, 49, 60, 61, 64}},
	{"800", []int{7, 11, 12, 37, 41, 42, 70}, []int{11, 41, 42, 60, 62, 63}},
	{"210", []int{2, 3, 4, 7, 11, 12, 13, 15, 32, 37, 38, 39, 41, 42, 49, 54, 55}, []int{2, 3, 4, 11, 12, 13, 14, 15, 25, 32, 37, 38, 39, 41, 42, 44, 49, 55, 60, 63, 64}},
}

// digitsOf is n random digits.
func digitsOf(r *rand.Rand, n int) string {
	b := make([]byte, n)
	for i := range b {
		b[i] = '0' + byte(r.IntN(10))
	}
	return string(b)
}

// lively is a value as a field of that number has it.
func lively(r *rand.Rand, df *def, stan int) string {
	date := func() string { return fmt.Sprintf("%02d%02d", 1+r.IntN(12), 1+r.IntN(28)) }
	clock := func() string { return fmt.Sprintf("%02d%02d%02d", r.IntN(24), r.IntN(60), r.IntN(60)) }
	switch df.id {
	case 2:
		return []string{testPAN, "4111111111111111", "5500000000000004", "6212345678900000003"}[r.IntN(4)]
	case 3:
		return []string{"000000", "200000", "310000", "003000"}[r.IntN(4)]
	case 4:
		return fmt.Sprintf("%012d", r.IntN(10000000))
	case 7:
		return date() + clock()
	case 11:
		return fmt.Sprintf("%06d", stan)
	case 12:
		if df.max > 6 {
			return "2611241204291234"[:min(df.max, 14)]
		}
		return clock()
	case 13, 15, 17:
		return (date() + clock())[:min(df.max, 6)]
	case 14:
		return "3012"
	case 22:
		return []string{"051", "021", "071", "012"}[r.IntN(4)]
	case 23:
		return "001"
	case 25, 26:
		return []string{"00", "06", "12"}[r.IntN(3)]
	case 32:
		return digitsOf(r, 6+r.IntN(6))
	case 35:
		return testPAN + "=3012" + digitsOf(r, 3+r.IntN(10))
	case 37:
		return "1124" + digitsOf(r, 8)
	case 39:
		return []string{"00", "51", "55", "96"}[r.IntN(4)]
	case 41:
		return "1000" + digitsOf(r, 4)
	case 42:
		return "898310" + digitsOf(r, 9)
	case 43:
		return "SHOP 12 HIGH STREET        SHANGHAI   CN"
	case 44:
		return "01020000   00010000   "
	case 49:
		return []string{"156", "840", "978"}[r.IntN(3)]
	case 53:
		return "2600000000000000"
	case 54:
		return "1002156C" + fmt.Sprintf("%012d", r.IntN(1000000))
	case 60:
		return "22" + digitsOf(r, 6) + []string{"", "000", "00050", "000501"}[r.IntN(4)]
	case 61:
		return digitsOf(r, 12) + "1124"
	case 62:
		return "Sequence No12" + digitsOf(r, 12)
	case 63:
		return []string{"01 ", "CUP", "02 "}[r.IntN(3)]
	case 70:
		return []string{"001", "301"}[r.IntN(2)]
	case 90:
		return "0200" + fmt.Sprintf("%06d", stan) + date() + clock() + "0000048210000000000000"
	}
	return digitsOf(r, max(1, min(df.max, 12)))
}

// chipData is a field 55 of some length.
func chipData(r *rand.Rand) []byte {
	b, _ := hex.DecodeString("9F2701809F100807010103A0A0000095050000048000")
	for _, tag := range []string{"9F26", "9F36", "9F37", "9F02"} {
		n := map[string]int{"9F26": 8, "9F36": 2, "9F37": 4, "9F02": 6}[tag]
		t, _ := hex.DecodeString(tag)
		b = append(append(b, t...), byte(n))
		for range n {
			b = append(b, byte(r.Uint32()))
		}
	}
	return b
}

// livelyBody is a message as a terminal or a host would send it in a dialect.
func livelyBody(r *rand.Rand, d *dialect, kind, stan int) (b []byte) {
	fields := talk[kind].fields
	if d.id == "cup" {
		fields = talk[kind].cup
	}
	mti := string(max(d.version, '0')) + talk[kind].mti
	var set [2]uint64
	var body []byte
	for _, id := range fields {
		df := d.defs[id]
		if df == nil || r.IntN(12) == 0 && id > 4 { // nobody sends all of them
			continue
		}
		st := &d.steps[id]
		var v []byte
		switch {
		case df.tlv:
			v = chipData(r)
		case st.coding == asBinary:
			for range min(df.max, 8) {
				v = append(v, byte(r.Uint32()))
			}
		default:
			v = []byte(lively(r, df, stan))
		}
		if st.digits == 0 { // numbers to the right, text to the left
			for len(v) < df.max {
				if st.coding == asText || st.coding == asEBCDIC {
					if strings.Trim(string(v), "0123456789") == "" && id < 37 {
						v = append([]byte{'0'}, v...)
					} else {
						v = append(v, ' ')
					}
				} else {
					v = append([]byte{'0'}, v...)
				}
			}
		}
		v = v[:min(len(v), df.max)]
		set[(id-1)/64] |= 1 << (63 - (id-1)%64)
		switch {
		case df.doubled:
			body = append(body, lengthOf(st, (len(v)+1)/2)...)
		case st.digits > 0:
			body = append(body, lengthOf(st, len(v))...)
		}
		switch {
		case st.coding.packed():
			packed, err := packed{left: st.coding == asLBCD, filled: df.doubled}.Encode(v)
			if err != nil {
				panic(fmt.Sprint(d.id, id, string(v), err))
			}
			body = append(body, packed...)
		case st.coding == asHex:
			body = fmt.Appendf(body, "%X", v)
		case st.coding == asEBCDIC:
			body = append(body, toEBCDIC(string(v))...)
		default:
			body = append(body, v...)
		}
	}
	switch {
	case d.mti.packed():
		b = append(b, mti[0]<<4&0xF0|mti[1]&15, mti[2]<<4&0xF0|mti[3]&15)
	case d.mti == asEBCDIC:
		b = append(b, toEBCDIC(mti)...)
	default:
		b = append(b, mti...)
	}
	if set[1] != 0 {
		set[0] |= 1 << 63
	}
	for half, x := range set {
		switch {
		case half == 1 && x == 0:
		case d.bitmap == asHex:
			b = fmt.Appendf(b, "%016X", x)
		case d.bitmap == asEBCDIC:
			b = append(b, toEBCDIC(fmt.Sprintf("%016X", x))...)
		default:
			for i := range 8 {
				b = append(b, byte(x>>(56-8*i)))
			}
		}
	}
	return append(b, body...)
}

// toEBCDIC is text in EBCDIC.
func toEBCDIC(s string) (out []byte) {
	for i := range len(s) {
		at := bytes.IndexByte(ebcdic[:], s[i])
		if at < 0 {
			panic("no EBCDIC for " + s)
		}
		out = append(out, byte(at))
	}
	return out
}

// livelyFrame is a whole message in a framing and behind a header.
func livelyFrame(r *rand.Rand, framing, header string, d *dialect, kind, stan int) []byte {
	body := livelyBody(r, d, kind, stan)
	head := ""
	switch header {
	case "tpdu":
		head = "\x60\x00\x03\x00\x00"
	case "tpdu+cup":
		head = "\x60\x00\x03\x00\x00\x60\x31\x00\x31\x10\x01"
	case "tpdu+version2":
		head = "\x60\x00\x01\x00\x00\x01\x00"
	case "base24":
		head = "ISO016000070"
	case "visa":
		n := len(body) + 22
		head = string([]byte{22, 1, 2, byte(n >> 8), byte(n), 0x90, 0x99, 0, 0x64, 3, 0x13, 3, 0x10, 0, 0x42, 0x8C, 0x10, 0x11, 3, 0, 0, 0})
	case "cups":
		head = fmt.Sprintf("\x2E\x02%04d%-11s%-11s\x00\x00\x00\x0100000000000000", len(body)+46, "00010344", "48021000")
	}
	return frameAs(framing, append([]byte(head), body...))
}

// joined is a stream of whose first message some bytes are missing, and the types of the whole messages behind it.
type joined struct {
	r        *rand.Rand
	form     *Form
	b        []byte
	from, to int // the bytes that are missing
	mtis     []string
}

// join makes a stream of some form. gap says which bytes its first frame, of so many, lacks.
func join(r *rand.Rand, form *Form, whole int, gap func(*rand.Rand, int) (from, to int)) joined {
	j := joined{r: r, form: form}
	kinds := []int{0, 0, 0, 1, 2}
	if r.IntN(3) == 0 {
		kinds = []int{3}
	}
	stan := r.IntN(900000) + 1
	for i := range whole + 1 {
		k := kinds[r.IntN(len(kinds))]
		f := livelyFrame(r, form.Framing, form.Header, form.dialect, k, stan+i)
		if i == 0 {
			j.from, j.to = gap(r, len(f))
			f = slices.Delete(f, j.from, j.to)
		} else {
			j.mtis = append(j.mtis, string(max(form.dialect.version, '0'))+talk[k].mti)
		}
		j.b = append(j.b, f...)
	}
	return j
}

// read gives what is wrong with how the stream is read, or nothing: within five whole messages its form is known, and
// every whole message behind these comes out.
func (j *joined) read(t *testing.T) string {
	t.Helper()
	d, err := NewDecoder(Options{})
	if err != nil {
		t.Fatal(err)
	}
	s := d.Stream(true)
	var got []string
	for at := 0; at < len(j.b); {
		n := min(1+j.r.IntN(400), len(j.b)-at)
		for _, m := range s.Write(j.b[at : at+n]) {
			if !m.Undecoded() && m.Stop == nil {
				got = append(got, m.MTI)
			} else {
				got = append(got, "?")
			}
		}
		at += n
	}
	for _, m := range s.Close() {
		if !m.Undecoded() && m.Stop == nil {
			got = append(got, m.MTI)
		}
	}
	det := d.Detection()
	if det.Framing != j.form.Framing || det.Header != j.form.Header || det.Dialect != j.form.Dialect {
		return fmt.Sprintf("read as %s (%.2f, then %s): %v, want %v", det.form(), det.Confidence, det.RunnerUp, got, j.mtis)
	}
	late := j.mtis[min(5, len(j.mtis)):]
	if len(got) < len(late) || !slices.Equal(got[len(got)-len(late):], late) {
		return fmt.Sprintf("%v, want %v", got, j.mtis)
	}
	return ""
}

var joins = flag.Int("joins", 200, "how many streams TestJoinedInTheMiddle joins in the middle, 10000 and more for figures")

// A stream of any form that is heard from any byte of a message on: within five whole messages its form is known, and
// everything behind them is read. What stands first may look like a whole message of another form, or its end like the length
// of one.
func TestJoinedInTheMiddle(t *testing.T) {
	c, err := Options{}.candidates()
	if err != nil {
		t.Fatal(err)
	}
	c = slices.DeleteFunc(c, func(r reading) bool { return r.dialect.third > atHead || r.dialect.own != [2]uint64{} }) // the third bitmap or its own fields alone tell it from others
	gaps := []func(*rand.Rand, int) (from, to int){
		func(*rand.Rand, int) (int, int) { return 0, 0 },
		func(*rand.Rand, int) (int, int) { return 0, 1 },
		func(r *rand.Rand, n int) (int, int) { return 0, 1 + r.IntN(12) },
		func(r *rand.Rand, n int) (int, int) { return 0, 1 + r.IntN(n-1) },
		func(r *rand.Rand, n int) (int, int) { return n - 1 - r.IntN(3), n },
		func(r *rand.Rand, n int) (int, int) { at := r.IntN(n); return at, min(n, at+1+r.IntN(40)) },
	}
	good, told := 0, map[string]int{}
	for i := range *joins {
		r := rand.New(rand.NewPCG(uint64(i), 8583))
		form := c[r.IntN(len(c))].form
		j := join(r, form, 8, gaps[i%len(gaps)])
		wrong := j.read(t)
		if wrong == "" {
			good++
		} else if told[form.Framing]++; told[form.Framing] < 9 {
			t.Logf("%d: %s/%s/%s without bytes %d to %d: %s", i, form.Framing, form.Header, form.Dialect, j.from, j.to, wrong)
		}
	}
	t.Logf("%d of %d (%.2f %%); by framing wrong: %v", good, *joins, 100*float64(good)/float64(*joins), told)
	if good*1000 < *joins*995 {
		t.Error("that is too few")
	}
}
