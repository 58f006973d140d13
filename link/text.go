package link

import (
	"bufio"
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"regexp"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/gopacket/gopacket/layers"
	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/simplifiedchinese"
	"golang.org/x/text/encoding/unicode"
)

// The ends of the one connection of a log that names none.
const (
	textTerminal = "terminal"
	textHost     = "host"
)

// textReader turns the lines of a log into events. What a log writes down in pieces (a dump over lines, chunks as they were
// read) is one stream of bytes for each direction.
type textReader struct {
	f         *File
	lines     lineParser
	assembler *assembler // of packets that were dumped
	parser    *parser
	at        time.Time // of the latest line that names one
	timed     bool      // some line did
	dir       Dir
	dump      []byte // of the lines of a dump so far
	dumpAt    time.Time
	dumpDir   Dir
	dumpFrom  int         // the offset at which it began
	indent    int         // of its lines
	ends      map[int]int // by indent, where the latest dump ended: of two that take turns, each goes on there
	last      []byte      // the latest frame
	lastPlain bool        // it stood there as text
	starred   bool        // lines of the dump are left out, which are like the one before
	header    int         // the line before, when it may be the head of a frame, else 0
}

// wide is the UTF-16 in which text is written, as Windows programs do, nil when it is not. Where no mark says it, the zeros do that
// are half of every letter and digit.
func wide(head []byte) encoding.Encoding {
	if bytes.HasPrefix(head, []byte{0xFF, 0xFE}) || bytes.HasPrefix(head, []byte{0xFE, 0xFF}) {
		return unicode.UTF16(unicode.LittleEndian, unicode.UseBOM)
	}
	var zeros [2]int
	head = head[:min(len(head), 4096)]
	for i, c := range head {
		if c == 0 {
			zeros[i%2]++
		}
	}
	switch {
	case len(head) < 16:
	case zeros[0] == 0 && 5*zeros[1] > len(head):
		return unicode.UTF16(unicode.LittleEndian, unicode.IgnoreBOM)
	case zeros[1] == 0 && 5*zeros[0] > len(head):
		return unicode.UTF16(unicode.BigEndian, unicode.IgnoreBOM)
	}
	return nil
}

// isText says that bytes may be text, whatever its language and encoding.
func isText(head []byte) bool {
	control := 0
	for _, c := range head {
		if c < ' ' && c != '\n' && c != '\r' && c != '\t' && c != 0x1B {
			control++
		}
	}
	return 50*control < len(head)
}

// hasFrames says that bytes are text with at least one frame.
func (f *File) hasFrames(head []byte) bool {
	if wide(head) != nil || len(head) == readAhead && isText(head) {
		return true // looked at when it is read
	}
	if 50*bytes.Count(head, []byte{0}) > len(head) { // a length in bytes in front of a text is no harm
		return false
	}
	p := lineParser{plain: f.plain}
	for line := range bytes.Lines(head) {
		if l := p.parse(strings.TrimRight(string(line), "\r\n"), 0); len(l.data) > 0 {
			return true
		}
	}
	return false
}

// noBytes says of a jPOS log why it cannot be read.
func noBytes(name string) error {
	return fmt.Errorf("%s is a jPOS log of values of fields (<isomsg>), which are not the bytes that passed: nobody can tell framing, encodings or damage from them; let the log have ISOUtil.hexdump of what the channel sends and receives, or capture the packets", name)
}

