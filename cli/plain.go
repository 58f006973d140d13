package cli

import (
	"regexp"
	"strings"

	"tillscope/link"
	"tillscope/wire"
)

// opening is how a message that is text begins where a word may begin, or behind two bytes of a length, of which a log shows what can
// be shown: maybe with a length or BASE24's header, then the message type and the bitmap in hex.
var opening = regexp.MustCompile(`(?:^|[.\x00-\x1f].|[^0-9A-Za-z])((?:[0-9]{2,10})?(?:ISO[0-9]{9})?[0-2][1-8][0-4][0-5][0-9A-Fa-f]{16})`)

// onlyHex is what may as well be bytes in hex.
var onlyHex = regexp.MustCompile(`^(?:[0-9A-Fa-f]{2})+$`)

// plainMessages finds the message that a line of a log holds as the text that it is. It is sure of a message that decodes to its
// end, and of every other one in a log that has held such a one; what may as well be hex is text only when it decodes as text and
// does not as hex.
func plainMessages(o wire.Options) link.Plain {
	var carries wire.Detection // of what the log was seen to hold
	looked, padded := 0, false // padded: blanks behind its messages are not theirs
	decodes := func(text string) (wire.Detection, bool) {
		m, det, err := wire.Decode([]byte(text), o)
		return det, err == nil && whole(m) && len(m.Fields()) >= leastFields
	}
	return func(line string) (x link.Text) {
		at := opening.FindStringSubmatchIndex(line)
		if at == nil {
			return x
		}
		x.From, x.To = at[2], closing(line, at[2])
		trimmed := x.From + len(strings.TrimRight(line[x.From:x.To], " \t"))
		hex, known := onlyHex.MatchString(line[x.From:trimmed]), carries.Dialect != ""
		if padded {
			x.To = trimmed
		}
		if x.Sure = known && !hex; !x.Sure || looked < looks {
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
			if x.Sure = x.Sure || ok; hex && !ok {
				return link.Text{}
			}
		}
		x.Carries = carries.Note()
		return x
	}
}

// looks is how many messages are looked at to know what a log carries: one may fit more than one dialect.
const looks = 8

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
