package link

import (
	"bytes"
	"encoding/hex"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"golang.org/x/text/encoding/unicode"
)

// rows writes bytes in rows, each as form says it with its offset, its hex (padded to the width of a whole row) and its characters.
func rows(b []byte, form func(at int, hex, text string) string) (out string) {
	for at := 0; at < len(b); at += 16 {
		row := b[at:min(at+16, len(b))]
		text := []byte(strings.Map(func(r rune) rune {
			if r < ' ' || r > '~' {
				return '.'
			}
			return r
		}, latin(row)))
		out += form(at, fmt.Sprintf("%-47s", fmt.Sprintf("% X", row)), string(text)) + "\n"
	}
	return out
}

// latin has a character for each byte.
func latin(b []byte) string {
	r := make([]rune, len(b))
	for i, c := range b {
		r[i] = rune(c)
	}
	return string(r)
}

// What tools, terminals and hosts print around bytes. Two frames each, sent and received at known times where the form has times.
func TestLogsOfTools(t *testing.T) {
	out, in := sample(t), slices.Concat([]byte{0, 0x3B, 0x60, 0, 0, 3, 0x60}, []byte("02 00 IS TEXT THAT LOOKS LIKE HEX 30 31 | 0000: BESIDE BYTES"))
	word := func(i int, out, in string) string { return []string{out, in}[i] }
	for name, form := range map[string]func(i int, b []byte) string{
		"rows with characters": func(i int, b []byte) string {
			return word(i, "==>", "<==") + "\n" + rows(b, func(_ int, hex, text string) string { return "  " + hex + "   " + text })
		},
		"socat -x -v": func(i int, b []byte) string {
			return fmt.Sprintf("%s 2026/03/02 09:00:01.000123456  length=%d from=0 to=%d\n", word(i, ">", "<"), len(b), len(b)-1) +
				rows(b, func(_ int, hex, text string) string { return " " + strings.ToLower(hex) + "  " + text }) + "--\n"
		},
		"a gap in the middle": func(i int, b []byte) string {
			return word(i, "T 192.0.2.31:40001 -> 192.0.2.7:8583 [AP] #4\n", "T 192.0.2.7:8583 -> 192.0.2.31:40001 [AP] #5\n") +
				rows(b, func(_ int, hex, text string) string { return "  " + hex[:24] + "   " + hex[24:] + "    " + text })
		},
		"Netty": func(i int, b []byte) string {
			return "09:00:01.123 DEBUG LoggingHandler - [id: 0x6f1c2a3b, L:/192.0.2.31:50122 - R:192.0.2.7/192.0.2.7:8583] " + word(i, "WRITE", "READ") + fmt.Sprintf(": %dB\n", len(b)) +
				"         +-------------------------------------------------+\n         |  0  1  2  3  4  5  6  7  8  9  a  b  c  d  e  f |\n+--------+-------------------------------------------------+----------------+\n" +
				rows(b, func(at int, hex, text string) string { return fmt.Sprintf("|%08x| %s |%-16s|", at, hex, text) }) +
				"+--------+-------------------------------------------------+----------------+\n"
		},
		"Android": func(i int, b []byte) string {
			return "03-02 09:00:01.123  2345  2371 D Comm: " + word(i, "send", "recv") + "\n" +
				rows(b, func(at int, hex, text string) string { return fmt.Sprintf("0x%08x %s %s", at, hex, text) })
		},
		"Android, each row a line": func(i int, b []byte) string {
			head := "03-02 09:00:01.123  2345  2371 D Comm: "
			return head + word(i, "send", "recv") + fmt.Sprintf(" len=%d\n", len(b)) + rows(b, func(_ int, hex, _ string) string { return head + strings.TrimSpace(hex) })
		},
		"Android, each row of a dump a line": func(i int, b []byte) string {
			head := "03-02 09:00:01.123  2345  2371 D Comm: "
			return head + word(i, "send", "recv") + "\n" + rows(b, func(at int, hex, text string) string { return head + fmt.Sprintf("%04X: %s |%s|", at, hex, text) })
		},
		"Windows": func(i int, b []byte) string {
			return word(i, "sent", "received") + "\n           00 01 02 03 04 05 06 07 08 09 0A 0B 0C 0D 0E 0F\n" +
				rows(b, func(at int, hex, text string) string { return fmt.Sprintf("%08X   %s  %s", at, hex, text) }) + "\n"
		},
		"certutil": func(i int, b []byte) string {
			return word(i, "sent", "received") + "\n" + rows(b, func(at int, hex, text string) string { return fmt.Sprintf("%04x\t%s\t%s", at, hex, text) })
		},
		"tcpflow": func(i int, b []byte) string {
			return word(i, "192.000.002.031.40001-192.000.002.007.08583: \n", "192.000.002.007.08583-192.000.002.031.40001: \n") +
				rows(b, func(at int, hex, text string) string {
					pairs := strings.Fields(hex)
					s := ""
					for k := 0; k < len(pairs); k += 2 {
						s += strings.Join(pairs[k:min(k+2, len(pairs))], "") + " "
					}
					return fmt.Sprintf("%04x: %-40s%s", at, s, text)
				}) + "\n"
		},
		"columns": func(i int, b []byte) string {
			return fmt.Sprintf("2026-03-02 09:00:01.123;%s;%d;%X\n", word(i, "OUT", "IN"), len(b), b)
		},
		"tabs": func(i int, b []byte) string {
			return fmt.Sprintf("%d\t1772442001.123456\t192.0.2.31\t192.0.2.7\t%x\n", i+4, b)
		},
		"a port monitor": func(i int, b []byte) string {
			return fmt.Sprintf("%d\t02/03/2026 09:00:01\t%s\tDOWN\t0x00000000\t% x \t%s\tpos.exe\tCOM3\n", i, word(i, "IRP_MJ_WRITE", "IRP_MJ_READ"), b, "..")
		},
		"syslog": func(i int, b []byte) string {
			return fmt.Sprintf("<134>1 2026-03-02T09:00:01.123+01:00 gw posgw 812 - - %s len=%d %X\n", word(i, "snd", "rcv"), len(b), b)
		},
		"address": func(i int, b []byte) string {
			return fmt.Sprintf("2026-03-02 09:00:01.123 %s 192.0.2.7:8583 %X\n", word(i, "send to", "recv from"), b)
		},
		"numbers": func(i int, b []byte) string {
			return fmt.Sprintf("2026-03-02 09:00:01.123 %s port 8583 len %d % X\n", word(i, "send to", "recv from"), len(b), b)
		},
		"strace": func(i int, b []byte) string {
			return fmt.Sprintf("09:00:01.123456 %s(5, %s, 4096) = %d\n", word(i, "write", "read"), octal(b), len(b))
		},
		"hexlify": func(i int, b []byte) string {
			return fmt.Sprintf("2026-03-02 09:00:01,123 %s: b'%x'\n", word(i, "Request", "Response"), b)
		},
		"Java": func(i int, b []byte) string {
			return word(i, "send", "recv") + " { (byte)0x" + strings.ReplaceAll(fmt.Sprintf("% X", b), " ", ", (byte)0x") + " }\n"
		},
		"an SDK": func(i int, b []byte) string { return fmt.Sprintf("UPOS:%s=%X\n", word(i, "sendData", "recvData"), b) },
		"Spanish": func(i int, b []byte) string {
			return fmt.Sprintf("02/03/2026 09:00:01 %s: %X\n", word(i, "Enviado", "Recibido"), b[:23])
		},
		"German": func(i int, b []byte) string {
			return fmt.Sprintf("02.03.2026 09:00:01: %s: % X\n", word(i, "Gesendet", "Empfangen"), b[:23])
		},
		"下行": func(i int, b []byte) string {
			return fmt.Sprintf("09:00:01 %s报文 len=23 data=% x\n", word(i, "上行", "下行"), b[:23])
		},
	} {
		log := form(0, out) + form(1, in)
		events, tally, err := readText(t, log)
		sent, got := gather(events, ToHost), gather(events, ToTerminal)
		whole := func(got, b []byte) bool { return bytes.Equal(got, b) || len(got) == 23 && bytes.Equal(got, b[:23]) }
		if name == "tabs" || name == "tcpflow" || name == "a gap in the middle" { // which address is whose, messages tell
			sent, got = sent[:min(len(out), len(sent))], slices.Concat(sent[min(len(out), len(sent)):], got)
		}
		if err != nil || !whole(sent, out) || !whole(got, in) || tally.Damaged > 0 {
			t.Errorf("%s: %v, %+v\n% x\n% x\n%s", name, err, *tally, sent, got, log)
			continue
		}
		if at := events[0].At; strings.Contains(log, "09:00:01") && at.Format("15:04:05") != "09:00:01" && name != "syslog" {
			t.Errorf("%s: %v", name, at)
		}
	}
}

