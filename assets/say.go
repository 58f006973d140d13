package assets

import (
	"cmp"
	"regexp"
	"slices"
	"strings"
	"sync"
)

// saying is an English sentence of the program with blanks, by which it is known again.
type saying struct {
	key   string
	form  *regexp.Regexp
	fixed int // letters that are no blank: the more, the surer
}

// sayings are the sentences that Say knows, the surest first. Nobody waits for them before something has to be said.
var sayings = sync.OnceValue(func() (out []saying) {
	en, err := Language(Languages[0])
	if err != nil {
		return nil
	}
	for key, text := range en.texts {
		switch kind, _, _ := strings.Cut(key, "."); kind {
		case "error", "said", "note":
			pieces := strings.Split(text, "%s")
			s := saying{key: key, fixed: len(text) - 2*len(pieces)}
			for i := range pieces {
				pieces[i] = regexp.QuoteMeta(strings.ReplaceAll(pieces[i], "%%", "%"))
			}
			s.form = regexp.MustCompile(`(?s)^` + strings.Join(pieces, `(.*?)`) + `$`)
			out = append(out, s)
		}
	}
	slices.SortFunc(out, func(a, b saying) int { return cmp.Or(b.fixed-a.fixed, strings.Compare(a.key, b.key)) })
	return out
})

// Say puts an error or a notice into the language. These are English where they arise, for an error passes through many
// hands; a sentence is known again by its words, and so are those within it. What is not known stays as it is.
func (l *Lang) Say(text string) string {
	if l.ID == Languages[0] || text == "" {
		return text
	}
	if lines := strings.Split(text, "\n"); len(lines) > 1 {
		for i := range lines {
			lines[i] = l.Say(lines[i])
		}
		return strings.Join(lines, "\n")
	}
	if where := place.FindString(text); where != "" {
		return where + l.Say(text[len(where):])
	}
	for _, s := range sayings() {
		found := s.form.FindStringSubmatch(text)
		if found == nil {
			continue
		}
		blanks := make([]any, len(found)-1)
		for i, b := range found[1:] {
			blanks[i] = l.Say(b)
		}
		return l.T(s.key, blanks...)
	}
	if name := name.FindString(text); name != "" {
		return name + l.Say(text[len(name):])
	}
	return text
}

// What may stand before a sentence: a file with the line, or the name of what is wrong.
var (
	place = regexp.MustCompile(`^\S[^\n]*?\.ya?ml:[0-9]+: `)
	name  = regexp.MustCompile(`^[a-z][a-z0-9.\[\]-]*: `)
)
