package link

import (
	"bufio"
	"bytes"
	"context"
	"io"
	"math/rand/v2"
	"net/netip"
	"testing"
	"time"
)

// forgedCapture is a capture of random bytes in segments as terminals send them.
func forgedCapture(tb testing.TB, exchanges, conns int, m Mishaps) []byte {
	tb.Helper()
	var out bytes.Buffer
	f := NewForge(&out, 1, m)
	rng := rand.New(rand.NewPCG(1, 2))
	at := time.Date(2026, 5, 4, 12, 0, 0, 0, time.UTC)
	var all []*ForgedConn
	for i := range conns {
		all = append(all, f.Connect(at, netip.AddrPortFrom(netip.AddrFrom4([4]byte{10, 0, 0, byte(i)}), 40000), netip.MustParseAddrPort("198.51.100.10:8583")))
	}
	for i := range exchanges {
		at = at.Add(time.Millisecond)
		if err := f.Until(at); err != nil {
			tb.Fatal(err)
		}
		b := make([]byte, 150+rng.IntN(150))
		for i := range b {
			b[i] = byte(rng.Uint32())
		}
		c := all[i%conns]
		c.Send(c.Send(at, ToHost, b).Add(time.Millisecond), ToTerminal, b)
	}
	for _, c := range all {
		c.Close(at.Add(time.Second))
	}
	if err := f.End(); err != nil {
		tb.Fatal(err)
	}
	return out.Bytes()
}

// BenchmarkRead is a capture from its bytes to its events: packets, reassembly, hand-over to another goroutine.
func BenchmarkRead(b *testing.B) {
	raw := forgedCapture(b, 50000, 50, Mishaps{Split: 0.04})
	b.SetBytes(int64(len(raw)))
	b.ReportAllocs()
	events := 0
	for b.Loop() {
		f := &File{name: "made", from: io.NopCloser(bytes.NewReader(raw))}
		f.in = bufio.NewReader(f.from)
		if err := f.Run(context.Background(), func(Event) { events++ }); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(events)/b.Elapsed().Seconds(), "events/s")
}
