//go:build unix

package main

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
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

// BenchmarkResources runs the built program on its screen and asks the system what it uses: while a capture has ended and
// nothing moves, and while 10,000 messages a second come in. The processor's time of the same work without a screen is
// taken off, so that cpu is the screen's alone.
func BenchmarkResources(b *testing.B) {
	program := filepath.Join(b.TempDir(), "tillscope")
	if out, err := exec.Command("go", "build", "-o", program, ".").CombinedOutput(); err != nil {
		b.Fatalf("%v: %s", err, out)
	}
	file := filepath.Join(b.TempDir(), "made.pcap")
	const messages, rate, span = 120_000, 10_000, 12 * time.Second
	if out, err := exec.Command(program, "generate", file, "--messages", strconv.Itoa(messages)).CombinedOutput(); err != nil {
		b.Fatalf("%v: %s", err, out)
	}
	b.Run("idle", func(b *testing.B) {
		for b.Loop() {
			u := use(b, program, []string{"open", "", "--lang", "en"}, file, 0, 16*time.Second)
			b.ReportMetric(u.late*100, "%cpu")
			b.ReportMetric(float64(u.rss)/1024, "MiB")
		}
	})
	b.Run("10000-a-second", func(b *testing.B) {
		for b.Loop() {
			with := use(b, program, []string{"open", "-", "--lang", "en"}, file, rate, span)
			without := use(b, program, []string{"open", "-", "--report", "json", "--out", filepath.Join(b.TempDir(), "r.json")}, file, rate, span)
			b.ReportMetric((with.all-without.all)/span.Seconds()*100, "%cpu-of-screen")
			b.ReportMetric(with.all/span.Seconds()*100, "%cpu")
			b.ReportMetric(float64(with.rss)/1024, "MiB")
		}
	})
}

// usage is what a process took: processor seconds in all, in the last half per second, and kibibytes of memory.
type usage struct {
	all, late float64
	rss       int
}

// use runs the program in a terminal, with a capture on its input (at a rate of messages a second) or as its file.
func use(b *testing.B, program string, args []string, file string, rate int, span time.Duration) usage {
	if rate == 0 {
		args[1] = file
	}
	cmd := exec.Command(program, args...)
	cmd.Env = append(os.Environ(), "TERM=xterm-256color", "SSH_TTY=x")
	terminal, tty, err := pty.Open()
	if err != nil {
		b.Fatal(err)
	}
	defer terminal.Close()
	if err := pty.Setsize(terminal, &pty.Winsize{Rows: 50, Cols: 200}); err != nil {
		b.Fatal(err)
	}
	cmd.Stdout, cmd.Stderr = tty, tty
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Setctty: true, Ctty: 1} // keys come from it while the input is the capture
	feed, err := cmd.StdinPipe()
	if err != nil {
		b.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		b.Fatal(err)
	}
	tty.Close()
	go func() { _, _ = io.Copy(io.Discard, terminal) }()
	if rate > 0 {
		go trickle(feed, file, span)
	}
	time.Sleep(span / 2)
	half := ticks(cmd.Process.Pid)
	time.Sleep(span/2 + 500*time.Millisecond)
	u := usage{all: ticks(cmd.Process.Pid), rss: resident(cmd.Process.Pid)}
	u.late = (u.all - half) / (span.Seconds()/2 + 0.5)
	_ = cmd.Process.Kill()
	_ = cmd.Wait()
	if t := cmd.ProcessState.SystemTime() + cmd.ProcessState.UserTime(); u.all == 0 {
		u.all = t.Seconds()
	}
	return u
}

// trickle writes a file over a span of time, and holds the end open, as a live source would.
func trickle(to io.Writer, file string, span time.Duration) {
	data, err := os.ReadFile(file)
	if err != nil {
		return
	}
	const beat = 20 * time.Millisecond
	for began, done := time.Now(), 0; done < len(data); time.Sleep(beat) {
		n := min(int(float64(len(data))*min(time.Since(began).Seconds()/span.Seconds(), 1)), len(data))
		if _, err := to.Write(data[done:n]); err != nil {
			return
		}
		done = n
	}
}

// ticks are a process's processor seconds so far, as Linux counts them; 0 elsewhere and when it is gone.
func ticks(pid int) float64 {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return 0
	}
	f := strings.Fields(string(stat[bytes.LastIndexByte(stat, ')')+1:]))
	user, _ := strconv.ParseFloat(f[11], 64)
	system, _ := strconv.ParseFloat(f[12], 64)
	return (user + system) / 100
}

func resident(pid int) (kib int) {
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return 0
	}
	for line := range strings.Lines(string(status)) {
		if n, ok := strings.CutPrefix(line, "VmRSS:"); ok {
			kib, _ = strconv.Atoi(strings.Fields(n)[0])
		}
	}
	return kib
}
