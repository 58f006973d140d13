package diagnostics

import (
	"bufio"
	"bytes"
	"encoding/json"
	"io"
	"strings"
	"time"
)

// Report is the verdict in the shape of tillscope.report/v1. Arrays are never null, times are RFC 3339.
type Report struct {
	Schema       string              `json:"schema"`
	Tool         string              `json:"tool"`
	Started      string              `json:"started"`
	Ended        string              `json:"ended"`
	Source       ReportSource        `json:"source"`
	Lines        []ReportLine        `json:"lines"`
	Totals       ReportTotals        `json:"totals"`
	Branches     []ReportBranch      `json:"branches"`
	Transactions []ReportTransaction `json:"transactions"`
	Causes       []ReportCause       `json:"causes"`
	Path         []ReportStep        `json:"path"`
	Questions    []ReportQuestion    `json:"questions"`
	Statement    *ReportStatement    `json:"statement,omitempty"`
	Notes        []Note              `json:"notes,omitempty"` // what a person marked on the screen

	stages [8]StageCount
}

// ReportSource describes what was watched.
type ReportSource struct {
	Kind      string `json:"kind"`
	Simulated bool   `json:"simulated"`
	Describe  string `json:"describe"`
}

// ReportLatency is in milliseconds.
type ReportLatency struct {
	P50 int64 `json:"p50"`
	P95 int64 `json:"p95"`
	Max int64 `json:"max"`
}

// ReportLine is one line.
type ReportLine struct {
	ID         int           `json:"id"`
	Terminal   string        `json:"terminal"`
	Framing    string        `json:"framing"`
	Header     string        `json:"header"`
	Dialect    string        `json:"dialect"`
	Confidence float64       `json:"confidence"`
	RunnerUp   string        `json:"runner_up"`
	Connects   int           `json:"connects"`
	Resets     int           `json:"resets"`
	Messages   int           `json:"messages"`
	Undecoded  int           `json:"undecoded"`
	Bytes      int64         `json:"bytes"`
	Latency    ReportLatency `json:"latency_ms"`

	LRCErrors   int `json:"lrc_errors,omitempty"`
	NAKs        int `json:"naks,omitempty"`
	Retransmits int `json:"retransmits,omitempty"`
}

// ReportTotals are counts over all lines.
type ReportTotals struct {
	Messages  int `json:"messages"`
	Undecoded int `json:"undecoded"`
	Dropped   int `json:"dropped"`
	Folded    int `json:"folded"` // transactions that are counted and no longer listed
}

// ReportBranch is the status of one branch.
type ReportBranch struct {
	ID      string `json:"id"`
	Status  State  `json:"status"`
	Because string `json:"because"`
}

// ReportTransaction is one transaction; cause is null when it has none.
type ReportTransaction struct {
	N            int     `json:"n"`
	Line         int     `json:"line"`
	Type         string  `json:"type"`
	MTI          string  `json:"mti"`
	STAN         string  `json:"stan"`
	RRN          string  `json:"rrn"`
	Terminal     string  `json:"terminal"`
	Amount       int64   `json:"amount_minor"`
	Currency     string  `json:"currency"`
	Card         string  `json:"card"`
	ResponseCode string  `json:"response_code"`
	Stage        string  `json:"stage"`
	Arrived      string  `json:"arrived"`
	Cause        *string `json:"cause"`
	Evidence     []int   `json:"evidence"`
	At           string  `json:"at"`                  // when its first message passed
	Batch        string  `json:"batch,omitempty"`     // number of the batch
	HostText     string  `json:"host_text,omitempty"` // what the host wrote beside a refusal (field 63)
	Payout       string  `json:"payout,omitempty"`    // by the statement: paid, pending, held, account, status, missing, due, differs
}

// ReportRemedy is one thing that someone does.
type ReportRemedy struct {
	Who string `json:"who"`
	Do  string `json:"do"`
}

// ReportCause is one finding.
type ReportCause struct {
	ID           string         `json:"id"`
	Branch       string         `json:"branch"`
	Title        string         `json:"title"`
	Confidence   float64        `json:"confidence"`
	Transactions int            `json:"transactions"`
	Amount       int64          `json:"amount_minor"`
	Evidence     []int          `json:"evidence"`
	Remedies     []ReportRemedy `json:"remedies"`
	Prevent      []string       `json:"prevent"`
	Because      string         `json:"because"`
	Began        string         `json:"began"`     // when it was first seen, empty when that is not known
	Ended        string         `json:"ended"`     // when it was last seen, empty while it goes on
	Terminals    []string       `json:"terminals"` // that it is about
	Issuers      []string       `json:"issuers"`   // that it is about: first six digits of their cards
	Sums         Sums           `json:"sums"`      // amount_minor by currency
}

// ReportStatement is how the acquirer's statement compares with what was seen.
type ReportStatement struct {
	File      string          `json:"file"`
	Rows      int             `json:"rows"`
	Both      int             `json:"both"`
	Paid      int             `json:"paid"`
	OnlyLine  int             `json:"only_line"`
	NotDue    int             `json:"not_due"`
	OnlyHost  int             `json:"only_host"`
	Different int             `json:"different"`
	Held      int             `json:"held"`
	Returned  int             `json:"returned"`
	Unseen    []ReportHostRow `json:"unseen"`
	Problems  []string        `json:"problems"`
}

// ReportHostRow is a row of the statement that nothing on the line belongs to.
type ReportHostRow struct {
	Row      int    `json:"row"`
	RRN      string `json:"rrn"`
	STAN     string `json:"stan"`
	Terminal string `json:"terminal"`
	Amount   int64  `json:"amount_minor"`
	Payout   string `json:"payout"`
	Reason   string `json:"reason"`
}

