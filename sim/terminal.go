package sim

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"strconv"
	"strings"
	"time"

	"github.com/moov-io/iso8583"
)

const (
	// answerWait stands for the 60 s that a real terminal waits: a watcher's time is compressed with the shop's.
	answerWait = 1500 * time.Millisecond
	// batchSales is how many purchases a terminal makes before it settles; shops settle once a day.
	batchSales = 4
	tries      = 3 // of a reversal, before the terminal rests for one sale's time
)

// terminal is one till with its reader, keys and store.
type terminal struct {
	spec     *iso8583.MessageSpec
	to       string
	from     *net.TCPAddr // its own address on the loopback net, nil when the system has none to give
	speed    float64
	rng      *rand.Rand
	tid, mid string
	serial   string
	tmk      []byte
	keys     workingKeys
	signedOn bool
	stan     int
	batch    int
	sales    int
	atc      int
	sum      totals
	deck     []Card
	fallback float64  // share of cards whose chip cannot be read
	breaks   float64  // share of connections that its module breaks off
	reversal *message // stored as a purchase is sent, dropped when its answer is good
	keep     func([]byte)
}

// run works until ctx ends: sign in, sell, reverse what stayed open, settle.
func (t *terminal) run(ctx context.Context, first time.Duration) {
	for wait := first; pause(ctx, wait, t.speed); wait = time.Duration(1500+t.rng.IntN(1501)) * time.Millisecond {
		if !t.signedOn && !t.signIn(ctx) {
			continue
		}
		if !t.reverse(ctx) {
			continue
		}
		if t.sales >= batchSales {
			if !t.settle(ctx) {
				continue
			}
			if !pause(ctx, 400*time.Millisecond, t.speed) {
				return
			}
		}
		t.sell(ctx)
	}
}

// signIn fetches working keys. They are used only when both check values fit the terminal's master key.
func (t *terminal) signIn(ctx context.Context) bool {
	res, _, err := t.exchange(ctx, message{mti: "0800", f: fields{11: t.next(), 60: t.f60("00", "003"),
		62: "Sequence No12" + "3136" + t.serial, 63: "01 "}}, nil)
	if err != nil || res.f[39] != "00" {
		return false
	}
	k, err := unwrapKeys(t.tmk, []byte(res.f[62]))
	if err != nil {
		return false
	}
	t.keys, t.signedOn = k, true
	if f60 := res.f[60]; len(f60) >= 8 {
		if n, err := strconv.Atoi(f60[2:8]); err == nil && n != t.batch {
			t.batch, t.sales, t.sum = n, 0, totals{}
		}
	}
	return true
}

// sell makes one chip purchase with the next customer's card.
func (t *terminal) sell(ctx context.Context) {
	if len(t.deck) == 0 {
		// All cards once before any comes again: a scenario's share of cards is then its share of sales.
		t.deck = TestCards()
		t.rng.Shuffle(len(t.deck), func(i, j int) { t.deck[i], t.deck[j] = t.deck[j], t.deck[i] })
	}
	card := t.deck[0]
	t.deck = t.deck[1:]
	pin, err := pinBlock(t.keys.pik, testPIN, card.PAN)
	if err != nil {
		return
	}
	t.keep(pin)
	amount := int64(500 + t.rng.IntN(200)*50 + t.rng.IntN(10)*1000)
	entry := "051"
	if t.rng.IntN(5) == 0 {
		entry = "071"
	}
	t.atc++
	stan := t.next()
	f := fields{2: card.PAN, 3: "000000", 4: fmt.Sprintf("%012d", amount), 11: stan, 14: card.Expiry, 22: entry, 23: "001", 25: "00",
		26: "06", 35: card.Track2, 49: "156", 52: string(pin), 53: "2600000000000000", 55: t.chip(amount, stan), 60: t.f60("22", "00050")}
	if t.fallback > 0 && t.rng.Float64() < t.fallback {
		f[22], f[60] = "021", t.f60("22", "00052")
		delete(f, 55)
		delete(f, 23)
	}
	back := message{mti: "0400", f: fields{39: "98", 55: tlv("95", "0000040000") + tlv("9F1E", hex.EncodeToString([]byte(t.serial))) +
		tlv("9F10", issuerData) + tlv("9F36", fmt.Sprintf("%04X", t.atc))}}
	for _, n := range []int{2, 3, 4, 11, 22, 23, 25, 49, 60} {
		if v, ok := f[n]; ok {
			back.f[n] = v
		}
	}
	if _, chip := f[55]; !chip {
		delete(back.f, 55)
	}
	t.sales++
	res, sent, err := t.exchange(ctx, message{mti: "0200", f: f}, t.keys.mak)
	switch {
	case errors.Is(err, errSeal):
		back.f[39] = "A0"
		t.reversal, t.signedOn = &back, false
	case err != nil:
		if sent {
			t.reversal = &back
		}
	case res.f[39] == "00":
		t.sum.debit += amount
		t.sum.debits++
	case res.f[39] == "A0" || res.f[39] == "77":
		t.signedOn = false
	}
}

