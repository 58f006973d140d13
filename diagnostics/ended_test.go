package diagnostics

import (
	"fmt"
	"testing"
	"time"

	"tillscope/link"
)

// exchange sends a request and answers it with a code, a minute later than the last one.
func (r *rig) exchange(mti, term, stan, pan, code string) {
	r.at = r.at.Add(time.Minute)
	f := map[int]string{11: stan, 41: term, 60: "00000001003"}
	if mti == "0200" {
		f[2], f[3], f[4], f[49], f[52], f[60] = pan, "000000", "000000000100", "156", "12345678", "22000001000"
	}
	r.ev(link.Data, link.ToHost, r.msg(mti, f))
	delete(f, 52)
	f[39] = code
	r.ev(link.Data, link.ToTerminal, r.msg(mti[:2]+string(mti[2]+1)+"0", f))
}

func (r *rig) top() string {
	if c := r.s.Snapshot().Causes; len(c) > 0 {
		return c[0].ID
	}
	return ""
}

// What is over is still what kept the money from arriving.
func TestFaultsThatEndedKeepTheirName(t *testing.T) {
	cards := func(i int) string { return fmt.Sprintf("62000000000%05d", i) }
	for name, c := range map[string]struct {
		want string
		run  func(r *rig)
	}{
		"every PIN of one terminal was wrong": {"hardware.security-module", func(r *rig) {
			for i := range 30 {
				code := "00"
				if i >= 10 && i < 20 {
					code = "55"
				}
				r.exchange("0200", "T0000001", fmt.Sprintf("%06d", i+1), cards(i), code)
				r.exchange("0200", "T0000002", fmt.Sprintf("%06d", i+1), cards(i), "00")
			}
		}},
		"sign-ons did not cure the keys": {"hardware.security-module", func(r *rig) {
			for i := range 30 {
				stan := fmt.Sprintf("%06d", 2*i+1)
				if i < 10 || i >= 18 {
					r.exchange("0200", "T0000001", stan, pan1, "00")
					continue
				}
				r.exchange("0200", "T0000001", stan, pan1, "A0")
				r.exchange("0800", "T0000001", fmt.Sprintf("%06d", 2*i+2), "", "00")
			}
		}},
		"one sign-on did": {"operation.not-signed-on", func(r *rig) {
			r.exchange("0200", "T0000001", "000001", pan1, "A0")
			r.exchange("0800", "T0000001", "000002", "", "00")
			r.exchange("0200", "T0000001", "000003", pan1, "00")
		}},
	} {
		r := newRig(t)
		c.run(r)
		if got := r.top(); got != c.want {
			t.Errorf("%s: %q, want %q", name, got, c.want)
		}
	}
}

// A terminal that begins with TLS where it spoke plain before has got other parameters.
func TestTLSOnALineThatWasPlain(t *testing.T) {
	r := newRig(t)
	for i := range 10 {
		r.sale("T0000001", fmt.Sprintf("%06d", i+1), pan1, "00")
	}
	for range 4 {
		r.cn++
		r.at = r.at.Add(time.Second)
		r.ev(link.Opened, link.ToHost, nil)
		r.ev(link.Data, link.ToHost, append([]byte{0x16, 3, 1, 0, 200, 1, 0, 0, 196, 3, 3}, make([]byte, 194)...))
		r.ev(link.HalfClose, link.ToTerminal, nil)
		r.ev(link.Closed, link.ToHost, nil)
	}
	if got := r.top(); got != "network.protocol-mismatch" {
		t.Errorf("%q", got)
	}
}

// An answer counts when it is whole, and only when its terminal says nothing else.
func TestAnswersThatTrickleInAreLate(t *testing.T) {
	r := newRig(t)
	for i := range 24 {
		stan := fmt.Sprintf("%06d", i+1)
		if i%2 == 0 {
			r.sale("T0000001", stan, pan1, "00")
			continue
		}
		r.cn++
		r.at = r.at.Add(time.Second)
		r.ev(link.Opened, link.ToHost, nil)
		f := map[int]string{2: pan1, 3: "000000", 4: "000000000100", 11: stan, 41: "T0000001", 49: "156", 60: "22000001000"}
		r.ev(link.Data, link.ToHost, r.msg("0200", f))
		f[39] = "00"
		for _, b := range r.msg("0210", f) {
			r.at = r.at.Add(time.Second / 2)
			r.ev(link.Data, link.ToTerminal, []byte{b})
		}
		delete(f, 2)
		f[39] = "98"
		r.ev(link.Data, link.ToHost, r.msg("0400", f))
		f[39] = "00"
		r.ev(link.Data, link.ToTerminal, r.msg("0410", f))
		r.ev(link.Closed, link.ToHost, nil)
	}
	if got := r.top(); got != "data.slow" {
		t.Errorf("%q", got)
	}
}

