package cli

import (
	"encoding/hex"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"tillscope/wire"
)

// A conversation in ASCII with a test card: the first two messages consist of hex digits alone.
var conversation = []string{
	"08008220000000000000040000000000000005181243160000013010",
	"081082200000020000000400000000000000051812431600000100301",
	"0200" + "7020000000C00000" + "16" + "6200000000000005" + "000000" + "000000000100" + "000002" + "TERM0001" + "MERCHANT0000001",
	"0210" + "7020000002C00000" + "16" + "6200000000000005" + "000000" + "000000000100" + "000002" + "00" + "TERM0001" + "MERCHANT0000001",
	"0200" + "7020000000C00000" + "16" + "6200000000000005" + "000000" + "000000000100" + "000003" + "TERM0001" + "MERCHANT  (1) 1",
	"0210" + "7020000002C00000" + "16" + "6200000000000005" + "000000" + "000000000100" + "000003" + "51" + "TERM0001" + "MERCHANT  (1) 1",
}

// Hosts log messages in ASCII as the text that they are.
func TestOpenReadsMessagesThatStandAsText(t *testing.T) {
	messages := append([]string{conversation[0][:55]}, conversation[1:]...)
	dir := func(i int, out, in string) string { return []string{out, in}[i%2] }
	for name, form := range map[string]func(i int, m string) string{
		"bare":   func(_ int, m string) string { return m },
		"words":  func(i int, m string) string { return dir(i, "SEND ", "RECV ") + m },
		"length": func(i int, m string) string { return dir(i, "TX: ", "RX: ") + fmt.Sprintf("%04d", len(m)) + m },
		"length beside": func(i int, m string) string {
			return dir(i, "发送报文", "接收报文") + fmt.Sprintf(": [%d:%s]", len(m), m)
		},
		"length in bytes": func(i int, m string) string { return dir(i, "out ", "in ") + "\x00" + string(rune(len(m))) + m },
		"BASE24":          func(i int, m string) string { return dir(i, "--> ", "<-- ") + "ISO016000010" + m },
		"JSON":            func(i int, m string) string { return `{"msg":"` + m + `","dir":"` + dir(i, "out", "in") + `"}` },
		"XML":             func(i int, m string) string { return dir(i, "<out", "<in") + "><![CDATA[" + m + "]]></x>" },
		"brackets":        func(i int, m string) string { return dir(i, "Request", "Response") + " ISO message [" + m + "] done" },
		"below":           func(i int, m string) string { return dir(i, "Sent", "Received") + " a message\n" + m },
		"blanks behind":   func(i int, m string) string { return dir(i, "SEND ", "RECV ") + m + "   " },
		"Python":          func(i int, m string) string { return dir(i, "send ", "recv ") + "b'" + m + "'" },
		"text, then hex": func(i int, m string) string {
			return dir(i, "send ", "recv ") + m + "\n" + dir(i, "send ", "recv ") + "hex " + inHex(m)
		},
		"hex, then text": func(i int, m string) string {
			return dir(i, "send ", "recv ") + "hex " + inHex(m) + "\n" + dir(i, "send ", "recv ") + m
		},
		"hex":              func(i int, m string) string { return dir(i, "send ", "recv ") + inHex(m) },
		"hexlify":          func(i int, m string) string { return dir(i, "send ", "recv ") + "b'" + inHex(m) + "'" },
		"a packet as text": func(i int, m string) string { return dir(i, "> ", "< ") + "E....n@.@.......A.!..Ps.....r" + m },
	} {
		var log strings.Builder
		for i, m := range messages {
			fmt.Fprintf(&log, "2026-03-02 09:00:%02d.123 %s\n", i, form(i, m))
		}
		out, err := run(t, "", "open", logFile(t, log.String()), "--report", "json")
		var got struct {
			Totals       struct{ Messages, Undecoded int }
			Lines        []struct{ Dialect string }
			Transactions []struct {
				RC string `json:"response_code"`
			}
		}
		if err == nil {
			err = json.Unmarshal([]byte(out), &got)
		}
		if err != nil || got.Totals.Messages != len(messages) || got.Totals.Undecoded != 0 || got.Lines[0].Dialect != "iso87-ascii" ||
			len(got.Transactions) != 3 || got.Transactions[2].RC != "51" || strings.Contains(out, "6200000000000005") {
			t.Errorf("%s: %v, %+v\n%s", name, err, got, log.String())
		}
	}
}

// logFile is a file that holds a log.
func logFile(t *testing.T, log string) string {
	t.Helper()
	name := filepath.Join(t.TempDir(), "shop.log")
	if err := os.WriteFile(name, []byte(log), 0o600); err != nil {
		t.Fatal(err)
	}
	return name
}

// inHex is a message behind its length, in hex.
func inHex(m string) string { return fmt.Sprintf("%04x", len(m)) + hex.EncodeToString([]byte(m)) }

// Packed digits begin as text in hex does.
func TestHexIsNotTakenForText(t *testing.T) {
	packed := "0200" + "7020000000C00000" + "16" + "6200000000000005" + "000000" + "000000000100" + "000002" + hex.EncodeToString([]byte("TERM0001MERCHANT0000001"))
	out, err := run(t, "", "open", logFile(t, "SEND "+packed+"\nSEND "+packed), "--report", "json")
	if err != nil || !strings.Contains(out, `"iso87-bcd"`) && !strings.Contains(out, `"cup"`) {
		t.Errorf("%v\n%s", err, out)
	}
	if x := plainMessages(wire.Options{})("发送 27456524438704291095 金额 100.00 元 返回码 00"); x.To > 0 {
		t.Errorf("a number is taken for a message: %+v", x)
	}
	plain := plainMessages(wire.Options{})
	for _, line := range []string{
		"", "in 12 s", "sent 18446744073709551615 bytes of 18446744073709551615", "2200123456789012345678901234567890",
		"message digest 2100aabbccddeeff00112233445566778899aabbccddeeff0011223344556677",
		"request id 0200-7020000000C00000-16", "version 1.0100000000000000000000000000000",
		"order 02001234567890123456 was paid by the customer, who was told of it at once",
	} {
		if x := plain(line); x.Sure {
			t.Errorf("%q is a message", line[x.From:x.To])
		}
	}
}

// Whatever type of message is read is found in text.
func TestEveryTypeOpensAMessage(t *testing.T) {
	for _, mti := range []string{"0100", "0200", "0420", "0620", "0800", "0920", "1200", "2804"} {
		line := "SEND " + mti + "8220000000000000" + "0400000000000000"
		if at := opens(line); at != 5 {
			t.Errorf("%q begins at %d", line, at)
		}
	}
}
