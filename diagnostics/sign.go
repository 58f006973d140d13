package diagnostics

import (
	"cmp"
	"math"
	"slices"
	"strings"
	"time"
)

// Streams are what signs are weighed against: a sign among few occasions says more than one among many.
type stream uint8

const (
	connects    stream = iota // attempts of a terminal to connect
	requests                  // messages that want an answer
	answers                   // answers of any kind
	sales                     // answers to what an issuer is asked: no advices, no reversals
	frames                    // whatever the line carried
	reads                     // cards that were read
	settlements               // answered settlements
	controls                  // control bytes of a serial line that want an answer
	streams
)

var streamNames = [streams]string{"connects", "requests", "answers", "sales", "frames", "reads", "settlements", "controls"}

// tally counts the occasions of each stream.
type tally [streams]uint32

// kind is what went wrong, as the bytes and the connections tell it, before anything is concluded.
type kind uint8

const (
	refused       kind = iota // a connect was answered with a reset
	unreached                 // a connect was not answered
	cutByHost                 // the host's side ended the connection before it answered
	resetByHost               // the same, and with a reset
	cutByTerminal             // the terminal's side did, sooner than a terminal gives up waiting
	givenUp                   // no answer came in the time that the terminal waits
	unacked                   // the request was sent and never acknowledged by TCP
	late                      // the answer came after the terminal had given up
	unreceived                // the answer passed in time, and the terminal reversed because it had none (98)
	damagedFrame              // a frame does not read to its end, or its check byte is wrong
	partial                   // a frame ended before its length, and the connection in good order
	wordy                     // text stands between the frames of a serial line
	textual                   // zeros behind carriage returns: a driver takes the line for text
	mismatched                // an answer does not repeat what its request said
	misfit                    // a frame of another protocol or in another form, which nobody answers
	fallback                  // a stripe was read because the chip could not be
	keyed                     // the card number was typed in
	misread                   // a card that was read by stripe or typed in is unknown to its issuer
	unequal                   // the host's totals of a batch are not the terminal's
	asked                     // the host asks for a download
	jammed                    // a reversal with reason 96: approved, and the terminal failed
	powerless                 // a reversal with reason 06: the terminal lost power, or its way
	unsealed                  // a reversal with reason A0: the answer's MAC was wrong
	naked                     // a NAK of a serial line
	unheard                   // an ENQ of a serial line that nobody acknowledged
	unplugged                 // a serial port went away
	kinds
)

var kindNames = [kinds]string{"refused", "unreached", "cut_by_host", "reset_by_host", "cut_by_terminal", "given_up", "unacked", "late", "unreceived", "damaged",
	"partial", "wordy", "textual", "mismatched", "misfit", "fallback", "keyed", "misread", "unequal", "asked", "jammed", "powerless", "unsealed", "naked", "unheard", "unplugged"}

// sign is one time that something went wrong.
type sign struct {
	n      int // entry
	at     time.Time
	term   *terminal
	issuer *issuer // nil when no card is named
	// How many occasions there had been: of this terminal, of this issuer, of all. The occasions between two signs are the
	// difference, so that what went well need not be kept.
	byTerm, byIssuer, all tally
}

// keptOfKind is how many signs of one kind, or of one response code, are kept at least: the oldest go first, so many at a time.
const (
	keptOfKind = 1024
	goAtOnce   = 256
)

// signs are all that went wrong, by kind and by response code.
type signs struct {
	kinds [kinds][]sign
	codes map[string][]sign
}

// note books a sign.
func (l *ledger) note(k kind, sg sign) { l.signs.kinds[k] = remember(l.signs.kinds[k], sg) }

func (l *ledger) noteCode(code string, sg sign) {
	if l.signs.codes == nil {
		l.signs.codes = map[string][]sign{}
	}
	list, ok := l.signs.codes[code]
	switch {
	case ok:
		l.signs.codes[code] = remember(list, sg)
	case len(l.signs.codes) < 300:
		l.signs.codes[strings.Clone(code)] = remember(nil, sg) // a part of a message would keep the whole message
	}
}

