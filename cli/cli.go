// Package cli is the command line, one file a command: it turns arguments into a source, a session and a front end. It
// must not know how any of them works.
package cli

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/adrg/xdg"
	"github.com/spf13/cobra"

	"tillscope/wire"
)

// Exit codes of the program.
const (
	exitDone   = 0
	exitFailed = 1 // one clear line on standard error says what failed
	exitUsage  = 2
)

// usageError is a mistake in the arguments.
type usageError struct{ error }

func usagef(format string, args ...any) error { return usageError{fmt.Errorf(format, args...)} }

// Main runs the command line and answers the exit code.
func Main() int {
	c, err := newRoot().ExecuteC()
	if errors.Is(err, errFault) {
		return exitFault
	}
	if err == nil {
		return exitDone
	}
	fmt.Fprintln(os.Stderr, "tillscope:", err)
	if errors.As(err, new(usageError)) {
		what := "its flags"
		if c.HasSubCommands() {
			what = "the commands and their flags"
		}
		fmt.Fprintf(os.Stderr, "Run `%s --help` for %s.\n", c.CommandPath(), what)
		return exitUsage
	}
	return exitFailed
}

func newRoot() *cobra.Command {
	var s store
	root := &cobra.Command{
		Use:           "tillscope",
		Short:         "Find out why the card was taken and the money did not arrive",
		SilenceErrors: true,
		SilenceUsage:  true,
		// Without this, cobra takes an unknown command for an argument of the root and says nothing.
		Args: func(c *cobra.Command, args []string) error {
			if len(args) == 0 {
				return nil
			}
			if near := c.SuggestionsFor(args[0]); len(near) > 0 {
				return usagef("no command %q: did you mean %s?", args[0], strings.Join(near, " or "))
			}
			return usagef("no command %q", args[0])
		},
		SuggestionsMinimumDistance: 2,
		RunE:                       func(c *cobra.Command, _ []string) error { return s.play(c, showcase) },
	}
	root.PersistentPreRunE = func(*cobra.Command, []string) error {
		if err := wire.AddDialects(filepath.Join(xdg.ConfigHome, "tillscope", "dialects")); err != nil {
			return usageError{err}
		}
		return nil
	}
	s.flags(root)
	root.SetFlagErrorFunc(func(_ *cobra.Command, err error) error { return usageError{err} })
	root.AddCommand(simCommand(), tapCommand(), serialCommand(), captureCommand(), openCommand(), decodeCommand(), explainCommand(), generateCommand(), hostCommand(), terminalCommand(), manCommand(), versionCommand())
	return root
}
