package cli

import (
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/charmbracelet/x/ansi"
	"github.com/spf13/cobra"

	"tillscope/assets"
	"tillscope/diagnostics"
	"tillscope/wire"
)

// maxInput bounds what decode reads from standard input: many times the longest message.
const maxInput = 1 << 20

func decodeCommand() *cobra.Command {
	var asJSON bool
	var lang string
	var o wire.Options
	c := &cobra.Command{
		Use: "decode [HEX|-]",
		RunE: func(c *cobra.Command, args []string) error {
			l, err := assets.Language(lang)
			if err != nil {
				return usageError{err}
			}
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
			m, det, err := decodeInput(text, o)
			if err != nil {
				return err
			}
			if asJSON {
				return writeDecodeJSON(c.OutOrStdout(), m, det)
			}
			return writeDecode(c.OutOrStdout(), m, det, l)
		},
	}
	c.Flags().BoolVar(&asJSON, "json", false, "")
	c.Flags().StringVar(&lang, "lang", defaultLanguage(), "")
	c.Flags().StringVar(&o.Dialect, "dialect", "", "")
	c.Flags().StringVar(&o.Framing, "framing", "", "")
	c.Flags().StringVar(&o.Header, "header", "", "")
	return c
}

// decodeInput reads the bytes that text stands for, or text itself where it is the message: dialects in ASCII are often pasted
// as they stand in a log. Such a message may consist of hex digits alone; then it is read as what fits better.
func decodeInput(text string, o wire.Options) (m *wire.Message, det wire.Detection, err error) {
	frame, hexErr := parseHex(text)
	if hexErr == nil {
		if m, det, err = wire.Decode(frame, o); err != nil {
			return nil, det, unlessFile(err)
		}
	}
	texts, sure := literalMessages(text), true
	if hexErr != nil && texts == nil {
		b, known, err := binaryText(text)
		if err != nil {
			return nil, det, usageError{err}
		}
		if b != nil {
			texts, sure = [][]byte{b}, known
		}
		if !sure {
			hexErr = errLost
		}
	}
	for _, b := range texts {
		m2, det2, err := wire.Decode(b, o)
		if err != nil {
			return nil, det2, unlessFile(err)
		}
		if !m2.Undecoded() && (m == nil && sure || whole(m2) && (!whole(m) || det2.Confidence > det.Confidence)) {
			m, det = m2, det2
		}
	}
	if m == nil {
		return nil, det, usageError{hexErr}
	}
	return m, det, nil
}

func whole(m *wire.Message) bool {
	return m != nil && !m.Undecoded() && m.Stop == nil && m.Trailing == 0
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
		if !f.Problem.None() {
			problem := f.Problem.String()
			j.Problem = &problem
		}
		out.Fields = append(out.Fields, j)
	}
	if m.Stop != nil {
		out.Stopped = &jsonStop{m.Stop.Offset, m.Stop.Field, m.Stop.Reason.String(), m.Stop.Suspect}
	}
	e := json.NewEncoder(w)
	e.SetIndent("", "  ")
	e.SetEscapeHTML(false)
	return e.Encode(out)
}

// perRow is how many bytes stand beside a field in one row.
const perRow = 8

// writeDecode lists the frame from its first byte to its last: at the left the bytes, at the right what they are.
func writeDecode(w io.Writer, m *wire.Message, det wire.Detection, l *assets.Lang) error {
	var b strings.Builder
	raw := m.Raw()
	if m.Undecoded() {
		b.WriteString(l.T("decode.none", m.Stop.Reason.In(l)) + "\n\n")
		row(&b, m, 0, len(raw), "", "", "")
		_, err := io.WriteString(w, b.String())
		return err
	}
	b.WriteString(m.MTI + "  " + l.T("decode.form", m.Framing, m.Header, m.Dialect, det.Confidence))
	if det.RunnerUp != "" {
		b.WriteString(l.T("decode.runner-up", det.RunnerUp))
	}
	b.WriteString("\n\n")
	codes, err := diagnostics.Codes()
	if err != nil {
		return err
	}
	at, fields := 0, slices.Concat(m.HeaderParts(), m.Head(), m.Fields())
	for i, f := range fields {
		if f.Offset > at { // what the fields leave
			name := "decode.length"
			if strings.HasPrefix(f.ID, "55.") {
				name = "decode.tag"
			}
			row(&b, m, at, f.Offset, "", l.T(name), "")
			at = f.Offset
		}
		end := f.Offset + f.Length
		if i+1 < len(fields) && fields[i+1].Offset < end { // its subfields show the bytes
			end = fields[i+1].Offset
		}
		value := diagnostics.Clean(f.Value)
		meaning := m.Meaning(f, l)
		if code, known := codes[diagnostics.CodeOf(f.Value)]; meaning == "" && known && f.ID == "39" {
			meaning = code.Meaning(l.ID)
		}
		if meaning != "" {
			value += "  (" + meaning + ")"
		}
		if !f.Problem.None() {
			value += "  <- " + f.Problem.In(l)
		}
		row(&b, m, max(f.Offset, min(at, end)), max(end, at), f.ID, l.Field(f.Name), value)
		at = max(at, end)
	}
	switch {
	case at >= len(raw):
	case m.Stop == nil && m.Framing == "stx-etx" && len(raw)-at == 2:
		row(&b, m, at, len(raw), "", "ETX, LRC", "")
	default:
		row(&b, m, at, len(raw), "", l.T("decode.rest"), "")
	}
	if s := m.Stop; s != nil {
		b.WriteString("\n" + l.T("decode.stop", s.Offset, s.Field, s.Reason.In(l)) + "\n")
		if s.Suspect != "" {
			b.WriteString(l.T("decode.suspect", s.Suspect, m.Dialect) + "\n")
		}
	}
	if m.Check != "" {
		b.WriteString("\n" + l.T("decode.damaged", m.Check) + "\n")
	}
	if m.Trailing > 0 {
		b.WriteString("\n" + l.N("decode.trailing", m.Trailing, m.Trailing) + "\n")
	}
	_, err = io.WriteString(w, b.String())
	return err
}

// row writes bytes from..to and beside them what they are, in as many lines as the bytes need.
func row(b *strings.Builder, m *wire.Message, from, to int, id, name, value string) {
	for first := true; first || from < to; first = false {
		hex := ""
		for i := from; i < min(from+perRow, to); i++ {
			hex += hexByte(m, i) + " "
		}
		line := fmt.Sprintf("%04x  %-*s", from, 3*perRow, hex)
		if hex == "" {
			line = strings.Repeat(" ", 6+3*perRow)
		}
		if first {
			name := ansi.Truncate(name, 26, "…")
			line += fmt.Sprintf(" %-15s %s%s %s", id, name, strings.Repeat(" ", 26-ansi.StringWidth(name)), value)
		}
		b.WriteString(strings.TrimRight(line, " ") + "\n")
		from += perRow
	}
}

// hexByte is a byte in hex, what was masked of it as stars.
func hexByte(m *wire.Message, i int) string {
	h := []byte(fmt.Sprintf("%02X", m.Raw()[i]))
	for n := range h {
		if m.MaskedNibble(2*i + n) {
			h[n] = '*'
		}
	}
	return string(h)
}
