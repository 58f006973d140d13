package cli

import (
	"bytes"
	"context"
	"encoding/binary"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"

	"tillscope/diagnostics"
	"tillscope/link"
	"tillscope/sim"
)

// packets are those of a pcap file, with their headers, and the head of the file.
func packets(raw []byte) (head []byte, all [][]byte) {
	for at := 24; at < len(raw); {
		n := 16 + int(binary.LittleEndian.Uint32(raw[at+8:]))
		all = append(all, raw[at:at+n])
		at += n
	}
	return raw[:24], all
}

// cut is a packet of which a capture keeps n bytes.
func cut(p []byte, n int) []byte {
	if len(p)-16 <= n {
		return p
	}
	p = bytes.Clone(p[:16+n])
	binary.LittleEndian.PutUint32(p[8:], uint32(n))
	return p
}

// judged is what a capture accuses of, and what there is to say of the capture.
func judged(t *testing.T, head []byte, all [][]byte) (causes map[string]bool, sn *diagnostics.Snapshot) {
	t.Helper()
	name := filepath.Join(t.TempDir(), "made.pcap")
	if err := os.WriteFile(name, append(bytes.Clone(head), bytes.Join(all, nil)...), 0o600); err != nil {
		t.Fatal(err)
	}
	file, err := link.OpenFile(name, nil)
	if err != nil {
		t.Fatal(err)
	}
	s, err := diagnostics.NewSession(diagnostics.Options{})
	if err != nil {
		t.Fatal(err)
	}
	s.End(file.Run(context.Background(), s.Handle))
	sn = s.Snapshot()
	causes = map[string]bool{}
	for _, c := range sn.Causes {
		causes[c.ID] = true
	}
	return causes, sn
}

// TestWhatACaptureLacksAccusesNobody takes packets out of the capture of a healthy store, as a switch does that mirrors more than its
// port can carry, one of two directions, and the ends of packets: what is missing was on the line.
func TestWhatACaptureLacksAccusesNobody(t *testing.T) {
	for _, dialect := range []string{"cup", "iso87-ascii"} {
		var made bytes.Buffer
		if err := (sim.Traffic{Dialect: dialect, Messages: 6000, Connections: 30, Rate: 700, Seed: 11, Mishaps: link.Mishaps{Split: 0.2}}).Write(&made); err != nil {
			t.Fatal(err)
		}
		head, all := packets(made.Bytes())
		whole, healthy := judged(t, head, all)
		oneOf := func(n int) func([]byte) []byte {
			r := rand.New(rand.NewPCG(1, uint64(n)))
			return func(p []byte) []byte {
				if r.IntN(n) == 0 {
					return nil
				}
				return p
			}
		}
		from := func(terminal bool) func([]byte) []byte {
			return func(p []byte) []byte {
				if terminal != (p[16+26] == 10) { // 10.x.x.x
					return nil
				}
				return p
			}
		}
		burst := 0
		for name, keep := range map[string]func([]byte) []byte{
			"one packet of a hundred": oneOf(100), "one packet of twenty": oneOf(20), "one packet of five": oneOf(5),
			"what hosts send": from(true), "what terminals send": from(false),
			"what is behind 128 bytes": func(p []byte) []byte { return cut(p, 128) }, "what is behind 160 bytes": func(p []byte) []byte { return cut(p, 160) },
			"twenty in a row, again and again": func(p []byte) []byte {
				if burst--; burst < -200 {
					burst = 20
				}
				if burst >= 0 {
					return nil
				}
				return p
			},
		} {
			var kept [][]byte
			for _, p := range all {
				if p = keep(p); len(p) > 0 {
					kept = append(kept, p)
				}
			}
			causes, sn := judged(t, head, kept)
			for id := range causes {
				if !whole[id] {
					t.Errorf("%s without %s: %s", dialect, name, id)
				}
			}
			if understood, all := sn.Totals.Messages-sn.Totals.Undecoded, healthy.Totals.Messages; understood < all/3 {
				t.Errorf("%s without %s: %d messages are understood, of %d", dialect, name, understood, all)
			}
			if sn.Stages[2].State == diagnostics.Fail {
				t.Errorf("%s without %s: nothing was carried", dialect, name)
			}
			for i, b := range sn.Branches {
				if b.Status == diagnostics.Fail && healthy.Branches[i].Status != diagnostics.Fail {
					t.Errorf("%s without %s: %s: %s", dialect, name, b.ID, b.Because)
				}
			}
		}
	}
}