// Who is alone and never answered, only hung up on, asks the wrong one.
func TestTheOnlyTerminalIsTurnedAway(t *testing.T) {
	r := newRig(t)
	for i := range 6 {
		r.cn++
		r.at = r.at.Add(10 * time.Second)
		r.ev(link.Opened, link.ToHost, nil)
		r.ev(link.Data, link.ToHost, r.msg("0800", map[int]string{11: fmt.Sprintf("%06d", i+1), 41: "T0000001", 60: "00000001003"}))
		r.ev(link.HalfClose, link.ToTerminal, nil)
		r.ev(link.Closed, link.ToHost, nil)
	}
	if got := r.top(); got != "operation.parameters" {
		t.Errorf("%q", got)
	}
}

// Who breaks the connections of the only terminal tells its module from the network, though less surely than beside others.
func TestTheOnlyTerminalBreaksOff(t *testing.T) {
	for by, want := range map[link.Dir]string{link.ToHost: "hardware.comm-module", link.ToTerminal: "network.unstable"} {
		r := newRig(t)
		for i := range 40 {
			stan := fmt.Sprintf("%06d", i+1)
			if i%4 != 3 {
				r.sale("T0000001", stan, pan1, "00")
				continue
			}
			r.cn++
			r.at = r.at.Add(10 * time.Second)
			r.ev(link.Opened, link.ToHost, nil)
			r.ev(link.Data, link.ToHost, r.msg("0200", map[int]string{2: pan1, 3: "000000", 4: "000000000100", 11: stan, 41: "T0000001", 49: "156", 60: "22000001000"}))
			r.ev(link.Reset, by, nil)
		}
		c := r.s.Snapshot().Causes
		if len(c) == 0 || c[0].ID != want || want == "hardware.comm-module" && c[0].Confidence > 0.7 {
			t.Errorf("resets %v: %+v, want %s", by, c, want)
		}
	}
}

// A format that the host no longer reads is the terminal's own, also where no other terminal shows that it is not the host's fault.
func TestTheOnlyTerminalHasAnOldForm(t *testing.T) {
	r := newRig(t)
	for i := range 30 {
		code := "00"
		if i >= 10 {
			code = "30"
		}
		r.exchange("0200", "T0000001", fmt.Sprintf("%06d", i+1), fmt.Sprintf("62000000000%05d", i), code)
	}
	if c := r.s.Snapshot().Causes; len(c) == 0 || c[0].ID != "operation.software-outdated" || c[0].Confidence > 0.7 || c[0].Transactions != 20 {
		t.Errorf("%+v", c)
	}
}

// On a line so slow that most answers come too late, terminals that hang up have given up and broken nothing.
func TestTerminalsGiveUpBeforeLateAnswersCome(t *testing.T) {
	r := newRig(t)
	for i := range 16 {
		r.cn++
		r.at = r.at.Add(10 * time.Second)
		r.ev(link.Opened, link.ToHost, nil)
		f := map[int]string{2: pan1, 3: "000000", 4: "000000000100", 11: fmt.Sprintf("%06d", i+1), 39: "98", 41: fmt.Sprintf("T%07d", i%4), 49: "156", 60: "22000001000"}
		r.ev(link.Data, link.ToHost, r.msg("0400", f))
		r.at = r.at.Add(60 * time.Second)
		r.ev(link.HalfClose, link.ToHost, nil)
		if i < 12 {
			r.at = r.at.Add(25 * time.Second)
			f[39] = "00"
			r.ev(link.Data, link.ToTerminal, r.msg("0410", f))
		}
		r.ev(link.Closed, link.ToHost, nil)
	}
	for _, c := range r.s.Snapshot().Causes {
		if c.ID == "network.unstable" || c.ID == "hardware.comm-module" {
			t.Errorf("%+v", c)
		}
	}
}

