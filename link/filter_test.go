package link

import (
	"bytes"
	"net/netip"
	"testing"
	"time"

	"github.com/gopacket/gopacket/pcapgo"
	"golang.org/x/net/bpf"
)

// framesBetween are all packets of a short connection.
func framesBetween(t *testing.T, terminal, host string) [][]byte {
	t.Helper()
	var out bytes.Buffer
	f := NewForge(&out, 1, Mishaps{})
	at := time.Date(2026, 5, 4, 12, 0, 0, 0, time.UTC)
	c := f.Connect(at, netip.MustParseAddrPort(terminal), netip.MustParseAddrPort(host))
	c.Send(c.Send(at.Add(time.Millisecond), ToHost, []byte("request")), ToTerminal, []byte("answer"))
	c.Close(at.Add(time.Second))
	if err := f.End(); err != nil {
		t.Fatal(err)
	}
	r, err := pcapgo.NewReader(&out)
	if err != nil {
		t.Fatal(err)
	}
	var frames [][]byte
	for {
		b, _, err := r.ReadPacketData()
		if err != nil {
			return frames
		}
		frames = append(frames, b)
	}
}

func tagged(b []byte, tags ...uint16) []byte {
	for _, tag := range tags {
		b = append(append(append([]byte{}, b[:12]...), byte(tag>>8), byte(tag), 0, 5), b[12:]...)
	}
	return b
}

func TestFilterTakesThePortsBothWays(t *testing.T) {
	run := func(ethernet bool, ports ...uint16) *bpf.VM {
		raw, err := filter(ports, ethernet, false)
		if err != nil {
			t.Fatal(err)
		}
		program, ok := bpf.Disassemble(raw)
		if !ok {
			t.Fatal("the program cannot be read back")
		}
		vm, err := bpf.NewVM(program)
		if err != nil {
			t.Fatal(err)
		}
		return vm
	}
	passes := func(vm *bpf.VM, b []byte) bool {
		n, err := vm.Run(b)
		return err == nil && n > 0
	}
	both := run(true, 8583, 9000)
	all := run(true)
	bare := run(false, 8583)
	for _, ends := range [][3]string{{"10.0.0.1:40000", "10.0.0.2:8583", "yes"}, {"10.0.0.1:40000", "10.0.0.2:9000", "yes"}, {"10.0.0.1:8583", "10.0.0.2:443", "yes"},
		{"10.0.0.1:40000", "10.0.0.2:443", ""}, {"[2001:db8::1]:40000", "[2001:db8::2]:8583", "yes"}, {"[2001:db8::1]:40000", "[2001:db8::2]:443", ""}} {
		for i, b := range framesBetween(t, ends[0], ends[1]) {
			want := ends[2] != ""
			for name, frame := range map[string][]byte{"plain": b, "tagged": tagged(b, 0x8100), "twice": tagged(b, 0x8100, 0x88A8)} {
				if got := passes(both, frame); got != want {
					t.Errorf("packet %d of %v, %s: taken %v", i, ends, name, got)
				}
				if !passes(all, frame) {
					t.Errorf("packet %d of %v, %s: refused without ports", i, ends, name)
				}
			}
			if got := passes(bare, b[14:]); got != (want && ends[1] != "10.0.0.2:9000") {
				t.Errorf("packet %d of %v without Ethernet: taken %v", i, ends, got)
			}
		}
	}
	b := framesBetween(t, "10.0.0.1:40000", "10.0.0.2:443")[3]
	other := bytes.Clone(b)
	other[14+9] = protoUDP
	arp := bytes.Clone(b)
	arp[12], arp[13] = 8, 6
	fragment := bytes.Clone(b)
	fragment[14+7] = 10
	icmp := bytes.Clone(b)
	icmp[14+9] = protoICMP
	if passes(all, other) || passes(all, arp) || passes(both, b[:15]) || !passes(both, fragment) || !passes(both, icmp) {
		t.Error("other protocols, fragments or ICMP are taken wrongly")
	}
	if _, err := filter(make([]uint16, maxPorts+1), true, true); err == nil {
		t.Error("too many ports are taken")
	}
	if _, err := filter(make([]uint16, maxPorts), true, true); err != nil {
		t.Error(err)
	}
}
