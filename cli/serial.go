package cli

import (
	"encoding/json"
	"fmt"
	"strconv"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"tillscope/diagnostics"
	"tillscope/link"
	"tillscope/wire"
)

func serialCommand() *cobra.Command {
	var w watch
	var baud, host string
	var list, asJSON bool
	mode := link.DefaultMode
	c := &cobra.Command{
		Use: "serial PORT [PORT2]",
		Args: func(_ *cobra.Command, args []string) error {
			switch {
			case list && len(args) > 0:
				return usagef("--list shows all ports: name none")
			case !list && (len(args) == 0 || len(args) > 2):
				return usagef("serial needs one port to listen in on, or two to stand between; `tillscope serial --list` shows what there is")
			case asJSON && !list:
				return usagef("--json goes with --list")
			}
			return nil
		},
		RunE: func(c *cobra.Command, args []string) error {
			if list {
				return listPorts(c, asJSON)
			}
			o, err := serialOptions(baud, mode, w.wire)
			if err != nil {
				return usageError{err}
			}
			o.Port, o.Host = args[0], host
			if len(args) == 2 {
				o.Other = args[1]
			}
			return w.run(c, func() (link.Source, error) { return link.NewSerial(o) })
		},
	}
	f := c.Flags()
	f.StringVar(&baud, "baud", strconv.Itoa(mode.Baud), "")
	f.IntVar(&mode.DataBits, "data-bits", mode.DataBits, "")
	f.StringVar(&mode.Parity, "parity", mode.Parity, "")
	f.StringVar(&mode.StopBits, "stop-bits", mode.StopBits, "")
	f.StringVar(&host, "host", "", "")
	f.BoolVar(&list, "list", false, "")
	f.BoolVar(&asJSON, "json", false, "")
	w.flags(c)
	return c
}

// serialOptions are a line's options but for its ports. baud is a number, or auto.
func serialOptions(baud string, m link.Mode, o wire.Options) (link.SerialOptions, error) {
	auto := baud == "auto"
	if !auto {
		n, err := strconv.Atoi(baud)
		if err != nil {
			return link.SerialOptions{}, fmt.Errorf("no speed %q: a number, most often 9600 or 115200, or auto", baud)
		}
		m.Baud = n
	}
	return link.SerialOptions{Mode: m, Auto: auto, Plausible: sense(o)}, m.Check()
}

// sense says which share of bytes stands in messages that can be read. A frame that was damaged on the way counts: at a
// wrong speed there would be none.
func sense(o wire.Options) func([]byte) float64 {
	return func(b []byte) float64 {
		d, err := wire.NewDecoder(o)
		if err != nil || len(b) == 0 {
			return 0
		}
		s := d.Stream(true)
		n := 0
		for _, m := range append(append([]*wire.Message(nil), s.Write(b)...), s.Close()...) {
			if !m.Undecoded() && m.Stop == nil {
				n += len(m.Raw())
			}
		}
		return float64(n) / float64(len(b))
	}
}

func listPorts(c *cobra.Command, asJSON bool) error {
	ports, err := link.SerialPorts()
	if err != nil {
		return fmt.Errorf("the ports of this system cannot be listed: %w", err)
	}
	out := c.OutOrStdout()
	if asJSON {
		e := json.NewEncoder(out)
		e.SetIndent("", " ")
		return e.Encode(append([]link.SerialPort{}, ports...))
	}
	if len(ports) == 0 {
		_, err := fmt.Fprintln(c.ErrOrStderr(), "There is no serial port: "+link.NoPorts+".")
		return err
	}
	t := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	for _, p := range ports {
		name := p.Product
		if p.Manufacturer != "" {
			name += " (" + p.Manufacturer + ")"
		}
		_, _ = fmt.Fprintf(t, "%s\t%s\t%s\t%s\n", p.Name, p.USB, diagnostics.Clean(name), diagnostics.Clean(p.Serial)) // into a buffer
	}
	return t.Flush()
}
