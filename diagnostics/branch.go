package diagnostics

import "strings"

// branches says how each branch of the tree stands.
func (s *Session) branches(sn *Snapshot, ev *evidence) {
	lang := s.o.Lang
	l := &s.ledger
	declined := map[string]int{}
	for code, list := range l.signs.codes {
		declined[s.codes[code].Branch] += len(list)
	}
	sum := func(ks ...kind) (n int) {
		for _, k := range ks {
			n += len(l.signs.kinds[k])
		}
		return n
	}
	resets, refusals, unreach := 0, 0, 0
	for _, x := range sn.Lines {
		resets += x.ResetsHost + x.ResetsTerminal
		refusals += x.Refused
		unreach += x.Unreach
	}
	unanswered := l.open + l.forgotten - ev.facts.Waiting
	var network []string
	tell := func(key string, n int, args ...any) {
		if n > 0 {
			network = append(network, lang.N("because.network."+key, n, append([]any{n}, args...)...))
		}
	}
	tell("resets", resets)
	tell("refused", refusals)
	tell("unreached", unreach)
	tell("unanswered", unanswered, l.requests)
	if len(network) == 0 {
		network = append(network, lang.T("because.network", ev.facts.Connects))
	}
	hardware := lang.T("because.hardware", l.chip, l.cards)
	stuck, _ := ev.env["keys_stuck"].(*Sign)
	switch {
	case stuck.Count > 0:
		hardware = lang.T("because.hardware.keys", stuck.Terminals)
	case l.stripes > 0:
		hardware = lang.T("because.hardware.fallback", l.chip, l.cards, l.stripes)
	}
	damage := sum(damagedFrame, partial, textual, wordy, mismatched)
	data := lang.T("because.data", ev.facts.Messages-ev.facts.Undecoded, ev.facts.Messages)
	switch {
	case damage > 0:
		data = lang.N("because.data.damaged", damage, damage)
	case unanswered > 0 && resets == 0 && refusals+unreach == 0:
		data = lang.N("because.data.vanished", unanswered, unanswered)
	case sum(late) > 0:
		data = lang.N("because.data.late", sum(late), sum(late))
	}
	because := map[string]string{
		"hardware":  hardware,
		"network":   strings.Join(network, ", "),
		"data":      data,
		"operation": lang.N("because.operation", ev.facts.Terminals, ev.facts.Terminals, declined["operation"]),
		"bank":      lang.T("because.bank", declined["bank"], ev.facts.Answers),
		"balance":   lang.T("because.balance", declined["balance"], ev.facts.Answers),
		"risk":      lang.T("because.risk", declined["risk"], ev.facts.Answers),
	}
	told := map[string]bool{"hardware": stuck.Count > 0 || l.stripes > 0, "network": resets+refusals+unreach+unanswered > 0,
		"data": damage > 0 || sum(late) > 0 || unanswered > 0} // a reason that tells of trouble; the others do when anything was declined
	for i, id := range BranchIDs {
		b := Branch{ID: id, Status: OK, Because: because[id]}
		seen := ev.facts.Answers
		switch id {
		case "network":
			seen = ev.facts.Connects + refusals + unreach + ev.facts.Messages
		case "data":
			seen = ev.facts.Messages
		case "hardware":
			seen = l.cards // chips that were read prove a reader; nothing else on the line proves hardware
		}
		if seen == 0 {
			b.Status = Unknown
			b.Because = lang.T("because.none")
		}
		if id == "network" && resets+refusals+unreach+unanswered > 0 || id == "data" && ev.facts.Undecoded+damage > 0 || id == "hardware" && l.stripes > 0 || declined[id] > 0 {
			b.Status = Warn
		}
		for _, c := range sn.Causes {
			if c.Branch != id || c.ID == clearingPending {
				continue
			}
			if s.tree.own[c.ID] && (c.Transactions < 3 || c.Transactions*5 < ev.facts.Answers) {
				if b.Status != Fail { // some customers without money are no fault of anything
					b.Status = Warn
				}
				continue
			}
			if b.Status != Fail {
				b.Status = Warn
			}
			if c.Likely() {
				b.Status = Fail
			}
			if !told[id] && declined[id] == 0 { // "nothing refused" is no reason for a fault
				b.Because, told[id] = c.Title, true
			}
		}
		sn.Branches[i] = b
	}
}
