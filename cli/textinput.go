package cli

import (
	"errors"
	"regexp"
	"strings"
	"unicode/utf8"

	"golang.org/x/text/encoding/charmap"

	"tillscope/link"
)

// joint is where a literal ends in one line and goes on in the next.
var joint = regexp.MustCompile(`["']\s*[+.\\]?\s*\n\s*[bB]?["']`)

// parseEscaped reads a string literal in which bytes that are no text are escaped. It leaves to others what has no escape, or
// escapes and nothing but separators between.
func parseEscaped(text string) ([]byte, bool) {
	text = unquoted(joint.ReplaceAllString(text, ""))
	b, plain, _ := link.Unescape(text, false)
	if plain == text || plain != "" && strings.Trim(plain, " \t\r\n,;\"'") == "" {
		return nil, false
	}
	return b, len(b) > 0
}

// unquoted takes away what encloses a string literal.
func unquoted(text string) string {
	text = strings.TrimLeft(text, " \t\r\n")
	s := strings.TrimRight(text, " \t\r\n,;")
	for range 2 { // b"…", rb'…'
		if s != "" && strings.IndexByte("bBrRuU", s[0]) >= 0 && len(s) > 2 && strings.IndexByte(`"'bBrR`, s[1]) >= 0 {
			s = s[1:]
		}
	}
	if n := len(s); n > 1 && strings.IndexByte("\"'`", s[0]) >= 0 && s[n-1] == s[0] {
		return s[1 : n-1]
	}
	return strings.TrimRight(text, "\r\n")
}

// messageType is version, class, function and origin as wire reads them.
const messageType = `[0-2][1-9][0-4][0-5]`

// literal is how a message that is text throughout begins: maybe with a length or a header, then the message type and the bitmap
// in hex. The length of a header in text may be binary and not have come along as it was.
var literal = regexp.MustCompile(`^(?:[0-9]{2,10})?(?:ISO[0-9]{9}|A4M[0-9]{5})?[0-29][1-9][0-9]{2}[0-9A-Fa-f]{16}[ -~\s]*$`)

// header is BASE24's in front of a message, or that of ATM hosts: nothing else looks like it. What stands before it is a length that was no text, or what a
// log says of the message, but for a length in digits.
var header = regexp.MustCompile(`^(?s:.*?)([0-9]{0,6}(?:ISO[0-9]{9}|A4M[0-9]{5})[0-29][1-9][0-9]{2}[0-9A-Fa-f]{16})`)

// lostLength is what may be left in front of a text of a length in bytes.
var lostLength = regexp.MustCompile(`^[^0-9]{1,4}`)

// literalMessages takes text for the bytes of a message; none when it does not begin like one. Blanks at its end may belong to
// it, and so may line breaks in it, or they are of the page from which it comes.
func literalMessages(text string) (all [][]byte) {
	text = unquoted(strings.TrimPrefix(text, "\ufeff"))
	if at := header.FindStringSubmatchIndex(text); at != nil {
		text = text[at[2]:]
	}
	if !literal.MatchString(text) {
		if at := opens(text); at >= 0 { // a line of a log
			text = text[at:closing(text, at)]
		}
		if text = lostLength.ReplaceAllString(text, ""); !literal.MatchString(text) {
			return nil
		}
	}
	all = append(all, []byte(text))
	if joined := strings.NewReplacer("\r", "", "\n", "").Replace(text); joined != text {
		all = append(all, []byte(joined))
	}
	return all
}

// typed is how a message begins whose bitmap is no text: maybe with a length and a header, then the message type in text.
var typed = regexp.MustCompile(`^(?s:.{0,16}?)` + messageType)

// errLost says why a message that was copied as text cannot be read.
var errLost = errors.New("the message was copied as text, and bytes that are no text were lost or changed on the way (a binary bitmap, packed digits): " +
	"give its bytes in hex, or as a dump")

// binaryText takes text that holds the bytes of a message one for one: sure of it where a file or a pipe has them, and not where
// they are characters of Latin-1, or of the code page of Windows. It is errLost when some bytes are certainly gone.
func binaryText(text string) (b []byte, sure bool, err error) {
	if !utf8.ValidString(text) {
		return []byte(text), true, nil
	}
	binary := strings.ContainsRune(text, 0)
	if !binary {
		text = unquoted(text)
	}
	sure, plain := true, true
	for _, r := range text {
		c := byte(r)
		if r > 0xFF {
			var ok bool
			if c, ok = charmap.Windows1252.EncodeRune(r); !ok && (binary || typed.MatchString(text)) {
				return nil, false, errLost
			} else if !ok {
				return nil, false, nil
			}
		}
		sure, plain = sure && r < 0x80, plain && c >= ' ' && c <= '~'
		b = append(b, c)
	}
	if plain || !binary && !typed.MatchString(text) {
		return nil, false, nil
	}
	return b, sure, nil
}
