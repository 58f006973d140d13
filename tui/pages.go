package tui

import (
	"cmp"
	"strings"
	"time"

	"tillscope/diagnostics"
)

// transactionsPane lists every transaction with the stage that it reached and what stopped it.
type transactionsPane struct {
	scroll
	at int
}

func (t *transactionsPane) title(m *Model) (string, string) {
	n, lost := 0, int64(0)
	for _, x := range m.snap.Transactions {
		if x.Arrived == "no" {
			n++
			lost += x.Amount
		}
	}
	return m.t("pane.transactions"), m.t("transactions.lost", n, m.look.money(itoa(int(lost)), m.money))
}

func (t *transactionsPane) draw(m *Model, w, h int) []string {
	list := m.snap.Transactions
	if len(list) == 0 {
		return []string{"", " " + m.look.p(dim, m.t("traffic.waiting"))}
	}
	t.at = min(t.at, len(list)-1)
	head := m.look.p(strong, t.line(m, w, "#", m.t("col.terminal"), m.t("col.type"), "STAN", m.t("col.amount"), "39", m.t("col.stage"), m.t("col.cause")))
	t.long, t.high = len(list), h-1
	if t.at < t.top {
		t.top = t.at
	} else if t.at >= t.top+h-1 {
		t.top = t.at - h + 2
	}
	t.scroll.move(0)
	out := []string{head}
	for i := t.top; i < min(t.top+h-1, len(list)); i++ {
		x := list[i]
		cause, state := "", diagnostics.Unknown
		switch {
		case x.Cause != "":
			cause, state = m.t("cause."+x.Cause), diagnostics.Fail
		case x.Arrived == "no":
			state = diagnostics.Warn
		case x.Stage == "confirmed" || x.Stage == "settled" || x.Stage == "paid-out":
			state = diagnostics.OK
		}
		if x.Cause == pending {
			state = diagnostics.OK
		}
		amount, stage := "", m.look.state[state]
		if x.Amount != 0 { // what moves no money is on no way to an account
			amount, stage = m.look.money(itoa(int(x.Amount)), x.Currency), stage+" "+m.t("stage."+x.Stage)
		}
		s := t.line(m, w, itoa(x.N), cmp.Or(m.names[x.Terminal], x.Terminal), m.t("type."+x.Type), x.STAN, amount, x.ResponseCode, stage, cause)
		if i == t.at {
			s = m.look.p(selected, s)
		}
		out = append(out, s)
	}
	return out
}

func (t *transactionsPane) line(m *Model, w int, n, terminal, kind, stan, amount, code, stage, cause string) string {
	l := m.look
	s := l.flushRight(n, 5) + "  " + l.fit(diagnostics.Clean(terminal), 9) + l.fit(kind, 14) + " "
	if w >= 76 {
		s += l.fit(diagnostics.Clean(stan), 7)
	}
	return l.fit(s+l.flushRight(diagnostics.Clean(amount), 11)+"  "+l.fit(diagnostics.Clean(code), 3)+l.fit(stage, 12)+" "+cause, w)
}

func (t *transactionsPane) move(m *Model, by int) {
	t.at = min(max(t.at+by, 0), max(len(m.snap.Transactions)-1, 0))
}

// open goes to the transaction's last message, which shows how it ended.
func (t *transactionsPane) open(m *Model) {
	if t.at >= len(m.snap.Transactions) {
		return
	}
	list := m.snap.Transactions[t.at].Messages
	m.setView(scope)
	if len(list) == 0 || !m.traffic().show(m, list[len(list)-1]) {
		m.notice = m.t("notice.dropped", m.snap.Transactions[t.at].N)
	}
}

// linesPane shows the state of each line.
type linesPane struct{ scroll }

func (p *linesPane) title(m *Model) (string, string) { return m.t("pane.lines"), p.place() }

func (p *linesPane) draw(m *Model, w, h int) []string {
	var out []string
	for _, l := range m.snap.Lines {
		reading := cmp.Or(l.Foreign, strings.Join([]string{l.Framing, l.Header, l.Dialect}, " "+m.look.dot+" "))
		out = append(out,
			" "+m.look.p(strong, "L"+itoa(l.ID)+"  "+diagnostics.Clean(l.Address)+" "+m.look.toHost+" "+diagnostics.Clean(l.Host)),
			"   "+m.t("line.reading", reading, itoa(int(l.Confidence*100)), cmp.Or(l.RunnerUp, m.t("line.norunner"))),
			"   "+m.t("line.terminals", diagnostics.Clean(strings.Join(l.Terminals, " "))),
			"   "+m.t("line.connections", l.Connects, l.Open, l.Refused, l.Unreach, l.ResetsTerminal, l.ResetsHost),
			"   "+m.t("line.messages", l.Messages, l.Undecoded, l.Bytes),
			"   "+m.t("line.latency", millis(l.Latency50), millis(l.Latency90), millis(l.Worst)), "")
	}
	if out == nil {
		return []string{"", " " + m.look.p(dim, m.t("traffic.waiting"))}
	}
	return p.window(out, h)
}

func (p *linesPane) move(_ *Model, by int) { p.scroll.move(by) }
func (p *linesPane) open(*Model)           {}

// reportPane shows the report as --report text would write it.
type reportPane struct{ scroll }

func (p *reportPane) title(m *Model) (string, string) { return m.t("pane.report"), p.place() }

func (p *reportPane) draw(m *Model, w, h int) []string {
	var b strings.Builder
	ended := time.Now()
	if m.snap.Ended {
		ended = m.snap.Now
	}
	if err := diagnostics.NewReport(m.snap, "tillscope", m.snap.Started, ended).Text(&b, m.lang); err != nil {
		return []string{err.Error()}
	}
	var out []string
	for line := range strings.Lines(b.String()) {
		line = strings.TrimRight(line, "\n")
		lead := len(line) - len(strings.TrimLeft(line, " "))
		for _, s := range fold(line, w-2, strings.Repeat(" ", lead+2)) {
			out = append(out, " "+s)
		}
	}
	return p.window(out, h)
}

func (p *reportPane) move(_ *Model, by int) { p.scroll.move(by) }
func (p *reportPane) open(*Model)           {}
