package wire

import (
	"encoding/binary"
	"unicode/utf8"

	"golang.org/x/text/encoding/charmap"
	"golang.org/x/text/encoding/simplifiedchinese"
)

// coding is how the characters of a field, or of its length, stand on the line.
type coding uint8

const (
	asText   coding = iota // one byte a character
	asBCD                  // two digits a byte, right-justified
	asLBCD                 // two digits a byte, left-justified
	asBinary               // bytes; as a length, a big-endian number
	asHex                  // two hex characters a byte
	asEBCDIC               // one byte a character, code page 1047
)

// packedCoding says that a character takes half a byte.
func (c coding) packed() bool { return c == asBCD || c == asLBCD }

// hex says that a bitmap in this coding is text, a character for four fields.
func (c coding) hex() bool { return c == asHex || c == asEBCDIC }

// lead is how many filler nibbles stand before the first digit.
func (c coding) lead(chars int) int {
	if c == asBCD {
		return chars % 2
	}
	return 0
}

const nibbleText = "0123456789ABC=EF"

// pairs is the text of every byte of packed digits.
var pairs = func() (t [256][2]byte) {
	for i := range t {
		t[i] = [2]byte{nibbleText[i>>4], nibbleText[i&15]}
	}
	return t
}()

// ebcdic is the ASCII character of every EBCDIC one, 0 for those that have none. Code pages differ in brackets and a few
// signs only; this is 1047, as the card schemes use it.
var ebcdic = func() (t [256]byte) {
	for i := range t {
		if r := charmap.CodePage1047.DecodeByte(byte(i)); r >= 0x20 && r < 0x7F {
			t[i] = byte(r)
		}
	}
	return t
}()

// inEBCDIC says that all of s is text in EBCDIC.
func inEBCDIC(s string) bool {
	for i := range len(s) {
		if ebcdic[s[i]] == 0 {
			return false
		}
	}
	return true
}

func fromEBCDIC(s string) string {
	b := []byte(s)
	for i, c := range b {
		b[i] = ebcdic[c]
	}
	return string(b)
}

func nibble(s string, i int) byte {
	if i%2 == 0 {
		return s[i/2] >> 4
	}
	return s[i/2] & 0xF
}

// appendDigits unpacks count digits of src.
func appendDigits[S string | []byte](dst []byte, src S, count int, c coding) []byte {
	if c.lead(count) == 1 {
		dst = append(dst, pairs[src[0]][1])
		count--
		src = src[1:]
	}
	for count >= 8 { // eight half bytes at once, unless one of them is no digit
		t := src[:4]
		x := uint64(t[0])<<24 | uint64(t[1])<<16 | uint64(t[2])<<8 | uint64(t[3])
		x = (x | x<<16) & 0x0000FFFF0000FFFF
		x = (x | x<<8) & 0x00FF00FF00FF00FF
		x = (x | x<<4) & 0x0F0F0F0F0F0F0F0F
		if (x+0x0606060606060606)&0x1010101010101010 != 0 {
			break
		}
		dst = binary.BigEndian.AppendUint64(dst, x|0x3030303030303030)
		count -= 8
		src = src[4:]
	}
	for ; count >= 2; count -= 2 {
		p := pairs[src[0]]
		dst = append(dst, p[0], p[1])
		src = src[1:]
	}
	if count == 1 {
		dst = append(dst, pairs[src[0]][0])
	}
	return dst
}

// hexValue is what a hex character stands for, 255 where it is none.
var hexValue = func() (t [256]byte) {
	for i := range t {
		t[i] = 255
	}
	for i, c := range []byte("0123456789ABCDEF") {
		t[c], t[c|' '] = byte(i), byte(i) // digits have that bit already
	}
	return t
}()

func unhex(c byte) byte { return hexValue[c] }

// unhex8 is what eight hex characters stand for, all at once, as every bitmap in text asks for it.
func unhex8(x uint64) (v uint64, ok bool) {
	const one = 0x0101010101010101
	letters := x >> 6 & one
	// A digit is 3x and a letter 4x or 6x: nothing may differ from that but the lower half byte, and a letter's case.
	odd := (x ^ (one*0x30 + letters*0x10)) & (one*0xF0 - letters*0x20)
	v = x&(one*0x0F) + letters*9
	// The half bytes of digits are 0 to 9, those of letters 10 to 15: six more reach the next one for letters only.
	odd |= v & (one * 0x10)
	odd |= (v+one*6)&(one*0x10) ^ letters<<4
	v = (v | v>>4) & 0x00FF00FF00FF00FF
	v = (v | v>>8) & 0x0000FFFF0000FFFF
	return (v | v>>16) & 0xFFFFFFFF, odd == 0
}

// printable says that all of s is printable ASCII, eight bytes at a time: it is asked of every text field.
func printable[S string | []byte](s S) bool {
	const high, blank, one = 0x8080808080808080, 0x2020202020202020, 0x0101010101010101
	word := func(at int) uint64 {
		t := s[at : at+8]
		x := uint64(t[0]) | uint64(t[1])<<8 | uint64(t[2])<<16 | uint64(t[3])<<24 | uint64(t[4])<<32 | uint64(t[5])<<40 | uint64(t[6])<<48 | uint64(t[7])<<56
		// A byte has its high bit, or has it with one more (7F), or does not keep a borrowed one less a blank.
		return x | (x + one) | ^((x | high) - blank)
	}
	if n := len(s); n >= 8 {
		odd := word(n - 8)
		for i := 0; i < n-8; i += 8 {
			odd |= word(i)
		}
		return odd&high == 0
	}
	for i := range len(s) {
		if s[i] < 0x20 || s[i] > 0x7E {
			return false
		}
	}
	return true
}

// gbk reads Chinese text. Only printable results count: random bytes often pass for GB18030.
func gbk(s string) (string, bool) {
	t, err := simplifiedchinese.GB18030.NewDecoder().String(s)
	if err != nil || !utf8.ValidString(t) {
		return "", false
	}
	for _, r := range t {
		if r < 0x20 || r == utf8.RuneError || r >= 0x7F && r < 0xA0 || r >= 0xE000 && r < 0xF900 {
			return "", false
		}
	}
	return t, true
}
