//go:build linux

package main

import (
	"flag"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"syscall"
	"testing"
	"time"
)

var messages = flag.Int("messages", 100000, "messages in the captures of the Open benchmarks")

// BenchmarkOpen is a whole process: a capture from the disk to the report, for each dialect that captures can be made in.
// MiB is the most memory that it had. With tshark on this machine, the same file is given to it in the same run.
//
//	go test -run '^$' -bench Open -benchtime 1x . -messages 1000000
func BenchmarkOpen(b *testing.B) {
	dir := b.TempDir()
	program := filepath.Join(dir, "tillscope")
	build := exec.Command("go", "build", "-o", program, ".")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		b.Fatalf("%v: %s", err, out)
	}
	tshark, err := exec.LookPath("tshark")
	if err != nil {
		b.Log("tshark is not on this machine: nothing to compare with")
	}
	for _, dialect := range []string{"iso87-ascii", "cup"} {
		capture := filepath.Join(dir, dialect+".pcap")
		if out, err := exec.Command(program, "generate", capture, "--dialect", dialect, "--messages", strconv.Itoa(*messages)).CombinedOutput(); err != nil {
			b.Fatalf("%v: %s", err, out)
		}
		b.Run(dialect, func(b *testing.B) {
			var took, worked, memory float64
			for b.Loop() {
				s, w, m := process(b, exec.Command(program, "open", capture, "--report", "json", "--out", filepath.Join(dir, "report.json"), "--force"))
				took, worked, memory = took+s, worked+w, max(memory, m)
			}
			b.StopTimer()
			b.ReportMetric(float64(*messages)*float64(b.N)/took, "msg/s")
			b.ReportMetric(memory, "MiB")
			b.ReportMetric(worked/float64(b.N), "cpu-s")
			if tshark == "" || dialect == "cup" { // which it cannot read at all
				return
			}
			fields := []string{"-n", "-r", capture, "-d", "tcp.port==8583,iso8583", "-o", "iso8583.len_endian:bigendian", "-Y", "iso8583", "-T", "fields"}
			for _, f := range []string{"frame.number", "frame.time_epoch", "iso8583.mti", "iso8583.bit2", "iso8583.bit3", "iso8583.bit4", "iso8583.bit11", "iso8583.bit37",
				"iso8583.bit39", "iso8583.bit41"} {
				fields = append(fields, "-e", f)
			}
			its, _, memory := process(b, exec.Command(tshark, fields...))
			b.ReportMetric(its, "tshark-s")
			b.ReportMetric(memory, "tshark-MiB")
			b.ReportMetric(its*float64(b.N)/took, "x-tshark")
		})
	}
}

// process runs a program and answers how many seconds it took, how many its processors worked, and how many MiB of memory
// it had at most.
func process(b *testing.B, c *exec.Cmd) (took, worked, mib float64) {
	b.Helper()
	began := time.Now()
	if err := c.Run(); err != nil {
		b.Fatal(err)
	}
	took = time.Since(began).Seconds()
	state := c.ProcessState
	return took, (state.UserTime() + state.SystemTime()).Seconds(), float64(state.SysUsage().(*syscall.Rusage).Maxrss) / 1024
}
