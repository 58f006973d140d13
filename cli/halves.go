package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"net"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"github.com/spf13/cobra"

	"tillscope/link"
	"tillscope/sim"
)

// half holds the flags of the simulator's halves. Both halves of one store need the same seed: a host knows a terminal by
// its master key.
type half struct {
	o               sim.Options
	baud            int
	statement       string
	force, showKeys bool
}

func (h *half) flags(c *cobra.Command) *cobra.Command {
	f := c.Flags()
	f.StringVar(&h.o.Scenario, "scenario", "", "")
	f.Int64Var(&h.o.Seed, "seed", 1, "")
	f.IntVar(&h.o.Terminals, "terminals", 0, "")
	f.Float64Var(&h.o.Speed, "speed", 1, "")
	f.StringVar(&h.o.Dialect, "dialect", "", "")
	f.StringVar(&h.o.Framing, "framing", "", "")
	f.StringVar(&h.o.Header, "header", "", "")
	f.IntVar(&h.baud, "baud", 9600, "")
	return c
}

// checkSpeed finds what is no speed; the store has its own bounds for those that are.
func checkSpeed(c *cobra.Command, speed float64) error {
	if c.Flags().Changed("speed") && (!(speed > 0) || math.IsInf(speed, 0)) {
		return usagef("--speed %v: want a number above 0", speed)
	}
	return nil
}

// open makes the store. port is nil for an address of the net.
func (h *half) open(c *cobra.Command, at string) (store *sim.Store, port *sim.Port, err error) {
	if c.Flags().Changed("terminals") && h.o.Terminals < 1 {
		return nil, nil, usagef("--terminals %d: a store has at least one", h.o.Terminals)
	}
	if err := checkSpeed(c, h.o.Speed); err != nil {
		return nil, nil, err
	}
	_, _, notAddress := net.SplitHostPort(at)
	onSerial := at == sim.PTY || strings.HasPrefix(at, "/") || strings.HasPrefix(strings.ToUpper(at), "COM")
	if notAddress != nil && !onSerial {
		return nil, nil, usagef("%q is neither host:port, as in 127.0.0.1:8583, nor a serial port, as in /dev/ttyUSB0 or pty", at)
	}
	h.o.Serial = onSerial
	if err := ownScenarios(); err != nil {
		return nil, nil, err
	}
	if onSerial {
		mode := link.DefaultMode
		mode.Baud = h.baud
		if err := mode.Check(); err != nil {
			return nil, nil, usageError{err}
		}
	}
	if store, err = sim.New(h.o); err != nil {
		return nil, nil, unlessFile(err)
	}
	if h.statement != "" {
		file, err := createStatement(h.statement, h.force)
		if err != nil {
			return nil, nil, err
		}
		store.WriteStatement(file)
	}
	if onSerial {
		port, err = sim.OpenPort(at, h.baud)
	}
	return store, port, err
}

// known looks a host's name up: terminals that sell to a name that nobody knows would go on trying without a word.
func known(ctx context.Context, host string) error {
	name, _, _ := net.SplitHostPort(host)
	_, err := net.DefaultResolver.LookupNetIP(ctx, "ip", name)
	var dns *net.DNSError
	if errors.As(err, &dns) && dns.IsNotFound {
		return fmt.Errorf("no name server knows the host %s: see how it is written", name)
	}
	return nil // a name server that is away may be back in time
}

// untilSignal runs one half until Ctrl-C, or until its terminal goes away.
func untilSignal(run func(context.Context) error) error {
	ends := []os.Signal{os.Interrupt, syscall.SIGTERM}
	if !signal.Ignored(syscall.SIGHUP) { // as under nohup
		ends = append(ends, syscall.SIGHUP)
	}
	ctx, cancel := signal.NotifyContext(context.Background(), ends...)
	defer cancel()
	return run(ctx)
}

func hostCommand() *cobra.Command {
	var h half
	c := &cobra.Command{
		Use:  "host LISTEN",
		Args: exactly(1, "the address to listen on, as in 127.0.0.1:8583, or a serial port"),
		RunE: func(c *cobra.Command, args []string) error {
			store, port, err := h.open(c, args[0])
			if err != nil {
				return err
			}
			if h.showKeys {
				if err := showKeys(c.OutOrStdout(), store); err != nil {
					return err
				}
			}
			return untilSignal(func(ctx context.Context) error {
				if port != nil {
					_, _ = fmt.Fprintf(c.ErrOrStderr(), "host on %s, seed %d; end with Ctrl-C\n", port.Name, h.o.Seed)
					return store.ServeSerial(ctx, port)
				}
				l, err := link.Listen(args[0])
				if err != nil {
					return asUsage(err)
				}
				_, _ = fmt.Fprintf(c.ErrOrStderr(), "host on %s, seed %d; end with Ctrl-C\n", l.Addr(), h.o.Seed)
				return store.Serve(ctx, l)
			})
		},
	}
	h.flags(c)
	f := c.Flags()
	f.BoolVar(&h.o.Anyone, "any-terminal", false, "")
	f.BoolVar(&h.showKeys, "show-keys", false, "")
	f.StringVar(&h.statement, "write-statement", "", "")
	f.BoolVar(&h.force, "force", false, "")
	return c
}

func showKeys(w io.Writer, store *sim.Store) error {
	for _, t := range store.Registered() {
		if _, err := fmt.Fprintf(w, "%s %s %X\n", t.TID, t.MID, t.MasterKey); err != nil {
			return err
		}
	}
	return nil
}

func terminalCommand() *cobra.Command {
	var h half
	return h.flags(&cobra.Command{
		Use:  "terminal ADDR",
		Args: exactly(1, "the host's address, as in 127.0.0.1:8583, or a serial port"),
		RunE: func(c *cobra.Command, args []string) error {
			store, port, err := h.open(c, args[0])
			if err != nil {
				return err
			}
			if port == nil {
				if err := link.CheckHost(args[0]); err != nil {
					return asUsage(err)
				}
				if err := known(c.Context(), args[0]); err != nil {
					return err
				}
			}
			return untilSignal(func(ctx context.Context) error {
				if port != nil {
					_, _ = fmt.Fprintf(c.ErrOrStderr(), "terminal on %s, seed %d; end with Ctrl-C\n", port.Name, h.o.Seed)
					return store.SellSerial(ctx, port)
				}
				_, _ = fmt.Fprintf(c.ErrOrStderr(), "%d terminals against %s, seed %d; end with Ctrl-C\n", store.Scenario().Terminals, args[0], h.o.Seed)
				return store.Sell(ctx, args[0])
			})
		},
	})
}
