package sim

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net"
	"strconv"
	"sync"
	"time"

	"github.com/moov-io/iso8583"
)

const (
	acquirerID = "48210000"
	poor       = 100              // fen on a short account: less than any purchase
	rich       = 1_000_000_000_00 // fen on any other: more than a run can spend, so that the order of sales never matters
)

// beijing is the clock of every host of this line.
var beijing = time.FixedZone("CST", 8*3600)

// entry is one purchase in the host's log.
type entry struct {
	pan    string
	amount int64
	undone bool
}

// lane is what the host knows of one registered terminal.
type lane struct {
	tid, mid string
	tmk      []byte
	keys     workingKeys
	rng      *rand.Rand
	batch    int
	settled  bool
	sum      totals
	log      map[string]*entry // by STAN, of the batch
	sales    int               // purchases asked for, all batches
	forgot   bool              // its working keys were forgotten once
	rrn      int
}

// host is the acquirer's host with the issuers behind it.
type host struct {
	spec   *iso8583.MessageSpec
	faults []Fault
	speed  float64

	mu       sync.Mutex
	lanes    map[string]*lane
	accounts map[string]int64 // fen by card number
}

func newHost(spec *iso8583.MessageSpec, faults []Fault, speed float64) *host {
	h := &host{spec: spec, faults: faults, speed: speed, lanes: map[string]*lane{}, accounts: map[string]int64{}}
	for i, c := range TestCards() {
		h.accounts[c.PAN] = rich
		for _, f := range faults {
			// Spread evenly over the list, so that the share holds for every issuer and no seed can miss it.
			if f.Kind == "accounts.short" && int(float64(i+1)*f.Share) > int(float64(i)*f.Share) {
				h.accounts[c.PAN] = poor
			}
		}
	}
	return h
}

// register makes a terminal known, with its master key.
func (h *host) register(tid, mid string, tmk []byte, rng *rand.Rand) {
	h.lanes[tid] = &lane{tid: tid, mid: mid, tmk: tmk, rng: rng, batch: 1, log: map[string]*entry{}}
}

// serve answers every connection until ctx ends.
func (h *host) serve(ctx context.Context, l net.Listener) {
	var conns sync.WaitGroup
	defer conns.Wait()
	stop := context.AfterFunc(ctx, func() { l.Close() })
	defer stop()
	for {
		c, err := l.Accept()
		if err != nil {
			return
		}
		conns.Go(func() { h.talk(ctx, c.(*net.TCPConn)) })
	}
}

// talk reads requests of one connection and answers them.
func (h *host) talk(ctx context.Context, c *net.TCPConn) {
	defer c.Close()
	stop := context.AfterFunc(ctx, func() { c.Close() })
	defer stop()
	for {
		frame, err := readFrame(c)
		if err != nil {
			return
		}
		req, err := unpack(h.spec, frame)
		if err != nil {
			return // as hosts do with what they cannot read: no answer, hang up
		}
		p := h.plan(req)
		var answer []byte
		if !p.lost {
			if answer, err = h.answer(frame, req); err != nil {
				return
			}
		}
		if !pause(ctx, p.wait, h.speed) {
			return
		}
		switch {
		case p.reset:
			_ = c.SetLinger(0)
			return
		case p.mute:
			continue // the next read ends when the terminal gives up
		}
		if _, err := c.Write(answer); err != nil {
			return
		}
	}
}

// course is what the line and the host's load do to one exchange.
type course struct {
	wait        time.Duration
	reset, lost bool // lost: the request did not reach the host
	mute        bool // no answer
}

func (h *host) plan(req message) course {
	h.mu.Lock()
	defer h.mu.Unlock()
	p := course{wait: 60 * time.Millisecond}
	ln := h.lanes[req.f[41]]
	if ln == nil {
		return p
	}
	p.wait = time.Duration(30+ln.rng.IntN(91)) * time.Millisecond
	for _, f := range h.faults {
		hit := f.Share > 0 && ln.rng.Float64() < f.Share
		switch {
		case f.Kind == "line.reset" && hit:
			p.reset, p.lost = true, ln.rng.IntN(2) == 0
		case f.Kind == "host.mute" && hit && req.mti != "0800":
			p.mute, p.lost = true, true
		case f.Kind == "host.slow" && hit && req.mti == "0200":
			p.wait = answerWait + time.Duration(300+ln.rng.IntN(500))*time.Millisecond
		}
	}
	return p
}

