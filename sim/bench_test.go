package sim

import (
	"context"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"runtime/metrics"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"tillscope/link"
)

// shop writes a scenario for a benchmark and answers its name.
func shop(b *testing.B, text string) string {
	b.Helper()
	name := filepath.Join(b.TempDir(), "shop.yaml")
	if err := os.WriteFile(name, []byte("id: bench\ntitle: {en: Bench}\n"+text), 0o600); err != nil {
		b.Fatal(err)
	}
	return name
}

// usage is the least that a store holds within two seconds, once the garbage is gone: what is under way comes and goes.
func usage() (goroutines int, heap float64) {
	for i := range 10 {
		time.Sleep(200 * time.Millisecond)
		runtime.GC()
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		n, h := runtime.NumGoroutine(), float64(m.HeapAlloc)/(1<<20)
		if i == 0 || n < goroutines {
			goroutines = n
		}
		if i == 0 || h < heap {
			heap = h
		}
	}
	return goroutines, heap
}

// cpu is how many seconds of the processors this process took so far: other programs do not count in it. It is the runtime's
// own estimate, brought up to date by collecting garbage.
func cpu() float64 {
	runtime.GC()
	s := []metrics.Sample{{Name: "/cpu/classes/total:cpu-seconds"}, {Name: "/cpu/classes/idle:cpu-seconds"}}
	metrics.Read(s)
	return s[0].Value.Float64() - s[1].Value.Float64()
}

// BenchmarkThousandTerminals runs 1,000 terminals at a transaction a second each, seen through a tap, over standing
// connections and over one connection each, for a minute after a
// warm-up of thirty transactions each, and fails when goroutines or memory grow in that minute. Run it with -benchtime 1x.
func BenchmarkThousandTerminals(b *testing.B) {
	b.Run("standing", func(b *testing.B) { thousand(b, "standing: true") })
	b.Run("each", func(b *testing.B) { thousand(b, "standing: false") })
}

func thousand(b *testing.B, pace string) {
	s, err := New(Options{Scenario: shop(b, "pace: {every: 1s, wait: 20s, batch: 8, "+pace+"}\nmix: {sale: 1}"), Seed: 1, Terminals: 1000})
	if err != nil {
		b.Fatal(err)
	}
	ctx, cancel := context.WithCancel(b.Context())
	var running sync.WaitGroup
	var answers, resets atomic.Int64
	running.Go(func() {
		if err := s.Run(ctx, func(ev link.Event) {
			if ev.Kind == link.Data && ev.Dir == link.ToTerminal && len(ev.Data) > 15 && ev.Data[13] == 2 && ev.Data[14] == 0x10 {
				answers.Add(1)
			} else if ev.Kind == link.Reset {
				resets.Add(1)
			}
		}); err != nil {
			b.Error(err)
		}
	})
	for answers.Load() < 30*1000 { // by then each has settled several batches, and what is kept of them is full
		time.Sleep(100 * time.Millisecond)
	}
	early, heap := usage()
	before, busy := answers.Load(), cpu()
	time.Sleep(time.Minute)
	took, used := answers.Load()-before, cpu()-busy
	late, grown := usage()
	cancel()
	running.Wait()
	b.ReportMetric(float64(took)/60, "tx/s")
	b.ReportMetric(used/60, "cpus")
	b.ReportMetric(float64(early), "goroutines-before")
	b.ReportMetric(float64(late), "goroutines-after")
	b.ReportMetric(heap, "MiB-before")
	b.ReportMetric(grown, "MiB-after")
	b.ReportMetric(float64(resets.Load()), "resets")
	if late > early+200 || grown > heap*1.15+4 {
		b.Errorf("it grew from %d goroutines and %.1f MiB to %d and %.1f", early, heap, late, grown)
	}
}

// BenchmarkUnpaced measures how long 100,000 transactions take when nobody waits, over standing connections and over one
// connection each. Run it with -benchtime 1x.
func BenchmarkUnpaced(b *testing.B) {
	transactions := int64(100_000)
	for name, text := range map[string]string{"standing": "pace: {standing: true, batch: 50}", "each": "pace: {batch: 50}"} {
		b.Run(name, func(b *testing.B) {
			s, err := New(Options{Scenario: shop(b, text+"\nmix: {sale: 1}"), Seed: 1, Terminals: 16, Unpaced: true})
			if err != nil {
				b.Fatal(err)
			}
			for b.Loop() {
				began, busy := time.Now(), cpu()
				l, err := net.Listen("tcp", "127.0.0.1:0")
				if err != nil {
					b.Fatal(err)
				}
				ctx, cancel := context.WithCancel(b.Context())
				h, terminals, err := s.build(func(i int) dialer { return newDetours(ctx, 1, nil).dialer(l.Addr().String(), loopback(i)) })
				if err != nil {
					b.Fatal(err)
				}
				var running sync.WaitGroup
				running.Go(func() { h.serve(ctx, newGate(l)) })
				running.Go(func() { s.sell(ctx, terminals) })
				for h.answered.Load() < transactions {
					time.Sleep(5 * time.Millisecond)
				}
				took := time.Since(began)
				cancel()
				running.Wait()
				b.ReportMetric(float64(transactions)/took.Seconds(), "tx/s")
				b.ReportMetric((cpu()-busy)*1e6/float64(transactions), "cpu-µs/tx")
			}
		})
	}
}
