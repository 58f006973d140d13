package tui

import (
	"context"
	"io"
	"strings"
	"sync"
	"testing"
	"time"

	tea "charm.land/bubbletea/v2"
	"github.com/charmbracelet/colorprofile"
	"github.com/charmbracelet/x/vt"

	"tillscope/assets"
)

// terminal runs the whole program in an emulated terminal.
type terminal struct {
	t    *testing.T
	mu   sync.Mutex // over emu: the emulator's own lock does not cover reading its screen
	emu  *vt.Emulator
	keys *io.PipeWriter
	done chan error
}

func start(t *testing.T, w, h int, env ...string) *terminal {
	t.Helper()
	l, err := assets.Language("en")
	if err != nil {
		t.Fatal(err)
	}
	in, keys := io.Pipe()
	x := &terminal{t: t, emu: vt.NewEmulator(w, h), keys: keys, done: make(chan error, 1)}
	go func() { _, _ = io.Copy(io.Discard, x.emu) }() // what the terminal answers to queries
	_, _ = x.emu.Write([]byte("\x1b[20h"))            // a line feed returns the carriage, as a tty's driver does
	o := Options{Session: watched(t, "en"), Lang: l, Program: []tea.ProgramOption{tea.WithInput(in), tea.WithOutput(x), tea.WithWindowSize(w, h),
		tea.WithEnvironment(append([]string{"TERM=xterm-256color"}, env...)), tea.WithColorProfile(colorprofile.ANSI256), tea.WithoutSignals()}}
	go func() { x.done <- Run(context.Background(), o) }()
	return x
}

// Write is the program's output.
func (x *terminal) Write(p []byte) (int, error) {
	x.mu.Lock()
	defer x.mu.Unlock()
	return x.emu.Write(p)
}

func (x *terminal) screen() string {
	x.mu.Lock()
	defer x.mu.Unlock()
	return x.emu.String()
}

func (x *terminal) press(s string) {
	x.t.Helper()
	if _, err := io.WriteString(x.keys, s); err != nil {
		x.t.Fatal(err)
	}
}

func (x *terminal) until(want string) {
	x.t.Helper()
	for deadline := time.Now().Add(20 * time.Second); time.Now().Before(deadline); time.Sleep(5 * time.Millisecond) {
		if strings.Contains(x.screen(), want) {
			return
		}
	}
	x.t.Fatalf("%q never came on the screen:\n%s", want, x.screen())
}

func TestWholeProgram(t *testing.T) {
	for name, env := range map[string][]string{"local": nil, "over SSH": {"SSH_TTY=/dev/pts/0"}} {
		t.Run(name, func(t *testing.T) {
			x := start(t, 120, 30, env...)
			x.until("Unstable network")
			x.press("L")
			x.until("网络不稳定")
			x.press("/")
			x.press("冲正\r")
			x.until("/冲正")
			x.press("?")
			x.until("列出并查找操作")
			x.press("\x1b")
			time.Sleep(100 * time.Millisecond) // a lone escape is one only when nothing follows
			x.press("2")
			x.until("笔未到账")
			x.press("q")
			select {
			case err := <-x.done:
				if err != nil {
					t.Error(err)
				}
			case <-time.After(20 * time.Second):
				t.Error("q does not quit")
			}
		})
	}
}