// text reads a log.
func (f *File) text(ctx context.Context) error {
	t := &textReader{f: f, parser: newParser(&f.tally), lines: lineParser{day: time.Now(), plain: f.plain}, ends: map[int]int{}}
	if info, err := os.Stat(f.name); err == nil {
		t.lines.day = info.ModTime()
	}
	t.at = t.lines.day
	t.assembler = newAssembler(&f.tally, nil, f.feed.emit, f.feed.data)
	t.assembler.ids = 1 // of the log itself
	in := f.in
	if _, err := in.Peek(2); err == nil { // what has come, without a wait for more
		head, _ := in.Peek(in.Buffered())
		if form := wide(head); form != nil {
			in = bufio.NewReaderSize(form.NewDecoder().Reader(in), readAhead)
		}
	}
	for ctx.Err() == nil {
		line, err := in.ReadSlice('\n')
		if errors.Is(err, bufio.ErrBufferFull) { // no frame is that long
			f.tally.Lines++
			t.count(&f.tally.Damaged, &f.tally.DamagedAt, f.tally.Lines)
			for errors.Is(err, bufio.ErrBufferFull) {
				_, err = in.ReadSlice('\n')
			}
			line = nil
		}
		if len(line) > 0 {
			for part := range bytes.SplitSeq(bytes.TrimRight(line, "\r\n"), []byte{'\r'}) {
				t.line(string(part))
			}
		}
		if err == nil {
			continue
		}
		t.flush()
		t.unheaded()
		t.parser.close()
		t.assembler.close(0)
		switch {
		case !errors.Is(err, io.EOF):
			return fmt.Errorf("%s cannot be read behind line %d: %w; what stands before was read", f.name, f.tally.Lines, err)
		case f.tally.Frames == 0 && f.tally.Values > 0:
			return noBytes(f.name)
		case f.tally.Frames == 0:
			return fmt.Errorf("%s holds no capture that can be read: it is neither pcap nor pcapng, and none of its %d lines holds a frame in hex", f.name, f.tally.Lines)
		}
		return nil
	}
	return nil
}

// escapes are what colours a log on a terminal.
var escapes = regexp.MustCompile("\x1b\\[[0-9;]*[A-Za-z]")

func (t *textReader) line(s string) {
	t.f.tally.Lines++
	if !utf8.ValidString(s) { // GBK then, or nothing that matters
		if u, err := simplifiedchinese.GB18030.NewDecoder().String(s); err == nil {
			s = u
		}
	}
	if s = strings.TrimPrefix(s, "\ufeff"); strings.IndexByte(s, 0x1B) >= 0 {
		s = escapes.ReplaceAllString(s, "")
	}
	switch trimmed := strings.TrimSpace(s); {
	case trimmed == "":
		t.flush()
		return
	case trimmed == "*" && len(t.dump) >= 16:
		t.starred = true
		return
	case trimmed[0] == '#', trimmed[0] == ';', strings.HasPrefix(trimmed, "//"):
		return
	}
	if t.starred {
		t.repeat(s)
	}
	indent := len(s) - len(strings.TrimLeft(s, " \t"))
	turn, going := len(t.dump) > 0 && indent != t.indent, t.dumpFrom+len(t.dump)
	if turn || len(t.dump) == 0 {
		going = t.ends[indent]
	}
	l := t.lines.parse(s, going)
	if turn || l.offset == 0 || l.offset < 0 {
		t.flush()
	}
	if turn && l.offset >= 0 { // as Wireshark shows a conversation: who answers stands to the right
		if t.dir = ToHost; indent > t.indent {
			t.dir = ToTerminal
		}
	}
	if l.values {
		t.f.tally.Values++
		return
	}
	if l.offset >= 0 {
		if t.header = 0; len(t.dump) == 0 {
			t.dumpAt, t.dumpDir, t.dumpFrom, t.indent = t.at, t.dir, l.offset, indent
		}
		t.dump = append(t.dump[:min(l.offset-t.dumpFrom, len(t.dump))], l.data...)
		return
	}
	if !l.at.IsZero() {
		if l.clock && l.at.Before(t.at.Add(-12*time.Hour)) { // past midnight
			t.lines.day = t.lines.day.AddDate(0, 0, 1)
			l.at = l.at.AddDate(0, 0, 1)
		}
		t.at = l.at
	}
	if t.timed = t.timed || !l.at.IsZero(); !t.timed && t.f.size == 0 {
		t.at = time.Now() // it is being written while we read it, or nobody knows when it was
	}
	t.f.latest = instant(t.at.UnixNano())
	if l.hasDir {
		t.dir = l.dir
	}
	if !l.at.IsZero() || l.hasDir {
		t.unheaded() // this line needs no head
	}
	switch {
	case len(l.data) > 0:
		t.header = 0
		t.frame(t.at, t.dir, l)
		if l.answer != nil {
			t.dir = 1 - t.dir
			t.frame(t.at, t.dir, hexLine{data: l.answer})
		}
	case l.broken:
		t.header = 0
		t.count(&t.f.tally.Damaged, &t.f.tally.DamagedAt, t.f.tally.Lines)
	default:
		t.unheaded()
		t.header = t.f.tally.Lines
	}
	if l.blanked {
		t.count(&t.f.tally.Blanked, nil, 0)
	}
}

