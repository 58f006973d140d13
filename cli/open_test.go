package cli

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"testing"
	"time"

	"tillscope/diagnostics"
	"tillscope/link"
	"tillscope/sim"
)

// TestReadingAheadChangesNothing reads captures with and without a second core.
func TestReadingAheadChangesNothing(t *testing.T) {
	for name, m := range map[string]link.Mishaps{"plain": {Split: 0.04}, "mishaps": {Split: 0.1, Lost: 0.02, Resent: 0.02, Doubled: 0.02, Swapped: 0.02, Missing: 0.01}} {
		for _, dialect := range []string{"cup", "iso87-ascii"} {
			file := filepath.Join(t.TempDir(), "made.pcap")
			var made bytes.Buffer
			if err := (sim.Traffic{Dialect: dialect, Messages: 6000, Connections: 20, PerConn: 40, Rate: 200, Seed: 11, Mishaps: m}).Write(&made); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(file, made.Bytes(), 0o600); err != nil {
				t.Fatal(err)
			}
			read := func(ahead bool) string {
				source, err := link.OpenFile(file, nil)
				if err != nil {
					t.Fatal(err)
				}
				s, err := diagnostics.NewSession(diagnostics.Options{Info: source.Info(), RingSize: 500})
				if err != nil {
					t.Fatal(err)
				}
				if ahead {
					s.ReadAhead()
				}
				err = source.Run(context.Background(), s.Handle)
				s.End(err)
				if err != nil {
					t.Fatal(err)
				}
				var out bytes.Buffer
				if err := diagnostics.NewReport(s.Snapshot(), "", time.Time{}, time.Time{}).JSON(&out); err != nil {
					t.Fatal(err)
				}
				return out.String()
			}
			one := read(false)
			for range 3 {
				if two := read(true); one != two {
					t.Fatalf("%s, %s: reading ahead gave another report", name, dialect)
				}
			}
		}
	}
}
