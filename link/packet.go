package link

import (
	"encoding/binary"
	"net/netip"

	"github.com/gopacket/gopacket"
	"github.com/gopacket/gopacket/layers"
)

// endpoint is one end of a TCP connection. IPv4 addresses are mapped into IPv6.
type endpoint struct {
	addr [16]byte
	port uint16
}

func (e endpoint) String() string {
	return netip.AddrPortFrom(netip.AddrFrom16(e.addr).Unmap(), e.port).String()
}

// segment is one TCP segment as it was captured.
type segment struct {
	at       instant
	from, to endpoint
	seq, ack uint32
	flags    byte
	window   uint16
	id       uint16 // IPv4 identification, 0 for IPv6: equal in copies of one packet, another one when TCP sends again
	payload  []byte // good until the next packet
	missing  int    // bytes behind payload that were on the line and that the capture's snap length cut off
	line     string // of a recording: how the line was read, and the frame that begins here
	frame    string
	icmp     string // not a segment but a router's word that from cannot reach to
}

// parser finds the TCP segment in a packet: in place for the link types that nearly all captures have, by gopacket's
// decoders for all others and for tunnels.
type parser struct {
	segment
	tally     *Tally
	fragments fragments
}

func newParser(t *Tally) *parser { return &parser{tally: t, fragments: fragments{tally: t}} }

// close counts what never came to its end.
func (p *parser) close() { p.fragments.lost() }

const (
	etherIPv4 = 0x0800
	etherIPv6 = 0x86DD
	protoICMP = 1
	protoTCP  = 6
	protoUDP  = 17
	protoICM6 = 58
)

// packet parses one packet; ok says that p.segment is new.
func (p *parser) packet(lt layers.LinkType, b []byte, at instant) (ok bool) {
	p.segment = segment{at: at}
	p.tally.Packets++
	var head, proto int
	switch lt {
	case layers.LinkTypeEthernet:
		head = 14
	case layers.LinkTypeLinuxSLL:
		head = 16
	case layers.LinkTypeLinuxSLL2:
		if len(b) < 20 {
			return p.other()
		}
		head, proto = 20, int(b[0])<<8|int(b[1])
	case layers.LinkTypeNull, layers.LinkTypeLoop: // four bytes of an address family that every system numbers otherwise
		if len(b) < 5 {
			return p.other()
		}
		return p.ip(b[4:], lt, b)
	case layers.LinkTypeRaw, layers.LinkTypeIPv4, layers.LinkTypeIPv6, 12, 14: // 12 and 14 are BSD's own numbers of raw IP
		return p.ip(b, lt, b)
	default:
		return p.decode(lt, b)
	}
	if len(b) < head {
		return p.other()
	}
	if lt != layers.LinkTypeLinuxSLL2 {
		proto = int(b[head-2])<<8 | int(b[head-1])
	}
	for proto == 0x8100 || proto == 0x88A8 || proto == 0x9100 { // VLAN tags
		if len(b) < head+4 {
			return p.other()
		}
		proto = int(b[head+2])<<8 | int(b[head+3])
		head += 4
	}
	switch proto {
	case etherIPv4, etherIPv6:
		return p.ip(b[head:], lt, b)
	case 0x0806, 0x88CC, 0x8808: // ARP, LLDP, pause
		return p.other()
	}
	return p.decode(lt, b)
}

// other counts a packet that holds no TCP.
func (p *parser) other() bool {
	p.tally.Other++
	return false
}

// ip reads an IP packet. whole is the packet with its link layer, for what is decoded elsewhere.
func (p *parser) ip(b []byte, lt layers.LinkType, whole []byte) bool {
	switch {
	case len(b) >= 20 && b[0]>>4 == 4:
		head, total := int(b[0]&15)*4, int(binary.BigEndian.Uint16(b[2:]))
		if total == 0 { // the card cuts it later: the capture was made before
			total = len(b)
		}
		if head < 20 || total < head || len(b) < head {
			return p.other()
		}
		if binary.BigEndian.Uint16(b[6:])&0x3FFF != 0 {
			if len(b) < total {
				return p.cutFragment()
			}
			return p.fragment(b[:total])
		}
		p.id = binary.BigEndian.Uint16(b[4:])
		mapped(&p.from, b[12:16])
		mapped(&p.to, b[16:20])
		return p.transport(int(b[9]), b[head:], total-head, lt, whole)
	case len(b) >= 40 && b[0]>>4 == 6:
		total := int(binary.BigEndian.Uint16(b[4:]))
		if total == 0 {
			total = len(b) - 40
		}
		copy(p.from.addr[:], b[8:24])
		copy(p.to.addr[:], b[24:40])
		return p.six(b[:40], int(b[6]), b[40:], total, lt, whole)
	}
	return p.other()
}

func mapped(e *endpoint, four []byte) {
	e.addr[10], e.addr[11] = 0xFF, 0xFF
	copy(e.addr[12:], four)
}

// transport reads what an IP packet carries: total bytes on the line, of which b may have less or (padding) more.
func (p *parser) transport(proto int, b []byte, total int, lt layers.LinkType, whole []byte) bool {
	switch proto {
	case protoTCP:
		return p.tcp(b, total)
	case protoICMP, protoICM6:
		return p.unreachable(proto, b)
	case protoUDP:
		if len(b) < 8 {
			return p.other()
		}
		switch binary.BigEndian.Uint16(b[2:]) {
		case 4789, 6081: // VXLAN and Geneve, as in mirrored ports of clouds
		default:
			return p.other()
		}
	case 4, 41, 47: // IP in IP, GRE
	default:
		return p.other()
	}
	if whole == nil {
		return p.other()
	}
	return p.decode(lt, whole)
}

