package diagnostics

import (
	"fmt"
	"io"
	"strconv"
	"strings"
	"unicode"

	"tillscope/assets"
)

// Clean escapes what could steer a terminal: fields come from the line.
func Clean(s string) string {
	if plain(s) {
		return s
	}
	var b strings.Builder
	for _, r := range s {
		if unicode.IsPrint(r) {
			b.WriteRune(r)
		} else {
			b.WriteString(strings.Trim(strconv.QuoteRuneToASCII(r), "'"))
		}
	}
	return b.String()
}

// plain says that a text is printable ASCII, as nearly all are.
func plain(s string) bool {
	for i := range len(s) {
		if s[i] < 0x20 || s[i] > 0x7E {
			return false
		}
	}
	return true
}

// hundredths is an amount of a statement, which says no currency.
func hundredths(n int64) string { return decimal(n, 2) }

// verdict is the leading cause. Without any it says how far that is a good sign: who understood hardly anything found no fault either.
func (r *Report) verdict(lang *assets.Lang) string {
	switch seen := r.Totals; {
	case len(r.Causes) > 0:
		return lang.T("cause."+r.Causes[0].ID) + " (" + r.Causes[0].ID + ")"
	case seen.Messages == 0:
		return lang.T("report.nothing")
	case 2*seen.Undecoded > seen.Messages:
		return lang.T("report.opaque", seen.Undecoded, seen.Messages)
	}
	return lang.T("report.nofault")
}

// Text writes the report for a person, the verdict first.
func (r *Report) Text(w io.Writer, lang *assets.Lang) error {
	var b strings.Builder
	p := func(format string, a ...any) {
		for i := range a {
			if s, ok := a[i].(string); ok {
				a[i] = Clean(s)
			}
		}
		fmt.Fprintf(&b, format+"\n", a...)
	}
	p("%s: %s", lang.T("report.verdict"), r.verdict(lang))
	p("%s · %s – %s", r.Source.Describe, r.Started, r.Ended)
	p("\n%s", lang.T("report.way"))
	for i, st := range r.stages {
		p("  %s: %d (%s)", lang.T("stage."+Stages[i]), st.Count, lang.T("state."+string(st.State)))
	}
	p("\n%s", lang.T("report.causes"))
	for _, c := range r.Causes {
		p("  %s", lang.T("report.cause", lang.T("cause."+c.ID), 100*c.Confidence, c.Transactions, c.Sums.String()))
		if when := c.lasted(lang.T); when != "" {
			p("    %s", when)
		}
		for _, m := range c.Remedies {
			p("    - %s: %s", lang.T("who."+m.Who), m.Do)
		}
		for _, v := range c.Prevent {
			p("    - %s: %s", lang.T("report.prevent"), v)
		}
	}
	if st := r.Statement; st != nil {
		p("\n%s: %s", lang.T("report.statement"), st.File)
		p("  %s", st.sum(lang))
		for _, u := range st.Unseen {
			p("  #%d %s %s %s %s %s %s", u.Row, u.RRN, u.Terminal, u.STAN, hundredths(u.Amount), u.Payout, u.Reason)
		}
		for _, problem := range st.Problems {
			p("  ! %s", problem)
		}
	}
	p("\n%s", lang.T("report.branches"))
	for _, x := range r.Branches {
		p("  %s: %s, %s", lang.T("branch."+x.ID), lang.T("state."+string(x.Status)), x.Because)
	}
	p("\n%s", lang.T("report.transactions"))
	for _, t := range r.Transactions {
		if t.Arrived == "no" {
			cause := "-"
			if t.Cause != nil {
				cause = lang.T("cause." + *t.Cause)
			}
			p("  #%d %s %s %s %s %s %s", t.N, t.Type, t.Terminal, t.STAN, t.money().String(), strings.TrimSpace(t.ResponseCode+" "+t.HostText), cause)
		}
	}
	if n := r.Totals.Folded; n > 0 {
		p("  %s", lang.T("report.folded", n))
	}
	p("\n%s", lang.T("report.lines"))
	for _, l := range r.Lines {
		p("  %s", lang.T("report.line", l.Terminal, l.Framing, l.Header, l.Dialect, l.Connects, l.Resets, l.Messages))
	}
	if len(r.Notes) > 0 {
		p("\n%s", lang.T("report.notes"))
		for _, n := range r.Notes {
			p("  #%d %s  %s", n.Message, n.Row, n.Text)
		}
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// sum is the comparison in one sentence.
func (st *ReportStatement) sum(lang *assets.Lang) string {
	return lang.T("report.statement.sum", st.Rows, st.Both, st.Paid, st.OnlyLine, st.NotDue, st.OnlyHost, st.Different, st.Held, st.Returned)
}
