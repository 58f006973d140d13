// Package assets holds what the program knows as data: dialects, the decision tree, response codes, scenarios and
// languages. It only reads and hands out; what the data means is the business of the package that uses it.
package assets

import (
	"embed"
	"fmt"
	"io/fs"
	"path"
	"strconv"
	"strings"
	"sync"
)

// FS is every shipped data file, under its path in this folder ("dialects/cup.json", "tree.yaml").
//
//go:embed dialects lang reports scenarios themes *.yaml diagnostics.json
var FS embed.FS

// Lang is one interface language: texts by key, read from every file in lang/ID.
type Lang struct {
	ID       string
	texts    map[string]string
	fallback *Lang
}

// Languages lists the language ids that ship, the default first.
var Languages = []string{"en", "zh"}

// loaded are the languages that ship, each read when it is first asked for. The first is the others' fallback.
var loaded = func() map[string]func() (*Lang, error) {
	out := map[string]func() (*Lang, error){}
	for _, id := range Languages {
		first := out[Languages[0]]
		out[id] = sync.OnceValues(func() (*Lang, error) {
			if first == nil {
				return readLanguage(id, nil)
			}
			fallback, err := first()
			if err != nil {
				return nil, err
			}
			return readLanguage(id, fallback)
		})
	}
	return out
}()

func readLanguage(id string, fallback *Lang) (*Lang, error) {
	l := &Lang{ID: id, texts: map[string]string{}, fallback: fallback}
	dir := path.Join("lang", id)
	files, err := fs.ReadDir(FS, dir)
	if err != nil {
		return nil, err
	}
	for _, f := range files {
		b, err := fs.ReadFile(FS, path.Join(dir, f.Name()))
		if err != nil {
			return nil, err
		}
		if err := l.read(string(b)); err != nil {
			return nil, fmt.Errorf("%s/%s:%w", dir, f.Name(), err)
		}
	}
	return l, nil
}

// read takes in a file of texts: a line each, key: "text", which is the least of YAML and the reason why it is read by hand. A
// YAML library takes 14 ms for a language, all of them before the first screen.
func (l *Lang) read(src string) error {
	n := 0
	for line := range strings.Lines(src) {
		n++
		line = strings.TrimSpace(line)
		if line == "" || line[0] == '#' {
			continue
		}
		key, quoted, _ := strings.Cut(line, ": ")
		text, err := strconv.Unquote(quoted)
		if err != nil || quoted[0] != '"' {
			return fmt.Errorf("%d: want a line of the form key: \"text\"", n)
		}
		key = strings.Trim(key, `"`)
		if _, twice := l.texts[key]; twice {
			return fmt.Errorf("%d: %s has a text already", n, key)
		}
		l.texts[key] = text
	}
	return nil
}

// Language finds a language by id. An unknown id is an error that names those that ship.
func Language(id string) (*Lang, error) {
	load, ok := loaded[id]
	if !ok {
		return nil, fmt.Errorf("no language %q: choose one of %s", id, strings.Join(Languages, ", "))
	}
	return load()
}

// T is the text of key with args set in (fmt verbs). A key that a language lacks falls back to English, and a key that
// English lacks shows as itself, so that a gap is seen and never blank.
func (l *Lang) T(key string, args ...any) string {
	for at := l; at != nil; at = at.fallback {
		if s, ok := at.texts[key]; ok {
			if len(args) == 0 {
				return s
			}
			return fmt.Sprintf(s, args...)
		}
	}
	return key
}

// Find is the text of a key, or nothing when there is none.
func (l *Lang) Find(key string) string {
	for at := l; at != nil; at = at.fallback {
		if s, ok := at.texts[key]; ok {
			return s
		}
	}
	return ""
}

// Field is the name of a field: dialects give it in English.
func (l *Lang) Field(english string) string {
	if s := l.Find("field." + english); s != "" {
		return s
	}
	return english
}

// N is T for a text about n things: the text of key.one when n is one and the language tells one from many.
func (l *Lang) N(key string, n int, args ...any) string {
	for at := l; n == 1 && at != nil; at = at.fallback {
		if at.Has(key + ".one") {
			return l.T(key+".one", args...)
		}
		if at.Has(key) {
			break
		}
	}
	return l.T(key, args...)
}

// Has says whether the language itself has a text for key.
func (l *Lang) Has(key string) bool { _, ok := l.texts[key]; return ok }

// Keys is every key that the language has a text for.
func (l *Lang) Keys() []string {
	keys := make([]string, 0, len(l.texts))
	for k := range l.texts {
		keys = append(keys, k)
	}
	return keys
}
