package cli

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/adrg/xdg"
	"github.com/charmbracelet/x/ansi"
	"github.com/spf13/cobra"

	"tillscope/assets"
	"tillscope/diagnostics"
	"tillscope/link"
	"tillscope/sim"
)

// showcase is what the scope plays when nobody chose: a failure that shows within seconds and makes every part of the
// screen move.
const showcase = "network.unstable"

// store holds the simulator's own flags.
type store struct {
	watch
	o            sim.Options
	statement    string
	list, faults bool
}

func (s *store) flags(c *cobra.Command) {
	s.watch.flags(c)
	f := c.Flags()
	f.Int64Var(&s.o.Seed, "seed", 0, "")
	f.IntVar(&s.o.Terminals, "terminals", 0, "")
	f.Float64Var(&s.o.Speed, "speed", 1, "")
	f.BoolVar(&s.o.Serial, "serial", false, "")
	f.StringVar(&s.statement, "write-statement", "", "")
}

// ownScenarios takes the user's own scenarios. Only who plays any is stopped by a mistake in one.
func ownScenarios() error {
	if err := sim.AddScenarios(filepath.Join(xdg.ConfigHome, "tillscope", "scenarios")); err != nil {
		return usageError{err}
	}
	return nil
}

func (s *store) play(c *cobra.Command, scenario string) error {
	if err := ownScenarios(); err != nil {
		return err
	}
	if c.Flags().Changed("terminals") && s.o.Terminals < 1 {
		return usagef("--terminals %d: a store has at least one", s.o.Terminals)
	}
	if err := checkSpeed(c, s.o.Speed); err != nil {
		return err
	}
	if !c.Flags().Changed("seed") && !sim.Seeded(scenario) {
		s.o.Seed = time.Now().UnixNano()
	}
	if !c.Flags().Changed("time-scale") {
		s.timeScale = s.o.Speed
	}
	s.o.Scenario, s.o.Dialect, s.o.Framing, s.o.Header = scenario, s.wire.Dialect, s.wire.Framing, s.wire.Header
	return s.run(c, func() (link.Source, error) {
		st, err := sim.New(s.o)
		if err != nil {
			return nil, unlessFile(err)
		}
		var file io.WriteCloser
		if s.statement != "" {
			if file, err = createStatement(s.statement, s.force); err != nil {
				return nil, err
			}
		}
		if s.given.statement == "" && st.Scenario().AboutPayout() {
			// Nothing on the line shows what this is about: the acquirer hands out its statement when the shop closes.
			own := &ownStatement{also: file}
			file = own
			s.atEnd = func(session *diagnostics.Session) error {
				x, err := readStatement("statement", &own.Buffer, nil)
				if err == nil {
					session.SetStatement(x)
				}
				return err
			}
		}
		if file != nil {
			st.WriteStatement(file)
		}
		return st, nil
	})
}

// createStatement makes the file of a statement, readable by its owner only.
func createStatement(name string, force bool) (io.WriteCloser, error) {
	mode := os.O_WRONLY | os.O_CREATE | os.O_EXCL
	if force {
		mode = os.O_WRONLY | os.O_CREATE | os.O_TRUNC
	}
	f, err := os.OpenFile(name, mode, 0o600)
	if os.IsExist(err) {
		return nil, fmt.Errorf("%s exists and is not overwritten: take another name, or add --force", name)
	}
	if err != nil {
		return nil, fmt.Errorf("the statement cannot be written: %w", err)
	}
	return f, nil
}

func simCommand() *cobra.Command {
	var s store
	var asJSON bool
	c := &cobra.Command{
		Use: "sim [SCENARIO]",
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) > 1 {
				return usagef("sim plays one scenario, not %d: `tillscope sim --list` shows all", len(args))
			}
			return nil
		},
		ValidArgsFunction: func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
			var ids []string
			_ = ownScenarios()
			for _, sc := range sim.Scenarios() {
				ids = append(ids, sc.ID)
			}
			return ids, cobra.ShellCompDirectiveDefault
		},
		RunE: func(c *cobra.Command, args []string) error {
			switch {
			case asJSON && !s.list && !s.faults:
				return usagef("--json goes with --list or --list-faults; for a report there is --report json")
			case s.list:
				if err := ownScenarios(); err != nil {
					return err
				}
				if _, err := assets.Language(s.lang); err != nil {
					return usageError{err}
				}
				return listScenarios(c.OutOrStdout(), s.lang, asJSON)
			case s.faults:
				return listFaults(c.OutOrStdout(), s.lang, asJSON)
			}
			return s.play(c, strings.Join(args, ""))
		},
	}
	s.flags(c)
	c.Flags().BoolVar(&s.list, "list", false, "")
	c.Flags().BoolVar(&s.faults, "list-faults", false, "")
	c.Flags().BoolVar(&asJSON, "json", false, "")
	return c
}

// listed is a scenario as --list --json tells it.
type listed struct {
	ID        string            `json:"id"`
	Title     map[string]string `json:"title"`
	Story     map[string]string `json:"story"`
	Causes    []string          `json:"causes"`
	Terminals int               `json:"terminals"`
	Faults    []sim.Fault       `json:"faults"`
}

func listScenarios(w io.Writer, lang string, asJSON bool) error {
	var rows [][2]string
	out := []listed{}
	for _, sc := range sim.Scenarios() {
		rows = append(rows, [2]string{sc.ID, sc.Title(lang)})
		out = append(out, listed{sc.ID, sc.Titles, sc.Story, append([]string{}, sc.Causes()...), max(sc.Terminals, 3), append([]sim.Fault{}, sc.Faults...)})
	}
	return list(w, rows, out, asJSON)
}

// listedFault is a kind of faults as --list-faults --json tells it.
type listedFault struct {
	Kind  string   `json:"kind"`
	Text  string   `json:"text"`
	Cause string   `json:"cause"`
	Needs []string `json:"needs"`
	Takes []string `json:"takes"`
}

func listFaults(w io.Writer, lang string, asJSON bool) error {
	l, err := assets.Language(lang)
	if err != nil {
		return usageError{err}
	}
	var rows [][2]string
	out := []listedFault{}
	for _, k := range sim.Kinds() {
		rows = append(rows, [2]string{k.ID, l.T("fault." + k.ID)})
		if p := append(append([]string{}, k.Needs...), k.Takes...); len(p) > 0 {
			rows = append(rows, [2]string{"", "(" + strings.Join(p, ", ") + ")"})
		}
		out = append(out, listedFault{k.ID, l.T("fault." + k.ID), k.Cause, append([]string{}, k.Needs...), append([]string{}, k.Takes...)})
	}
	return list(w, rows, out, asJSON)
}

// list writes two columns, or the same as JSON.
func list(w io.Writer, rows [][2]string, all any, asJSON bool) error {
	if asJSON {
		e := json.NewEncoder(w)
		e.SetIndent("", "  ")
		e.SetEscapeHTML(false)
		return e.Encode(all)
	}
	wide := 0
	for _, r := range rows {
		wide = max(wide, ansi.StringWidth(r[0]))
	}
	for _, r := range rows {
		if _, err := fmt.Fprintf(w, "%-*s  %s\n", wide, r[0], r[1]); err != nil {
			return err
		}
	}
	return nil
}
