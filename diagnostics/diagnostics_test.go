package diagnostics

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/moov-io/iso8583"

	"tillscope/assets"
	"tillscope/link"
	"tillscope/wire"
)

var t0 = time.Date(2026, 1, 2, 10, 0, 0, 0, time.UTC)

type rig struct {
	t  testing.TB
	s  *Session
	at time.Time
	cn uint64
}

func newRig(t *testing.T) *rig {
	s, err := NewSession(Options{Wire: wire.Options{Framing: "len2", Header: "tpdu+cup", Dialect: "cup"}})
	if err != nil {
		t.Fatal(err)
	}
	return &rig{t: t, s: s, at: t0}
}

func (r *rig) ev(k link.Kind, d link.Dir, data []byte) {
	r.at = r.at.Add(10 * time.Millisecond)
	r.s.Handle(link.Event{At: r.at, Conn: r.cn, Terminal: fmt.Sprintf("10.0.0.1:%d", 1000+r.cn), Host: "10.0.0.9:8583", Kind: k, Dir: d, Data: data})
}

func (r *rig) msg(mti string, f map[int]string) []byte {
	r.t.Helper()
	spec, err := wire.Spec("cup")
	if err != nil {
		r.t.Fatal(err)
	}
	m := iso8583.NewMessage(spec)
	m.MTI(mti)
	for k, v := range f {
		if err := m.Field(k, v); err != nil {
			r.t.Fatal(err)
		}
	}
	b, err := m.Pack()
	if err != nil {
		r.t.Fatal(err)
	}
	b = append([]byte{0x60, 0, 3, 0, 0, 0x60, 0x31, 0, 0x31, 0x10, 1}, b...)
	return append([]byte{byte(len(b) >> 8), byte(len(b))}, b...)
}

// sale sends a sale; code "" is a reset by the host instead of an answer.
func (r *rig) sale(term, stan, pan, code string) {
	r.cn++
	r.at = r.at.Add(time.Second)
	r.ev(link.Opened, link.ToHost, nil)
	r.ev(link.Data, link.ToHost, r.msg("0200", map[int]string{2: pan, 3: "000000", 4: "000000000100", 11: stan, 41: term, 49: "156", 60: "22000001000"}))
	if code == "" {
		r.ev(link.Reset, link.ToTerminal, nil)
		return
	}
	r.ev(link.Data, link.ToTerminal, r.msg("0210", map[int]string{3: "000000", 4: "000000000100", 11: stan, 39: code, 41: term, 60: "22000001000"}))
	r.ev(link.Closed, link.ToHost, nil)
}

// signOn signs a terminal on.
func (r *rig) signOn(term, stan string) {
	r.cn++
	r.at = r.at.Add(time.Second)
	r.ev(link.Opened, link.ToHost, nil)
	r.ev(link.Data, link.ToHost, r.msg("0800", map[int]string{11: stan, 41: term, 60: "00000001003"}))
	r.ev(link.Data, link.ToTerminal, r.msg("0810", map[int]string{11: stan, 39: "00", 41: term, 60: "00000001003"}))
	r.ev(link.Closed, link.ToHost, nil)
}

const pan1, pan2 = "6200000000000005", "6222020000000008"

