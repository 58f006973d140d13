package link

import (
	"encoding/base64"
	"regexp"
	"strconv"
	"strings"
)

// Programs write bytes otherwise than in hex, too: as their language writes an array or a text of bytes. Only what can hardly be
// anything else is taken for bytes.

// spelled is a stretch of a line that says bytes so.
type spelled struct {
	from, to int
	data     []byte
	loose    bool // it may be something else, unless what stands around says that it is a frame
	alone    int  // how many bytes are enough when nothing stands around it
}

// spell finds the first stretch of a line that is a text of bytes, or a list of them in decimal.
func (p *lineParser) spell(line string) (spelled, bool) {
	if s, ok := quoted(line); ok {
		return s, true
	}
	return p.decimals(line)
}

// byteText is a text of bytes: Python's b'…', or one between quotes that has bytes as \x00, \u0000 or \0 in it.
var byteText = regexp.MustCompile(`\bb'(?:[^'\\]|\\.)*'|\bb"(?:[^"\\]|\\.)*"|"(?:[^"\\]|\\.)*\\(?:(?:x|u00)[0-9a-fA-F]{2}|[0-7])(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*\\(?:(?:x|u00)[0-9a-fA-F]{2}|[0-7])(?:[^'\\]|\\.)*'`)

// quoted reads texts of bytes. Some behind each other, as in C, are one.
func quoted(line string) (s spelled, ok bool) {
	if strings.IndexByte(line, '\\') < 0 && !strings.Contains(line, "b'") && !strings.Contains(line, `b"`) {
		return s, false
	}
	for _, m := range byteText.FindAllStringIndex(line, -1) {
		text := strings.TrimPrefix(line[m[0]:m[1]], "b")
		b, _, spelled := Unescape(text[1:len(text)-1], true)
		if !spelled || hexText.Match(b) || len(b) == 0 || prose(b) || ok && strings.Trim(line[s.to:m[0]], " \t+\\") != "" {
			continue
		}
		if !ok {
			s.from = m[0]
		}
		s.to, s.data, ok = m[1], append(s.data, b...), true
	}
	return s, ok
}

// hexText is a text that is hex itself.
var hexText = regexp.MustCompile(`^(?:[0-9a-fA-F]{2})+$`)

// prose says that bytes are words rather than a frame: of those, some hosts write a few, in capitals mostly.
func prose(b []byte) bool {
	small := 0
	for _, c := range b {
		if c >= 'a' && c <= 'z' {
			small++
		}
	}
	return 4*small > len(b)
}

// Unescape reads the inside of a text of bytes as Python, C, Go, Java and JSON write it: \x00, \u0000, up to three octal digits, and the
// letters of control characters. Strict takes what is written so throughout, of printable characters, and answers false to
// anything else; otherwise what is no escape stands for itself. plain is what was not escaped.
func Unescape(s string, strict bool) (b []byte, plain string, ok bool) {
	var left []byte
	for i := 0; i < len(s); {
		if c := s[i]; c != '\\' {
			if strict && (c < ' ' || c > '~') {
				return nil, "", false
			}
			b, left, i = append(b, c), append(left, c), i+1
			continue
		}
		m := escape.FindStringSubmatch(s[i:])
		switch {
		case m == nil && strict:
			return nil, "", false
		case m == nil:
			b, left, i = append(b, s[i]), append(left, s[i]), i+1
			continue
		case m[1] != "":
			n, _ := strconv.ParseUint(m[1], 16, 8) // the pattern took digits only
			b = append(b, byte(n))
		case m[2] != "":
			n, _ := strconv.ParseUint(m[2], 8, 8)
			b = append(b, byte(n))
		default:
			b = append(b, "\a\b\t\n\v\f\r\\'\"?"[strings.Index(`abtnvfr\'"?`, m[3])])
		}
		i += len(m[0])
	}
	return b, string(left), true
}

// escape is one byte behind a backslash: in hex, in octal, or a letter.
var escape = regexp.MustCompile(`^\\(?:(?:x|u00)([0-9A-Fa-f]{2})|([0-3][0-7]{2}|[0-7]{1,2})|([abtnvfr\\'"?]))`)

// list is numbers with blanks or commas between.
var list = regexp.MustCompile(`-?\d{1,3}(?:(?: ?, ?|  ?)-?\d{1,3}){3,}`)

// decimals reads a list of bytes in decimal, with or without a sign. In hex, a byte has two digits and no sign; so has a decimal
// list that is all text, but then most of its numbers are the codes of digits, which hardly ever stand so thick in hex. What a
// log has shown once holds for all of it.
func (p *lineParser) decimals(line string) (s spelled, ok bool) {
	if !lists(line) {
		return s, false
	}
	for _, m := range list.FindAllStringIndex(line, -1) {
		if m[0] > 0 && (isWord(line[m[0]-1]) || strings.IndexByte(".:/-*", line[m[0]-1]) >= 0) || m[1] < len(line) && (isWord(line[m[1]]) || strings.IndexByte(".:/-*", line[m[1]]) >= 0) {
			continue
		}
		b, sure := decimal(line[m[0]:m[1]], true)
		codes, text := 0, true
		for _, n := range b {
			text = text && n >= 32 && n <= 99
			if n >= '0' && n <= '9' {
				codes++
			}
		}
		sure = len(b) > 0 && (sure || p.decimal) || text && len(b) >= leastHex && 5*codes >= 3*len(b)
		if sure && len(b) > len(s.data) {
			s, ok = spelled{m[0], m[1], b, true, 8}, true
			if m[0] > 0 && m[1] < len(line) && strings.IndexByte("[{(", line[m[0]-1]) >= 0 && strings.IndexByte("]})", line[m[1]]) >= 0 || p.decimal {
				s.loose, s.alone = false, 1
			}
		}
	}
	return s, ok
}

