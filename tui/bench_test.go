package tui

import (
	"context"
	"encoding/binary"
	"fmt"
	"io"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	tea "charm.land/bubbletea/v2"
	"github.com/charmbracelet/colorprofile"

	"tillscope/assets"
	"tillscope/diagnostics"
	"tillscope/link"
)

// The benchmarks run the whole program against a terminal that counts. Each takes some seconds of real time, whatever b.N
// is: run them with -benchtime 1x.

// sink is a terminal that counts what it is sent, and can hold its writer up.
type sink struct {
	mu     sync.Mutex
	n      int
	writes []time.Time
	hold   chan struct{}
}

func (s *sink) Write(p []byte) (int, error) {
	s.mu.Lock()
	hold := s.hold
	s.mu.Unlock()
	if hold != nil {
		<-hold
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.n += len(p)
	s.writes = append(s.writes, time.Now())
	return len(p), nil
}

func (s *sink) bytes() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.n
}

// since is when something was first written after a moment, zero when nothing was yet.
func (s *sink) since(t time.Time) time.Time {
	s.mu.Lock()
	defer s.mu.Unlock()
	i, _ := slices.BinarySearchFunc(s.writes, t, time.Time.Compare)
	if i == len(s.writes) {
		return time.Time{}
	}
	return s.writes[i]
}

// load feeds a session with exchanges of some terminals, so many messages a second.
type load struct {
	session *diagnostics.Session
	sale    []byte
	answer  []byte
	n       int
}

func newLoad(t testing.TB) *load {
	l, err := assets.Language("en")
	if err != nil {
		t.Fatal(err)
	}
	s, err := diagnostics.NewSession(diagnostics.Options{Lang: l, Older: 96_000, Info: link.Info{Kind: "tap", Describe: "0.0.0.0:8583 -> 192.0.2.7:8583"}})
	if err != nil {
		t.Fatal(err)
	}
	base := map[int]string{0: "0200", 2: testPAN, 3: "000000", 4: "000000012800", 11: "000000", 22: "051", 41: "10010001", 42: "898310054110001", 49: "156", 60: "2200000100050"}
	x := &load{session: s, sale: frame(t, base)}
	base[0], base[37], base[39] = "0210", "000000000002", "00"
	x.answer = frame(t, base)
	return x
}

// stan writes a trace number into a packed frame: field 11 stands where six zero digits follow the amount.
func stan(f []byte, n int) []byte {
	out := slices.Clone(f)
	at := strings.Index(string(out), "\x00\x00\x00\x01\x28\x00") + 6
	v := uint64(0)
	for i := range 6 {
		v |= uint64(n%10) << (4 * i)
		n /= 10
	}
	var b [8]byte
	binary.BigEndian.PutUint64(b[:], v)
	copy(out[at:], b[5:])
	return out
}

// exchange is two messages: a sale and its answer.
func (x *load) exchange(at time.Time) {
	x.n++
	ev := link.Event{At: at, Conn: uint64(1 + x.n%50), Terminal: fmt.Sprintf("192.0.2.%d:40001", 1+x.n%50), Host: "192.0.2.7:8583", Kind: link.Data, Data: stan(x.sale, x.n)}
	x.session.Handle(ev)
	ev.Dir, ev.At, ev.Data = link.ToTerminal, at.Add(20*time.Millisecond), stan(x.answer, x.n)
	x.session.Handle(ev)
}

// feed keeps the rate until ctx ends.
func (x *load) feed(ctx context.Context, rate int) {
	const beat = 20 * time.Millisecond
	clock := time.NewTicker(beat)
	defer clock.Stop()
	began := time.Now()
	for done := 0; ; {
		select {
		case <-ctx.Done():
			return
		case now := <-clock.C:
			for want := int(now.Sub(began).Seconds() * float64(rate) / 2); done < want; done++ {
				x.exchange(now)
			}
			x.session.Tick(now)
		}
	}
}

// program runs the screen on a sink.
type program struct {
	sink *sink
	keys *io.PipeWriter
	done chan error
}

func run(b testing.TB, s *diagnostics.Session, w, h int, low bool, lang ...string) *program {
	l, err := assets.Language(strings.Join(append(lang, "en")[:1], ""))
	if err != nil {
		b.Fatal(err)
	}
	in, keys := io.Pipe()
	p := &program{sink: &sink{}, keys: keys, done: make(chan error, 1)}
	o := Options{Session: s, Lang: l, Low: low, Program: []tea.ProgramOption{tea.WithInput(in), tea.WithOutput(&Meter{to: p.sink}), tea.WithWindowSize(w, h),
		tea.WithEnvironment([]string{"TERM=xterm-256color", "SSH_TTY=/dev/pts/0"}), tea.WithColorProfile(colorprofile.ANSI256), tea.WithoutSignals()}}
	go func() { p.done <- Run(context.Background(), o) }()
	for p.sink.bytes() < 1000 {
		time.Sleep(time.Millisecond)
	}
	time.Sleep(200 * time.Millisecond)
	return p
}

func (p *program) quit(b testing.TB) {
	_, _ = io.WriteString(p.keys, "qy")
	select {
	case err := <-p.done:
		if err != nil {
			b.Error(err)
		}
	case <-time.After(20 * time.Second):
		b.Error("q does not quit")
	}
}