func (p *parser) tcp(b []byte, total int) bool {
	if len(b) < 20 || total < 20 {
		p.tally.Broken++
		return false
	}
	head := int(b[12]>>4) * 4
	if head < 20 || head > total {
		p.tally.Broken++
		return false
	}
	p.from.port, p.to.port = binary.BigEndian.Uint16(b), binary.BigEndian.Uint16(b[2:])
	p.seq, p.ack = binary.BigEndian.Uint32(b[4:]), binary.BigEndian.Uint32(b[8:])
	p.flags, p.window = b[13], binary.BigEndian.Uint16(b[14:])
	if have := min(len(b), total); have > head {
		p.payload = b[head:have]
	}
	if p.missing = total - head - len(p.payload); p.missing > 0 {
		p.tally.Cut++
	}
	p.tally.Segments++
	return true
}

// unreachable reads an ICMP message that says why a connection cannot come about.
func (p *parser) unreachable(proto int, b []byte) bool {
	p.tally.Other++
	if len(b) < 8 || proto == protoICMP && b[0] != 3 || proto == protoICM6 && b[0] != 1 {
		return false
	}
	what := map[bool]map[byte]string{
		true: {0: "network unreachable", 1: "host unreachable", 2: "protocol unreachable", 3: "port unreachable", 9: "network prohibited",
			10: "host prohibited", 13: "prohibited by a filter"},
		false: {0: "no route", 1: "prohibited by a filter", 3: "address unreachable", 4: "port unreachable"},
	}[proto == protoICMP][b[1]]
	inner := b[8:]
	switch {
	case what == "":
		return false
	case proto == protoICMP && len(inner) >= 28 && inner[9] == protoTCP:
		head := int(inner[0]&15) * 4
		if head < 20 || len(inner) < head+8 {
			return false
		}
		mapped(&p.from, inner[12:16])
		mapped(&p.to, inner[16:20])
		inner = inner[head:]
	case proto == protoICM6 && len(inner) >= 48 && inner[6] == protoTCP:
		copy(p.from.addr[:], inner[8:24])
		copy(p.to.addr[:], inner[24:40])
		inner = inner[40:]
	default:
		return false
	}
	p.from.port, p.to.port = binary.BigEndian.Uint16(inner), binary.BigEndian.Uint16(inner[2:])
	p.icmp = what + ", a router says (ICMP)"
	return true
}

// fragment takes a part of an IPv4 packet in; what that carries is read when the last part has come.
func (p *parser) fragment(b []byte) bool {
	whole := p.fragments.join4(b, p.at)
	if whole == nil {
		return false
	}
	p.id = whole.Id
	mapped(&p.from, whole.SrcIP.To4())
	mapped(&p.to, whole.DstIP.To4())
	return p.transport(int(whole.Protocol), whole.Payload, len(whole.Payload), 0, nil)
}

// six reads what an IPv6 packet carries behind its first header: total bytes on the line, of which b may have less or more.
func (p *parser) six(head []byte, proto int, b []byte, total int, lt layers.LinkType, whole []byte) bool {
	for proto == 0 || proto == 43 || proto == 44 || proto == 51 || proto == 60 { // extension headers
		if len(b) < 8 || total < 8 {
			return p.other()
		}
		n := 8 + int(b[1])*8
		switch proto {
		case 44: // of fragments
			if n = 8; binary.BigEndian.Uint16(b[2:])&0xFFF9 != 0 {
				if len(b) < total {
					return p.cutFragment()
				}
				joined := p.fragments.join6(head, b[:total], p.at)
				if joined == nil {
					return false
				}
				return p.six(head, int(joined.NextHeader), joined.Payload, len(joined.Payload), 0, nil)
			}
		case 51: // authentication counts in words of four bytes
			n = 8 + int(b[1])*4
		}
		if len(b) < n || total < n {
			return p.other()
		}
		proto, b, total = int(b[0]), b[n:], total-n
	}
	return p.transport(proto, b, total, lt, whole)
}

// cutFragment counts a fragment of which the capture's snap length left a part only: nothing fits behind it.
func (p *parser) cutFragment() bool {
	p.tally.Fragments++
	p.tally.FragmentsLost++
	return false
}

// decode lets gopacket find the innermost TCP segment.
func (p *parser) decode(lt layers.LinkType, b []byte) bool {
	if int(lt) >= len(layers.LinkTypeMetadata) || layers.LinkTypeMetadata[lt].DecodeWith == nil {
		p.tally.Unknown++
		p.tally.LinkType = int(lt)
		return false
	}
	p.segment = segment{at: p.at}
	var network gopacket.NetworkLayer
	var tcp *layers.TCP
	for _, l := range gopacket.NewPacket(b, lt, gopacket.DecodeOptions{NoCopy: true}).Layers() {
		switch l := l.(type) {
		case gopacket.NetworkLayer:
			network = l
		case *layers.TCP:
			tcp = l
		}
	}
	if tcp == nil || network == nil {
		return p.other()
	}
	flow := network.NetworkFlow()
	for e, raw := range map[*endpoint][]byte{&p.from: flow.Src().Raw(), &p.to: flow.Dst().Raw()} {
		if len(raw) == 4 {
			mapped(e, raw)
		} else {
			copy(e.addr[:], raw)
		}
	}
	total := len(tcp.Contents) + len(tcp.Payload)
	if ip, ok := network.(*layers.IPv4); ok {
		p.id = ip.Id
		total = max(total, int(ip.Length)-int(ip.IHL)*4)
	}
	return p.tcp(append(append([]byte(nil), tcp.Contents...), tcp.Payload...), total)
}
