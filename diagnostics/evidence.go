package diagnostics

import (
	"reflect"
	"slices"
	"time"

	"tillscope/link"
)

// Facts are what the tree's conditions can name beside signs: what the line did as a whole. The doc of each is what
// `tillscope explain --tree` prints.
type Facts struct {
	Terminals    int     `expr:"terminals" doc:"terminals seen"`
	Lines        int     `expr:"lines" doc:"lines seen: a terminal's address and a host's"`
	Banks        int     `expr:"banks" doc:"issuers seen: different first six digits of cards"`
	Connects     int     `expr:"connects" doc:"connections that stood"`
	Messages     int     `expr:"messages" doc:"messages on all lines"`
	Undecoded    int     `expr:"undecoded" doc:"messages that were not understood"`
	Requests     int     `expr:"requests" doc:"requests"`
	Answers      int     `expr:"answers" doc:"answers whose request was seen"`
	Answered     bool    `expr:"answered" doc:"any request of the session was answered"`
	Waiting      int     `expr:"waiting" doc:"requests that may still be answered"`
	Serial       bool    `expr:"serial" doc:"the line has frames of a serial line: STX, ETX, LRC"`
	Foreign      int     `expr:"foreign" doc:"lines that carry another protocol"`
	Unread       int     `expr:"unread" doc:"frames of lines of which nothing was ever understood"`
	Resent       float64 `expr:"resent" doc:"share of messages that TCP sent again"`
	Damaged      int     `expr:"damaged_frames" doc:"frames that came damaged, whatever explains them"`
	Blackout     float64 `expr:"blackout" doc:"of the connects that began between the first and the last unanswered one, the share that stayed unanswered"`
	Trickles     int     `expr:"trickles" doc:"messages that trickled in, byte by byte"`
	SlowShare    float64 `expr:"slow_share" doc:"share of answers that took more than a quarter of the terminals' patience"`
	PendingSales int     `expr:"pending" doc:"transactions approved and settled, and neither reversed nor voided"`
	Statement    bool    `expr:"statement" doc:"a statement of the acquirer is there"`
	Held         int     `expr:"held" doc:"rows of the statement that the acquirer holds"`
	BadAccount   int     `expr:"bad_account" doc:"rows of the statement that came back for the account's data"`
	BadStatus    int     `expr:"bad_status" doc:"rows of the statement that came back because the account cannot take money"`
	Overdue      int     `expr:"overdue" doc:"transactions that the statement should have by the calendar and has not"`
}

// findings are evidence that no single sign gives: what a terminal does over time. They are signs to the tree.
var findings = map[string]string{
	"outage":           "a time in which no request of any terminal was answered, although connections stood",
	"vanished":         "requests whose answer would have come by now if it were only late",
	"mute":             "a terminal that is never answered while others are",
	"mute_misdirected": "the same, and its messages name another destination (TPDU) than those that are answered",
	"mute_otherwise":   "the same, and its messages have another form than those that are answered",
	"keys_cured":       "key errors that one sign-on cured",
	"keys_open":        "key errors that no sign-on came behind",
	"keys_stuck":       "key errors that a sign-on did not cure, or sign-ons over and over without a sale",
	"keys_passing":     "key errors that went away without a sign-on",
	"pins_wrong":       "every card of a terminal has a wrong PIN, while those of others have not",
	"batch_cured":      "another batch (77) that one sign-on cured",
	"batch_stuck":      "another batch (77) that a sign-on did not cure",
	"chipless":         "a terminal that declares that it reads stripes alone, and is refused for it",
	"never_chip":       "a terminal that declares nothing, read several cards and none by chip, and is refused for it",
	"chipless_refused": "a terminal that declares that it reads stripes alone, or reads nothing else, and is refused without a reason (05) far more than the others",
	"downloads":        "downloads that the host asks for and the terminal does not begin",
	"outdated":         "a terminal with an older software version than the others, whose format is refused",
	"unsettled":        "a terminal that sells and does not settle, though it is time",
	"upload_broken":    "a batch upload that was begun and not ended",
}

// evidence is what the tree is walked over: it changes as causes explain what was seen.
type evidence struct {
	facts Facts
	env   map[string]any
	raw   map[string][]sign // signs by the name of the tree
}

// member collects what belongs to a finding.
type member struct{ *Sign }

// part is what one terminal shows of a finding.
type part struct {
	term  *terminal
	level float64
	began time.Time
	proof []int
}

func finding() member {
	return member{&Sign{terms: map[*terminal]bool{}, issuers: map[*issuer]bool{}, Now: true}}
}

// add says that a terminal shows it, so strongly, proven by these entries.
func (m member) add(t *terminal, level float64, began time.Time, proof ...int) {
	m.parts = append(m.parts, part{t, level, began, proof})
	m.Count += max(len(proof), 1)
	m.Level += level
	m.Worst = max(m.Worst, level)
	m.strength = max(m.strength, m.Level)
	if t != nil && !m.terms[t] {
		m.terms[t] = true
		m.Terminals++
		m.Touched++
	}
	if m.began.IsZero() || !began.IsZero() && began.Before(m.began) {
		m.began = began
	}
	if room := keptProof - len(m.proof); room > 0 {
		m.proof = append(m.proof, proof[:min(room, len(proof))]...)
	}
}

// waits are the kinds that a watch which stands still makes by itself.
var waits = [kinds]bool{late: true, givenUp: true, unreceived: true, unacked: true}

