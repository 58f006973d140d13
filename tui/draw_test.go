package tui

import (
	"slices"
	"strings"
	"testing"

	"github.com/charmbracelet/x/ansi"
)

func TestFold(t *testing.T) {
	for _, c := range []struct {
		s    string
		w    int
		want []string
	}{
		{"", 10, []string{""}},
		{"one two three", 9, []string{"one two", "  three"}},
		{"one two", 9, []string{"one two"}},
		{"检查路由器，换线", 10, []string{"检查路由", "  器，换线"}},
		{"共 2 处 #8 #10", 11, []string{"共 2 处", "  #8 #10"}},
		{"abcdefghij", 6, []string{"abcd", "  efgh", "  ij"}},
	} {
		got := fold(c.s, c.w, "  ")
		if !slices.Equal(got, c.want) {
			t.Errorf("%q in %d: %q, want %q", c.s, c.w, got, c.want)
		}
	}
}

func FuzzFold(f *testing.F) {
	f.Add("one two 三四 five", 8)
	f.Add("e\u0301\u200d\U0001F468", 3)
	f.Fuzz(func(t *testing.T, s string, w int) {
		if w < 6 || w > 200 || len(s) > 400 || strings.ContainsFunc(s, func(r rune) bool { return r < 0x20 || r == 0x7F || r == 0xFFFD || r >= 0x80 && r < 0xA0 }) {
			t.Skip()
		}
		for _, line := range fold(s, w, "  ") {
			if ansi.StringWidth(line) > w {
				t.Errorf("%q in %d: %q is too long", s, w, line)
			}
		}
	})
}
