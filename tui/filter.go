package tui

import (
	"path"
	"slices"
	"strconv"
	"strings"

	"tillscope/diagnostics"
)

// A filter is words that must all hold: of a row's text, or of what it is about.
//
//	sale                    the row's text has it, in whatever case
//	rc=51 rc!=00            the response code
//	amount>100 amount<=5.5  in units of the currency
//	terminal=T1 type=sale stage=answered arrived=no stan=000123
//	cause=network.*         * stands for anything
//	latency>500 marked=yes  milliseconds of a response; rows with a mark
//	field.22~05             a field's value has it; field.41=10010001 is it
//
// Numbers are equal whatever zeros they are written with: stan=70, amount=84. A word that is only begun (rc=, field.22) holds
// nothing back.
type filter []term

// term is one word.
type term struct {
	key, op, value string
	number         float64 // of value, for < and >
}

// keys that a term can ask for, besides field.N.
var filterKeys = []string{"rc", "mti", "stan", "rrn", "terminal", "amount", "type", "stage", "arrived", "cause", "card", "line", "latency", "marked", "note"}

// filterEmpty are the keys that may ask for what a row has nothing of.
var filterEmpty = []string{"cause", "note", "stage", "type"}

// wrongWord is why a word of a filter cannot be read: the key of the text that says so, and what it is about.
type wrongWord struct{ key, word string }

func (w wrongWord) Error() string { return w.word }

// parseFilter reads a filter. The error is a wrongWord; what stands before that is still read.
func parseFilter(s string) (f filter, err error) {
	for _, word := range strings.Fields(s) {
		i := strings.IndexAny(word, "=~<>!")
		if i < 0 && strings.HasPrefix(strings.ToLower(word), "field.") {
			return f, wrongWord{"filter.novalue", word}
		}
		if i <= 0 {
			f = append(f, term{value: strings.ToLower(word)})
			continue
		}
		t := term{key: strings.ToLower(word[:i])}
		for _, op := range []string{"!=", ">=", "<=", "=", "~", ">", "<"} {
			if strings.HasPrefix(word[i:], op) {
				t.op, t.value = op, strings.ToLower(word[i+len(op):])
				break
			}
		}
		number, isField := strings.CutPrefix(t.key, "field.")
		switch {
		case t.op == "" || isField && number == "":
			return f, wrongWord{"filter.wrong", word}
		case !isField && !slices.Contains(filterKeys, t.key):
			return f, wrongWord{"filter.nokey", t.key}
		case t.value == "" && (isField || !slices.Contains(filterEmpty, t.key)):
			return f, wrongWord{"filter.novalue", word}
		case t.op[0] == '<' || t.op[0] == '>':
			if t.number, err = strconv.ParseFloat(t.value, 64); err != nil {
				return f, wrongWord{"filter.nonumber", word}
			}
		}
		if _, bad := path.Match(t.value, ""); bad != nil {
			return f, wrongWord{"filter.wrong", word}
		}
		f = append(f, t)
	}
	return f, nil
}

// holds says whether a row passes: text is its own, in lower case.
func (f filter) holds(m *Model, e *diagnostics.Entry, text string) bool {
	for _, t := range f {
		if t.key == "" {
			if !strings.Contains(text, t.value) {
				return false
			}
			continue
		}
		values := m.valuesOf(e, t.key)
		if len(values) == 0 && t.op != "!=" || !t.any(values) {
			return false
		}
	}
	return true
}

// any compares. Several values (a terminal has a number and a short name) pass when one does; != when all do.
func (t term) any(values []string) bool {
	matches := func(v string) bool {
		v = strings.ToLower(strings.TrimSpace(v))
		switch t.op {
		case "~":
			return strings.Contains(v, t.value)
		case "=", "!=":
			ok, _ := path.Match(t.value, v)
			return ok || sameNumber(t.value, v)
		}
		n, err := strconv.ParseFloat(v, 64)
		return err == nil && (t.op == ">" && n > t.number || t.op == "<" && n < t.number || t.op == ">=" && n >= t.number || t.op == "<=" && n <= t.number)
	}
	if t.op == "!=" {
		return !slices.ContainsFunc(values, matches)
	}
	return slices.ContainsFunc(values, matches)
}

