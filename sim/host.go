package sim

import (
	"context"
	"errors"
	"io"
	"math/rand/v2"
	"net"
	"sync"
	"sync/atomic"
	"time"
)

// host is the acquirer's host with the issuers behind it.
type host struct {
	codec    *codec
	scenario *Scenario
	faults   *faults
	clock    *clock
	truth    *truth
	bank     *bank
	payout   *payout
	keep     func([]byte)     // takes wrapped keys, for tests that search outputs for them
	aside    *aside           // where it tells the terminals of the same store, nil when they are others
	fail     func(error)      // takes what kept it from answering: a mistake in the store
	answered atomic.Int64     // requests about money, for measuring
	anyone   bool             // terminals that nobody registered are taken, with the lab's master key
	lanes    map[string]*lane // by terminal id
	mu       sync.Mutex       // of lanes, where terminals may come that nobody registered
}

// lane is what the host knows of one terminal.
type lane struct {
	mu       sync.Mutex
	index    int
	tid, mid string
	tmk      []byte
	keys     workingKeys
	rng      *rand.Rand
	batch    int
	closing  bool // settled, and the next batch not begun
	sum      totals
	log      map[string]*entry // by STAN, of the open batch
	order    []*entry          // the same, as they came
	holds    []*entry          // pre-authorisations
	past     []*entry          // a few of settled batches, for refunds
	asks     []byte            // what the header will ask for next
	n        int               // requests so far
	sales    int               // purchases asked for, all batches
	forgot   *live             // the fault that made the host forget its keys
	rrn      int
}

// entry is one transaction in the host's log.
type entry struct {
	kind, pan       string
	amount          int64 // fen
	stan, rrn, auth string
	batch           int
	at              time.Time
	undone, voided  bool
	missed          bool   // not in the host's totals
	of              *entry // void, completion: what it is about
	asked           string // field 4 of the request: a partial approval is for less
	refunded        int64  // fen of it that went back
}

// register makes a terminal known, with its master key.
func (h *host) register(index int, tid, mid string, tmk []byte, rng *rand.Rand) *lane {
	ln := &lane{index: index, tid: tid, mid: mid, tmk: tmk, rng: rng, batch: 1, log: map[string]*entry{}}
	if index < len(firstAsks) {
		ln.asks = []byte{firstAsks[index]}
	}
	h.lanes[tid] = ln
	return ln
}

// firstAsks are what the host wants of the first terminals after they were installed: one loads its parameters, one reports
// its state, others load card applications, keys and lists. The rest did so before.
const firstAsks = "12549b7c"

// lane finds a terminal.
func (h *host) lane(tid, mid string) *lane {
	h.mu.Lock()
	defer h.mu.Unlock()
	ln := h.lanes[tid]
	if ln == nil && h.anyone && len(h.lanes) < 2*maxTerminals {
		i := len(h.lanes)
		ln = h.register(i, tid, mid, labKey, rand.New(rand.NewPCG(uint64(i), 8583)))
		ln.asks = nil
		h.bank.mu.Lock()
		h.bank.open(cardsOf(i))
		h.bank.mu.Unlock()
	}
	if ln == nil || ln.mid != mid {
		return nil
	}
	return ln
}

// labKey is the master key of terminals that a lab's host takes without knowing them: the published example of the
// UnionPay key download.
var labKey = []byte{0xCA, 0x5D, 0x92, 0x59, 0x8D, 0xCA, 0x48, 0xCE, 0x8A, 0x4C, 0x76, 0x36, 0x1A, 0x92, 0x69, 0xE9}

// talk reads requests of one connection and answers them until it ends.
func (h *host) talk(ctx context.Context, c conn) {
	defer c.Close()
	stop := context.AfterFunc(ctx, func() { c.Close() })
	defer stop()
	idle := h.clock.now()
	for {
		payload, err := readFrame(c, h.codec.framing)
		if err != nil {
			// As hosts do with what they cannot read: no answer, and off. A serial port has nobody to hang up on.
			if _, tcp := c.(*net.TCPConn); !tcp && errors.Is(err, errFrame) {
				continue
			}
			return
		}
		req, err := h.codec.unpack(payload)
		if err != nil {
			if _, tcp := c.(*net.TCPConn); !tcp {
				continue
			}
			return
		}
		now := h.clock.now()
		if !h.exchange(ctx, c, req, now-idle) {
			return
		}
		idle = h.clock.now()
	}
}

// exchange takes one request through line and host, and sends what comes of it. false ends the connection.
func (h *host) exchange(ctx context.Context, c conn, req parcel, idle time.Duration) bool {
	p := h.travel(req, idle)
	if req.head.to != hostNII && req.head.to != "" {
		return false // the concentrator knows no such network
	}
	var answer []byte
	if !p.lost {
		var err error
		if answer, err = h.answer(req, &p); err != nil {
			h.fail(err)
			return false
		}
	}
	silent := p.mute || answer == nil || h.clock.unpaced && (p.wait > h.scenario.Pace.Wait || h.aside.of(req.f[41]).parts)
	h.aside.tell(req.f[41], silent)
	if !h.clock.wait(ctx, p.wait) {
		return false
	}
	switch {
	case p.reset:
		abort(c)
		return false
	case silent:
		return true // the next read ends when the terminal gives up
	}
	if p.noise {
		flip(answer, p.m)
	}
	if p.baud {
		misclock(answer)
	}
	if p.cut {
		_, _ = c.Write(answer[:len(answer)*2/3])
		return false
	}
	if p.rate > 0 { // as a thin line gives it: in pieces
		for ; len(answer) > 16; answer = answer[16:] {
			if _, err := c.Write(answer[:16]); err != nil || !h.clock.wait(ctx, 16*time.Second/time.Duration(p.rate)) {
				return false
			}
		}
	}
	_, err := c.Write(answer)
	return err == nil || errors.Is(err, io.ErrShortWrite)
}
