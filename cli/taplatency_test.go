package cli

import (
	"bufio"
	"net"
	"os"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// saidBy starts a command that ends with its standard input, and gives the first line that it writes.
func saidBy(b *testing.B, c *exec.Cmd) string {
	b.Helper()
	in, err := c.StdinPipe()
	if err != nil {
		b.Fatal(err)
	}
	out, err := c.StdoutPipe()
	if err != nil {
		b.Fatal(err)
	}
	if err := c.Start(); err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { in.Close(); _ = c.Wait() })
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		b.Fatal(err)
	}
	return strings.TrimSpace(line)
}

// BenchmarkTapLatency sends each message once past the tap and once through it, so that both meet the same machine. As in
// life, terminals, tap and bank are processes of their own, and the tap does all that it does for a report. The figures are
// of whole round trips in microseconds: past the tap, through it, and what the tap adds.
func BenchmarkTapLatency(b *testing.B) {
	host := saidBy(b, exec.Command("bank"))
	listen := freeAddress(b)
	tap := exec.Command("tillscope", "tap", listen, host, "--report", "json", "--out", os.DevNull, "--force")
	if err := tap.Start(); err != nil {
		b.Fatal(err)
	}
	defer func() { _ = tap.Process.Kill(); _ = tap.Wait() }()
	dialUntil(b, listen).Close()
	const workers = 4
	var direct, through [workers][]time.Duration
	var next atomic.Int64
	var all sync.WaitGroup
	for w := range workers {
		k := newTalk(w)
		conns := [2]net.Conn{dialUntil(b, host), dialUntil(b, listen)}
		all.Go(func() {
			defer conns[0].Close()
			defer conns[1].Close()
			out, want, got := make([]byte, 0, 512), make([]byte, 0, 512), make([]byte, 512)
			for n := 0; next.Add(1) <= int64(b.N); n++ {
				for i, c := range conns {
					begun := time.Now()
					if _, err := c.Write(k.message(out, false, n)); err != nil {
						b.Error(err)
						return
					}
					if err := k.expect(c, want, got, true, n); err != nil {
						b.Error(err)
						return
					}
					took := time.Since(begun)
					if i == 0 {
						direct[w] = append(direct[w], took)
					} else {
						through[w] = append(through[w], took)
					}
				}
			}
		})
	}
	all.Wait()
	at := func(of [workers][]time.Duration, share int) float64 {
		all := slices.Concat(of[:]...)
		slices.Sort(all)
		return float64(all[(len(all)-1)*share/1000].Nanoseconds()) / 1000
	}
	for _, p := range []struct {
		name  string
		share int
	}{{"p50", 500}, {"p99", 990}} {
		past, thru := at(direct, p.share), at(through, p.share)
		b.ReportMetric(past, p.name+"-direct-µs")
		b.ReportMetric(thru, p.name+"-tap-µs")
		b.ReportMetric(thru-past, p.name+"-added-µs")
	}
	b.ReportMetric(0, "ns/op")
}