// gather makes evidence of what the ledger keeps. Its cost is bounded by that, and not by what went by.
func (s *Session) gather(sn *Snapshot) *evidence {
	l := &s.ledger
	ev := &evidence{env: map[string]any{}, raw: map[string][]sign{}}
	open, waiting := s.unanswered()
	f := &ev.facts
	f.Lines, f.Banks, f.Waiting = len(s.lines), len(l.issuers), waiting
	f.Messages, f.Undecoded = sn.Totals.Messages, sn.Totals.Undecoded
	f.Requests, f.Answers, f.Answered = l.requests, l.answers, l.answers > 0
	resent := 0
	for _, x := range s.lines {
		f.Connects += x.Connects
		f.Serial = f.Serial || x.framed()
		f.Unread += x.unread
		resent += x.Events[link.Retransmitted]
		f.Trickles += x.Events[link.Slow] + x.outwaited
		if x.Foreign != "" {
			f.Foreign++
		}
		if len(x.Terminals) == 0 && (x.Bytes > 0 || x.Refused > 0 || x.Unreach > 0) {
			f.Terminals++
		}
	}
	f.Terminals += len(l.terminals)
	f.Damaged = len(l.signs.kinds[damagedFrame]) + len(l.signs.kinds[mismatched])
	f.Resent = float64(resent) / float64(max(f.Messages, 1))
	f.SlowShare = s.slowShare()
	for _, t := range l.txns {
		if t.pending() {
			f.PendingSales++
		}
	}
	sn.Statement = s.reconcile()
	s.statementFacts(f)
	patience := s.slack()
	for name, rule := range s.tree.signs {
		var list []sign
		add := func(more []sign) {
			if list == nil {
				list = slices.Clip(more) // nearly always there is one list only
			} else {
				list = append(list, more...)
			}
		}
		for _, k := range rule.kinds {
			if waits[k] {
				add(s.stalls.spare(l.signs.kinds[k], patience))
				add(s.stalls.spare(open[k], patience))
				continue
			}
			add(l.signs.kinds[k])
			add(open[k])
		}
		for _, code := range rule.Codes {
			add(l.signs.codes[code])
		}
		ev.raw[name] = list
		ev.env[name] = s.weigh(list, rule)
	}
	for name, x := range s.find(open) {
		ev.env[name] = x
	}
	f.Blackout = s.blackout(ev.env["unreached"], ev.raw["unreached"])
	setFacts(ev.env, *f)
	return ev
}

// blackout is how much of the time between the first unanswered connect and the last one nobody got through. That takes as long to
// see as terminals wait for a connect, and others may have got through long before: only when an attempt began counts.
func (s *Session) blackout(of any, list []sign) float64 {
	x, ok := of.(*Sign)
	if !ok || x.Count == 0 {
		return 0
	}
	until := x.ended
	if until.IsZero() {
		until = s.now
	}
	within := func(at time.Time) bool { return !at.Before(x.began) && !at.After(until) }
	lost, last := 0, x.began
	for _, sg := range list {
		if within(sg.at) {
			lost++
			last = later(last, sg.at)
		}
	}
	until = last
	through := 0
	for _, at := range s.opens {
		if within(at) {
			through++
		}
	}
	return float64(lost) / float64(max(lost+through, 1))
}

func later(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}

// setFacts puts facts under their names.
func setFacts(env map[string]any, f Facts) {
	v := reflect.ValueOf(f)
	for i := range v.NumField() {
		env[v.Type().Field(i).Tag.Get("expr")] = v.Field(i).Interface()
	}
}

// slowShare is the share of answers that took more than a quarter of what the terminals wait.
func (s *Session) slowShare() float64 {
	slow, all := 0, 0
	for _, l := range s.lines {
		if l.pace.patience == 0 {
			continue
		}
		for _, d := range l.lats {
			all++
			if d > l.pace.patience/4 {
				slow++
			}
		}
	}
	return float64(slow) / float64(max(all, 1))
}

// explained takes signs out of the evidence that a cause accounts for: of the terminals and issuers in scope, all when
// scope is empty; during says that only the time counts in which the cause was seen.
func (s *Session) explained(ev *evidence, names []string, scope *Sign, by string, during bool) {
	slack := s.slack()
	for _, name := range names {
		rule, ok := s.tree.signs[name]
		if !ok {
			if x, is := ev.env[name].(*Sign); is && (!during || scope.lasts(x.began, slack)) {
				ev.env[name] = x.without(scope, by)
			}
			continue
		}
		var rest []sign
		for _, sg := range ev.raw[name] {
			if !scope.covers(sg.term, sg.issuer, by) || during && !scope.lasts(sg.at, slack) {
				rest = append(rest, sg)
			}
		}
		if len(rest) == len(ev.raw[name]) {
			continue
		}
		ev.raw[name] = rest
		ev.env[name] = s.weigh(rest, rule)
	}
}

// slack is how long before its first sign a fault may have begun, and how long it acts behind the last: what terminals wait.
func (s *Session) slack() time.Duration {
	d := s.scaled(leastSilence)
	for _, l := range s.lines {
		d = max(d, l.pace.patience)
	}
	return d
}

// lasts says that a fault was there at a time.
func (x *Sign) lasts(at time.Time, slack time.Duration) bool {
	return !at.Before(x.began.Add(-2*slack)) && (x.ended.IsZero() || at.Before(x.ended.Add(slack)))
}

// covers says that a terminal or an issuer is among those that a finding is about.
func (x *Sign) covers(t *terminal, i *issuer, by string) bool {
	switch by {
	case "terminals":
		return x.terms[t]
	case "issuers":
		return x.issuers[i]
	}
	return true
}

// without is a finding less the terminals that another one is about.
func (x *Sign) without(scope *Sign, by string) *Sign {
	out := finding()
	for _, p := range x.parts {
		if !scope.covers(p.term, nil, by) {
			out.add(p.term, p.level, p.began, p.proof...)
		}
	}
	out.ended, out.Now = x.ended, x.Now
	return out.Sign
}
