package diagnostics

import (
	"time"

	"tillscope/link"
)

// Evidence is what the tree's conditions can name: counts over the whole line.
type Evidence struct {
	Connects          int     `expr:"connects"`
	Refused           int     `expr:"refused"`
	Unreached         int     `expr:"unreached"`
	Resets            int     `expr:"resets"`
	ResetsTerminal    int     `expr:"resets_terminal"`
	ResetsHost        int     `expr:"resets_host"`
	ResetTerminals    int     `expr:"reset_terminals"`
	Terminals         int     `expr:"terminals"`
	Messages          int     `expr:"messages"`
	Undecoded         int     `expr:"undecoded"`
	Foreign           int     `expr:"foreign"`
	Requests          int     `expr:"requests"`
	Answers           int     `expr:"answers"`
	Unanswered        int     `expr:"unanswered"`
	Maintenance       int     `expr:"maintenance"`
	MaintenanceShare  float64 `expr:"maintenance_share"`
	MaintenanceSpread int     `expr:"maintenance_spread"`
	HostFaults        int     `expr:"host_faults"`
	IssuerFaults      int     `expr:"issuer_faults"`
	IssuerFaultBINs   int     `expr:"issuer_fault_issuers"`
	Issuers           int     `expr:"issuers"`
	ConfigTerminals   int     `expr:"config_terminals"`
	ConfigAnswers     int     `expr:"config_answers"`
	KeysCured         int     `expr:"keys_cured"`
	KeysStuck         int     `expr:"keys_stuck"`
	Funds             int     `expr:"funds"`
	Declined          int     `expr:"declined"`
	Approved          int     `expr:"approved"`
	Reversed          int     `expr:"reversed"`
	SignOnRefused     int     `expr:"signon_refused"`
	Pending           int     `expr:"pending"`
	Vanished          int     `expr:"vanished"` // requests without answer on connections that were closed in order
	Late              int     `expr:"late"`     // answers after the terminal had given up
	Cards             int     `expr:"cards"`    // requests with a card in the reader
	Chip              int     `expr:"chip"`     // of these, read by chip, with contact or without
	Fallback          int     `expr:"fallback"` // of these, stripe after the chip failed (F60.5 = 2)
}

// txEvidence is what an `explains` condition can name: one transaction.
type txEvidence struct {
	Code       string `expr:"code"`
	Unanswered bool   `expr:"unanswered"`
	Reversed   bool   `expr:"reversed"`
	Pending    bool   `expr:"pending"`
	Misset     bool   `expr:"misset"` // its terminal's set-up is refused
	Late       bool   `expr:"late"`   // its answer came after the terminal had given up
}

type evidence struct {
	Evidence
	misset map[string]bool
	proof  map[string][]int // entry numbers by group of the tree's `proof`
	lost   map[*txn]bool
}

type termSeen struct {
	config, other, streak, keys, keysAfter, signonAfterKeys int
	signons                                                 []int // entries of sign-ons that the host accepted
	sales                                                   int
}

// patience is the least that counts as waiting: a floor for thresholds that the line itself sets.
func (s *Session) patience() time.Duration {
	return time.Duration(float64(time.Second) / s.o.TimeScale)
}

func isConfig(c string) bool { return c == "97" || c == "03" || c == "58" }

