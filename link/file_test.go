package link

import (
	"bytes"
	"compress/gzip"
	"context"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/gopacket/gopacket"
	"github.com/gopacket/gopacket/layers"
	"github.com/gopacket/gopacket/pcapgo"
)

// seg is one segment of a capture that a test makes.
type seg struct {
	fromHost      bool
	seq           uint32
	data          string
	syn, ack, rst bool
	fin, shut     bool          // shut is a window of 0
	wait          time.Duration // before it
}

func capture(t *testing.T, segs ...seg) string {
	t.Helper()
	var out bytes.Buffer
	w := pcapgo.NewWriter(&out)
	if err := w.WriteFileHeader(65536, layers.LinkTypeEthernet); err != nil {
		t.Fatal(err)
	}
	at := time.Date(2026, 5, 4, 12, 0, 0, 0, time.UTC)
	for _, s := range segs {
		src, dst, sp, dp := net.IP{10, 0, 0, 1}, net.IP{10, 0, 0, 2}, layers.TCPPort(40000), layers.TCPPort(8583)
		if s.fromHost {
			src, dst, sp, dp = dst, src, dp, sp
		}
		ip := &layers.IPv4{Version: 4, TTL: 64, Protocol: layers.IPProtocolTCP, SrcIP: src, DstIP: dst}
		tcp := &layers.TCP{SrcPort: sp, DstPort: dp, Seq: s.seq, SYN: s.syn, ACK: s.ack, RST: s.rst, FIN: s.fin, Window: 1000}
		if s.shut {
			tcp.Window = 0
		}
		_ = tcp.SetNetworkLayerForChecksum(ip)
		buf := gopacket.NewSerializeBuffer()
		if err := gopacket.SerializeLayers(buf, gopacket.SerializeOptions{FixLengths: true, ComputeChecksums: true},
			&layers.Ethernet{SrcMAC: make([]byte, 6), DstMAC: make([]byte, 6), EthernetType: layers.EthernetTypeIPv4}, ip, tcp, gopacket.Payload(s.data)); err != nil {
			t.Fatal(err)
		}
		at = at.Add(10*time.Millisecond + s.wait)
		if err := w.WritePacket(gopacket.CaptureInfo{Timestamp: at, CaptureLength: len(buf.Bytes()), Length: len(buf.Bytes())}, buf.Bytes()); err != nil {
			t.Fatal(err)
		}
	}
	name := filepath.Join(t.TempDir(), "made.pcap")
	if err := os.WriteFile(name, out.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	return name
}

func TestPortUsedAgainAfterAReset(t *testing.T) {
	one := []seg{{seq: 100, syn: true}, {fromHost: true, seq: 500, syn: true, ack: true}, {seq: 101, ack: true, data: "hello"}, {fromHost: true, seq: 501, rst: true}}
	events, err := readAll(t, capture(t, append(append(append([]seg{}, one...), one...), one...)...))
	if err != nil {
		t.Fatal(err)
	}
	kinds, conns := map[Kind]int{}, map[uint64]bool{}
	for _, ev := range events {
		kinds[ev.Kind]++
		conns[ev.Conn] = true
		if ev.Terminal != "10.0.0.1:40000" || ev.Host != "10.0.0.2:8583" {
			t.Errorf("the ends are %s and %s", ev.Terminal, ev.Host)
		}
	}
	if kinds[Opened] != 3 || kinds[Data] != 3 || kinds[Reset] != 3 || len(conns) != 3 {
		t.Errorf("three connections gave %v over %d", kinds, len(conns))
	}
}

func TestGzippedCapture(t *testing.T) {
	name := capture(t, seg{seq: 100, syn: true}, seg{fromHost: true, seq: 500, syn: true, ack: true}, seg{seq: 101, ack: true, data: "hello"})
	b, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	var packed bytes.Buffer
	z := gzip.NewWriter(&packed)
	if _, err := z.Write(b); err != nil {
		t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(name, packed.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	events, err := readAll(t, name)
	if err != nil || len(events) != 2 || string(events[1].Data) != "hello" {
		t.Errorf("%+v, %v", events, err)
	}
	if err := os.WriteFile(name, packed.Bytes()[:packed.Len()/2], 0o600); err != nil {
		t.Fatal(err)
	}
	if f, err := OpenFile(name, nil); err == nil {
		if err = f.Run(context.Background(), func(Event) {}); err == nil {
			t.Error("half a file is read without a word")
		}
	}
}

func readAll(t *testing.T, name string) ([]Event, error) {
	t.Helper()
	f, err := OpenFile(name, nil)
	if err != nil {
		t.Fatal(err)
	}
	var evs []Event
	err = f.Run(context.Background(), func(ev Event) { evs = append(evs, kept(ev)) })
	return evs, err
}

var shake = []seg{{seq: 100, syn: true}, {fromHost: true, seq: 500, syn: true, ack: true}, {seq: 101, ack: true}}

func TestSegmentsAreOrderedAndDoublesDropped(t *testing.T) {
	evs, err := readAll(t, capture(t, append(shake, seg{seq: 106, data: "world", ack: true}, seg{seq: 101, data: "hello", ack: true}, seg{seq: 101, data: "hello", ack: true},
		seg{fromHost: true, seq: 501, data: "back", ack: true}, seg{seq: 111, fin: true, ack: true}, seg{fromHost: true, seq: 505, fin: true, ack: true})...))
	if err != nil {
		t.Fatal(err)
	}
	if got := string(gather(evs, ToHost)); got != "helloworld" {
		t.Errorf("to the host: %q", got)
	}
	if got := string(gather(evs, ToTerminal)); got != "back" {
		t.Errorf("to the terminal: %q", got)
	}
	if evs[0].Kind != Opened || evs[0].Took != 10*time.Millisecond || evs[len(evs)-1].Kind != Closed || count(evs, HalfClose, ToHost) != 1 {
		t.Errorf("events %+v", evs)
	}
}

func TestALostSegmentIsAGap(t *testing.T) {
	evs, _ := readAll(t, capture(t, append(shake, seg{seq: 101, data: "hello", ack: true}, seg{seq: 116, data: "again", ack: true})...))
	if got := string(gather(evs, ToHost)); got != "helloagain" || count(evs, Gap, ToHost) != 1 {
		t.Fatalf("%q, events %+v", got, evs)
	}
	for _, ev := range evs {
		if ev.Kind == Gap && ev.Lost != 10 {
			t.Errorf("%d bytes lost, want 10", ev.Lost)
		}
	}
}

func TestJoinedInTheMiddleTheLowerPortIsTheHost(t *testing.T) {
	evs, _ := readAll(t, capture(t, seg{fromHost: true, seq: 501, data: "answer", ack: true}, seg{seq: 101, data: "next", ack: true}))
	if string(gather(evs, ToTerminal)) != "answer" || string(gather(evs, ToHost)) != "next" || !strings.HasSuffix(evs[0].Host, ":8583") {
		t.Errorf("events %+v", evs)
	}
}

func TestOutcomesOfAConnect(t *testing.T) {
	evs, _ := readAll(t, capture(t, seg{seq: 100, syn: true}, seg{fromHost: true, seq: 0, rst: true, ack: true}))
	if count(evs, Refused, ToTerminal) != 1 {
		t.Errorf("refused: %+v", evs)
	}
	evs, _ = readAll(t, capture(t, seg{seq: 100, syn: true}, seg{seq: 100, syn: true}))
	if count(evs, Unreached, ToHost) != 1 {
		t.Errorf("unanswered: %+v", evs)
	}
	evs, _ = readAll(t, capture(t, append(shake, seg{seq: 101, data: "x", ack: true}, seg{fromHost: true, seq: 501, rst: true})...))
	if count(evs, Reset, ToTerminal) != 1 {
		t.Errorf("reset: %+v", evs)
	}
}

func TestABrokenOffCaptureKeepsWhatWasRead(t *testing.T) {
	name := capture(t, append(shake, seg{seq: 101, data: "hello", ack: true}, seg{seq: 106, data: "world", ack: true})...)
	b, _ := os.ReadFile(name)
	if err := os.WriteFile(name, b[:len(b)-7], 0o600); err != nil {
		t.Fatal(err)
	}
	evs, err := readAll(t, name)
	if err == nil || !strings.Contains(err.Error(), "packet 5") || string(gather(evs, ToHost)) != "hello" {
		t.Errorf("%v, %q", err, gather(evs, ToHost))
	}
}

func TestWhatIsNoCaptureIsRefused(t *testing.T) {
	name := filepath.Join(t.TempDir(), "note.txt")
	if err := os.WriteFile(name, []byte("hello, this is text"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := OpenFile(name, nil); err == nil || !strings.Contains(err.Error(), "pcap") {
		t.Error(err)
	}
	for _, f := range otherForms {
		if err := os.WriteFile(name, []byte(f.begins+"and more"), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := OpenFile(name, nil); err == nil || !strings.Contains(err.Error(), f.what) || strings.Contains(err.Error(), "%!") {
			t.Error(err)
		}
	}
}
