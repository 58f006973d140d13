package sim

import (
	"strconv"
	"strings"
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
	book := func(kind, pan, stan, fen string) bool {
		amount, err := strconv.ParseInt(fen, 10, 64)
		if err == nil && amount > 0 && ln.log[stan] == nil {
			e := &entry{kind: kind, pan: pan, amount: amount, asked: fen, stan: stan, batch: ln.batch}
			ln.write(e, kind == "refund")
			if kind == "refund" {
				amount = -amount
			}
			h.bank.book(pan, -amount)
		}
		return err == nil
	}
	switch f48 := req.f[48]; req.f[60][8:11] {
	case "000", "203", "205":
		kind := "offline"
		if req.f[60][:2] == "25" {
			kind = "refund"
		}
		if !book(kind, req.f[2], req.f[11], req.f[4]) {
			return "30"
		}
	case "201":
		n, err := strconv.Atoi(f48[:min(2, len(f48))])
		if err != nil || len(f48) < 2+40*n {
			return "30"
		}
		for i := range n {
			r := f48[2+40*i:][:40]
			if !book("offline", strings.TrimLeft(r[8:28], "0"), r[2:8], r[28:]) {
				return "30"
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