// furthest is how far to the right the second of two dumps may stand.
const furthest = 64

// maxDump is more than the longest frame in a dump.
const maxDump = 16 << 10

// repeat fills in the lines that a dump leaves out, up to where the next one begins.
func (t *textReader) repeat(next string) {
	t.starred = false
	last := bytes.Clone(t.dump[len(t.dump)-16:])
	if t.dumpFrom > 0 {
		return
	}
	lines := t.lines
	for dump := bytes.Clone(t.dump); len(dump) < maxDump; {
		dump = append(dump, last...)
		if lines.base = cmp.Or(t.lines.base, 16); lines.parse(next, len(dump)).offset == len(dump) {
			t.dump = dump
			return
		}
	}
}

// unheaded counts the line before, which headed nothing.
func (t *textReader) unheaded() {
	if t.header > 0 {
		t.count(&t.f.tally.Skipped, &t.f.tally.SkippedAt, t.header)
		t.header = 0
	}
}

func (t *textReader) count(n, first *int, line int) {
	if *n++; first != nil && *first == 0 {
		*first = line
	}
}

// flush ends a dump.
func (t *textReader) flush() {
	b := t.dump
	if len(b) == 0 {
		return
	}
	if t.indent <= furthest {
		t.ends[t.indent] = t.dumpFrom + len(b)
	}
	t.dump, t.dumpFrom = t.dump[:0], 0
	lt := layers.LinkTypeRaw
	if !isPacket(b) {
		if lt = layers.LinkTypeEthernet; len(b) < 14 || !isPacket(b[14:]) {
			t.frame(t.dumpAt, t.dumpDir, hexLine{data: b})
			return
		}
	}
	t.f.tally.Frames++
	if t.parser.packet(lt, b, instant(t.dumpAt.UnixNano())) {
		t.assembler.segment(&t.parser.segment)
	}
}

// isPacket says that bytes are an IP packet and no frame, as in what tcpdump -X and tshark -x print.
func isPacket(b []byte) bool {
	switch {
	case len(b) >= 40 && b[0]>>4 == 6:
		return 40+int(b[4])<<8+int(b[5]) == len(b) && b[6] == protoTCP
	case len(b) >= 40 && b[0]>>4 == 4:
		head := int(b[0]&15) * 4
		return head >= 20 && head <= len(b) && b[9] == protoTCP && fold(sum16(b[:head])) == 0xFFFF
	}
	return false
}

// frame hands over what one line or dump holds. Behind broken hex, bytes are missing. Of a frame that a log has as text and in
// hex, one after the other, the second is left out.
func (t *textReader) frame(at time.Time, dir Dir, l hexLine) {
	b := l.data
	if l.plain != t.lastPlain && len(t.last) > 0 && (bytes.HasSuffix(t.last, b) || bytes.HasSuffix(b, t.last)) {
		t.last = t.last[:0]
		return
	}
	t.last, t.lastPlain = append(t.last[:0], b...), l.plain
	t.f.tally.Frames++
	ev := Event{At: at, Conn: 1, Terminal: textTerminal, Host: textHost, Kind: Data, Dir: dir, Line: l.carries}
	t.f.feed.data(ev, b)
	if l.broken {
		t.count(&t.f.tally.Damaged, &t.f.tally.DamagedAt, t.f.tally.Lines)
		ev.Kind = Gap
		t.f.feed.emit(ev)
	}
}
