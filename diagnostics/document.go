package diagnostics

import (
	"cmp"
	htmltemplate "html/template"
	"io"
	"strings"
	"text/template"

	"tillscope/assets"
)

// document is what the report's templates see: the report, and what they would have to compute.
type document struct {
	*Report
	Lang    string
	Verdict string
	Way     []waypoint
	Missing []missing
}

// waypoint is one stage of the way to the account.
type waypoint struct {
	Name  string
	Count int
	State State
}

// missing is a transaction whose money does not arrive. Its cause is empty when it has none.
type missing struct {
	ReportTransaction
	Cause string
}

func (r *Report) document(lang *assets.Lang) document {
	d := document{Report: r, Lang: lang.ID, Verdict: r.verdict(lang)}
	for i, s := range r.stages {
		d.Way = append(d.Way, waypoint{lang.T("stage." + Stages[i]), s.Count, cmp.Or(s.State, Unknown)})
	}
	for _, t := range r.Transactions {
		if t.Arrived == "no" {
			m := missing{ReportTransaction: t}
			if t.Cause != nil {
				m.Cause = *t.Cause
			}
			d.Missing = append(d.Missing, m)
		}
	}
	return d
}

// words are the functions that both templates know. What comes from the line goes through md or clean.
func words(lang *assets.Lang) map[string]any {
	return map[string]any{
		"t":       lang.T,
		"money":   func(t missing) string { return t.money().String() },
		"sums":    Sums.String,
		"amount":  hundredths,
		"clean":   Clean,
		"md":      markdown,
		"percent": func(f float64) float64 { return 100 * f },
		"lasted":  func(c ReportCause) string { return c.lasted(lang.T) },
		"compare": func(st *ReportStatement) string { return st.sum(lang) },
	}
}

var marks = strings.NewReplacer(`\`, `\\`, "`", "\\`", "*", `\*`, "_", `\_`, "[", `\[`, "]", `\]`, "<", "&lt;", ">", "&gt;", "|", `\|`, "#", `\#`, "!", `\!`)

// markdown escapes text of the line so that it stays text: no mark-up, no HTML, no control characters.
func markdown(s string) string { return marks.Replace(Clean(s)) }

// Markdown writes the report as a Markdown document.
func (r *Report) Markdown(w io.Writer, lang *assets.Lang) error {
	t, err := template.New("report.md.tmpl").Funcs(words(lang)).ParseFS(assets.FS, "reports/report.md.tmpl")
	if err != nil {
		return err
	}
	return t.Execute(w, r.document(lang))
}

// HTML writes the report as one file that needs nothing else, fit to print.
func (r *Report) HTML(w io.Writer, lang *assets.Lang) error {
	t, err := htmltemplate.New("report.html.tmpl").Funcs(words(lang)).ParseFS(assets.FS, "reports/report.html.tmpl")
	if err != nil {
		return err
	}
	return t.Execute(w, r.document(lang))
}
