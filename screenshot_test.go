//go:build unix

package main

import (
	"flag"
	"fmt"
	"html"
	"image/color"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	uv "github.com/charmbracelet/ultraviolet"
	"github.com/charmbracelet/x/vt"
	"github.com/creack/pty"
)

var screenshots = flag.Bool("screenshots", false, "make the pictures of docs/screenshots anew, from the program as it is")

// shot is one picture: what is run, what is pressed once a text is there, and the text that has to be on it.
type shot struct {
	name string
	w, h int
	args []string
	keys []press
	want string
}

type press struct{ once, keys string }

var shots = []shot{
	{"scope", 120, 34, []string{"--seed", "7", "--lang", "en", "--theme", "dark"}, []press{{"Unstable network", "H"}, {"reversal", ""}, {"settlement", "/0200\r"}, {"0200", "k"}}, "Unstable network"},
	{"proof", 120, 34, []string{"sim", "balance.insufficient", "--seed", "7", "--lang", "en", "--theme", "dark"}, []press{{"Insufficient funds", "H/rc=51\r"}, {"insufficient", "d"}, {"differs", ""}}, "* differs"},
	{"diagnosis", 120, 34, []string{"--seed", "7", "--lang", "en", "--theme", "dark"}, []press{{"Unstable network", "H3"}}, "Decision tree"},
	{"transactions", 120, 34, []string{"sim", "mixed", "--seed", "7", "--speed", "4", "--lang", "en", "--theme", "dark"}, []press{{"Wrong terminal parameters", "H2"}}, "not arrived"},
	{"line", 120, 34, []string{"sim", "busy-day", "--seed", "7", "--speed", "4", "--lang", "en", "--theme", "dark"}, []press{{"sale", "H4"}, {"90% within", ""}}, "90% within"},
	{"chinese", 80, 24, []string{"--seed", "7", "--lang", "zh", "--theme", "light"}, []press{{"网络不稳定", "H"}}, "网络不稳定"},
}

// TestScreenshots makes the pictures: go test -run Screenshots . -screenshots
func TestScreenshots(t *testing.T) {
	if !*screenshots {
		t.Skip("pictures are made on demand: go test -run Screenshots . -screenshots")
	}
	program := filepath.Join(t.TempDir(), "tillscope")
	if out, err := exec.Command("go", "build", "-o", program, ".").CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	for _, s := range shots {
		t.Run(s.name, func(t *testing.T) {
			picture := s.take(t, program)
			if err := os.WriteFile(filepath.Join("docs", "screenshots", s.name+".svg"), []byte(picture), 0o644); err != nil {
				t.Fatal(err)
			}
		})
	}
}

// take runs the program in an emulated terminal and draws what is on it.
func (s shot) take(t *testing.T, program string) string {
	cmd := exec.Command(program, s.args...)
	cmd.Dir = t.TempDir()
	cmd.Env = append(os.Environ(), "TERM=xterm-256color", "COLORTERM=", "NO_COLOR=", "XDG_CONFIG_HOME="+cmd.Dir, "XDG_STATE_HOME="+cmd.Dir)
	tty, err := pty.StartWithSize(cmd, &pty.Winsize{Rows: uint16(s.h), Cols: uint16(s.w)})
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		tty.Close()
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	}()
	var mu sync.Mutex
	emu := vt.NewEmulator(s.w, s.h)
	go func() { _, _ = io.Copy(io.Discard, emu) }()
	go func() {
		buf := make([]byte, 32<<10)
		for {
			n, err := tty.Read(buf)
			mu.Lock()
			_, _ = emu.Write(buf[:n])
			mu.Unlock()
			if err != nil {
				return
			}
		}
	}()
	until := func(want string) {
		for end := time.Now().Add(60 * time.Second); ; time.Sleep(20 * time.Millisecond) {
			mu.Lock()
			text := emu.String()
			mu.Unlock()
			if strings.Contains(text, want) {
				return
			}
			if time.Now().After(end) {
				t.Fatalf("%q never came:\n%s", want, text)
			}
		}
	}
	for _, p := range s.keys {
		until(p.once)
		if _, err := io.WriteString(tty, p.keys); err != nil {
			t.Fatal(err)
		}
		time.Sleep(600 * time.Millisecond) // the picture may well have a little more on it
	}
	until(s.want)
	mu.Lock()
	defer mu.Unlock()
	return draw(emu, s.w, s.h, strings.Contains(strings.Join(s.args, " "), "light"))
}

// Cells of the picture, in its units.
const cellW, cellH, margin = 8.4, 16.5, 12.0

// draw turns the screen into an SVG: rectangles for backgrounds, one text for each run of equal looks, stretched to its
// cells so that no font breaks the borders.
func draw(emu *vt.Emulator, w, h int, light bool) string {
	fg, bg := "#d0d7de", "#0d1117"
	if light {
		fg, bg = "#1f2328", "#ffffff"
	}
	var b strings.Builder
	fmt.Fprintf(&b, `<svg xmlns="http://www.w3.org/2000/svg" width="%.0f" height="%.0f" font-family="ui-monospace, 'DejaVu Sans Mono', 'Noto Sans Mono CJK SC', Menlo, monospace" font-size="14" style="white-space:pre">`,
		float64(w)*cellW+2*margin, float64(h)*cellH+2*margin)
	fmt.Fprintf(&b, `<rect width="100%%" height="100%%" rx="6" fill="%s"/>`, bg)
	for y := range h {
		for x := 0; x < w; {
			c := emu.CellAt(x, y)
			style, text, n := uv.Style{}, "", 0
			if c != nil {
				style = c.Style
			}
			for x+n < w { // as far as the looks stay
				c := emu.CellAt(x+n, y)
				if c == nil || c.Style != style {
					break
				}
				text += c.Content
				n += max(c.Width, 1)
			}
			if n == 0 {
				x++
				continue
			}
			run(&b, x, y, n, text, style, fg, bg)
			x += n
		}
	}
	b.WriteString("</svg>\n")
	return b.String()
}

func run(b *strings.Builder, x, y, n int, text string, s uv.Style, fg, bg string) {
	front, back := hex(s.Fg, fg), hex(s.Bg, bg)
	if s.Attrs&uv.AttrReverse != 0 {
		front, back = back, front
	}
	left, top := margin+float64(x)*cellW, margin+float64(y)*cellH
	if back != bg {
		fmt.Fprintf(b, `<rect x="%.1f" y="%.1f" width="%.1f" height="%.1f" fill="%s"/>`, left, top, float64(n)*cellW, cellH, back)
	}
	blanks := len(text) - len(strings.TrimLeft(text, " "))
	n -= len(text) - len(strings.TrimRight(text, " ")) + blanks
	left += float64(blanks) * cellW
	if text = strings.TrimSpace(text); text == "" {
		return
	}
	more := ""
	if s.Attrs&uv.AttrBold != 0 {
		more += ` font-weight="bold"`
	}
	if s.Attrs&uv.AttrFaint != 0 {
		more += ` opacity="0.6"`
	}
	fmt.Fprintf(b, `<text x="%.1f" y="%.1f" fill="%s"%s textLength="%.1f" lengthAdjust="spacingAndGlyphs" xml:space="preserve">%s</text>`,
		left, top+cellH*0.74, front, more, float64(n)*cellW, html.EscapeString(text))
}

func hex(c color.Color, usual string) string {
	if c == nil {
		return usual
	}
	r, g, b, _ := c.RGBA()
	return fmt.Sprintf("#%02x%02x%02x", r>>8, g>>8, b>>8)
}
