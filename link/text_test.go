package link

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"io"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/gopacket/gopacket/layers"
	"github.com/gopacket/gopacket/pcapgo"
	"golang.org/x/text/encoding/simplifiedchinese"
	"golang.org/x/text/encoding/unicode"
)

// readText reads a log.
func readText(t testing.TB, text string) (events []Event, tally *Tally, err error) {
	t.Helper()
	return readBytes(t, []byte(text))
}

func TestLogsOfEveryForm(t *testing.T) {
	out, _ := hex.DecodeString("00216000030000603100311001080000200000009b00000000013130303030275c310a30")
	in, _ := hex.DecodeString("0022600000000360310031100108100020000000c0000000000131303030303030313030")
	o, i := hex.EncodeToString(out), hex.EncodeToString(in)
	spaced := func(b []byte, sep, each string) string {
		var s []string
		for _, c := range b {
			s = append(s, fmt.Sprintf("%s%02X", each, c))
		}
		return strings.Join(s, sep)
	}
	ended := func(b []byte) string { return hex.Dump(b) + fmt.Sprintf("%08x\n", len(b)) }
	at := func(s string) time.Time {
		x, err := time.ParseInLocation("2006-01-02 15:04:05.999", s, time.Local)
		if err != nil {
			t.Fatal(err)
		}
		return x
	}
	sent, got := at("2026-03-02 09:00:01.123"), at("2026-03-02 09:00:01.456")
	each := func(b []byte, form string) (s []string) {
		for _, c := range b {
			s = append(s, fmt.Sprintf(form, c))
		}
		return s
	}
	signed := func(b []byte) (s []string) {
		for _, c := range b {
			s = append(s, fmt.Sprint(int8(c)))
		}
		return s
	}
	python := func(b []byte) string {
		var s strings.Builder
		for _, c := range b {
			switch {
			case c == '\\' || c == '\'':
				s.WriteString("\\" + string(rune(c)))
			case c == '\t' || c == '\r' || c == '\n':
				s.WriteString(strings.Trim(strconv.Quote(string(rune(c))), `"`))
			case c >= ' ' && c <= '~':
				s.WriteByte(c)
			default:
				fmt.Fprintf(&s, `\x%02x`, c)
			}
		}
		return "b'" + s.String() + "'"
	}
	quote := func(b []byte) string {
		inside := python(b)
		return strings.ReplaceAll(inside[2:len(inside)-1], `"`, `\"`)
	}
	b64 := base64.StdEncoding.EncodeToString
	for name, x := range map[string]struct {
		log   string
		timed bool
	}{
		"base64":              {b64(out) + "\n" + b64(in) + "\n", false},
		"base64, named":       {"2026-03-02 09:00:01.123 SEND: " + b64(out) + "\n2026-03-02 09:00:01.456 RECV: " + b64(in), true},
		"base64 in JSON":      {`{"time":"2026-03-02T09:00:01.123","dir":"send","payload":"` + b64(out) + "\"}\n" + `{"time":"2026-03-02T09:00:01.456","dir":"recv","payload":"` + b64(in) + `"}`, true},
		"od -x":               {turnedDump(out, "%07o") + turnedDump(in, "%07o"), false},
		"hexdump":             {turnedDump(out, "%07x") + turnedDump(in, "%07x"), false},
		"hexdump below":       {"2026-03-02 09:00:01.123 TX\n" + turnedDump(out, "%07x") + "2026-03-02 09:00:01.456 RX\n" + turnedDump(in, "%07x"), true},
		"od -t x1":            {octets(out, "%07o") + octets(in, "%07o"), false},
		"decimal offsets":     {octets(out, "%07d") + octets(in, "%07d"), false},
		"decimal, 4 digits":   {octets(out, "%04d ") + octets(in, "%04d "), false},
		"decimal":             {strings.Join(each(out, "%d"), " ") + "\n" + strings.Join(each(in, "%d"), " "), false},
		"decimal, padded":     {strings.Join(each(out, "%03d"), " ") + "\n" + strings.Join(each(in, "%03d"), " "), false},
		"Java":                {"2026-03-02 09:00:01.123 DEBUG c.e.Channel - request [" + strings.Join(signed(out), ", ") + "]\n2026-03-02 09:00:01.456 DEBUG c.e.Channel - response [" + strings.Join(signed(in), ", ") + "]", true},
		"Go":                  {"2026/03/02 09:00:01.123 sent [" + strings.Join(each(out, "%d"), " ") + "]\n2026/03/02 09:00:01.456 received [" + strings.Join(each(in, "%d"), " ") + "]", true},
		"Node":                {`{"time":"2026-03-02T09:00:01.123","dir":"out","data":{"type":"Buffer","data":[` + strings.Join(each(out, "%d"), ",") + "]}}\n" + `{"time":"2026-03-02T09:00:01.456","dir":"in","data":{"type":"Buffer","data":[` + strings.Join(each(in, "%d"), ",") + "]}}", true},
		"Python":              {"2026-03-02 09:00:01,123 DEBUG pos: send: " + python(out) + "\n2026-03-02 09:00:01,456 DEBUG pos: recv: " + python(in), true},
		"Python, a line each": {python(out) + "\n" + python(in), false},
		"C":                   {`2026-03-02 09:00:01.123 write(5, "` + strings.Join(each(out, `\x%02x`), "") + "\", 19)\n" + `2026-03-02 09:00:01.456 read(5, "` + strings.Join(each(in, `\x%02x`), "") + `", 20)`, true},
		"C, mixed":            {`2026-03-02 09:00:01.123 send "` + quote(out) + "\"\n" + `2026-03-02 09:00:01.456 recv "` + quote(in) + `"`, true},
		"one a line":          {o + "\n" + i + "\n", false},
		"no line break":       {o + "\n" + strings.ToUpper(i), false},
		"CRLF and spaces":     {" " + spaced(out, " ", "") + " \r\n\r\n" + spaced(in, " ", "") + "\r\n", false},
		"C, with comments":    {spaced(out[:8], ", ", "0x") + ", /* .`....`1 */\n" + spaced(out[8:], ", ", "0x") + " /* (0) */\n" + spaced(in, ", ", "0x"), false},
		"a table":             {"tx,10000001," + o + "\nrx,10000001," + i + "\n", false},
		"dumps with ends":     {ended(out) + ended(in), false},
		"0x":                  {"0x" + o + "\n0x" + i, false},
		"0x each":             {spaced(out, ", ", "0x") + "\n" + spaced(in, ",", "0x"), false},
		"backslashes":         {spaced(out, "", `\x`) + "\n\"" + spaced(in, "", `\x`) + "\"", false},
		"colons":              {spaced(out, ":", "") + "\n" + spaced(in, "-", ""), false},
		"C array":             {"{ " + spaced(out, ", ", "0x") + " };\n{" + spaced(in, ", ", "0x") + "};", false},
		"comments":            {"# a log\n// of mine\n" + o + "\n; here\n" + i, false},
		"words":               {"2026-03-02 09:00:01.123 SEND: " + spaced(out, " ", "") + "\n2026-03-02 09:00:01.456 RECV: " + spaced(in, " ", ""), true},
		"TX with a length":    {"[2026-03-02 09:00:01,123] [INFO ] TX (19 bytes): " + o + "\n[2026-03-02 09:00:01,456] [INFO ] RX (20 bytes): " + i, true},
		"length and colon":    {"2026/03/02 09:00:01.123 Tx 19: " + spaced(out, " ", "") + "\n2026/03/02 09:00:01.456 Rx 20: " + spaced(in, " ", ""), true},
		"arrows":              {"2026-03-02T09:00:01.123 -> " + o + "\n2026-03-02T09:00:01.456 <- " + i, true},
		"wide arrows":         {"2026-03-02 09:00:01.123 >>> " + o + "\n2026-03-02 09:00:01.456 <<< " + i, true},
		"Chinese":             {"2026-03-02 09:00:01.123 发送报文[19]：" + o + "\n2026-03-02 09:00:01.456 接收报文[20]：" + i, true},
		"Chinese dates":       {"2026年03月02日 09:00:01.123 上送: " + o + "\n2026年03月02日 09:00:01.456 返回: " + i, true},
		"German dates":        {"02.03.2026 09:00:01.123 sent " + o + "\n02.03.2026 09:00:01.456 received " + i, true},
		"compact dates":       {"20260302 09:00:01.123|request|" + o + "\n20260302 09:00:01.456|response|" + i, true},
		"syslog":              {"Mar  2 2026 09:00:01.123 pos[12]: out " + o + "\nMar  2 2026 09:00:01.456 pos[12]: in " + i, true},
		"epoch":               {fmt.Sprintf("%d.123 send %s\n%d.456 recv %s", sent.Unix(), o, got.Unix(), i), true},
		"coloured":            {"\x1b[32m2026-03-02 09:00:01.123\x1b[0m SEND " + o + "\n\x1b[31m2026-03-02 09:00:01.456\x1b[0m RECV " + i, true},
		"JSON":                {`{"time":"2026-03-02T09:00:01.123","dir":"send","hex":"` + o + "\"}\n" + `{"time":"2026-03-02T09:00:01.456","dir":"recv","hex":"` + i + `"}`, true},
		"dump below":          {"2026-03-02 09:00:01.123 Send 19 bytes\n" + hex.Dump(out) + "\n2026-03-02 09:00:01.456 Received 20 bytes\n" + hex.Dump(in), true},
		"xxd below":           {"2026-03-02 09:00:01.123 TX\n" + xxd(out) + "2026-03-02 09:00:01.456 RX\n" + xxd(in), true},
		"hex below":           {"2026-03-02 09:00:01.123 TX\n" + spaced(out[:16], " ", "") + "\n" + spaced(out[16:], " ", "") + "\n2026-03-02 09:00:01.456 RX\n" + spaced(in[:16], " ", "") + "\n" + spaced(in[16:], " ", ""), true},
	} {
		for _, form := range []string{"plain", "gzip", "UTF-16", "GBK"} {
			var b bytes.Buffer
			switch form {
			case "gzip":
				z := gzip.NewWriter(&b)
				_, _ = z.Write([]byte(x.log))
				_ = z.Close()
			case "UTF-16":
				s, _ := unicode.UTF16(unicode.LittleEndian, unicode.UseBOM).NewEncoder().String(x.log)
				b.WriteString(s)
			case "GBK":
				s, err := simplifiedchinese.GBK.NewEncoder().String(x.log)
				if err != nil {
					t.Fatal(err)
				}
				b.WriteString(s)
			default:
				b.WriteString(x.log)
			}
			events, tally, err := readBytes(t, b.Bytes())
			var all []byte
			for _, ev := range events {
				all = append(all, ev.Data...)
			}
			if err != nil || !bytes.Equal(all, append(bytes.Clone(out), in...)) || tally.Damaged+tally.Skipped > 0 {
				t.Errorf("%s, %s: %v, %x, %+v", name, form, err, all, *tally)
				continue
			}
			if !x.timed {
				continue
			}
			if last := events[len(events)-1]; !events[0].At.Equal(sent) || !last.At.Equal(got) || events[0].Dir != ToHost || last.Dir != ToTerminal {
				t.Errorf("%s, %s: %v %v, %v %v", name, form, events[0].At, events[0].Dir, last.At, last.Dir)
			}
		}
	}
}

