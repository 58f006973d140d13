package link

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/gopacket/gopacket"
	"github.com/gopacket/gopacket/layers"
	"github.com/gopacket/gopacket/pcapgo"
)

// flushEvery bounds what a power cut or a kill takes from a recording.
const flushEvery = time.Second

// Recorder writes events as a pcapng capture of TCP connections (link type raw IP), which OpenFile gives back as the same
// events. It records what it is given: whoever calls Put has masked the data.
type Recorder struct {
	path  string
	limit int64
	queue *queue
	stop  chan struct{}
	done  chan struct{}

	mu      sync.Mutex
	err     error
	stopped chan struct{} // closed with the first error

	file   *os.File
	out    *pcapgo.NgWriter // writes into wait
	wait   bytes.Buffer     // whole blocks that are not in the file yet, so that it never ends inside one
	size   int64            // of the file
	part   int
	conns  map[uint64]*recorded
	latest *recorded // that passed something last
	begun  uint32    // the latest connection's first sequence number
	names  map[string]netip.AddrPort
}

// recorded is a connection as the capture shows it: the next sequence number and the end of each direction.
type recorded struct {
	ends [2]netip.AddrPort // by the direction in which they send
	seq  [2]uint32
	fin  [2]bool
	line string // how it is read, as the file says it
}

// NewRecorder creates path, for its owner only (0600), and fails when it exists, unless replace says that it may go. When
// a file has grown to limit bytes (0: never) it is renamed, NAME.pcapng to NAME.1.pcapng and so on, and a new one begins.
func NewRecorder(path string, limit int64, replace bool) (*Recorder, error) {
	r := &Recorder{path: path, limit: limit, queue: newQueue(), stop: make(chan struct{}), done: make(chan struct{}),
		stopped: make(chan struct{}), conns: map[uint64]*recorded{}, names: map[string]netip.AddrPort{}}
	mode := os.O_EXCL
	if replace {
		mode = os.O_TRUNC
	}
	if err := r.create(mode); err != nil {
		return nil, err
	}
	go r.write()
	return r, nil
}

func (r *Recorder) create(mode int) error {
	f, err := os.OpenFile(r.path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	made := err == nil
	if errors.Is(err, fs.ErrExist) && mode != os.O_EXCL {
		f, err = os.OpenFile(r.path, os.O_WRONLY|os.O_CREATE|mode, 0o600)
	}
	if i, serr := os.Stat(r.path); serr == nil && i.IsDir() {
		return fmt.Errorf("the recording cannot be written: %s is a folder; name a file in it", r.path)
	}
	if errors.Is(err, fs.ErrExist) {
		return fmt.Errorf("%s exists and is not overwritten: take another name, or add --force", r.path)
	}
	if err != nil {
		return fmt.Errorf("the recording cannot be written: %w", err)
	}
	r.wait.Reset()
	intf := pcapgo.DefaultNgInterface
	intf.LinkType = layers.LinkTypeRaw
	intf.Name = "tillscope"
	out, err := pcapgo.NewNgWriterInterface(&r.wait, intf, pcapgo.NgWriterOptions{SectionInfo: pcapgo.NgSectionInfo{Application: "tillscope", Comment: "card data is masked"}})
	r.file, r.out, r.size = f, out, 0
	if err == nil {
		err = r.flush()
	}
	if err != nil {
		err = errors.Join(fmt.Errorf("the recording cannot be written: %w", err), f.Close())
		if made { // an empty file would keep the next recording from its name
			err = errors.Join(err, os.Remove(r.path))
		}
	}
	return err
}

// Put takes an event in, and never waits for the disk: what the disk cannot keep up with is missing from the recording,
// which shows it as lost bytes.
func (r *Recorder) Put(ev Event) {
	if r.Err() == nil {
		r.queue.put(ev)
	}
}

// PutAll is Put for a source that can wait, as a file can: it waits while the disk is behind, and nothing is missing.
func (r *Recorder) PutAll(ev Event) {
	for r.queue.full() && r.Err() == nil {
		time.Sleep(time.Millisecond)
	}
	r.Put(ev)
}

// Stopped is closed when recording has stopped before its end; Err then says why.
func (r *Recorder) Stopped() <-chan struct{} { return r.stopped }

// Err says why recording has stopped, nil while it goes on.
func (r *Recorder) Err() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.err
}

