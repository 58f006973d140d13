package tui

import (
	"strconv"
	"strings"
	"time"

	"github.com/charmbracelet/x/ansi"

	"tillscope/assets"
	"tillscope/diagnostics"
	"tillscope/link"
)

// width is how many cells a text takes. Most are plain ASCII, and a screen has hundreds of them.
func width(s string) int {
	for i := range len(s) {
		if s[i] < ' ' || s[i] > '~' {
			return ansi.StringWidth(s)
		}
	}
	return len(s)
}

func itoa(n int) string { return strconv.Itoa(n) }

// part is a piece of a row and what it means.
type part struct {
	token
	text  string
	spare bool // shown whole or not at all: a number that is cut is another number
}

// row is one line of traffic: what happened, and at the right end how long it took.
type row struct {
	parts []part
	right string
	state token // of right
}

// text is the row without its looks, for filters and for output that is no terminal.
func (r row) text() string {
	var b strings.Builder
	for _, p := range r.parts {
		b.WriteString(p.text)
	}
	if r.right != "" {
		b.WriteString("  " + r.right)
	}
	return strings.TrimRight(b.String(), " ")
}

// paint draws the row on w cells. The selected one is marked over its whole width.
func (r row) paint(l *look, w int, current bool) string {
	for last := len(r.parts) - 1; last > 0 && r.parts[last].spare && width(r.text())-1 > w; last-- { // text parts the right end by two blanks
		r.parts = r.parts[:last]
	}
	if current {
		s := r.text()
		if r.right != "" {
			s = l.ends(strings.TrimSuffix(s, "  "+r.right), " "+r.right, w)
		}
		return l.p(selected, l.fit(s, w))
	}
	var b strings.Builder
	for _, p := range r.parts {
		b.WriteString(l.p(p.token, p.text))
	}
	if r.right == "" {
		return l.fit(b.String(), w)
	}
	return l.ends(b.String(), " "+l.p(r.state, r.right), w)
}

// writer turns entries into rows. It serves the screen and the line-oriented output alike.
type writer struct {
	lang  *assets.Lang
	look  *look
	codes map[string]diagnostics.Code
	wide  int // of the terminals' short names
}

// names gives every terminal of a snapshot its short name: T1, T2, in the order in which they were seen; a line whose
// terminal has not said its name is L1, L2.
func names(sn *diagnostics.Snapshot) (out map[string]string, wide int) {
	out = map[string]string{}
	for _, l := range sn.Lines {
		out[l.Address] = "L" + itoa(l.ID)
	}
	n := 0
	for _, l := range sn.Lines {
		for _, t := range l.Terminals {
			if _, known := out[t]; !known {
				n++
				out[t] = "T" + itoa(n)
			}
		}
	}
	return out, max(3, 1+len(itoa(max(n, len(sn.Lines)))))
}

// row describes an entry. txn is its transaction, or nil. Narrow rows leave out what the message pane shows anyway.
func (wr *writer) row(e *diagnostics.Entry, txn *diagnostics.Transaction, name string, narrow bool) row {
	stamp := e.At.Local().Format("15:04:05.000")
	if narrow {
		stamp = stamp[:8]
	}
	arrow := wr.look.toHost
	if e.Dir == link.ToTerminal {
		arrow = wr.look.toTerm
	}
	r := row{parts: []part{{token: dim, text: stamp + " "}, {token: plain, text: wr.look.fit(name, wr.wide) + " "}, {token: dim, text: arrow + " "}}}
	add := func(t token, s string) { r.parts = append(r.parts, part{token: t, text: s}) }
	m := e.Msg
	switch {
	case m == nil && (e.Kind == link.Tuned || e.Kind == link.Plugged || e.Kind == link.Signals):
		add(dim, wr.event(e)) // nothing that is wrong by itself
	case m == nil:
		add(warn, wr.look.state[diagnostics.Warn]+" "+wr.event(e))
	case m.Control == "NAK":
		add(warn, wr.look.state[diagnostics.Warn]+" "+wr.lang.T("row.control.NAK"))
	case m.Control != "":
		add(dim, wr.lang.T("row.control."+m.Control))
	case m.Foreign != "":
		add(bad, wr.look.state[diagnostics.Fail]+" "+wr.lang.T("row.foreign", m.Foreign, len(m.Raw())))
	case m.Undecoded():
		add(bad, wr.look.state[diagnostics.Fail]+" "+wr.lang.T("row.undecoded", len(m.Raw())))
	case e.Dir == link.ToHost:
		add(strong, m.MTI+" ")
		kind := "" // of one that was damaged and refused nothing is known for sure
		switch {
		case m.MTI[1] == '4':
			kind = wr.lang.T("type.reversal")
		case txn != nil:
			kind = wr.lang.T("type." + txn.Type)
		case e.Txn != 0: // no longer kept one by one
			kind = wr.lang.T("type." + diagnostics.TypeOf(m))
		}
		room := 14
		if narrow {
			room = 10
		}
		add(plain, wr.look.fit(kind, room)+" ")
		sum := ""
		if m.Has(4) {
			sum = wr.look.money(diagnostics.AmountOf(m))
		}
		add(plain, wr.look.flushRight(diagnostics.Clean(sum), 11)+"  ")
		r.parts = append(r.parts, part{dim, diagnostics.Clean(m.Get(11)), true})
		if code := strings.TrimSpace(m.Get(39)); code != "" {
			r.parts = append(r.parts, part{plain, "  " + wr.lang.T("row.reason", diagnostics.Clean(code)), true})
		}
	default:
		add(strong, m.MTI+" ")
		code := diagnostics.Clean(strings.TrimSpace(m.Get(39)))
		state := diagnostics.Warn
		c, known := wr.codes[diagnostics.CodeOf(code)]
		switch {
		case known && (c.Money == "yes" || c.Money == "part") || m.MTI[1] == '4' && diagnostics.ReversalAccepted(diagnostics.CodeOf(code)):
			state = diagnostics.OK
		case code == "":
			state = diagnostics.Unknown
		}
		meaning := wr.lang.T("row.code-unknown")
		if known {
			meaning = c.Meaning(wr.lang.ID)
		} else if code == "" {
			meaning = wr.lang.T("row.code-none")
		}
		add(tokenOf(state), wr.look.state[state]+" "+code+" ")
		add(plain, meaning)
		if e.Latency > 0 {
			r.right, r.state = millis(e.Latency), dim
		}
	}
	if m != nil && m.Check != "" {
		add(bad, " "+wr.look.state[diagnostics.Fail]+" "+wr.lang.T("row.check"))
	}
	if e.Again {
		add(warn, " "+wr.look.state[diagnostics.Warn]+" "+wr.lang.T("row.again"))
	}
	if m != nil && !m.Undecoded() && m.Stop != nil {
		where := wr.lang.T("row.stopped", m.Stop.Field)
		if m.Stop.Field == "frame" { // none of its fields, but that no more of it came
			where = wr.lang.T("row.cut")
		}
		add(bad, " "+wr.look.state[diagnostics.Fail]+" "+where)
	}
	return r
}

