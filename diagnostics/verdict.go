package diagnostics

import (
	"cmp"
	"math"
	"slices"
	"strings"
)

// found is a cause under judgement.
type found struct {
	Cause
	node         *node
	sign         *Sign
	rank, order  int
	transactions []*txn
	terms        map[*terminal]bool
}

// judge walks the tree and fills in everything of the snapshot that is a conclusion.
func (s *Session) judge(sn *Snapshot) {
	ev := s.gather(sn)
	hits := s.walk(sn, ev)
	causes := s.attribute(sn, hits)
	s.rank(sn, causes)
	s.branches(sn, ev)
}

// walk answers the questions of the tree one after the other. What a cause accounts for is taken out of the evidence before
// it goes on, so that the next answers are about what is left.
func (s *Session) walk(sn *Snapshot, ev *evidence) []*found {
	lang := s.o.Lang
	env := ev.env
	for id, x := range s.tree.thresholds {
		env[id] = x.Value
	}
	type asked struct {
		Question
		weight int
	}
	var questions []asked
	var hits []*found
	for n := s.tree.nodes[0]; n != nil; {
		ans, by := "no", "seen"
		if truth(n.when, env) {
			ans = "yes"
		} else if truth(n.unknown, env) {
			ans = "unknown"
			if a := s.probed[n.ID]; a != "" && a != "unknown" {
				ans, by = a, "probed"
			} else if a := s.o.Answers[n.ID]; a != "" {
				ans, by = a, "asked"
			}
		}
		sign, _ := env[n.Sign].(*Sign)
		if sign == nil {
			sign = &Sign{}
		}
		q := cmp.Or(n.Question[lang.ID], n.Question["en"])
		sn.Path = append(sn.Path, Step{n.ID, q, ans, by, s.because(n, sign, ev, ans, by)})
		if ans == "unknown" && n.Ask && by == "seen" { // who does not know is not asked twice
			questions = append(questions, asked{Question{n.ID, q}, ev.weight(n)})
		}
		next := n.No
		switch ans {
		case "yes":
			next = cmp.Or(n.Yes, n.No)
			if n.Cause != "" {
				hits = append(hits, s.hit(n, sign, ev, by, len(hits)))
				if n.Ask && n.Sign == "" {
					env["pending"] = 0 // what a person says of the payout is about all of it
				}
				s.explained(ev, n.Claims, sign, n.Scope, false)
				s.explained(ev, n.Hides, sign, n.Scope, true)
			}
		case "unknown":
			next = cmp.Or(n.Else, n.No)
		}
		n = s.tree.byID[next]
	}
	slices.SortStableFunc(questions, func(a, b asked) int { return cmp.Compare(b.weight, a.weight) })
	for _, q := range questions {
		sn.Questions = append(sn.Questions, q.Question)
	}
	return hits
}

// weight is how many transactions a question could explain.
func (ev *evidence) weight(n *node) int {
	if x, ok := ev.env[n.Sign].(*Sign); ok {
		return x.Count
	}
	return ev.facts.PendingSales
}

// because says what an answer rests on.
func (s *Session) because(n *node, sign *Sign, ev *evidence, ans, by string) string {
	lang := s.o.Lang
	switch {
	case ans == "unknown" && !n.Ask && s.statement == nil && strings.Contains(n.Unknown, "statement"):
		return lang.T("because.nostatement")
	case by == "asked":
		return lang.T("because.asked")
	case by == "probed":
		return lang.T("because.probed")
	case n.Sign == "":
		return lang.T("because.node", ev.weight(n))
	case sign.Count == 0:
		return lang.T("because.nosign")
	}
	if sign.Share < 0.005 {
		return lang.N("because.sign.rare", sign.Count, sign.Count, sign.Touched)
	}
	return lang.N("because.sign", sign.Count, sign.Count, sign.Touched, 100*sign.Share)
}

// Confidence grows with the strength of the evidence towards the most that its node can give. Each settle is what takes away
// two thirds of the doubt that is left: of what just reaches the alarm, one in a hundred.
const settle = 1.4

// mostTogether is what two nodes that name the same cause can give: they look at the same line.
const mostTogether = 0.98

// hit makes a cause of a node that was answered yes.
func (s *Session) hit(n *node, sign *Sign, ev *evidence, by string, order int) *found {
	f := &found{node: n, sign: sign, rank: 1, order: order, terms: map[*terminal]bool{}}
	f.ID, f.Branch, f.Shows = n.Cause, n.Branch, n.Shows
	f.Evidence = slices.Clone(sign.proof)
	f.Began, f.Ended = sign.began, sign.ended
	switch {
	case n.Stops:
		f.rank = 0
	case n.Own:
		f.rank = 2
	case n.Cause == clearingPending:
		f.rank = 3
	}
	most := n.mostOf(ev.env)
	switch {
	case by == "asked":
		f.Confidence = min(most, 0.9)
	case by == "probed":
		f.Confidence = most
	case n.Own || n.Sign == "":
		f.Confidence = most
	default:
		f.Confidence = most * (1 - math.Exp(-max(sign.strength, s.tree.alarm)/settle))
	}
	if n.Scope == "terminals" {
		f.terms = sign.terms
	}
	return f
}

