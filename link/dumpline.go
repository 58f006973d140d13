package link

import (
	"cmp"
	"strconv"
	"strings"
)

// headEnd is where the head of a line ends that says something at a place behind it.
func headEnd(line string, at int) (end int) {
	for _, by := range separators {
		if i := strings.LastIndex(line[:at], by); i >= 0 {
			end = max(end, i+len(by))
		}
	}
	return end
}

// separators are what ends the head that a logger puts before each line.
var separators = []string{": ", "] ", "| ", "- ", " : "}

// row reads a row of bytes behind the head of a line: one of a dump, one with a column of characters, or, where the line that named
// the direction had the same head, of hex alone.
func (p *lineParser) row(rest string, dumped int) (l hexLine, ok bool) {
	l.offset = -1
	if under, is := strings.CutPrefix(rest, p.under); is && strings.TrimSpace(p.under) != "" {
		if r := hexAt(under, 0); r.pairs && len(r.digits) >= 2 && strings.TrimSpace(under[r.to:]) == "" {
			l.data, _ = r.bytes()
			return l, true
		}
	}
	for _, by := range separators {
		for at := 0; ; {
			i := strings.Index(rest[at:], by)
			if i < 0 {
				break
			}
			at += i + len(by)
			s := strings.TrimLeft(rest[at:], " \t|")
			if len(s) < 8 || !isHex(s[0]) || !isHex(s[1]) {
				continue
			}
			if n, data, turned, ok := p.dumpLine(s, dumped); ok && (n == 0 && len(data) == 16 || n > 0 && n == dumped) {
				l.offset, l.data, l.turned = n, data, turned
				return l, true
			}
			if d := columned(s); len(d) >= 8 {
				l.data = d
				return l, true
			}
		}
	}
	return l, false
}

// offset reads where a line of a dump begins: in hex, or as od has it, in octal, or in decimal. The first line that can be read in
// one base only, when n bytes stand before it, tells the base of all.
func (p *lineParser) offset(text string, n int) int {
	read := func(base int) int {
		at, err := strconv.ParseUint(text, base, 32)
		if err != nil {
			return -1
		}
		return int(at)
	}
	if p.base == 0 {
		for _, base := range []int{16, 10, 8} {
			if n > 8 && read(base) == n && (base == 16 || len(text) == 7 || base == 10 && len(text) >= 4) {
				p.base = base
				break
			}
		}
	}
	return read(cmp.Or(p.base, 16))
}

// dumpLine reads a line of a dump: an offset in hex, a colon or blanks, bytes in groups of one or more with single blanks
// between and a wider gap after the eighth, then a column of characters or nothing. Seven digits of an offset, words of two bytes
// and nothing else are what hexdump and od -x write: each word is turned round.
func (p *lineParser) dumpLine(line string, dumped int) (offset int, data []byte, turned, ok bool) {
	s := strings.TrimLeft(line, " \t|")
	s = strings.TrimPrefix(s, "0x")
	n := 0
	for n < len(s) && isHex(s[n]) {
		n++
	}
	if n < 3 || n > 8 || n == len(s) {
		return 0, nil, false, false
	}
	if strings.Trim(s[:n], "0") == "" {
		p.base = 0
	}
	at := p.offset(s[:n], dumped)
	if at < 0 || at%4 != 0 && (at != dumped || dumped == 0) {
		return 0, nil, false, false
	}
	colon := s[n] == ':' || s[n] == '|'
	turned = n == 7 && !colon
	if s = s[n:]; colon {
		s = s[1:]
	}
	blank := len(s) - len(strings.TrimLeft(s, " \t"))
	if blank == 0 || !colon && blank < 2 && at%16 != 0 {
		return 0, nil, false, false
	}
	s = s[blank:]
	if data = columned(s); data != nil {
		return at, data, false, true
	}
	for len(s) > 0 && len(data) < 64 {
		n := 0
		for n < len(s) && isHex(s[n]) {
			n++
		}
		if n == 0 || n%2 == 1 || n > 16 || n < len(s) && s[n] != ' ' && s[n] != '-' && s[n] != '\t' && s[n] != '|' {
			break
		}
		r := hexRun{digits: []byte(s[:n])}
		b, _ := r.bytes()
		data = append(data, b...)
		s = s[n:]
		turned = turned && n == 4
		if gap := len(s) - len(strings.TrimLeft(s, " -")); gap > 1 && len(data) != 8 || gap > 2 || gap == 0 {
			break // the column of characters
		} else {
			s = s[gap:]
		}
	}
	// One line with an offset is a dump only when something shows it: the colon, a zero and a column, a usual width.
	if turned = turned && strings.TrimSpace(s) == ""; turned {
		for i := 0; i+1 < len(data); i += 2 {
			data[i], data[i+1] = data[i+1], data[i]
		}
	}
	return at, data, turned, len(data) > 0 && (colon || n == 8 && blank == 2 || len(data) == 16 || strings.Contains(line, "|") || at > 0)
}