// Close writes what still waits and closes the file. The error is the first one that recording met.
func (r *Recorder) Close() error {
	close(r.stop)
	<-r.done
	return r.Err()
}

// fail stops the recording. What was half written when the disk was full is cut off again: the rest is a whole capture.
func (r *Recorder) fail(err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.err != nil {
		return
	}
	_ = r.file.Truncate(r.size)
	r.err = fmt.Errorf("recording to %s has stopped: %w; what was written before can be opened", r.path, err)
	close(r.stopped)
}

// flush brings what waits to the file.
func (r *Recorder) flush() error {
	if err := r.out.Flush(); err != nil {
		return err
	}
	n := r.wait.Len()
	if _, err := r.wait.WriteTo(r.file); err != nil {
		return err
	}
	r.size += int64(n)
	return nil
}

func (r *Recorder) write() {
	defer close(r.done)
	clock := time.NewTicker(flushEvery / 2)
	defer clock.Stop()
	flushed := time.Now()
	for ended := false; !ended; {
		select {
		case <-r.queue.wake:
		case <-clock.C:
		case <-r.stop:
			ended = true
		}
		for _, ev := range r.queue.take() {
			if r.Err() != nil {
				break
			}
			if err := r.event(ev); err != nil {
				r.fail(err)
			}
		}
		if r.Err() == nil && (ended || time.Since(flushed) >= flushEvery/2) {
			if err := r.flush(); err != nil {
				r.fail(err)
			}
			flushed = time.Now()
		}
	}
	if err := r.file.Close(); err != nil {
		r.fail(err)
	}
}

// rotate puts a full file aside.
func (r *Recorder) rotate() error {
	if r.limit <= 0 || r.size+int64(r.wait.Len()) < r.limit {
		return nil
	}
	if err := r.flush(); err != nil {
		return err
	}
	if err := r.file.Close(); err != nil {
		return err
	}
	ext := filepath.Ext(r.path)
	for {
		r.part++
		aside := fmt.Sprintf("%s.%d%s", strings.TrimSuffix(r.path, ext), r.part, ext)
		if _, err := os.Lstat(aside); err == nil {
			continue // of an earlier run
		}
		if err := os.Rename(r.path, aside); err != nil {
			return err
		}
		for _, c := range r.conns {
			c.line = ""
		}
		return r.create(os.O_EXCL)
	}
}

// event writes the packets that an event was made of.
func (r *Recorder) event(ev Event) error {
	if err := r.rotate(); err != nil {
		return err
	}
	if ev.Kind == Stood { // beside what passed last
		if r.latest == nil {
			return nil
		}
		return r.packet(ev.At, r.latest, ToHost, nil, layers.TCP{ACK: true}, comment(ev))
	}
	c := r.conns[ev.Conn]
	begins := ev.Kind == Opened || ev.Kind == Refused || ev.Kind == Unreached
	if c == nil || begins {
		// Ports are used again; another beginning tells the next connection from the same one sent again.
		r.begun += 1 << 20
		c = &recorded{ends: [2]netip.AddrPort{r.address(ev.Terminal), r.address(ev.Host)}, seq: [2]uint32{r.begun, r.begun}}
		r.conns[ev.Conn] = c
	}
	r.latest = c
	var words []string
	if w := comment(ev); w != "" {
		words = append(words, w)
	}
	var err error
	switch ev.Kind {
	case Opened, Refused, Unreached:
		var names []string
		if w := ends(ev.Terminal, ev.Host, [2]string{c.ends[0].String(), c.ends[1].String()}); w != "" {
			names = append(names, w)
		}
		err = r.packet(ev.At.Add(-ev.Took), c, ToHost, nil, layers.TCP{SYN: true}, names...)
		switch ev.Kind {
		case Opened:
			err = errors.Join(err, r.packet(ev.At, c, ToTerminal, nil, layers.TCP{SYN: true, ACK: true}))
		case Refused:
			err = errors.Join(err, r.packet(ev.At, c, ToTerminal, nil, layers.TCP{RST: true, ACK: true}))
		case Unreached: // the SYN once more, when it was given up
			c.seq[ToHost]--
			err = errors.Join(err, r.packet(ev.At, c, ToHost, nil, layers.TCP{SYN: true}, words...))
		}
	case Data:
		if ev.Line != c.line && ev.Line != "" {
			c.line = ev.Line
			words = append(words, lineComment+ev.Line)
		}
		if ev.Note != "" {
			words = append(words, frameComment+ev.Note)
		}
		err = r.packet(ev.At, c, ev.Dir, ev.Data, layers.TCP{PSH: true, ACK: true}, words...)
	case HalfClose:
		err = r.finish(ev.At, c, ev.Dir)
	case Closed:
		err = errors.Join(r.finish(ev.At, c, ToHost), r.finish(ev.At, c, ToTerminal))
	case Reset:
		err = r.packet(ev.At, c, ev.Dir, nil, layers.TCP{RST: true})
	default:
		if ev.Kind == Gap {
			c.seq[ev.Dir] += uint32(max(ev.Lost, 1)) // a hole, for whoever does not read the words
		}
		if len(words) > 0 {
			err = r.packet(ev.At, c, ev.Dir, nil, layers.TCP{ACK: true}, words...)
		}
	}
	switch ev.Kind {
	case Closed, Reset, Refused, Unreached:
		delete(r.conns, ev.Conn)
	}
	return err
}

