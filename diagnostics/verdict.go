package diagnostics

import (
	"cmp"
	"slices"
	"strings"
)

// judge walks the tree and fills in everything of the snapshot that is a conclusion.
func (s *Session) judge(sn *Snapshot) {
	ev := s.gather(sn)
	lang := s.o.Lang
	type found struct {
		Cause
		rank, order, signs int
	}
	causes := map[string]*found{}
	hits := []*node{}
	n := s.tree.nodes[0]
	for n != nil {
		ans, by := "no", "seen"
		if truth(n.unknown, ev.Evidence) {
			ans = "unknown"
		} else if truth(n.when, ev.Evidence) {
			ans = "yes"
		}
		if a := s.o.Answers[n.ID]; ans == "unknown" && a != "" {
			ans, by = a, "asked"
		}
		q := cmp.Or(n.Question[lang.ID], n.Question["en"])
		because := lang.T("because.node", number(n.count, ev.Evidence))
		if by == "asked" {
			because = lang.T("because.asked")
		}
		sn.Path = append(sn.Path, Step{n.ID, q, ans, by, because})
		if ans == "unknown" && n.Ask && by != "asked" { // who does not know is not asked twice
			sn.Questions = append(sn.Questions, Question{n.ID, q})
		}
		next := n.No
		switch ans {
		case "yes":
			next = cmp.Or(n.Yes, n.No)
			if n.Cause != "" {
				hits = append(hits, n)
				f := &found{rank: 1, order: len(hits), signs: number(n.count, ev.Evidence)}
				f.ID, f.Branch = n.Cause, n.Branch
				f.Evidence = slices.Clone(ev.proof[n.Proof])
				switch {
				case n.Stops:
					f.rank = 0
				case n.Branch == "balance":
					f.rank = 2
				case n.Cause == "bank.clearing-pending":
					f.rank = 3
				}
				causes[n.Cause] = f
			}
		case "unknown":
			next = cmp.Or(n.Else, n.No)
		}
		n = s.tree.byID[next]
	}
	stages := s.ledger.folded.stages
	sn.Folded = s.ledger.folded.count
	for _, t := range s.ledger.terminals {
		if t.ready {
			stages[0]++
		}
	}
	for _, t := range s.ledger.txns {
		tx := txEvidence{Code: t.ResponseCode, Unanswered: ev.lost[t], Reversed: t.reversed() && !t.answered,
			Pending: t.Type == "sale" && t.settled && !t.reversed() && !t.voided, Misset: ev.misset[t.Terminal], Late: t.late}
		stage := t.stage()
		if t.moves() {
			for i := 1; i <= stage; i++ {
				stages[i]++
			}
		}
		t.Stage, t.Arrived = Stages[stage], "unknown"
		old := t.Cause
		t.Cause = ""
		if t.moves() || t.Type == "balance" {
			if t.answered && !t.approved() || t.reversed() || t.voided {
				t.Arrived = "no"
			}
			for _, h := range hits {
				if truth(h.explains, tx) {
					t.Cause = h.Cause
					break
				}
			}
			if t.Cause == "" && t.answered && !t.approved() {
				t.Cause = s.codes[t.ResponseCode].Cause
			}
		}
		t.Evidence = nil
		if t.Cause != "" {
			t.Evidence = slices.Clone(t.Messages)
			f := causes[t.Cause]
			if f == nil {
				f = &found{rank: 2, order: 99}
				f.ID = t.Cause
				f.Branch, _, _ = strings.Cut(t.Cause, ".")
				causes[t.Cause] = f
			}
			f.Transactions++
			f.Amount += t.Amount
			if t.respN > 0 && len(f.Evidence) < 200 && !slices.Contains(f.Evidence, t.respN) {
				f.Evidence = append(f.Evidence, t.respN)
			}
		}
		if t.snap == nil || old != t.Cause || t.snap.Stage != t.Stage || t.snap.Arrived != t.Arrived || len(t.snap.Messages) != len(t.Messages) {
			c := t.Transaction
			c.Messages = slices.Clone(t.Messages)
			t.snap = &c
		}
		sn.Transactions = append(sn.Transactions, t.snap)
	}
	for i := range stages {
		sc := StageCount{Count: stages[i], State: OK}
		switch {
		case i == 7 || stages[i] == 0 && (i == 0 || stages[i-1] == 0 || i == 6):
			sc.State = Unknown
		case i > 1 && stages[i] == 0:
			sc.State = Fail
		case i > 1 && i < 6 && stages[i] < stages[i-1]:
			sc.State = Warn
		}
		sn.Stages[i] = sc
	}
	list := make([]*found, 0, len(causes))
	for _, f := range causes {
		list = append(list, f)
	}
	slices.SortFunc(list, func(a, b *found) int {
		return cmp.Or(cmp.Compare(a.rank, b.rank), cmp.Compare(b.Transactions, a.Transactions), cmp.Compare(b.Amount, a.Amount), cmp.Compare(a.order, b.order), cmp.Compare(a.ID, b.ID))
	})
	for _, f := range list {
		c := f.Cause
		signs := max(f.signs, c.Transactions, len(c.Evidence))
		c.Confidence = 0.99 * float64(signs) / (float64(signs) + 1)
		if f.order == 99 {
			c.Confidence *= 0.7
		}
		c.Title = lang.T("cause." + c.ID)
		c.Because = lang.T("because.cause", signs, c.Transactions)
		c.Remedies, c.Prevent = Advice(c.ID, lang.ID)
		slices.Sort(c.Evidence)
		sn.Causes = append(sn.Causes, c)
	}
	if len(sn.Causes) > 0 {
		for i, st := range sn.Path {
			if st.Answer == "yes" && s.tree.byID[st.Node].Cause == sn.Causes[0].ID {
				sn.Path = sn.Path[:i+1]
				break
			}
		}
	}
	s.branches(sn, ev)
}

