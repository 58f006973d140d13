package assets

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"regexp"
	"strings"
	"unicode/utf8"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/parser"
)

// Problem is what is wrong with what a user wrote, and at which of its names: faults[2].share, keys.quit.
type Problem struct{ At, Why string }

func (p Problem) Error() string { return p.At + ": " + p.Why }

// Problemf makes a [Problem].
func Problemf(at, format string, args ...any) error { return Problem{at, fmt.Sprintf(format, args...)} }

// File is a YAML file of a user's, as it was read.
type File struct {
	name string
	file *ast.File
}

// ReadYAML reads what a user may have written into a struct that names all that it may hold. Errors begin with name and line, and
// say what is wrong in the words of a person who writes such a file, for [Lang.Say] to put into a language: the library's own
// speak of Go's types. An empty file changes nothing.
func ReadYAML(name string, b []byte, into any) (*File, error) {
	at := func(line int, why string) error { return fmt.Errorf("%s:%d: %s", name, line, why) }
	b = bytes.TrimPrefix(b, []byte("\ufeff")) // as editors of Windows put in front
	if n := len(b) - len(bytes.TrimLeftFunc(b, func(r rune) bool { return r != utf8.RuneError })); !utf8.Valid(b) {
		return nil, at(1+bytes.Count(b[:n], []byte("\n")), "this is not UTF-8: save the file as UTF-8")
	}
	file, err := parser.ParseBytes(b, 0)
	if err == nil && len(file.Docs) > 1 && file.Docs[1].Body != nil {
		return nil, at(file.Docs[1].Start.Position.Line, "the file ends here: put what follows into a file of its own")
	}
	if err == nil && len(file.Docs) > 0 && file.Docs[0].Body != nil {
		err = yaml.NodeToValue(file.Docs[0].Body, into, yaml.Strict())
	}
	var said yaml.Error
	switch {
	case err == nil || errors.Is(err, io.EOF):
		return &File{name, file}, nil
	case errors.As(err, &said) && said.GetToken() != nil:
		return nil, at(said.GetToken().Position.Line, plainly(said.GetMessage()))
	}
	return nil, at(quotedLine(b, err), plainly(err.Error()))
}

// Place puts file and line before a [Problem], and before each of several that were joined.
func (f *File) Place(err error) error {
	if several, ok := err.(interface{ Unwrap() []error }); ok {
		var out []error
		for _, err := range several.Unwrap() {
			out = append(out, f.Place(err))
		}
		return errors.Join(out...)
	}
	var p Problem
	if !errors.As(err, &p) {
		return err
	}
	return fmt.Errorf("%s:%d: %s", f.name, f.line(p.At), p.Why)
}

// line is where a name stands, or what holds it when it is not there.
func (f *File) line(at string) int {
	for ; at != ""; at = at[:max(strings.LastIndexAny(at, ".["), 0)] {
		p, err := yaml.PathString("$." + at)
		if err != nil {
			continue
		}
		if n, err := p.FilterFile(f.file); err == nil && n != nil && n.GetToken() != nil {
			return n.GetToken().Position.Line
		}
	}
	return 1
}

var (
	wrongType = regexp.MustCompile(`^cannot unmarshal (.+) into Go .*type (\S+?)( \( overflow \))?$`)
	wrongForm = regexp.MustCompile(`^(\w+) was used where (\w+) is expected$`)
	noSetting = regexp.MustCompile(`^unknown field "(.*)"$`)
	twice     = regexp.MustCompile(`^mapping key "(.*)" already defined at`)
	open      = regexp.MustCompile(`end token .* not found|could not find (end character|flow mapping end)|must be specified|corresponding to`)
	wants     = map[string]string{"time.Duration": "a time, as in 4s or 500ms", "int": "a whole number", "int64": "a whole number", "float64": "a number",
		"bool": "true or false", "string": "text", "sequence": "a list, as in [1, 2]", "mapping": "names with values, as in {name: value}"}
)

// plainly says in the words of who writes a file what the library says in those of Go.
func plainly(said string) string {
	want := ""
	if m := wrongType.FindStringSubmatch(said); m != nil {
		want = m[2]
	} else if m := wrongForm.FindStringSubmatch(said); m != nil {
		want = m[2]
	}
	if m := noSetting.FindStringSubmatch(said); m != nil {
		return fmt.Sprintf("nothing is called %q here", m[1])
	}
	if m := twice.FindStringSubmatch(said); m != nil {
		return fmt.Sprintf("%q stands here for the second time", m[1])
	}
	switch {
	case wants[want] != "":
		return "here stands something else than " + wants[want]
	case strings.HasPrefix(said, "time: "):
		return strings.TrimPrefix(said, "time: ") + ": want " + wants["time.Duration"]
	case open.MatchString(said):
		return "a bracket or a quotation mark that begins here does not end"
	case strings.Contains(said, "tab character"):
		return "a tab stands here: indent with blanks"
	}
	return "this cannot be read: look at the indentation, the colons, the brackets and the quotation marks here and in the line before"
}

// quotedLine is the first line that holds what an error quotes: the library does not say where a time is that it cannot
// read.
func quotedLine(b []byte, err error) int {
	if q := strings.Split(err.Error(), `"`); len(q) > 2 {
		if before, _, found := strings.Cut(string(b), q[len(q)-2]); found {
			return 1 + strings.Count(before, "\n")
		}
	}
	return 1
}
