package diagnostics

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"tillscope/wire"
)

// cure follows errors that one sign-on ought to cure (stale keys, another batch).
type cure struct {
	errors int  // since the last answer without one, before a sign-on
	signed bool // a sign-on came behind them
	stuck  int  // errors behind that sign-on
	worst  int  // the most that there ever were
	cured  int  // how often a sign-on did cure them
	healed int  // how often they went away without one
}

// stuckFor is how many errors behind a sign-on say that it does not help.
const stuckFor = 2

func (c *cure) failed() {
	if c.signed {
		c.stuck++
		c.worst = max(c.worst, c.stuck)
	} else {
		c.errors++
	}
}

func (c *cure) signedOn() {
	if c.errors > 0 || c.stuck > 0 {
		c.signed = true
	}
}

func (c *cure) worked() {
	switch {
	case c.signed && c.stuck < stuckFor: // who had signed on so often in vain was helped by something else
		c.cured++
	case c.errors > 0:
		c.healed++
	}
	c.errors, c.signed, c.stuck = 0, false, 0
}

// habits are what a terminal does over time, beyond what single signs tell.
type habits struct {
	keys, batch  cure
	signOns      []int // accepted ones since it last sold, entries
	wrongPINs    []int // answers 55 since a PIN was last right, entries
	pinRun       []int // the longest run of them that ended, of as many cards
	pinRunCards  int
	pinCards     []uint64 // the cards of them, different ones
	pinsRight    int
	destination  string // of its TPDU
	heard        int    // answers since it names that
	version      string // main version of its software, two digits
	form         *wire.Form
	stripeOnly   int   // requests in which it declared that it reads stripes alone (60.4 = 2)
	declared     int   // requests in which it declared anything
	chips, cards int   // read by chip, with contact or without, and at all
	fallbacks    int   // read by stripe because the chip failed, as the terminal says
	wanted       ask   // for a download, in the latest answer that it can have read
	ignored      []int // answers that asked, and it went on to sell, since it last began a download
	firstIgnored time.Time
	unsettled    time.Time // when the first approved transaction came that no settlement followed
	approvedOpen int       // approved since the last settlement
	closedThen   uint32    // settlements of other terminals until then
	settled      int       // settlements that the host took
	batchSize    int       // the most that it settled at once
	refusedClose []int     // settlements since the last good one that were refused or found unequal, entries
	closing      string    // batch of a settlement that has no answer yet
	reclosing    bool      // the same batch is being settled again: its host may have closed it already
	uploading    time.Time // when a batch upload began that has not ended
	uploadN      int
	soldInUpload int
}

// ask is an answer whose header asks for a download. The terminal may not have taken it: then it has nothing to obey.
type ask struct {
	n   int
	at  time.Time
	txn *txn
}

// passedOver books that a terminal sells although it was asked for a download.
func (h *habits) passedOver() {
	if a := h.wanted; a.n > 0 && !a.txn.late && !a.txn.garbled && !a.txn.reversed() {
		if len(h.ignored) == 0 {
			h.firstIgnored = a.at
		}
		h.ignored = keepRun(h.ignored, a.n)
	}
	h.wanted = ask{}
}

// missed forgets what rests on that something was not seen: a sale since the sign-ons, a settlement, the end of an upload, a
// download. It may be among what was not captured.
func (h *habits) missed() {
	h.signOns, h.ignored, h.wanted = h.signOns[:0], h.ignored[:0], ask{}
	h.approvedOpen, h.unsettled, h.uploading = 0, time.Time{}, time.Time{}
}

const keptRuns = 64 // entries that a habit keeps as its proof

func keepRun(list []int, n int) []int {
	if len(list) < keptRuns {
		return append(list, n)
	}
	return list
}

