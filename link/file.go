package link

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"sync/atomic"
	"time"

	"github.com/gopacket/gopacket"
	"github.com/gopacket/gopacket/layers"
	"github.com/gopacket/gopacket/pcapgo"
)

// readAhead is how much of a file is read at once.
const readAhead = 1 << 20

// File is a capture, or a log with frames in hex: a file, or one that streams in.
type File struct {
	name   string
	from   io.ReadCloser
	size   int64 // 0 when unknown
	read   atomic.Int64
	feed   *feed
	in     *bufio.Reader
	tally  Tally
	latest instant // the time of what was read last
	live   atomic.Bool
	parse  func(context.Context) error // the reader of this kind of file

	comments []string // of the packet in hand
	bare     bool     // no packet stands behind the header

	plain Plain // finds messages in text
}

// Plain finds the frame that a line holds as the text that it is. Nothing here knows what a frame looks like: whoever opens a log
// says it.
type Plain func(line string) Text

// Text is line[From:To], none when To is 0. When it is not Sure, the words of the line have to say that it is a frame. Carries is
// what such a log was found to carry, as in Event.Line.
type Text struct {
	From, To int
	Sure     bool
	Carries  string
}

// OpenFile opens a pcap or pcapng file, or text with hex frames, compressed with gzip or not; - is standard input. The
// kind is told by the file's first bytes. plain may be nil.
func OpenFile(name string, plain Plain) (*File, error) {
	f := &File{name: name, from: os.Stdin, plain: plain}
	if name == "-" {
		f.name = "standard input"
	} else {
		file, err := os.Open(name)
		switch {
		case errors.Is(err, fs.ErrNotExist):
			here, _ := os.Getwd()
			return nil, fmt.Errorf("there is no file %s: the program runs in %s, so name it from there or whole", name, here)
		case errors.Is(err, fs.ErrPermission):
			return nil, fmt.Errorf("%s may not be read: `sudo chown $USER %s` makes it yours", name, name)
		case err != nil:
			return nil, fmt.Errorf("cannot open the capture: %w", err)
		}
		f.from = file
		info, err := file.Stat()
		if err == nil && info.IsDir() {
			f.from.Close()
			return nil, fmt.Errorf("%s is a folder: name the capture in it", name)
		}
		if err == nil && info.Mode().IsRegular() {
			f.size = info.Size()
		}
	}
	if name == "-" {
		return f, nil // what it is may come late: the screen is there before
	}
	if err := f.open(); err != nil {
		f.from.Close()
		return nil, err
	}
	return f, nil
}

// Read counts what is read, and hands over what was understood before it may have to wait for more.
func (f *File) Read(b []byte) (int, error) {
	n, err := f.from.Read(b)
	f.read.Add(int64(n))
	return n, err
}

// liveAge is how old packets may be that come from a line as it is now, over whatever program and network.
const liveAge = 10 * time.Second

// Live says that what streams in is happening now: then silence means something.
func (f *File) Live() bool { return f.size == 0 && f.live.Load() }

// flushing is a reader that hands over events before it reads on.
type flushing struct {
	f  *File
	in io.Reader
}

func (r flushing) Read(b []byte) (int, error) {
	if r.f.feed != nil {
		r.f.feed.flush()
		if age := time.Since(r.f.latest.time()); age > -liveAge && age < liveAge {
			r.f.live.Store(true)
		}
	}
	return r.in.Read(b)
}

func (f *File) open() error {
	f.in = bufio.NewReaderSize(flushing{f, f}, readAhead)
	magic, err := f.in.Peek(4)
	if err == nil && magic[0] == 0x1F && magic[1] == 0x8B {
		plain, gerr := gzip.NewReader(f.in)
		if gerr != nil {
			return fmt.Errorf("%s is no gzip file that can be read: %w", f.name, gerr)
		}
		f.in = bufio.NewReaderSize(flushing{f, plain}, readAhead)
		magic, err = f.in.Peek(4)
	}
	if len(magic) == 0 {
		if err != nil && !errors.Is(err, io.EOF) {
			return fmt.Errorf("%s cannot be read: %w", f.name, err)
		}
		return fmt.Errorf("%s holds no capture: it is empty", f.name)
	}
	if head, _ := f.in.Peek(8); otherForm("", head) != nil {
		return otherForm(f.name, head)
	}
	switch {
	case bytes.Equal(magic, []byte{0x0A, 0x0D, 0x0D, 0x0A}), isPcap(magic):
		f.parse = f.packets
	case f.size == 0: // what streams in as text is judged at its end
		f.parse = f.text
	default:
		if head, _ := f.in.Peek(readAhead); !f.hasFrames(head) {
			if bytes.Contains(head, []byte("<isomsg")) {
				return noBytes(f.name)
			}
			return fmt.Errorf("%s is no capture that can be read: it is neither pcap nor pcapng, nor text with a frame in hex in it (it begins with % X)", f.name, magic)
		}
		f.parse = f.text
	}
	return nil
}

