package tui

import (
	"fmt"
	"os"
	"regexp"
	"runtime"
	"runtime/debug"
	"time"
)

// longDigits are what could be a card number in the words of a panic. A trace holds addresses and line numbers, which are
// shorter or hexadecimal.
var longDigits = regexp.MustCompile(`[0-9][0-9 -]{10,}[0-9]`)

// caught writes down a panic of the screen and passes it on: Bubble Tea restores the terminal. The file holds the trace and
// the shape of the screen, no data of the line; runs of digits in the panic's words are masked.
func (m *Model) caught() {
	r := recover()
	if r == nil {
		return
	}
	said := longDigits.ReplaceAllString(fmt.Sprint(r), "******")
	if m.crash == "" {
		text := fmt.Sprintf("tillscope crash report\ngo %s %s/%s\nscreen %dx%d view %d region %s low %v language %s theme %s source %s\n\n%s\n\n%s",
			runtime.Version(), runtime.GOOS, runtime.GOARCH, m.w, m.h, m.view, regionNames[m.focus], m.low, m.lang.ID, m.theme.ID, m.snap.Source.Kind,
			said, debug.Stack())
		if f, err := os.CreateTemp(".", "tillscope-crash-"+time.Now().Format("20060102-150405")+"-*.txt"); err == nil {
			if _, err = f.WriteString(text); err == nil && f.Close() == nil {
				m.crash = f.Name()
			}
		}
		if m.crash == "" { // the working folder takes no file
			if f, err := os.CreateTemp("", "tillscope-crash-*.txt"); err == nil {
				_, _ = f.WriteString(text)
				_ = f.Close()
				m.crash = f.Name()
			}
		}
	}
	panic(said) // Bubble Tea writes it on the restored terminal
}