// asks about a request: header, entry, and what is under way.
func (l *ledger) requested(s *Session, x *exchange, t *txn, e *Entry) {
	m, h := e.Msg, &x.term.habits
	if head := m.HeaderBytes(); len(head) >= 5 && strings.HasPrefix(m.Header, "tpdu") {
		if d := head[1:3]; d != h.destination {
			h.destination, h.heard = strings.Clone(d), 0
		}
		if m.Header == "tpdu+cup" && len(head) == 11 {
			v := head[6]
			if text := bcd(v); text != h.version {
				h.version = text
			}
		}
	}
	h.form = m.Form
	if t.Type == "signon" || t.Type == "settlement" {
		h.wanted = ask{} // it begins anew, and may have forgotten
	}
	switch code := networkCode(m); {
	case x.reversal:
		reason := strings.TrimSpace(m.Get(39))
		if r, ok := reasons[m.Get(25)]; ok && reason == "" {
			reason = r
		}
		t.reversedAt = e.At
		if t.reason != "" {
			break // it tries again, and may say something else
		}
		switch t.reason = l.word(reason); reason {
		case "96":
			l.note(jammed, l.here(e.N, e.At, x.term, t))
		case "06":
			l.note(powerless, l.here(e.N, e.At, x.term, t))
		case "A0":
			l.note(unsealed, l.here(e.N, e.At, x.term, t))
		case "98", "", "00": // most dialects give no reason
			s.unheeded(x, t, e, reason == "98")
		}
	case t.Type == "management" && len(code) == 3 && code[0] == '3' && code[1] >= '6':
		h.wanted, h.ignored = ask{}, h.ignored[:0] // a download, or the question for one
	case t.Type == "settlement":
		h.reclosing = t.Batch != "" && t.Batch == h.closing
		h.closing = t.Batch
	case t.Type == "upload":
		if h.uploading.IsZero() {
			h.soldInUpload = 0
		}
		h.uploading, h.uploadN = e.At, e.N
		if code == "202" || code == "207" {
			h.uploading = time.Time{} // ended, whatever the host says to it
			h.approvedOpen, h.unsettled = 0, time.Time{}
		}
	case t.moves():
		if m.MTI[2] == '0' { // what it sold offline goes first
			h.passedOver()
		}
		if !h.uploading.IsZero() {
			h.soldInUpload++
		}
	}
}

// unheeded books an answer that passed whole and that the terminal takes back: what took long came too late for it. Anything
// else was lost on the last piece of the way, when the terminal says that it had no answer (reason 98).
func (s *Session) unheeded(x *exchange, t *txn, e *Entry, said bool) {
	if !t.answered || t.late || t.garbled {
		return
	}
	k, long, pace := unreceived, s.scaled(leastSilence), x.conn.line.pace
	if pace.patience > 0 {
		long = pace.patience / 2
	}
	switch {
	case t.took > long || said && t.took > 5*x.conn.line.median:
		k, t.late = late, true
	case !said:
		return
	}
	t.unreceived = k == unreceived
	s.ledger.note(k, s.ledger.here(e.N, e.At, x.term, t))
}

func bcd(b byte) string {
	const digits = "0123456789ABCDEF"
	return string([]byte{digits[b>>4], digits[b&15]})
}

// The point of service data code of ISO 8583:1993 and 2003, in UnionPay's numbers: what the terminal can read, what it did.
var (
	capabilities = map[byte]string{'2': "2", '5': "5"}
	modes        = map[byte]string{'1': "01", '2': "02", '5': "05", '7': "07", 'A': "07"}
)

// reasons are why a terminal takes back what it asked for: message reason codes of ISO 8583:1993 (field 25) in UnionPay's
// numbers (field 39 of the reversal).
var reasons = map[string]string{"4002": "06", "4007": "96", "4020": "A0", "4021": "98"}

// read books how a card was read.
func (l *ledger) read(x *exchange, t *txn, m *wire.Message) {
	f22, f60, h := m.Get(22), private(m), &x.term.habits
	mode, capability := sub(f22, 0, 2), sub(f60, 11, 1)
	if len(f22) == 12 || len(f22) == 16 { // ISO 8583:1993 and 2003: what it can do first, how it did it seventh
		capability, mode = capabilities[f22[0]], modes[f22[6]]
	}
	now := m.MTI[2] == '0' && (t.Type == "sale" || t.Type == "preauth" || t.Type == "balance") // others tell of a card that was read before
	if now && capability != "" && capability != "0" {
		h.declared++
		if capability == "2" {
			h.stripeOnly++
		}
	}
	if mode == "" || mode == "00" {
		return
	}
	l.occasion(reads, x.term)
	if now {
		h.cards++
	}
	if t.issuer != nil {
		t.issuer.at[reads]++
	}
	switch mode {
	case "05", "07", "95", "98":
		l.cards++
		l.chip++
		h.chips++
	case "02", "90", "91", "80", "79":
		l.cards++
		t.stripe = true
		if mode == "80" || mode == "79" || mode == "02" && sub(f60, 12, 1) == "2" {
			l.stripes++
			t.fellBack = true
			h.fallbacks++
			l.note(fallback, l.here(t.Messages[0], t.At, x.term, t))
		}
	case "01":
		if m.MTI[2] == '2' {
			break // an advice of what was sold offline, where nothing is read
		}
		l.cards++
		t.keyed = true
		l.note(keyed, l.here(t.Messages[0], t.At, x.term, t))
	}
}

// Downloads that a host asks for in the processing requirement of its header: parameters, CA keys, chip parameters, remote
// software, contactless parameters, lists. It is binary-coded: b and c are 11 and 12.
const downloads = 1<<1 | 1<<4 | 1<<5 | 1<<6 | 1<<9 | 1<<11 | 1<<12

