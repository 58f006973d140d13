package diagnostics

import (
	"slices"
	"time"

	"tillscope/link"
)

// ending is how one side of a connection ended.
type ending struct {
	at    time.Time
	reset bool
}

// ends notes that the side which sends in a direction sends no more.
func (c *conn) ends(dir link.Dir, at time.Time, reset bool) {
	if e := &c.end[dir&1]; e.at.IsZero() {
		*e = ending{at, reset}
	}
}

// Times that have to be absolute because a line may show none of its own. They are of life, and divided by the time scale.
const (
	leastPatience = time.Second     // no terminal gives up sooner; a line's own latency may raise it
	mostPatience  = time.Minute     // no terminal waits longer for an answer
	leastSilence  = 3 * time.Second // what is not answered for so long, on a line whose terminals' patience is not known, is late
)

// pace is what a line shows of its own times.
type pace struct {
	typical  time.Duration // half of the answers come within
	usual    time.Duration // nearly all answers (95 %) come within
	patience time.Duration // how long terminals wait before they give up, 0 while unknown
}

// patience is the time after which terminals end what is not answered. They do so by a timer: the times lie close together,
// unlike those of connections that break.
func patience(waits []time.Duration) time.Duration {
	if len(waits) < 2 {
		return 0
	}
	slices.Sort(waits)
	middle, near := waits[len(waits)/2], 0
	for _, w := range waits {
		if w > middle*3/4 && w < middle*4/3 {
			near++
		}
	}
	if near*10 < len(waits)*7 {
		return 0
	}
	return middle
}

// scaled is a time of life on this line.
func (s *Session) scaled(d time.Duration) time.Duration {
	return time.Duration(float64(d) / s.o.TimeScale)
}

// fateless says that nothing can be said of an exchange yet.
const fateless = kinds

// fate is what became of a request that has no answer, how long after it was sent, and when that was seen.
func (s *Session) fate(x *exchange) (k kind, wait time.Duration) {
	c := x.conn
	host, term := c.end[link.ToTerminal], c.end[link.ToHost]
	if c.line.halfCloses > 0 && !term.reset {
		term.at = time.Time{} // these terminals end their sending with the request
	}
	pace := c.line.pace
	usual := pace.usual
	long := max(3*pace.typical, s.scaled(leastPatience)) // what is ended after so long was waited for
	if pace.patience > 2*pace.typical {
		long = min(long, pace.patience*3/4)
	}
	after := func(e ending) time.Duration { return max(e.at.Sub(x.at), 0) }
	switch {
	case x.unseen():
		return fateless, after(ending{at: c.unseen}) // its answer may not have been captured, or have been told before it
	case !c.broken.IsZero() && c.broken.Sub(x.at) > -long:
		return damagedFrame, after(ending{at: c.broken})
	case !c.halfOpen.IsZero() && !c.halfOpen.Before(x.at):
		return unacked, after(ending{at: c.halfOpen})
	case !host.at.IsZero() && (term.at.IsZero() || host.at.Before(term.at)):
		switch wait = after(host); {
		case host.reset:
			return resetByHost, wait
		case wait >= max(10*usual, 3*long):
			return givenUp, wait // a host that hangs up because it has nothing to say for so long
		}
		return cutByHost, wait
	case !term.at.IsZero():
		// Who closes in good order has decided to; a module that breaks off does not. Where most answers are late, terminals give up
		// sooner than they come.
		least := max(pace.typical*3/2, s.scaled(leastPatience)/20)
		if pace.patience > 0 {
			least = min(least, pace.patience*9/10)
		}
		if wait = after(term); wait >= long || !term.reset && wait >= least {
			return givenUp, wait
		}
		return cutByTerminal, wait
	case x.txn != nil && !x.txn.reversedAt.IsZero() && !x.reversal && x.txn.reversedAt.After(x.at):
		return givenUp, x.txn.reversedAt.Sub(x.at)
	case c.closed:
		return givenUp, after(ending{at: c.closedAt})
	}
	wait, patience := s.now.Sub(x.at), max(3*usual, s.scaled(leastSilence))
	if own := pace.patience; own > 0 {
		patience = max(own, long)
	}
	if wait > patience {
		return givenUp, wait
	}
	return fateless, wait
}

// unseen says that the answer may not have been captured, and tells it of the transaction.
func (x *exchange) unseen() bool {
	if x.conn.unseen.Before(x.at) {
		return false
	}
	if x.txn != nil && !x.reversal && !x.txn.Unseen {
		x.txn.own().Unseen = true
	}
	return true
}

// isLate says that an answer came after the terminal had given up: it had closed its side, or sent the reversal. A terminal
// that ends its sending together with each request does not give up by it.
func (s *Session) isLate(x *exchange, c *conn, at time.Time) bool {
	if x.txn != nil && !x.reversal && x.txn.reversedAt.After(x.at) && x.txn.reversedAt.Before(at) {
		return true
	}
	if at.Sub(x.at) > s.scaled(mostPatience) {
		return true
	}
	end := c.end[link.ToHost].at
	if end.IsZero() || x.conn != c || at.Before(end) {
		return false
	}
	if end.Sub(x.at) < at.Sub(x.at)/5 {
		c.line.halfCloses++
		return false
	}
	return true
}

// unanswered turns the requests without answer into signs, and says what became of each transaction.
func (s *Session) unanswered() (list [kinds][]sign, waiting int) {
	var waits []time.Duration
	for x := s.ledger.first; x != nil; x = x.next {
		if end, host := x.conn.end[link.ToHost], x.conn.end[link.ToTerminal]; !end.at.IsZero() && (host.at.IsZero() || end.at.Before(host.at)) && end.at.After(x.at) {
			waits = append(waits, end.at.Sub(x.at))
		} else if x.txn != nil && !x.reversal && x.txn.reversedAt.After(x.at) {
			waits = append(waits, x.txn.reversedAt.Sub(x.at))
		}
	}
	own := patience(waits)
	var typical []time.Duration
	for _, l := range s.lines {
		p50, _, p95, _ := s.percentiles(l.lats)
		l.pace = pace{typical: p50, usual: p95, patience: own}
		if p50 > 0 {
			typical = append(typical, p50)
		}
	}
	others, _, _, _ := s.percentiles(typical)
	for _, l := range s.lines {
		if len(l.lats) == 0 { // the host is as quick for those that it never answered
			l.pace.typical = others
		}
	}
	for x := s.ledger.first; x != nil; x = x.next {
		k, _ := s.fate(x)
		if k == fateless {
			waiting++
			continue
		}
		sg := x.sign()
		list[k] = append(list[k], sg)
		if x.txn != nil && !x.reversal {
			x.txn.fate = k
		}
	}
	return list, waiting
}

// sign is an unanswered request as a sign. It counts among the requests of its time.
func (x *exchange) sign() sign {
	n := x.n
	if x.conn.endN > n {
		n = x.conn.endN // how it ended tells more than what was asked
	}
	sg := sign{n: n, at: x.at, term: x.term, byTerm: x.byTerm, all: x.all}
	if x.txn != nil && x.txn.issuer != nil {
		sg.issuer, sg.byIssuer = x.txn.issuer, x.byIssuer
	}
	return sg
}
