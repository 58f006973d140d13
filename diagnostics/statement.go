package diagnostics

import (
	"bytes"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/goccy/go-yaml"
	"golang.org/x/text/encoding/simplifiedchinese"

	"tillscope/assets"
)

// statementRules say how a statement is read: assets/statement.yaml.
type statementRules struct {
	Columns map[string][]string `yaml:"columns"`
	States  yaml.MapSlice       `yaml:"states"`
	Codes   map[string]string   `yaml:"codes"`
	Reasons []struct {
		Is    string   `yaml:"is"`
		Words []string `yaml:"words"`
	} `yaml:"reasons"`
	Totals   []string  `yaml:"totals"`
	Calendar *calendar `yaml:"calendar"`

	states []struct {
		is    string
		words []string
	}
}

// parseStatementRules checks the file strictly.
func parseStatementRules(file string, src []byte) (*statementRules, error) {
	r := &statementRules{}
	if _, err := assets.ReadYAML(file, src, r); err != nil {
		return nil, err
	}
	for _, need := range []string{"rrn", "stan", "terminal", "amount", "date", "card", "state"} {
		if len(r.Columns[need]) == 0 {
			return nil, fmt.Errorf("%s: columns: %s has no names", file, need)
		}
	}
	known := []string{"held", "returned", "pending", "paid"}
	for _, item := range r.States {
		is, _ := item.Key.(string)
		if !slices.Contains(known, is) {
			return nil, fmt.Errorf("%s: states: %v is none of %s", file, item.Key, strings.Join(known, ", "))
		}
		list, _ := item.Value.([]any)
		var words []string
		for _, w := range list {
			words = append(words, fmt.Sprint(w))
		}
		r.states = append(r.states, struct {
			is    string
			words []string
		}{is, words})
	}
	for _, x := range r.Reasons {
		if !slices.Contains([]string{"held", "status", "account", "pending"}, x.Is) {
			return nil, fmt.Errorf("%s: reasons: %q is none of held, status, account, pending", file, x.Is)
		}
	}
	if r.Calendar == nil {
		return nil, fmt.Errorf("%s: calendar is missing", file)
	}
	if err := r.Calendar.check(); err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	return r, nil
}

// row is one line of a statement. Of a card number it keeps the last four digits.
type row struct {
	n                int // line of the file, from 1
	rrn, stan, batch string
	terminal         string
	amount           int64
	whole            bool // the amount has no decimal point
	net              bool // it is what is left after the fee
	at               time.Time
	dated, timed     bool
	last4            string
	payout, reason   string
	matched          bool
	of               *txn // what it belongs to
}

// Statement is the acquirer's settlement statement, read and indexed. Only rows of it make money arrive.
type Statement struct {
	File     string
	Rows     int
	Problems []string // rows that could not be read, each with its number and why
	rules    *statementRules
	rows     []*row
	byRRN    map[string][]*row
	bySTAN   map[string][]*row // by terminal and trace number
	byCard   map[string][]*row // by last four digits
	from, to time.Time         // days that it covers
}

// maxStatement bounds a file: a busy merchant's year has a tenth of it.
const maxStatement = 256 << 20

// ReadStatement reads a settlement statement: CSV with commas, semicolons or tabs, UTF-8 or GBK, its columns named in Chinese
// or English (assets/statement.yaml), or by names, which maps what a column is (rrn, stan, terminal, amount, date, state, …)
// to its title. rules replace the shipped ones when not empty. Card numbers are masked as they are read.
func ReadStatement(file string, in io.Reader, names map[string]string, rules []byte) (*Statement, error) {
	source := "statement.yaml"
	if len(rules) == 0 {
		var err error
		if rules, err = fs.ReadFile(assets.FS, source); err != nil {
			return nil, err
		}
	}
	r, err := parseStatementRules(source, rules)
	if err != nil {
		return nil, err
	}
	src, err := io.ReadAll(io.LimitReader(in, maxStatement+1))
	switch {
	case err != nil:
		return nil, fmt.Errorf("the statement cannot be read: %w", err)
	case len(src) > maxStatement:
		return nil, fmt.Errorf("%s is larger than %d MiB: no statement is", file, maxStatement>>20)
	}
	text, err := decodeText(src)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	st := &Statement{File: file, rules: r, byRRN: map[string][]*row{}, bySTAN: map[string][]*row{}, byCard: map[string][]*row{}}
	if err := st.read(text, names); err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	return st, nil
}

