package cli

import (
	"regexp"
	"strconv"
	"strings"

	"tillscope/link"
	"tillscope/wire"
)

// opening is how a message that is text begins: maybe with BASE24's header, then the message type and the bitmap in hex.
var opening = regexp.MustCompile(`^(?:ISO[0-9]{9})?` + messageType + `[0-9A-Fa-f]{16}`)

// shortest is the least that opening takes, longest the most.
const shortest, longest = 20, 32

// opens is where the first message that is text begins in a line, negative where none does: where a word may begin, maybe with its
// length in digits, or behind the two bytes of a length, of which a log shows what can be shown.
func opens(line string) int {
	begins := func(i int) bool {
		return i+shortest <= len(line) && opening.MatchString(line[i:min(i+longest, len(line))])
	}
	for i := 0; i+shortest <= len(line); i++ {
		if i > 0 && (line[i-1] == '.' || line[i-1] < ' ') && begins(i+1) {
			return i + 1
		}
		if c := line[i]; c != 'I' && (c < '0' || c > '9') || i > 0 && alphanumeric(line[i-1]) {
			continue
		}
		if begins(i) {
			return i
		}
		for n := 2; n <= 6; n++ {
			length, err := strconv.Atoi(line[i : i+n])
			if err != nil {
				break
			}
			if text := line[i+n : max(i+n, closing(line, i))]; length <= len(text) && length >= len(strings.TrimRight(text, " \t")) && begins(i+n) {
				return i
			}
		}
	}
	return -1
}

func alphanumeric(c byte) bool { return c >= '0' && c <= '9' || c|0x20 >= 'a' && c|0x20 <= 'z' }

// likely is what may be a message that does not decode: more than a long number, and in no language.
var likely = regexp.MustCompile(`^[!-~]{32}[ -~]{8,}$`)

// onlyHex is what may as well be bytes in hex.
var onlyHex = regexp.MustCompile(`^(?:[0-9A-Fa-f]{2})+$`)

// plainMessages finds the message that a line of a log holds as the text that it is. It is sure of a message that decodes to its
// end, and of every other one in a log that has held such a one; what may as well be hex is text only when it decodes as text and
// does not as hex.
func plainMessages(o wire.Options) link.Plain {
	var carries wire.Detection // of what the log was seen to hold
	looked, failed := 0, 0
	padded := false // blanks behind its messages are not theirs
	decodes := func(text string) (wire.Detection, bool) {
		m, det, err := wire.Decode([]byte(text), o)
		return det, err == nil && whole(m) && len(m.Fields()) >= leastFields
	}
	return func(line string) (x link.Text) {
		if x.From = opens(line); x.From < 0 {
			return link.Text{}
		}
		x.To = closing(line, x.From)
		trimmed := x.From + len(strings.TrimRight(line[x.From:x.To], " \t"))
		hex, known := onlyHex.MatchString(line[x.From:trimmed]), carries.Dialect != ""
		if padded {
			x.To = trimmed
		}
		x.Sure = known && !hex
		switch {
		case hex && failed > failures:
			return link.Text{}
		case looked < looks || !x.Sure && failed <= failures:
			det, ok := decodes(line[x.From:x.To])
			if !ok && !known {
				if det, ok = decodes(line[x.From:trimmed]); ok {
					x.To, padded = trimmed, true
				}
			}
			if ok && hex && !known {
				b, err := parsePlain(line[x.From:trimmed])
				if _, packed := decodes(string(b)); err == nil && packed {
					ok = false
				}
			}
			if looked++; ok && det.Confidence > carries.Confidence {
				carries = det
			}
			if !ok {
				failed++
			}
			x.Sure = x.Sure || ok
		}
		if !x.Sure && (hex || !likely.MatchString(line[x.From:x.To])) {
			return link.Text{}
		}
		x.Carries = carries.Note()
		return x
	}
}

// looks is how many messages are looked at to know what a log carries: one may fit more than one dialect. Failures are how many
// times that may come to nothing: looking takes a thousand times as long as reading.
const looks, failures = 8, 100

// leastFields is how many fields a message has at the least: long numbers begin like messages, too.
const leastFields = 3

// closing is where a message ends that begins at from: before what closes the quote or the bracket in which it stands, or else
// with its line.
func closing(line string, from int) int {
	before, behind := line[:from], line[from:]
	end := -1
	if i := strings.LastIndexAny(before, "\"'`[({"); i >= 0 {
		switch c := before[i]; c {
		case '[', '(', '{':
			end = strings.LastIndexByte(behind, "])}"[strings.IndexByte("[({", c)])
			if strings.HasSuffix(before[:i], "<![CDATA") {
				end = strings.Index(behind, "]]>")
			}
		default:
			end = strings.IndexByte(behind, c)
		}
	}
	if end < 0 {
		return len(line)
	}
	return from + end
}
