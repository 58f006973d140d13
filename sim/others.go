package sim

import (
	"context"
	"fmt"
)

// What customers want beside buying: void, refund, pre-authorisation and its completion, balance, offline sales, tips and corrections.

// again is a card that is read a second time, for a transaction about an earlier one. A chip gives its number and track and
// is asked for no cryptogram.
func (r *record) again() reading {
	return reading{card: r.card, entry: r.entry[:2], ic: '0', again: true}
}

// refer adds what names the original transaction. Field 61 has its batch and trace number, and the date when days may
// have passed.
func refer(req message, r *record, dated bool) message {
	req.f[37], req.f[61] = r.rrn, fmt.Sprintf("%06d%s", r.batch, r.stan)
	if r.auth != "" {
		req.f[38] = r.auth
	}
	if dated {
		req.f[61] += r.at.Format("0102")
	}
	return req
}

// void undoes a sale, or the completion of a pre-authorisation, of the open batch.
func (t *terminal) void(ctx context.Context, sale *record) {
	kind, f25 := "23", "00"
	if sale.kind == "completion" {
		kind, f25 = "21", "06"
	}
	req, err := t.request("0200", kind, "200000", f25, sale.again(), sale.amount, "")
	if err != nil {
		return
	}
	if res, ok := t.ask(ctx, "void", refer(req, sale, f25 == "06")); ok && approved(res.f[39]) {
		sale.voided = true
		t.write(t.record("void", req, res, sale.again(), sale.amount))
	}
}

// release voids a pre-authorisation.
func (t *terminal) release(ctx context.Context, hold *record) {
	t.holds = t.holds[1:]
	if req, err := t.request("0100", "11", "200000", "06", hold.again(), hold.amount, ""); err == nil {
		t.ask(ctx, "void", refer(req, hold, true))
	}
}

// refund gives back a part of what was paid in an earlier batch.
func (t *terminal) refund(ctx context.Context, sale *record) {
	amount := max(sale.amount/2, 1)
	req, err := t.request("0220", "25", "200000", "00", sale.again(), amount, "")
	if err != nil {
		return
	}
	sale.refunded = true
	if res, ok := t.ask(ctx, "refund", refer(req, sale, true)); ok && approved(res.f[39]) {
		t.write(t.record("refund", req, res, sale.again(), amount))
	}
}

// preauth holds an amount on the card. It never pays the merchant; its completion does.
func (t *terminal) preauth(ctx context.Context) {
	r, amount := t.read(t.nextCard()), t.price()+20_000
	pin, typed := t.pin(r, amount)
	req, err := t.request("0100", "10", "030000", "06", r, amount, pin)
	if err != nil {
		return
	}
	if res, ok := t.ask(ctx, "preauth", req, r.blame, typed); ok && approved(res.f[39]) {
		t.holds = append(t.holds, t.record("preauth", req, res, r, amount))
	}
}

func (t *terminal) complete(ctx context.Context, hold *record) {
	t.holds = t.holds[1:]
	amount := hold.amount - hold.amount/5
	req, err := t.request("0200", "20", "000000", "06", hold.again(), amount, "")
	if err != nil {
		return
	}
	if res, ok := t.ask(ctx, "completion", refer(req, hold, true)); ok && approved(res.f[39]) {
		t.write(t.record("completion", req, res, hold.again(), amount))
	}
}

func (t *terminal) balance(ctx context.Context) {
	r := t.read(t.nextCard())
	req, err := t.request("0200", "01", "310000", "00", r, 0, testPIN)
	if err != nil {
		return
	}
	t.ask(ctx, "balance", req, r.blame)
}

// sellOffline sells without asking, up to what the merchant may risk. The host learns of it with the next online
// transaction, or at settlement.
func (t *terminal) sellOffline() {
	card := t.nextCard()
	r := &record{kind: "offline", card: card, entry: "012", amount: t.price()/10 + 100, stan: t.next(), batch: t.batch, at: t.clock.today(),
		auth: fmt.Sprintf("%06d", t.rng.IntN(1_000_000))}
	t.truth.note(t.tid(), r.stan, func(o *Outcome) { o.Type, o.Amount = "offline", r.amount })
	t.write(r)
	t.waiting = append(t.waiting, r)
}

// correct changes the amount of the latest sale, by a tip or because it was typed wrongly, and tells the host later.
func (t *terminal) correct(ctx context.Context, sale *record, why string) {
	extra := max(sale.amount/10, 1)
	if why == "adjust" {
		extra = -extra / 2
	}
	sale.amount += extra
	t.sum.book(sale.card.PAN, false, extra, 0)
	adjust := *sale
	adjust.kind, adjust.stan, adjust.of, adjust.extra = why, t.next(), sale, extra
	t.truth.note(t.tid(), adjust.stan, func(o *Outcome) { o.Type, o.Amount = "adjust", extra })
	t.waiting = append(t.waiting, &adjust)
	t.flush(ctx)
}

// flush sends the advices that wait. They cannot be undone and are sent until the host has them.
func (t *terminal) flush(ctx context.Context) {
	for len(t.waiting) > 0 {
		for _, kind := range []string{"batch.open", "batch.broken"} {
			if f := t.on(kind); f != nil {
				t.truth.blame(t.tid(), t.waiting[len(t.waiting)-1].stan, f)
				return
			}
		}
		r := t.waiting[0]
		f := fields{2: r.card.PAN, 3: "000000", 4: fmt.Sprintf("%012d", r.amount), 11: r.stan, 14: r.card.Expiry, 22: r.entry, 25: "00", 38: r.auth, 49: "156",
			60: t.f60card("30", '0')}
		if r.of != nil {
			f[37], f[60], f[61] = r.rrn, t.f60card("32", '0'), fmt.Sprintf("%06d%s", r.batch, r.of.stan)
			if r.kind == "tip" {
				f[48], f[60] = fmt.Sprintf("%012d", r.extra), t.f60card("34", '0')
			}
		}
		res, _, err := t.exchange(ctx, message{mti: "0220", f: f}, t.keys.mak)
		if err != nil || res.f[39] == "A0" || res.f[39] == "77" {
			t.signedOn = t.signedOn && err != nil
			return
		}
		t.waiting = t.waiting[1:]
	}
}
