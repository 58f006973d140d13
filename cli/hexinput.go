package cli

import (
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"regexp"
	"strings"

	"tillscope/link"
)

// parseHex reads the bytes of one message as people paste them: hex with blanks, colons, commas or line breaks between,
// 0x or \x before, as a C array; a dump with offsets and a column of characters (xxd, hexdump -C, tcpdump -X, Wireshark);
// string literals with escapes; arrays in decimal; base64 where nothing else can be meant. Errors never quote the input: it may be
// a card number.
func parseHex(text string) ([]byte, error) {
	text = strings.TrimSpace(strings.TrimPrefix(text, "\ufeff"))
	if text == "" {
		return nil, errors.New("there is nothing to decode: give a message in hex, as an argument or on standard input")
	}
	if b := link.ForeignDump(text); len(b) > 0 {
		return b, nil
	}
	if b, ok := parseDump(text); ok {
		return b, nil
	}
	if b, ok := parseEscaped(text); ok {
		return b, nil
	}
	if b := link.Decimals(text); b != nil {
		return b, nil
	}
	b, err := parsePlain(text)
	if err == nil {
		return b, nil
	}
	if b, ok := parseBase64(text); ok {
		return b, nil
	}
	return nil, err
}

// ornaments are what stands around hex digits in source code and logs.
var ornaments = strings.NewReplacer("0x", "", "0X", "", `\x`, "", `\X`, "", ":", "", ",", "", ";", "", "-", "", "_", "", "{", "", "}", "", "[", "", "]", "", "(", "", ")", "", `"`, "", "'", "", "|", "")

func parsePlain(text string) ([]byte, error) {
	digits := strings.Join(strings.Fields(ornaments.Replace(text)), "")
	for i, r := range digits {
		if !strings.ContainsRune("0123456789abcdefABCDEF", r) {
			return nil, fmt.Errorf("character %d of the hex digits is none: give the bytes of one message in hex, as a dump with offsets, or in base64, or a message of plain text as it stands", i+1)
		}
	}
	switch {
	case digits == "":
		return nil, errors.New("there is nothing to decode: give a message in hex, as an argument or on standard input")
	case len(digits)%2 == 1:
		return nil, fmt.Errorf("the input has an odd number of hex digits (%d): one is missing or too many", len(digits))
	}
	return hex.DecodeString(digits)
}

// boxes are what hexyl and other programs draw around a dump, as plain dumps have it.
var boxes = strings.NewReplacer(" ┊ ", "  ", "┊", " ", "│", "|")

// dumpLine is one line of a dump: an offset, then bytes in groups of one or more, with single blanks or dashes between.
// Two blanks, a bar or the end of the line close the bytes.
var dumpLine = regexp.MustCompile(`^[\s|]*(?:0x)?([0-9a-fA-F]{3,8})h?([:|]\s*|\s+)((?:[0-9a-fA-F]{2}){1,8}(?:[ -](?:[0-9a-fA-F]{2}){1,8})*(?:  (?:[0-9a-fA-F]{2})(?: [0-9a-fA-F]{2})*)?)(?:\s*$|\s{2,}|\s*\|)`)

// fullLine is a line of a dump of sixteen bytes a line, with one blank before the column of characters.
var fullLine = regexp.MustCompile(`^[\s|]*(?:0x)?([0-9a-fA-F]{3,8})h?([:|]?\s+)((?:[0-9a-fA-F]{2} ){15}[0-9a-fA-F]{2}) (.{1,16})$`)

// pairs are bytes, and hardly characters beside bytes.
var pairs = regexp.MustCompile(`^[0-9a-fA-F]{2}(?: [0-9a-fA-F]{2})*$`)

// wideLine is a line of a dump with wide gaps between words of four bytes, as hosts print it, without a column of characters.
var (
	wideLine = regexp.MustCompile(`(?m)^\s*[0-9a-fA-F]{3,8}:?\s+(?:[0-9a-fA-F]{8}[ \t]{2,}){3}[0-9a-fA-F]{8}\s*$`)
	wideGap  = regexp.MustCompile(`\b([0-9a-fA-F]{8})[ \t]{2,}`)
)

// parseDump reads lines that begin with an offset. The offsets prove that it is a dump: each line begins where the one
// before ended. Lines without an offset around it (tcpdump's heads, prose) are passed over, but not within it.
func parseDump(text string) (out []byte, ok bool) {
	if wideLine.MatchString(text) {
		text = wideGap.ReplaceAllString(text, "$1 ")
	}
	lines := strings.Split(text, "\n")
	counted := 0
	for _, line := range lines {
		line = strings.TrimRight(boxes.Replace(line), "\r ")
		g := fullLine.FindStringSubmatch(line)
		if g == nil || pairs.MatchString(g[4]) {
			g = dumpLine.FindStringSubmatch(line)
		}
		if g == nil {
			continue
		}
		var at int
		if _, err := fmt.Sscanf(g[1], "%x", &at); err != nil || at != len(out) {
			if err == nil && at == 0 {
				break // another dump begins; one message is read
			}
			return nil, false
		}
		out = append(out, dumpBytes(g[3])...)
		counted++
	}
	// One line with an offset is a dump only with something that shows it: a colon, or a column of characters.
	if counted == 0 || counted == 1 && !strings.Contains(text, ":") && !strings.Contains(text, "|") && !strings.Contains(strings.TrimSpace(text), "  ") {
		return nil, false
	}
	return out, len(out) > 0
}

// dumpBytes reads the bytes of one line. A wider gap stands after the eighth of sixteen; anywhere else it begins the
// column of characters, which may look like bytes.
func dumpBytes(s string) []byte {
	left, right, gap := strings.Cut(s, "  ")
	read := func(s string) []byte {
		b, _ := hex.DecodeString(strings.NewReplacer(" ", "", "-", "").Replace(s)) // the pattern took hex only
		return b
	}
	b := read(left)
	if gap && len(b) == 8 {
		b = append(b, read(right)...)
	}
	return b
}

// parseBase64 takes what cannot be hex and can hardly be anything else.
func parseBase64(text string) ([]byte, bool) {
	s := strings.Join(strings.Fields(text), "")
	mixed := strings.ToUpper(s) != s && strings.ToLower(s) != s
	if !mixed || len(s) < 16 {
		return nil, false
	}
	for _, form := range []*base64.Encoding{base64.StdEncoding, base64.RawStdEncoding, base64.URLEncoding, base64.RawURLEncoding} {
		if b, err := form.DecodeString(s); err == nil {
			return b, true
		}
	}
	return nil, false
}
