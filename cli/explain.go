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
)

func explainCommand() *cobra.Command {
	var lang string
	var asJSON, asTree bool
	c := &cobra.Command{
		Use: "explain [CODE|CAUSE]",
		Args: func(_ *cobra.Command, args []string) error {
			switch {
			case len(args) > 1:
				return usagef("explain takes one code, or one cause")
			case asTree && (len(args) > 0 || asJSON):
				return usagef("--tree prints the whole tree as it is: it goes with no code, no cause and no --json")
			}
			return nil
		},
		RunE: func(c *cobra.Command, args []string) error {
			l, err := assets.Language(lang)
			if err != nil {
				return usageError{err}
			}
			codes, err := diagnostics.Codes()
			if err != nil {
				return err
			}
			out := c.OutOrStdout()
			if asTree {
				return diagnostics.PrintTree(out, l)
			}
			if len(args) == 0 {
				return listCodes(out, codes, l, asJSON)
			}
			if strings.Contains(args[0], ".") {
				return explainCause(out, args[0], l, asJSON)
			}
			id := diagnostics.CodeOf(args[0])
			code, ok := codes[id]
			if !ok {
				return fmt.Errorf("%s", l.T("explain.unknown", diagnostics.Clean(id)))
			}
			if asJSON {
				return writeJSON(out, describe(id, code, l))
			}
			return explainCode(out, describe(id, code, l), l)
		},
	}
	c.Flags().StringVar(&lang, "lang", defaultLanguage(), "")
	c.Flags().BoolVar(&asJSON, "json", false, "")
	c.Flags().BoolVar(&asTree, "tree", false, "")
	return c
}

// explained is a code in one language.
type explained struct {
	Code    string   `json:"code"`
	Meaning string   `json:"meaning"`
	Class   string   `json:"class"`
	Action  string   `json:"action"`
	Who     []string `json:"who"`
	Branch  string   `json:"branch"`
	Cause   string   `json:"cause"`
	Money   string   `json:"money"`
	Note    string   `json:"note,omitempty"`
}

func describe(id string, c diagnostics.Code, l *assets.Lang) explained {
	e := explained{Code: id, Meaning: c.Meaning(l.ID), Class: c.Class, Action: l.T("explain.do." + c.Do), Who: append([]string{}, c.Who...), Branch: c.Branch, Cause: c.Cause, Money: c.Money}
	if c.Note != "" {
		e.Note = l.T("explain.note." + c.Note)
	}
	return e
}

func writeJSON(w io.Writer, v any) error {
	e := json.NewEncoder(w)
	e.SetIndent("", "  ")
	e.SetEscapeHTML(false)
	return e.Encode(v)
}

func explainCode(w io.Writer, e explained, l *assets.Lang) error {
	var who []string
	for _, x := range e.Who {
		who = append(who, l.T("who."+x))
	}
	if who == nil {
		who = []string{l.T("explain.nobody")}
	}
	rows := [][2]string{
		{l.T("explain.code"), e.Code + "  " + e.Meaning},
		{l.T("explain.class"), e.Class + "  " + l.T("explain.class."+e.Class)},
		{l.T("explain.money"), l.T("explain.money." + e.Money)},
		{l.T("explain.action"), e.Action},
		{l.T("explain.who"), strings.Join(who, ", ")},
	}
	if e.Branch != "" {
		rows = append(rows, [2]string{l.T("explain.branch"), l.T("branch." + e.Branch)})
	}
	if e.Cause != "" {
		rows = append(rows, [2]string{l.T("explain.cause"), e.Cause + "  " + l.T("cause."+e.Cause)})
	}
	if e.Note != "" {
		rows = append(rows, [2]string{l.T("explain.note"), e.Note})
	}
	wide := 0
	for _, r := range rows {
		wide = max(wide, ansi.StringWidth(r[0]))
	}
	for _, r := range rows {
		if _, err := fmt.Fprintf(w, "%s%s  %s\n", r[0], strings.Repeat(" ", wide-ansi.StringWidth(r[0])), r[1]); err != nil {
			return err
		}
	}
	return nil
}

func listCodes(w io.Writer, codes map[string]diagnostics.Code, l *assets.Lang, asJSON bool) error {
	ids := make([]string, 0, len(codes))
	for id := range codes {
		ids = append(ids, id)
	}
	slices.Sort(ids)
	all := make([]explained, 0, len(ids))
	wide := 0
	for _, id := range ids {
		e := describe(id, codes[id], l)
		all = append(all, e)
		wide = max(wide, ansi.StringWidth(e.Meaning))
	}
	if asJSON {
		return writeJSON(w, all)
	}
	for _, e := range all {
		if _, err := fmt.Fprintf(w, "%s %s  %s%s  %s\n", e.Code, e.Class, e.Meaning, strings.Repeat(" ", wide-ansi.StringWidth(e.Meaning)), e.Action); err != nil {
			return err
		}
	}
	return nil
}

// explainedCause is a cause in one language.
type explainedCause struct {
	ID       string                     `json:"id"`
	Branch   string                     `json:"branch"`
	Title    string                     `json:"title"`
	Remedies []diagnostics.ReportRemedy `json:"remedies"`
	Prevent  []string                   `json:"prevent"`
}

func explainCause(w io.Writer, id string, l *assets.Lang, asJSON bool) error {
	remedies, prevent := diagnostics.Advice(id, l.ID)
	if len(remedies) == 0 {
		return fmt.Errorf("no cause %q: `tillscope sim --list` and reports name those that there are", diagnostics.Clean(id))
	}
	branch, _, _ := strings.Cut(id, ".")
	if asJSON {
		e := explainedCause{ID: id, Branch: branch, Title: l.T("cause." + id), Prevent: append([]string{}, prevent...)}
		for _, r := range remedies {
			e.Remedies = append(e.Remedies, diagnostics.ReportRemedy(r))
		}
		return writeJSON(w, e)
	}
	var b strings.Builder
	fmt.Fprintf(&b, "%s  %s (%s)\n\n%s\n", id, l.T("cause."+id), l.T("branch."+branch), l.T("explain.remedies"))
	for _, r := range remedies {
		fmt.Fprintf(&b, "  - %s: %s\n", l.T("who."+r.Who), r.Do)
	}
	fmt.Fprintf(&b, "\n%s\n", l.T("explain.prevent"))
	for _, p := range prevent {
		fmt.Fprintf(&b, "  - %s\n", p)
	}
	_, err := io.WriteString(w, b.String())
	return err
}
