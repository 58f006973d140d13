package link

import (
	"bytes"
	"regexp"
	"strings"
	"time"
	"unicode"
)

// hexLine is what one line of a log says.
type hexLine struct {
	at      time.Time // zero when it names none
	clock   bool      // it names the time of day only
	dir     Dir
	hasDir  bool
	data    []byte // the bytes written in hex, empty when there are none
	offset  int    // of a dump's line, -1 for other hex
	broken  bool   // digits are missing
	blanked bool   // digits were blanked out, and are read as zeros
	values  bool   // of a jPOS log: values of fields, which are no bytes of the line
	turned  bool   // of a dump in words of two bytes, which the machine has turned round
	plain   bool   // the bytes stood there as text
	carries string // what the log is known to carry
	answer  []byte // of a line that has both directions, the bytes of the second
}

// lineParser reads the lines of one log.
type lineParser struct {
	day  time.Time // what a time without a date belongs to
	form int       // of times, how this log writes them: tried first
	runs bool      // it writes hex without blanks behind a direction

	armoured bool // in a key or a certificate

	plain   Plain
	decimal bool   // it writes lists of bytes in decimal
	columns bool   // the line before had bytes and a column of their characters
	under   string // what stood before the direction in the latest line that named one and held no bytes: rows of bytes may stand there
	base    int    // of the offsets of the dump in hand, 0 until one shows it
}

func isHex(c byte) bool {
	return c >= '0' && c <= '9' || c >= 'a' && c <= 'f' || c >= 'A' && c <= 'F'
}

func isWord(c byte) bool {
	return c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c == '_'
}

// How many bytes are a frame and no number, name or sum of something: between words, and with a direction named beside
// them. Alone on a line, or behind a direction, one byte is enough: serial lines acknowledge with one.
const (
	leastHex    = 24
	leastDirHex = 12
)

// address is one of the network, with its port or without, or a UUID: neither is hex of a frame.
var address = regexp.MustCompile(`\b(?:\d{1,3}(?:\.\d{1,3}){3}(?:[:.]\d{1,5})?|[0-9a-fA-F]{8}-(?:[0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12})\b`)

// beside is what an array in C has beside its bytes: in Wireshark's, their characters.
var beside = regexp.MustCompile(`/\*.*?\*/`)

// priority is what syslog puts before a line.
var priority = regexp.MustCompile(`^<\d{1,3}>(?:1 )?`)

// jpos is how the lines of a jPOS log begin that have a message in fields.
var jpos = regexp.MustCompile(`^</?(?:isomsg|field |iso|header>)`)

