package diagnostics

import (
	"strings"
	"time"

	"tillscope/link"
	"tillscope/wire"
)

// who is the terminal that a connection belongs to, as far as it is known: the one that named itself, or the only one of
// the line.
func (c *conn) who(l *ledger) *terminal {
	if c.term.id == "" && len(c.line.Terminals) == 1 {
		if t := l.terminals[c.line.Terminals[0]]; t != nil {
			return t
		}
	}
	return c.term
}

// occasion counts an occasion of a stream for a terminal and for all.
func (l *ledger) occasion(of stream, t *terminal) {
	l.at[of]++
	t.at[of]++
}

// connection books what became of an attempt to connect, and what the connection itself shows.
func (s *Session) connection(c *conn, ev link.Event, n int) {
	l := &s.ledger
	t := c.who(l)
	switch ev.Kind {
	case link.Opened:
		l.occasion(connects, t)
		if ev.Took > s.scaled(leastPatience) {
			break // it waited for the end of what kept the others out
		}
		if len(s.opens) >= 2*keptOpens {
			s.opens = append(s.opens[:0], s.opens[keptOpens:]...)
		}
		s.opens = append(s.opens, ev.At.Add(-ev.Took))
	case link.Refused, link.Unreached:
		if ev.Kind == link.Unreached && ev.Took < s.scaled(leastPatience) && strings.Contains(ev.Note, "timeout") {
			break // the watch ended while it was under way: nobody has waited
		}
		l.occasion(connects, t)
		k := refused
		if ev.Kind == link.Unreached {
			k = unreached
		}
		l.note(k, l.here(n, ev.At.Add(-ev.Took), t, nil)) // it was so when the attempt began
	case link.HalfClose:
		c.ends(ev.Dir, ev.At, false)
	case link.Reset:
		c.ends(ev.Dir, ev.At, true)
		c.endN = n
	case link.HalfOpen:
		if c.halfOpen.IsZero() {
			c.halfOpen = ev.At
		}
	case link.Unplugged:
		l.note(unplugged, l.here(n, ev.At, t, nil))
	}
}

// frame looks at a frame for what its bytes alone show, and says whether it may be a message.
func (s *Session) frame(c *conn, e *Entry) bool {
	l, m := &s.ledger, e.Msg
	t := c.who(l)
	l.occasion(frames, t)
	note := func(k kind) { l.note(k, l.here(e.N, e.At, t, nil)) }
	if blind := &c.blind[e.Dir&1]; *blind {
		if m.Stop != nil {
			c.unseen = s.now
			return true // it lacks what was not captured, and may hold what was
		}
		*blind = false
	}
	if m.Stop != nil && (m.Foreign == "" || m.Foreign == "text" && c.line.decoded > 0) {
		switch raw := m.Raw(); {
		case enquiring(raw):
			l.occasion(controls, t)
			note(unheard)
			return false
		case m.Undecoded() && wording(raw):
			note(wordy)
			return false
		}
	}
	if m.Foreign != "" {
		c.foreign[e.Dir&1]++
		// One side that speaks another protocol is a mistake; two that do have agreed on it.
		if strings.HasPrefix(m.Detail, "alert") || c.foreign[e.Dir&1] == 1 && c.decoded {
			note(misfit)
			c.misfit = true
		}
		return true
	}
	if !m.Undecoded() {
		c.decoded = true
		c.line.decoded++
		t.form = m.Form
	}
	if !damaged(m) && m.Stop == nil && (m.Trailing == 0 || c.line.trails(m)) {
		return true
	}
	if l := c.line; m.Check != "" && m.Stop == nil && !m.Undecoded() && l.LRCErrors == l.frames && l.frames > 2 {
		return true // no LRC was ever right: both ends reckon it by another rule
	}
	switch {
	case s.leftOff(c, e):
		return false
	case c.outwaited(e):
		c.line.outwaited++
		return false
	}
	misfits := c.line.decoded > 0 && m.Fits != ""
	if c.reset && !misfits {
		return true // the connection broke in the middle of it
	}
	if m.Undecoded() && c.line.decoded == 0 {
		c.line.unread++
		return true // nothing of this line was ever understood: that is no damage
	}
	k := damagedFrame
	switch raw := m.Raw(); {
	case misfits:
		k, c.misfit = misfit, true
	case zeroed(raw):
		k = textual
	case e.Dir == link.ToHost && m.Stop != nil && m.Stop.Field == "frame" && !m.Undecoded():
		k = partial
	}
	if k == damagedFrame || k == partial || k == textual {
		c.broken = e.At
	}
	note(k)
	return true
}

