package link

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/gopacket/gopacket"
	"github.com/gopacket/gopacket/layers"
	"github.com/gopacket/gopacket/pcapgo"
	"github.com/gopacket/gopacket/reassembly"
)

// patience is how long, on the capture's own clock, a missing segment may still come before it counts as lost.
const patience = 3 * time.Second

// heldPages bounds the out-of-order data of one connection, in pages of 1,900 bytes.
const heldPages = 64

// File is a capture file, or one that streams in.
type File struct {
	name    string
	from    io.ReadCloser
	packets packetReader
}

type packetReader interface {
	gopacket.ZeroCopyPacketDataSource
	LinkType() layers.LinkType
}

// OpenFile opens a pcap or pcapng file, compressed with gzip or not; - is standard input. The kind is told by the file's
// first bytes.
func OpenFile(name string) (*File, error) {
	in := io.ReadCloser(os.Stdin)
	if name != "-" {
		f, err := os.Open(name)
		if err != nil {
			return nil, fmt.Errorf("cannot open the capture: %w", err)
		}
		in = f
	} else {
		name = "standard input"
	}
	f := &File{name: name, from: in}
	buffered := bufio.NewReaderSize(in, 1<<20)
	magic, err := buffered.Peek(4)
	if err == nil && magic[0] == 0x1F && magic[1] == 0x8B {
		plain, gerr := gzip.NewReader(buffered)
		if gerr != nil {
			in.Close()
			return nil, fmt.Errorf("%s is no gzip file that can be read: %w", name, gerr)
		}
		buffered = bufio.NewReaderSize(plain, 1<<20)
		magic, err = buffered.Peek(4)
	}
	if err != nil {
		in.Close()
		return nil, fmt.Errorf("%s holds no capture: it has fewer than 4 bytes", name)
	}
	if bytes.Equal(magic, []byte{0x0A, 0x0D, 0x0D, 0x0A}) {
		f.packets, err = pcapgo.NewNgReader(buffered, pcapgo.DefaultNgReaderOptions)
	} else {
		f.packets, err = pcapgo.NewReader(buffered)
	}
	if err != nil {
		in.Close()
		return nil, fmt.Errorf("%s is no capture that can be read: it begins with % X, and pcap and pcapng are known (%w)", name, magic, err)
	}
	return f, nil
}

// Info describes the file.
func (f *File) Info() Info { return Info{Kind: "file", Describe: f.name} }

// Run reads the capture to its end. A capture that breaks off gives what stands before the break, then an error.
func (f *File) Run(ctx context.Context, sink func(Event)) error {
	defer f.from.Close()
	r := &reader{sink: sink, begun: map[flow]time.Time{}, lives: map[flow]int{}}
	r.assembler = reassembly.NewAssembler(reassembly.NewStreamPool(r))
	r.assembler.MaxBufferedPagesPerConnection = heldPages
	n := 0
	var swept time.Time
	for ctx.Err() == nil {
		data, ci, err := f.packets.ZeroCopyReadPacketData()
		if err != nil {
			r.finish()
			switch {
			case errors.Is(err, io.ErrUnexpectedEOF):
				return fmt.Errorf("%s breaks off inside packet %d; what stands before it was read", f.name, n+1)
			case errors.Is(err, io.EOF):
				return nil
			}
			return fmt.Errorf("%s: packet %d cannot be read: %w; what stands before it was read", f.name, n+1, err)
		}
		n++
		r.packet(data, ci, f.packets.LinkType())
		if ci.Timestamp.Sub(swept) > time.Second {
			swept = ci.Timestamp
			r.assembler.FlushWithOptions(reassembly.FlushOptions{T: swept.Add(-patience)})
		}
	}
	r.finish()
	return nil
}

// flow names one attempt to connect.
type flow struct{ net, tcp gopacket.Flow }

// reader turns packets into events.
type reader struct {
	sink      func(Event)
	assembler *reassembly.Assembler
	conns     uint64
	begun     map[flow]time.Time // connects without an outcome
	last      *stream            // the connection of the packet in hand
	flow      flow               // its ends
	lives     map[flow]int       // connections between two ends that were reset (odd), and begun again (even)
	ended     flow               // the key of the packet in hand in lives
	at        time.Time
}

type clock gopacket.CaptureInfo

func (c clock) GetCaptureInfo() gopacket.CaptureInfo { return gopacket.CaptureInfo(c) }

func (r *reader) packet(data []byte, ci gopacket.CaptureInfo, lt layers.LinkType) {
	p := gopacket.NewPacket(data, lt, gopacket.DecodeOptions{Lazy: true, NoCopy: true})
	tcp, ok := p.Layer(layers.LayerTypeTCP).(*layers.TCP)
	if !ok || p.NetworkLayer() == nil {
		return
	}
	r.at, r.last = ci.Timestamp, nil
	r.flow = flow{p.NetworkLayer().NetworkFlow(), tcp.TransportFlow()}
	r.assembler.AssembleWithContext(r.life(tcp), tcp, clock(ci))
	if r.last != nil {
		r.last.told()
	}
}

// life is the network flow under which the assembler knows the connection. After a reset a port may be used again at
// once, and the assembler, which has closed one half only, would take the new connection for more of the old one: a SYN
// after a reset begins another life, told apart by the bytes of its addresses.
func (r *reader) life(tcp *layers.TCP) gopacket.Flow {
	key := r.flow
	if back := key.reverse(); back.less(key) {
		key = back
	}
	n := r.lives[key]
	if tcp.SYN && !tcp.ACK && n&1 == 1 {
		n++
		r.lives[key] = n
	}
	if r.ended = key; n < 2 {
		return r.flow.net
	}
	salt := func(e gopacket.Endpoint) []byte {
		b := bytes.Clone(e.Raw())
		for i := 0; i < len(b) && n>>(8*i) > 0; i++ {
			b[i] ^= byte(n >> (8 * i))
		}
		return b
	}
	return gopacket.NewFlow(r.flow.net.EndpointType(), salt(r.flow.net.Src()), salt(r.flow.net.Dst()))
}