// ReportStep is one node as walked.
type ReportStep struct {
	Node     string `json:"node"`
	Question string `json:"question"`
	Answer   string `json:"answer"`
	By       string `json:"by"`
	Because  string `json:"because"`
}

// ReportQuestion is what only a person can answer.
type ReportQuestion struct {
	Node     string `json:"node"`
	Question string `json:"question"`
}

func list[T any](s []T) []T { return append([]T{}, s...) }

// cleaned are texts that come from the line or a file, fit to be shown.
func cleaned(s []string) []string {
	out := make([]string, len(s))
	for i, x := range s {
		out[i] = Clean(x)
	}
	return out
}

// NewReport renders a snapshot as a report.
func NewReport(sn *Snapshot, tool string, started, ended time.Time) *Report {
	r := &Report{Schema: "tillscope.report/v1", Tool: tool, Started: started.Format(time.RFC3339), Ended: ended.Format(time.RFC3339),
		Source: ReportSource{sn.Source.Kind, sn.Source.Simulated, Clean(sn.Source.Describe)}, Totals: ReportTotals{sn.Totals.Messages, sn.Totals.Undecoded, sn.Totals.Dropped, sn.Folded}, Lines: []ReportLine{}, Branches: []ReportBranch{},
		Transactions: []ReportTransaction{}, Causes: []ReportCause{}, Path: []ReportStep{}, Questions: []ReportQuestion{}, stages: sn.Stages}
	for _, l := range sn.Lines {
		r.Lines = append(r.Lines, ReportLine{l.ID, Clean(l.Address), l.Framing, l.Header, l.Dialect, l.Confidence, l.RunnerUp, l.Connects, l.ResetsTerminal + l.ResetsHost,
			l.Messages, l.Undecoded, l.Bytes, ReportLatency{l.Latency50.Milliseconds(), l.Latency95.Milliseconds(), l.Worst.Milliseconds()}, l.LRCErrors, l.NAKs, l.Retransmits})
	}
	for _, b := range sn.Branches {
		r.Branches = append(r.Branches, ReportBranch(b))
	}
	for _, t := range sn.Transactions {
		x := ReportTransaction{t.N, t.Line, t.Type, t.MTI, Clean(t.STAN), Clean(t.RRN), Clean(t.Terminal), t.Amount, Clean(t.Currency), Clean(t.Card), Clean(t.ResponseCode),
			t.Stage, t.Arrived, nil, list(t.Evidence()), stamp(t.At), Clean(t.Batch), Clean(t.HostText), t.Payout}
		if c := t.Cause; c != "" {
			x.Cause = &c
		}
		r.Transactions = append(r.Transactions, x)
	}
	for _, c := range sn.Causes {
		x := ReportCause{ID: c.ID, Branch: c.Branch, Title: c.Title, Confidence: c.Confidence, Transactions: c.Transactions, Amount: c.Amount, Evidence: list(c.Evidence),
			Remedies: []ReportRemedy{}, Prevent: list(c.Prevent), Because: c.Because, Began: stamp(c.Began), Ended: stamp(c.Ended), Terminals: cleaned(c.Terminals), Issuers: cleaned(c.Issuers), Sums: list(c.Sums)}
		for _, m := range c.Remedies {
			x.Remedies = append(x.Remedies, ReportRemedy{m.Who, Clean(m.Do)})
		}
		r.Causes = append(r.Causes, x)
	}
	if st := sn.Statement; st != nil {
		x := &ReportStatement{Clean(st.File), st.Rows, st.Both, st.Paid, st.OnlyLine, st.NotDue, st.OnlyHost, st.Different, st.Held, st.Returned, []ReportHostRow{}, cleaned(st.Problems)}
		for _, u := range st.Unseen {
			x.Unseen = append(x.Unseen, ReportHostRow{u.Row, Clean(u.RRN), Clean(u.STAN), Clean(u.Terminal), u.Amount, u.Payout, Clean(u.Reason)})
		}
		r.Statement = x
	}
	for _, p := range sn.Path {
		r.Path = append(r.Path, ReportStep(p))
	}
	for _, q := range sn.Questions {
		r.Questions = append(r.Questions, ReportQuestion(q))
	}
	return r
}

// JSON writes the report, indented. Its transactions may be many, and are encoded one by one: all together would need
// more memory than everything else that the program keeps.
func (r *Report) JSON(w io.Writer) error {
	var text bytes.Buffer
	encode := func(prefix string, v any) error {
		text.Reset()
		e := json.NewEncoder(&text)
		e.SetEscapeHTML(false)
		e.SetIndent(prefix, " ")
		return e.Encode(v)
	}
	whole := *r
	whole.Transactions = whole.Transactions[:0:0]
	if err := encode("", &whole); err != nil {
		return err
	}
	const list = "\n \"transactions\": ["
	head, tail, found := strings.Cut(text.String(), list)
	if !found || len(r.Transactions) == 0 {
		_, err := w.Write(text.Bytes())
		return err
	}
	out := bufio.NewWriter(w)
	_, _ = out.WriteString(head + list) // a failure is kept and told by Flush
	for i := range r.Transactions {
		if err := encode("  ", &r.Transactions[i]); err != nil {
			return err
		}
		if i > 0 {
			_ = out.WriteByte(',')
		}
		_, _ = out.WriteString("\n  ")
		_, _ = out.Write(bytes.TrimRight(text.Bytes(), "\n"))
	}
	_, _ = out.WriteString("\n " + tail)
	return out.Flush()
}

// Note is what a technician marked while watching: a message, what it was, and words about it.
type Note struct {
	Message int    `json:"message"`
	Row     string `json:"row"`
	Text    string `json:"text"`
}
