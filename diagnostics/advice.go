package diagnostics

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// tells are the numbers that a remedy may name: who is called will ask for them.
var tells = []string{"terminal", "rrn", "stan", "batch", "amount", "issuer", "host", "since"}

// check refuses advice that says nothing to somebody.
func (a advice) check() error {
	if len(a.Remedies) == 0 || len(a.Prevent) == 0 {
		return fmt.Errorf("needs remedies and prevent")
	}
	for _, r := range a.Remedies {
		if r.EN == "" || r.ZH == "" || r.Who == "" {
			return fmt.Errorf("a remedy needs who, en and zh")
		}
		for _, t := range r.Tell {
			if !slices.Contains(tells, t) {
				return fmt.Errorf("tell: no %q: choose of %s", t, strings.Join(tells, ", "))
			}
		}
	}
	for _, p := range a.Prevent {
		if p.EN == "" || p.ZH == "" {
			return fmt.Errorf("prevent needs en and zh")
		}
	}
	return nil
}

// mostTold is how many numbers of a kind are named: a call is no list.
const mostTold = 3

// advise is the advice on a cause, with the numbers of what it is about.
func (s *Session) advise(f *found, c Cause) (rem []Remedy, prevent []string) {
	_, prevent = Advice(f.ID, s.o.Lang.ID)
	sh, err := load()
	if err != nil {
		return nil, prevent
	}
	for _, r := range sh.advice[f.ID].Remedies {
		do := r.in(s.o.Lang.ID)
		if numbers := s.numbers(f, c, r.Tell); numbers != "" {
			do += " " + numbers
		}
		rem = append(rem, Remedy{r.Who, do})
	}
	return rem, prevent
}

// numbers are those that a remedy names, as far as they are known.
func (s *Session) numbers(f *found, c Cause, names []string) string {
	lang := s.o.Lang
	var out []string
	for _, name := range names {
		var list []string
		add := func(v string) {
			if v = Clean(strings.TrimSpace(v)); v != "" && !slices.Contains(list, v) {
				list = append(list, v)
			}
		}
		switch name {
		case "terminal":
			for _, t := range c.Terminals {
				add(t)
			}
		case "issuer":
			for _, i := range c.Issuers {
				add(i)
			}
		case "host":
			for _, l := range s.lines {
				add(l.Host)
			}
		case "since":
			if !c.Began.IsZero() {
				add(c.Began.Local().Format("2006-01-02 15:04:05"))
			}
		case "amount":
			for _, sum := range c.Sums {
				add(sum.String())
			}
		default:
			for _, t := range slices.Backward(f.transactions) { // the latest are the easiest to trace
				switch name {
				case "rrn":
					add(t.RRN)
				case "stan":
					add(t.STAN)
				case "batch":
					add(t.Batch)
				}
				if len(list) > mostTold {
					break
				}
			}
		}
		if len(list) == 0 {
			continue
		}
		if len(list) > mostTold {
			list = append(list[:mostTold:mostTold], "…")
		}
		out = append(out, lang.T("tell."+name)+" "+strings.Join(list, lang.T("tell.between")))
	}
	if len(out) == 0 {
		return ""
	}
	return lang.T("tell.all", strings.Join(out, lang.T("tell.next")))
}

// lasted says from when to when a cause was seen, in the words of a language; empty when that is not known.
func (c ReportCause) lasted(t func(string, ...any) string) string {
	switch {
	case c.Began == "":
		return ""
	case c.Ended == "":
		return t("report.since", c.Began)
	}
	return t("report.between", c.Began, c.Ended)
}

func stamp(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.Format(time.RFC3339)
}
