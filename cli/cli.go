// Package cli is the command line, one file a command: it turns arguments into a source, a session and a front end. It
// must not know how any of them works.
package cli

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/adrg/xdg"
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"tillscope/link"
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

// asUsage makes wrong use of what can be right on no machine.
func asUsage(err error) error {
	if errors.As(err, new(link.Mistake)) {
		return usageError{err}
	}
	return err
}

// unlessFile makes wrong use of every error but that a file is not there or cannot be read.
func unlessFile(err error) error {
	if errors.As(err, new(*fs.PathError)) {
		return err
	}
	return usageError{err}
}

// flagError says what a flag wants instead of what Go's own parsers call wrong.
func flagError(_ *cobra.Command, err error) error {
	var invalid *pflag.InvalidValueError
	if !errors.As(err, &invalid) {
		return usageError{err}
	}
	want := map[string]string{"duration": "a time, as in 30s, 5m or 1h", "int": "a whole number", "int64": "a whole number", "float64": "a number", "uintSlice": "port numbers, as in 8583", "bool": "true or false"}
	f := invalid.GetFlag()
	return usagef("--%s %s: want %s", f.Name, invalid.GetValue(), cmp.Or(want[f.Value.Type()], "another value"))
}

// Main runs the command line and answers the exit code.
func Main() int {
	c, err := newRoot().ExecuteC()
	if errors.Is(err, errFault) {
		return exitFault
	}
	if err == nil {
		return exitDone
	}
	l := helpLanguage(c)
	fmt.Fprintln(os.Stderr, "tillscope:", l.Say(err.Error()))
	if errors.As(err, new(usageError)) {
		more := "said.run.one"
		if c.HasSubCommands() {
			more = "said.run.all"
		}
		fmt.Fprintln(os.Stderr, l.T(more, c.CommandPath()))
		return exitUsage
	}
	return exitFailed
}

func newRoot() *cobra.Command {
	var s store
	root := &cobra.Command{
		Use:                        "tillscope",
		SilenceErrors:              true,
		SilenceUsage:               true,
		Args:                       noCommand, // else cobra takes an unknown command for an argument of the root and says nothing
		SuggestionsMinimumDistance: 2,
		Version:                    version(),
		RunE:                       func(c *cobra.Command, _ []string) error { return s.play(c, showcase) },
	}
	root.PersistentPreRunE = func(c *cobra.Command, _ []string) error {
		if strings.HasPrefix(c.Name(), cobra.ShellCompRequestCmd) {
			speak(root, helpLanguage(c))
		}
		if err := wire.AddDialects(filepath.Join(xdg.ConfigHome, "tillscope", "dialects")); err != nil {
			return usageError{err}
		}
		return nil
	}
	s.flags(root)
	root.SetFlagErrorFunc(flagError)
	root.AddCommand(simCommand(), tapCommand(), serialCommand(), captureCommand(), openCommand(), decodeCommand(), explainCommand(), generateCommand(), hostCommand(), terminalCommand(), manCommand(), versionCommand())
	refuseUnknown(root)
	helpInLanguage(root)
	return root
}

// noCommand refuses an argument that is no command.
func noCommand(c *cobra.Command, args []string) error {
	if len(args) == 0 {
		return nil
	}
	if near := c.SuggestionsFor(args[0]); len(near) > 0 {
		return usagef("no command %q: did you mean %s?", args[0], strings.Join(near, " or "))
	}
	return usagef("no command %q", args[0])
}

// refuseUnknown makes wrong use of what cobra's own commands answer with their help.
func refuseUnknown(root *cobra.Command) {
	root.SetVersionTemplate("{{.Name}} {{.Version}}\n")
	root.InitDefaultHelpCmd()
	root.InitDefaultCompletionCmd()
	for _, c := range root.Commands() {
		switch c.Name() {
		case "help":
			c.Run, c.RunE = nil, func(c *cobra.Command, args []string) error {
				about, rest, err := root.Find(args)
				if err != nil {
					return err
				}
				if err := noCommand(about, rest); about.HasSubCommands() && err != nil {
					return err
				}
				return about.Help()
			}
		case "completion":
			c.Args, c.RunE = noCommand, func(c *cobra.Command, _ []string) error { return c.Help() }
		}
	}
}
