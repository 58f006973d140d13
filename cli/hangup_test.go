//go:build unix

package cli

import (
	"bytes"
	"errors"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/creack/pty"
)

// terminal is one that a program runs on.
type terminal struct {
	cmd *exec.Cmd
	tty *os.File
	mu  sync.Mutex
	out bytes.Buffer
}

func onTerminal(t *testing.T, args ...string) *terminal {
	t.Helper()
	if signal.Ignored(syscall.SIGHUP) {
		t.Skip("a terminal that goes is not heard of here: SIGHUP is ignored, as under nohup, and programs inherit that")
	}
	x := &terminal{cmd: exec.Command("tillscope", args...)}
	home := t.TempDir()
	x.cmd.Env = append(os.Environ(), "TERM=xterm-256color", "XDG_CONFIG_HOME="+home, "XDG_STATE_HOME="+home)
	tty, err := pty.StartWithSize(x.cmd, &pty.Winsize{Rows: 30, Cols: 120})
	if err != nil {
		t.Skip("no pseudo terminals here:", err)
	}
	fd, err := syscall.Dup(int(tty.Fd())) // one whose reading ends when it is closed
	if err == nil {
		err = errors.Join(syscall.SetNonblock(fd, true), tty.Close())
	}
	if err != nil {
		t.Fatal(err)
	}
	x.tty = os.NewFile(uintptr(fd), "tty")
	t.Cleanup(func() { _ = x.cmd.Process.Kill(); x.tty.Close() })
	go func() {
		for b := make([]byte, 32<<10); ; {
			n, err := x.tty.Read(b)
			x.mu.Lock()
			x.out.Write(b[:n])
			x.mu.Unlock()
			if err != nil {
				return
			}
		}
	}()
	return x
}

// await waits until the terminal shows a text.
func (x *terminal) await(t *testing.T, text string) {
	t.Helper()
	for giveUp := time.Now().Add(30 * time.Second); ; time.Sleep(10 * time.Millisecond) {
		x.mu.Lock()
		shown := bytes.Contains(x.out.Bytes(), []byte(text))
		x.mu.Unlock()
		if shown {
			return
		}
		if time.Now().After(giveUp) {
			t.Fatalf("the terminal never shows %q, but\n%s", text, x.out.Bytes())
		}
	}
}

// hangUp takes the terminal away, as a dropped SSH session does.
func (x *terminal) hangUp() { x.tty.Close() }

// ended waits for the program to end, and fails the test when that does not come.
func (x *terminal) ended(t *testing.T) error {
	t.Helper()
	ended := make(chan error, 1)
	go func() { ended <- x.cmd.Wait() }()
	select {
	case err := <-ended:
		return err
	case <-time.After(30 * time.Second):
		t.Fatal("the program does not end")
		return nil
	}
}

// An SSH session that drops takes the screen, and must not take the shop's line with it.
func TestATapOutlivesItsTerminal(t *testing.T) {
	for name, flags := range map[string][]string{"screen": nil, "plain": {"--plain"}, "report": {"--report", "json"}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			host, addr := echoing(t), freeAddress(t)
			if name == "report" {
				flags = append(flags, "--out", filepath.Join(t.TempDir(), "report.json"))
			}
			recording := filepath.Join(t.TempDir(), "shop.pcapng")
			x := onTerminal(t, append([]string{"tap", addr, host.Addr().String(), "--record", recording}, flags...)...)
			standing := dialUntil(t, addr)
			defer standing.Close()
			if err := exchange(standing); err != nil {
				t.Fatal(err)
			}
			if name == "screen" {
				x.await(t, "quit")
			}
			x.hangUp()
			time.Sleep(300 * time.Millisecond) // what ends with its terminal has ended by then; on a slow machine this proves less, and never fails
			if err := exchange(standing); err != nil {
				t.Errorf("the connection that stood was cut: %v", err)
			}
			if next := dialUntil(t, addr); exchange(next) != nil {
				t.Error("there are no new connections")
			}
			if err := x.cmd.Process.Signal(syscall.SIGTERM); err != nil {
				t.Fatal(err)
			}
			if err := x.ended(t); err != nil {
				t.Errorf("the end in order is %v", err)
			}
			if name == "report" {
				if b, err := os.ReadFile(flags[len(flags)-1]); err != nil || !strings.Contains(string(b), "tillscope.report/v1") {
					t.Errorf("the report is %q, %v", b, err)
				}
			}
			if out, err := run(t, "", "open", recording, "--report", "text"); err != nil {
				t.Errorf("the recording is not whole: %v\n%s", err, out)
			}
		})
	}
}

// What only watches ends with its terminal, in order: the report is written.
func TestWhatOnlyWatchesEndsWithItsTerminal(t *testing.T) {
	_, _, ports := ended(t)
	for _, words := range [][]string{{"sim"}, {"serial", ports[0]}} {
		report := filepath.Join(t.TempDir(), "report.json")
		x := onTerminal(t, append(words, "--report", "json", "--out", report)...)
		x.await(t, "watching")
		x.hangUp()
		if err := x.ended(t); err != nil {
			t.Error(err)
		}
		if b, err := os.ReadFile(report); err != nil || !strings.Contains(string(b), "tillscope.report/v1") {
			t.Errorf("the report is %q, %v", b, err)
		}
	}
}
