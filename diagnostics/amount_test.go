package diagnostics

import (
	"fmt"
	"testing"
	"time"

	"tillscope/link"
)

// An amount that only a damaged frame says is in no sum; a whole message of the same transaction makes it known.
func TestAmountsOfDamagedFramesAreNotSummed(t *testing.T) {
	for name, c := range map[string]struct {
		again bool // the terminal takes back what it asked for
		want  int64
	}{"said once": {false, 0}, "said again": {true, 12 * 100}} {
		r := newRig(t)
		for i := range 12 {
			r.sale("T0000001", fmt.Sprintf("%06d", i+100), pan1, "00")
			r.cn++
			r.at = r.at.Add(time.Minute)
			f := map[int]string{3: "000000", 4: "000000000100", 11: fmt.Sprintf("%06d", i+1), 41: "T0000001", 49: "156", 60: "22000001000"}
			b := r.msg("0200", f)
			b[26] = 0x90 // of the amount; and the length of field 60 says more than there is
			b[len(b)-8] = 0x99
			r.ev(link.Data, link.ToHost, b)
			if r.ev(link.HalfClose, link.ToTerminal, nil); c.again {
				f[39] = "98"
				r.ev(link.Data, link.ToHost, r.msg("0400", f))
			}
			r.ev(link.Closed, link.ToHost, nil)
		}
		sn := r.s.Snapshot()
		if len(sn.Causes) == 0 || sn.Causes[0].ID != "data.corrupt" || sn.Causes[0].Transactions != 12 || sn.Causes[0].Amount != c.want {
			t.Errorf("%s: %+v", name, sn.Causes)
		}
		for _, x := range sn.Transactions {
			if x.ResponseCode != "00" && (x.Doubtful == c.again || c.again && x.Amount != 100) {
				t.Errorf("%s: %+v", name, *x)
			}
		}
	}
}

// A tip, or another amount, comes as an advice about a sale that is there already: it is no second sale.
func TestATipIsNoSale(t *testing.T) {
	for kind, want := range map[string]struct {
		is   string
		sent int
	}{"30": {"sale", 2}, "32": {"adjust", 1}, "34": {"adjust", 1}} {
		r := newRig(t)
		r.sale("T0000001", "000001", pan1, "00")
		f := map[int]string{2: pan1, 3: "000000", 4: "000000000120", 11: "000002", 41: "T0000001", 49: "156", 60: kind + "000001000", 61: "000001000001"}
		r.ev(link.Data, link.ToHost, r.msg("0220", f))
		f[39] = "00"
		r.ev(link.Data, link.ToTerminal, r.msg("0230", f))
		sn := r.s.Snapshot()
		if x := sn.Transactions[1]; x.Type != want.is || sn.Stages[1].Count != want.sent {
			t.Errorf("%s: %+v, %+v", kind, *x, sn.Stages)
		}
	}
}
