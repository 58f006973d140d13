package assets

import (
	"regexp"
	"slices"
	"strings"
	"testing"
)

var verb = regexp.MustCompile(`%(\[\d+\])?[-+ 0#]*[\d.]*[a-zA-Z%]`)

// Texts of a language must fill the same blanks as the English ones, in whatever order.
func TestLanguagesSayTheSame(t *testing.T) {
	en, err := Language("en")
	if err != nil {
		t.Fatal(err)
	}
	for _, id := range Languages[1:] {
		l, err := Language(id)
		if err != nil {
			t.Fatal(err)
		}
		for _, key := range en.Keys() {
			if !l.Has(key) {
				if strings.HasSuffix(key, ".one") {
					continue // a language may not tell one from many
				}
				t.Errorf("%s lacks %s", id, key)
				continue
			}
			if a, b := verbs(en.texts[key]), verbs(l.texts[key]); a != b {
				t.Errorf("%s in %s fills %s, the English text %s", key, id, b, a)
			}
		}
		for _, key := range l.Keys() {
			// Names of fields are English in the dialects themselves.
			if !en.Has(key) && !strings.HasPrefix(key, "field.") {
				t.Errorf("%s has %s, which English lacks", id, key)
			}
		}
	}
}

func verbs(s string) string {
	kinds := make([]string, 0, 4)
	for _, v := range verb.FindAllString(s, -1) {
		kinds = append(kinds, v[len(v)-1:])
	}
	slices.Sort(kinds)
	return strings.Join(kinds, "")
}
