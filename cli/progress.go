package cli

import (
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/charmbracelet/x/term"

	"tillscope/assets"
	"tillscope/link"
)

// progressing is a source that knows how far it is: bytes read, and of how many, 0 when nobody knows.
type progressing interface{ Progress() (read, size int64) }

// noting is a source that has something to say about what it read, once it has ended.
type noting interface{ Notes() []string }

// tellNotes writes what has to be known about the source besides its traffic.
func tellNotes(w io.Writer, source link.Source, l *assets.Lang) {
	if n, ok := source.(noting); ok {
		for _, note := range n.Notes() {
			_, _ = fmt.Fprintln(w, l.T("said.note", l.Say(note)))
		}
	}
}

// barEvery is how often the bar is drawn, barAfter how long nothing is: most files are read before.
const (
	barEvery = 100 * time.Millisecond
	barAfter = 300 * time.Millisecond
)

// bar shows how far a file is read, when errors go to a terminal, until ended is closed.
func bar(w io.Writer, source link.Source, ended <-chan struct{}) {
	p, ok := source.(progressing)
	out, isFile := w.(*os.File)
	if !ok || !isFile || !term.IsTerminal(out.Fd()) {
		return
	}
	began := time.Now()
	clock := time.NewTicker(barEvery)
	defer clock.Stop()
	for drawn := false; ; {
		select {
		case <-ended:
			if drawn {
				_, _ = fmt.Fprint(out, "\r\x1b[K")
			}
			return
		case now := <-clock.C:
			if took := now.Sub(began); took > barAfter {
				read, size := p.Progress()
				width, _, err := term.GetSize(out.Fd())
				if err != nil || width <= 0 {
					width = 80
				}
				drawn = true
				_, _ = fmt.Fprint(out, "\r"+barLine(read, size, took, width-1)+"\x1b[K")
			}
		}
	}
}

// barLine is the bar, in at most width cells: bytes read, their share, the pace and the time left. It is ASCII, for every
// terminal.
func barLine(read, size int64, took time.Duration, width int) string {
	pace := float64(read) / max(took.Seconds(), 1e-3)
	text := fmt.Sprintf("%s read, %s/s", bytesText(read), bytesText(int64(pace)))
	if size > 0 {
		left := time.Duration(float64(max(size-read, 0)) / max(pace, 1) * float64(time.Second))
		text = fmt.Sprintf("%3d %%  %s of %s, %s/s, %s left", min(100*read/size, 100), bytesText(read), bytesText(size), bytesText(int64(pace)), left.Round(time.Second))
		if cells := min(width-len(text)-3, 40); cells >= 10 {
			full := int(min(int64(cells)*read/size, int64(cells)))
			text = "[" + strings.Repeat("#", full) + strings.Repeat(".", cells-full) + "] " + text
		}
	}
	return text[:max(min(len(text), width), 0)]
}

// bytesText is a number of bytes for people.
func bytesText(n int64) string {
	f, unit := float64(n), "B"
	for _, u := range []string{"KiB", "MiB", "GiB", "TiB"} {
		if f < 1024 {
			break
		}
		f, unit = f/1024, u
	}
	if unit == "B" {
		return fmt.Sprintf("%d B", n)
	}
	return fmt.Sprintf("%.1f %s", f, unit)
}
