package tui

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"tillscope/diagnostics"
	"tillscope/link"
)

// linesPane shows the state of the line as a whole and of each connection of a terminal: link, rates, latency, what was
// answered and by whom, what went wrong below the messages, and how sure the reading of the bytes is.
type linesPane struct {
	scroll
	of    uint64 // version of the snapshot that the page was made of; the snapshot itself would be kept alive
	w     int
	look  *look
	lang  string
	cache []string
}

func (p *linesPane) title(m *Model) (string, string) { return m.t("pane.lines"), p.place() }

func (p *linesPane) draw(m *Model, w, h int) []string {
	if len(m.snap.Lines) == 0 {
		return m.nothing(w)
	}
	if p.of != m.snap.Version || p.w != w || p.look != m.look || p.lang != m.lang.ID {
		p.of, p.w, p.look, p.lang = m.snap.Version, w, m.look, m.lang.ID
		p.cache = p.page(m, w)
	}
	return p.window(p.cache, h)
}

// page is everything, from the whole to the single line.
func (p *linesPane) page(m *Model, w int) (out []string) {
	sn := m.snap
	label := 0
	for _, key := range []string{"traffic", "latency", "codes", "issuers", "faults", "link", "read", "terminals", "messages", "modem", "serial", "events"} {
		label = max(label, width(m.t("lines."+key)))
	}
	label += 2
	add := func(key string, t token, s string) {
		head := m.look.fit("", label)
		if key != "" {
			head = m.look.fit(m.t("lines."+key), label)
		}
		for i, line := range fold(s, w-label-2, "") {
			if i > 0 {
				head = strings.Repeat(" ", label)
			}
			out = append(out, " "+m.look.p(dim, head)+m.look.p(t, line))
		}
	}
	raw := func(key, s string) {
		head := m.look.fit("", label)
		if key != "" {
			head = m.look.fit(m.t("lines."+key), label)
		}
		out = append(out, " "+m.look.p(dim, head)+s)
	}
	room := max(w-label-2, 10)
	out = append(out, " "+m.look.p(strong, m.t("lines.all")))
	if sn.Err != "" {
		add("", bad, diagnostics.Clean(sn.Err))
	}
	rates := m.rates(min(room, 60))
	raw("traffic", m.look.p(accent, m.look.spark(rates, min(room, 60))))
	if sn.Ended {
		add("", plain, m.t("lines.total", sn.Totals.Messages, sn.Totals.Undecoded))
	} else {
		add("", plain, m.t("lines.rate", sn.Rate, sn.Totals.Messages, sn.Totals.Undecoded))
	}
	lats := m.latencies(0)
	values := make([]float64, len(lats))
	for i, d := range lats {
		values[i] = d.Seconds()
	}
	raw("latency", m.look.p(accent, m.look.spark(values, min(room, 60))))
	sorted := slices.Clone(lats)
	slices.Sort(sorted)
	if len(sorted) > 0 {
		add("", plain, m.t("lines.percentiles", millis(percentile(sorted, 50)), millis(percentile(sorted, 90)), millis(percentile(sorted, 99)), millis(sorted[len(sorted)-1]), len(sorted)))
	} else {
		add("", dim, m.t("lines.nolatency"))
	}
	// table lists what was counted, the most frequent first.
	table := func(key string, list []counted, most int, row func(counted) string) {
		for _, c := range list[:min(len(list), most)] {
			raw(key, row(c))
			key = ""
		}
		if more := len(list) - most; more > 0 {
			add("", dim, m.t("lines.more", more))
		}
	}
	answers := tally(sn.Transactions, func(x *diagnostics.Transaction) string { return strings.TrimSpace(x.ResponseCode) })
	table("codes", answers, 8, func(c counted) string {
		name := m.look.flushRight(itoa(c.n), 6) + "  " + m.look.fit(diagnostics.Clean(c.key), 3) + m.look.fit(m.meaningOf(c.key), min(30, room/2))
		return name + " " + m.look.p(m.codeToken(c.key), m.look.bar(c.n, answers[0].n, max(room-width(name)-2, 0)))
	})
	refused := map[string]int{}
	issuers := tally(sn.Transactions, func(x *diagnostics.Transaction) string {
		if len(x.Card) < 6 {
			return ""
		}
		if x.ResponseCode != "" && x.Arrived == "no" {
			refused[x.Card[:6]]++
		}
		return x.Card[:6]
	})
	slices.SortStableFunc(issuers, func(a, b counted) int { return refused[b.key] - refused[a.key] }) // trouble first
	table("issuers", issuers, 6, func(c counted) string {
		return m.look.fit(m.lang.N("lines.issuer", c.n, diagnostics.Clean(c.key), c.n, refused[c.key]), room)
	})
	checks := 0
	for i := range sn.Lines {
		checks += sn.Lines[i].LRCErrors
	}
	t := plain
	if checks+sn.Totals.Dropped > 0 {
		t = warn
	}
	add("faults", t, m.t("lines.damage", checks, sn.Totals.Dropped))
	for i := range sn.Lines {
		out = append(out, "")
		p.line(m, &sn.Lines[i], add)
	}
	return out
}