// clearingPending is the one cause that is no fault.
const clearingPending = "bank.clearing-pending"

// txEvidence is what an `explains` condition can name: one transaction.
type txEvidence struct {
	Code     string `expr:"code" doc:"response code, empty when there is none"`
	Fate     string `expr:"fate" doc:"why it has no answer: a kind of sign; late when the answer came too late, unreceived when it did not reach the terminal; empty otherwise"`
	Reversed bool   `expr:"reversed" doc:"the terminal took it back"`
	Reason   string `expr:"reason" doc:"why, by the reversal's field 39"`
	Pending  bool   `expr:"pending" doc:"approved and settled, and neither reversed nor voided"`
	Open     bool   `expr:"open" doc:"approved, not settled, and neither reversed nor voided"`
	Payout   string `expr:"payout" doc:"by the statement: paid, pending, held, account, status, missing, due, differs; empty without a statement"`
	Garbled  bool   `expr:"garbled" doc:"its answer came damaged, or does not repeat the request"`
	Offline  bool   `expr:"offline" doc:"an advice: the host books it only once it is uploaded"`
	FellBack bool   `expr:"fell_back" doc:"read by stripe because the chip failed"`
	Keyed    bool   `expr:"keyed" doc:"the card number was typed in"`
	Misread  bool   `expr:"misread" doc:"read by stripe or typed in, and unknown to the issuer"`
	Refused  bool   `expr:"refused" doc:"declined"`
	Here     bool   `expr:"here" doc:"in the scope of the node: its terminal or its issuer is hit"`
}

// txKey is what transactions have in common that the tree treats alike: what it can ask of them, and in whose scope they are, a
// bit for each of what was found. Terminals and issuers themselves are too many.
type txKey struct {
	txEvidence
	here uint64
}

func (t *txn) evidence() txEvidence {
	x := txEvidence{Code: t.ResponseCode, Reversed: t.reversed(), Reason: t.reason, Pending: t.pending(), Payout: t.Payout, FellBack: t.fellBack, Keyed: t.keyed,
		Misread: t.misread, Refused: t.answered && !t.approved(), Garbled: t.garbled}
	x.Open = t.approved() && !t.settled && !t.reversed() && !t.voided && t.moves()
	x.Offline = len(t.MTI) == 4 && t.MTI[2] == '2'
	switch {
	case t.late:
		x.Fate = kindNames[late]
	case t.unreceived:
		x.Fate = kindNames[unreceived]
	case !t.answered && t.fate < kinds:
		x.Fate = kindNames[t.fate]
	}
	return x
}

// pending says that the line did its part and the payout is what is left.
func (t *txn) pending() bool {
	return (t.Type == "sale" || t.Type == "completion") && t.settled && t.approved() && !t.reversed() && !t.voided
}

// explanations is where causeOf notes what it found: nothing so far, in the room of the time before.
func (s *Session) explanations() map[txKey]string {
	if s.known == nil {
		s.known = map[txKey]string{}
	}
	clear(s.known)
	return s.known
}

// causeOf is which cause explains a transaction: the first of those found that does, or its own code's when that is the
// card's own affair. Nothing else is guessed.
func (s *Session) causeOf(t *txn, hits []*found, known map[txKey]string) string {
	key := txKey{txEvidence: t.evidence()}
	for i, h := range hits {
		if h.sign.covers(t.term, t.issuer, h.node.Scope) {
			key.here |= 1 << (i % 64)
		}
	}
	few := len(hits) <= 64 // or bits would stand for two
	if c, ok := known[key]; ok && few {
		return c
	}
	cause := ""
	for _, h := range hits {
		x := key.txEvidence
		x.Here = h.sign.covers(t.term, t.issuer, h.node.Scope)
		if truth(h.node.explains, x) {
			cause = h.ID
			break
		}
	}
	if cause == "" && t.answered && !t.approved() {
		if own := s.codes[t.ResponseCode].Cause; s.tree.own[own] {
			cause = own
		}
	}
	known[key] = cause
	return cause
}

