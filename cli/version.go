package cli

import (
	"cmp"
	"fmt"
	"runtime/debug"

	"github.com/spf13/cobra"
)

// version is the program's own, as the Go toolchain stamped it: a release's tag, or the revision that was built.
func version() string {
	b, ok := debug.ReadBuildInfo()
	if !ok {
		return "unknown"
	}
	rev, changed := "", ""
	for _, s := range b.Settings {
		switch {
		case s.Key == "vcs.revision":
			rev = s.Value[:min(12, len(s.Value))]
		case s.Key == "vcs.modified" && s.Value == "true":
			changed = "+changes"
		}
	}
	if v := b.Main.Version; v != "" && v != "(devel)" {
		return v
	}
	return cmp.Or(rev+changed, "devel")
}

// toolName is how reports name the program that made them.
func toolName() string { return "tillscope " + version() }

func versionCommand() *cobra.Command {
	return &cobra.Command{
		Use:  "version",
		Args: exactly(0, "no argument"),
		RunE: func(c *cobra.Command, _ []string) error {
			_, err := fmt.Fprintln(c.OutOrStdout(), toolName())
			return err
		},
	}
}