// leftOff says that a frame has no end because the watch ended while its bytes were coming.
func (s *Session) leftOff(c *conn, e *Entry) bool {
	return e.Msg.Stop != nil && e.Msg.Stop.Field == "frame" && !e.Msg.Undecoded() && c.end[0].at.IsZero() && c.end[1].at.IsZero() && s.now.Sub(c.fed[e.Dir&1]) < s.scaled(leastPatience)
}

// outwaited says that an answer has no end because its terminal would not wait for it any longer, while its bytes were coming.
func (c *conn) outwaited(e *Entry) bool {
	gone, host, last := c.end[link.ToHost].at, c.end[link.ToTerminal].at, c.fed[link.ToTerminal]
	return e.Dir == link.ToTerminal && e.Msg.Stop != nil && e.Msg.Stop.Field == "frame" && gone.After(e.At) && (host.IsZero() || host.After(gone)) &&
		gone.Sub(last) < last.Sub(e.At)/4
}

// trails says that bytes behind the last field are nothing special on this line.
func (l *lineState) trails(m *wire.Message) bool {
	if m.Trailing > 0 {
		l.trailing++
	}
	return l.trailing > 3 && l.trailing*5 > l.decoded
}

// enquiring says that bytes are nothing but control bytes of a serial line: somebody asks (ENQ) and gives up (EOT), on a line
// where nobody speaks so.
func enquiring(raw string) bool {
	return strings.Trim(raw, "\x04\x05\x06\x15") == "" && strings.Contains(raw, "\x05")
}

// zeroed says that a zero byte stands behind every carriage return, as a port puts it there that was opened as text.
func zeroed(raw string) bool {
	return strings.Contains(raw, "\r\x00") && strings.Count(raw, "\r\x00") == strings.Count(raw, "\r")
}

// wording says that bytes begin with a line of text, as the driver of a cash register may print into its port.
func wording(raw string) bool {
	head, _, found := strings.Cut(strings.TrimLeft(raw, "\r\n"), "\r\n")
	if !found || len(head) < 2 || len(head) > 80 {
		return false
	}
	for i := range len(head) {
		if head[i] < 0x20 || head[i] > 0x7E {
			return false
		}
	}
	return true
}

// over looks at a connection that is over.
func (s *Session) over(c *conn, at time.Time) {
	c.closedAt = at
	if c.foreign[link.ToHost] > 0 && c.foreign[link.ToTerminal] == 0 && !c.misfit && !c.decoded {
		s.ledger.note(misfit, s.ledger.here(s.nextN-1, at, c.who(&s.ledger), nil))
	}
}

// heard books a control byte of a serial line.
func (s *Session) heard(c *conn, name string, n int, at time.Time) {
	l := &s.ledger
	t := c.who(l)
	switch name {
	case "ENQ", "EOT":
		if c.enquired > 0 { // nobody heard the one before
			l.note(unheard, l.here(c.enquired, at, t, nil))
		}
		c.enquired = 0
		if name == "ENQ" {
			l.occasion(controls, t)
			c.enquired = n
		}
	case "NAK":
		c.enquired = 0
		l.note(naked, l.here(n, at, t, nil))
	default:
		c.enquired = 0
	}
}
