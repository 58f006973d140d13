package assets

import (
	"io/fs"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"
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

// The texts are YAML to editors and translators: what is read by hand must be what a YAML library reads.
func TestTextsAreYAML(t *testing.T) {
	for _, id := range Languages {
		l, err := Language(id)
		if err != nil {
			t.Fatal(err)
		}
		files, err := fs.Glob(FS, "lang/"+id+"/*.yaml")
		if err != nil || len(files) == 0 {
			t.Fatal(files, err)
		}
		all := 0
		for _, name := range files {
			b, err := fs.ReadFile(FS, name)
			if err != nil {
				t.Fatal(err)
			}
			texts := map[string]string{}
			if err := yaml.Unmarshal(b, &texts); err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			for key, text := range texts {
				if l.texts[key] != text {
					t.Errorf("%s: %s is %q, read as %q", name, key, text, l.texts[key])
				}
			}
			all += len(texts)
		}
		if all != len(l.texts) {
			t.Errorf("%s: %d texts in its files, %d read", id, all, len(l.texts))
		}
	}
}

func TestMistakesInTextsAreNamed(t *testing.T) {
	for _, c := range []struct{ src, want string }{
		{"a: \"x\"\nb: x", "2: want"}, {"a: \"x\"\n\n# b\na: \"y\"", "4: a has a text already"}, {"a:", "1: want"}, {"a: 'x'", "1: want"}, {"a: \"x", "1: want"}, {"{}", "1: want"},
	} {
		l := &Lang{texts: map[string]string{}}
		if err := l.read(c.src); err == nil || !strings.HasPrefix(err.Error(), c.want) {
			t.Errorf("%q: %v, want %s", c.src, err, c.want)
		}
	}
}
