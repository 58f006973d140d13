package tui

import (
	"io"
	"testing"
	"time"

	tea "charm.land/bubbletea/v2"
)

// attached is a model that takes its program's clock and leaves.
type attached struct {
	pacer   pacer
	program *tea.Program
}

func (a *attached) Init() tea.Cmd                       { a.pacer.attach(a.program); return tea.Quit }
func (a *attached) Update(tea.Msg) (tea.Model, tea.Cmd) { return a, nil }
func (a *attached) View() tea.View                      { return tea.NewView("") }

// The clock of Bubble Tea's renderer is where pacer looks for it. When this fails after an update, the renderer may have
// learnt to rest by itself: then pacer can go.
func TestRendererClockIsFound(t *testing.T) {
	a := &attached{}
	in, _ := io.Pipe()
	a.program = tea.NewProgram(a, tea.WithInput(in), tea.WithOutput(io.Discard), tea.WithoutSignals())
	if _, err := a.program.Run(); err != nil {
		t.Fatal(err)
	}
	if a.pacer.clock == nil {
		t.Error("the renderer has no clock that can be slowed down")
	}
}

// The renderer looks rarely once nothing changes, and soon after something does.
func TestRendererRestsWhileNothingChanges(t *testing.T) {
	p := pacer{clock: time.NewTicker(frameEvery)}
	defer p.clock.Stop()
	deadline := time.After(60 * time.Second)
	until := func(what string, begin func(), ok func(gap time.Duration) bool) {
		for {
			begin()
			last := time.Now()
			select {
			case <-p.clock.C:
			case <-deadline:
				t.Fatal(what)
			}
			if ok(time.Since(last)) {
				return
			}
		}
	}
	rare := func(gap time.Duration) bool { return gap > frameIdle/2 }
	p.wake()
	until("it never rests", func() {}, rare)
	until("it does not wake up", p.wake, func(gap time.Duration) bool { return !rare(gap) })
	until("it rests only once", func() {}, rare)
}

// News are looked for less often when nobody could read them all, and when none have come for a while.
func TestRefreshFollowsTheTraffic(t *testing.T) {
	load := newLoad(t)
	m := newTest(t, "en", 120, 30)
	m.o.Session = load.session
	at := time.Now()
	for _, c := range []struct {
		rows int
		want time.Duration
	}{{2, refresh}, {100, refreshRush}, {2, refresh}} {
		for range c.rows / 2 {
			load.exchange(at)
		}
		m.take()
		if got := m.wait(); got != c.want {
			t.Errorf("%d rows since the last look: looks again after %v, want %v", c.rows, got, c.want)
		}
	}
	m.moved = time.Now().Add(-2 * calm)
	if got := m.wait(); got != refreshCalm {
		t.Errorf("nothing for a while: looks again after %v", got)
	}
	m.setLow(true)
	for _, c := range []struct {
		rows int
		want time.Duration
	}{{2, refreshLow}, {100, refreshLow}, {30 * (flood + 1), 2 * refreshLow}, {100, refreshLow}} {
		for range c.rows / 2 {
			load.exchange(at)
		}
		m.take()
		if got := m.wait(); got != c.want {
			t.Errorf("low bandwidth, %d rows since the last look: looks again after %v, want %v", c.rows, got, c.want)
		}
	}
}

// While a write goes on, the renderer goes on looking: a newer frame waits behind it.
func TestRendererLooksOnBehindASlowWrite(t *testing.T) {
	held, let := make(chan struct{}), make(chan struct{})
	meter := &Meter{to: writes(func(b []byte) (int, error) { close(held); <-let; return len(b), nil })}
	p := pacer{clock: time.NewTicker(frameIdle), meter: meter}
	defer p.clock.Stop()
	go func() { _, _ = meter.Write([]byte("slow")) }()
	<-held
	p.wake()
	p.mu.Lock()
	past := time.Now().Add(-time.Minute)
	p.until = past
	p.mu.Unlock()
	p.rest()
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.until.Equal(past) {
		t.Error("it rests while a write goes on")
	}
	close(let)
}

type writes func([]byte) (int, error)

func (w writes) Write(b []byte) (int, error) { return w(b) }
