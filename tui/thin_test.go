package tui

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"
	"time"

	tea "charm.land/bubbletea/v2"
	"github.com/charmbracelet/colorprofile"
	"github.com/charmbracelet/x/vt"
)

// film is a model whose screens are given from outside.
type film struct{ screen string }

type nextScreen string

func (f *film) Init() tea.Cmd { return nil }
func (f *film) Update(m tea.Msg) (tea.Model, tea.Cmd) {
	if s, ok := m.(nextScreen); ok {
		f.screen = string(s)
	}
	return f, nil
}
func (f *film) View() tea.View {
	v := tea.NewView(f.screen)
	v.AltScreen = true
	return v
}

// twoScreens gets the same frames, one of its terminals thinned.
type twoScreens struct {
	mu         sync.Mutex
	thin       thinner
	as, but    *vt.Emulator
	all, saved int
	frames     int
}

func (s *twoScreens) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	less := s.thin.frame(bytes.Clone(p))
	s.all += len(p)
	s.saved += len(p) - len(less)
	s.frames++
	_, _ = s.as.Write(p)
	_, _ = s.but.Write(less)
	return len(p), nil
}

// Whatever is drawn, scrolled, erased or resized: a terminal that gets less shows the same, with the same looks.
func TestThinnedOutputShowsTheSame(t *testing.T) {
	const w, h = 40, 12
	s := &twoScreens{as: vt.NewEmulator(w, h), but: vt.NewEmulator(w, h)}
	for _, e := range []*vt.Emulator{s.as, s.but} {
		go func() { _, _ = io.Copy(io.Discard, e) }()
		_, _ = e.Write([]byte("\x1b[20h"))
	}
	in, keys := io.Pipe()
	defer keys.Close()
	p := tea.NewProgram(&film{}, tea.WithInput(in), tea.WithOutput(s), tea.WithWindowSize(w, h), tea.WithoutSignals(),
		tea.WithEnvironment([]string{"TERM=xterm-256color", "SSH_TTY=x"}), tea.WithColorProfile(colorprofile.ANSI256), tea.WithContext(context.Background()))
	done := make(chan struct{})
	go func() { defer close(done); _, _ = p.Run() }()
	rng := rand.New(rand.NewPCG(1, 2))
	look := newLook(false, &Theme{Tokens: map[string]paint{"good": {FG: "green"}, "selected": {Reverse: true}, "dim": {Faint: true}}})
	line := func() string {
		words := []string{"报文", "ok ", "网络不稳定", "0200 sale", " ", "│", "¥12.00"}
		var b strings.Builder
		for range rng.IntN(6) {
			b.WriteString(look.p([]token{plain, good, selected, dim}[rng.IntN(4)], words[rng.IntN(len(words))]))
		}
		return look.fit(b.String(), w)
	}
	rows := make([]string, h)
	for i := range rows {
		rows[i] = line()
	}
	for i := range 300 {
		switch rng.IntN(8) {
		case 0, 1: // a list that goes on
			copy(rows[2:], rows[3:])
			rows[h-1] = line()
		case 2:
			for i := range rows {
				rows[i] = line()
			}
		case 3:
			p.Send(tea.ClearScreen())
		case 4, 5:
			rows[rng.IntN(h)] = line()
		default: // a clock
			rows[0] = look.fit(fmt.Sprintf("时间 %d", i), w)
		}
		want := s.count()
		p.Send(nextScreen(strings.Join(rows, "\n")))
		for end := time.Now().Add(100 * time.Millisecond); s.count() == want && time.Now().Before(end); {
			time.Sleep(time.Millisecond)
		}
		s.mu.Lock()
		a, b := s.as.Render(), s.but.Render()
		s.mu.Unlock()
		if a != b {
			t.Fatalf("frame %d differs:\n%s\n---\n%s", i, a, b)
		}
	}
	p.Quit()
	<-done
	t.Logf("%d frames, %d of %d bytes saved", s.frames, s.saved, s.all)
	if s.frames < 100 || s.saved < s.all/10 {
		t.Errorf("%d frames, only %d of %d bytes saved", s.frames, s.saved, s.all)
	}
}

func (s *twoScreens) count() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.frames
}
