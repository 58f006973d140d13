package cli

import (
	"github.com/spf13/cobra"

	"tillscope/link"
)

func tapCommand() *cobra.Command {
	var w watch
	var bind string
	c := &cobra.Command{
		Use:     "tap LISTEN UPSTREAM",
		Example: "  tillscope tap 0.0.0.0:8583 192.0.2.7:8583\n  tillscope tap :8583 pos.acquirer.example:8583 --bind 192.0.2.40 --record shop.pcapng",
		Args:    exactly(2, "the address to listen on and the host's address"),
		RunE: func(c *cobra.Command, args []string) error {
			return w.run(c, func() (link.Source, error) {
				return link.NewTap(args[0], args[1], link.TapOptions{Bind: bind, TimeScale: w.timeScale})
			})
		},
	}
	c.Flags().StringVar(&bind, "bind", "", "")
	w.flags(c)
	return c
}
