package sim

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"time"
)

// serve is one customer: what they want follows from the scenario's mix, and is a purchase when it cannot be had.
func (t *terminal) serve(ctx context.Context) {
	t.visited++
	switch want := choose(t.rng.Float64(), t.scenario.Mix, mixOrder); want {
	case "void":
		if r := t.latest("sale", "completion"); r != nil {
			t.void(ctx, r)
			return
		}
		if len(t.holds) > 0 {
			t.release(ctx, t.holds[0])
			return
		}
	case "tip", "adjust":
		if r := t.latest("sale"); r != nil {
			t.correct(ctx, r, want)
			return
		}
	case "refund":
		if n := len(t.past); n > 0 && !t.past[n-1].refunded {
			t.refund(ctx, t.past[n-1])
			return
		}
	case "completion":
		if len(t.holds) > 0 {
			t.complete(ctx, t.holds[0])
			return
		}
	case "preauth":
		if len(t.holds) < 4 {
			t.preauth(ctx)
			return
		}
	case "balance":
		t.balance(ctx)
		return
	case "offline":
		t.sellOffline()
		return
	}
	t.purchase(ctx)
}

var (
	mixOrder   = []string{"sale", "void", "refund", "preauth", "completion", "balance", "offline", "tip", "adjust"}
	entryOrder = []string{"chip", "contactless", "stripe", "manual"}
)

// choose takes one of several by their shares, in an order that does not change from run to run.
func choose(luck float64, shares map[string]int, order []string) string {
	sum := 0
	for _, k := range order {
		sum += shares[k]
	}
	at := luck * float64(sum)
	for _, k := range order {
		if at -= float64(shares[k]); at < 0 {
			return k
		}
	}
	return order[0]
}

// latest is the last transaction of the open batch, of one of some kinds, that stands.
func (t *terminal) latest(kinds ...string) *record {
	for i := len(t.journal) - 1; i >= 0; i-- {
		if r := t.journal[i]; slices.Contains(kinds, r.kind) && !r.voided {
			return r
		}
	}
	return nil
}

// nextCard is the next customer's. All cards come once before any comes again: a scenario's share of cards is then its
// share of sales.
func (t *terminal) nextCard() Card {
	if len(t.deck) == 0 {
		t.deck = cardsOf(t.index)
		t.rng.Shuffle(len(t.deck), func(i, j int) { t.deck[i], t.deck[j] = t.deck[j], t.deck[i] })
	}
	c := t.deck[0]
	t.deck = t.deck[1:]
	if t.faults.expired(t.moment(), c) {
		return c.expired()
	}
	return c
}

// reading is how a card was read.
type reading struct {
	card  Card
	entry string // the first two digits of field 22
	ic    byte   // 60.5
	again bool   // for a transaction about an earlier one: of a chip, the card's data alone
	blame *live  // what kept the terminal from reading it better
}

// read reads a card as its holder presents it, if the reader lets it.
func (t *terminal) read(c Card) reading {
	r := reading{card: c, ic: '0'}
	way := choose(t.rng.Float64(), t.scenario.Entry, entryOrder)
	if f := t.on("reader.stripe-only"); f != nil {
		if way != "manual" {
			way, r.blame = "stripe", f
		}
	} else if way == "chip" || way == "contactless" {
		if f := t.on("reader.chip"); f != nil {
			way, r.ic, r.blame = "stripe", '2', f
		}
	}
	if way == "stripe" {
		if f := t.on("reader.stripe"); f != nil {
			r.blame = f
			if t.n%2 == 0 {
				way = "manual" // the clerk types what the reader cannot read
			} else {
				r.card.PAN = misread(c.PAN)
				r.card.Track2 = r.card.PAN + c.Track2[len(c.PAN):]
			}
		}
	}
	r.entry = map[string]string{"chip": "05", "contactless": "07", "stripe": "02", "manual": "01"}[way]
	return r
}

// misread is a card number of which a worn head lost a digit's bits.
func misread(pan string) string {
	b := []byte(pan)
	at := len(b) / 2
	b[at] = '0' + (b[at]-'0'+5)%10
	return string(b)
}

// request makes a request with a card: what all transactions with one have in common.
func (t *terminal) request(mti, kind, f3, f25 string, r reading, amount int64, pin string) (message, error) {
	f := fields{2: r.card.PAN, 3: f3, 11: t.next(), 14: r.card.Expiry, 22: r.entry + "2", 25: f25, 49: "156",
		60: t.f60card(kind, r.ic)}
	if amount > 0 {
		f[4] = fmt.Sprintf("%012d", amount)
	}
	if r.entry != "01" {
		f[35] = r.card.Track2
	}
	if r.entry == "05" || r.entry == "07" {
		if f[23] = "001"; !r.again {
			t.atc++
			f[55] = t.chip(r, amount, f, pin != "")
		}
	}
	security := []byte("0600000000000000") // of field 53: PIN block format, triple DES, track under a key
	if t.keys.tdk != nil && f[35] != "" {
		hidden, err := hideTrack(t.keys.tdk, f[35])
		if err != nil {
			t.fail(err)
			return message{}, err
		}
		security[2] = '1'
		f[35], f[53] = hidden, string(security)
	}
	if pin != "" && t.keys.pik != nil {
		block, err := pinBlock(t.keys.pik, pin, r.card.PAN)
		if err != nil {
			t.fail(err)
			return message{}, err
		}
		t.keep(block)
		f[22], f[26], f[52], f[53] = r.entry+"1", "06", string(block), "2"+string(security[1:])
	}
	return message{mti: mti, f: f, at: t.clock.today()}, nil
}