func TestVerdicts(t *testing.T) {
	for name, c := range map[string]struct {
		want string
		run  func(r *rig)
	}{
		"balance.insufficient": {"balance.insufficient", func(r *rig) {
			for i := range 6 {
				r.sale("T0000001", fmt.Sprintf("%06d", i+1), pan1, []string{"51", "00"}[i%2])
			}
		}},
		"network.unstable": {"network.unstable", func(r *rig) {
			r.sale("T0000001", "000001", pan1, "")
			r.sale("T0000002", "000001", pan1, "")
			r.sale("T0000002", "000002", pan1, "51")
		}},
		"bank.maintenance": {"bank.maintenance", func(r *rig) {
			r.sale("T0000001", "000001", pan1, "96")
			r.sale("T0000002", "000001", pan2, "90")
			r.sale("T0000002", "000002", pan2, "91")
		}},
		"operation.parameters": {"operation.parameters", func(r *rig) {
			r.sale("T0000001", "000001", pan1, "97")
			r.sale("T0000001", "000002", pan1, "97")
			r.sale("T0000002", "000002", pan2, "00")
		}},
		"hardware.security-module": {"hardware.security-module", func(r *rig) {
			for i := range 8 { // it signs on over and over, and never sells
				r.signOn("T0000001", fmt.Sprintf("%06d", i+1))
			}
		}},
		"healthy": {"", func(r *rig) { r.sale("T0000001", "000001", pan1, "00") }},
	} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t)
			c.run(r)
			sn := r.s.Snapshot()
			got := ""
			if len(sn.Causes) > 0 {
				got = sn.Causes[0].ID
			}
			if got != c.want {
				t.Errorf("got %q, want %q: %+v", got, c.want, sn.Causes)
			}
			for _, p := range sn.Path { // what only a statement tells is not seen to be well without one
				if strings.Contains(p.Question, "the statement") && (p.Answer != "unknown" || p.Because != r.s.o.Lang.T("because.nostatement")) {
					t.Errorf("%s: %s, %s", p.Question, p.Answer, p.Because)
				}
			}
			for _, b := range sn.Branches {
				if b.Status != OK && b.Status != Unknown && (b.Because == r.s.o.Lang.T("because.none") || strings.Contains(b.Because, "0 refused") || strings.HasPrefix(b.Because, "0 of")) {
					t.Errorf("%s is %s because of %q", b.ID, b.Status, b.Because)
				}
			}
			if r.s.Snapshot() != sn {
				t.Error("unchanged session built a second snapshot")
			}
			var b bytes.Buffer
			if err := NewReport(sn, "test", t0, t0).JSON(&b); err != nil || strings.Contains(b.String(), ": null") && !strings.Contains(b.String(), `"cause": null`) {
				t.Error(err, b.String())
			}
			var v map[string]any
			if err := json.Unmarshal(b.Bytes(), &v); err != nil || v["schema"] != "tillscope.report/v1" {
				t.Error(err)
			}
			for _, id := range assets.Languages {
				l, _ := assets.Language(id)
				b.Reset()
				if err := NewReport(sn, "test", t0, t0).Text(&b, l); err != nil || strings.Contains(b.String(), "%!") {
					t.Error(err, b.String())
				}
			}
		})
	}
}

// What breaks several terminals off at one moment is one event, and no fault until it happens again.
func TestOneHiccupIsNoFault(t *testing.T) {
	r := newRig(t)
	for i := range 40 {
		r.sale(fmt.Sprintf("T%07d", i%4), fmt.Sprintf("%06d", i/4), pan1, "00")
	}
	hiccup := func(stan string) {
		at := r.at
		for i := range 4 {
			r.at = at
			r.sale(fmt.Sprintf("T%07d", i), stan, pan1, "")
		}
	}
	hiccup("000100")
	if c := r.s.Snapshot().Causes; len(c) > 0 {
		t.Errorf("one hiccup is called %s", c[0].ID)
	}
	hiccup("000101")
	if c := r.s.Snapshot().Causes; len(c) == 0 || c[0].ID != "network.unstable" {
		t.Errorf("two hiccups are called %v", c)
	}
}

// Whatever order maps have, the same line is told in the same words.
func TestVerdictsAreTheSameEveryTime(t *testing.T) {
	first := ""
	for range 8 {
		r := newRig(t)
		for i := range 300 {
			r.sale(fmt.Sprintf("T%07d", i%30), fmt.Sprintf("%06d", i/30), pan1, []string{"A0", "97", "45", "55", "77"}[i%5])
		}
		var b bytes.Buffer
		if err := NewReport(r.s.Snapshot(), "test", t0, t0).JSON(&b); err != nil {
			t.Fatal(err)
		}
		if first == "" {
			first = b.String()
		} else if first != b.String() {
			t.Fatal("two reports of one line differ")
		}
	}
}

// A settlement that is sent again because its answer got lost finds the batch closed: that is no mismatch.
func TestSettlingAgainIsNoMismatch(t *testing.T) {
	for again, want := range map[bool]string{true: "", false: "bank.batch-mismatch"} {
		r := newRig(t)
		close := func(batch, result string) {
			r.cn++
			r.at = r.at.Add(time.Minute)
			f := map[int]string{11: batch, 41: "T0000001", 48: strings.Repeat("0", 62), 60: "00" + batch + "201"}
			r.ev(link.Data, link.ToHost, r.msg("0500", f))
			if result != "" {
				f[39], f[48] = "00", strings.Repeat("0", 30)+result+strings.Repeat("0", 30)+result
				r.ev(link.Data, link.ToTerminal, r.msg("0510", f))
			}
		}
		for i := range 4 {
			batch := fmt.Sprintf("%06d", i+1)
			if r.sale("T0000001", fmt.Sprintf("%06d", i+100), pan1, "00"); again {
				close(batch, "")
			}
			close(batch, "2")
		}
		got := ""
		for _, c := range r.s.Snapshot().Causes {
			if c.ID == "bank.batch-mismatch" {
				got = c.ID
			}
		}
		if got != want {
			t.Errorf("settled again %v: %q, want %q", again, got, want)
		}
	}
}