// parse reads one line. dumped is how many bytes the lines of a dump before it hold.
func (p *lineParser) parse(line string, dumped int) (l hexLine) {
	l.offset = -1
	if head := strings.TrimLeft(line, " \t"); strings.HasPrefix(head, "<") && jpos.MatchString(head) {
		l.values = true
		return l
	}
	if strings.HasPrefix(line, "<") {
		line = priority.ReplaceAllString(line, "")
	}
	if strings.HasPrefix(line, "-----") {
		p.armoured = strings.HasPrefix(line, "-----BEGIN ")
	}
	if strings.Contains(line, "(byte)") {
		line = strings.ReplaceAll(strings.ReplaceAll(line, "(byte) ", ""), "(byte)", "")
	}
	if strings.Contains(line, "/*") && strings.Contains(line, "0x") {
		line = beside.ReplaceAllString(line, "")
	}
	if end := strings.TrimPrefix(strings.TrimSpace(line), "0x"); dumped > 0 && len(end) > 2 && len(end) <= 8 && strings.Trim(end, "0123456789abcdefABCDEF") == "" {
		// Nothing but where a dump ends, as hexdump and od write it: one byte earlier than it seemed, where the last word was half one.
		for _, n := range []int{dumped, dumped - 1} {
			if p.offset(end, n) == n {
				l.offset = n
				return l
			}
		}
	}
	if n, data, turned, ok := p.dumpLine(line, dumped); ok {
		switch {
		case n == dumped || n == 0:
			l.offset, l.data, l.turned = n, data, turned
			return l
		case dumped > 0 && len(data) == 16: // lines of the dump are missing
			l.broken = true
			return l
		}
	}
	if d := columned(strings.TrimLeft(line, " \t|")); len(d) >= 4 || d != nil && p.columns {
		p.columns, l.data = true, d
		return l
	}
	p.columns = false
	at, clock, rest := p.timeOf(line)
	if l, ok := p.row(rest, dumped); ok {
		return l
	}
	if p.plain != nil {
		if x := p.plain(line); x.To > x.From {
			s := spelled{x.From, x.To, []byte(line[x.From:x.To]), !x.Sure, 1}
			if l, ok := p.say(line, s); ok && (x.Sure || !prose(s.data)) {
				l.plain, l.carries = true, x.Carries
				return l
			}
		}
	}
	if s, ok := p.spell(line); ok {
		if l, ok := p.say(line, s); ok {
			p.decimal = p.decimal || line[s.to-1] != '\'' && line[s.to-1] != '"'
			return l
		}
		line = line[:s.from] + "," + line[s.to:]
		at, clock, rest = p.timeOf(line)
	}
	l.at, l.clock = at, clock
	if strings.Count(rest, ".") >= 3 || strings.Count(rest, "-") >= 4 {
		rest = address.ReplaceAllStringFunc(rest, func(s string) string { return strings.Repeat(",", len(s)) })
	}
	var best hexRun
	var first, second *hexRun
	for i := 0; i < len(rest); {
		if c := rest[i]; !isHex(c) && c != '\\' || i > 0 && isWord(rest[i-1]) && c != '\\' {
			i++
			continue
		}
		r := hexAt(rest, i)
		r = r.headed(rest[:r.from])
		if identity.MatchString(rest[max(0, r.from-32):r.from]) {
			r.digits = nil
		}
		if n := len(r.digits) / 2; n >= leastDirHex && first == nil {
			first = &r
		} else if n >= leastDirHex && second == nil {
			second = &r
		}
		if len(r.digits) >= len(best.digits) && len(r.digits) > 1 {
			best = r
		}
		for i = max(r.to, i+1); i < len(rest) && isWord(rest[i]) && isWord(rest[i-1]); i++ {
		}
	}
	if second != nil { // request and answer
		one, _, named := directionOf(rest[:first.from])
		other, _, too := directionOf(rest[first.to:second.from])
		if named && too && one != other {
			l.dir, l.hasDir = one, true
			l.data, _ = first.bytes()
			l.answer, _ = second.bytes()
			return l
		}
	}
	around := rest
	if len(best.digits) > 0 {
		around = rest[:best.from] + "\x00" + rest[best.to:]
	}
	var behind int
	l.dir, behind, l.hasDir = directionOf(around)
	bare := strings.Trim(around, "\x00 \t[](){}\"',;:<>-=|") == ""
	switch n := len(best.digits) / 2; {
	case n >= leastHex, n >= leastDirHex && l.hasDir, n >= 1 && bare, n >= 1 && (best.pairs || p.runs) && l.hasDir && !wordy(around[min(behind, best.from):best.from]+rest[best.to:]):
		p.runs = p.runs || l.hasDir && best.groups == 1 && n >= leastDirHex
		if l.data, l.blanked = best.bytes(); bytes.Equal(l.data, ruler) {
			l.data = nil
			return l
		}
		l.broken = len(best.digits)%2 == 1 || best.odd || strings.HasPrefix(strings.TrimSpace(rest[best.to:]), "...") || strings.HasPrefix(rest[best.to:], "…")
	case !p.armoured:
		if s, ok := inBase64(line); ok {
			if l, ok := p.say(line, s); ok {
				return l
			}
		}
	}
	if l.hasDir && len(l.data) == 0 {
		_, behind, _ = directionOf(rest)
		p.under = rest[:headEnd(rest, behind)]
	}
	return l
}

// ruler stands above the columns of a dump.
var ruler = []byte{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15}

// wordy says that there are letters or digits in a text.
func wordy(s string) bool {
	return strings.ContainsFunc(s, func(r rune) bool { return unicode.IsLetter(r) || unicode.IsDigit(r) })
}
