package cli

import (
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/charmbracelet/x/ansi"
	"github.com/spf13/cobra"

	"tillscope/link"
	"tillscope/sim"
)

// showcase is what the scope plays when nobody chose: a failure that shows within seconds and makes every part of the
// screen move.
const showcase = "network.unstable"

// store holds the simulator's own flags.
type store struct {
	watch
	seed      int64
	terminals int
	speed     float64
	list      bool
}

func (s *store) flags(c *cobra.Command) {
	s.watch.flags(c)
	f := c.Flags()
	f.Int64Var(&s.seed, "seed", 0, "make the simulated store repeatable (default: another one each time)")
	f.IntVar(&s.terminals, "terminals", 0, "how many terminals the simulated store has (default: as the scenario says, else 3)")
	f.Float64Var(&s.speed, "speed", 1, "how many times faster than life the simulated store lives; sets --time-scale")
}

func (s *store) play(c *cobra.Command, scenario string) error {
	if c.Flags().Changed("terminals") && s.terminals < 1 {
		return usagef("--terminals %d: a store has at least one", s.terminals)
	}
	if !c.Flags().Changed("seed") {
		s.seed = time.Now().UnixNano()
	}
	if !c.Flags().Changed("time-scale") {
		s.timeScale = s.speed
	}
	return s.run(c, func() (link.Source, error) {
		st, err := sim.New(sim.Options{Scenario: scenario, Seed: s.seed, Terminals: s.terminals, Speed: s.speed})
		if err != nil {
			return nil, usageError{err}
		}
		return st, nil
	})
}

func simCommand() *cobra.Command {
	var s store
	c := &cobra.Command{
		Use:   "sim [SCENARIO]",
		Short: "Watch a simulated store that fails as you choose",
		Long: `Watch a simulated store: terminals, a host and issuers that speak over real connections of this machine.

SCENARIO is the failure to play, as in bank.maintenance; --list shows all. Without one, everything works.`,
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) > 1 {
				return usagef("sim plays one scenario, not %d: `tillscope sim --list` shows all", len(args))
			}
			return nil
		},
		ValidArgsFunction: func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
			var ids []string
			for _, sc := range sim.Scenarios() {
				ids = append(ids, sc.ID)
			}
			return ids, cobra.ShellCompDirectiveNoFileComp
		},
		RunE: func(c *cobra.Command, args []string) error {
			if s.list {
				return listScenarios(c.OutOrStdout(), s.lang)
			}
			return s.play(c, strings.Join(args, ""))
		},
	}
	s.flags(c)
	c.Flags().BoolVar(&s.list, "list", false, "list the scenarios")
	return c
}

func listScenarios(w io.Writer, lang string) error {
	all := sim.Scenarios()
	wide := 0
	for _, sc := range all {
		wide = max(wide, ansi.StringWidth(sc.ID))
	}
	for _, sc := range all {
		if _, err := fmt.Fprintf(w, "%-*s  %s\n", wide, sc.ID, sc.Title(lang)); err != nil {
			return err
		}
	}
	return nil
}