// line is what there is to say of one line.
func (p *linesPane) line(m *Model, l *diagnostics.Line, add func(string, token, string)) {
	state, t, word := diagnostics.OK, good, "lines.idle"
	switch {
	case l.Connects == 0 && l.Refused+l.Unreach > 0:
		state, t, word = diagnostics.Fail, bad, "lines.down"
	case l.ResetsTerminal+l.ResetsHost+l.Refused+l.Unreach > 0:
		state, t, word = diagnostics.Warn, warn, "lines.shaky"
	case l.Open > 0:
		word = "lines.open"
	}
	ends := diagnostics.Clean(l.Address)
	if l.Host != "" {
		ends += " " + m.look.toHost + " " + diagnostics.Clean(l.Host)
	}
	add("link", t, m.look.state[state]+" L"+itoa(l.ID)+"  "+ends+"  "+m.t(word))
	add("", plain, m.lang.N("line.connections", l.Connects, l.Connects, l.Open, l.Refused, l.Unreach, l.ResetsTerminal, l.ResetsHost))
	add("terminals", plain, diagnostics.Clean(strings.Join(l.Terminals, " ")))
	add("messages", plain, m.t("line.messages", l.Messages, l.Undecoded, l.Bytes))
	if l.LRCErrors+l.NAKs+l.Retransmits > 0 || m.snap.Source.Kind == "serial" {
		add("serial", plain, m.t("line.serial", l.LRCErrors, l.NAKs, l.Retransmits))
	}
	p.events(m, l, add)
	if l.Worst > 0 {
		add("latency", plain, m.t("line.latency", millis(l.Latency50), millis(l.Latency90), millis(l.Worst)))
	} else {
		add("latency", dim, m.t("lines.nolatency"))
	}
	reading := cmp.Or(l.Foreign, strings.Join([]string{l.Framing, l.Header, l.Dialect}, " "+m.look.dot+" "))
	add("read", plain, m.t("line.reading", reading, itoa(int(l.Confidence*100)), cmp.Or(l.RunnerUp, m.t("line.norunner"))))
}

// events are the faults of the line that were counted, and what its modem lines did last.
func (p *linesPane) events(m *Model, l *diagnostics.Line, add func(string, token, string)) {
	var out []string
	for kind, n := range l.Events {
		if e := l.Last[kind]; n > 0 && e != nil && e.Kind != link.Signals { // these have a row of their own
			out = append(out, itoa(n)+" x "+m.writer.event(e))
		}
	}
	if len(out) > 0 {
		add("events", warn, strings.Join(out, "; "))
	}
	if e := l.Last[link.Signals]; e != nil {
		if e.Note == "" {
			add("modem", dim, m.t("lines.nomodem"))
		} else {
			add("modem", plain, diagnostics.Clean(e.Note)+"  "+e.At.Local().Format("15:04:05"))
		}
	}
}

// codeToken is how good an answer is.
func (m *Model) codeToken(code string) token {
	c, known := m.writer.codes[diagnostics.CodeOf(code)]
	switch {
	case known && (c.Money == "yes" || c.Money == "part"):
		return good
	case known:
		return warn
	}
	return dim
}

// latencies are the kept answers' latencies in their order; line 0 is all lines.
func (m *Model) latencies(line int) (out []time.Duration) {
	for _, e := range m.snap.Entries {
		if e.Latency > 0 && e.Dir == link.ToTerminal && (line == 0 || e.Line == line) {
			out = append(out, e.Latency)
		}
	}
	return out
}

// rates are the kept messages a second, over as many equal spans as there are cells.
func (m *Model) rates(cells int) []float64 {
	list := m.snap.Entries
	if len(list) < 2 {
		return nil
	}
	from := list[0].At
	span := m.snap.Now.Sub(from)
	if span <= 0 {
		return nil
	}
	out := make([]float64, cells)
	for _, e := range list {
		if e.Msg != nil {
			out[min(max(int(int64(e.At.Sub(from))*int64(cells)/int64(span+1)), 0), cells-1)] += float64(cells) / span.Seconds()
		}
	}
	return out
}

func (p *linesPane) move(_ *Model, by int) { p.scroll.move(by) }
func (p *linesPane) open(*Model)           {} // the action says so
