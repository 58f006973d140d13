package cli

import (
	"slices"
	"strings"
	"testing"
	"unicode"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"tillscope/assets"
)

// Every command and every flag says what it is for, in every language.
func TestHelpSpeaksEveryLanguage(t *testing.T) {
	for _, id := range assets.Languages {
		l, err := assets.Language(id)
		if err != nil {
			t.Fatal(err)
		}
		root := newRoot()
		speak(root, l)
		han := func(s string) bool {
			return strings.ContainsFunc(s, func(r rune) bool { return unicode.Is(unicode.Han, r) })
		}
		for _, c := range slices.Concat([]*cobra.Command{root}, root.Commands()) {
			if c.Hidden {
				continue // of no use at a till
			}
			if han(c.Short) != (id == "zh") || c.Short == "" {
				t.Errorf("%s in %s is for %q", c.Name(), id, c.Short)
			}
			c.LocalFlags().VisitAll(func(f *pflag.Flag) {
				if f.Usage == "" || han(f.Usage) != (id == "zh") {
					t.Errorf("%s --%s in %s is for %q", c.Name(), f.Name, id, f.Usage)
				}
			})
		}
	}
}
