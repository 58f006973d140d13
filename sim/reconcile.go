package sim

import (
	"strconv"
)

// settle compares the terminal's totals with the host's own, each result for itself: 1 equal, 2 not.
func (h *host) settle(ln *lane, req parcel, res message) {
	own := ln.sum.field48('0', '0')
	result := func(from, to int) byte {
		if f48 := req.f[48]; len(f48) == 62 && f48[from:to] == own[from:to] {
			return '1'
		}
		return '2'
	}
	home, abroad := result(0, 30), result(31, 61)
	ln.closing = home == '1' && abroad == '1' // else only after the upload
	res.f[48] = ln.sum.field48(home, abroad)
	res.f[39] = "00"
}

// upload takes what a terminal sends of its batch. What the host lacks it books; a sale that its totals miss stays missed,
// and the end of the upload says so.
func (h *host) upload(ln *lane, req parcel, p *course) string {
	if len(req.f[60]) < 11 {
		return "30"
	}
	switch f48 := req.f[48]; req.f[60][8:11] {
	case "201":
		n, err := strconv.Atoi(f48[:min(2, len(f48))])
		if err != nil || len(f48) < 2+40*n {
			return "30"
		}
		for i := range n {
			r := f48[2+40*i:][:40]
			pan := r[8:28]
			for len(pan) > 0 && pan[0] == '0' {
				pan = pan[1:]
			}
			amount, err := strconv.ParseInt(r[28:], 10, 64)
			if err != nil {
				return "30"
			}
			if ln.log[r[2:8]] == nil {
				e := &entry{kind: "offline", pan: pan, amount: amount, stan: r[2:8], batch: ln.batch}
				ln.write(e, false)
				h.bank.book(pan, -amount)
			}
		}
	case "202":
		ln.closing = true
		for _, e := range ln.order {
			if e.missed {
				return "95"
			}
		}
	}
	return "00"
}