// decodeText reads UTF-8, with a byte order mark or without, and else GBK.
func decodeText(src []byte) (string, error) {
	src = bytes.TrimPrefix(src, []byte("\xEF\xBB\xBF"))
	switch {
	case bytes.HasPrefix(src, []byte("\xFF\xFE")) || bytes.HasPrefix(src, []byte("\xFE\xFF")):
		return "", errors.New("it is UTF-16: save it as CSV in UTF-8")
	case bytes.HasPrefix(src, []byte("PK\x03\x04")) || bytes.HasPrefix(src, []byte("\xD0\xCF\x11\xE0")):
		return "", errors.New("it is a spreadsheet: save it as CSV")
	case utf8.Valid(src):
		return string(src), nil
	}
	out, err := simplifiedchinese.GB18030.NewDecoder().Bytes(src)
	if err != nil || bytes.ContainsRune(out, utf8.RuneError) {
		return "", errors.New("its text is neither UTF-8 nor GBK: save it as CSV in UTF-8")
	}
	return string(out), nil
}

// separator is what divides the columns: whatever of these the fullest of the first lines has most of.
func separator(text string) rune {
	best, most := ',', 0
	for i, line := range strings.SplitN(text, "\n", 21) {
		if i == 20 {
			break
		}
		for _, c := range ",\t;|" {
			if n := strings.Count(line, string(c)); n > most {
				best, most = c, n
			}
		}
	}
	return best
}

// read finds the heading, then reads row by row.
func (st *Statement) read(text string, names map[string]string) error {
	r := csv.NewReader(strings.NewReader(text))
	r.Comma, r.LazyQuotes, r.FieldsPerRecord, r.TrimLeadingSpace, r.ReuseRecord = separator(text), true, -1, true, true
	var cols map[string]int
	titles := ""
	for {
		rec, err := r.Read()
		if err == io.EOF {
			break
		}
		line, _ := r.FieldPos(0)
		if err != nil {
			if cols == nil {
				return fmt.Errorf("row %d: %w", line, err)
			}
			st.problem(line, "%v", err)
			continue
		}
		if cols == nil {
			if cols = st.columns(rec, names); cols == nil && line > 40 {
				break
			}
			titles = strings.ToLower(strings.Join(rec, ","))
			continue
		}
		st.row(line, rec, cols)
	}
	switch {
	case cols == nil && len(names) > 0:
		return fmt.Errorf("no row has the titles %s of --statement-column, and an amount", strings.Join(slices.Sorted(maps.Values(names)), ", "))
	case cols == nil:
		return errors.New("no row names its columns: there have to be an amount, and a reference number (参考号), a trace number (凭证号) or a card number and date. Say titles with --statement-column rrn=TITLE")
	case len(st.rows) == 0 && len(st.Problems) > 0:
		return fmt.Errorf("no row could be read: %s", st.Problems[0])
	}
	st.units(titles)
	st.index()
	return nil
}

const mostProblems = 20

func (st *Statement) problem(line int, format string, a ...any) {
	if len(st.Problems) < mostProblems {
		st.Problems = append(st.Problems, fmt.Sprintf("row %d: ", line)+fmt.Sprintf(format, a...))
	}
}

var titles = strings.NewReplacer(" ", "", "_", "", "-", "", "\t", "", "\"", "", "（", "(", "）", ")", ".", "", "'", "", "`", "")

func plainTitle(s string) string { return titles.Replace(strings.ToLower(strings.TrimSpace(s))) }

// columns says which column is what, or nil when this is no heading.
func (st *Statement) columns(rec []string, names map[string]string) map[string]int {
	cols := map[string]int{}
	for what, title := range names {
		i := slices.IndexFunc(rec, func(t string) bool { return plainTitle(t) == plainTitle(title) })
		if i < 0 {
			return nil
		}
		cols[what] = i
	}
	taken := map[int]bool{}
	for _, i := range cols {
		taken[i] = true
	}
	for _, exact := range []bool{true, false} {
		for _, what := range sortedKeys(st.rules.Columns) {
			if _, have := cols[what]; have {
				continue
			}
		search:
			for _, name := range st.rules.Columns[what] {
				for i, t := range rec {
					t = plainTitle(t)
					if !taken[i] && t != "" && (t == name || !exact && strings.HasPrefix(t, name)) {
						cols[what], taken[i] = i, true
						break search
					}
				}
			}
		}
	}
	has := func(what string) bool { _, ok := cols[what]; return ok }
	if !has("amount") && !has("net") || !has("rrn") && !has("stan") && !(has("card") && has("date")) {
		return nil
	}
	return cols
}

