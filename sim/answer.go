package sim

import (
	"bytes"
	"fmt"
	"strconv"
	"strings"
)

// answer does what a request asks for and packs the response. There is none to what is a response itself.
func (h *host) answer(req parcel, p *course) ([]byte, error) {
	if req.mti[2]%2 == 1 {
		return nil, nil
	}
	now := h.clock.today()
	res := message{mti: req.mti[:2] + string(req.mti[2]+1) + "0", at: now, head: req.head.back('0'),
		f: fields{12: now.Format("150405"), 13: now.Format("0102"), 32: acquirerID, 39: "00"}}
	for _, n := range []int{2, 3, 4, 11, 25, 41, 42, 49, 60} {
		if v, ok := req.f[n]; ok {
			res.f[n] = v
		}
	}
	ln := h.lane(req.f[41], req.f[42])
	if ln == nil {
		res.f[39] = "97"
		return h.codec.pack(res, nil)
	}
	ln.mu.Lock()
	defer ln.mu.Unlock()
	ln.rrn++
	res.f[37] = fmt.Sprintf("%s%06d", ln.tid[max(len(ln.tid)-6, 0):], ln.rrn)
	var seal []byte
	switch mti := req.mti; {
	case req.f[11] == "", req.f[3] == "" && (mti[1] == '1' || mti[1] == '2'):
		res.f[39] = "30" // nobody could find it again
	case mti == "0800", mti == "0820":
		if err := h.manage(ln, req, res); err != nil {
			return nil, err
		}
	case mti == "0100", mti == "0200", mti == "0220", mti == "0400", mti == "0420":
		h.answered.Add(1)
		h.forget(ln)
		seal = ln.keys.mak
		res.f[15], res.f[63] = now.Format("0102"), "CUP"
		if iss := issuerOf(req.f[2]); iss != nil {
			res.f[63] = iss.org
		}
		res.f[39] = h.financial(ln, req, res, p)
	case mti == "0500":
		res.f[15] = now.Format("0102")
		h.settle(ln, req, res)
	case mti == "0320":
		res.f[39] = h.upload(ln, req, p)
	case mti == "0620":
		if seal = ln.keys.mak; h.scenario.Keys != "none" && !req.sealed(seal) {
			res.f[39] = "A0"
		}
	default:
		res.f[39] = "40"
	}
	code := res.f[39]
	h.truth.note(req.f[41], req.f[11], func(o *Outcome) { o.Code = code })
	if res.f[63] != "" && !approved(code) {
		res.f[63] += fmt.Sprintf("%-20s", hostText(code))
	}
	res.head.require = h.asks(ln, req, code)
	if seal != nil && approved(code) && req.mti == "0200" {
		if f := h.faults.find("host.seal", p.m); f != nil {
			h.truth.blame(req.f[41], req.f[11], f)
			seal = bytes.Clone(seal)
			seal[0] ^= 0x10
		}
	}
	return h.codec.pack(res, seal)
}

// hostText is what hosts write beside a refusal, for the terminal's display.
func hostText(code string) string {
	switch code {
	case "51":
		return "INSUFFICIENT FUNDS"
	case "55", "75", "38":
		return "PIN ERROR"
	case "61", "65":
		return "OVER LIMIT"
	case "90", "91", "96", "98":
		return "SYSTEM BUSY"
	case "97":
		return "TERMINAL UNKNOWN"
	}
	return "DECLINED " + code
}

// manage signs on and off, and answers loads and reports.
func (h *host) manage(ln *lane, req parcel, res message) error {
	code := req.network()
	if req.mti == "0820" || strings.HasPrefix(code, "3") {
		// A load's last message, or the only one of a report, is done with.
		if n := len(ln.asks); n > 0 && doneBy[ln.asks[0]] == code {
			ln.asks = ln.asks[1:]
		}
		if code == "002" {
			ln.keys = workingKeys{} // who signed off has to sign on before it sells
		}
		if v := loadData[code]; v != "" {
			res.f[62] = v
		}
		return nil
	}
	kind := h.scenario.Keys
	for k, c := range keyKinds {
		if c == code && kind != "none" && k != "none" {
			kind = k
		}
	}
	ln.keys = newKeys(ln.rng, kind, h.codec.mac)
	ln.roll(h)
	res.f[60] = fmt.Sprintf("00%06d%s", ln.batch, code)
	if kind == "none" {
		return nil
	}
	wrapped, err := wrapKeys(ln.tmk, ln.keys)
	if err != nil {
		return err
	}
	h.keep(wrapped[:8])
	h.keep(wrapped[len(wrapped)/2:][:8])
	res.f[62] = string(wrapped)
	return nil
}

// doneBy are the messages that end what the header asked for.
var doneBy = map[byte]string{'1': "361", '2': "362", '4': "371", '5': "381", '6': "365", '7': "391", '8': "395", '9': "395", 'b': "397", 'c': "399"}

// loadData is what loads bring. Parameters: response time-out 60 s, 3 retries; applications and keys by their ids.
var loadData = map[string]string{"360": "12601303", "372": "1", "382": "1", "370": "\x9f\x06\x05\xa0\x00\x00\x03\x33\x9f\x22\x01\x0b",
	"380": "\x9f\x06\x08\xa0\x00\x00\x03\x33\x01\x01\x01", "364": "34127000000001"}

// asks is what the header of an answer asks the terminal to do.
func (h *host) asks(ln *lane, req parcel, code string) byte {
	if old := req.head.version; old != "" && old < currentSW && req.mti != "0800" {
		return '6' // new software, again and again
	}
	if code == "00" && req.mti == "0200" && len(ln.asks) > 0 {
		return ln.asks[0]
	}
	return '0'
}

// forget loses a terminal's working keys once for each fault.
func (h *host) forget(ln *lane) {
	f := h.faults.find("host.keys", moment{ln.index, ln.sales + 1, ln.n})
	if f != nil && ln.forgot != f {
		ln.forgot, ln.keys = f, newKeys(ln.rng, h.scenario.Keys, h.codec.mac)
	}
}

// open says whether the request belongs to the terminal's batch; the first of a new batch opens it.
func (h *host) open(ln *lane, req parcel, p *course) bool {
	f60 := req.f[60]
	if f60 == "" && req.c.dialect != "cup" {
		return true // it says nothing of batches
	}
	if len(f60) < 8 {
		return false
	}
	n, err := strconv.Atoi(f60[2:8])
	if err == nil && ln.closing && n == ln.batch%999999+1 {
		ln.roll(h)
	}
	if f := h.faults.find("host.batch", p.m); f != nil {
		h.truth.blame(req.f[41], req.f[11], f)
		return false
	}
	return err == nil && n == ln.batch
}

// roll begins the next batch after one was settled.
func (ln *lane) roll(h *host) {
	if !ln.closing {
		return
	}
	for _, e := range ln.order {
		h.payout.close(ln, e)
		if e.kind == "sale" && !e.undone && !e.voided {
			ln.past = append(ln.past, e)
		}
	}
	if over := len(ln.past) - 2*keptPast; over > 0 {
		ln.past = append([]*entry(nil), ln.past[over:]...)
	}
	ln.closing, ln.batch, ln.sum, ln.log, ln.order = false, ln.batch%999999+1, totals{}, map[string]*entry{}, nil
}