// Many terminals may stand behind one address. One of them that speaks in another form is seen among them, though nobody
// answers it and its digits are masked.
func TestOneOfManySpeaksInAnotherForm(t *testing.T) {
	r := newRig(t)
	s, err := NewSession(Options{})
	if err != nil {
		t.Fatal(err)
	}
	r.s = s
	for i := range 120 {
		if i%10 != 9 {
			r.sale(fmt.Sprintf("T%07d", i%3), fmt.Sprintf("%06d", i+1), pan1, "00")
			continue
		}
		b := r.msg("0200", map[int]string{2: pan1, 3: "000000", 4: "000000000100", 11: fmt.Sprintf("%06d", i+1), 41: "T0000009", 49: "156", 60: "22000001000"})
		r.cn++
		r.at = r.at.Add(time.Second)
		r.ev(link.Opened, link.ToHost, nil)
		r.ev(link.Data, link.ToHost, append(fmt.Appendf(nil, "%04d", len(b)-2), b[2:]...))
		r.ev(link.Reset, link.ToTerminal, nil)
	}
	if got := r.top(); got != "network.protocol-mismatch" {
		t.Errorf("%q", got)
	}
}

// A refusal's words are often the real reason.
func TestWhatTheHostWroteIsTold(t *testing.T) {
	for text, want := range map[string]string{"CUPNO MONEY            ": "NO MONEY", "VIS  DECLINED 51  ": "DECLINED 51", "CUP": "", "CUP    123 ": "", "SHOP  STOPPED": "SHOP STOPPED"} {
		r := newRig(t)
		r.cn++
		f := map[int]string{2: pan1, 3: "000000", 4: "000000000100", 11: "000001", 41: "T0000001", 60: "22000001000"}
		r.ev(link.Data, link.ToHost, r.msg("0200", f))
		f[39], f[63] = "51", text
		r.ev(link.Data, link.ToTerminal, r.msg("0210", f))
		if got := r.s.Snapshot().Transactions[0].HostText; got != want {
			t.Errorf("%q: %q, want %q", text, got, want)
		}
	}
}

// One batch that was closed early tells nothing of how large batches are; several do.
func TestLargeBatchesNeedOthersToCompare(t *testing.T) {
	for closings, want := range map[int]string{1: "", 4: "operation.batch-unsettled"} {
		r := newRig(t)
		for i := range 12 {
			r.exchange("0200", "T0000001", fmt.Sprintf("%06d", i+1), pan1, "00")
			if i < closings {
				r.exchange("0200", "T0000002", fmt.Sprintf("%06d", 2*i+1), pan1, "00")
				r.exchange("0500", "T0000002", fmt.Sprintf("%06d", 2*i+2), "", "00")
			}
		}
		if got := r.top(); got != want && !(want == "" && got == "bank.clearing-pending") {
			t.Errorf("%d closings: %q, want %q", closings, got, want)
		}
	}
}

// What falls silent before the first connect fails is the same outage: the terminal has waited for the connect, too.
func TestSilenceBelongsToTheOutageBehindIt(t *testing.T) {
	r := newRig(t)
	for i := range 20 {
		r.sale(fmt.Sprintf("T%07d", i%3), fmt.Sprintf("%06d", i/3+1), pan1, "00")
	}
	at := r.at
	for i := range 4 {
		r.cn++
		r.at = at.Add(time.Duration(i) * 300 * time.Millisecond)
		r.ev(link.Opened, link.ToHost, nil)
		r.ev(link.Data, link.ToHost, r.msg("0200", map[int]string{2: pan1, 3: "000000", 4: "000000000100", 11: "000100", 41: fmt.Sprintf("T%07d", i), 60: "22000001000"}))
		r.at = at.Add(30 * time.Second).Add(time.Duration(i) * 300 * time.Millisecond)
		r.ev(link.HalfClose, link.ToHost, nil)
		r.ev(link.Closed, link.ToHost, nil)
	}
	for i := range 4 {
		r.cn++
		r.at = at.Add(95 * time.Second).Add(time.Duration(i) * time.Second)
		r.s.Handle(link.Event{At: r.at, Conn: r.cn, Terminal: fmt.Sprintf("10.0.0.1:%d", 1000+r.cn), Host: "10.0.0.9:8583", Kind: link.Unreached, Took: 60 * time.Second})
	}
	c := r.s.Snapshot().Causes
	if len(c) == 0 || c[0].ID != "network.carrier-outage" || c[0].Transactions != 4 {
		t.Fatalf("%+v", c)
	}
	for _, x := range c[1:] {
		if x.ID != "bank.clearing-pending" {
			t.Errorf("also %s", x.ID)
		}
	}
}

