package cli

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"tillscope/link"
)

func captureCommand() *cobra.Command {
	var w watch
	var ports []uint
	var list, asJSON bool
	c := &cobra.Command{
		Use: "capture INTERFACE",
		Args: func(c *cobra.Command, args []string) error {
			if asJSON && !list {
				return usagef("--json goes with --list; for a report there is --report json")
			}
			if list {
				return exactly(0, "no interface with --list")(c, args)
			}
			return exactly(1, "the interface to watch: `tillscope capture --list` shows all")(c, args)
		},
		ValidArgsFunction: func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
			all, _ := link.Interfaces()
			var names []string
			for _, i := range all {
				names = append(names, i.Name)
			}
			return names, cobra.ShellCompDirectiveNoFileComp
		},
		RunE: func(c *cobra.Command, args []string) error {
			if list {
				return listInterfaces(c.OutOrStdout(), asJSON)
			}
			var wanted []uint16
			for _, p := range ports {
				if p < 1 || p > 65535 {
					return usagef("--port %d: ports are 1 to 65535", p)
				}
				wanted = append(wanted, uint16(p))
			}
			return w.run(c, func() (link.Source, error) { return link.NewCapture(args[0], wanted) })
		},
	}
	w.flags(c)
	f := c.Flags()
	f.UintSliceVar(&ports, "port", nil, "")
	f.BoolVar(&list, "list", false, "")
	f.BoolVar(&asJSON, "json", false, "")
	return c
}

func listInterfaces(w io.Writer, asJSON bool) error {
	all, err := link.Interfaces()
	if err != nil {
		return err
	}
	if asJSON {
		e := json.NewEncoder(w)
		e.SetIndent("", " ")
		return e.Encode(all)
	}
	wide := 0
	for _, i := range all {
		wide = max(wide, len(i.Name))
	}
	for _, i := range all {
		addresses := strings.Join(i.Addresses, " ")
		if addresses == "" {
			addresses = "no address"
		}
		if _, err := fmt.Fprintf(w, "%-*s  %-4s  %s\n", wide, i.Name, i.State, addresses); err != nil {
			return err
		}
	}
	return nil
}
