package tui

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"tillscope/diagnostics"
	"tillscope/link"
)

// storyPane tells the whole story of the selected transaction on one page: every message and event of it on a time line, how
// far it came, and what the diagnosis makes of it.
type storyPane struct {
	scroll
	of   int   // number of the transaction
	at   int   // selected message
	list []int // entry numbers on the time line
}

func (p *storyPane) title(m *Model) (string, string) {
	x := m.transactions().current(m)
	if x == nil {
		return m.t("pane.story"), ""
	}
	return m.t("pane.story") + " " + itoa(x.N), p.place()
}

func (p *storyPane) draw(m *Model, w, h int) []string {
	x := m.transactions().current(m)
	if x == nil {
		return indent(fold(m.t("transactions.none"), w-2, ""))
	}
	if p.of != x.N {
		*p = storyPane{of: x.N}
	}
	p.high = h
	var out []string
	add := func(t token, s string) {
		for _, line := range fold(s, w-2, "  ") {
			out = append(out, " "+m.look.p(t, line))
		}
	}
	kind := m.t("type." + x.Type)
	if x.Amount != 0 {
		kind += " " + diagnostics.Clean(m.look.money(itoa(int(x.Amount)), x.Currency))
	}
	add(strong, kind+"  "+cmp.Or(m.names[x.Terminal], "")+" "+diagnostics.Clean(x.Terminal))
	facts := []string{"STAN " + x.STAN}
	if x.RRN != "" {
		facts = append(facts, "RRN "+x.RRN)
	}
	if x.Card != "" {
		facts = append(facts, m.t("col.card")+" "+x.Card)
	}
	add(dim, diagnostics.Clean(strings.Join(facts, "  ")))
	if m.transactions().gone != nil {
		add(warn, m.look.state[diagnostics.Unknown]+" "+m.t("story.folded"))
	}
	out = append(out, "")
	out = append(out, p.line(m, x, w)...)
	out = append(out, "")
	if moves(x) {
		out = append(out, p.way(m, x, w)...)
	}
	for _, s := range p.judgement(m, x) {
		add(s.token, s.text)
	}
	return p.window(out, h)
}

// line is the time line: what belongs to the transaction, and what happened to its connection in between.
func (p *storyPane) line(m *Model, x *diagnostics.Transaction, w int) (out []string) {
	p.list = m.timeline(x)
	p.at = min(p.at, max(len(p.list)-1, 0))
	var before time.Time
	gone := len(x.Messages)
	for i, n := range p.list {
		e := m.entry(n)
		if e.Txn == x.N {
			gone--
		}
		r := m.rowOf(e, false)
		step := ""
		if !before.IsZero() {
			step = "+" + millis(e.At.Sub(before))
		}
		before = e.At
		lead := m.look.flushRight(step, 9) + " " + m.look.fit("#"+itoa(n), max(7, len(itoa(n))+2))
		s := m.look.p(dim, lead) + r.paint(m.look, max(w-width(lead), 8), i == p.at && m.focus == story)
		if i == p.at {
			p.to(len(out)+3, max(p.high, 1))
		}
		out = append(out, s)
	}
	if gone > 0 {
		out = append([]string{m.look.p(dim, " "+m.t("traffic.gap", gone))}, out...)
	}
	return out
}

// timeline is every kept entry of a transaction, and the faults of its terminal's connections while it was under way.
func (m *Model) timeline(x *diagnostics.Transaction) (out []int) {
	if len(x.Messages) == 0 {
		return nil
	}
	list := slices.Sorted(slices.Values(x.Messages))
	last := list[len(list)-1]
	const near = 200 // rows around its messages in which its connection's faults are looked for
	next := 0
	for _, at := range list {
		for n := max(at-near, list[0], next); n <= at+near; n++ {
			next = n + 1
			e := m.entry(n)
			if e == nil {
				continue
			}
			if e.Txn == x.N && e.Msg != nil || e.Kind != link.Data && e.Line == x.Line && e.Terminal == x.Terminal && (n < last || x.ResponseCode == "") {
				out = append(out, n)
			} else if n > last && e.Line == x.Line && e.Terminal == x.Terminal {
				break // its terminal has gone on
			}
		}
	}
	return out
}

// way is how far the transaction came, stage by stage.
func (p *storyPane) way(m *Model, x *diagnostics.Transaction, w int) (out []string) {
	line, used := " ", 1
	reached := rank(x.Stage)
	for i, id := range diagnostics.Stages {
		state, t := diagnostics.OK, good
		switch {
		case i > reached && i == len(diagnostics.Stages)-1:
			state, t = diagnostics.Unknown, dim
		case i > reached:
			state, t = diagnostics.Unknown, dim
			if i == reached+1 && x.Arrived == "no" {
				state, t = diagnostics.Fail, bad
			}
		}
		s := m.look.state[state] + " " + m.t("stage."+id) + "  "
		if used+width(s) > w {
			out, line, used = append(out, line), " ", 1
		}
		line, used = line+m.look.p(t, s), used+width(s)
	}
	return append(out, line)
}

type said struct {
	token
	text string
}

// judgement is what the diagnosis makes of the transaction.
func (p *storyPane) judgement(m *Model, x *diagnostics.Transaction) (out []said) {
	out = append(out, said{plain, m.t("story.arrived." + x.Arrived)})
	if code := strings.TrimSpace(x.ResponseCode); code != "" {
		out = append(out, said{plain, m.t("story.code", diagnostics.Clean(code), or(m.meaningOf(code), m.t("row.code-unknown")))})
	} else {
		out = append(out, said{warn, m.t("story.nocode")})
	}
	if x.Cause == "" {
		return out
	}
	out = append(out, said{bad, m.look.state[stateOf(x)] + " " + m.t("cause."+x.Cause)})
	remedies, _ := diagnostics.Advice(x.Cause, m.lang.ID)
	for _, r := range remedies {
		out = append(out, said{plain, m.look.dot + " " + m.t("of", m.t("who."+r.Who), r.Do)})
	}
	return out
}

func (p *storyPane) move(_ *Model, by int) {
	if by > 1 || by < -1 {
		p.scroll.move(by)
	}
	p.at = min(max(p.at+by, 0), max(len(p.list)-1, 0))
}

// open goes to the message under the cursor.
func (p *storyPane) open(m *Model) {
	if p.at < len(p.list) {
		m.jump(p.list[p.at], message)
	}
}
