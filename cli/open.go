package cli

import (
	"os"
	"runtime/debug"

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
			bound()
			return w.run(c, func() (link.Source, error) { return link.OpenFile(args[0]) })
		},
	}
	w.flags(c)
	return c
}

// memoryGoal is what the garbage collector keeps a watch on a file under, when it can: the machine on which a capture is
// opened is also the one on which a shop sells. What the program keeps of a file of any size is half of it.
const memoryGoal = 82 << 20

// bound asks the collector to stay under memoryGoal, and to wait until it is reached: collecting twice as often would cost
// more than most of the decoding does. The environment may say otherwise.
func bound() {
	if os.Getenv("GOMEMLIMIT") == "" && os.Getenv("GOGC") == "" {
		debug.SetMemoryLimit(memoryGoal)
		debug.SetGCPercent(200)
	}
}
