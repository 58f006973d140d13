package tui

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"tillscope/sim"
)

// parameter reads and writes one parameter of a fault as text. An empty text is none.
type parameter struct {
	get func(*sim.Fault) string
	set func(*sim.Fault, string) error
}

// parameters are those of sim.Fault, by the names that its kinds use.
var parameters = map[string]parameter{
	"terminals": {func(f *sim.Fault) string { return strings.Trim(fmt.Sprint(f.Terminals), "[]") },
		func(f *sim.Fault, s string) error {
			f.Terminals = nil
			for _, w := range words(s) {
				n, err := strconv.Atoi(w)
				if err != nil || n < 1 {
					return fmt.Errorf("%s is no terminal: write their numbers, as in 1 2 3", w)
				}
				f.Terminals = append(f.Terminals, n)
			}
			return nil
		}},
	"issuers": {func(f *sim.Fault) string { return strings.Join(f.Issuers, " ") }, func(f *sim.Fault, s string) error { f.Issuers = words(s); return nil }},
	"codes":   {func(f *sim.Fault) string { return strings.Join(f.Codes, " ") }, func(f *sim.Fault, s string) error { f.Codes = words(s); return nil }},
	"value":   {func(f *sim.Fault) string { return f.Value }, func(f *sim.Fault, s string) error { f.Value = s; return nil }},
	"mode":    {func(f *sim.Fault) string { return f.Mode }, func(f *sim.Fault, s string) error { f.Mode = s; return nil }},
	"share": {func(f *sim.Fault) string {
		if f.Share == 0 {
			return ""
		}
		return strconv.FormatFloat(f.Share, 'g', -1, 64)
	}, func(f *sim.Fault, s string) (err error) {
		if f.Share = 0; s == "" {
			return nil
		}
		if f.Share, err = strconv.ParseFloat(s, 64); err != nil || f.Share < 0 || f.Share > 1 {
			return fmt.Errorf("%s is no share: write a number from 0 to 1, as in 0.3", s)
		}
		return nil
	}},
	"after":  number(func(f *sim.Fault) *int { return &f.After }),
	"until":  number(func(f *sim.Fault) *int { return &f.Until }),
	"rate":   number(func(f *sim.Fault) *int { return &f.Rate }),
	"count":  number(func(f *sim.Fault) *int { return &f.Count }),
	"amount": number(func(f *sim.Fault) *int64 { return &f.Amount }),
	"wait":   span(func(f *sim.Fault) *time.Duration { return &f.Wait }),
	"begin":  span(func(f *sim.Fault) *time.Duration { return &f.Begin }),
	"end":    span(func(f *sim.Fault) *time.Duration { return &f.End }),
}

// parameterNames are they in the order in which a fault is described.
var parameterNames = []string{"terminals", "share", "issuers", "codes", "value", "mode", "wait", "rate", "amount", "count", "after", "until", "begin", "end"}

func words(s string) []string {
	return strings.FieldsFunc(s, func(r rune) bool { return r == ' ' || r == ',' })
}

func number[T int | int64](at func(*sim.Fault) *T) parameter {
	return parameter{func(f *sim.Fault) string {
		if *at(f) == 0 {
			return ""
		}
		return fmt.Sprint(*at(f))
	}, func(f *sim.Fault, s string) error {
		if *at(f) = 0; s == "" {
			return nil
		}
		n, err := strconv.ParseInt(s, 10, 64)
		if err != nil || n < 0 {
			return fmt.Errorf("%s is no number: write a whole one from 0 on, as in 100", s)
		}
		*at(f) = T(n)
		return nil
	}}
}

func span(at func(*sim.Fault) *time.Duration) parameter {
	return parameter{func(f *sim.Fault) string {
		if *at(f) == 0 {
			return ""
		}
		return at(f).String()
	}, func(f *sim.Fault, s string) (err error) {
		if *at(f) = 0; s == "" {
			return nil
		}
		if *at(f), err = time.ParseDuration(s); err != nil || *at(f) < 0 {
			return fmt.Errorf("%s is no time: write it as in 30s or 5m", s)
		}
		return nil
	}}
}
