package link

import (
	"encoding/hex"
	"strings"
)

// Programs that show bytes show their characters beside them. A column that says the same as the hex before it proves what is hex and
// where it ends, whatever else stands in the line.

// columned reads bytes in hex, in pairs or words with blanks between, behind which their characters stand to the end of the line. It
// answers nil when the characters are not those of the bytes.
func columned(s string) []byte {
	var data []byte
	var ends []int // behind each group
	var sizes []int
	for i := 0; i < len(s) && len(data) < 64; {
		n := 0
		for i+n < len(s) && isHex(s[i+n]) {
			n++
		}
		b, err := hex.DecodeString(s[i : i+n])
		if err != nil || n == 0 || n > 16 {
			break
		}
		i += n
		data = append(data, b...)
		ends, sizes = append(ends, i), append(sizes, len(data))
		gap := 0
		for i+gap < len(s) && strings.IndexByte(" \t-", s[i+gap]) >= 0 {
			gap++
		}
		if gap == 0 || gap > 5 {
			break
		}
		i += gap
	}
	for k := len(ends) - 1; k >= 0; k-- {
		b, rest := data[:sizes[k]], s[ends[k]:]
		if len(rest) > 4*len(b)+widest {
			break
		}
		if rest != "" && shows(rest, b) {
			return b
		}
	}
	return nil
}

// widest is the most that stands between hex and its characters: a row that is nearly empty.
const widest = 80

// frames are what stands around a column of characters.
const frames = "|>*;:'\"[]<\t "

// shows says that a text ends in the characters of bytes, and has nothing else in it.
func shows(text string, b []byte) bool {
	for _, t := range []string{text, strings.TrimRight(text, " \t"), strings.TrimRight(text, "|<*'\"] ")} {
		r := []rune(t)
		if at := len(r) - len(b); at > 0 && strings.Trim(string(r[:at]), frames) == "" && spells(r[at:], b) {
			return true
		}
	}
	r := []rune(strings.TrimLeft(text, " \t")) // blanks at the end were taken away
	for len(r) > 0 && len(r) < len(b) && b[len(r)] <= ' ' {
		r = append(r, ' ')
	}
	return len(r) == len(b) && spells(r, b)
}

// spells says that characters are those of bytes, with a dot or whatever for what has none.
func spells(r []rune, b []byte) bool {
	same, dots := 0, 0
	for i, c := range b {
		switch {
		case c > ' ' && c <= '~' && r[i] == rune(c):
			same++
		case r[i] == '.':
			dots++
		case c > ' ' && c <= '~', r[i] < 0x7F && isWord(byte(r[i])):
			return false
		case r[i] == ' ':
			dots++
		}
	}
	return 4*same >= len(b) || len(b) >= 8 && same+dots == len(b)
}