// lists says that a line may hold a list: the pattern takes its time.
func lists(line string) bool {
	numbers, digits, gap := 0, 0, 0
	for i := range len(line) {
		switch c := line[i]; {
		case c >= '0' && c <= '9':
			if digits++; digits > 3 {
				numbers = 0
			} else if digits == 1 {
				if numbers++; numbers == 4 {
					return true
				}
			}
			gap = 0
		case c == ' ' || c == ',' || c == '-':
			digits = 0
			if gap++; gap > 4 {
				numbers = 0
			}
		default:
			numbers, digits = 0, 0
		}
	}
	return false
}

// decimal reads a list, sure of it when a number has a sign or three digits: in hex it would have neither. Strict knows that 00 is
// written in hex, and that the first number may be a length.
func decimal(list string, strict bool) (b []byte, sure bool) {
	numbers := strings.FieldsFunc(list, func(r rune) bool { return r == ' ' || r == ',' })
	for i, x := range numbers {
		n, err := strconv.Atoi(x)
		if err != nil || n < -128 || n > 255 || strict && len(x) > 1 && x[0] == '0' && !(len(numbers[0]) == 3 && len(x) == 3) {
			return nil, false
		}
		b = append(b, byte(n))
		sure = sure || n < 0 || len(x) == 3 && (i > 0 || !strict)
	}
	return b, sure
}

// Decimals reads a text that is nothing but a list of bytes in decimal, in brackets or not; nil when it may be hex.
func Decimals(text string) []byte {
	text = strings.Trim(strings.Join(strings.Fields(text), " "), "[](){},; ")
	if list.FindString(text) != text {
		return nil
	}
	if b, sure := decimal(text, false); sure && len(b) >= 10 {
		return b
	}
	return nil
}

// sixtyFour is what base64 is written in, and its form for addresses. labels name what is a frame where nothing names a direction.
var (
	sixtyFour = regexp.MustCompile(`[A-Za-z0-9+/]{16,}={0,2}|[A-Za-z0-9_-]{16,}={0,2}`)
	labels    = regexp.MustCompile(`(?i)(?:^|[^a-z])(?:data|msg|message|payload|frame|raw|body|bytes|base64|b64|iso(?:8583|msg)?|报文|数据)(?:[^a-z]|$)`)
)

// inBase64 finds a stretch in base64. Names and tokens look like that, too: it is loose.
func inBase64(line string) (s spelled, ok bool) {
	for _, m := range sixtyFour.FindAllStringIndex(line, -1) {
		text := line[m[0]:m[1]]
		if m[0] > 0 && (isWord(line[m[0]-1]) || line[m[0]-1] == '.') || m[1] < len(line) && (isWord(line[m[1]]) || strings.IndexByte(".=", line[m[1]]) >= 0) ||
			!strings.ContainsAny(text, "0123456789+/") && !strings.Contains(text, "AAA") || strings.ToLower(text) == text || strings.ToUpper(text) == text {
			continue
		}
		for _, form := range []*base64.Encoding{base64.StdEncoding, base64.RawStdEncoding, base64.URLEncoding, base64.RawURLEncoding} {
			if b, err := form.Strict().DecodeString(text); err == nil && len(b) > len(s.data) {
				s, ok = spelled{m[0], m[1], b, true, leastHex}, true
			}
		}
	}
	return s, ok
}

// say takes a stretch for what a line says, when enough around it says that it is a frame.
func (p *lineParser) say(line string, s spelled) (l hexLine, ok bool) {
	l.offset = -1
	var before string
	l.at, l.clock, before = p.timeOf(line[:s.from])
	behind := line[s.to:]
	var end int
	l.dir, end, l.hasDir = directionOf(before + "\x00" + behind)
	bare := strings.Trim(before+behind, " \t[](){}\"',;:<>-=|") == ""
	n := len(s.data)
	switch beside := l.hasDir && !wordy(before[min(end, len(before)):]+behind); {
	case bare:
		ok = n >= s.alone
	case s.loose:
		ok = n >= leastHex && l.hasDir && labels.MatchString(before) || n >= leastDirHex && beside
	default:
		ok = n >= leastHex || n >= leastDirHex && l.hasDir || beside
	}
	l.data, l.broken = s.data, strings.HasPrefix(behind, "...")
	return l, ok
}

// ForeignDump gives the bytes of a dump that is not in bytes with offsets in hex: in words of two bytes, which a machine has turned
// round (hexdump, od -x), or with offsets in octal or decimal (od). It gives nil for any other text.
func ForeignDump(text string) (out []byte) {
	var p lineParser
	foreign := false
	for line := range strings.Lines(text) {
		if line = strings.TrimRight(line, "\r\n"); strings.TrimSpace(line) == "" {
			continue
		}
		l := p.parse(line, len(out))
		if l.offset < 0 || l.offset == 0 && len(out) > 0 {
			return nil
		}
		out = append(out[:l.offset], l.data...)
		foreign = foreign || l.turned || p.base == 8 || p.base == 10
	}
	if !foreign {
		return nil
	}
	return out
}
