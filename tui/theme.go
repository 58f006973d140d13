package tui

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"slices"
	"strconv"
	"strings"
	"sync"

	"charm.land/lipgloss/v2"

	"tillscope/assets"
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
	differs  // what request and response do not have in common
	tokens
)

// tokenNames are the tokens as theme files name them.
var tokenNames = [tokens]string{"plain", "dim", "strong", "good", "warn", "bad", "accent", "edge", "edge-focus", "selected", "lit", "differs"}

// Theme is how tokens look, as a file in assets/themes or in the user's folder says.
type Theme struct {
	ID     string            `yaml:"id"`
	Titles map[string]string `yaml:"title"`
	Tokens map[string]paint  `yaml:"tokens"`
}

// paint is a colour by the name or number of the terminal's palette or as #rrggbb, and attributes.
type paint struct {
	FG        string `yaml:"fg"`
	BG        string `yaml:"bg"`
	Bold      bool   `yaml:"bold"`
	Faint     bool   `yaml:"faint"`
	Reverse   bool   `yaml:"reverse"`
	Underline bool   `yaml:"underline"`
}

var colourNames = []string{"black", "red", "green", "yellow", "blue", "magenta", "cyan", "white"}

// colour reads a colour's name, number or #rrggbb.
func colour(s string) (string, error) {
	if i := slices.Index(colourNames, strings.TrimPrefix(s, "bright-")); i >= 0 {
		if strings.HasPrefix(s, "bright-") {
			i += 8
		}
		return strconv.Itoa(i), nil
	}
	if n, err := strconv.ParseUint(s, 10, 8); err == nil {
		return strconv.Itoa(int(n)), nil
	}
	if n, err := strconv.ParseUint(strings.TrimPrefix(s, "#"), 16, 24); err == nil && len(s) == 7 && s[0] == '#' {
		return fmt.Sprintf("#%06x", n), nil
	}
	return "", fmt.Errorf("no colour %q: write a name (%s, or bright-red and so on), 0 to 255, or #rrggbb", s, strings.Join(colourNames, ", "))
}

// style turns a paint into what is drawn.
func (p paint) style() (lipgloss.Style, error) {
	s := lipgloss.NewStyle().Bold(p.Bold).Faint(p.Faint).Reverse(p.Reverse).Underline(p.Underline)
	if p.FG != "" {
		c, err := colour(p.FG)
		if err != nil {
			return s, err
		}
		s = s.Foreground(lipgloss.Color(c))
	}
	if p.BG != "" {
		c, err := colour(p.BG)
		if err != nil {
			return s, err
		}
		s = s.Background(lipgloss.Color(c))
	}
	return s, nil
}

// Themes reads the shipped themes and those in a user's folder, which may replace them; the folder need not exist. Errors
// of form carry file and line.
func Themes(folder string) ([]*Theme, error) {
	shipped, err := shippedThemes()
	out := slices.Clone(shipped)
	if err != nil || folder == "" {
		return out, err
	}
	own, err := readThemes(os.DirFS(folder), folder)
	if errors.Is(err, fs.ErrNotExist) {
		return out, nil
	}
	for _, t := range own {
		out = append(slices.DeleteFunc(out, func(o *Theme) bool { return o.ID == t.ID }), t)
	}
	return out, err
}

// shippedThemes are read once: the flags are checked against them before the screen takes them.
var shippedThemes = sync.OnceValues(func() ([]*Theme, error) {
	shipped, err := fs.Sub(assets.FS, "themes")
	if err != nil {
		return nil, err
	}
	return readThemes(shipped, "themes")
})

func readThemes(from fs.FS, folder string) (out []*Theme, err error) {
	files, err := fs.ReadDir(from, ".")
	if err != nil {
		return nil, err
	}
	for _, f := range files {
		if !strings.HasSuffix(f.Name(), ".yaml") {
			continue
		}
		name := path.Join(folder, f.Name())
		b, err := fs.ReadFile(from, f.Name())
		if err != nil {
			return nil, err
		}
		var t Theme
		file, err := assets.ReadYAML(name, b, &t)
		if err != nil {
			return nil, err
		}
		if t.ID == "" {
			return nil, file.Place(assets.Problemf("id", "a theme needs an id"))
		}
		if _, err := t.styles(); err != nil {
			return nil, file.Place(err)
		}
		out = append(out, &t)
	}
	return out, nil
}

// styles are the theme's looks by token. What a theme leaves out is plain.
func (t *Theme) styles() (out [tokens]lipgloss.Style, err error) {
	for name, p := range t.Tokens {
		i := slices.Index(tokenNames[:], name)
		if i < 0 {
			return out, assets.Problemf("tokens."+name, "no token %q: the tokens are %s", name, strings.Join(tokenNames[:], ", "))
		}
		if out[i], err = p.style(); err != nil {
			return out, assets.Problemf("tokens."+name, "%v", err)
		}
	}
	return out, nil
}

// look is how tokens and states appear.
type look struct {
	styles  [tokens]lipgloss.Style
	around  [tokens][2]string // what a style writes before and after its text: a screen has hundreds of pieces
	state   map[diagnostics.State]string
	toHost  string
	toTerm  string
	dot     string
	more    string // stands for what was cut off
	yuan    string
	mark    string // beside a marked row
	open    string // beside what is unfolded
	shut    string // beside what can be unfolded
	bars    []string
	borders borders
}

type borders struct{ h, v, topLeft, topRight, midLeft, midRight, bottomLeft, bottomRight string }

// newLook draws with a theme; without one, without colours and attributes.
func newLook(ascii bool, t *Theme) *look {
	l := &look{
		state:  map[diagnostics.State]string{diagnostics.OK: "●", diagnostics.Warn: "▲", diagnostics.Fail: "✖", diagnostics.Unknown: "○"},
		toHost: "→", toTerm: "←", dot: "·", more: "…", yuan: "¥", mark: "*", open: "▾", shut: "▸",
		bars:    []string{"▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"},
		borders: borders{"─", "│", "┌", "┐", "├", "┤", "└", "┘"},
	}
	if ascii {
		l.state = map[diagnostics.State]string{diagnostics.OK: "+", diagnostics.Warn: "!", diagnostics.Fail: "x", diagnostics.Unknown: "?"}
		l.toHost, l.toTerm, l.dot, l.more, l.yuan, l.open, l.shut = ">", "<", "-", "~", "CNY ", "v", ">"
		l.bars = []string{"_", ".", ":", "-", "=", "+", "*", "#"}
		l.borders = borders{"-", "|", "+", "+", "+", "+", "+", "+"}
	}
	if t != nil {
		l.styles, _ = t.styles() // checked when it was read
		for i, s := range l.styles {
			before, after, _ := strings.Cut(s.Render("x"), "x")
			l.around[i] = [2]string{before, after}
		}
	}
	return l
}

// asASCII stands in for the symbols that come in texts of the diagnosis and in forms, cell for cell.
var asASCII = strings.NewReplacer("·", "-", "–", "-", "—", "-", "…", "~", "→", ">", "←", "<", "¥", "Y", "×", "x", "“", "\"", "”", "\"", "‘", "'", "’", "'",
	"•", "*", "●", "+", "▲", "!", "✖", "x", "○", "?", "│", "|", "─", "-", "┃", "|", "█", "#")

// p paints s as what it means.
func (l *look) p(t token, s string) string {
	if t == plain || s == "" {
		return s
	}
	return l.around[t][0] + s + l.around[t][1]
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