func (r *Recorder) finish(at time.Time, c *recorded, dir Dir) error {
	if c.fin[dir] {
		return nil
	}
	c.fin[dir] = true
	return r.packet(at, c, dir, nil, layers.TCP{FIN: true, ACK: true})
}

// maxWait is how much may wait for the file at the most.
const maxWait = 256 << 10

// maxSegment keeps an IP packet within its 16-bit length.
const maxSegment = 60000

func (r *Recorder) packet(at time.Time, c *recorded, dir Dir, data []byte, tcp layers.TCP, words ...string) error {
	for {
		n := min(len(data), maxSegment)
		if err := r.segment(at, c, dir, data[:n], tcp, words...); err != nil {
			return err
		}
		if data = data[n:]; len(data) == 0 {
			return nil
		}
		words = nil
	}
}

func (r *Recorder) segment(at time.Time, c *recorded, dir Dir, data []byte, tcp layers.TCP, words ...string) error {
	from, to := c.ends[dir], c.ends[1-dir]
	tcp.SrcPort, tcp.DstPort, tcp.Seq, tcp.Window = layers.TCPPort(from.Port()), layers.TCPPort(to.Port()), c.seq[dir], 0xFFFF
	if tcp.ACK {
		tcp.Ack = c.seq[1-dir]
	}
	var ip gopacket.SerializableLayer
	if from.Addr().Is4() && to.Addr().Is4() {
		four := &layers.IPv4{Version: 4, TTL: 64, Protocol: layers.IPProtocolTCP, SrcIP: from.Addr().AsSlice(), DstIP: to.Addr().AsSlice()}
		_ = tcp.SetNetworkLayerForChecksum(four) // fails for other layers only
		ip = four
	} else {
		a, b := from.Addr().As16(), to.Addr().As16()
		six := &layers.IPv6{Version: 6, HopLimit: 64, NextHeader: layers.IPProtocolTCP, SrcIP: a[:], DstIP: b[:]}
		_ = tcp.SetNetworkLayerForChecksum(six)
		ip = six
	}
	buf := gopacket.NewSerializeBuffer()
	if err := gopacket.SerializeLayers(buf, gopacket.SerializeOptions{FixLengths: true, ComputeChecksums: true}, ip, &tcp, gopacket.Payload(data)); err != nil {
		return err
	}
	c.seq[dir] += uint32(len(data))
	if tcp.SYN || tcp.FIN {
		c.seq[dir]++
	}
	b := buf.Bytes()
	err := r.out.WritePacketWithOptions(gopacket.CaptureInfo{Timestamp: at, CaptureLength: len(b), Length: len(b)}, b, pcapgo.NgPacketOptions{Comments: words})
	if err == nil {
		err = r.out.Flush()
	}
	if err == nil && r.wait.Len() >= maxWait {
		err = r.flush()
	}
	return err
}

// address is an end of a connection in numbers. A name has none in the events; it gets one of the documentation net,
// always the same one, so that a recording still tells hosts apart.
func (r *Recorder) address(s string) netip.AddrPort {
	if a, err := netip.ParseAddrPort(s); err == nil {
		return netip.AddrPortFrom(a.Addr().Unmap(), a.Port())
	}
	a, ok := r.names[s]
	if !ok {
		n := len(r.names)
		a = netip.AddrPortFrom(netip.AddrFrom4([4]byte{198, 51, 100, byte(1 + n%250)}), uint16(8583+n/250))
		r.names[s] = a
	}
	return a
}
