package link

import (
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"io"
	"math/rand/v2"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/gopacket/gopacket/layers"
	"github.com/gopacket/gopacket/pcapgo"
)

// readBytes reads a capture that is in memory.
func readBytes(t testing.TB, raw []byte) (events []Event, tally *Tally, err error) {
	t.Helper()
	f := &File{name: "made", from: io.NopCloser(bytes.NewReader(raw))}
	err = f.Run(context.Background(), func(ev Event) { events = append(events, kept(ev)) })
	return events, &f.tally, err
}

// kept is an event whose data stay when its sink has returned.
func kept(ev Event) Event {
	ev.Data = bytes.Clone(ev.Data)
	return ev
}

// wayOf names one direction of one connection.
type wayOf struct {
	terminal string
	dir      Dir
}

// talk forges random data on several connections and answers what each direction carried.
func talk(t testing.TB, seed int64, m Mishaps) (raw []byte, sent map[wayOf][]byte) {
	t.Helper()
	var out bytes.Buffer
	f := NewForge(&out, seed, m)
	rng := rand.New(rand.NewPCG(uint64(seed), 99))
	at := time.Date(2026, 5, 4, 12, 0, 0, 0, time.UTC)
	sent = map[wayOf][]byte{}
	type talker struct {
		c     *ForgedConn
		name  string
		ready time.Time
	}
	var all []*talker
	for i := range 8 {
		terminal := netip.AddrPortFrom(netip.AddrFrom4([4]byte{10, 0, 0, byte(i + 1)}), 40000)
		host := netip.MustParseAddrPort("198.51.100.10:8583")
		if i%2 == 1 {
			terminal, host = netip.MustParseAddrPort(fmt.Sprintf("[2001:db8::%d]:40000", i)), netip.MustParseAddrPort("[2001:db8::ffff]:8583")
		}
		all = append(all, &talker{f.Connect(at, terminal, host), terminal.String(), at.Add(time.Millisecond)})
	}
	for range 1500 {
		at = at.Add(2 * time.Millisecond)
		if err := f.Until(at); err != nil {
			t.Fatal(err)
		}
		x := all[rng.IntN(len(all))]
		if x.ready.After(at) {
			continue
		}
		x.ready = at
		for _, dir := range []Dir{ToHost, ToTerminal} {
			b := make([]byte, 1+rng.IntN(3000))
			for i := range b {
				b[i] = byte(rng.Uint32())
			}
			way := wayOf{x.name, dir}
			sent[way] = append(sent[way], b...)
			x.ready = x.c.Send(x.ready, dir, b).Add(time.Millisecond)
		}
	}
	for _, x := range all {
		x.c.Close(x.ready.Add(time.Second))
	}
	if err := f.End(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes(), sent
}

func TestAllThatTCPDeliveredComesInOrder(t *testing.T) {
	for seed := range int64(5) {
		for name, m := range map[string]Mishaps{
			"plain": {}, "split": {Split: 0.5}, "lost": {Lost: 0.02}, "doubled": {Doubled: 0.02}, "swapped": {Swapped: 0.02}, "resent": {Resent: 0.02},
			"all": {Split: 0.1, Lost: 0.02, Doubled: 0.02, Swapped: 0.02, Resent: 0.02}, "very": {Split: 0.3, Lost: 0.2, Doubled: 0.2, Swapped: 0.2, Resent: 0.2},
		} {
			raw, sent := talk(t, seed, m)
			events, tally, err := readBytes(t, raw)
			if err != nil {
				t.Fatal(err)
			}
			got, kinds := map[wayOf][]byte{}, map[Kind]int{}
			for _, ev := range events {
				kinds[ev.Kind]++
				if ev.Kind == Data {
					way := wayOf{ev.Terminal, ev.Dir}
					got[way] = append(got[way], ev.Data...)
				}
			}
			for way, want := range sent {
				if !bytes.Equal(got[way], want) {
					t.Errorf("%s, seed %d: %v carried %d bytes, %d came", name, seed, way, len(want), len(got[way]))
				}
			}
			if len(got) != len(sent) || kinds[Opened] != 8 || kinds[Closed] != 8 || kinds[HalfClose] != 16 || kinds[Gap]+kinds[Reset]+kinds[Unreached]+kinds[Refused] > 0 {
				t.Errorf("%s, seed %d: events %v", name, seed, kinds)
			}
			if (tally.Copies > 0) != (m.Doubled > 0) || (tally.Retransmitted > 0) != (m.Resent+m.Lost > 0) || kinds[Retransmitted] != tally.Retransmitted || (m.Swapped > 0) != (tally.OutOfOrder > 0) {
				t.Errorf("%s, seed %d: %+v", name, seed, *tally)
			}
		}
	}
}

func TestMissingSegmentsAreGapsAndCostNothingElse(t *testing.T) {
	for seed := range int64(5) {
		raw, sent := talk(t, seed, Mishaps{Split: 0.2, Missing: 0.02, Doubled: 0.01})
		events, tally, err := readBytes(t, raw)
		if err != nil {
			t.Fatal(err)
		}
		at, gaps := map[wayOf]int{}, 0
		for _, ev := range events {
			way := wayOf{ev.Terminal, ev.Dir}
			switch ev.Kind {
			case Gap:
				gaps++
				at[way] += ev.Lost
			case Data:
				if want := sent[way]; at[way]+len(ev.Data) > len(want) || !bytes.Equal(want[at[way]:at[way]+len(ev.Data)], ev.Data) {
					t.Fatalf("seed %d: %v has other bytes at %d", seed, way, at[way])
				}
				at[way] += len(ev.Data)
			}
		}
		for way, want := range sent {
			if at[way] != len(want) {
				t.Errorf("seed %d: %v ends at %d of %d", seed, way, at[way], len(want))
			}
		}
		if gaps == 0 || gaps != tally.Gaps {
			t.Errorf("%d gaps, %d counted", gaps, tally.Gaps)
		}
	}
}

// A port that is mirrored in one direction shows by its acknowledgements how much came the other way.
func TestOneDirectionTellsWhatTheOtherLacks(t *testing.T) {
	raw, sent := talk(t, 3, Mishaps{Split: 0.2})
	var out bytes.Buffer
	r, err := pcapgo.NewReader(bytes.NewReader(raw))
	if err != nil {
		t.Fatal(err)
	}
	w := pcapgo.NewWriterNanos(&out)
	if err := w.WriteFileHeader(65536, r.LinkType()); err != nil {
		t.Fatal(err)
	}
	for {
		b, ci, err := r.ReadPacketData()
		if err != nil {
			break
		}
		port := 14 + 20
		if b[12] == 0x86 {
			port = 14 + 40
		}
		if binary.BigEndian.Uint16(b[port:]) == 8583 {
			continue
		}
		if err := w.WritePacket(ci, b); err != nil {
			t.Fatal(err)
		}
	}
	events, tally, err := readBytes(t, out.Bytes())
	if err != nil {
		t.Fatal(err)
	}
	data, lost := map[wayOf]int{}, map[wayOf]int{}
	for _, ev := range events {
		data[wayOf{ev.Terminal, ev.Dir}] += len(ev.Data)
		lost[wayOf{ev.Terminal, ev.Dir}] += ev.Lost
	}
	conns := 0
	for way, want := range sent {
		if way.dir == ToHost {
			conns++
			if data[way] != len(want) || lost[way] != 0 {
				t.Errorf("%v: %d bytes and %d missing, of %d", way, data[way], lost[way], len(want))
			}
		} else if data[way] != 0 || lost[way] < len(want) || lost[way] > len(want)+1 { // an end is acknowledged like a byte
			t.Errorf("%v: %d bytes and %d missing, of %d", way, data[way], lost[way], len(want))
		}
	}
	if tally.OneWay != conns || !slices.ContainsFunc(tally.Notes(), func(s string) bool { return strings.Contains(s, "in one direction only") }) {
		t.Errorf("%d of %d connections have one direction: %q", tally.OneWay, conns, tally.Notes())
	}
}

// rewrap gives every packet of a capture another link layer.
func rewrap(t *testing.T, raw []byte, lt layers.LinkType, wrap func(ip []byte, six bool) []byte) []byte {
	t.Helper()
	r, err := pcapgo.NewReader(bytes.NewReader(raw))
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	w := pcapgo.NewWriterNanos(&out)
	if err := w.WriteFileHeader(65536, lt); err != nil {
		t.Fatal(err)
	}
	for {
		b, ci, err := r.ReadPacketData()
		if err != nil {
			return out.Bytes()
		}
		b = wrap(b[14:], b[12] == 0x86)
		ci.CaptureLength, ci.Length = len(b), len(b)
		if err := w.WritePacket(ci, b); err != nil {
			t.Fatal(err)
		}
	}
}

// inUDP puts what a tunnel carries into a datagram.
func inUDP(port uint16, b []byte) []byte {
	n := 28 + len(b)
	return slices.Concat([]byte{0x45, 0, byte(n >> 8), byte(n), 0, 0, 0, 0, 64, protoUDP, 0, 0, 192, 0, 2, 1, 192, 0, 2, 2},
		[]byte{0x30, 0x39, byte(port >> 8), byte(port), byte((n - 20) >> 8), byte(n - 20), 0, 0}, b)
}

func TestEveryLinkLayerGivesTheSame(t *testing.T) {
	raw, _ := talk(t, 1, Mishaps{Split: 0.1, Swapped: 0.02})
	want, _, err := readBytes(t, raw)
	if err != nil {
		t.Fatal(err)
	}
	ether := func(six bool) []byte {
		if six {
			return []byte{0x86, 0xDD}
		}
		return []byte{0x08, 0x00}
	}
	for name, x := range map[string]struct {
		lt   layers.LinkType
		wrap func(ip []byte, six bool) []byte
	}{
		"raw":     {layers.LinkTypeRaw, func(ip []byte, _ bool) []byte { return ip }},
		"raw BSD": {12, func(ip []byte, _ bool) []byte { return ip }},
		"null": {layers.LinkTypeNull, func(ip []byte, six bool) []byte {
			return append([]byte{map[bool]byte{true: 30, false: 2}[six], 0, 0, 0}, ip...)
		}},
		"loop": {layers.LinkTypeLoop, func(ip []byte, six bool) []byte {
			return append([]byte{0, 0, 0, map[bool]byte{true: 24, false: 2}[six]}, ip...)
		}},
		"VLAN": {layers.LinkTypeEthernet, func(ip []byte, six bool) []byte {
			return slices.Concat(make([]byte, 12), []byte{0x81, 0, 0, 7}, ether(six), ip)
		}},
		"QinQ": {layers.LinkTypeEthernet, func(ip []byte, six bool) []byte {
			return slices.Concat(make([]byte, 12), []byte{0x88, 0xA8, 0, 7, 0x81, 0, 0, 9}, ether(six), ip)
		}},
		"padded": {layers.LinkTypeEthernet, func(ip []byte, six bool) []byte {
			return slices.Concat(make([]byte, 12), ether(six), ip, make([]byte, 6))
		}},
		"cooked":   {layers.LinkTypeLinuxSLL, func(ip []byte, six bool) []byte { return slices.Concat(make([]byte, 14), ether(six), ip) }},
		"cooked 2": {layers.LinkTypeLinuxSLL2, func(ip []byte, six bool) []byte { return slices.Concat(ether(six), make([]byte, 18), ip) }},
		"PPP": {layers.LinkTypePPP, func(ip []byte, six bool) []byte {
			return append([]byte{0, map[bool]byte{true: 0x57, false: 0x21}[six]}, ip...)
		}},
		"PPPoE": {layers.LinkTypeEthernet, func(ip []byte, six bool) []byte {
			n := len(ip) + 2
			return slices.Concat(make([]byte, 12), []byte{0x88, 0x64, 0x11, 0, 0, 1, byte(n >> 8), byte(n), 0, map[bool]byte{true: 0x57, false: 0x21}[six]}, ip)
		}},
		"MPLS": {layers.LinkTypeEthernet, func(ip []byte, six bool) []byte {
			return slices.Concat(make([]byte, 12), []byte{0x88, 0x47, 0, 1, 1, 64}, ip)
		}},
		"GRE": {layers.LinkTypeRaw, func(ip []byte, six bool) []byte {
			n := 24 + len(ip)
			return slices.Concat([]byte{0x45, 0, byte(n >> 8), byte(n), 0, 0, 0, 0, 64, 47, 0, 0, 192, 0, 2, 1, 192, 0, 2, 2, 0, 0}, ether(six), ip)
		}},
		"VXLAN": {layers.LinkTypeRaw, func(ip []byte, six bool) []byte {
			return inUDP(4789, slices.Concat([]byte{8, 0, 0, 0, 0, 0, 1, 0}, make([]byte, 12), ether(six), ip))
		}},
		"Geneve": {layers.LinkTypeRaw, func(ip []byte, six bool) []byte {
			return inUDP(6081, slices.Concat([]byte{0, 0, 0x65, 0x58, 0, 0, 1, 0}, make([]byte, 12), ether(six), ip))
		}},
		"radio": {layers.LinkTypeIEEE80211Radio, func(ip []byte, six bool) []byte {
			return slices.Concat([]byte{0, 0, 8, 0, 0, 0, 0, 0}, []byte{0x08, 0x01}, make([]byte, 22), []byte{0xAA, 0xAA, 3, 0, 0, 0}, ether(six), ip)
		}},
	} {
		got, tally, err := readBytes(t, rewrap(t, raw, x.lt, x.wrap))
		if err != nil {
			t.Fatal(name, err)
		}
		if name == "radio" && tally.Segments == 0 {
			t.Log("gopacket does not read this radio header")
		}
		if len(got) != len(want) {
			t.Errorf("%s: %d events, want %d: %+v", name, len(got), len(want), *tally)
			continue
		}
		for i := range got {
			if got[i].Kind != want[i].Kind || !bytes.Equal(got[i].Data, want[i].Data) || !got[i].At.Equal(want[i].At) || got[i].Terminal != want[i].Terminal {
				t.Errorf("%s: event %d is %+v, want %+v", name, i, got[i], want[i])
				break
			}
		}
	}
}

func TestLineEventsOfSegments(t *testing.T) {
	data := func(seq uint32, s string) seg { return seg{seq: seq, data: s, ack: true} }
	for name, c := range map[string]struct {
		segs []seg
		want map[Kind]int
	}{
		"keep-alive":       {append(slices.Clone(shake), data(101, "hello"), seg{seq: 105, data: "x", ack: true}, seg{seq: 105, ack: true}), map[Kind]int{Opened: 1, Data: 1}},
		"sent again":       {append(slices.Clone(shake), data(101, "hello"), seg{wait: 300 * time.Millisecond, seq: 101, data: "hello", ack: true}), map[Kind]int{Opened: 1, Data: 1, Retransmitted: 1}},
		"overlap":          {append(slices.Clone(shake), data(101, "hello"), seg{wait: time.Second, seq: 104, data: "loworld", ack: true}), map[Kind]int{Opened: 1, Data: 2, Retransmitted: 1}},
		"window closed":    {append(slices.Clone(shake), data(101, "hello"), seg{fromHost: true, seq: 501, ack: true, shut: true}, seg{wait: 3 * time.Second, fromHost: true, seq: 501, ack: true}), map[Kind]int{Opened: 1, Data: 1, Stalled: 1}},
		"nobody there":     {append(slices.Clone(shake), data(101, "hello"), seg{wait: time.Second, seq: 101, data: "hello"}, seg{wait: time.Second, seq: 101, data: "hello"}, seg{wait: time.Second, seq: 101, data: "hello"}), map[Kind]int{Opened: 1, Data: 1, Retransmitted: 3, HalfOpen: 1}},
		"late after reset": {append(slices.Clone(shake), data(101, "hello"), seg{fromHost: true, seq: 501, rst: true}, data(106, "more"), seg{seq: 110, rst: true}), map[Kind]int{Opened: 1, Data: 1, Reset: 1}},
		"not believed":     {append(slices.Clone(shake), data(101, "hello"), seg{fromHost: true, seq: 501, rst: true}, seg{wait: 5 * time.Second, seq: 106, data: "more", ack: true}), map[Kind]int{Opened: 2, Data: 2, Reset: 1}},
		"FIN before data":  {append(slices.Clone(shake), seg{seq: 106, fin: true, ack: true}, data(101, "hello"), seg{fromHost: true, seq: 501, fin: true, ack: true}), map[Kind]int{Opened: 1, Data: 1, HalfClose: 2, Closed: 1}},
		"wraps":            {[]seg{{seq: 0xFFFFFFFC, syn: true}, {fromHost: true, seq: 500, syn: true, ack: true}, data(0xFFFFFFFD, "hello"), data(2, "world")}, map[Kind]int{Opened: 1, Data: 2}},
		"no answer":        {[]seg{{seq: 100, syn: true}, {wait: time.Second, seq: 100, syn: true}, {wait: 2 * time.Second, seq: 100, syn: true}}, map[Kind]int{Unreached: 1}},
		"begun anew":       {append(append(slices.Clone(shake), data(101, "hello")), []seg{{wait: time.Minute, seq: 900, syn: true}, {fromHost: true, seq: 700, syn: true, ack: true}, data(901, "again")}...), map[Kind]int{Opened: 2, Data: 2, Closed: 1}},
	} {
		events, err := readAll(t, capture(t, c.segs...))
		if err != nil {
			t.Fatal(name, err)
		}
		got := map[Kind]int{}
		for _, ev := range events {
			got[ev.Kind]++
		}
		if fmt.Sprint(got) != fmt.Sprint(c.want) {
			t.Errorf("%s gave %v, want %v: %+v", name, got, c.want, events)
		}
	}
}

func TestWhatCannotBeReadIsSaid(t *testing.T) {
	raw, _ := talk(t, 3, Mishaps{})
	for name, x := range map[string]struct {
		raw  []byte
		want string
	}{
		"link type": {rewrap(t, raw, 147, func(ip []byte, _ bool) []byte { return ip }), "link type 147"},
		"no TCP":    {rewrap(t, raw, layers.LinkTypeEthernet, func([]byte, bool) []byte { return make([]byte, 60) }), "holds TCP"},
		"cut off":   {rewrap(t, raw, layers.LinkTypeRaw, func(ip []byte, _ bool) []byte { return ip[:min(len(ip), 70)] }), "snap length"},
	} {
		_, tally, err := readBytes(t, x.raw)
		if notes := fmt.Sprint(tally.Notes()); err != nil || !bytes.Contains([]byte(notes), []byte(x.want)) {
			t.Errorf("%s: %v, %s", name, err, notes)
		}
	}
}

func TestCapturesOfEveryForm(t *testing.T) {
	raw, _ := talk(t, 4, Mishaps{})
	want, _, _ := readBytes(t, raw)
	// pcapng with interfaces of two link types, one of which counts in nanoseconds.
	var ng bytes.Buffer
	fine := pcapgo.NgInterface{Name: "a", LinkType: layers.LinkTypeEthernet, TimestampResolution: 9}
	w, err := pcapgo.NewNgWriterInterface(&ng, fine, pcapgo.DefaultNgWriterOptions)
	if err != nil {
		t.Fatal(err)
	}
	second, err := w.AddInterface(pcapgo.NgInterface{Name: "b", LinkType: layers.LinkTypeRaw, TimestampResolution: 6})
	if err != nil {
		t.Fatal(err)
	}
	r, _ := pcapgo.NewReader(bytes.NewReader(raw))
	for n := 0; ; n++ {
		b, ci, err := r.ReadPacketData()
		if err != nil {
			break
		}
		if ci.InterfaceIndex = 0; n%3 == 0 {
			b, ci.InterfaceIndex = b[14:], second
			ci.CaptureLength, ci.Length = len(b), len(b)
		}
		if err := w.WritePacket(ci, b); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Flush(); err != nil {
		t.Fatal(err)
	}
	big := bytes.Clone(raw) // as another processor writes it
	for at := 0; at < len(big); {
		swap := func(n int) {
			slices.Reverse(big[at : at+n])
			at += n
		}
		if at == 0 {
			for _, n := range []int{4, 2, 2, 4, 4, 4, 4} {
				swap(n)
			}
			continue
		}
		n := int(big[at+8]) | int(big[at+9])<<8
		for range 4 {
			swap(4)
		}
		at += n
	}
	later, _ := talk(t, 5, Mishaps{})
	after, _, _ := readBytes(t, later)
	if got, _, err := readBytes(t, slices.Concat(raw, later)); err != nil || len(got) != len(want)+len(after) {
		t.Errorf("two captures behind each other: %v, %d events of %d and %d", err, len(got), len(want), len(after))
	}
	for name, other := range map[string][]byte{"pcapng": ng.Bytes(), "big-endian": big} {
		got, tally, err := readBytes(t, other)
		if err != nil || len(got) != len(want) {
			t.Errorf("%s: %v, %d events of %d: %+v", name, err, len(got), len(want), *tally)
			continue
		}
		for i := range got {
			if got[i].Kind != want[i].Kind || !got[i].At.Equal(want[i].At) || !bytes.Equal(got[i].Data, want[i].Data) {
				t.Errorf("%s: event %d is %+v, want %+v", name, i, got[i], want[i])
				break
			}
		}
	}
}

func TestMemoryIsBoundedByHoles(t *testing.T) {
	var out bytes.Buffer
	f := NewForge(&out, 1, Mishaps{})
	at := time.Date(2026, 5, 4, 12, 0, 0, 0, time.UTC)
	c := f.Connect(at, netip.MustParseAddrPort("10.0.0.1:40000"), netip.MustParseAddrPort("10.0.0.2:8583"))
	c.seq[ToHost] += 10 // a hole that nothing fills, and megabytes behind it within the patience
	for range 4000 {
		at = at.Add(100 * time.Microsecond)
		c.Send(at, ToHost, make([]byte, 1000))
	}
	if err := f.End(); err != nil {
		t.Fatal(err)
	}
	var tally Tally
	p := newParser(&tally)
	bytesSeen, most := 0, 0
	a := newAssembler(&tally, nil, func(Event) {}, func(_ Event, b []byte) { bytesSeen += len(b) })
	r, _ := pcapgo.NewReader(&out)
	for {
		b, ci, err := r.ReadPacketData()
		if err != nil {
			break
		}
		if p.packet(layers.LinkTypeEthernet, b, instant(ci.Timestamp.UnixNano())) {
			a.segment(&p.segment)
		}
		most = max(most, a.held)
	}
	a.close(0)
	if most > heldPerHalf || bytesSeen != 4000*1000 || tally.Lost != 10 || tally.Gaps != 1 || a.held != 0 {
		t.Errorf("at most %d held, %d bytes seen, %+v, %d held at the end", most, bytesSeen, tally, a.held)
	}
}

func FuzzPacket(f *testing.F) {
	raw, _ := talk(f, 1, Mishaps{})
	for at := 24; at < 20000; {
		n := int(raw[at+8]) | int(raw[at+9])<<8
		f.Add(uint16(1), raw[at+16:at+16+n])
		f.Add(uint16(101), raw[at+30:at+16+n])
		at += 16 + n
	}
	f.Fuzz(func(t *testing.T, lt uint16, b []byte) {
		var tally Tally
		p := newParser(&tally)
		a := newAssembler(&tally, nil, func(Event) {}, func(Event, []byte) {})
		for i := range 3 {
			if p.packet(layers.LinkType(lt), b, instant(i)) {
				a.segment(&p.segment)
				p.seq += 5
				a.segment(&p.segment)
				p.seq -= 7
				a.segment(&p.segment)
			}
		}
		a.close(0)
	})
}

func TestSamplesAreRead(t *testing.T) {
	for _, name := range []string{"cup-mix.pcap", "ascii-mix.pcap"} {
		path := filepath.Join("..", "..", "shared", "samples", name)
		if _, err := os.Stat(path); err != nil {
			t.Skip("the samples are not beside the checkout")
		}
		events, err := readAll(t, path)
		kinds := map[Kind]int{}
		for _, ev := range events {
			kinds[ev.Kind]++
		}
		if err != nil || kinds[Opened] != 50 || kinds[Closed] != 50 || kinds[Gap]+kinds[Reset]+kinds[Retransmitted]+kinds[Unreached] > 0 {
			t.Errorf("%s: %v, %v", name, err, kinds)
		}
	}
}
