package diagnostics

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"tillscope/link"
)

// names are the causes that were found, the first on top.
func (r *rig) names() (ids []string) {
	for _, c := range r.s.Snapshot().Causes {
		ids = append(ids, c.ID)
	}
	return ids
}

// download answers a sale and asks for new software in the header.
func (r *rig) download(stan string) {
	f := map[int]string{2: pan1, 3: "000000", 4: "000000000100", 11: stan, 41: "T0000001", 49: "156", 60: "22000001000"}
	r.cn++
	r.at = r.at.Add(time.Minute)
	r.ev(link.Data, link.ToHost, r.msg("0200", f))
	f[39] = "00"
	b := r.msg("0210", f)
	b[9] |= 6 // processing requirement
	r.ev(link.Data, link.ToTerminal, b)
	r.ev(link.Closed, link.ToHost, nil)
}

// A terminal that passes over what the host asks for is outdated, unless it never took the answer that asked.
func TestWhatTheTerminalDidNotHearItCannotObey(t *testing.T) {
	for name, c := range map[string]struct {
		reversed, want bool
	}{"heard": {false, true}, "taken back": {true, false}} {
		r := newRig(t)
		for i := range 6 {
			stan := fmt.Sprintf("%06d", i+1)
			if r.download(stan); c.reversed {
				r.ev(link.Data, link.ToHost, r.msg("0400", map[int]string{3: "000000", 4: "000000000100", 11: stan, 39: "98", 41: "T0000001", 60: "22000001000"}))
			}
		}
		if got := slices.Contains(r.names(), "operation.software-outdated"); got != c.want {
			t.Errorf("%s: %v", name, r.names())
		}
	}
}

// A terminal that breaks off its connections by itself does not wait for anybody, even before anything was ever answered to it.
func TestWhoHangsUpIsNotMute(t *testing.T) {
	r := newRig(t)
	for i := range 12 {
		r.sale(fmt.Sprintf("T000000%d", i%3+2), fmt.Sprintf("%06d", i+1), pan1, "00")
		r.cn += 100
		r.ev(link.Opened, link.ToHost, nil)
		r.s.Handle(link.Event{At: r.at, Conn: r.cn, Terminal: "10.0.0.2:1000", Host: "10.0.0.9:8583", Kind: link.Data,
			Data: r.msg("0800", map[int]string{11: fmt.Sprintf("%06d", i+1), 41: "T0000001", 60: "00000001003"})})
		r.at = r.at.Add(3 * time.Millisecond)
		r.s.Handle(link.Event{At: r.at, Conn: r.cn, Terminal: "10.0.0.2:1000", Host: "10.0.0.9:8583", Kind: link.Reset, Dir: link.ToHost})
		if i > 0 && slices.Contains(r.names(), "operation.parameters") {
			t.Fatalf("after %d: %v", i+1, r.names())
		}
	}
	if got := r.top(); got != "hardware.comm-module" {
		t.Errorf("%q", got)
	}
}

// A reversal that is tried again after a refusal gives the reason 06: it was not the power.
func TestASecondTryIsNoPowerLoss(t *testing.T) {
	r := newRig(t)
	for i := range 4 {
		f := map[int]string{3: "000000", 4: "000000000100", 11: fmt.Sprintf("%06d", i+1), 39: "98", 41: "T0000001", 60: "22000001000"}
		for range 3 {
			r.at = r.at.Add(time.Minute)
			r.ev(link.Data, link.ToHost, r.msg("0400", f))
			f[39] = "96"
			r.ev(link.Data, link.ToTerminal, r.msg("0410", f))
			f[39] = "06"
		}
	}
	if slices.Contains(r.names(), "hardware.comm-module") {
		t.Error(r.names())
	}
}

// Where no code says that the stripe was refused, the terminal that reads nothing else is told by how much more it is refused.
func TestAStripeRefusedWithoutAReason(t *testing.T) {
	for name, c := range map[string]struct {
		reads string // what the first terminal says that it reads
		every int    // which of its cards go through
		want  bool
	}{"stripes": {"2", 4, true}, "chips, too": {"5", 4, false}, "stripes, seldom refused": {"2", 1, false}} {
		r := newRig(t)
		for i := range 36 {
			mode, code, f60 := "051", "00", "2200000100050"
			if i%3 == 0 {
				mode, f60 = "021", "22000001000"+c.reads+"0"
				if i/3%c.every != 0 {
					code = "05"
				}
			}
			r.cn++
			r.at = r.at.Add(time.Minute)
			f := map[int]string{2: pan1, 3: "000000", 4: "000000000100", 11: fmt.Sprintf("%06d", i+1), 22: mode, 41: fmt.Sprintf("T%07d", i%3), 60: f60}
			r.ev(link.Data, link.ToHost, r.msg("0200", f))
			f[39] = code
			delete(f, 22)
			r.ev(link.Data, link.ToTerminal, r.msg("0210", f))
		}
		if got := slices.Contains(r.names(), "hardware.incompatible"); got != c.want {
			t.Errorf("%s: %v", name, r.names())
		}
	}
}

// Where nothing was ever answered, losses are a guess and stated as one.
func TestSilenceFromTheStartIsAGuess(t *testing.T) {
	r := newRig(t)
	for i := range 4 {
		r.cn++
		r.ev(link.Opened, link.ToHost, nil)
		r.ev(link.Data, link.ToHost, r.msg("0800", map[int]string{11: fmt.Sprintf("%06d", i+1), 41: "T0000001", 60: "00000001003"}))
		r.at = r.at.Add(30 * time.Second)
		r.ev(link.HalfClose, link.ToHost, nil)
		r.ev(link.Closed, link.ToHost, nil)
	}
	for _, c := range r.s.Snapshot().Causes {
		if c.ID == "data.lost" && c.Confidence > 0.6 {
			t.Errorf("%.2f", c.Confidence)
		}
	}
}
