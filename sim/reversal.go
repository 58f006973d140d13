package sim

import (
	"context"
	"time"
)

// reversal is a stored request that may have to be undone.
type reversal struct {
	msg    message
	reason string // 98 no answer, 96 the terminal failed, A0 the answer's MAC was wrong, 06 anything else
	id     string // of the terminal as it named itself, for the truth
}

// reversalOf is the reversal of a request: what identifies it and its amount, nothing that proves the card or the holder.
func (t *terminal) reversalOf(req message) *reversal {
	r := &reversal{msg: message{mti: "0400", f: fields{}, orig: &original{mti: req.mti, stan: req.f[11], at: req.at}}, reason: "06"}
	for _, n := range []int{2, 3, 4, 11, 22, 23, 25, 38, 49, 60, 61} {
		if v, ok := req.f[n]; ok {
			r.msg.f[n] = v
		}
	}
	if req.f[55] != "" {
		r.msg.f[55] = t.chipForReversal()
	}
	return r
}

// reverse clears the stored reversal, if there is one. No new transaction before it is done.
func (t *terminal) reverse(ctx context.Context) bool {
	for range tries {
		r := t.reversal
		if r == nil {
			return true
		}
		msg := r.msg
		msg.f = fields{39: r.reason}
		for n, v := range r.msg.f {
			msg.f[n] = v
		}
		res, _, err := t.exchange(ctx, msg, t.keys.mak)
		switch code := res.f[39]; {
		case err != nil:
		case code == "00" || code == "25" || code == "12":
			t.reversal = nil
			if code == "00" {
				t.truth.note(r.id, msg.f[11], func(o *Outcome) { o.Reversed = true })
			}
			return true
		case code == "A0" || code == "77":
			t.signedOn = false
			return false
		default:
			r.reason = "06" // a second try after a refusal
		}
		if !t.clock.wait(ctx, 300*time.Millisecond) {
			return false
		}
	}
	return t.reversal == nil
}
