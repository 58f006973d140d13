package cli

import (
	"strings"
	"testing"
	"time"
)

func TestBarFitsAndTellsWhatIsLeft(t *testing.T) {
	line := barLine(50<<20, 200<<20, time.Second, 100)
	for _, want := range []string{"[##########....", " 25 %", "50.0 MiB of 200.0 MiB", "50.0 MiB/s", "3s left"} {
		if !strings.Contains(line, want) {
			t.Errorf("%q lacks %q", line, want)
		}
	}
	if line := barLine(1000, 0, time.Second, 80); line != "1000 B read, 1000 B/s" {
		t.Errorf("of unknown size: %q", line)
	}
	for width := range 130 {
		for _, read := range []int64{0, 1, 1 << 30, 1 << 33} {
			if got := barLine(read, 1<<31, 0, width); len(got) > width {
				t.Errorf("%d cells in %d: %q", len(got), width, got)
			}
		}
	}
}
