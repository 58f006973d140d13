package link

import (
	"cmp"
	"regexp"
	"strconv"
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
}

// lineParser reads the lines of one log.
type lineParser struct {
	day  time.Time // what a time without a date belongs to
	form int       // of times, how this log writes them: tried first
	runs bool      // it writes hex without blanks behind a direction

	armoured bool // in a key or a certificate

	plain   Plain
	decimal bool // it writes lists of bytes in decimal
	base    int  // of the offsets of the dump in hand, 0 until one shows it
}

// times are how logs write the time, the longest first. Groups: year, month, day, hour, minute, second, fraction, zone.
var times = []struct {
	re    *regexp.Regexp
	order string
}{
	{regexp.MustCompile(`(\d{4})[-/.年](\d{1,2})[-/.月](\d{1,2})日?[T ,_-]\s*(\d{1,2})[:时](\d{2})[:分](\d{2})秒?(?:[.,:](\d{1,9}))?\s?(Z|[+-]\d{2}:?\d{2})?`), "YMDhmsfz"},
	{regexp.MustCompile(`\b(\d{4})(\d{2})(\d{2})[T _-]?(\d{2}):?(\d{2}):?(\d{2})(?:[.,](\d{1,9}))?\b`), "YMDhmsf"},
	{regexp.MustCompile(`\b(\d{1,2})[-/.](\d{1,2})[-/.](\d{4})[T ,]\s*(\d{1,2}):(\d{2}):(\d{2})(?:[.,:](\d{1,9}))?`), "DMYhmsf"},
	{regexp.MustCompile(`\b(Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)[a-z]* +(\d{1,2}),? (?:(\d{4}) )?(\d{1,2}):(\d{2}):(\d{2})(?:[.,](\d{1,9}))?`), "NDYhmsf"},
	{regexp.MustCompile(`\b(\d{1,2})[-/](\d{1,2}) (\d{1,2}):(\d{2}):(\d{2})(?:[.,](\d{1,9}))?`), "MDhmsf"},
	{regexp.MustCompile(`\b(\d{1,2}):(\d{2}):(\d{2})(?:[.,:](\d{1,9}))?\b`), "hmsf"},
	{regexp.MustCompile(`^\W{0,2}(1\d{9})(?:[.,](\d{1,9}))?\b`), "Ef"},
	{regexp.MustCompile(`^\W{0,2}(1\d{9})(\d{3})\b`), "Ef"},
}

// twelve is what stands behind an hour that is counted to twelve.
var twelve = regexp.MustCompile(`^ ?([AaPp])\.?[Mm]\.?\b`)

const months = "JanFebMarAprMayJunJulAugSepOctNovDec"

// timeOf finds the time that a line begins with, and answers the line without it. A line that is all hex has none.
func (p *lineParser) timeOf(line string) (at time.Time, clock bool, rest string) {
	head := line[:min(len(line), 80)]
	for i := range times {
		form := (p.form + i) % len(times)
		f := times[form]
		m := f.re.FindStringSubmatchIndex(head)
		// Digits of a frame are no time: before it stands no hex, and it does not go on in more digits.
		if m == nil || m[0] > 40 || m[1] < len(line) && isHex(line[m[1]]) && isHex(line[m[1]-1]) || pairs(line, m[0], m[1]) {
			continue
		}
		year, month, date := p.day.Date()
		var hour, minute, second, nano int
		zone := p.day.Location()
		at, clock = time.Time{}, !strings.Contains(f.order, "D")
		for i, what := range f.order {
			from, to := m[2*i+2], m[2*i+3]
			if from < 0 {
				continue
			}
			text := head[from:to]
			n, _ := strconv.Atoi(text)
			switch what {
			case 'Y':
				year = n
			case 'M':
				month = time.Month(n)
			case 'N':
				month = time.Month(1 + strings.Index(months, text)/3)
			case 'D':
				date = n
			case 'h':
				hour = n
			case 'm':
				minute = n
			case 's':
				second = n
			case 'f':
				nano, _ = strconv.Atoi((text + "000000000")[:9])
			case 'z':
				if z, err := time.Parse("Z07:00", text); err == nil {
					zone = z.Location()
				} else if z, err := time.Parse("-0700", text); err == nil {
					zone = z.Location()
				}
			case 'E':
				at, clock = time.Unix(int64(n), 0), false
			}
		}
		half := twelve.FindStringSubmatchIndex(head[m[1]:])
		if half != nil {
			hour %= 12
			if c := head[m[1]+half[2]]; c == 'P' || c == 'p' {
				hour += 12
			}
			m[1] += half[1]
		}
		// Who counts hours to twelve writes the month first, and nobody has a thirteenth month.
		if strings.HasPrefix(f.order, "DMY") && (half != nil || month > 12) {
			month, date = time.Month(date), int(month)
		}
		if month < 1 || month > 12 || date < 1 || date > 31 || hour > 23 || minute > 59 || second > 60 {
			continue
		}
		if at.IsZero() {
			at = time.Date(year, month, date, hour, minute, second, nano, zone)
		} else {
			at = at.Add(time.Duration(nano))
		}
		p.form = form
		return at, clock, line[:m[0]] + " " + line[m[1]:]
	}
	return time.Time{}, false, line
}

