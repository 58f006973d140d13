package link

import (
	"bufio"
	"cmp"
	"container/heap"
	"encoding/binary"
	"io"
	"math/rand/v2"
	"net/netip"
	"time"

	"github.com/gopacket/gopacket"
	"github.com/gopacket/gopacket/layers"
	"github.com/gopacket/gopacket/pcapgo"
)

// Mishaps are the shares of data segments, 0 to 1, to which something happens on the way to where the capture is made.
type Mishaps struct {
	Split   float64 // cut over two segments, in order
	Lost    float64 // lost before the capture and sent again after resendAfter: what follows comes first
	Resent  float64 // sent again after resendAfter although it had arrived
	Doubled float64 // captured twice, as on a mirrored port that sees both ways in and out
	Swapped float64 // cut over two segments that are captured in the wrong order
	Missing float64 // delivered, but not in the capture: nothing can bring these bytes back
}

// resendAfter is a usual first retransmission timeout.
const resendAfter = 200 * time.Millisecond

// forgedMSS is the most data in one segment.
const forgedMSS = 1460

// Forge writes a capture of TCP connections that never were, for tests and benchmarks: Ethernet, IPv4 or IPv6, right
// handshakes, sequence numbers and checksums, a pure ACK for half of the data segments. Calls must come in the order of
// their times, but for what Send itself delays.
type Forge struct {
	mishaps Mishaps
	rng     *rand.Rand
	buf     *bufio.Writer
	out     *pcapgo.Writer
	waiting forged
	n       uint64
	err     error
}

// NewForge begins a pcap file. The same seed and calls write the same bytes.
func NewForge(w io.Writer, seed int64, m Mishaps) *Forge {
	f := &Forge{mishaps: m, rng: rand.New(rand.NewPCG(uint64(seed), 8583)), buf: bufio.NewWriterSize(w, 1<<20)}
	f.out = pcapgo.NewWriter(f.buf)
	f.err = f.out.WriteFileHeader(65535, layers.LinkTypeEthernet)
	return f
}

// ForgedConn is one connection of a forged capture.
type ForgedConn struct {
	f    *Forge
	ends [2]netip.AddrPort // terminal, host
	seq  [2]uint32
}

const (
	flagFIN = 1 << iota
	flagSYN
	flagRST
	flagPSH
	flagACK
)

// Connect opens a connection at a time.
func (f *Forge) Connect(at time.Time, terminal, host netip.AddrPort) *ForgedConn {
	c := &ForgedConn{f: f, ends: [2]netip.AddrPort{terminal, host}, seq: [2]uint32{f.rng.Uint32(), f.rng.Uint32()}}
	c.control(at, ToHost, flagSYN)
	c.control(at.Add(200*time.Microsecond), ToTerminal, flagSYN|flagACK)
	c.control(at.Add(400*time.Microsecond), ToHost, flagACK)
	return c
}

// Send passes data in one direction and answers when all of it has arrived.
func (c *ForgedConn) Send(at time.Time, dir Dir, data []byte) (arrived time.Time) {
	m, rng := &c.f.mishaps, c.f.rng
	for len(data) > 0 {
		n := min(len(data), forgedMSS)
		seg := data[:n]
		data = data[n:]
		if swap := rng.Float64() < m.Swapped; n > 1 && (swap || rng.Float64() < m.Split) {
			cut := 1 + rng.IntN(n-1)
			first, second := at, at.Add(100*time.Microsecond)
			if swap {
				first, second = second, first
			}
			arrived = later(arrived, c.segment(first, dir, seg[:cut]), c.segment(second, dir, seg[cut:]))
		} else {
			arrived = later(arrived, c.segment(at, dir, seg))
		}
		at = at.Add(200 * time.Microsecond)
	}
	if rng.IntN(2) == 0 {
		c.control(arrived.Add(50*time.Microsecond), 1-dir, flagACK)
	}
	return arrived
}

func later(ts ...time.Time) (last time.Time) {
	for _, t := range ts {
		if t.After(last) {
			last = t
		}
	}
	return last
}

// segment sends one segment and whatever happens to it.
func (c *ForgedConn) segment(at time.Time, dir Dir, data []byte) (arrived time.Time) {
	m, chance := &c.f.mishaps, c.f.rng.Float64()
	again := at.Add(resendAfter)
	p := c.packet(dir, flagPSH|flagACK, data)
	c.seq[dir] += uint32(len(data))
	is := func(share float64) bool {
		chance -= share
		return chance < 0 && chance >= -share
	}
	switch {
	case is(m.Missing):
	case is(m.Lost):
		c.f.put(again, p)
		return again
	case is(m.Resent):
		c.f.put(at, p)
		c.f.put(again, p)
	case is(m.Doubled):
		c.f.put(at, p)
		c.f.put(at.Add(time.Microsecond), p)
	default:
		c.f.put(at, p)
	}
	return at
}

