package cli

import (
	"github.com/spf13/cobra"

	"tillscope/link"
)

func openCommand() *cobra.Command {
	var w watch
	c := &cobra.Command{
		Use:  "open FILE|-",
		Args: exactly(1, "the capture or log to open, or - for standard input"),
		RunE: func(c *cobra.Command, args []string) error {
			sparing(memoryOfFile, 200)
			w.reads = args[0]
			return w.run(c, func() (link.Source, error) { return link.OpenFile(args[0], plainMessages(w.wire)) })
		},
	}
	w.flags(c)
	return c
}