// answer does what a request asks for and packs the response.
func (h *host) answer(frame []byte, req message) ([]byte, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if len(req.mti) != 4 {
		return nil, fmt.Errorf("no message type %q", req.mti)
	}
	now := time.Now().In(beijing)
	res := message{mti: req.mti[:2] + "10", f: fields{12: now.Format("150405"), 13: now.Format("0102"), 32: acquirerID, 39: "00"}}
	for _, n := range []int{2, 3, 4, 11, 25, 41, 42, 49, 60} {
		if v, ok := req.f[n]; ok {
			res.f[n] = v
		}
	}
	ln := h.lanes[req.f[41]]
	if ln == nil || ln.mid != req.f[42] {
		res.f[39] = "97"
		return pack(h.spec, tpduBack, res, nil)
	}
	ln.rrn++
	res.f[37] = fmt.Sprintf("%s%06d", ln.tid[len(ln.tid)-6:], ln.rrn)
	var seal []byte
	switch req.mti {
	case "0800":
		if err := h.signIn(ln, res); err != nil {
			return nil, err
		}
	case "0200", "0400":
		for _, f := range h.faults {
			if f.Kind == "host.keys" && ln.sales >= f.After && !ln.forgot {
				ln.forgot, ln.keys = true, workingKeys{pik: draw(ln.rng, 16), mak: draw(ln.rng, 8)}
			}
		}
		seal = ln.keys.mak
		res.f[15] = now.Format("0102")
		res.f[63] = "CUP"
		switch {
		case !sealed(frame, ln.keys.mak):
			res.f[39] = "A0"
		case !ln.open(req):
			res.f[39] = "77"
		case req.mti == "0200":
			res.f[39] = h.purchase(ln, req)
			res.f[44] = fmt.Sprintf("%-11s%-11s", req.f[2][:min(6, len(req.f[2]))]+"00", acquirerID)
			if res.f[39] == "00" {
				res.f[38] = fmt.Sprintf("%06d", ln.rng.IntN(1_000_000))
			}
		default:
			res.f[39] = h.reverse(ln, req)
		}
	case "0500":
		res.f[15] = now.Format("0102")
		result := byte('1')
		if req.f[48] != ln.sum.field48('0') {
			result = '2'
		}
		ln.settled = true
		res.f[48] = ln.sum.field48(result)
	default:
		res.f[39] = "40"
	}
	return pack(h.spec, tpduBack, res, seal)
}

// signIn makes new working keys and tells the batch that the host is in.
func (h *host) signIn(ln *lane, res message) error {
	ln.keys = workingKeys{pik: draw(ln.rng, 16), mak: draw(ln.rng, 8)}
	wrapped, err := wrapKeys(ln.tmk, ln.keys)
	if err != nil {
		return err
	}
	ln.roll()
	res.f[60] = fmt.Sprintf("00%06d003", ln.batch)
	res.f[62] = string(wrapped)
	return nil
}

// open says whether the request belongs to the terminal's batch; the first of a new batch opens it.
func (ln *lane) open(req message) bool {
	f60 := req.f[60]
	if len(f60) < 8 {
		return false
	}
	n, err := strconv.Atoi(f60[2:8])
	if err == nil && ln.settled && n == ln.batch%999999+1 {
		ln.roll()
	}
	return err == nil && n == ln.batch
}

func (ln *lane) roll() {
	if ln.settled {
		ln.settled, ln.batch, ln.sum, ln.log = false, ln.batch%999999+1, totals{}, map[string]*entry{}
	}
}

// purchase books a purchase at its issuer and answers with the response code.
func (h *host) purchase(ln *lane, req message) string {
	ln.sales++
	amount, err := strconv.ParseInt(req.f[4], 10, 64)
	pan := req.f[2]
	balance, known := h.accounts[pan]
	switch {
	case err != nil || amount <= 0:
		return "13"
	case !known:
		return "14"
	case ln.log[req.f[11]] != nil:
		return "94"
	}
	for _, f := range h.faults {
		if f.Kind == "host.refuse" && ln.sales > f.After && (f.BIN == "" || f.BIN == pan[:len(f.BIN)]) {
			return f.Codes[ln.rng.IntN(len(f.Codes))]
		}
	}
	want, err := pinBlock(ln.keys.pik, testPIN, pan)
	switch {
	case len(req.f[60]) >= 13 && req.f[60][12] == '2' && ln.rng.IntN(3) > 0:
		return "45" // most issuers take no stripe of a card that has a chip
	case err != nil || string(want) != req.f[52]:
		return "55"
	case balance < amount:
		return "51"
	}
	h.accounts[pan] -= amount
	ln.log[req.f[11]] = &entry{pan: pan, amount: amount}
	ln.sum.debit += amount
	ln.sum.debits++
	return "00"
}

// reverse undoes a purchase. A second reversal of the same one is answered like the first.
func (h *host) reverse(ln *lane, req message) string {
	e := ln.log[req.f[11]]
	if e == nil {
		return "25"
	}
	if !e.undone {
		e.undone = true
		h.accounts[e.pan] += e.amount
		ln.sum.debit -= e.amount
		ln.sum.debits--
	}
	return "00"
}

// draw takes n bytes from a seeded generator: keys here need to repeat, and protect nothing.
func draw(rng *rand.Rand, n int) []byte {
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(rng.Uint32())
	}
	return b
}
