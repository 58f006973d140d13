package cli

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"strings"
	"testing"
)

// dump writes b as programs do: offset in a form, bytes in groups, characters at the end.
func dump(b []byte, offset string, group, perLine int, tail func(string) string) string {
	var out strings.Builder
	for at := 0; at < len(b); at += perLine {
		row := b[at:min(at+perLine, len(b))]
		fmt.Fprintf(&out, offset, at)
		line := ""
		for i, c := range row {
			if i > 0 && i%group == 0 {
				line += " "
			}
			line += fmt.Sprintf("%02x", c)
		}
		text := strings.Map(func(r rune) rune {
			if r < 0x20 || r > 0x7E {
				return '.'
			}
			return r
		}, string(bytes.Map(func(r rune) rune { return r & 0x7F }, row)))
		out.WriteString(line + tail(text) + "\n")
	}
	return out.String()
}

// hexyl writes b as the program of that name does.
func hexyl(b []byte) string {
	var out strings.Builder
	out.WriteString("┌────────┬─────────────────────────┬─────────────────────────┬────────┬────────┐\n")
	for at := 0; at < len(b); at += 16 {
		row := b[at:min(at+16, len(b))]
		left, right := row[:min(8, len(row))], row[min(8, len(row)):]
		text := strings.Repeat("⋄", len(left)) + "┊" + strings.Repeat("0", len(right))
		fmt.Fprintf(&out, "│%08x│ %-23s ┊ %-23s │%s│\n", at, fmt.Sprintf("% x", left), fmt.Sprintf("% x", right), text)
	}
	return out.String() + "└────────┴─────────────────────────┴─────────────────────────┴────────┴────────┘\n"
}

// turned is a dump in words of two bytes as an Intel machine has them.
func turned(b []byte) string {
	out := ""
	for at := 0; at < len(b); at += 16 {
		out += fmt.Sprintf("%07o", at)
		for i := at; i < min(at+16, len(b)); i += 2 {
			out += fmt.Sprintf(" %02x%02x", append(b, 0)[i+1], b[i])
		}
		out += "\n"
	}
	return out + fmt.Sprintf("%07o\n", len(b))
}

func TestHexAsPeoplePasteIt(t *testing.T) {
	want, err := hex.DecodeString(strings.ReplaceAll(purchase, " ", ""))
	if err != nil {
		t.Fatal(err)
	}
	spaced := fmt.Sprintf("% x", want)
	none := func(string) string { return "" }
	for name, in := range map[string]string{
		"as published":    purchase,
		"bare":            hex.EncodeToString(want),
		"upper case":      strings.ToUpper(spaced),
		"colons":          strings.ReplaceAll(spaced, " ", ":"),
		"0x and commas":   "0x" + strings.ReplaceAll(spaced, " ", ", 0x"),
		"C array":         "{ 0x" + strings.ReplaceAll(spaced, " ", ",0x") + " };",
		"escapes":         `"\x` + strings.ReplaceAll(spaced, " ", `\x`) + `"`,
		"lines":           strings.ReplaceAll(spaced, " 60 ", "\n60 "),
		"byte order mark": "\ufeff" + spaced,
		"xxd":             dump(want, "%08x: ", 2, 16, func(s string) string { return "  " + s }),
		"hexdump -C":      dump(want, "%08x  ", 1, 16, func(s string) string { return "  |" + s + "|" }),
		"tcpdump -X":      "12:04:29.120 IP 192.0.2.31.40001 > 192.0.2.7.8583: Flags [P.], length 90\n" + dump(want, "\t0x%04x:  ", 2, 16, func(s string) string { return "  " + s }),
		"Wireshark":       dump(want, "%04x   ", 1, 16, func(s string) string { return "   " + s }),
		"hexyl":           hexyl(want),
		"offsets alone":   dump(want, "%04x ", 1, 16, none),
		"eight a line":    dump(want, "%04X: ", 1, 8, func(s string) string { return "  " + s }),
		"Windows lines":   strings.ReplaceAll(dump(want, "%04x  ", 1, 16, none), "\n", "\r\n"),
		"one blank":       dump(want, "%08xh ", 1, 16, func(s string) string { return strings.Repeat(" ", 1+3*(16-len(s))) + s }),
		"words":           "Displacement   00+        04+        08+        0C+\n------\n" + strings.ReplaceAll(dump(want, "%04x    ", 4, 16, none), " ", "   ") + "======",
		"od -x":           turned(want),
		"od -t x1":        dump(want, "%07o ", 1, 16, none),
		"od -A d":         dump(want, "%07d ", 1, 16, none),
		"base64":          base64.StdEncoding.EncodeToString(want),
		"Python":          "b" + escapes(want),
		"C in lines":      escapes(want[:40]) + "\n    " + escapes(want[40:]),
		"JSON":            strings.ReplaceAll(escapes(want), `\x`, `\u00`),
		"Java array":      strings.ReplaceAll(fmt.Sprint(signed(want)), " ", ", "),
		"unsigned array":  fmt.Sprint(want),
	} {
		got, err := parseHex(in)
		if err != nil || !bytes.Equal(got, want) {
			t.Errorf("%s: %x, %v\n%s", name, got, err, in)
		}
	}
}

// escapes writes b as a string literal: text as it is, the rest as escapes.
func escapes(b []byte) string {
	out := `"`
	for _, c := range b {
		if c < ' ' || c > '~' || c == '"' || c == '\\' {
			out += fmt.Sprintf(`\x%02x`, c)
		} else {
			out += string(rune(c))
		}
	}
	return out + `"`
}

func signed(b []byte) (out []int8) {
	for _, c := range b {
		out = append(out, int8(c))
	}
	return out
}

func TestHexErrorsDoNotQuote(t *testing.T) {
	for _, in := range []string{"", " \n", "6200000000000005x", "620000000000000", "no hex here"} {
		if _, err := parseHex(in); err == nil {
			t.Errorf("%q was taken for bytes", in)
		} else if strings.Contains(err.Error(), "62000000") {
			t.Errorf("the error quotes the input: %v", err)
		}
	}
}

func FuzzParseHex(f *testing.F) {
	f.Add(purchase)
	f.Add(`b"\x00H\x00\u0082\0\303 8"`)
	f.Add("[48, 50, -48, 48, 48, 48, 48, 48, 48, 48, 130]")
	f.Add("0000: 0200 7020  ..p \n0004: 0480  ..")
	f.Fuzz(func(t *testing.T, s string) {
		if b, err := parseHex(s); err == nil && (len(b) == 0 || len(b) > len(s)) {
			t.Errorf("%d bytes from %d characters", len(b), len(s))
		}
	})
}