// Close ends the connection in order, the terminal first.
func (c *ForgedConn) Close(at time.Time) {
	c.control(at, ToHost, flagFIN|flagACK)
	c.control(at.Add(200*time.Microsecond), ToTerminal, flagFIN|flagACK)
	c.control(at.Add(400*time.Microsecond), ToHost, flagACK)
}

// Abort ends the connection with a reset by the side that sends in dir.
func (c *ForgedConn) Abort(at time.Time, dir Dir) { c.control(at, dir, flagRST) }

func (c *ForgedConn) control(at time.Time, dir Dir, flags byte) {
	c.f.put(at, c.packet(dir, flags, nil))
	if flags&(flagSYN|flagFIN) != 0 {
		c.seq[dir]++
	}
}

// packet builds a frame: Ethernet, IP, TCP.
func (c *ForgedConn) packet(dir Dir, flags byte, data []byte) []byte {
	from, to := c.ends[dir], c.ends[1-dir]
	const ethernet, tcp = 14, 20
	ip := 20
	if from.Addr().Is6() {
		ip = 40
	}
	b := make([]byte, ethernet+ip+tcp+len(data))
	b[0], b[5], b[6], b[11] = 2, byte(1-dir), 2, byte(dir)
	h, t := b[ethernet:], b[ethernet+ip:]
	var sum uint32 // of the pseudo header
	if ip == 40 {
		b[12], b[13] = 0x86, 0xDD
		h[0], h[6], h[7] = 0x60, 6, 64
		binary.BigEndian.PutUint16(h[4:], uint16(len(t)))
		copy(h[8:], from.Addr().AsSlice())
		copy(h[24:], to.Addr().AsSlice())
		sum = sum16(h[8:40])
	} else {
		b[12], b[13] = 0x08, 0x00
		h[0], h[6], h[8], h[9] = 0x45, 0x40, 64, 6
		binary.BigEndian.PutUint16(h[2:], uint16(ip+len(t)))
		binary.BigEndian.PutUint16(h[4:], uint16(c.f.n))
		copy(h[12:], from.Addr().AsSlice())
		copy(h[16:], to.Addr().AsSlice())
		binary.BigEndian.PutUint16(h[10:], ^fold(sum16(h[:20])))
		sum = sum16(h[12:20])
	}
	binary.BigEndian.PutUint16(t, from.Port())
	binary.BigEndian.PutUint16(t[2:], to.Port())
	binary.BigEndian.PutUint32(t[4:], c.seq[dir])
	if flags&flagACK != 0 {
		binary.BigEndian.PutUint32(t[8:], c.seq[1-dir])
	}
	t[12], t[13] = 5<<4, flags
	binary.BigEndian.PutUint16(t[14:], 64240)
	copy(t[tcp:], data)
	binary.BigEndian.PutUint16(t[16:], ^fold(sum+6+uint32(len(t))+sum16(t)))
	return b
}

// sum16 adds up 16-bit words for an internet checksum.
func sum16(b []byte) (sum uint32) {
	for ; len(b) > 1; b = b[2:] {
		sum += uint32(b[0])<<8 | uint32(b[1])
	}
	if len(b) == 1 {
		sum += uint32(b[0]) << 8
	}
	return sum
}

func fold(sum uint32) uint16 {
	for sum > 0xFFFF {
		sum = sum>>16 + sum&0xFFFF
	}
	return uint16(sum)
}

// forged are packets that wait for their time, a heap.
type forged []forgedPacket

type forgedPacket struct {
	at time.Time
	n  uint64
	b  []byte
}

func (q forged) Len() int      { return len(q) }
func (q forged) Swap(i, j int) { q[i], q[j] = q[j], q[i] }
func (q forged) Less(i, j int) bool {
	return cmp.Or(q[i].at.Compare(q[j].at), cmp.Compare(q[i].n, q[j].n)) < 0
}
func (q *forged) Push(x any) { *q = append(*q, x.(forgedPacket)) }
func (q *forged) Pop() any {
	last := len(*q) - 1
	x := (*q)[last]
	*q = (*q)[:last]
	return x
}

func (f *Forge) put(at time.Time, b []byte) {
	f.n++
	heap.Push(&f.waiting, forgedPacket{at, f.n, b})
}

// Until writes what was on the line before a time. The error is the first that writing met.
func (f *Forge) Until(at time.Time) error {
	for f.err == nil && len(f.waiting) > 0 && f.waiting[0].at.Before(at) {
		p := heap.Pop(&f.waiting).(forgedPacket)
		f.err = f.out.WritePacket(gopacket.CaptureInfo{Timestamp: p.at, CaptureLength: len(p.b), Length: len(p.b)}, p.b)
	}
	return f.err
}

// End writes the rest.
func (f *Forge) End() error {
	last := time.Time{}
	for _, p := range f.waiting {
		last = later(last, p.at)
	}
	return cmp.Or(f.Until(last.Add(1)), f.buf.Flush())
}
