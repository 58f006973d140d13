package sim

import (
	"errors"
	"fmt"
	"strings"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/parser"
)

// parse reads one scenario. Errors name file, line and reason.
func parse(name string, b []byte) (Scenario, error) {
	var s Scenario
	file, err := parser.ParseBytes(b, 0)
	if err == nil {
		err = yaml.UnmarshalWithOptions(b, &s, yaml.Strict())
	}
	if err != nil {
		var at yaml.Error
		if errors.As(err, &at) && at.GetToken() != nil {
			return s, fmt.Errorf("%s:%d: %s", name, at.GetToken().Position.Line, at.GetMessage())
		}
		return s, fmt.Errorf("%s:%d: %w", name, quotedLine(b, err), err)
	}
	var p problem
	if err := s.check(); errors.As(err, &p) {
		return s, fmt.Errorf("%s:%d: %s", name, lineOf(file, p.at), p.why)
	}
	return s, nil
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