// BenchmarkIdleBytes: a live line on which nothing happens, its clock on the screen.
func BenchmarkIdleBytes(b *testing.B) {
	for _, lang := range assets.Languages {
		b.Run(lang, func(b *testing.B) {
			x := newLoad(b)
			x.exchange(time.Now())
			ctx, cancel := context.WithCancel(context.Background())
			defer cancel()
			go x.feed(ctx, 0)
			p := run(b, x.session, 80, 24, false, lang)
			const span = 20 * time.Second
			for b.Loop() {
				time.Sleep(12 * time.Second) // until the rate, over ten seconds, is none
				before := p.sink.bytes()
				time.Sleep(span)
				b.ReportMetric(float64(p.sink.bytes()-before)/span.Seconds(), "B/s")
			}
			p.quit(b)
		})
	}
}

// BenchmarkFirstScreenBytes: what a screen of 80 by 24 cells costs a slow line.
func BenchmarkFirstScreenBytes(b *testing.B) {
	x := newLoad(b)
	for range 50 {
		x.exchange(time.Now())
	}
	for b.Loop() {
		p := run(b, x.session, 80, 24, false)
		b.ReportMetric(float64(p.sink.bytes()), "B")
		p.quit(b)
	}
}

// BenchmarkTrafficBytes: bytes a second at rates of traffic, in low bandwidth and in full.
func BenchmarkTrafficBytes(b *testing.B) {
	for _, c := range []struct {
		low  bool
		rate int
		w, h int
		lang string
	}{{true, 5, 80, 24, "en"}, {true, 50, 80, 24, "en"}, {true, 10000, 80, 24, "en"}, {true, 5, 80, 24, "zh"}, {true, 50, 80, 24, "zh"}, {true, 10000, 80, 24, "zh"},
		{true, 50, 120, 40, "en"}, {true, 10000, 120, 40, "en"}, {false, 50, 80, 24, "en"}, {false, 10000, 80, 24, "en"}, {false, 50, 80, 24, "zh"}} {
		b.Run(fmt.Sprintf("low=%v/%d-a-second/%dx%d/%s", c.low, c.rate, c.w, c.h, c.lang), func(b *testing.B) {
			x := newLoad(b)
			ctx, cancel := context.WithCancel(context.Background())
			defer cancel()
			go x.feed(ctx, c.rate)
			p := run(b, x.session, c.w, c.h, c.low, c.lang)
			const span = 8 * time.Second
			for b.Loop() {
				time.Sleep(3 * time.Second) // the rate has to settle
				before := p.sink.bytes()
				time.Sleep(span)
				b.ReportMetric(float64(p.sink.bytes()-before)/span.Seconds(), "B/s")
			}
			p.quit(b)
		})
	}
}

// BenchmarkKeyToScreen: from a key press to the write that answers it, while 10,000 messages a second come in.
func BenchmarkKeyToScreen(b *testing.B) {
	x := newLoad(b)
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	go x.feed(ctx, 10000)
	time.Sleep(3 * time.Second) // a full ring
	p := run(b, x.session, 120, 30, false)
	_, _ = io.WriteString(p.keys, " ") // frozen: what is written then answers a key, or counts what is missed
	var took []time.Duration
	for b.Loop() {
		for i := range 200 {
			began := time.Now()
			_, _ = io.WriteString(p.keys, "jk"[i%2:i%2+1])
			for p.sink.since(began).IsZero() {
				time.Sleep(200 * time.Microsecond)
			}
			took = append(took, p.sink.since(began).Sub(began))
			time.Sleep(time.Duration(7+i%13) * time.Millisecond)
		}
	}
	slices.Sort(took)
	b.ReportMetric(float64(took[len(took)/2].Microseconds())/1000, "p50-ms")
	b.ReportMetric(float64(took[len(took)*99/100].Microseconds())/1000, "p99-ms")
	p.quit(b)
}

// BenchmarkDraw: one whole screen.
func BenchmarkDraw(b *testing.B) {
	x := newLoad(b)
	for range 10000 {
		x.exchange(time.Now())
	}
	for _, s := range [][2]int{{80, 24}, {120, 30}, {200, 50}} {
		b.Run(fmt.Sprintf("%dx%d", s[0], s[1]), func(b *testing.B) {
			l, _ := assets.Language("en")
			m, err := newModel(Options{Session: x.session, Lang: l})
			if err != nil {
				b.Fatal(err)
			}
			m.Update(tea.WindowSizeMsg{Width: s[0], Height: s[1]})
			b.ReportAllocs()
			for b.Loop() {
				m.dirty = true
				_ = m.View()
			}
		})
	}
}

// BenchmarkFilter: a snapshot of a full ring with a filter, first and when a few rows have come.
func BenchmarkFilter(b *testing.B) {
	x := newLoad(b)
	for range 10000 {
		x.exchange(time.Now())
	}
	l, _ := assets.Language("en")
	m, err := newModel(Options{Session: x.session, Lang: l})
	if err != nil {
		b.Fatal(err)
	}
	b.Run("first", func(b *testing.B) {
		for b.Loop() {
			m.setFilter("rc=00 sale")
		}
	})
	b.Run("more", func(b *testing.B) {
		for b.Loop() {
			b.StopTimer()
			x.exchange(time.Now())
			m.snap = x.session.Snapshot()
			b.StartTimer()
			m.traffic().take(m)
		}
	})
}
