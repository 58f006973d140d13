package sim

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// issuerWait is how long a host waits for an issuer, shorter than terminals wait for it.
const issuerWait = 500 * time.Millisecond

// financial answers a request about money with a response code.
func (h *host) financial(ln *lane, req parcel, res message, p *course) string {
	switch {
	case h.scenario.Keys != "none" && !req.sealed(ln.keys.mak):
		if ln.forgot != nil {
			h.truth.blame(req.f[41], req.f[11], ln.forgot)
		}
		return "A0"
	case !h.open(ln, req, p):
		return "77"
	}
	if !ln.card(req) {
		return "A7"
	}
	f60, kind := req.f[60], req.kind()
	amount, err := strconv.ParseInt(req.f[4], 10, 64)
	if err != nil && kind != "01" || amount <= 0 && kind != "01" {
		return "13"
	}
	if req.mti[1] == '4' {
		if f := h.faults.find("host.reversal", p.m); f != nil {
			h.truth.blame(req.f[41], req.f[11], f)
			return coded(f, p.m, "")
		}
		return h.undo(ln, req)
	}
	if f := h.faults.findFor("host.codes", moment{ln.index, ln.sales + 1, p.m.n}, req.f[2]); f != nil && req.mti == "0200" {
		ln.sales++
		h.truth.blame(req.f[41], req.f[11], f)
		return f.Codes[ln.rng.IntN(len(f.Codes))]
	}
	if f60 != "" && len(f60) < 13 && req.f[55] != "" {
		return "30" // a chip sale has to say how the terminal reads chips
	}
	if ln.log[req.f[11]] != nil {
		return "94"
	}
	e := &entry{pan: req.f[2], amount: amount, asked: req.f[4], stan: req.f[11], rrn: res.f[37], auth: fmt.Sprintf("%06d", ln.rng.IntN(1_000_000)), batch: ln.batch, at: res.at}
	switch kind := req.mti + kind; kind {
	case "020022", "010010", "020001":
		return h.sale(ln, e, kind, req, res, p)
	case "020020": // completion of a pre-authorisation
		return h.complete(ln, e, req, res)
	case "022024", "022030", "022036": // advices are facts, and cannot be refused
		e.kind, e.auth = "offline", req.f[38]
		ln.write(e, false)
		h.bank.book(e.pan, -amount)
		return "00"
	case "022032", "022034":
		return h.adjust(ln, req, amount)
	case "020023", "020021", "010011":
		return h.void(ln, e, req, res)
	case "022025", "022027":
		return h.refund(ln, e, req)
	}
	return "12"
}

// card takes the card number from the track where the request has none of its own; false when the track does not belong to
// the number, because its key is wrong.
func (ln *lane) card(req parcel) bool {
	track := req.f[35]
	if f53 := req.f[53]; track != "" && ln.keys.tdk != nil && (f53 == "" || len(f53) > 2 && f53[2] == '1') {
		shown, err := showTrack(ln.keys.tdk, track)
		if err != nil {
			return false
		}
		track = shown
	}
	pan, _, found := strings.Cut(track, "=")
	if req.f[2] == "" && found {
		req.f[2] = pan
	}
	return track == "" || pan == req.f[2]
}

// sale asks the issuer for a purchase, a pre-authorisation or a balance.
func (h *host) sale(ln *lane, e *entry, kind string, req parcel, res message, p *course) string {
	if kind == "020022" {
		ln.sales++
	}
	m := moment{ln.index, ln.sales, p.m.n}
	a := ask{pan: e.pan, amount: e.amount, expiry: req.f[14], pin: req.f[52] != "", fallback: stripeOfChip(req.f[60]), m: m}
	a.partial = kind == "020022" && len(req.f[60]) >= 14 && req.f[60][13] == '1'
	if a.pin {
		want, err := pinBlock(ln.keys.pik, testPIN, e.pan)
		a.pinRight = err == nil && string(want) == req.f[52]
	}
	v := h.bank.authorise(a)
	res.f[44] = fmt.Sprintf("%-11s%-11s", e.pan[:min(6, len(e.pan))]+"00", acquirerID)
	if v.silent {
		p.wait += issuerWait
	}
	if !approved(v.code) {
		h.truth.note(req.f[41], req.f[11], func(o *Outcome) {
			if v.fault != nil {
				o.struck(v.fault.Kind)
			}
			if o.Cause == "" {
				o.Cause = v.cause
			}
		})
		return v.code
	}
	if req.f[55] != "" {
		res.f[55] = chipAnswer(m, req.f[22][:min(2, len(req.f[22]))] == "05")
	}
	switch kind {
	case "020001":
		res.f[54] = fmt.Sprintf("1002156C%012d", max(v.balance, 0))
		return v.code
	case "010010":
		e.kind = "preauth"
		ln.log[e.stan] = e
		if ln.holds = append(ln.holds, e); len(ln.holds) > keptPast {
			ln.holds = ln.holds[1:]
		}
	default:
		e.kind, e.amount = "sale", v.amount
		res.f[4] = fmt.Sprintf("%012d", v.amount)
		if f := h.faults.find("host.totals", m); f != nil {
			h.truth.blame(req.f[41], req.f[11], f)
			e.missed = true
		}
		ln.write(e, false)
	}
	res.f[38] = e.auth
	return v.code
}

