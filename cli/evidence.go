package cli

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"tillscope/diagnostics"
)

// given are what a person gives the diagnosis beside the line: the acquirer's statement, and a tree of one's own.
type given struct {
	statement string
	columns   []string
	tree      string
}

// take reads what was given. Rows of a statement that cannot be read are told on errs and do not stop the rest.
func (g *given) take(o *diagnostics.Options, errs io.Writer) error {
	if g.tree != "" {
		src, err := os.ReadFile(g.tree)
		if err != nil {
			return fmt.Errorf("the tree cannot be read: %w", err)
		}
		if o.Tree, err = diagnostics.ReadTree(g.tree, src); err != nil {
			return usageError{err}
		}
	}
	names := map[string]string{}
	for _, c := range g.columns {
		what, title, ok := strings.Cut(c, "=")
		if !ok || title == "" {
			return usagef("--statement-column %s: want COLUMN=TITLE, as in rrn=参考号", c)
		}
		names[what] = title
	}
	if g.statement == "" {
		if len(names) > 0 {
			return usagef("--statement-column goes with --statement")
		}
		return nil
	}
	f, err := os.Open(g.statement)
	if err != nil {
		return fmt.Errorf("the statement cannot be read: %w", err)
	}
	defer func() { _ = f.Close() }()
	if o.Statement, err = readStatement(g.statement, f, names); err != nil {
		return err
	}
	for _, p := range o.Statement.Problems {
		_, _ = fmt.Fprintf(errs, "%s: %s\n", g.statement, diagnostics.Clean(p))
	}
	return nil
}

// readStatement reads a statement by the user's own rules where there are any.
func readStatement(name string, in io.Reader, names map[string]string) (*diagnostics.Statement, error) {
	rules, err := os.ReadFile(filepath.Join(configFolder(), "statement.yaml"))
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return nil, fmt.Errorf("your rules for statements cannot be read: %w", err)
	}
	return diagnostics.ReadStatement(name, in, names, rules)
}

// ownStatement keeps the statement that the simulated acquirer writes, so that a scenario about the payout can be judged: no
// line shows one.
type ownStatement struct {
	bytes.Buffer
	also io.WriteCloser // the file that was asked for, nil for none
}

func (s *ownStatement) Write(p []byte) (int, error) {
	if s.also != nil {
		if n, err := s.also.Write(p); err != nil {
			return n, err
		}
	}
	return s.Buffer.Write(p)
}

func (s *ownStatement) Close() error {
	if s.also != nil {
		return s.also.Close()
	}
	return nil
}