func remember(list []sign, sg sign) []sign {
	if len(list) >= keptOfKind+goAtOnce {
		list = append(list[:0], list[goAtOnce:]...)
	}
	return append(list, sg)
}

// here is a sign at this moment.
func (l *ledger) here(n int, at time.Time, term *terminal, t *txn) sign {
	sg := sign{n: n, at: at, term: term, byTerm: term.at, all: l.at}
	if t != nil && t.issuer != nil {
		sg.issuer, sg.byIssuer = t.issuer, t.issuer.at
	}
	return sg
}

// faulty is the share of occasions that shows a sign while something is broken, where the tree says no other. It only has to lie well above what is usual
// and not above what a fault makes.
const faulty = 0.3

// moment is how close together (in life) signs of several terminals, one of each, are one event: they share what is in between.
const moment = time.Second / 4

// manyOccasions is how many occasions the alarm is meant for.
const manyOccasions = 300

// stretch is where signs are dense: the part of the line's life in which they speak most against chance.
type stretch struct {
	level    float64 // how many times (as a natural logarithm) a fault explains these signs better than chance
	from, to int     // of the list, inclusive
	going    bool    // it had not ended
	share    float64 // of the occasions in it
}

// dense finds the stretch of signs at occasions seen that speaks most for a fault (a CUSUM test: signs add to the sum,
// occasions without one take from it, and it never falls below nothing). The occasions are counted from 1; now is how
// many there have been. usual is the share of occasions at which such a sign is nothing special.
func dense(seen []uint32, now, looked uint32, rule *signRule) (best stretch) {
	if len(seen) == 0 {
		return
	}
	faulty := cmp.Or(rule.Faulty, faulty)
	usual := min(rule.Usual, faulty/2)
	hit, miss := math.Log(faulty/usual), math.Log((1-usual)/(1-faulty))
	sum, from := 0.0, 0
	for i, at := range seen {
		if i > 0 && at > seen[i-1]+1 {
			sum -= miss * float64(at-seen[i-1]-1)
		}
		if sum <= 0 {
			sum, from = 0, i
		}
		sum += hit
		if sum > best.level {
			best = stretch{level: sum, from: from, to: i}
		}
	}
	last := seen[len(seen)-1]
	rest := sum - miss*float64(now-min(last, now))
	best.going = best.to == len(seen)-1 && rest > 0 || best.to < len(seen)-1 && rest > best.level/2 // on the way down from the best place
	if chances := float64(looked) / manyOccasions; chances > 1 {
		best.level = max(best.level-math.Log(chances), 0) // who looks at more occasions finds more dense places by chance
	}
	best.share = float64(best.to-best.from+1) / float64(max(seen[best.to]-seen[best.from]+1, 1))
	best.share = min(best.share, 1)
	return best
}

// Sign is evidence: one thing that can go wrong, with how often it did, whom it hit, and how much that speaks for a fault.
type Sign struct {
	Count     int     `expr:"count" doc:"how often"`
	Level     float64 `expr:"level" doc:"how much it speaks against chance over all terminals (natural logarithm of the odds)"`
	Worst     float64 `expr:"worst" doc:"the same of the terminal that it hits most"`
	Terminals int     `expr:"terminals" doc:"how many terminals it hits beyond chance"`
	Touched   int     `expr:"touched" doc:"how many terminals showed it at all"`
	Steady    float64 `expr:"steady" doc:"share of the occasions of the terminal that it hits most, from its first to its last"`
	Top       float64 `expr:"top" doc:"the worst terminal's part of the count"`
	Issuers   int     `expr:"issuers" doc:"how many issuers it hits beyond chance"`
	Banks     int     `expr:"banks" doc:"how many issuers showed it at all"`
	BankPart  float64 `expr:"bank_part" doc:"the part of the count that falls on issuers beyond chance"`
	Rest      int     `expr:"rest" doc:"occasions of terminals that do not show it, since it began"`
	Others    int     `expr:"others" doc:"occasions of issuers beside those without the sign, since it began"`
	Share     float64 `expr:"share" doc:"of the occasions, since it began"`
	Now       bool    `expr:"now" doc:"it goes on"`

	began, ended time.Time // ended is zero while it goes on
	terms        map[*terminal]bool
	issuers      map[*issuer]bool
	proof        []int
	parts        []part  // of a finding, terminal by terminal
	strength     float64 // the most of level and of what one terminal or issuer shows
}

