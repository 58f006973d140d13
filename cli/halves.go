package cli

import (
	"context"
	"fmt"
	"net"
	"os"
	"os/signal"
	"syscall"

	"github.com/spf13/cobra"

	"tillscope/sim"
)

// half holds the flags of the simulator's halves. Both halves of one store need the same seed: a host knows a terminal by
// its master key.
func half(c *cobra.Command, o *sim.Options) *cobra.Command {
	f := c.Flags()
	f.StringVar(&o.Scenario, "scenario", "", "the failure to play (default: everything works)")
	f.Int64Var(&o.Seed, "seed", 1, "keys and sales follow from it: the same for both halves")
	f.IntVar(&o.Terminals, "terminals", 0, "how many terminals there are (default: as the scenario says, else 3)")
	f.Float64Var(&o.Speed, "speed", 1, "how many times faster than life it lives")
	return c
}

func newStore(c *cobra.Command, o sim.Options) (*sim.Store, error) {
	if c.Flags().Changed("terminals") && o.Terminals < 1 {
		return nil, usagef("--terminals %d: a store has at least one", o.Terminals)
	}
	s, err := sim.New(o)
	if err != nil {
		return nil, usageError{err}
	}
	return s, nil
}

func hostCommand() *cobra.Command {
	var o sim.Options
	return half(&cobra.Command{
		Use:   "host LISTEN",
		Short: "Run the simulator's host alone, for a terminal or another tool",
		Args:  exactly(1, "the address to listen on, as in 127.0.0.1:8583"),
		RunE: func(c *cobra.Command, args []string) error {
			store, err := newStore(c, o)
			if err != nil {
				return err
			}
			l, err := net.Listen("tcp", args[0])
			if err != nil {
				return fmt.Errorf("the host cannot listen on %s: %w; take another port", args[0], err)
			}
			ctx, cancel := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
			defer cancel()
			_, _ = fmt.Fprintf(c.ErrOrStderr(), "host on %s, seed %d; end with Ctrl-C\n", l.Addr(), o.Seed)
			return store.Serve(ctx, l)
		},
	}, &o)
}

func terminalCommand() *cobra.Command {
	var o sim.Options
	return half(&cobra.Command{
		Use:   "terminal ADDR",
		Short: "Run the simulator's terminals alone, against a test host",
		Long: `Run the simulator's terminals alone, against a test host.

They send sign-ons and sales with test cards: never point them at a host that moves money.`,
		Args: exactly(1, "the host's address, as in 127.0.0.1:8583"),
		RunE: func(c *cobra.Command, args []string) error {
			if _, _, err := net.SplitHostPort(args[0]); err != nil {
				return usagef("the host's address %q is not host:port, as in 127.0.0.1:8583", args[0])
			}
			store, err := newStore(c, o)
			if err != nil {
				return err
			}
			ctx, cancel := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
			defer cancel()
			_, _ = fmt.Fprintf(c.ErrOrStderr(), "%d terminals against %s, seed %d; end with Ctrl-C\n", store.Scenario().Terminals, args[0], o.Seed)
			return store.Sell(ctx, args[0])
		},
	}, &o)
}
