package diagnostics

import (
	"cmp"
	"math"
	"slices"
	"time"

	"tillscope/wire"
)

// find looks at what terminals do over time.
func (s *Session) find(open [kinds][]sign) map[string]*Sign {
	out := make(map[string]*Sign, len(findings))
	get := func(name string) member {
		if out[name] == nil {
			out[name] = finding().Sign
		}
		return member{out[name]}
	}
	for name := range findings {
		get(name)
	}
	s.findOutage(get("outage"), open)
	s.findMute(get, open)
	l := &s.ledger
	sellers, closers, biggest, newest := 0, 0, 0, ""
	pins := pinCount{wrong: len(l.signs.codes["55"])}
	for _, t := range l.terminals {
		if t.at[sales] > 0 {
			sellers++
		}
		pins.right += t.pinsRight
		if t.settled > 0 {
			closers++
			biggest = max(biggest, t.batchSize)
		}
		newest = max(newest, t.version)
	}
	for _, t := range l.terminals {
		s.findKeys(get, t, sellers, pins)
		s.findSetUp(get, t, newest)
		s.findBatch(get, t, closers, biggest)
	}
	return out
}

// findOutage looks for the longest run of requests, one behind the other over all terminals, that met silence. It says
// more when requests outside of it are answered: where many get lost, runs come by chance.
func (s *Session) findOutage(m member, open [kinds][]sign) {
	lost := slices.Concat(open[givenUp], open[cutByHost], open[unacked])
	if len(lost) < 3 {
		return
	}
	slices.SortFunc(lost, func(a, b sign) int { return cmp.Compare(a.all[requests], b.all[requests]) })
	gone := map[uint32]bool{} // requests that are unanswered or still wait: neither breaks a run
	for x := s.ledger.first; x != nil; x = x.next {
		gone[x.all[requests]] = true
	}
	var best, run []sign
	for i, sg := range lost {
		joined := i > 0
		for at := lost[max(i-1, 0)].all[requests] + 1; joined && at < sg.all[requests]; at++ {
			joined = gone[at]
		}
		if !joined {
			run = nil
		}
		if run = append(run, sg); len(run) > len(best) {
			best = run
		}
	}
	who := map[*terminal]bool{}
	for _, sg := range best {
		who[sg.term] = true
	}
	first := lost[0].all[requests]
	outside := float64(len(lost) - len(best))
	asked := float64(s.ledger.at[requests]-first+1) - float64(len(best))
	chance := (outside + 0.25) / (max(asked, outside) + 1)
	level := float64(len(best)) * math.Log(1/min(chance, 0.9))
	if active := s.activeIn(best); len(who) < active && len(who) < 2 || len(who)*2 <= active {
		return // others go on: it is not the host
	}
	began := best[0].at
	for t := range who {
		m.add(t, level/float64(len(who)), began)
	}
	m.Count = len(best)
	for _, sg := range best {
		m.proof = append(m.proof, sg.n)
	}
	m.proof = m.proof[:min(len(m.proof), keptProof)]
	m.Share = float64(len(best)) / float64(len(lost))
	last := best[len(best)-1]
	if m.Now = s.answeredSince(last.all[requests]) == 0; !m.Now {
		m.ended = last.at
	}
}

// activeIn is how many terminals sent requests in the time of these signs, or were about to.
func (s *Session) activeIn(run []sign) (n int) {
	from := run[0].at
	for _, t := range s.ledger.terminals {
		if !t.seen.Before(from) {
			n++
		}
	}
	return n
}

// answeredSince is how many requests behind a place were answered.
func (s *Session) answeredSince(at uint32) int {
	n := int(s.ledger.at[requests] - at)
	for x := s.ledger.last; x != nil && x.all[requests] > at; x = x.before {
		n--
	}
	return max(n, 0)
}