// pairs says that what looks like a time is a part of bytes with colons or dashes between.
func pairs(line string, from, to int) bool {
	return to+1 < len(line) && (line[to] == ':' || line[to] == '-') && isHex(line[to+1]) || from > 1 && (line[from-1] == ':' || line[from-1] == '-') && isHex(line[from-2])
}

// Words and arrows for the two directions as a terminal's log has them. In a host's log they mean the reverse: of a message
// that is understood, its type says which way it went.
var (
	outWord, inWord = anyOf(`send|sends|sent|sending|snd|tx|txd|out|outgoing|outbound|write|request|req`, `发送|发出|发往|上送|请求`),
		anyOf(`recv|receive|received|receiving|rcv|rcvd|rx|rxd|in|incoming|inbound|read|response|resp|rsp|reply`, `接收|收到|返回|应答|响应`)
	outArrow, inArrow = regexp.MustCompile(`-+>|=+>|>{2,}|→|^\W*>`), regexp.MustCompile(`<-+|<=+|<{2,}|←|^\W*<`)
)

// anyOf matches any of the words.
func anyOf(latin, chinese string) *regexp.Regexp {
	return regexp.MustCompile(`(?i)(?:^|[^a-z])(?:` + latin + `)(?:[^a-z]|$)|` + chinese)
}

// directionOf reads the direction from what stands around the hex: the first word or arrow counts. behind is where it ends.
func directionOf(s string) (dir Dir, behind int, ok bool) {
	best := len(s) + 1
	for _, x := range []struct {
		re  *regexp.Regexp
		dir Dir
	}{{outWord, ToHost}, {outArrow, ToHost}, {inWord, ToTerminal}, {inArrow, ToTerminal}} {
		if m := x.re.FindStringIndex(s); m != nil && m[0] < best {
			best, dir, behind, ok = m[0], x.dir, m[1], true
		}
	}
	return dir, behind, ok
}

func isHex(c byte) bool {
	return c >= '0' && c <= '9' || c >= 'a' && c <= 'f' || c >= 'A' && c <= 'F'
}

func isWord(c byte) bool {
	return c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c == '_'
}

// hexRun is a stretch of a line that is written in hex.
type hexRun struct {
	from, to int
	digits   []byte // hex digits, * for blanked ones
	groups   int    // how many groups they stand in
	pairs    bool   // every group has two digits
	odd      bool   // a group has an odd number of digits
}