// reverse clears the stored reversal, if there is one. No new sale before it is done.
func (t *terminal) reverse(ctx context.Context) bool {
	for range tries {
		if t.reversal == nil {
			return true
		}
		res, _, err := t.exchange(ctx, *t.reversal, t.keys.mak)
		if code := res.f[39]; err == nil && (code == "00" || code == "25" || code == "12") {
			t.reversal = nil
		} else if err == nil && code == "A0" {
			t.signedOn = false
			return false
		}
		if !pause(ctx, 300*time.Millisecond, t.speed) {
			return false
		}
	}
	return t.reversal == nil
}

// settle closes the batch. Only an answered settlement opens the next one.
func (t *terminal) settle(ctx context.Context) bool {
	res, _, err := t.exchange(ctx, message{mti: "0500", f: fields{11: t.next(), 48: t.sum.field48('0'), 49: "156",
		60: t.f60("00", "201"), 63: "01 "}}, nil)
	if err != nil || len(res.f[48]) != 62 {
		return false
	}
	t.batch, t.sales, t.sum = t.batch%999999+1, 0, totals{}
	return true
}

// exchange sends one request over a connection of its own and reads the answer. It says whether the request may have left.
func (t *terminal) exchange(ctx context.Context, req message, mak []byte) (res message, sent bool, err error) {
	req.f[41], req.f[42] = t.tid, t.mid
	frame, err := pack(t.spec, tpduOut, req, mak)
	if err != nil {
		return res, false, err
	}
	d := net.Dialer{Timeout: scaled(answerWait, t.speed)}
	if t.from != nil {
		d.LocalAddr = t.from
	}
	c, err := d.DialContext(ctx, "tcp", t.to)
	if err != nil {
		return res, false, err
	}
	defer c.Close()
	stop := context.AfterFunc(ctx, func() { c.Close() })
	defer stop()
	_ = c.SetDeadline(time.Now().Add(scaled(answerWait, t.speed)))
	if _, err := c.Write(frame); err != nil {
		return res, true, err
	}
	if t.breaks > 0 && t.rng.Float64() < t.breaks {
		// Long enough for the request to be on its way, too short for the answer.
		pause(ctx, 15*time.Millisecond, t.speed)
		_ = c.(*net.TCPConn).SetLinger(0)
		return res, true, errModule
	}
	got, err := readFrame(c)
	if err != nil {
		return res, true, err
	}
	if res, err = unpack(t.spec, got); err != nil {
		return res, true, err
	}
	if res.mti != req.mti[:2]+"10" {
		return res, true, errAnswer
	}
	for _, n := range []int{3, 4, 11, 41} {
		if req.f[n] != res.f[n] {
			return res, true, errAnswer
		}
	}
	// Terminals check the MAC of approvals only: a host that does not know the terminal has no key to seal with.
	if mak != nil && res.f[39] == "00" && !sealed(got, mak) {
		return res, true, errSeal
	}
	return res, true, nil
}

// next is the trace number of a new message. A reversal keeps its purchase's.
func (t *terminal) next() string {
	t.stan = t.stan%999999 + 1
	return fmt.Sprintf("%06d", t.stan)
}

func (t *terminal) f60(kind, rest string) string { return fmt.Sprintf("%s%06d%s", kind, t.batch, rest) }

const issuerData = "07010103A00000010A010000000000"

// chip is the data that a chip card and the terminal's kernel give for a purchase.
func (t *terminal) chip(amount int64, stan string) string {
	var b strings.Builder
	for _, e := range [][2]string{
		{"9F26", hex.EncodeToString(draw(t.rng, 8))}, {"9F27", "80"}, {"9F10", issuerData},
		{"9F37", hex.EncodeToString(draw(t.rng, 4))}, {"9F36", fmt.Sprintf("%04X", t.atc)}, {"95", "0000040000"},
		{"9A", time.Now().In(beijing).Format("060102")}, {"9C", "00"}, {"9F02", fmt.Sprintf("%012d", amount)}, {"5F2A", "0156"},
		{"82", "7C00"}, {"9F1A", "0156"}, {"9F03", "000000000000"}, {"9F33", "E0F8C8"}, {"9F34", "420300"}, {"9F35", "22"},
		{"84", "A000000333010101"}, {"9F09", "0020"}, {"9F41", "00" + stan},
	} {
		b.WriteString(tlv(e[0], e[1]))
	}
	return b.String()
}

// tlv is one chip data object, of a tag and a value in hex. What is not hex gives nothing.
func tlv(tag, value string) string {
	head, err := hex.DecodeString(tag)
	if err != nil {
		return ""
	}
	v, err := hex.DecodeString(value)
	if err != nil || len(v) > 127 {
		return ""
	}
	return string(head) + string([]byte{byte(len(v))}) + string(v)
}
