//go:build unix

package main

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/creack/pty"
)

// BenchmarkFirstFrame measures from the start of the process, binary built, to the first whole screen: the footer is its
// last line. It reports the median. A technician should not notice that there was a start.
func BenchmarkFirstFrame(b *testing.B) {
	program := filepath.Join(b.TempDir(), "tillscope")
	if out, err := exec.Command("go", "build", "-o", program, ".").CombinedOutput(); err != nil {
		b.Fatalf("%v: %s", err, out)
	}
	var took []time.Duration
	for b.Loop() {
		took = append(took, firstFrame(b, program))
	}
	slices.Sort(took)
	b.ReportMetric(float64(took[len(took)/2].Microseconds())/1000, "median-ms")
}

func firstFrame(b *testing.B, program string) time.Duration {
	cmd := exec.Command(program, "--lang", "en")
	cmd.Env = append(os.Environ(), "TERM=xterm-256color")
	began := time.Now()
	tty, err := pty.StartWithSize(cmd, &pty.Winsize{Rows: 30, Cols: 120})
	if err != nil {
		b.Fatal(err)
	}
	defer func() {
		tty.Close()
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	}()
	var seen []byte
	buf := make([]byte, 32<<10)
	for {
		n, err := tty.Read(buf)
		if seen = append(seen, buf[:n]...); bytes.Contains(seen, []byte("quit")) {
			return time.Since(began)
		}
		if err != nil {
			b.Fatalf("the program ended before its first screen: %v\n%s", err, seen)
		}
	}
}