// octal is a text of bytes as strace has it.
func octal(b []byte) string {
	s := `"`
	for i, c := range b {
		switch {
		case c == '"' || c == '\\':
			s += `\` + string(rune(c))
		case c >= ' ' && c <= '~':
			s += string(rune(c))
		case i+1 < len(b) && b[i+1] >= '0' && b[i+1] <= '7':
			s += fmt.Sprintf(`\%03o`, c)
		default:
			s += fmt.Sprintf(`\%o`, c)
		}
	}
	return s + `"`
}

// Wireshark shows a conversation as two dumps that take turns, the answers to the right, each with offsets of its own.
func TestConversationOfTwoDumps(t *testing.T) {
	var log strings.Builder
	var want [2][]byte
	for i := range 6 {
		dir := Dir(i % 2)
		b := bytes.Repeat([]byte{byte(i), 'a'}, 5+7*i)
		for at := 0; at < len(b); at += 16 {
			fmt.Fprintf(&log, "%s%08X  % x\n", []string{"", "    "}[dir], len(want[dir])+at, b[at:min(at+16, len(b))])
		}
		want[dir] = append(want[dir], b...)
	}
	events, tally, err := readText(t, log.String())
	for dir, b := range want {
		if got := gather(events, Dir(dir)); err != nil || !bytes.Equal(got, b) {
			t.Errorf("%v, %+v\n%s\nwant %s\n%s", err, *tally, hex.EncodeToString(got), hex.EncodeToString(b), log.String())
		}
	}
}

// A byte that counts those behind it is a byte all the same.
func TestBytesThatLookLikeCounts(t *testing.T) {
	for log, want := range map[string]string{
		"RX: 01 02\n": "0102",
		"TX\n15 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00\n":      "15" + strings.Repeat("00", 15),
		"09:00:01 sent 12 01 02 03 04 05 06 07 08 09 10 11 12\n":     "12010203040506070809101112",
		"09:00:01 sent len 12 01 02 03 04 05 06 07 08 09 10 11 12\n": "010203040506070809101112",
		"09:00:01 sent 012 01 02 03 04 05 06 07 08 09 10 11 12\n":    "010203040506070809101112",
		"09:00:01 sent no: 60 00 03 00 00 60 31 00 31 10 01 08 00\n": "60000300006031003110010800",
	} {
		events, _, err := readText(t, log)
		if got := hex.EncodeToString(append(gather(events, ToHost), gather(events, ToTerminal)...)); err != nil || got != want {
			t.Errorf("%q: %v, %s", log, err, got)
		}
	}
}

// A column proves what is hex only when it shows the same bytes.
func TestColumnOfCharacters(t *testing.T) {
	for s, want := range map[string]string{
		"30 31 32 33  0123":                 "0123",
		"3031 3233 0123":                    "0123",
		"30 31 32 33  |0123|":               "0123",
		"30 31 32 33  ; 0123":               "0123",
		"30 31 20 20  01":                   "01  ",
		"20 20 30 31    01":                 "  01",
		"30 30 20 33 30 33  00 303":         "00 303",
		"00 01 02 03 04 05 06 07  ........": "\x00\x01\x02\x03\x04\x05\x06\x07",
		"30 31 32 33  0124":                 "",
		"30 31 32 33":                       "",
		"00 01 02 03  what":                 "",
		"12 34 56 78 to be sure of it":      "",
	} {
		if got := string(columned(s)); got != want {
			t.Errorf("%q: %q, want %q", s, got, want)
		}
	}
}

// Windows writes UTF-16, with a mark or without; old terminals end lines with a carriage return alone; and a log may begin with
// more words than are looked at first.
func TestLogsAsProgramsSaveThem(t *testing.T) {
	frame := sample(t)
	log := fmt.Sprintf("2026-03-02 09:00:01 SEND: %X\n2026-03-02 09:00:02 RECV: %X\n", frame, frame)
	utf16 := func(e unicode.Endianness, mark unicode.BOMPolicy, s string) string {
		s, err := unicode.UTF16(e, mark).NewEncoder().String(s)
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	for name, text := range map[string]string{
		"UTF-8, marked":       "\ufeff" + log,
		"Windows":             strings.ReplaceAll(log, "\n", "\r\n"),
		"carriage returns":    strings.ReplaceAll(log, "\n", "\r"),
		"UTF-16":              utf16(unicode.LittleEndian, unicode.UseBOM, strings.ReplaceAll(log, "\n", "\r\n")),
		"UTF-16, turned":      utf16(unicode.BigEndian, unicode.UseBOM, log),
		"UTF-16, unmarked":    utf16(unicode.LittleEndian, unicode.IgnoreBOM, log),
		"UTF-16, neither":     utf16(unicode.BigEndian, unicode.IgnoreBOM, log),
		"UTF-16 and Chinese":  utf16(unicode.LittleEndian, unicode.IgnoreBOM, strings.NewReplacer("SEND", "终端发送报文", "RECV", "终端接收报文").Replace(log)),
		"words first":         strings.Repeat(strings.Repeat("nothing to see here ", 99)+"\n", readAhead/1980+2) + log,
		"a long line first":   strings.Repeat("x", 2*readAhead) + "\n" + log,
		"both in a line":      fmt.Sprintf("2026-03-02 09:00:01 request=%x response=%x\n", frame, frame),
		"both, and a MAC key": fmt.Sprintf("2026-03-02 09:00:01 mab=%x send [%x] recv [%x]\n", make([]byte, 8), frame, frame),
	} {
		file := filepath.Join(t.TempDir(), "shop.log")
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		events, err := readAll(t, file)
		if err != nil || !bytes.Equal(gather(events, ToHost), frame) || !bytes.Equal(gather(events, ToTerminal), frame) {
			t.Errorf("%s: %v, %+v", name, err, events)
		}
	}
}

func TestCaptureWithoutPackets(t *testing.T) {
	name := capture(t)
	f, err := OpenFile(name, nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := f.Run(t.Context(), func(Event) {}); err != nil || len(f.Notes()) != 1 {
		t.Errorf("%v, %q", err, f.Notes())
	}
}