// turnedDump writes a dump as hexdump and od -x do: words of two bytes as an Intel machine has them.
func turnedDump(b []byte, offset string) string {
	var s strings.Builder
	for at := 0; at < len(b); at += 16 {
		fmt.Fprintf(&s, offset, at)
		for i := at; i < min(at+16, len(b)); i += 2 {
			high := byte(0)
			if i+1 < len(b) {
				high = b[i+1]
			}
			fmt.Fprintf(&s, " %02x%02x", high, b[i])
		}
		s.WriteByte('\n')
	}
	return s.String() + fmt.Sprintf(offset, len(b)) + "\n"
}

// octets writes a dump of bytes with offsets in whatever form.
func octets(b []byte, offset string) string {
	var s strings.Builder
	for at := 0; at < len(b); at += 16 {
		fmt.Fprintf(&s, offset+" % x\n", at, b[at:min(at+16, len(b))])
	}
	return s.String()
}

func indented(s string) string {
	return "    " + strings.ReplaceAll(strings.TrimSuffix(s, "\n"), "\n", "\n    ") + "\n"
}

// xxd writes a dump as that program does.
func xxd(b []byte) string {
	var s strings.Builder
	for at := 0; at < len(b); at += 16 {
		fmt.Fprintf(&s, "%08x:", at)
		line := b[at:min(at+16, len(b))]
		for i := range 16 {
			if i%2 == 0 {
				s.WriteByte(' ')
			}
			if i < len(line) {
				fmt.Fprintf(&s, "%02x", line[i])
			} else {
				s.WriteString("  ")
			}
		}
		s.WriteString("  " + strings.Repeat(".", len(line)) + "\n")
	}
	return s.String()
}

