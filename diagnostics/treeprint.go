package diagnostics

import (
	"cmp"
	"fmt"
	"io"
	"reflect"
	"strings"

	"tillscope/assets"
)

// PrintTree writes the shipped decision tree for a person: questions with their conditions and where they lead, thresholds
// and signs with their reasons, and everything that a condition can name. It is what one needs to write a tree of one's own.
func PrintTree(w io.Writer, lang *assets.Lang) error {
	sh, err := load()
	if err != nil {
		return err
	}
	t := sh.tree
	var b strings.Builder
	p := func(format string, a ...any) { fmt.Fprintf(&b, format+"\n", a...) }
	p("%s", lang.T("tree.nodes"))
	for _, n := range t.nodes {
		p("\n%s  [%s]\n  %s", n.ID, lang.T("branch."+n.Branch), cmp.Or(n.Question[lang.ID], n.Question["en"]))
		for _, x := range [][2]string{{"when", n.When}, {"unknown-if", n.Unknown}, {"explains", n.Explains}, {"scope", n.Scope}, {"confidence", n.Confidence},
			{"claims", strings.Join(n.Claims, " ")}, {"hides", strings.Join(n.Hides, " ")}, {"probes", strings.Join(n.Probes, " ")}, {"shows", strings.Join(n.Shows, " ")}} {
			if x[1] != "" {
				p("  %s: %s", x[0], x[1])
			}
		}
		if n.Ask {
			p("  %s", lang.T("tree.ask", n.ID))
		}
		if n.Cause != "" {
			p("  -> %s  %s", n.Cause, lang.T("cause."+n.Cause))
		}
		if n.No != "" {
			p("  %s: %s", lang.T("answer.no"), n.No)
		}
	}
	p("\n%s", lang.T("tree.thresholds"))
	for _, id := range sortedKeys(t.thresholds) {
		p("  %s = %v  %s", id, t.thresholds[id].Value, t.thresholds[id].Why)
	}
	p("\n%s", lang.T("tree.signs"))
	for _, id := range sortedKeys(t.signs) {
		r := t.signs[id]
		p("  %s  %s %s / %s, %v: %s", id, strings.Join(r.Kinds, " "), strings.Join(r.Codes, " "), r.Of, r.Usual, r.Why)
	}
	p("\n%s", lang.T("tree.findings"))
	for _, id := range sortedKeys(findings) {
		p("  %s  %s", id, findings[id])
	}
	p("\n%s", lang.T("tree.facts"))
	for _, part := range []any{Facts{}, Sign{}, txEvidence{}} {
		v := reflect.TypeOf(part)
		p("  %s:", map[string]string{"Facts": "when, unknown-if", "Sign": "SIGN.", "txEvidence": "explains"}[v.Name()])
		for i := range v.NumField() {
			f := v.Field(i)
			if name := f.Tag.Get("expr"); name != "" {
				p("    %s (%s)  %s", name, f.Type, f.Tag.Get("doc"))
			}
		}
	}
	_, err = io.WriteString(w, b.String())
	return err
}