func (s *Session) gather(sn *Snapshot) *evidence {
	ev := &evidence{misset: map[string]bool{}, proof: map[string][]int{}, lost: map[*txn]bool{}}
	terms, resetTerms := map[string]*termSeen{}, map[string]bool{}
	prove := func(k string, n int) {
		if n > 0 && len(ev.proof[k]) < 200 {
			ev.proof[k] = append(ev.proof[k], n)
		}
	}
	for _, l := range sn.Lines {
		ev.Connects += l.Connects
		ev.Refused += l.Refused
		ev.Unreached += l.Unreach
		ev.ResetsTerminal += l.ResetsTerminal
		ev.ResetsHost += l.ResetsHost
		if l.Foreign != "" {
			ev.Foreign++
		}
		for _, t := range l.Terminals {
			terms[t] = &termSeen{}
		}
	}
	ev.Resets = ev.ResetsHost + ev.ResetsTerminal
	for _, n := range s.foreigns {
		prove("foreign", n)
	}
	for _, x := range s.events {
		switch x.kind {
		case link.Reset:
			prove("resets", x.n)
			resetTerms[x.terminal] = true
		case link.Refused:
			prove("refused", x.n)
		case link.Unreached:
			prove("unreached", x.n)
		}
	}
	ev.ResetTerminals = len(resetTerms)
	ev.Messages, ev.Undecoded = sn.Totals.Messages, sn.Totals.Undecoded
	ev.Requests = s.ledger.requests
	ev.Answers = s.ledger.answers
	floor := s.patience()
	ev.Unanswered = s.ledger.forgotten
	for x := s.ledger.first; x != nil; x = x.next {
		p := max(3*sn.Lines[x.conn.line.ID-1].Latency90, floor)
		if x.unanswered(sn.Now, p) {
			ev.Unanswered++
			prove("unanswered", x.n)
			if x.conn.closed && !x.conn.reset {
				ev.Vanished++
				prove("vanished", x.n)
			}
			if x.txn != nil && !x.reversal {
				ev.lost[x.txn] = true
			}
		}
	}
	issuers, maintBINs, faultBINs, maintTerms := map[string]bool{}, map[string]bool{}, map[string]bool{}, map[string]bool{}
	ev.Cards, ev.Chip, ev.Fallback = s.ledger.cards, s.ledger.chip, s.ledger.stripes
	for _, t := range s.ledger.txns {
		bin := ""
		if t.issuer != nil {
			bin = t.issuer.bin
			issuers[bin] = true
		}
		if t.reversed() {
			ev.Reversed++
		}
		ts := terms[t.Terminal]
		if ts == nil {
			ts = &termSeen{}
			terms[t.Terminal] = ts
		}
		if t.moves() {
			ts.sales++
		}
		if t.late {
			ev.Late++
			prove("late", t.respN)
		}
		if !t.answered {
			continue
		}
		if t.Type == "signon" && t.ResponseCode == "00" {
			ts.signons = append(ts.signons, t.respN)
		}
		c := t.ResponseCode
		if t.Type == "signon" && c == "00" && ts.keys > 0 {
			ts.signonAfterKeys++
		}
		if isConfig(c) {
			ts.config++
			ts.streak++
			prove("config:"+t.Terminal, t.respN)
		} else if t.Type != "signon" || c != "00" {
			ts.other++
			ts.streak = 0
		}
		switch c {
		case "90", "96", "92", "91":
			ev.Maintenance++
			maintBINs[bin], maintTerms[t.Terminal] = true, true
			if c != "91" {
				ev.HostFaults++
			}
			prove("maintenance", t.respN)
		case "A0", "99":
			ts.keys++
			if ts.signonAfterKeys > 0 {
				ts.keysAfter++
			}
			prove("keys", t.respN)
		case "51":
			ev.Funds++
			prove("funds", t.respN)
		}
		if c == "91" || c == "98" {
			ev.IssuerFaults++
			faultBINs[bin] = true
			prove("issuer", t.respN)
		}
		switch {
		case t.approved():
			if t.moves() {
				ev.Approved++
			}
			if t.Type == "sale" && t.settled && !t.reversed() && !t.voided {
				ev.Pending++
				prove("pending", t.respN)
			}
		case t.Type == "signon":
			ev.SignOnRefused++
		default:
			ev.Declined++
		}
	}
	delete(maintBINs, "")
	delete(faultBINs, "")
	ev.Terminals, ev.Issuers, ev.IssuerFaultBINs = len(terms), len(issuers), len(faultBINs)
	ev.MaintenanceSpread = max(len(maintBINs), len(maintTerms))
	if len(maintBINs) == 1 && ev.HostFaults == 0 {
		ev.MaintenanceSpread = 1 // every one of them names the same issuer, whichever till asked
	}
	if ev.Answers > 0 {
		ev.MaintenanceShare = float64(ev.Maintenance) / float64(ev.Answers)
	}
	selling := false
	for _, t := range terms {
		selling = selling || t.sales > 0
	}
	for id, t := range terms {
		// The keys that the host sends never fit: it signs on over and over and never sells, while others do.
		if len(t.signons) >= 3 && t.sales == 0 && selling {
			ev.KeysStuck++
			for _, n := range t.signons {
				prove("keys", n)
			}
		}
		if t.config > 0 && (t.other == 0 || t.streak >= 2) {
			ev.ConfigTerminals++
			ev.ConfigAnswers += t.config
			ev.misset[id] = true
			for _, n := range ev.proof["config:"+id] {
				prove("config", n)
			}
		}
		if t.keysAfter >= 2 {
			ev.KeysStuck++
		} else if t.keys > 0 && t.signonAfterKeys > 0 {
			ev.KeysCured++
		}
	}
	return ev
}