// jPOS logs messages as fields, which have no bytes, unless it is told to dump them.
func TestLogsOfJPOS(t *testing.T) {
	fields := `<log realm="channel/192.0.2.7:8583" at="2026-03-02T09:00:01.123">
  <send>
    <isomsg direction="outgoing">
      <!-- org.jpos.iso.packager.ISO87APackager -->
      <header>6000030000</header>
      <field id="0" value="0200"/>
      <field id="2" value="6222600000000000000"/>
      <field id="52" value="0123456789ABCDEF0123456789ABCDEF0123456789ABCDEF0123456789ABCDEF" type="binary"/>
    </isomsg>
  </send>
</log>
`
	name := filepath.Join(t.TempDir(), "q2.log")
	if err := os.WriteFile(name, []byte(fields), 0o600); err != nil {
		t.Fatal(err)
	}
	_, err := OpenFile(name, nil)
	_, _, streamed := readText(t, fields)
	for _, err := range []error{err, streamed} {
		if err == nil || !strings.Contains(err.Error(), "ISOUtil.hexdump") {
			t.Errorf("%v", err)
		}
	}
	frame := sample(t)
	dumped := `<log realm="channel/192.0.2.7:8583" at="2026-03-02T09:00:02.456">
  <receive>
    <![CDATA[
` + indented(hex.Dump(frame)) + `    ]]>
  </receive>
</log>
`
	events, tally, err := readText(t, fields+dumped)
	if err != nil || len(events) != 1 || !bytes.Equal(events[0].Data, frame) || events[0].Dir != ToTerminal || events[0].At.Second() != 2 || tally.Values == 0 || len(tally.Notes()) == 0 {
		t.Errorf("%v, %+v, %+v", err, events, *tally)
	}
}