func (f flow) reverse() flow { return flow{f.net.Reverse(), f.tcp.Reverse()} }

func (f flow) less(g flow) bool {
	if c := bytes.Compare(f.net.Src().Raw(), g.net.Src().Raw()); c != 0 {
		return c < 0
	}
	return bytes.Compare(f.tcp.Src().Raw(), g.tcp.Src().Raw()) < 0
}

// finish gives what still waits, and the connects that nobody answered.
func (r *reader) finish() {
	r.assembler.FlushAll()
	for at, began := range r.begun {
		r.conns++
		r.sink(Event{At: began, Conn: r.conns, Terminal: address(at.net.Src(), at.tcp.Src()), Host: address(at.net.Dst(), at.tcp.Dst()),
			Kind: Unreached, Took: r.at.Sub(began), Note: "no answer to the connect in the capture"})
	}
}

func address(ip, port gopacket.Endpoint) string {
	if ip.EndpointType() == layers.EndpointIPv6 {
		return "[" + ip.String() + "]:" + port.String()
	}
	return ip.String() + ":" + port.String()
}

// stream is one connection.
type stream struct {
	r       *reader
	base    Event
	flow    flow
	flip    bool // the first packet seen came from the host
	opened  bool
	syn     time.Time
	pending []Event // events of the packet in hand, to be told after its data
	fins    [2]bool
	done    bool
}

// New makes a stream for a connection's first packet. Who sent the SYN is the terminal; where a capture begins in the
// middle, the side with the lower port is the host.
func (r *reader) New(_, _ gopacket.Flow, tcp *layers.TCP, _ reassembly.AssemblerContext) reassembly.Stream {
	r.conns++
	net, ports := r.flow.net, r.flow.tcp
	s := &stream{r: r, flow: r.flow}
	s.flip = tcp.SYN && tcp.ACK || !tcp.SYN && tcp.SrcPort < tcp.DstPort
	from, to := address(net.Src(), ports.Src()), address(net.Dst(), ports.Dst())
	if s.flip {
		from, to = to, from
	}
	s.base = Event{Conn: r.conns, Terminal: from, Host: to}
	return s
}

func (s *stream) dir(d reassembly.TCPFlowDirection) Dir {
	if (d == reassembly.TCPDirClientToServer) != s.flip {
		return ToHost
	}
	return ToTerminal
}

// Accept sees every segment before it is put in order. It takes all, also of connections whose start was not captured.
func (s *stream) Accept(tcp *layers.TCP, ci gopacket.CaptureInfo, d reassembly.TCPFlowDirection, _ reassembly.Sequence, start *bool, _ reassembly.AssemblerContext) bool {
	s.r.last = s
	dir := s.dir(d)
	note := func(k Kind, took time.Duration) {
		ev := s.base
		ev.At, ev.Kind, ev.Dir, ev.Took = ci.Timestamp, k, dir, took
		s.pending = append(s.pending, ev)
	}
	switch {
	case tcp.RST:
		if !s.done {
			if !s.opened && !s.syn.IsZero() && dir == ToTerminal {
				note(Refused, ci.Timestamp.Sub(s.syn))
			} else {
				note(Reset, 0)
			}
			s.done = true
			s.r.lives[s.r.ended] |= 1
		}
		delete(s.r.begun, s.flow)
	case tcp.SYN && !tcp.ACK:
		if s.syn.IsZero() {
			s.syn = ci.Timestamp
			s.r.begun[s.flow] = s.syn
		}
	case tcp.SYN && tcp.ACK:
		s.open(ci.Timestamp)
	}
	if tcp.FIN && !s.fins[dir] {
		s.fins[dir] = true
		note(HalfClose, 0)
		if s.fins[0] && s.fins[1] && !s.done {
			s.done = true
			note(Closed, 0)
		}
	}
	*start = true
	return true
}

// open tells of the connection once, before anything else of it.
func (s *stream) open(at time.Time) {
	if s.opened {
		return
	}
	s.opened = true
	delete(s.r.begun, s.flow)
	ev := s.base
	ev.At, ev.Kind = at, Opened
	if !s.syn.IsZero() {
		ev.Took = at.Sub(s.syn)
	}
	s.r.sink(ev)
}

// ReassembledSG gives bytes in their order.
func (s *stream) ReassembledSG(sg reassembly.ScatterGather, ac reassembly.AssemblerContext) {
	d, _, _, skip := sg.Info()
	n, _ := sg.Lengths()
	ev := s.base
	ev.At, ev.Dir = s.r.at, s.dir(d)
	if ac != nil && !ac.GetCaptureInfo().Timestamp.IsZero() {
		ev.At = ac.GetCaptureInfo().Timestamp
	}
	if n == 0 && skip <= 0 {
		return
	}
	s.open(ev.At)
	if skip > 0 {
		gap := ev
		gap.Kind, gap.Lost = Gap, skip
		s.r.sink(gap)
	}
	if n > 0 {
		ev.Kind, ev.Data = Data, bytes.Clone(sg.Fetch(n))
		s.r.sink(ev)
	}
}

// told hands out what the packet in hand meant for the connection, after its data.
func (s *stream) told() {
	for _, ev := range s.pending {
		s.r.sink(ev)
	}
	s.pending = s.pending[:0]
}

// ReassemblyComplete lets the pool forget the connection.
func (s *stream) ReassemblyComplete(reassembly.AssemblerContext) bool { return true }
