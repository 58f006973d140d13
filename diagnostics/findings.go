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
	s.findVanished(get("vanished"), open[givenUp])
	l := &s.ledger
	sellers, biggest, newest := 0, 0, ""
	pins := pinCount{wrong: len(l.signs.codes["55"])}
	for _, t := range l.roster {
		if t.at[sales] > 0 {
			sellers++
		}
		pins.right += t.pinsRight
		if t.settled > 0 {
			biggest = max(biggest, t.batchSize)
		}
		newest = max(newest, t.version)
	}
	for _, t := range l.roster {
		s.findKeys(get, t, sellers, pins)
		s.findSetUp(get, t, newest)
		s.findBatch(get, t, biggest)
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
	who := byTerminal(best)
	last := best[len(best)-1]
	going := s.answeredSince(last.all[requests]) == 0
	switch {
	case len(who)*2 <= s.activeIn(best):
		return // others go on, as far as anyone knows: it is not the host
	case !going && last.at.Sub(best[0].at) < s.slack():
		return // what answers again before a terminal has waited once was not down
	}
	first := lost[0].all[requests]
	outside := float64(len(lost) - len(best))
	asked := max(float64(s.ledger.at[requests]-first+1)-float64(len(best)), outside)
	chance := min((outside+0.25)/(asked+1), 0.9)
	// Among many requests a run has many places to come up by chance.
	level := float64(len(best))*math.Log(1/chance) - math.Log(max(asked*(1-chance), 1))
	if level <= 0 {
		return
	}
	for _, list := range who {
		m.add(list[0].term, level/float64(len(who)), list[0].at, entries(list)...)
	}
	m.Share = float64(len(best)) / float64(len(lost))
	if m.Now = going; !going {
		m.ended = last.at
	}
}

// longSilent is how many times as long as a terminal waits an answer may take before nobody expects it any more.
const longSilent = 2.5

// findVanished looks for requests whose answer would have come by now if it were only late.
func (s *Session) findVanished(m member, open []sign) {
	wait := time.Duration(longSilent * float64(s.slack()))
	for _, list := range byTerminal(open) {
		var gone []sign
		for _, sg := range list {
			if s.now.Sub(sg.at) > wait {
				gone = append(gone, sg)
			}
		}
		if len(gone) > 0 {
			m.add(gone[0].term, float64(len(gone)), gone[0].at, entries(gone)...)
		}
	}
}

// byTerminal groups signs by their terminals, in the order in which these come up.
func byTerminal(list []sign) (groups [][]sign) {
	at := map[*terminal]int{}
	for _, sg := range list {
		i, ok := at[sg.term]
		if !ok {
			i = len(groups)
			at[sg.term], groups = i, append(groups, nil)
		}
		groups[i] = append(groups[i], sg)
	}
	return groups
}

// entries are those that signs come from.
func entries(list []sign) (out []int) {
	for _, sg := range list {
		out = append(out, sg.n)
	}
	return out
}