// isPcap knows the four forms of pcap: either byte order, micro- and nanoseconds.
func isPcap(magic []byte) bool {
	if len(magic) < 4 {
		return false
	}
	switch binary.BigEndian.Uint32(magic) {
	case 0xA1B2C3D4, 0xD4C3B2A1, 0xA1B23C4D, 0x4D3CB2A1:
		return true
	}
	return false
}

// Info describes the file.
func (f *File) Info() Info { return Info{Kind: "file", Describe: f.name} }

// Progress is how many bytes of the file were read, and how many there are, 0 when that is unknown.
func (f *File) Progress() (read, size int64) { return f.read.Load(), f.size }

// Notes tell, once Run has ended, what of the file could not be read and what the network did to it.
func (f *File) Notes() []string {
	if f.bare {
		return []string{"the capture has a header and no packet"}
	}
	return f.tally.Notes()
}

// Run reads the file to its end. A file that breaks off or is damaged gives what stands before that, then an error.
func (f *File) Run(ctx context.Context, sink func(Event)) error {
	f.feed = newFeed()
	return f.feed.run(ctx, func() error {
		defer f.from.Close()
		if f.parse == nil {
			if err := f.open(); err != nil {
				return err
			}
		}
		return f.parse(ctx)
	}, sink)
}

// packets reads a capture of packets.
func (f *File) packets(ctx context.Context) error {
	p := newParser(&f.tally)
	a := newAssembler(&f.tally, nil, f.feed.emit, f.feed.data)
	defer a.close(0)
	defer p.close()
	var next func() ([]byte, gopacket.CaptureInfo, layers.LinkType, error)
	for n := 0; n&255 != 0 || ctx.Err() == nil; n++ {
		// Captures that were joined with cat each begin with a header of their own.
		if magic, _ := f.in.Peek(4); next == nil || isPcap(magic) {
			var err error
			if next, err = f.begin(magic); err != nil {
				return fmt.Errorf("%s is no capture that can be read: %w", f.name, noEOF(err))
			}
			n--
			continue
		}
		data, ci, lt, err := next()
		if err != nil {
			switch {
			case errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF):
				f.bare = n == 0
				return nil
			case errors.Is(err, io.ErrUnexpectedEOF):
				return fmt.Errorf("%s breaks off inside packet %d; what stands before it was read", f.name, n+1)
			}
			return fmt.Errorf("%s: packet %d cannot be read: %w; what stands before it was read", f.name, n+1, err)
		}
		at := instant(ci.Timestamp.UnixNano())
		if ci.Timestamp.IsZero() {
			at = a.now // a simple packet of pcapng has no time
		}
		f.latest = at
		if p.packet(lt, data, at) {
			p.line, p.frame = read(f.comments)
			a.segment(&p.segment)
			for _, words := range f.comments {
				a.note(&p.segment, words)
			}
		}
	}
	return nil
}

// noEOF names the end of a file that comes too early as what it is.
func noEOF(err error) error {
	if errors.Is(err, io.EOF) {
		return io.ErrUnexpectedEOF
	}
	return err
}

// begin reads the header of a capture and answers how to read its packets.
func (f *File) begin(magic []byte) (next func() ([]byte, gopacket.CaptureInfo, layers.LinkType, error), err error) {
	if isPcap(magic) {
		r, err := pcapgo.NewReader(f.in)
		if err != nil {
			return nil, err
		}
		lt := r.LinkType() & 0x0FFF // what stands above says how long the frame check sequence is
		return func() ([]byte, gopacket.CaptureInfo, layers.LinkType, error) {
			f.comments = nil
			data, ci, err := r.ZeroCopyReadPacketData()
			return data, ci, lt, err
		}, nil
	}
	o := pcapgo.DefaultNgReaderOptions
	o.WantMixedLinkType, o.SkipUnknownVersion = true, true
	o.StatisticsCallback = func(_ int, s pcapgo.NgInterfaceStatistics) {
		if s.PacketsDropped != pcapgo.NgNoValue64 {
			f.tally.Dropped += int(s.PacketsDropped)
		}
	}
	r, err := pcapgo.NewNgReader(f.in, o)
	if err != nil {
		return nil, err
	}
	return func() ([]byte, gopacket.CaptureInfo, layers.LinkType, error) {
		data, ci, o, err := r.ZeroCopyReadPacketDataWithOptions()
		f.comments = o.Comments
		lt := layers.LinkType(0)
		if err == nil && len(ci.AncillaryData) > 0 {
			lt, _ = ci.AncillaryData[0].(layers.LinkType)
		}
		return data, ci, lt, err
	}, nil
}