// findMute looks for terminals that are never answered while others are.
func (s *Session) findMute(get func(string) member, open [kinds][]sign) {
	l := &s.ledger
	unheard := map[*terminal][]sign{}
	silent := slices.Concat(open[givenUp], open[cutByHost], open[resetByHost], open[unacked])
	for _, sg := range silent {
		if sg.term.at[answers] == 0 {
			unheard[sg.term] = append(unheard[sg.term], sg)
		}
	}
	if len(unheard) == 0 || l.answers == 0 {
		return
	}
	destinations, forms, answered, lost := map[string]bool{}, map[*wire.Form]bool{}, 0.0, 0.0
	for _, t := range l.terminals {
		if t.at[answers] > 0 {
			destinations[t.destination], forms[t.form] = true, true
			answered += float64(t.at[requests])
		}
	}
	for _, sg := range silent {
		if sg.term.at[answers] > 0 {
			lost++
		}
	}
	sameForm := func(f *wire.Form) bool {
		for g := range forms {
			if f != nil && g != nil && *f == *g {
				return true
			}
		}
		return f == nil
	}
	each := math.Log(1 / min((lost+0.05)/(answered+1), 0.9)) // what one more lost request says, where the others lose so many
	for t, list := range unheard {
		level := math.Min(each, 3.5) * float64(len(list))
		var proof []int
		for _, sg := range list {
			proof = append(proof, sg.n)
		}
		name := "mute"
		switch {
		case t.destination != "" && !destinations[t.destination]:
			name = "mute_misdirected"
		case !sameForm(t.form):
			name = "mute_otherwise"
		}
		get(name).add(t, level, list[0].at, proof...)
	}
}

// What one observation of a terminal over time is worth, on the scale of signs. They are not chance: each is an event that
// healthy terminals do not show.
const (
	oneCure   = 7   // stale keys and their cure are a whole story
	oneStuck  = 3.5 // the first error behind a sign-on may be bad luck
	oneSignOn = 2.5 // terminals sign on again after trouble of other kinds too
	oneOpen   = 3.3 // an error may be followed by its cure
)

// pinCount is how often a PIN was wrong, and right, over all terminals.
type pinCount struct{ wrong, right int }

// How often PINs are wrong: at least one in twelve, and, where nothing shows it, one in three.
const (
	leastWrong   = 0.08
	unknownWrong = 0.35
)

func (s *Session) findKeys(get func(string) member, t *terminal, sellers int, pins pinCount) {
	h := &t.habits
	keyProof := func(codes ...string) (out []int, first time.Time) {
		for _, c := range codes {
			for _, sg := range s.ledger.signs.codes[c] {
				if sg.term == t {
					out = append(out, sg.n)
					if first.IsZero() || sg.at.Before(first) {
						first = sg.at
					}
				}
			}
		}
		slices.Sort(out)
		return out, first
	}
	if k := h.keys; k.errors+k.stuck+k.cured+k.healed > 0 {
		proof, first := keyProof(s.tree.keyCodes...)
		switch {
		case k.stuck >= 2:
			get("keys_stuck").add(t, oneStuck*float64(k.stuck), first, proof...)
		case k.cured > 0:
			get("keys_cured").add(t, oneCure*float64(k.cured), first, proof...)
		case k.errors > 0 || k.stuck == 1:
			get("keys_open").add(t, oneOpen*float64(k.errors+k.stuck), first, proof...)
		}
		if k.healed > 0 {
			get("keys_passing").add(t, oneOpen*float64(k.healed), first, proof...)
		}
	}
	// The keys that the host sends never fit: it signs on over and over and never sells, while others do.
	if n := len(h.signOns); n >= 3 && (sellers > 0 || n >= 5) && h.keys.errors+h.keys.stuck == 0 && t.at[sales] == 0 {
		get("keys_stuck").add(t, oneSignOn*float64(n), time.Time{}, h.signOns...)
	}
	if n := len(h.pinCards); n >= 3 && len(h.wrongPINs) >= n {
		// How often PINs are wrong elsewhere: here every single one is.
		wrong := max(pins.wrong-len(h.wrongPINs), 0)
		chance := max((float64(wrong)+0.5)/float64(wrong+pins.right+1), leastWrong)
		if wrong+pins.right < 3 {
			chance = unknownWrong
		}
		proof, first := keyProof("55")
		get("pins_wrong").add(t, float64(n)*math.Log(1/chance), first, proof...)
	}
	if b := h.batch; b.errors+b.stuck+b.cured > 0 {
		proof, first := keyProof("77")
		switch {
		case b.stuck >= 1:
			get("batch_stuck").add(t, 2*oneStuck*float64(b.stuck), first, proof...)
		case b.cured > 0:
			get("batch_cured").add(t, oneCure*float64(b.cured), first, proof...)
		default:
			get("batch_stuck").add(t, oneOpen*float64(b.errors)/2, first, proof...)
		}
	}
}