// activeIn is how many terminals sent requests about the time of these signs, or later.
func (s *Session) activeIn(run []sign) (n int) {
	from, to := run[0].at, run[len(run)-1].at
	from = from.Add(from.Sub(to))
	for _, t := range s.ledger.roster {
		if !t.asked.Before(from) {
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
	silent := slices.Concat(open[givenUp], open[cutByHost], open[resetByHost], open[unacked])
	var unheard []sign
	for _, sg := range silent {
		if sg.term.heard == 0 {
			unheard = append(unheard, sg)
		}
	}
	if len(unheard) == 0 || l.answers == 0 {
		return
	}
	destinations, forms, answered, lost := map[string]bool{}, map[*wire.Form]bool{}, 0.0, 0.0
	for _, t := range l.roster {
		if t.heard > 0 {
			destinations[t.destination], forms[t.form] = true, true
			answered += float64(t.at[requests])
		}
	}
	for _, sg := range silent {
		if sg.term.heard > 0 {
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
	cuts := map[*terminal]int{}                              // who hangs up by itself does not wait for anybody
	for _, sg := range open[cutByTerminal] {
		cuts[sg.term]++
	}
	for _, list := range byTerminal(unheard) {
		t := list[0].term
		level := math.Min(each, 3.5) * float64(len(list)-cuts[t])
		if level <= 0 {
			continue
		}
		name := "mute"
		switch {
		case t.destination != "" && !destinations[t.destination]:
			name = "mute_misdirected"
		case !sameForm(t.form):
			name = "mute_otherwise"
		}
		get(name).add(t, level, list[0].at, entries(list)...)
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
		list := s.codedOf(t, codes)
		if len(list) > 0 {
			first = list[0].at
		}
		return entries(list), first
	}
	if k := h.keys; k.errors+k.stuck+k.cured+k.healed > 0 {
		proof, first := keyProof(s.tree.keyCodes...)
		switch {
		case k.worst >= stuckFor:
			get("keys_stuck").add(t, oneStuck*float64(k.worst), first, proof...)
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
	if n, run := max(len(h.pinCards), h.pinRunCards), max(len(h.wrongPINs), len(h.pinRun)); n >= 3 {
		// How often PINs are wrong elsewhere: here every single one is.
		wrong := max(pins.wrong-run, 0)
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
		case b.worst >= 1:
			get("batch_stuck").add(t, 2*oneStuck*float64(b.worst), first, proof...)
		case b.cured > 0:
			get("batch_cured").add(t, oneCure*float64(b.cured), first, proof...)
		default:
			get("batch_stuck").add(t, oneOpen*float64(b.errors)/2, first, proof...)
		}
	}
}

// fewReads is how many cards a terminal may read by stripe before it is strange that none was read by chip.
const fewReads = 3

// findChipless looks for terminals that are refused because a stripe was read. Some declare that they read nothing else, nearly
// always: of others it shows only in that they never read a chip, with contact or without.
func (s *Session) findChipless(get func(string) member, t *terminal) {
	h := &t.habits
	var name string
	switch {
	case h.chips > 0:
		return
	case h.declared > 0 && h.stripeOnly*10 >= h.declared*9:
		name = "chipless"
	case h.declared == 0 && h.fallbacks == 0 && h.cards >= fewReads:
		name = "never_chip"
	default:
		return
	}
	list := s.codedOf(t, s.tree.chipCodes)
	if len(list) > 0 {
		get(name).add(t, oneStuck*float64(len(list)), list[0].at, entries(list)...)
		return
	}
	// ISO 8583:1993 has no code for it: issuers that take no stripe refuse the card and say no more (100, which is 05).
	here, all := s.codedOf(t, plainRefusal), s.ledger.signs.codes[plainRefusal[0]]
	others := float64(s.ledger.at[reads] - t.at[reads])
	usual := max((float64(len(all)-len(here))+0.5)/(others+1), leastRefused)
	share := float64(len(here)) / float64(max(h.cards, 1))
	if others < fewReads || share <= usual || share > 1 {
		return
	}
	taken := float64(h.cards - len(here))
	level := float64(len(here))*math.Log(share/usual) - taken*math.Log((1-usual)/max(1-share, 1e-9))
	if level > 0 && len(here) >= fewReads {
		get("chipless_refused").add(t, level, here[0].at, entries(here)...)
	}
}

var plainRefusal = []string{"05"}

// leastRefused is how many cards are refused without a reason at least, whatever the others show.
const leastRefused = 0.1

// codedOf are a terminal's answers with some response codes, as signs, in order.
func (s *Session) codedOf(t *terminal, codes []string) (list []sign) {
	for _, c := range codes {
		for _, sg := range s.ledger.signs.codes[c] {
			if sg.term == t {
				list = append(list, sg)
			}
		}
	}
	slices.SortFunc(list, func(a, b sign) int { return cmp.Compare(a.n, b.n) })
	return list
}

func (s *Session) findSetUp(get func(string) member, t *terminal, newest string) {
	h := &t.habits
	s.findChipless(get, t)
	if n := len(h.ignored); n >= 2 {
		get("downloads").add(t, oneOpen*float64(n), h.firstIgnored, h.ignored...)
	}
	if h.version != "" && h.version < newest {
		if list := s.codedOf(t, s.tree.formatCodes); len(list) > 0 {
			get("outdated").add(t, oneStuck*float64(len(list)), list[0].at, entries(list)...)
		}
	}
}

// A batch is overdue a day after its first sale, or when it is much larger than any that was closed, and others were closed
// often enough meanwhile to know what is large.
const (
	batchAge   = 25 * time.Hour
	batchTimes = 2.5
	batchesToo = 3
)

func (s *Session) findBatch(get func(string) member, t *terminal, biggest int) {
	h := &t.habits
	meanwhile := s.ledger.closedBeside(t) - h.closedThen
	large := (meanwhile >= batchesToo || t.settled >= batchesToo) && float64(h.approvedOpen) >= max(batchTimes*float64(biggest), float64(biggest+4))
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
