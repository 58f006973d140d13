package sim

import (
	"context"
	"fmt"
	"math/rand/v2"
	"time"
)

// tries is how often a reversal is sent before the terminal rests for one customer's time.
const tries = 3

// keptPast is how many settled sales a terminal remembers.
const keptPast = 8

// terminal is one till with its reader, keys and store. Only its own goroutine touches it.
type terminal struct {
	index    int // from 0
	codec    *codec
	scenario *Scenario
	faults   *faults
	clock    *clock
	truth    *truth
	keep     func([]byte) // takes PIN blocks, for tests that search outputs for them
	aside    *aside       // what the host of the same store tells, nil when there is none
	fail     func(error)  // ends the store: a terminal that cannot write its message is a mistake in the store
	dial     dialer
	conn     conn // a standing connection, nil when there is none

	rng      *rand.Rand
	own      string // terminal id as registered
	serial   string
	tmk      []byte
	badTMK   []byte // what a tampered terminal has instead
	keys     workingKeys
	signedOn bool
	opened   bool // signed in at least once since it was switched on
	asked    byte // what the host's header asks for
	stan     int
	batch    int
	atc      int
	n        int // exchanges so far
	sales    int // purchases asked for, ever
	visited  int // customers since the batch was opened

	deck     []Card
	journal  []*record // of the open batch
	waiting  []*record // offline sales, tips and corrections that the host does not know yet
	holds    []*record // pre-authorisations to complete
	past     []*record // a few sales of settled batches, to refund
	sum      totals
	notices  []notice  // script results that the host does not know yet
	reversal *reversal // stored as a request is sent, dropped when its answer is good
	closed   time.Duration
}

// record is what a terminal remembers of an approved transaction.
type record struct {
	kind             string // sale, void, refund, preauth, completion, offline, tip, adjust
	card             Card
	entry            string // field 22
	amount           int64
	stan, rrn, auth  string
	batch            int
	at               time.Time
	chip             string // field 55, for the upload
	voided, refunded bool

	of    *record // tip, adjust: the sale whose amount changed
	extra int64   // and by how much
}

// moment is the terminal's next occasion for a fault.
func (t *terminal) moment() moment { return moment{t.index, t.sales, t.n} }

// on is the fault of a kind that strikes the terminal now.
func (t *terminal) on(kind string) *live { return t.faults.find(kind, t.moment()) }

// tid is the terminal id that the terminal writes.
func (t *terminal) tid() string {
	if f := t.on("setup.tid"); f != nil {
		return f.Value
	}
	return t.own
}

// run works until ctx ends: sign in, do what the host asks, reverse what stayed open, sell, settle.
func (t *terminal) run(ctx context.Context, first time.Duration) {
	defer t.hangUp()
	t.day(first)
	// Customers come by the shop's time, whatever the one before them took; a queue of more than one goes elsewhere.
	next := t.clock.now() + first
	for t.clock.wait(ctx, next-t.clock.now()) {
		next = max(next+t.pause(), t.clock.now()-t.scenario.Pace.Every)
		switch {
		case !t.signedOn && !t.signIn(ctx):
		case !t.obey(ctx):
		case !t.reverse(ctx):
		case t.due() && !t.settle(ctx):
		default:
			if t.notify(ctx); !t.signedOn {
				continue
			}
			if t.clock.now() >= t.closed { // the shop opens again; a real one sleeps in between
				t.day(t.clock.now())
			}
			t.serve(ctx)
		}
	}
}

// day says when the shop that opened at a time closes.
func (t *terminal) day(opened time.Duration) {
	t.closed = 1<<62 - 1
	if d := t.scenario.Pace.Day; d > 0 {
		t.closed = opened - opened%d + d
	}
}

// due says that it is time to settle: as many customers came as a batch may have, or the shop closes.
func (t *terminal) due() bool {
	if len(t.journal) == 0 || t.on("batch.open") != nil {
		return false
	}
	full := t.scenario.Pace.Batch > 0 && t.visited >= t.scenario.Pace.Batch
	return full || t.clock.now() >= t.closed
}

// newBatch opens another batch and forgets the old one, but for a few sales that may be refunded.
func (t *terminal) newBatch(n int) {
	for _, r := range t.journal {
		if r.kind == "sale" && !r.voided {
			t.past = append(t.past, r)
		}
	}
	if over := len(t.past) - keptPast; over > 0 {
		t.past = append([]*record(nil), t.past[over:]...)
	}
	t.batch, t.visited, t.sum, t.journal, t.waiting = n, 0, totals{}, nil, nil
}

// hours is how busy a shop is, from opening to closing: lunch, and the way home.
var hours = []float64{0.5, 0.7, 0.9, 1.2, 2.6, 2.2, 0.9, 0.7, 0.8, 1.2, 2.3, 1.9, 1.0, 0.5}

// pause is the time until the next customer: as people come, unevenly, and more of them at lunch.
func (t *terminal) pause() time.Duration {
	every := float64(t.scenario.Pace.Every)
	if d := t.scenario.Pace.Day; d > 0 {
		at := t.clock.now() % d
		every /= hours[int(at)*len(hours)/int(d)%len(hours)]
	}
	return time.Duration(every * (2 + t.rng.Float64()*2) / 3)
}

// next is the trace number of a new message. A reversal keeps its request's.
func (t *terminal) next() string {
	t.stan = t.stan%999999 + 1
	return fmt.Sprintf("%06d", t.stan)
}

// can is what the terminal says it reads (60.4): with contacts and without, or stripes alone.
func (t *terminal) can() byte {
	if t.on("reader.stripe-only") != nil {
		return '2'
	}
	return '6'
}

// f60card is field 60 of a transaction with a card: what the terminal reads, whether a chip failed it (60.5), and whether it
// takes less than it asks for (60.6), where its software knows that.
func (t *terminal) f60card(kind string, ic byte) string {
	rest := fmt.Sprintf("000%c%c", t.can(), ic)
	if t.scenario.Partial {
		rest += "1"
	}
	return t.f60(kind, rest)
}

// f60 is field 60: type, batch number and what the message adds. An old terminal knows the first two only.
func (t *terminal) f60(kind, rest string) string {
	if len(rest) > 3 && t.on("software.old") != nil {
		rest = ""
	}
	return fmt.Sprintf("%s%06d%s", kind, t.batch, rest)
}

// head is what the terminal writes into TPDU and header.
func (t *terminal) head() head {
	h := usualHead()
	if t.on("reader.stripe-only") != nil {
		h.app = "60"
	}
	if f := t.on("setup.tpdu"); f != nil {
		h.to = f.Value
	}
	if f := t.on("software.old"); f != nil {
		if h.version = f.Value; h.version == "" {
			h.version = "10"
		}
	}
	return h
}

// masterKey is what the terminal has for one.
func (t *terminal) masterKey() []byte {
	if f := t.on("keys.master"); f != nil {
		return t.badTMK
	}
	return t.tmk
}