// A terminal that reads stripes alone is told from one whose reader is worn, whether it declares it or not.
func TestTerminalsWithoutAChipReader(t *testing.T) {
	for name, c := range map[string]struct {
		want string
		read func(i int) (mode, f60 string)
	}{
		"declared":   {"hardware.incompatible", func(int) (string, string) { return "021", "2200000100020" }},
		"undeclared": {"hardware.incompatible", func(int) (string, string) { return "021", "22000001000" }},
		"worn":       {"hardware.card-reader", func(i int) (string, string) { return []string{"021", "021", "021", "051"}[i%4], "2200000100050" }},
		"fallback":   {"hardware.card-reader", func(int) (string, string) { return "801", "22000001000" }},
	} {
		r := newRig(t)
		for i := range 12 {
			mode, f60 := c.read(i)
			r.cn++
			r.at = r.at.Add(time.Minute)
			f := map[int]string{2: pan1, 3: "000000", 4: "000000000100", 11: fmt.Sprintf("%06d", i+1), 22: mode, 41: "T0000001", 60: f60}
			r.ev(link.Data, link.ToHost, r.msg("0200", f))
			if f[39] = "00"; mode != "051" {
				f[39] = "45"
			}
			delete(f, 22)
			r.ev(link.Data, link.ToTerminal, r.msg("0210", f))
		}
		if got := r.s.Snapshot().Causes; len(got) == 0 || got[0].ID != c.want {
			t.Errorf("%s: %v", name, got)
		}
	}
}

func TestReversalJoins(t *testing.T) {
	r := newRig(t)
	r.sale("T0000001", "000001", pan1, "00")
	r.cn++
	f := map[int]string{3: "000000", 4: "000000000100", 11: "000001", 39: "98", 41: "T0000001", 60: "22000001000"}
	r.ev(link.Data, link.ToHost, r.msg("0400", f))
	f[39] = "00"
	r.ev(link.Data, link.ToTerminal, r.msg("0410", f))
	f[11] = "000777"
	r.ev(link.Data, link.ToHost, r.msg("0400", f))
	sn := r.s.Snapshot()
	if len(sn.Transactions) != 2 || sn.Transactions[0].MTI != "0200" || len(sn.Transactions[0].Messages) != 4 || sn.Transactions[0].Arrived != "no" || sn.Transactions[1].Type != "reversal" {
		for _, x := range sn.Transactions {
			t.Errorf("%+v", *x)
		}
	}
}

func TestTreeErrors(t *testing.T) {
	for _, src := range []string{
		"nodes:\n  - id: a\n    branch: network\n    question: {en: q, zh: q}\n    when: nosuch > 1\n",
		"nodes:\n  - id: a\n    branch: network\n    question: {en: q, zh: q}\n    when: terminals > 1\n    no: gone\n",
		"nodes:\n  - id: a\n    branch: network\n    question: {en: q, zh: q}\n    when: refused.nosuch > 1\n",
		"nodes:\n  - id: a\n    branch: network\n    question: {en: q}\n    when: terminals > 1\n",
		"nodes:\n  - id: a\n    branch: network\n    question: {en: q, zh: q}\n    when: terminals > 1\n    claims: [terminals]\n",
		"nodes:\n  - id: a\n    branch: network\n    question: {en: q, zh: q}\n    when: terminals > 1\n    shows: [PAN]\n",
	} {
		src = "thresholds: {alarm: {value: 6, why: x}}\n" + src
		if _, err := parseTree("my.yaml", []byte(src)); err == nil || !strings.Contains(err.Error(), "my.yaml:3:") {
			t.Errorf("%v", err)
		}
	}
}

// A place in the order is the same whether all is sorted or not.
func TestPlacesInOrder(t *testing.T) {
	random := rand.New(rand.NewPCG(3, 4))
	for n := 1; n < 200; n++ {
		l := make([]time.Duration, n)
		for i := range l {
			l[i] = time.Duration(random.IntN(1 + n/2))
		}
		sorted := slices.Sorted(slices.Values(l))
		p50, p90, p95, worst := new(Session).percentiles(l)
		if p50 != sorted[n/2] || p90 != sorted[n*9/10] || p95 != sorted[n*95/100] || worst != sorted[n-1] {
			t.Fatalf("%d %d %d %d of %v", p50, p90, p95, worst, sorted)
		}
	}
}
