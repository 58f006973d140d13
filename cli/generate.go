package cli

import (
	"errors"
	"fmt"
	"os"

	"github.com/charmbracelet/x/term"
	"github.com/spf13/cobra"

	"tillscope/link"
	"tillscope/sim"
)

// generateCommand makes captures for benchmarks and tests. It is hidden: nobody at a till needs it.
func generateCommand() *cobra.Command {
	t := sim.Traffic{}
	var m link.Mishaps
	c := &cobra.Command{
		Use:    "generate FILE|-",
		Short:  "Write a capture of made-up traffic, for benchmarks",
		Hidden: true,
		Args:   exactly(1, "the pcap file to write, or - for standard output"),
		RunE: func(c *cobra.Command, args []string) (err error) {
			t.Mishaps = m
			if args[0] == "-" {
				if term.IsTerminal(os.Stdout.Fd()) {
					return usagef("a capture is nothing for a terminal: name a file, or send the output to one")
				}
				return t.Write(c.OutOrStdout())
			}
			f, err := os.Create(args[0])
			if err != nil {
				return fmt.Errorf("the capture cannot be written: %w", err)
			}
			return errors.Join(t.Write(f), f.Close())
		},
	}
	f := c.Flags()
	f.StringVar(&t.Dialect, "dialect", "cup", "cup or iso87-ascii")
	f.IntVar(&t.Messages, "messages", 100000, "requests and responses together")
	f.IntVar(&t.Connections, "connections", 50, "terminals, each with a connection")
	f.IntVar(&t.PerConn, "per-connection", 0, "exchanges after which a terminal connects again, 0 for never")
	f.Float64Var(&t.Rate, "rate", 1000, "requests a second on the capture's clock")
	f.Int64Var(&t.Seed, "seed", 1, "the same seed gives the same file")
	f.Float64Var(&m.Split, "split", 0.04, "share of segments cut in two")
	f.Float64Var(&m.Lost, "lost", 0, "share of segments lost before the capture and sent again")
	f.Float64Var(&m.Resent, "resent", 0, "share of segments sent again without need")
	f.Float64Var(&m.Doubled, "doubled", 0, "share of segments captured twice")
	f.Float64Var(&m.Swapped, "swapped", 0, "share of segments captured in the wrong order")
	f.Float64Var(&m.Missing, "missing", 0, "share of segments that the capture lacks")
	return c
}