// inOrderOf are signs in order of the occasions of a stream. Signs are large: numbers are sorted, and each is moved once.
func inOrderOf(list []sign, of stream) []sign {
	if slices.IsSortedFunc(list, func(a, b sign) int { return cmp.Compare(a.all[of], b.all[of]) }) {
		return list
	}
	places := make([]uint64, len(list))
	for i := range list {
		places[i] = uint64(list[i].all[of])<<32 | uint64(i)
	}
	slices.Sort(places)
	out := make([]sign, len(list))
	for i, at := range places {
		out[i] = list[uint32(at)]
	}
	return out
}

// weigh makes evidence of signs by a rule of the tree. They need not be in order, and stay as they are.
func (s *Session) weigh(list []sign, rule *signRule) *Sign {
	of := rule.of
	out := &Sign{Count: len(list)}
	if len(list) == 0 {
		return out
	}
	alarm := s.tree.alarm
	list = inOrderOf(list, of)
	seen := make([]uint32, 0, len(list))
	terms, banks := map[*terminal][]uint32{}, map[*issuer][]uint32{}
	for _, sg := range list {
		seen = append(seen, sg.all[of])
		terms[sg.term] = append(terms[sg.term], sg.byTerm[of])
		if sg.issuer != nil {
			banks[sg.issuer] = append(banks[sg.issuer], sg.byIssuer[of])
		}
	}
	all := dense(seen, s.ledger.at[of], s.ledger.at[of], rule)
	out.Level, out.Share, out.Now = all.level, all.share, all.going
	out.Touched, out.Banks = len(terms), len(banks)
	out.terms, out.issuers = map[*terminal]bool{}, map[*issuer]bool{}
	most := 0
	out.Rest = int(s.ledger.at[of]-list[all.from].all[of]) + 1
	for t, at := range terms {
		out.Touched += max(len(t.behind), 1) - 1
		out.Rest -= int(t.at[of]-at[0]) + 1
		slices.Sort(at)
		d := dense(at, t.at[of], s.ledger.at[of], rule)
		most = max(most, len(at))
		if steady := float64(len(at)) / float64(max(at[len(at)-1]-at[0]+1, 1)); d.level > out.Worst || d.level == out.Worst && d.level > 0 && steady > out.Steady {
			out.Steady = steady
		}
		out.Worst = max(out.Worst, d.level)
		if d.level >= alarm {
			out.terms[t] = true
		}
	}
	out.Rest = max(out.Rest, 0)
	strongest := out.Worst
	for i, at := range banks {
		slices.Sort(at)
		d := dense(at, i.at[of], s.ledger.at[of], rule)
		strongest = max(strongest, d.level)
		if d.level >= alarm {
			out.issuers[i] = true
		}
	}
	out.Terminals, out.Issuers, out.Top = len(out.terms), len(out.issuers), float64(most)/float64(len(list))
	out.Others = int(s.ledger.at[of]-list[all.from].all[of]) + 1
	hit := 0
	for i := range out.issuers {
		at := banks[i]
		hit += len(at)
		out.Others -= int(i.at[of]-at[0]) + 1
	}
	out.BankPart = float64(hit) / float64(len(list))
	out.Others -= len(list) - hit
	out.Others = max(out.Others, 0)
	part := list[all.from : all.to+1]
	if len(rule.Codes) == 0 && len(part) > 1 && part[len(part)-1].at.Sub(part[0].at) < s.scaled(moment) && len(byTerminal(part)) == len(part) {
		out.Level = min(out.Level, alarm/2) // one hiccup of what they share
	}
	out.strength = max(out.Level, strongest)
	out.began = part[0].at
	if !all.going {
		out.ended = part[len(part)-1].at
	}
	for _, sg := range part {
		if len(out.proof) < keptProof && sg.n > 0 {
			out.proof = append(out.proof, sg.n)
		}
	}
	return out
}

// keptProof is how many messages prove a cause: more than anyone reads.
const keptProof = 200