// row reads one transaction.
func (st *Statement) row(line int, rec []string, cols map[string]int) {
	get := func(what string) string {
		i, ok := cols[what]
		if !ok || i >= len(rec) {
			return ""
		}
		return strings.Trim(strings.TrimSpace(rec[i]), "'`\"=") // spreadsheets keep leading zeros with a quote
	}
	first := strings.ToLower(strings.TrimSpace(strings.Join(rec, "")))
	if first == "" || slices.ContainsFunc(st.rules.Totals, func(w string) bool { return strings.HasPrefix(first, w) }) {
		return
	}
	x := &row{n: line, rrn: get("rrn"), terminal: get("terminal"), batch: strings.TrimLeft(get("batch"), "0"), reason: get("reason")}
	x.stan = strings.TrimLeft(get("stan"), "0")
	if card := get("card"); len(card) >= 4 && digits(card[len(card)-4:]) {
		x.last4 = strings.Clone(card[len(card)-4:])
	}
	x.rrn, x.terminal, x.stan, x.batch, x.reason = strings.Clone(x.rrn), strings.Clone(x.terminal), strings.Clone(x.stan), strings.Clone(x.batch), strings.Clone(maskRuns(x.reason))
	if x.rrn == "" && x.stan == "" && x.last4 == "" {
		st.problem(line, "it has neither a reference number, nor a trace number, nor a card number")
		return
	}
	amount := get("amount")
	if amount == "" {
		amount, x.net = get("net"), true
	}
	var err error
	if x.amount, x.whole, err = parseAmount(amount); err != nil {
		st.problem(line, "%v", err)
		return
	}
	when := strings.TrimSpace(get("date") + " " + get("time"))
	if when != "" {
		if x.at, x.dated, x.timed, err = parseTime(when, st.rules.Calendar.zone); err != nil {
			st.problem(line, "%v", err)
			return
		}
	}
	_, hasState := cols["state"]
	_, hasPaid := cols["paid"]
	x.payout = st.rules.payout(get("state"), x.reason, hasState, get("paid"), hasPaid)
	st.rows = append(st.rows, x)
	st.Rows++
}

// payout is what became of a row's money. A statement without any column about it lists what was paid.
func (r *statementRules) payout(state, reason string, hasState bool, paid string, hasPaid bool) string {
	low := strings.ToLower(strings.ReplaceAll(state, " ", ""))
	is := r.Codes[low]
	for _, s := range r.states {
		if is != "" || low == "" {
			break
		}
		for _, w := range s.words {
			if strings.Contains(low, w) {
				is = s.is
				break
			}
		}
	}
	why, text := "", strings.ToLower(reason+" "+state)
	for _, x := range r.Reasons {
		if why == "" && slices.ContainsFunc(x.Words, func(w string) bool { return strings.Contains(text, w) }) {
			why = x.Is
		}
	}
	switch {
	case is == "held":
		return "held"
	case is == "returned" && why == "":
		return "account" // most that come back do so for the account's data
	case is == "returned":
		return why
	case is == "paid" && why == "pending", is == "pending" && why != "held":
		return "pending"
	case is == "pending":
		return "held"
	case is == "paid":
		return "paid"
	case hasState && state != "":
		return "pending" // a word that nobody knows makes nothing arrive
	case hasPaid && paid == "", hasState:
		return "pending"
	}
	return "paid"
}

// maskRuns hides the middle of digit runs as long as a card number.
func maskRuns(s string) string {
	b := []byte(s)
	for i := 0; i < len(b); {
		j := i
		for j < len(b) && b[j]-'0' <= 9 {
			j++
		}
		if j-i >= 12 {
			for k := i + 6; k < j-4; k++ {
				b[k] = '*'
			}
		}
		i = max(j, i+1)
	}
	return string(b)
}

// units decides between fen and yuan: by the titles, by decimal points anywhere, and else they are fen.
func (st *Statement) units(titles string) {
	yuan := strings.Contains(titles, "元")
	fen := strings.Contains(titles, "分)") || strings.Contains(titles, "分）") || strings.Contains(titles, "minor") || strings.Contains(titles, "fen")
	for _, x := range st.rows {
		yuan = yuan || !x.whole && !fen
	}
	if !yuan {
		return
	}
	for _, x := range st.rows {
		if x.whole {
			x.amount *= 100
		}
	}
}

// index makes the rows easy to find.
func (st *Statement) index() {
	for _, x := range st.rows {
		if x.rrn != "" {
			st.byRRN[x.rrn] = append(st.byRRN[x.rrn], x)
		}
		if x.stan != "" {
			st.bySTAN[x.terminal+"|"+x.stan] = append(st.bySTAN[x.terminal+"|"+x.stan], x)
		}
		if x.last4 != "" {
			st.byCard[x.last4] = append(st.byCard[x.last4], x)
		}
		if x.dated {
			if st.from.IsZero() || x.at.Before(st.from) {
				st.from = x.at
			}
			if x.at.After(st.to) {
				st.to = x.at
			}
		}
	}
}