// event describes what happened to a connection.
func (wr *writer) event(e *diagnostics.Entry) string {
	side, other := "terminal", "host" // who sent, who was to receive
	if e.Dir == link.ToTerminal {
		side, other = other, side
	}
	switch e.Kind {
	case link.Reset:
		return wr.lang.T("event.reset." + side)
	case link.Refused:
		return wr.lang.T("event.refused")
	case link.Unreached:
		return wr.because("event.unreached", e)
	case link.Gap:
		return wr.because("event.gap", e)
	case link.Retransmitted:
		if e.Size > 0 {
			return wr.lang.T("event.retransmitted."+side, e.Size)
		}
		n := max(e.Count, 1)
		return wr.lang.N("event.retransmitted.segments."+side, n, n)
	case link.Stalled:
		return wr.lang.T("event.stalled."+other, millis(e.Took))
	case link.Slow:
		return wr.lang.T("event.slow."+side, e.Size, millis(e.Took))
	case link.Silent:
		return wr.lang.T("event.silent."+other, millis(e.Took))
	case link.HalfOpen:
		return wr.lang.T("event.half-open."+other, millis(e.Took))
	case link.Signals:
		if e.Note == "" {
			return wr.lang.T("event.signals.none")
		}
		return wr.lang.T("event.signals", diagnostics.Clean(e.Note))
	case link.Unplugged:
		return wr.lang.T("event.unplugged", diagnostics.Clean(e.Note))
	case link.Plugged:
		return wr.lang.T("event.plugged", diagnostics.Clean(e.Note))
	case link.Tuned:
		return wr.lang.T("event.tuned", diagnostics.Clean(e.Note), e.Count)
	case link.Garbled:
		if e.Note != "" {
			return wr.lang.T("event.garbled.format", e.Size, diagnostics.Clean(e.Note))
		}
		return wr.lang.T("event.garbled", e.Size)
	}
	return diagnostics.Clean(e.Note)
}

// because adds the system's own words, when there are any.
func (wr *writer) because(key string, e *diagnostics.Entry) string {
	if e.Note == "" {
		return wr.lang.T(key)
	}
	return wr.lang.T(key) + ": " + diagnostics.Clean(e.Note)
}

// money writes an amount in minor units with its currency. What is no number stays as it came.
func (l *look) money(minor, currency string) string {
	n, err := strconv.ParseInt(minor, 10, 64)
	if err != nil {
		return minor
	}
	return l.yuans(diagnostics.Money{Currency: currency, Amount: n}.String())
}

// yuans writes the sign of yuan as this screen can.
func (l *look) yuans(s string) string { return strings.ReplaceAll(s, "¥", l.yuan) }

// millis writes a latency with a unit that suits its size.
func millis(d time.Duration) string {
	if d >= 10*time.Second {
		return strconv.FormatFloat(d.Seconds(), 'f', 1, 64) + " s"
	}
	return strconv.FormatInt(d.Milliseconds(), 10) + " ms"
}