// sameNumber says that two texts are one number, as 70 is 000070 and 84 is 84.00.
func sameNumber(a, b string) bool {
	plain := func(s string) string {
		whole, rest, _ := strings.Cut(s, ".")
		s = strings.TrimLeft(whole, "0")
		if rest = strings.TrimRight(rest, "0"); rest != "" {
			s += "." + rest
		}
		return s
	}
	number := func(s string) bool { return s != "" && strings.Trim(s, "0123456789.") == "" }
	return number(a) && number(b) && plain(a) == plain(b)
}

// valuesOf is what a row says about a key.
func (m *Model) valuesOf(e *diagnostics.Entry, key string) []string {
	var x diagnostics.Transaction
	if txn := m.txnOf(e); txn != nil {
		x = *txn
	} else if e.Txn != 0 && e.Msg != nil && !e.Msg.Undecoded() { // no longer kept one by one
		x.Type = diagnostics.TypeOf(e.Msg)
		fate, _ := m.snap.Fate(e.Txn)
		x.Stage, x.Arrived, x.Cause = fate.Stage, fate.Arrived, fate.Cause
	}
	switch key {
	case "terminal":
		return []string{e.Terminal, m.names[e.Terminal]}
	case "line":
		return []string{itoa(e.Line), "l" + itoa(e.Line)}
	case "type":
		return []string{x.Type, m.t("type." + x.Type)}
	case "stage":
		return []string{x.Stage}
	case "arrived":
		return []string{x.Arrived}
	case "cause":
		return []string{x.Cause}
	case "marked":
		if _, ok := m.marks[e.N]; ok {
			return []string{"yes"}
		}
		return []string{"no"}
	case "note":
		return []string{m.marks[e.N]}
	case "latency":
		if e.Latency == 0 {
			return nil
		}
		return []string{itoa(int(e.Latency.Milliseconds()))}
	}
	if e.Msg == nil || e.Msg.Undecoded() {
		return nil
	}
	field := func(n int) []string {
		if !e.Msg.Has(n) {
			return nil
		}
		return []string{e.Msg.Get(n)}
	}
	switch key {
	case "mti":
		return []string{e.Msg.MTI}
	case "stan":
		return field(11)
	case "rrn":
		return field(37)
	case "rc":
		return field(39)
	case "card":
		return []string{e.Msg.PAN()}
	case "amount":
		amount, _ := diagnostics.AmountOf(e.Msg)
		n, err := strconv.ParseInt(amount, 10, 64)
		if err != nil {
			return nil
		}
		return []string{strconv.FormatFloat(float64(n)/100, 'f', 2, 64)}
	}
	id := strings.TrimPrefix(key, "field.")
	if n, err := strconv.Atoi(id); err == nil {
		return field(n)
	}
	for _, f := range e.Msg.Fields() {
		if strings.EqualFold(f.ID, id) {
			return []string{f.Value}
		}
	}
	return nil
}

// completions are what a word that was begun may become: keys, and after a key the values that have been seen.
func (m *Model) completions(word string) (out []string) {
	i := strings.IndexAny(word, "=~<>!")
	if i < 0 {
		for _, k := range filterKeys {
			if word != "" && strings.HasPrefix(k, strings.ToLower(word)) {
				out = append(out, k+"=")
			}
		}
		if e := m.traffic().current(m); word != "" && e != nil && e.Msg != nil && !e.Msg.Undecoded() {
			for _, f := range e.Msg.Fields() { // those of the selected message
				if id := "field." + f.ID; strings.HasPrefix(id, strings.ToLower(word)) {
					out = append(out, id+"=")
				}
			}
		}
		return out
	}
	key := strings.ToLower(word[:i])
	op := word[i : len(word)-len(strings.TrimLeft(word[i:], "=~<>!"))]
	const recent, most = 5000, 40
	for _, c := range tally(m.snap.Entries[max(len(m.snap.Entries)-recent, 0):], func(e *diagnostics.Entry) string {
		if v := m.valuesOf(e, key); len(v) > 0 {
			return strings.TrimSpace(v[len(v)-1])
		}
		return ""
	}) {
		if v := c.key; strings.HasPrefix(strings.ToLower(v), strings.ToLower(word[i+len(op):])) && !strings.ContainsAny(v, " *") && len(out) < most {
			out = append(out, word[:i]+op+v)
		}
	}
	return out
}