// What is late because the watch stood still says nothing of the line. It shows by itself, or the program says so.
func TestWhatWaitedForTheWatchIsNotLate(t *testing.T) {
	for name, c := range map[string]struct {
		apart time.Duration // between the terminals that go on
		told  bool
		want  string
	}{"the line is slow": {3 * time.Second, false, "data.slow"}, "all wake at once": {time.Millisecond, false, ""}, "the program says so": {3 * time.Second, true, ""}} {
		r := newRig(t)
		for i := range 20 {
			r.sale(fmt.Sprintf("T%07d", i%4), fmt.Sprintf("%06d", i/4+1), pan1, "00")
		}
		say := func(conn uint64, k link.Kind, d link.Dir, b []byte) {
			r.s.Handle(link.Event{At: r.at, Conn: conn, Terminal: fmt.Sprintf("10.0.0.1:%d", conn), Host: "10.0.0.9:8583", Kind: k, Dir: d, Data: b})
		}
		for round := range 3 {
			r.at = r.at.Add(10 * time.Minute)
			from := r.at
			f := func(i int) map[int]string {
				return map[int]string{2: pan1, 3: "000000", 4: "000000000100", 11: fmt.Sprintf("%06d", 100+round), 41: fmt.Sprintf("T%07d", i), 49: "156", 60: "22000001000"}
			}
			for i := range 4 {
				conn := uint64(1000 + 10*round + i)
				say(conn, link.Opened, link.ToHost, nil)
				say(conn, link.Data, link.ToHost, r.msg("0200", f(i)))
			}
			r.at = r.at.Add(25 * time.Second)
			for i := range 4 { // they have given up, and take it back
				conn := uint64(1000 + 10*round + i)
				ask := f(i)
				ask[39] = "98"
				r.at = r.at.Add(c.apart)
				say(conn, link.Data, link.ToHost, r.msg("0400", ask))
				answer := f(i)
				answer[39] = "00"
				r.at = r.at.Add(time.Millisecond)
				say(conn, link.Data, link.ToTerminal, r.msg("0210", answer))
				say(conn, link.Data, link.ToTerminal, r.msg("0410", answer))
				say(conn, link.Closed, link.ToHost, nil)
			}
			if c.told {
				r.s.Stood(from, r.at)
			}
		}
		got := r.top()
		if got == "bank.clearing-pending" {
			got = ""
		}
		if got != c.want {
			t.Errorf("%s: %q, want %q", name, got, c.want)
		}
	}
}

// Connects that fail take as long to be seen as terminals wait for them; by then others got through again, and it was an outage still.
func TestAnOutageBetweenConnectsThatStand(t *testing.T) {
	for name, c := range map[string]struct {
		through bool // others get through meanwhile
		want    string
	}{"nobody gets through": {false, "network.carrier-outage"}, "others do": {true, "network.unstable"}} {
		r := newRig(t)
		for i := range 20 {
			r.sale(fmt.Sprintf("T%07d", i%4), fmt.Sprintf("%06d", i/4+1), pan1, "00")
		}
		began := r.at
		fail := func(i int) {
			r.cn++
			r.s.Handle(link.Event{At: r.at, Conn: r.cn, Terminal: fmt.Sprintf("10.0.0.1:%d", 1000+r.cn), Host: "10.0.0.9:8583", Kind: link.Unreached, Took: r.at.Sub(began.Add(time.Duration(i) * time.Second))})
		}
		if r.at = began.Add(time.Minute); c.through {
			r.at = began
		}
		for i := range 16 {
			r.sale(fmt.Sprintf("T%07d", i%4), fmt.Sprintf("%06d", i/4+100), pan1, "00")
			if i%4 == 3 {
				fail(i)
			}
		}
		if got := r.top(); got != c.want {
			t.Errorf("%s: %q, want %q", name, got, c.want)
		}
	}
}