func (s *Session) branches(sn *Snapshot, ev *evidence) {
	lang := s.o.Lang
	by := map[string]int{}
	for _, t := range s.ledger.txns {
		if t.answered && !t.approved() {
			by[s.codes[t.ResponseCode].Branch]++
		}
	}
	network := []string{}
	tell := func(key string, n int, args ...any) {
		if n > 0 {
			network = append(network, lang.N("because.network."+key, n, append([]any{n}, args...)...))
		}
	}
	tell("resets", ev.Resets)
	tell("refused", ev.Refused)
	tell("unreached", ev.Unreached)
	tell("unanswered", ev.Unanswered, ev.Requests)
	if len(network) == 0 {
		network = append(network, lang.T("because.network", ev.Connects))
	}
	hardware := lang.T("because.hardware", ev.Chip, ev.Cards)
	switch {
	case ev.KeysStuck > 0:
		hardware = lang.T("because.hardware.keys", ev.KeysStuck)
	case ev.Fallback > 0:
		hardware = lang.T("because.hardware.fallback", ev.Chip, ev.Cards, ev.Fallback)
	}
	data := lang.T("because.data", ev.Messages-ev.Undecoded, ev.Messages)
	switch {
	case ev.Vanished > 0 && ev.Resets == 0:
		data = lang.N("because.data.vanished", ev.Vanished, ev.Vanished)
	case ev.Late > 0:
		data = lang.N("because.data.late", ev.Late, ev.Late)
	}
	because := map[string]string{
		"hardware":  hardware,
		"network":   strings.Join(network, ", "),
		"data":      data,
		"operation": lang.N("because.operation", ev.Terminals, ev.Terminals, max(ev.ConfigTerminals, ev.SignOnRefused)),
		"bank":      lang.T("because.bank", by["bank"], ev.Answers),
		"balance":   lang.T("because.balance", by["balance"], ev.Answers),
		"risk":      lang.T("because.risk", by["risk"], ev.Answers),
	}
	for i, id := range BranchIDs {
		b := Branch{ID: id, Status: OK, Because: because[id]}
		seen := ev.Answers
		switch id {
		case "network":
			seen = ev.Connects + ev.Refused + ev.Unreached + ev.Messages
		case "data":
			seen = ev.Messages
		case "hardware":
			seen = ev.Cards // chips that were read prove a reader; nothing else on the line proves hardware
		}
		if seen == 0 {
			b.Status = Unknown
			b.Because = lang.T("because.none")
		}
		if id == "network" && ev.Resets+ev.Refused+ev.Unreached+ev.Unanswered > 0 || id == "data" && ev.Undecoded > 0 || id == "hardware" && ev.Fallback > 0 || by[id] > 0 {
			b.Status = Warn
		}
		for _, c := range sn.Causes {
			if c.Branch == id && c.ID != "bank.clearing-pending" {
				b.Status = Warn
				if c.Likely() {
					b.Status = Fail
					break
				}
			}
		}
		sn.Branches[i] = b
	}
}