// attribute says of every transaction that is kept how far it came and what stopped it, and counts for the causes.
func (s *Session) attribute(sn *Snapshot, hits []*found) map[string]*found {
	causes := map[string]*found{}
	for _, h := range hits {
		if old := causes[h.ID]; old == nil {
			causes[h.ID] = h
		} else { // two nodes name it
			old.Confidence = max(min(1-(1-old.Confidence)*(1-h.Confidence), mostTogether), old.Confidence, h.Confidence)
			old.Evidence = append(old.Evidence, h.Evidence...)
			old.rank = min(old.rank, h.rank)
			if h.sign.strength > old.sign.strength {
				old.node, old.sign = h.node, h.sign
			}
		}
	}
	get := func(id string) *found {
		f := causes[id]
		if f == nil {
			f = &found{rank: 2, order: 99, sign: &Sign{}, node: &node{}, terms: map[*terminal]bool{}}
			f.ID, f.Confidence = id, 0.9
			f.Branch, _, _ = strings.Cut(id, ".")
			causes[id] = f
		}
		return f
	}
	stages := s.ledger.folded.stages
	stages[7] += s.ledger.folded.paid
	unseen := s.ledger.folded.unseen
	for id, c := range s.ledger.folded.causes {
		f := get(id)
		f.Transactions += c.transactions
		f.Amount += c.amount
		f.Sums = slices.Clone(c.sums)
	}
	for _, t := range s.ledger.terminals {
		if t.ready {
			stages[0]++
		}
	}
	known := s.explanations()
	sn.Transactions = make([]*Transaction, 0, len(s.ledger.txns))
	for _, t := range s.ledger.txns {
		stage := t.stage()
		if t.moves() {
			for i := 1; i <= stage; i++ {
				stages[i]++
			}
			if stage == 1 && t.Unseen {
				unseen++
			}
		}
		arrived, cause, doubtful := t.arrival(), "", t.doubtful
		if t.asks() {
			cause = s.causeOf(t, hits, known)
		}
		if cause != "" {
			f := get(cause)
			f.Transactions++
			if doubtful = doubtful || s.tree.altered(t, cause); !doubtful {
				f.Amount += t.Amount
				f.Sums = f.Sums.Add(t.money())
			}
			f.terms[t.term] = true
			f.transactions = append(f.transactions, t)
		}
		if t.Cause != cause || t.Doubtful != doubtful || t.Stage != Stages[stage] || t.Arrived != arrived {
			x := t.own()
			x.Cause, x.Doubtful, x.Stage, x.Arrived = cause, doubtful, Stages[stage], arrived
		}
		t.shown = true
		sn.Transactions = append(sn.Transactions, t.Transaction)
	}
	for _, t := range sn.Transactions {
		if t.Arrived == "yes" {
			stages[7]++
		}
	}
	sn.Folded, sn.fates = s.ledger.folded.count, s.ledger.folded.fates
	for i := range stages {
		sn.Stages[i] = stageState(i, stages, unseen, s.statement != nil)
	}
	return causes
}

// stageState is what a stage shows. unseen is how many were only sent as far as was captured: nothing is wrong with these.
func stageState(i int, stages [8]int, unseen int, statement bool) StageCount {
	sc := StageCount{Count: stages[i], State: OK}
	switch {
	case i == 2 && unseen > 0 && stages[1]-stages[2] <= unseen:
		if stages[2] == 0 {
			sc.State = Unknown
		}
	case i == 7 && !statement || stages[i] == 0 && (i == 0 || stages[i-1] == 0 || i == 6):
		sc.State = Unknown
	case i == 7 && stages[7] < stages[6]:
		sc.State = Warn
	case i > 1 && stages[i] == 0:
		sc.State = Fail
	case i > 1 && i < 6 && stages[i] < stages[i-1]:
		sc.State = Warn
	}
	return sc
}

// rank orders the causes by what they explain, faults before single cards' own declines, and what is no fault last.
func (s *Session) rank(sn *Snapshot, causes map[string]*found) {
	lang := s.o.Lang
	list := make([]*found, 0, len(causes))
	for _, f := range causes {
		list = append(list, f)
	}
	slices.SortFunc(list, func(a, b *found) int {
		return cmp.Or(cmp.Compare(a.rank, b.rank), cmp.Compare(b.Transactions, a.Transactions), cmp.Compare(b.Amount, a.Amount), cmp.Compare(a.order, b.order), cmp.Compare(a.ID, b.ID))
	})
	for _, f := range list {
		if f.ID == clearingPending && f.Transactions == 0 {
			continue // all that was pending has another explanation
		}
		c := f.Cause
		for _, t := range f.transactions {
			if t.respN > 0 && len(c.Evidence) < keptProof {
				c.Evidence = append(c.Evidence, t.respN)
			}
		}
		slices.Sort(c.Evidence)
		c.Evidence = slices.Compact(c.Evidence)
		if c.Began.IsZero() && len(f.transactions) > 0 {
			c.Began = f.transactions[0].At
		}
		for t := range f.terms {
			if t.id != "" {
				c.Terminals = append(c.Terminals, t.id)
			}
		}
		slices.Sort(c.Terminals)
		if f.node.Scope == "issuers" {
			for i := range f.sign.issuers {
				c.Issuers = append(c.Issuers, i.bin)
			}
			slices.Sort(c.Issuers)
		}
		c.Title = lang.T("cause." + c.ID)
		c.Because = lang.T("because.cause", max(f.sign.Count, c.Transactions), c.Transactions)
		c.Remedies, c.Prevent = s.advise(f, c)
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
}
