package link

import (
	"regexp"
	"strconv"
	"strings"
)

// hexRun is a stretch of a line that is written in hex.
type hexRun struct {
	from, to int
	digits   []byte // hex digits, * for blanked ones
	groups   int    // how many groups they stand in
	pairs    bool   // every group has two digits
	first    int    // digits of the first group
	second   int    // where the second begins
	rest     bool   // every group but the first has two digits
	odd      bool   // a group has an odd number of digits
}

// hexAt reads hex from i on: groups of digits, each with 0x or \x before it or not, with one separator between them.
func hexAt(s string, i int) (r hexRun) {
	r.from, r.pairs = i, true
	for i < len(s) {
		if i+2 < len(s) && (s[i] == '0' || s[i] == '\\') && (s[i+1] == 'x' || s[i+1] == 'X') {
			i += 2
		}
		n, begun := 0, i
		for i+n < len(s) && (isHex(s[i+n]) || s[i+n] == '*') {
			n++
		}
		if n == 0 || i+n < len(s) && isWord(s[i+n]) {
			break
		}
		if n%2 == 1 {
			// One digit short at the end is damage; in the middle, the word is no hex.
			if r.groups > 0 && n < 8 {
				break
			}
			r.odd = true
		}
		if r.groups == 1 && r.odd && n == 2 && len(r.digits) < 8 { // how many bytes follow, as a number
			r = hexRun{from: i, pairs: true}
		}
		if r.groups == 0 {
			r.first = n
		} else if r.groups == 1 {
			r.second, r.rest = begun, true
		}
		r.rest = r.rest && (r.groups == 0 || n == 2)
		r.digits = append(r.digits, s[i:i+n]...)
		r.pairs = r.pairs && n == 2
		r.groups++
		i += n
		r.to = i
		// One separator: a blank or two, a comma with a blank, a colon or a dash without.
		switch {
		case i < len(s) && strings.IndexByte(",;\t", s[i]) >= 0:
			for i++; i < len(s) && s[i] == ' '; i++ {
			}
			if next := strings.TrimPrefix(s[i:], "0x"); len(next) < n || !isHex(next[n-1]) || len(next) > n && isHex(next[n]) {
				return r // the next column of a table, and no group of the same size
			}
		case i+1 < len(s) && (s[i] == ':' || s[i] == '-') && isHex(s[i+1]):
			i++
		case i < len(s) && s[i] == ' ':
			for n := 0; n < 2 && i < len(s) && s[i] == ' '; n++ {
				i++
			}
		case i < len(s) && s[i] == '\\':
		default:
			return r
		}
	}
	return r
}

// headed is a run without its first group, when that is no byte of it: a number that says how many bytes follow and has half a byte, or what
// the word before it names, or a word before bytes that stand apart, unless it is their length in hex.
func (r hexRun) headed(before string) hexRun {
	if r.groups < 2 {
		return r
	}
	word, n := string(r.digits[:r.first]), (len(r.digits)-r.first)/2
	count, err := strconv.Atoi(word)
	length, _ := strconv.ParseUint(strings.ReplaceAll(word, "*", "0"), 16, 64)
	switch {
	case err == nil && count == n && r.first%2 == 1:
	case err == nil && (count == n || r.first != 2 || !r.pairs) && named.MatchString(before):
	case r.rest && r.groups > leastDirHex && r.first != 2 && length != uint64(n):
	default:
		return r
	}
	r.digits, r.from, r.groups = r.digits[r.first:], r.second, r.groups-1
	r.pairs, r.odd = r.rest, len(r.digits)%2 == 1
	return r
}

// named is what stands before a number that is no byte.
var named = regexp.MustCompile(`(?i)(?:^|[^a-z])(?:port|len|length|size|id|no|seq|pid|tid|thread|conn|connection|socket|fd|session|count|端口|长度|序号|流水号)\.? ?[=:#(\[：]? ?$`)

// identity is what stands before hex that names something, proves something or opens something, as JSON logs have in every line.
var identity = regexp.MustCompile(`(?i)(?:id|trace|span|etag|hash|md5|sha-?\d*|digest|sign|signature|token|secret|nonce|checksum|fingerprint)["']?\s*[:=]\s*["']?$`)

// bytes are what the digits of a run say; half a byte at the end is left out.
func (r *hexRun) bytes() (b []byte, blanked bool) {
	b = make([]byte, len(r.digits)/2)
	for i := range 2 * len(b) {
		c := r.digits[i]
		switch {
		case c >= 'a':
			c -= 'a' - 10
		case c >= 'A':
			c -= 'A' - 10
		case c == '*':
			c, blanked = 0, true
		default:
			c -= '0'
		}
		b[i/2] = b[i/2]<<4 | c
	}
	return b, blanked
}