// noPIN is what may be paid without a PIN when a card is held to the reader, in fen.
const noPIN = 100_000

// pin is what the customer types: their PIN, another one, or nothing where none is asked for.
func (t *terminal) pin(r reading, amount int64) (pin string, blame *live) {
	if r.entry == "01" || r.entry == "07" && amount <= noPIN && amount%1000 != 0 {
		return "", nil
	}
	if f := t.faults.findCard("customer.pin", t.moment(), r.card); f != nil {
		return wrongPIN, f
	}
	return testPIN, nil
}

func (t *terminal) price() int64 { return int64(500 + t.rng.IntN(200)*50 + t.rng.IntN(10)*1000) }

// purchase sells something. A customer whose PIN was wrong tries again.
func (t *terminal) purchase(ctx context.Context) {
	card, amount := t.nextCard(), t.price()
	for range pinTries {
		t.sales++
		r := t.read(card)
		pin, typed := t.pin(r, amount)
		req, err := t.request("0200", "22", "000000", "00", r, amount, pin)
		if err != nil {
			return
		}
		res, ok := t.ask(ctx, "sale", req, r.blame, typed)
		if ok && approved(res.f[39]) {
			if res.f[39] == "10" { // the customer pays the rest otherwise
				amount, _ = strconv.ParseInt(res.f[4], 10, 64)
			}
			t.write(t.record("sale", req, res, r, amount))
			t.flush(ctx)
		}
		if !ok || res.f[39] != "55" || !t.clock.wait(ctx, 700*time.Millisecond) {
			return
		}
	}
}

func approved(code string) bool { return code == "00" || code == "10" || code == "11" }

// record is what the terminal remembers of an approved request.
func (t *terminal) record(kind string, req, res message, r reading, amount int64) *record {
	return &record{kind: kind, card: r.card, entry: req.f[22], amount: amount, stan: req.f[11], rrn: res.f[37], auth: res.f[38], batch: t.batch,
		at: req.at, chip: req.f[55]}
}

// write puts a record into the journal and its amount into the totals.
func (t *terminal) write(r *record) {
	t.journal = append(t.journal, r)
	t.sum.book(r.card.PAN, r.kind == "void" || r.kind == "refund", r.amount, 1)
}

// ask sends a request that a customer waits for. It stores the reversal first, as terminals do: whatever happens from then
// on, the request can be undone. ok says that an answer came and the terminal could finish.
func (t *terminal) ask(ctx context.Context, kind string, req message, blame ...*live) (res message, ok bool) {
	id, stan := t.tid(), req.f[11]
	amount, _ := strconv.ParseInt(req.f[4], 10, 64) // a balance inquiry has none
	t.truth.note(id, stan, func(o *Outcome) { o.Type, o.Amount = kind, amount })
	for _, f := range blame {
		if f != nil {
			t.truth.blame(id, stan, f)
		}
	}
	if kind != "balance" && kind != "refund" {
		t.reversal = t.reversalOf(req)
		t.reversal.id = id
	}
	res, sent, err := t.exchange(ctx, req, t.keys.mak)
	if auth := res.f[38]; auth != "" && t.reversal != nil && (err == nil || errors.Is(err, errSeal)) {
		t.reversal.msg.f[38] = auth // whoever undoes an approval names it
	}
	switch {
	case err == nil:
		t.truth.note(id, stan, func(o *Outcome) { o.Answered = true })
		if f := t.on("printer.jam"); f != nil && approved(res.f[39]) && t.reversal != nil {
			t.truth.blame(id, stan, f)
			t.reversal.reason = "96"
			return res, false
		}
		t.reversal = nil
		if approved(res.f[39]) {
			t.runScript(req, res)
		}
		if c := res.f[39]; c == "A0" || c == "77" || c == "99" {
			t.signedOn = false
		}
		return res, true
	case !sent:
		t.reversal = nil
	case t.reversal == nil:
	case errors.Is(err, errSeal):
		t.reversal.reason = "A0"
		t.signedOn = false
	case errors.Is(err, errPower): // the record of the moment when it was sent is all that is left
		t.reboot(ctx)
	default:
		t.reversal.reason = "98"
	}
	return res, false
}

// reboot is what a terminal does after its power came back.
func (t *terminal) reboot(ctx context.Context) {
	t.signedOn, t.opened, t.asked = false, false, '0'
	t.clock.wait(ctx, 2*time.Second)
}