// hexAt reads hex from i on: groups of digits, each with 0x or \x before it or not, with one separator between them.
func hexAt(s string, i int) (r hexRun) {
	r.from, r.pairs = i, true
	for i < len(s) {
		if i+2 < len(s) && (s[i] == '0' || s[i] == '\\') && (s[i+1] == 'x' || s[i+1] == 'X') {
			i += 2
		}
		n := 0
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
		r.digits = append(r.digits, s[i:i+n]...)
		r.pairs = r.pairs && n == 2
		r.groups++
		i += n
		r.to = i
		// One separator: a blank or two, a comma with a blank, a colon or a dash without.
		switch {
		case i < len(s) && (s[i] == ',' || s[i] == ';'):
			for i++; i < len(s) && s[i] == ' '; i++ {
			}
			if next := strings.TrimPrefix(s[i:], "0x"); n > 2 && (len(next) <= n || !isHex(next[n-1]) || isHex(next[n])) {
				return r // the next column of a table, and no group of the same size
			}
		case i+1 < len(s) && (s[i] == ':' || s[i] == '-') && isHex(s[i+1]):
			i++
		case i < len(s) && (s[i] == ' ' || s[i] == '\t'):
			for n := 0; n < 2 && i < len(s) && (s[i] == ' ' || s[i] == '\t'); n++ {
				i++
			}
		case i < len(s) && s[i] == '\\':
		default:
			return r
		}
	}
	return r
}

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

// How many bytes are a frame and no number, name or sum of something: between words, and with a direction named beside
// them. Alone on a line, or behind a direction, one byte is enough: serial lines acknowledge with one.
const (
	leastHex    = 24
	leastDirHex = 12
)

// beside is what an array in C has beside its bytes: in Wireshark's, their characters.
var beside = regexp.MustCompile(`/\*.*?\*/`)

// jpos is how the lines of a jPOS log begin that have a message in fields.
var jpos = regexp.MustCompile(`^</?(?:isomsg|field |iso|header>)`)

// parse reads one line. dumped is how many bytes the lines of a dump before it hold.
func (p *lineParser) parse(line string, dumped int) (l hexLine) {
	l.offset = -1
	if head := strings.TrimLeft(line, " \t"); strings.HasPrefix(head, "<") && jpos.MatchString(head) {
		l.values = true
		return l
	}
	if strings.HasPrefix(line, "-----") {
		p.armoured = strings.HasPrefix(line, "-----BEGIN ")
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
	}
	var rest string
	l.at, l.clock, rest = p.timeOf(line)
	var best hexRun
	for i := 0; i < len(rest); {
		if c := rest[i]; !isHex(c) && c != '\\' || i > 0 && isWord(rest[i-1]) && c != '\\' {
			i++
			continue
		}
		r := hexAt(rest, i)
		if len(r.digits) >= len(best.digits) && len(r.digits) > 1 {
			best = r
		}
		for i = max(r.to, i+1); i < len(rest) && isWord(rest[i]) && isWord(rest[i-1]); i++ {
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
		l.data, l.blanked = best.bytes()
		l.broken = len(best.digits)%2 == 1 || best.odd || strings.HasPrefix(strings.TrimSpace(rest[best.to:]), "...") || strings.HasPrefix(rest[best.to:], "…")
	case !p.armoured:
		if s, ok := inBase64(line); ok {
			if l, ok := p.say(line, s); ok {
				return l
			}
		}
	}
	return l
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

// wordy says that there are letters or digits in a text.
func wordy(s string) bool {
	return strings.ContainsFunc(s, func(r rune) bool { return unicode.IsLetter(r) || unicode.IsDigit(r) })
}

// dumpLine reads a line of a dump: an offset in hex, a colon or blanks, bytes in groups of one or more with single blanks
// between and a wider gap after the eighth, then a column of characters or nothing. Seven digits of an offset, words of two bytes
// and nothing else are what hexdump and od -x write: each word is turned round.
func (p *lineParser) dumpLine(line string, dumped int) (offset int, data []byte, turned, ok bool) {
	s := strings.TrimLeft(line, " \t")
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
	if at < 0 || at%4 != 0 {
		return 0, nil, false, false
	}
	colon := s[n] == ':'
	turned = n == 7 && !colon
	s = strings.TrimPrefix(s[n:], ":")
	if blank := len(s) - len(strings.TrimLeft(s, " \t")); blank == 0 || !colon && blank < 2 && at%16 != 0 {
		return 0, nil, false, false
	} else {
		s = s[blank:]
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
	return at, data, turned, len(data) > 0 && (colon || len(data) == 16 || strings.Contains(line, "|") || at > 0)
}
