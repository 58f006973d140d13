package tui

import (
	"bytes"
	"io"
	"os"
	"runtime"
	"time"
	"unicode"
	"unicode/utf8"

	tea "charm.land/bubbletea/v2"
	"github.com/charmbracelet/x/ansi"
	xterm "github.com/charmbracelet/x/term"
)

// A paste comes between two marks. What Bubble Tea's reader finds between them that looks like the beginning of a sequence, or an
// end that a line has lost, would take all keys from then on, that to quit among them.
const (
	longestPaste = 64 << 10        // bytes; what is beyond them is left out: no field takes as much
	pasteEnds    = 2 * time.Second // a key after so long a silence is none of the paste's
)

// pastes is input in which pastes are text only, and end.
type pastes struct {
	from   io.Reader
	now    func() time.Time
	inside bool
	held   []byte // of a mark or a character that is not whole yet
	size   int
	last   time.Time
}

// Read gives what is there, which may be nothing of what came. b has to have room for more than two marks.
func (p *pastes) Read(b []byte) (int, error) {
	const room = 2 * len(ansi.BracketedPasteEnd) // for a mark, and what was held back
	if len(b) <= room {
		return 0, io.ErrShortBuffer
	}
	buf := make([]byte, len(b)-room)
	n, err := p.from.Read(buf)
	out := b[:0]
	if now := p.now(); n > 0 {
		if p.inside && now.Sub(p.last) > pasteEnds {
			out = append(out, ansi.BracketedPasteEnd...)
			p.inside, p.held = false, nil
		}
		p.last = now
	}
	for _, c := range buf[:n] {
		out = p.next(out, c)
	}
	return len(out), err
}

// next takes one byte.
func (p *pastes) next(out []byte, c byte) []byte {
	if !p.inside {
		out = append(out, c) // its beginning is passed on as it comes
		if p.held = append(p.held, c); bytes.HasSuffix(p.held, []byte(ansi.BracketedPasteStart)) {
			p.inside, p.size, p.held = true, 0, nil
		} else if len(p.held) > 2*len(ansi.BracketedPasteStart) {
			p.held = p.held[len(p.held)-len(ansi.BracketedPasteStart):]
		}
		return out
	}
	p.held = append(p.held, c)
	for len(p.held) > 0 {
		switch {
		case len(p.held) >= len(ansi.BracketedPasteEnd) && bytes.HasPrefix(p.held, []byte(ansi.BracketedPasteEnd)):
			p.inside, p.held = false, nil
			return append(out, ansi.BracketedPasteEnd...)
		case bytes.HasPrefix([]byte(ansi.BracketedPasteEnd), p.held):
			return out
		case !utf8.FullRune(p.held):
			return out
		}
		r, size := utf8.DecodeRune(p.held)
		if text := r != utf8.RuneError && (!unicode.IsControl(r) || r == '\t' || r == '\n' || r == '\r'); text && p.size+size <= longestPaste {
			out = append(out, p.held[:size]...)
			p.size += size
		}
		p.held = p.held[size:]
	}
	return out
}

// keyboard is a terminal's input. It stays a file to Bubble Tea, which asks for its descriptor.
type keyboard struct {
	*os.File
	pastes *pastes
}

func (k keyboard) Read(b []byte) (int, error) { return k.pastes.Read(b) }

// input is where keys come from: what is the input, or the terminal when that is a file. Windows has events in place of bytes.
func input() []tea.ProgramOption {
	if runtime.GOOS == "windows" {
		return nil
	}
	in := os.Stdin
	if !xterm.IsTerminal(in.Fd()) {
		tty, _, err := tea.OpenTTY()
		if err != nil {
			return nil // Bubble Tea says why
		}
		in = tty
	}
	return []tea.ProgramOption{tea.WithInput(keyboard{in, &pastes{from: in, now: time.Now}})}
}
