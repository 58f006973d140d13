package tui

import (
	"strings"

	"github.com/charmbracelet/x/ansi"
)

// fit makes s exactly w cells wide: cut with a sign that it is, or filled with blanks. A wide character that would stand
// across the edge goes away whole.
func (l *look) fit(s string, w int) string {
	if w <= 0 {
		return ""
	}
	n := width(s)
	if n > w {
		s = ansi.Truncate(s, w, l.more)
		n = width(s)
	}
	return s + strings.Repeat(" ", w-n)
}

// ends puts left and right at the two ends of w cells. Right gives way last: it holds states and times.
func (l *look) ends(left, right string, w int) string {
	n := width(right)
	if n+1 >= w {
		return l.fit(right, w)
	}
	return l.fit(left, w-n) + right
}

// flushRight is s at the right end of w cells.
func (l *look) flushRight(s string, w int) string {
	if n := width(s); n < w {
		return strings.Repeat(" ", w-n) + s
	}
	return l.fit(s, w)
}

// fold breaks unpainted text into lines of at most w cells, with indent before all but the first, whose end stays as far
// from the edge. It breaks at blanks,
// and in Chinese, which has none, before any character that may begin a line.
func fold(s string, w int, indent string) []string {
	room := w - len(indent)
	if room < 2 {
		return []string{s}
	}
	var out []string
	line, used := "", 0
	flush := func() {
		if len(out) > 0 {
			line = indent + line
		}
		out = append(out, strings.TrimRight(line, " "))
		line, used = "", 0
	}
	for s != "" {
		word := nextWord(s)
		s = s[len(word):]
		n := width(word)
		if used > 0 && used+width(strings.TrimRight(word, " ")) > room {
			flush()
		}
		for n > room { // longer than a line
			line = ansi.Truncate(word, room, "")
			word = word[len(line):]
			n = width(word)
			if line == "" { // a character wider than the room
				return append(out, word)
			}
			flush()
		}
		line += word
		used += n
	}
	if line != "" || len(out) == 0 {
		flush()
	}
	return out
}

// nextWord is the beginning of s that stays together: a word with the blanks after it, or one wide character with the
// punctuation that must not begin a line.
func nextWord(s string) string {
	wide := false
	for i, r := range s {
		w := runeWidth(r)
		switch {
		case i == 0:
			wide = w > 1
		case wide && !strings.ContainsRune("，。？！：；、）” ", r):
			return s[:i]
		case !wide && w > 1:
			return s[:i]
		case !wide && r != ' ' && s[i-1] == ' ':
			return s[:i]
		}
	}
	return s
}

func runeWidth(r rune) int {
	if r < 0x80 {
		return 1
	}
	return ansi.StringWidth(string(r))
}

// box frames the text of a pane.
func (l *look) box(p pane, title, right string, text []string, focused bool) []string {
	t, heading := edge, strong
	if focused {
		t, heading = edgeFocus, edgeFocus
		title = "[" + title + "]"
	}
	b := l.borders
	left, end := b.midLeft, b.midRight
	if p.first {
		left, end = b.topLeft, b.topRight
	}
	w, h := p.inner()
	room := w - 2 - width(title)
	if right != "" && width(right)+2 > room {
		right = ansi.Truncate(right, max(room-2, 0), l.more)
	}
	if right != "" {
		right = " " + right + " "
	}
	rule := strings.Repeat(b.h, max(room-width(right), 0))
	out := make([]string, 0, p.h)
	out = append(out, l.p(t, left)+l.fit(l.p(heading, " "+title+" ")+l.p(t, rule)+l.p(dim, right), w)+l.p(t, end))
	side := l.p(t, b.v)
	for i := range h {
		s := ""
		if i < len(text) {
			s = text[i]
		}
		out = append(out, side+l.fit(s, w)+side)
	}
	if p.last {
		out = append(out, l.p(t, b.bottomLeft+strings.Repeat(b.h, w)+b.bottomRight))
	}
	return out
}

// block is drawn text with its place.
type block struct {
	rect
	text []string
}

// compose joins blocks that tile the screen, in reading order, into h lines.
func compose(h int, blocks []block) string {
	rows := make([]strings.Builder, h)
	for _, b := range blocks {
		for i, s := range b.text[:min(len(b.text), b.h)] {
			rows[b.y+i].WriteString(s)
		}
	}
	var out strings.Builder
	for i := range rows {
		if i > 0 {
			out.WriteByte('\n')
		}
		out.WriteString(rows[i].String())
	}
	return out.String()
}

// scroll is the window of a text that may be longer than its pane.
type scroll struct{ top, long, high int }

func (s *scroll) move(by int) { s.top = min(max(s.top+by, 0), max(s.long-s.high, 0)) }

func (s *scroll) window(text []string, h int) []string {
	s.long, s.high = len(text), h
	s.move(0)
	return text[s.top:min(s.top+h, len(text))]
}

// to brings row at into a window of h rows.
func (s *scroll) to(at, h int) {
	if at < s.top {
		s.top = at
	} else if at >= s.top+h {
		s.top = at - h + 1
	}
}

// place says which part is in sight, empty when all is.
func (s *scroll) place() string {
	if s.long <= s.high || s.long == 0 {
		return ""
	}
	return itoa(min(s.top+s.high, s.long)) + "/" + itoa(s.long)
}
