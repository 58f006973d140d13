package tui

import (
	"strconv"
	"strings"

	"tillscope/diagnostics"
	"tillscope/link"
)

// folded is what can still be told of the transaction of a row that is no longer kept one by one: what stands in the rows around
// that are still here, and how far it came. Nil when nothing is.
func (m *Model) folded(of *diagnostics.Entry) *diagnostics.Transaction {
	const near = 1000
	x := &diagnostics.Transaction{N: of.Txn}
	var asked, answered *diagnostics.Entry
	for n := max(of.N-near, m.snap.Oldest()); n <= of.N+near; n++ {
		e := m.entry(n)
		if e == nil || e.Txn != of.Txn || e.Msg == nil || e.Msg.Undecoded() || e.Msg.Control != "" {
			continue
		}
		x.Messages = append(x.Messages, n)
		switch reversal := e.Msg.MTI[1] == '4'; {
		case reversal && (asked != nil || answered != nil): // belongs to what it takes back
		case e.Dir == link.ToHost && asked == nil:
			asked = e
		case e.Dir == link.ToTerminal && !reversal:
			answered = e
		}
	}
	first := asked
	if first == nil {
		first = answered
	}
	if first == nil || !m.refate(x) {
		return nil
	}
	get := func(id int) string {
		for _, e := range []*diagnostics.Entry{first, answered} {
			if e != nil && e.Msg.Has(id) {
				return strings.TrimSpace(e.Msg.Get(id))
			}
		}
		return ""
	}
	x.Line, x.Terminal, x.At, x.MTI = first.Line, first.Terminal, first.At, first.Msg.MTI
	x.Type, x.STAN, x.RRN, x.Card = diagnostics.TypeOf(first.Msg), get(11), get(37), first.Msg.PAN()
	amount, currency := diagnostics.AmountOf(first.Msg)
	x.Amount, _ = strconv.ParseInt(amount, 10, 64)
	x.Currency = currency
	if answered != nil {
		x.ResponseCode = strings.TrimSpace(answered.Msg.Get(39))
	}
	return x
}

// refate notes what is known of it now: its batch may have been settled meanwhile. It is false when nothing is known any more, or
// the transaction is kept one by one.
func (m *Model) refate(x *diagnostics.Transaction) bool {
	fate, ok := m.snap.Fate(x.N)
	if ok {
		x.Stage, x.Arrived, x.Cause = fate.Stage, fate.Arrived, fate.Cause
	}
	return ok
}