// chipless says that a terminal reads stripes alone: it declares so nearly always, or it declares nothing and never read a
// chip, with contact or without, among many cards.
func (h *habits) chipless() bool {
	if h.declared > 0 {
		return h.chips == 0 && h.stripeOnly*10 >= h.declared*9
	}
	return h.chips == 0 && h.cards >= 8
}

func (s *Session) findSetUp(get func(string) member, t *terminal, newest string) {
	h := &t.habits
	if h.chipless() {
		n, proof := 0, []int(nil)
		var first time.Time
		for _, c := range s.tree.chipCodes {
			for _, sg := range s.ledger.signs.codes[c] {
				if sg.term == t {
					if n++; n == 1 {
						first = sg.at
					}
					proof = append(proof, sg.n)
				}
			}
		}
		if n > 0 {
			get("chipless").add(t, oneStuck*float64(n), first, proof...)
		}
	}
	if n := len(h.asks); n >= 2 {
		get("downloads").add(t, oneSignOn*float64(n), h.firstAsk, h.asks...)
	}
	if h.version != "" && h.version < newest {
		var proof []int
		var first time.Time
		for _, c := range s.tree.formatCodes {
			for _, sg := range s.ledger.signs.codes[c] {
				if sg.term == t {
					if len(proof) == 0 {
						first = sg.at
					}
					proof = append(proof, sg.n)
				}
			}
		}
		if len(proof) > 0 {
			get("outdated").add(t, oneStuck*float64(len(proof)), first, proof...)
		}
	}
}

// A batch is overdue a day after its first sale, or when it is much larger than any that others closed.
const (
	batchAge   = 25 * time.Hour
	batchTimes = 2.5
)

func (s *Session) findBatch(get func(string) member, t *terminal, closers, biggest int) {
	h := &t.habits
	others := closers
	if t.settled > 0 {
		others--
	}
	large := (others > 0 || t.settled > 1) && float64(h.approvedOpen) >= max(batchTimes*float64(biggest), float64(biggest+4))
	old := !h.unsettled.IsZero() && s.now.Sub(h.unsettled) > s.scaled(batchAge)
	if h.approvedOpen > 0 && (large || old) {
		level := s.tree.alarm + 1
		if large {
			level += float64(h.approvedOpen) / float64(max(biggest, 1)) / 2
		}
		var proof []int
		for _, x := range t.open[max(0, len(t.open)-8):] {
			proof = append(proof, x.Messages[0])
		}
		get("unsettled").add(t, level, h.unsettled, proof...)
	}
	if !h.uploading.IsZero() {
		idle := s.now.Sub(h.uploading)
		if wait := max(5*s.scaled(leastSilence), 20*t.usual()); h.soldInUpload > 0 || idle > wait {
			get("upload_broken").add(t, s.tree.alarm+1+float64(min(h.soldInUpload, 4)), h.uploading, h.uploadN)
		}
	}
}

// usual is within which time nearly all answers come to a terminal.
func (t *terminal) usual() (d time.Duration) {
	for _, l := range t.lines {
		d = max(d, l.pace.usual)
	}
	return d
}