// answered books what an answer shows beyond its code.
func (l *ledger) answeredWith(x *exchange, t *txn, e *Entry, request *wire.Message) {
	m, h := e.Msg, &x.term.habits
	t.garbled = t.garbled || m.Stop != nil || m.Check != ""
	if m.Header == "tpdu+cup" {
		if head := m.HeaderBytes(); len(head) == 11 && downloads>>(head[7]&15)&1 == 1 {
			h.wanted = ask{e.N, e.At, t}
			l.note(asked, l.here(e.N, e.At, x.term, t))
		}
	}
	if request != nil {
		if field := differs(request, m); field != 0 {
			t.garbled = true
			t.doubtful = t.doubtful || field == 4
			l.note(mismatched, l.here(e.N, e.At, x.term, t))
		}
	}
}

// closedBeside is how many settlements of other terminals were answered.
func (l *ledger) closedBeside(t *terminal) uint32 { return l.at[settlements] - t.at[settlements] }

// differs is the field in which an answer does not repeat its request, as the terminal itself checks it; 0 when it does.
func differs(q, a *wire.Message) int {
	code := CodeOf(a.Get(39))
	for _, f := range [...]int{3, 11, 41, 42, 4} {
		was, is := q.Get(f), a.Get(f)
		if was == is {
			continue // as nearly always
		}
		was, is = strings.TrimSpace(was), strings.TrimSpace(is)
		switch {
		case was == "" || is == "" || was == is:
		case f == 42 && code != "00", f == 4 && code == "10":
		default:
			return f
		}
	}
	return 0
}

// coded books the response code of an answer.
func (l *ledger) coded(x *exchange, t *txn, e *Entry, code string, cause string) {
	h := &x.term.habits
	m := e.Msg
	switch {
	case t.Type == "signon" && !x.reversal && approvedCode(code):
		h.keys.signedOn()
		h.batch.signedOn()
		h.signOns = keepRun(h.signOns, e.N)
		return
	case t.Type == "settlement" && !x.reversal:
		l.occasion(settlements, x.term)
		h.closing = ""
		switch r := x.settlementResult(m); {
		case r == '2' || r == '3':
			if h.reclosing {
				break // what the terminal did not hear the first time was done, and nothing is left to compare
			}
			l.note(unequal, l.here(e.N, e.At, x.term, t))
			h.refusedClose = keepRun(h.refusedClose, e.N)
		case approvedCode(code):
			h.settled++
			h.batchSize = max(h.batchSize, h.approvedOpen)
			h.refusedClose = h.refusedClose[:0]
			h.approvedOpen, h.unsettled = 0, time.Time{}
		default:
			h.refusedClose = keepRun(h.refusedClose, e.N)
		}
	case t.Type == "upload" && approvedCode(code):
		if end := networkCode(m); end == "202" || end == "207" {
			h.uploading = time.Time{}
			h.approvedOpen, h.unsettled, h.refusedClose = 0, time.Time{}, h.refusedClose[:0]
		}
	}
	good := approvedCode(code) || x.reversal && ReversalAccepted(code)
	if (code == "14" || code == "19") && (t.stripe || t.keyed) {
		t.misread = true
		l.note(misread, l.here(e.N, e.At, x.term, t))
	}
	if !good {
		l.noteCode(code, l.here(e.N, e.At, x.term, t))
	}
	switch {
	case cause == "operation.not-signed-on":
		h.keys.failed()
	case code == "77":
		h.batch.failed()
	case good || strings.HasPrefix(cause, "balance.") || strings.HasPrefix(cause, "risk."):
		// An issuer looks at the card only when seal and batch were right.
		if t.moves() {
			h.keys.worked()
			h.batch.worked()
			h.signOns = h.signOns[:0]
		}
	}
	if x.reversal {
		return
	}
	switch {
	case code == "55" && t.moves():
		h.wrongPINs = keepRun(h.wrongPINs, e.N)
		if card := cmp.Or(m.Card(), x.card); !slices.Contains(h.pinCards, card) && len(h.pinCards) < keptRuns {
			h.pinCards = append(h.pinCards, card)
		}
	case good && x.pin || code == "51" || code == "61":
		if len(h.pinCards) > h.pinRunCards {
			h.pinRun, h.pinRunCards = slices.Clone(h.wrongPINs), len(h.pinCards)
		}
		h.wrongPINs, h.pinCards = h.wrongPINs[:0], h.pinCards[:0]
		h.pinsRight++
	}
	if good && t.moves() {
		h.approvedOpen++
		if h.unsettled.IsZero() {
			h.unsettled, h.closedThen = e.At, l.closedBeside(x.term)
		}
	}
}
