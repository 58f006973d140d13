package link

import (
	"encoding/binary"
	"time"

	"github.com/gopacket/gopacket"
	"github.com/gopacket/gopacket/ip4defrag"
	"github.com/gopacket/gopacket/ip6defrag"
	"github.com/gopacket/gopacket/layers"
)

// What waits for the rest of its packet, at the most. Hosts wait 30 to 60 s for it.
const (
	mostFragments = 4 << 20 // bytes
	fragmentWait  = 30 * time.Second
)

// fragments puts fragmented IP packets together. Those that never become whole are counted as lost.
type fragments struct {
	tally *Tally
	four  *ip4defrag.IPv4Defragmenter
	six   *ip6defrag.IPv6Defragmenter
	open  map[fragmented]begun // packets of which some fragments came
	bytes int                  // of them
}

// fragmented names a packet that came in pieces.
type fragmented struct {
	from, to [16]byte
	id       uint32
	proto    byte // of IPv4; IPv6 names it in the first fragment only
}

type begun struct {
	at           instant
	count, bytes int
}

// in notes a fragment of n bytes before it is looked at.
func (f *fragments) in(k fragmented, n int, at instant) {
	f.tally.Fragments++
	if f.open == nil || f.bytes+n > mostFragments {
		f.lost()
		f.open, f.four, f.six = map[fragmented]begun{}, ip4defrag.NewIPv4Defragmenter(), ip6defrag.NewIPv6Defragmenter()
	}
	b, waits := f.open[k]
	if waits && at.since(b.at) > fragmentWait { // its number is used again
		f.four.DiscardOlderThan(at.time().Add(-fragmentWait))
		f.out(k)
		f.tally.FragmentsLost += b.count
		b, waits = begun{}, false
	}
	if !waits {
		b.at = at
	}
	f.bytes += n
	f.open[k] = begun{b.at, b.count + 1, b.bytes + n}
}

// out forgets a packet: it is whole, or can no longer become so.
func (f *fragments) out(k fragmented) {
	f.bytes -= f.open[k].bytes
	delete(f.open, k)
}

// lost counts all that still waits.
func (f *fragments) lost() {
	for _, b := range f.open {
		f.tally.FragmentsLost += b.count
	}
	f.open, f.bytes = nil, 0
}

// join4 takes in an IPv4 packet that is a fragment, and answers the whole one when this was the last of it to come.
func (f *fragments) join4(b []byte, at instant) *layers.IPv4 {
	k := fragmented{id: uint32(binary.BigEndian.Uint16(b[4:])), proto: b[9]}
	copy(k.from[:], b[12:16])
	copy(k.to[:], b[16:20])
	f.in(k, len(b), at)
	var ip layers.IPv4
	err := ip.DecodeFromBytes(append([]byte(nil), b...), gopacket.NilDecodeFeedback)
	if err != nil {
		return nil
	}
	whole, err := f.four.DefragIPv4WithTimestamp(&ip, at.time())
	if err != nil || whole == nil {
		return nil
	}
	f.out(k)
	return whole
}

// join6 does the same for IPv6: head is the packet's first header, b what begins with the header of the fragment.
func (f *fragments) join6(head, b []byte, at instant) *layers.IPv6 {
	k := fragmented{id: binary.BigEndian.Uint32(b[4:])}
	copy(k.from[:], head[8:24])
	copy(k.to[:], head[24:40])
	f.in(k, len(b), at)
	var part layers.IPv6Fragment
	if part.DecodeFromBytes(append([]byte(nil), b...), gopacket.NilDecodeFeedback) != nil {
		return nil
	}
	ip := layers.IPv6{Version: 6, SrcIP: append([]byte(nil), k.from[:]...), DstIP: append([]byte(nil), k.to[:]...)}
	whole := f.six.DefragIPv6(&ip, &part)
	if whole != nil {
		f.out(k)
	}
	return whole
}
