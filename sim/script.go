package sim

import (
	"context"
	"encoding/hex"
	"fmt"
)

// An issuer may answer with a script, which the terminal has the chip run after the transaction. What came of it the terminal
// tells by a notice of its own (0620, network management code 951) before its next transaction.

// noticeTries is how often a notice is sent that gets no answer. It is about the card and never about the sale.
const noticeTries = 3

// notice is a script's result that the host does not know yet.
type notice struct {
	f     fields
	tries int
}

// runScript has the card run the script of an answer, if there is one.
func (t *terminal) runScript(req, res message) {
	script := object(res.f[55], "\x72")
	if script == "" {
		script = object(res.f[55], "\x71")
	}
	if script == "" || req.f[55] == "" {
		return
	}
	id := object(script, "\x9f\x18")
	if len(id) != 4 {
		id = "\x00\x00\x00\x00"
	}
	f := fields{37: res.f[37], 55: t.chipForReversal() + tlv("DF31", "20"+hex.EncodeToString([]byte(id))), 60: t.f60("00", "951"),
		61: fmt.Sprintf("%06d%s%s", t.batch, req.f[11], req.at.Format("0102"))}
	for _, n := range []int{2, 3, 4, 22, 23, 49} {
		if v, ok := req.f[n]; ok {
			f[n] = v
		}
	}
	t.notices = append(t.notices, notice{f: f})
}

// notify sends the notices that wait. One that fails waits for the next customer and keeps nobody from paying.
func (t *terminal) notify(ctx context.Context) {
	for len(t.notices) > 0 {
		n := &t.notices[0]
		n.tries++
		n.f[11] = t.next()
		res, _, err := t.exchange(ctx, message{mti: "0620", f: n.f}, t.keys.mak)
		if n.tries < noticeTries && (err != nil || res.f[39] == "A0") {
			t.signedOn = t.signedOn && err != nil
			return
		}
		t.notices = t.notices[1:]
	}
}