// sample is a frame with bytes of every kind.
func sample(t *testing.T) []byte {
	t.Helper()
	b, err := hex.DecodeString("00216000030000603100311001080000200000009b00000000013130303030275c310a30")
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// What may be a name, a token, a key or numbers of anything is no frame; nor is hex that looks like decimal.
func TestWhatIsNoFrame(t *testing.T) {
	for _, log := range []string{
		"2026-03-02 09:00:01 session eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.dozjgNryP4J3jVmNHl0w5N_XgL0n3I9PlFUP0THsR8U opened",
		"2026-03-02 09:00:01 token=QWxhZGRpbjpvcGVuIHNlc2FtZUFsYWRkaW46b3BlbiBzZXNhbWU9 accepted",
		"2026-03-02 09:00:01 INFO handler TransactionRequestHandlerFactoryBean2Configuration1 started",
		"2026-03-02 09:00:01 counts 1, 22, 30, 45",
		`{"time":"2026-03-02T09:00:01Z","trace_id":"4bf92f3577b34da6a3ce929d0e0e4736","span_id":"00f067aa0ba902b7","msg":"request received"}`,
		`2026-03-02 09:00:01 INFO [traceId=4bf92f3577b34da6a3ce929d0e0e4736] response sent`,
		`2026-03-02 09:00:01 INFO sent 123e4567-e89b-12d3-a456-426614174000 to 192.0.2.7:8583`,
		`2026-03-02 09:00:01 read config.yaml, sha256: e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855`,
		"2026-03-02 09:00:01 buckets 100 200 300 400 500 600 700 800 900",
		"2026-03-02 09:00:01 sent so far per hour: 12 15 101 99 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 21 22 23 24",
		`{"level":"info","message":"La transacci\u00f3n fue rechazada por el banco emisor 51"}`,
		`09:00:01 recv b'{"status": "ok", "transactions": 12, "host": "192.0.2.7"}'`,
		"09:00:01 name \"caf\\xe9\" is unknown",
		"-----BEGIN CERTIFICATE-----\nMIIBszCCAVmgAwIBAgIUW8Zk2m0rj1mTq5rjv7Z0W1mJm2wwCgYIKoZIzj0EAwIw\n-----END CERTIFICATE-----",
	} {
		if events, _, err := readText(t, log); err == nil {
			t.Errorf("%q is read as % x", log, events[0].Data)
		}
	}
	for log, want := range map[string]int{"09:00:01 SEND 120 00 58 60 00 03 00 00 60 31 00 31 10 01 08 00 00 20 12 34 56 78": 0x00, "TX: 30 31 32 33 34 35 36 37 38 39 30 31 32 33 34": 0x30} {
		if events, _, err := readText(t, log); err != nil || len(events) == 0 || int(events[0].Data[0]) != want {
			t.Errorf("%q: %v, %+v", log, err, events)
		}
	}
	pairs := "02 00 70 20 04 80 00 20 16 62 22 60 00 00 00 00 01 23 00 00 00 00 00 00 01 00"
	if events, _, err := readText(t, pairs); err != nil || events[0].Data[0] != 2 || len(events[0].Data) != 26 || events[0].Data[9] != 0x62 {
		t.Errorf("%v, %+v", err, events)
	}
}

// Lines that are like the one before are left out of dumps, and the half word at the end of one has a byte more.
func TestDumpsThatLeaveLinesOut(t *testing.T) {
	frame := slices.Concat([]byte{0, 0x61}, make([]byte, 80), bytes.Repeat([]byte{0x31}, 17))
	for name, log := range map[string]string{
		"hexdump -C": "00000000  00 61 00 00 00 00 00 00  00 00 00 00 00 00 00 00  |.a..............|\n00000010  00 00 00 00 00 00 00 00  00 00 00 00 00 00 00 00  |................|\n*\n" +
			"00000050  00 00 31 31 31 31 31 31  31 31 31 31 31 31 31 31  |..11111111111111|\n00000060  31 31 31                                          |111|\n00000063\n",
		"od -x": "0000000 6100 0000 0000 0000 0000 0000 0000 0000\n0000020 0000 0000 0000 0000 0000 0000 0000 0000\n*\n0000120 0000 3131 3131 3131 3131 3131 3131 3131\n0000140 3131 0031\n0000143\n",
	} {
		events, tally, err := readText(t, log)
		if err != nil || len(events) != 1 || !bytes.Equal(events[0].Data, frame) || tally.Damaged > 0 {
			t.Errorf("%s: %v, %+v, %+v", name, err, events, *tally)
		}
	}
}

// Days and hours as Americans write them, and a message in pieces of which the last is short.
func TestLogsOfTwelveHoursAndOfPieces(t *testing.T) {
	whole := slices.Concat([]byte("0026"), bytes.Repeat([]byte("ISO8"), 11))
	frame := hex.EncodeToString(whole)
	log := "03/02/2026 01:02:03 PM send " + frame[:60] + "\n03/02/2026 01:02:03 PM send " + frame[60:84] + "\n03/02/2026 01:02:04 PM send " + frame[84:] +
		"\n03/25/2026 12:00:00 AM recv " + frame + "\n"
	events, tally, err := readText(t, log)
	if err != nil || tally.Skipped > 0 || len(events) != 4 {
		t.Fatalf("%v, %+v, %d events", err, tally, len(events))
	}
	if got := gather(events, ToHost); !bytes.Equal(got, whole) {
		t.Errorf("% X", got)
	}
	if at := events[0].At.Format("01-02 15:04:05"); at != "03-02 13:02:03" {
		t.Error(at)
	}
	if at := events[3].At.Format("01-02 15:04:05"); at != "03-25 00:00:00" {
		t.Error(at)
	}
}

func TestWhatALogDoesNotSayIsSaid(t *testing.T) {
	events, tally, err := readText(t, `the program has started
2026-03-02 09:00:01 connected to 192.0.2.1 port 8583
2026-03-02 09:00:01 SEND 0058600003000060310031100102007
2026-03-02 09:00:01 SEND 00586000030000603100311001...
2026-03-02 09:00:02 SEND 1662****** ****0113000000 6000030000
2026-03-02 09:00:03 done, 3 of 4 in 12 ms (0.25)
`)
	if err != nil || tally.Lines != 6 || tally.Frames != 3 || tally.Damaged != 2 || tally.DamagedAt != 3 || tally.Blanked != 1 || tally.Skipped != 3 || tally.SkippedAt != 1 {
		t.Errorf("%v, %+v", err, *tally)
	}
	gaps := 0
	for _, ev := range events {
		if ev.Kind == Gap {
			gaps++
		}
	}
	if gaps != 2 || len(tally.Notes()) != 3 {
		t.Errorf("%d gaps, notes %q", gaps, tally.Notes())
	}
	if _, _, err := readText(t, "hello\n2026-03-02 09:00:01 nothing here\n"); err == nil || !strings.Contains(err.Error(), "none of its 2 lines") {
		t.Error(err)
	}
	// A dump that lacks a line in the middle.
	lines := strings.SplitAfter(hex.Dump(make([]byte, 64)), "\n")
	if _, tally, _ := readText(t, lines[0]+lines[2]+lines[3]); tally.Damaged == 0 {
		t.Errorf("a dump with a hole is taken for whole: %+v", *tally)
	}
}

func TestShortAcknowledgementsOfSerialLogs(t *testing.T) {
	events, tally, err := readText(t, "09:00:01.000 TX: 02 00 12 60 00 03 00 00 60 31 00 31 10 01 08 00 03 6F\n09:00:01.100 RX: 06\n23:59:59.900 RX: 15\n00:00:00.100 TX: 04\n")
	if err != nil || len(events) != 4 || events[1].Data[0] != 6 || events[1].Dir != ToTerminal || events[3].Dir != ToHost || tally.Frames != 4 {
		t.Fatalf("%v, %+v, %+v", err, events, *tally)
	}
	if d := events[3].At.Sub(events[2].At); d != 200*time.Millisecond {
		t.Errorf("midnight takes %v", d)
	}
}

func TestPacketsThatWereDumpedAsText(t *testing.T) {
	var made bytes.Buffer
	forge := NewForge(&made, 6, Mishaps{Split: 0.2})
	begun := time.Date(2026, 5, 4, 12, 0, 0, 0, time.UTC)
	conn := forge.Connect(begun, netip.MustParseAddrPort("10.0.0.1:40000"), netip.MustParseAddrPort("10.0.0.2:8583"))
	sent := map[wayOf][]byte{}
	for i := range 40 {
		for _, dir := range []Dir{ToHost, ToTerminal} {
			b := bytes.Repeat([]byte{byte(i), 0xA5}, 10+7*i)
			begun = conn.Send(begun.Add(time.Millisecond), dir, b)
			sent[wayOf{"10.0.0.1:40000", dir}] = append(sent[wayOf{"10.0.0.1:40000", dir}], b...)
		}
	}
	if err := forge.End(); err != nil {
		t.Fatal(err)
	}
	raw := made.Bytes()
	for name, form := range map[string]func(at time.Time, b []byte) string{
		"tcpdump -X": func(at time.Time, b []byte) string {
			s := at.Format("2006-01-02 15:04:05.000000") + " IP 10.0.0.1.40000 > 198.51.100.10.8583: Flags [P.], seq 1:20, ack 1, win 502, length 19\n"
			for n := 14; n < len(b); n += 16 {
				s += fmt.Sprintf("\t0x%04x:  ", n-14)
				for i := n; i < min(n+16, len(b)); i += 2 {
					s += hex.EncodeToString(b[i:min(i+2, len(b))]) + " "
				}
				s += " ........\n"
			}
			return s
		},
		"tshark -x": func(_ time.Time, b []byte) string {
			s := ""
			for n := 0; n < len(b); n += 16 {
				s += fmt.Sprintf("%04x  ", n)
				for i := n; i < n+16; i++ {
					if i < len(b) {
						s += fmt.Sprintf("%02x ", b[i])
					} else {
						s += "   "
					}
				}
				s += "  ................\n"
			}
			return s + "\n"
		},
	} {
		r, _ := pcapgo.NewReader(bytes.NewReader(raw))
		var log strings.Builder
		for {
			b, ci, err := r.ReadPacketData()
			if err != nil {
				break
			}
			log.WriteString(form(ci.Timestamp, b))
		}
		events, tally, err := readText(t, log.String())
		got := map[wayOf][]byte{}
		for _, ev := range events {
			if ev.Kind == Data {
				way := wayOf{ev.Terminal, ev.Dir}
				got[way] = append(got[way], ev.Data...)
			}
		}
		for way, want := range sent {
			if err != nil || !bytes.Equal(got[way], want) {
				t.Errorf("%s: %v, %v carried %d bytes, %d came, %+v", name, err, way, len(want), len(got[way]), *tally)
				break
			}
		}
	}
}

// TestEventsComeAsTheyAreWritten reads a capture and a log that stream in and stay open.
func TestEventsComeAsTheyAreWritten(t *testing.T) {
	var capture bytes.Buffer
	w := pcapgo.NewWriter(&capture)
	if err := w.WriteFileHeader(65536, layers.LinkTypeEthernet); err != nil {
		t.Fatal(err)
	}
	raw, _ := talk(t, 8, Mishaps{})
	for name, in := range map[string][]byte{"pcap": raw[:60000], "log": []byte("09:00:01 TX 0058600003000060310031100102007020\n09:00:02 RX 06\n")} {
		r, w := io.Pipe()
		f := &File{name: "made", from: r}
		ctx, cancel := context.WithCancel(t.Context())
		seen, done := make(chan Event, 1000), make(chan error, 1)
		go func() { done <- f.Run(ctx, func(ev Event) { seen <- kept(ev) }) }()
		if _, err := w.Write(in); err != nil {
			t.Fatal(err)
		}
		select {
		case <-seen:
		case <-time.After(20 * time.Second):
			t.Fatalf("%s: no event while the writer waits", name)
		}
		if name == "pcap" && f.Live() {
			t.Error("an old capture is taken for what happens now")
		}
		cancel() // although the reader waits for more
		if err := <-done; err != nil {
			t.Error(name, err)
		}
		w.Close()
	}
}

func FuzzText(f *testing.F) {
	f.Add("2026-03-02 09:00:01.123 SEND: 00 58 60 00\n0000  00 58 60 00 03 00 00 60  31 00 31 10 01 02 00 70  |..|\n")
	f.Add("\xff\xfe0\x000\x00\n\x00")
	f.Add("0x0000:  4500 0028 0001 4000 4006\n\x1b[31m 0058 ** ** 60 ...")
	f.Fuzz(func(t *testing.T, text string) {
		file := &File{name: "made", from: io.NopCloser(strings.NewReader(text))}
		_ = file.Run(context.Background(), func(Event) {})
		if y := file.tally; y.Frames > y.Lines+1 || y.Skipped+y.Damaged > 2*y.Lines {
			t.Errorf("%+v", y)
		}
	})
}

func TestATextFileWithFramesOpens(t *testing.T) {
	name := filepath.Join(t.TempDir(), "log.txt")
	if err := os.WriteFile(name, []byte("a log\nSEND 0058600003000060310031100102007020048000C08011\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if events, err := readAll(t, name); err != nil || len(events) != 1 {
		t.Errorf("%v, %v", events, err)
	}
}
