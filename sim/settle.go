package sim

import (
	"context"
	"fmt"
	"strings"
	"time"
)

// settle closes the batch: totals, then what the host asks to see of it, then the next one. Only a host that answered
// opens it; a failed settlement is tried again.
func (t *terminal) settle(ctx context.Context) bool {
	t.flush(ctx)
	broken := t.on("batch.broken")
	res, _, err := t.exchange(ctx, message{mti: "0500", f: fields{11: t.next(), 48: t.sum.field48('0', '0'), 49: "156",
		60: t.f60("00", "201"), 63: "01 "}}, nil)
	if err != nil || len(res.f[48]) != 62 {
		return false
	}
	equal := res.f[48][30] == '1' && res.f[48][61] == '1'
	for try := 0; ; try++ {
		code, done := t.upload(ctx, equal, broken != nil)
		if broken != nil && done {
			t.visited = 0 // the clerk has no time for it, and sells on in the old batch
			return true
		}
		if !done {
			return false
		}
		if code != "95" && code != "77" || try > 0 { // ISO 8583:1993 has one action code for both
			break
		}
	}
	t.newBatch(t.batch%999999 + 1)
	if t.scenario.Pace.Day > 0 || t.batch%2 == 1 {
		t.signOff(ctx)
	}
	return t.clock.wait(ctx, 400*time.Millisecond) && (t.signedOn || t.signIn(ctx))
}

// upload sends the batch: the chip transactions when the totals were equal, everything that stands when they were not, and
// the end with the count of all. Of cards that were swiped several go into one message; what was read by chip, what went
// back and what was told afterwards goes by itself. broken is a terminal that somebody switches off in the middle.
func (t *terminal) upload(ctx context.Context, equal, broken bool) (code string, done bool) {
	var stripes, others []*record
	for _, r := range t.journal {
		switch {
		case r.voided || r.kind == "void": // they undo each other
		case r.chip != "":
			others = append(others, r)
		case equal:
		case r.kind == "sale" || r.kind == "completion":
			stripes = append(stripes, r)
		default:
			others = append(others, r)
		}
	}
	end, count := "207", len(stripes)+len(others)
	if !equal {
		end = "202"
	}
	for len(stripes) > 0 {
		n := min(t.codec.perUpload, len(stripes))
		if _, ok := t.send(ctx, fields{11: t.next(), 48: t.records(stripes[:n]), 60: t.f60("00", "201")}); !ok || broken {
			return "", ok
		}
		stripes = stripes[n:]
	}
	for _, r := range others {
		if _, ok := t.send(ctx, t.single(r, equal)); !ok || broken {
			return "", ok
		}
	}
	res, ok := t.send(ctx, fields{11: t.next(), 48: fmt.Sprintf("%04d", count), 60: t.f60("00", end)})
	return res.f[39], ok
}

// single is a record of the batch in a message of its own.
func (t *terminal) single(r *record, equal bool) fields {
	f := fields{2: r.card.PAN, 4: fmt.Sprintf("%012d", r.amount), 11: r.stan, 22: r.entry}
	switch {
	case r.chip != "" && equal:
		f[23], f[55], f[60] = "001", r.chip, t.f60("00", "203")
	case r.chip != "":
		f[23], f[55], f[60] = "001", r.chip, t.f60("00", "205")
	case r.kind == "refund":
		f[3], f[25], f[37], f[60] = "200000", "00", r.rrn, t.f60("25", "000")
	default:
		f[3], f[25], f[38], f[60] = "000000", "00", r.auth, t.f60("30", "000")
	}
	return f
}

func (t *terminal) send(ctx context.Context, f fields) (message, bool) {
	res, _, err := t.exchange(ctx, message{mti: "0320", f: f}, nil)
	return res, err == nil
}

// records is field 48 of an upload: how many, then of each the card kind, trace number, card number and amount.
func (t *terminal) records(list []*record) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%02d", len(list))
	for _, r := range list {
		kind := "00"
		if iss := issuerOf(r.card.PAN); iss != nil && iss.org != "CUP" {
			kind = "01"
		}
		fmt.Fprintf(&b, "%s%s%020s%012d", kind, r.stan, r.card.PAN, r.amount)
	}
	return b.String()
}
