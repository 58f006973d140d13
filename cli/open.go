package cli

import (
	"github.com/spf13/cobra"

	"tillscope/link"
)

func openCommand() *cobra.Command {
	var w watch
	c := &cobra.Command{
		Use:   "open FILE|-",
		Short: "Open a capture, or a log with frames in hex",
		Long: `Open a capture (pcap or pcapng, of any link layer, with gzip or without), a recording, or text with frames in hex: one a line,
a log with times and directions as terminals and hosts write it, or dumps. What cannot be read of it is counted and said.

- is standard input, and shows what streams in as it comes: tcpdump -i eth0 -U -w - tcp port 8583 | tillscope open -`,
		Args: exactly(1, "the capture or log to open, or - for standard input"),
		RunE: func(c *cobra.Command, args []string) error {
			sparing(memoryOfFile, 200)
			w.reads = args[0]
			return w.run(c, func() (link.Source, error) { return link.OpenFile(args[0]) })
		},
	}
	w.flags(c)
	return c
}
