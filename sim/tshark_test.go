package sim

import (
	"bytes"
	"fmt"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"tillscope/link"
)

// Wireshark's ISO 8583 dissector, the only other reader of live lines, reads the store's ASCII traffic without a complaint
// and with the same values. Three things in its table are wrong (field 53 has 8 digits there, 86 to 89 have 15, binary
// chip data must be text): the store does not need them.
func TestWiresharkReadsTheASCIILine(t *testing.T) {
	program, err := exec.LookPath("tshark")
	if err != nil {
		t.Skip("tshark is not installed")
	}
	file := filepath.Join(t.TempDir(), "store.pcap")
	var shop string
	if f, err := os.Create(filepath.Join(t.TempDir(), "shop.yaml")); err == nil { // every kind of transaction, and reversals
		shop = f.Name()
		fmt.Fprint(f, "id: x\ntitle: {en: X}\ndialect: iso87-ascii\nmix: {sale: 4, void: 1, refund: 1, preauth: 1, completion: 1, balance: 1, offline: 1, tip: 1, adjust: 1}\nfaults: [{kind: line.reset, share: 0.1}]\n")
		f.Close()
	}
	p := play(t, Options{Scenario: shop, Seed: 2, Unpaced: true}, func(p *played) bool {
		return len(p.messages) > 600 && has(5, "0400", 39, "98")(p) && has(3, "0510", 39, "00")(p)
	})
	var pcap bytes.Buffer
	forge := link.NewForge(&pcap, 1, link.Mishaps{})
	conns := map[uint64]*link.ForgedConn{}
	var want []string
	for _, ev := range p.events {
		if ev.Kind != link.Data {
			continue
		}
		if conns[ev.Conn] == nil {
			from := netip.AddrPortFrom(netip.AddrFrom4([4]byte{10, 0, byte(ev.Conn >> 8), byte(ev.Conn)}), uint16(20000+ev.Conn%20000))
			conns[ev.Conn] = forge.Connect(ev.At, from, netip.MustParseAddrPort("10.9.9.9:8583"))
		}
		conns[ev.Conn].Send(ev.At, ev.Dir, ev.Data)
	}
	for _, m := range p.messages {
		want = append(want, strings.Join([]string{m.mti, m.f[2], m.f[4], m.f[11], m.f[37], m.f[39], m.f[41], m.f[60], m.f[66]}, "|"))
	}
	if err := forge.End(); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, pcap.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	tshark := func(args ...string) []string {
		t.Helper()
		args = append([]string{"-n", "-r", file, "-d", "tcp.port==8583,iso8583", "-o", "iso8583.len_endian:bigendian"}, args...)
		var said bytes.Buffer
		cmd := exec.Command(program, args...)
		cmd.Stderr = &said
		out, err := cmd.Output()
		if err != nil {
			t.Fatalf("%v: %s", err, said.String())
		}
		return strings.Fields(string(out))
	}
	if bad := tshark("-Y", "iso8583.MALFORMED || _ws.malformed", "-T", "fields", "-e", "frame.number"); len(bad) > 0 {
		t.Errorf("%d messages are malformed to tshark, the first in frame %s", len(bad), bad[0])
	}
	args := []string{"-Y", "iso8583", "-T", "fields", "-E", "separator=|", "-E", "occurrence=a"}
	for _, f := range []string{"mti", "bit2", "bit4", "bit11", "bit37", "bit39", "bit41", "bit60", "bit66"} {
		args = append(args, "-e", "iso8583."+f)
	}
	got := tshark(args...)
	if len(got) != len(want) {
		t.Fatalf("tshark found %d messages of %d", len(got), len(want))
	}
	seen := map[string]int{} // times in the capture are those of the events, but answers and requests may cross
	for _, g := range got {
		seen[g]++
	}
	for _, w := range want {
		if seen[w]--; seen[w] < 0 {
			t.Fatalf("tshark has no %s", w)
		}
	}
}
