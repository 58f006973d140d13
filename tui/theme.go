package tui

import (
	"charm.land/lipgloss/v2"

	"tillscope/diagnostics"
)

// token is what a piece of text means. Colours follow from it in one place, and never carry the meaning alone.
type token int

const (
	plain  token = iota
	dim          // secondary
	strong       // what to read first
	good
	warn
	bad
	accent // names of what can be acted on
	edge
	edgeFocus
	selected // the row or field under the cursor
	lit      // bytes of the selected field
	tokens
)

// look is how tokens and states appear. The colours are the terminal's own sixteen, which its user has made readable.
type look struct {
	styles  [tokens]lipgloss.Style
	state   map[diagnostics.State]string
	toHost  string
	toTerm  string
	dot     string
	more    string // stands for what was cut off
	yuan    string
	ascii   bool
	borders borders
}

type borders struct{ h, v, topLeft, topRight, midLeft, midRight, bottomLeft, bottomRight string }

func newLook(ascii bool) *look {
	s := func() lipgloss.Style { return lipgloss.NewStyle() }
	l := &look{
		state:  map[diagnostics.State]string{diagnostics.OK: "●", diagnostics.Warn: "▲", diagnostics.Fail: "✖", diagnostics.Unknown: "○"},
		toHost: "→", toTerm: "←", dot: "·", more: "…", yuan: "¥",
		borders: borders{"─", "│", "┌", "┐", "├", "┤", "└", "┘"},
	}
	if ascii {
		l.state = map[diagnostics.State]string{diagnostics.OK: "+", diagnostics.Warn: "!", diagnostics.Fail: "x", diagnostics.Unknown: "?"}
		l.toHost, l.toTerm, l.dot, l.more, l.yuan, l.ascii = ">", "<", "-", "~", "CNY ", true
		l.borders = borders{"-", "|", "+", "+", "+", "+", "+", "+"}
	}
	l.styles = [tokens]lipgloss.Style{
		plain: s(), dim: s().Faint(true), strong: s().Bold(true),
		good: s().Foreground(lipgloss.Green), warn: s().Foreground(lipgloss.Yellow), bad: s().Foreground(lipgloss.Red).Bold(true),
		accent: s().Foreground(lipgloss.Cyan), edge: s().Faint(true), edgeFocus: s().Foreground(lipgloss.Cyan).Bold(true),
		selected: s().Reverse(true), lit: s().Reverse(true).Bold(true),
	}
	return l
}

// p paints s as what it means.
func (l *look) p(t token, s string) string {
	if t == plain || s == "" {
		return s
	}
	return l.styles[t].Render(s)
}

func tokenOf(s diagnostics.State) token {
	switch s {
	case diagnostics.OK:
		return good
	case diagnostics.Warn:
		return warn
	case diagnostics.Fail:
		return bad
	}
	return dim
}
