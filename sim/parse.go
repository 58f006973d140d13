package sim

import (
	"bytes"
	"errors"
	"fmt"
	"regexp"
	"strings"
	"unicode/utf8"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/parser"
)

// parse reads one scenario. Errors name file, line and reason.
func parse(name string, b []byte) (Scenario, error) {
	var s Scenario
	b = bytes.TrimPrefix(b, []byte("\ufeff")) // as editors of Windows put in front
	if n := len(b) - len(bytes.TrimLeftFunc(b, func(r rune) bool { return r != utf8.RuneError })); !utf8.Valid(b) {
		return s, fmt.Errorf("%s:%d: this is not UTF-8: save the file as UTF-8", name, 1+bytes.Count(b[:n], []byte("\n")))
	}
	file, err := parser.ParseBytes(b, 0)
	if err == nil && len(file.Docs) > 1 && file.Docs[1].Body != nil {
		return s, fmt.Errorf("%s:%d: a file holds one scenario: put the next one into a file of its own", name, file.Docs[1].Start.Position.Line)
	}
	if err == nil {
		err = yaml.UnmarshalWithOptions(b, &s, yaml.Strict())
	}
	if err != nil {
		var at yaml.Error
		if errors.As(err, &at) && at.GetToken() != nil {
			return s, fmt.Errorf("%s:%d: %s", name, at.GetToken().Position.Line, plainly(at.GetMessage()))
		}
		return s, fmt.Errorf("%s:%d: %s", name, quotedLine(b, err), plainly(err.Error()))
	}
	var p problem
	if err := s.check(); errors.As(err, &p) {
		return s, fmt.Errorf("%s:%d: %s", name, lineOf(file, p.at), p.why)
	}
	return s, nil
}

var (
	wrongType = regexp.MustCompile(`^cannot unmarshal (.+) into Go .*type (\S+)( \( overflow \))?$`)
	wrongForm = regexp.MustCompile(`^(\w+) was used where (\w+) is expected$`)
	wants     = map[string]string{"time.Duration": "a time, as in 4s or 500ms", "int": "a whole number", "int64": "a whole number", "float64": "a number",
		"bool": "true or false", "string": "text", "sequence": "a list, as in [1, 2]", "mapping": "names with values, as in {every: 4s}"}
)

// plainly says in the words of who writes a scenario what the library says in those of Go.
func plainly(said string) string {
	want := ""
	if m := wrongType.FindStringSubmatch(said); m != nil {
		want = m[2]
	} else if m := wrongForm.FindStringSubmatch(said); m != nil {
		want = m[2]
	}
	switch {
	case wants[want] != "":
		return "here stands something else than " + wants[want]
	case strings.HasPrefix(said, "time: "):
		return strings.TrimPrefix(said, "time: ") + ": want " + wants["time.Duration"]
	}
	return said
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

// lineOf is where a parameter stands, or what holds it when it is not there.
func lineOf(file *ast.File, at string) int {
	for ; at != ""; at = at[:max(strings.LastIndexAny(at, ".["), 0)] {
		p, err := yaml.PathString("$." + at)
		if err != nil {
			continue
		}
		if n, err := p.FilterFile(file); err == nil && n != nil && n.GetToken() != nil {
			return n.GetToken().Position.Line
		}
	}
	return 1
}
