package cli

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"

	"github.com/charmbracelet/x/ansi"
	"github.com/spf13/cobra"

	"tillscope/wire"
)

// maxInput bounds what decode reads from standard input: many times the longest message.
const maxInput = 1 << 20

func decodeCommand() *cobra.Command {
	var asJSON bool
	var o wire.Options
	c := &cobra.Command{
		Use:   "decode [HEX|-]",
		Short: "Read one message, every byte accounted for",
		Long: `Read one message, every byte accounted for.

HEX may have spaces, colons, commas, line breaks and 0x before its bytes, or be a dump with offsets and a column of
characters (xxd, hexdump -C, tcpdump -X, Wireshark), or base64. Without HEX, or with -, it is read from standard input.
Framing, header and dialect are detected unless a flag names them. Card data is never shown.`,
		RunE: func(c *cobra.Command, args []string) error {
			text := strings.Join(args, " ")
			if len(args) == 0 || text == "-" {
				b, err := io.ReadAll(io.LimitReader(c.InOrStdin(), maxInput+1))
				if err != nil {
					return fmt.Errorf("reading standard input failed: %w", err)
				}
				if len(b) > maxInput {
					return fmt.Errorf("standard input holds more than %d bytes: give one message", maxInput)
				}
				text = string(b)
			}
			frame, err := parseHex(text)
			if err != nil {
				return usageError{err}
			}
			m, det, err := wire.Decode(frame, o)
			if err != nil {
				return usageError{err}
			}
			if asJSON {
				return writeDecodeJSON(c.OutOrStdout(), m, det)
			}
			return writeDecode(c.OutOrStdout(), m, det)
		},
	}
	c.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	c.Flags().StringVar(&o.Dialect, "dialect", "", "say the dialect instead of letting it be detected")
	c.Flags().StringVar(&o.Framing, "framing", "", "say the framing")
	c.Flags().StringVar(&o.Header, "header", "", "say the header")
	return c
}

type jsonField struct {
	ID      string  `json:"id"`
	Name    string  `json:"name"`
	Value   string  `json:"value"`
	Offset  int     `json:"offset"`
	Length  int     `json:"length"`
	Masked  bool    `json:"masked"`
	Problem *string `json:"problem"`
}

type jsonStop struct {
	Offset  int    `json:"offset"`
	Field   string `json:"field"`
	Reason  string `json:"reason"`
	Suspect string `json:"suspect,omitempty"` // the first implausible field before it
}

func writeDecodeJSON(w io.Writer, m *wire.Message, det wire.Detection) error {
	out := struct {
		Framing    string            `json:"framing"`
		Header     map[string]string `json:"header"`
		Dialect    string            `json:"dialect"`
		Confidence float64           `json:"confidence"`
		MTI        string            `json:"mti"`
		Fields     []jsonField       `json:"fields"`
		Trailing   int               `json:"trailing"`
		Stopped    *jsonStop         `json:"stopped"`
	}{Framing: m.Framing, Header: map[string]string{"id": m.Header}, Dialect: m.Dialect, Confidence: det.Confidence, MTI: m.MTI, Fields: []jsonField{}, Trailing: m.Trailing}
	for _, p := range m.HeaderParts() {
		out.Header[p.ID] = p.Value
	}
	for _, f := range m.Fields() {
		j := jsonField{f.ID, f.Name, f.Value, f.Offset, f.Length, f.Masked, nil}
		if f.Problem != "" {
			j.Problem = &f.Problem
		}
		out.Fields = append(out.Fields, j)
	}
	if m.Stop != nil {
		out.Stopped = &jsonStop{m.Stop.Offset, m.Stop.Field, m.Stop.Reason, m.Stop.Suspect}
	}
	e := json.NewEncoder(w)
	e.SetIndent("", "  ")
	e.SetEscapeHTML(false)
	return e.Encode(out)
}

func writeDecode(w io.Writer, m *wire.Message, det wire.Detection) error {
	var b strings.Builder
	if m.Undecoded() {
		fmt.Fprintf(&b, "No message was found: %s.\n", m.Stop.Reason)
	} else {
		fmt.Fprintf(&b, "%s  %s, %s, %s  confidence %.2f\n\n", m.MTI, m.Framing, m.Header, m.Dialect, det.Confidence)
		for _, f := range append(m.HeaderParts(), m.Fields()...) {
			name := ansi.Truncate(f.Name, 34, "…")
			fmt.Fprintf(&b, "%5d %4d  %-15s %s%s %s", f.Offset, f.Length, f.ID, name, strings.Repeat(" ", 34-ansi.StringWidth(name)), f.Value)
			if f.Problem != "" {
				fmt.Fprintf(&b, "  <- %s", f.Problem)
			}
			b.WriteByte('\n')
		}
		if m.Stop != nil {
			fmt.Fprintf(&b, "\nStopped at byte %d, field %s: %s.\n", m.Stop.Offset, m.Stop.Field, m.Stop.Reason)
			if m.Stop.Suspect != "" {
				fmt.Fprintf(&b, "Field %s is the first whose value cannot be right: its form may be another one than %s says.\n", m.Stop.Suspect, m.Dialect)
			}
		}
		if m.Check != "" {
			fmt.Fprintf(&b, "\nThe frame is damaged: %s.\n", m.Check)
		}
		if m.Trailing > 0 {
			fmt.Fprintf(&b, "\n%d bytes follow the last field.\n", m.Trailing)
		}
	}
	b.WriteByte('\n')
	raw := m.Raw()
	for at := 0; at < len(raw); at += 16 {
		fmt.Fprintf(&b, "%04x ", at)
		for i := at; i < min(at+16, len(raw)); i++ {
			b.WriteByte(' ')
			for n := 2 * i; n < 2*i+2; n++ {
				switch half := raw[i] >> 4; {
				case m.MaskedNibble(n):
					b.WriteByte('*')
				case n%2 == 0:
					fmt.Fprintf(&b, "%X", half)
				default:
					fmt.Fprintf(&b, "%X", raw[i]&0xF)
				}
			}
		}
		b.WriteByte('\n')
	}
	_, err := io.WriteString(w, b.String())
	return err
}