// stripeOfChip says that a stripe was read although the card has a chip: the chip failed, or the terminal reads none.
// Every test card has one.
func stripeOfChip(f60 string) bool {
	return len(f60) >= 13 && (f60[12] == '2' || f60[11] == '2')
}

// write puts an approved transaction into the log of the batch and into its totals.
func (ln *lane) write(e *entry, credit bool) {
	ln.log[e.stan] = e
	ln.order = append(ln.order, e)
	if !e.missed {
		ln.sum.book(e.pan, credit, e.amount, 1)
	}
}

// referred finds what field 61 or the reference number means.
func (ln *lane) referred(req parcel, in []*entry) *entry {
	f61 := req.f[61]
	for i := len(in) - 1; i >= 0; i-- {
		if e := in[i]; e.pan == req.f[2] && (len(f61) >= 12 && e.stan == f61[6:12] && fmt.Sprintf("%06d", e.batch) == f61[:6] || e.rrn != "" && e.rrn == req.f[37]) {
			return e
		}
	}
	return nil
}

func (h *host) complete(ln *lane, e *entry, req parcel, res message) string {
	hold := ln.referred(req, ln.holds)
	switch {
	case hold == nil || hold.undone || hold.voided:
		return "25"
	case e.amount > hold.amount+hold.amount*15/100:
		return "64"
	}
	hold.undone = true
	h.bank.book(e.pan, hold.amount-e.amount)
	e.kind, e.auth, e.of = "completion", hold.auth, hold
	ln.write(e, false)
	res.f[38] = e.auth
	return "00"
}

// void undoes a transaction of the open batch on the shop's wish.
func (h *host) void(ln *lane, e *entry, req parcel, res message) string {
	list := ln.order
	if req.mti == "0100" {
		list = ln.holds
	}
	o := ln.referred(req, list)
	switch {
	case o == nil || o.undone || o.kind == "void":
		return "25"
	case o.voided:
		return "12"
	case o.amount != e.amount:
		return "64"
	}
	o.voided = true
	e.kind, e.of = "void", o
	if req.mti == "0200" {
		e.missed = o.missed
		ln.write(e, true)
	} else { // nothing of a pre-authorisation is in the totals
		e.missed = true
		ln.log[e.stan] = e
	}
	h.bank.book(e.pan, e.amount)
	res.f[38] = e.auth
	return "00"
}

func (h *host) refund(ln *lane, e *entry, req parcel) string {
	o := ln.referred(req, append(ln.past[:len(ln.past):len(ln.past)], ln.order...))
	switch {
	case o == nil || o.undone || o.voided:
		return "25"
	case e.amount > o.amount-o.refunded:
		return "64"
	}
	o.refunded += e.amount
	e.kind = "refund"
	ln.write(e, true)
	h.bank.book(e.pan, e.amount)
	return "00"
}

// adjust corrects the amount of a sale, by a tip.
func (h *host) adjust(ln *lane, req parcel, amount int64) string {
	o := ln.referred(req, ln.order)
	if o == nil || o.undone || o.voided {
		return "25"
	}
	more := amount - o.amount
	o.amount = amount
	if !o.missed {
		ln.sum.book(o.pan, false, more, 0)
	}
	h.bank.book(o.pan, -more)
	return "00"
}

// undo reverses a transaction. A second reversal of the same one is answered like the first.
func (h *host) undo(ln *lane, req parcel) string {
	e := ln.log[req.undoes(func(stan string) bool { return ln.log[stan] != nil })]
	switch {
	case e == nil:
		return "25"
	case e.asked != req.f[4]:
		return "64"
	case e.undone:
		return "00"
	}
	e.undone = true
	back := e.amount
	switch e.kind { // what it was about stands again
	case "void":
		back = -back
		e.of.voided = false
	case "completion":
		e.of.undone = false
		back -= e.of.amount
	}
	if !e.missed && e.kind != "preauth" {
		ln.sum.book(e.pan, e.kind == "void", -e.amount, -1)
	}
	h.bank.book(e.pan, back)
	return "00"
}
