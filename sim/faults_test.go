package sim

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"tillscope/link"
)

// played is what a tap saw of a store.
type played struct {
	store    *Store
	events   []link.Event
	messages []parcel // in both directions, those that could be read
	broken   int      // chunks that were no frame

	wires map[string][]byte // of serial lines: what came and is no whole frame yet, by line and direction
}

// take reads what came. A chunk is a frame, but on a serial line.
func (p *played) take(ev link.Event) {
	if p.wires == nil {
		p.wires = map[string][]byte{}
	}
	key := fmt.Sprint(ev.Conn, ev.Dir)
	if !p.store.o.Serial {
		p.wires[key] = nil
	}
	p.wires[key] = append(p.wires[key], ev.Data...)
	for len(p.wires[key]) > 0 {
		r := bytes.NewReader(p.wires[key])
		payload, err := readFrame(r, p.store.codec.framing)
		if err != nil && p.store.o.Serial && !errors.Is(err, errFrame) {
			return // more will come
		}
		var m parcel
		if err == nil {
			m, err = p.store.codec.unpack(payload)
		}
		if p.wires[key] = p.wires[key][len(p.wires[key])-r.Len():]; !p.store.o.Serial {
			p.wires[key] = nil
		}
		if err != nil {
			p.broken++
		} else {
			p.messages = append(p.messages, m)
		}
	}
}

func (p *played) count(is func(parcel) bool) (n int) {
	for _, m := range p.messages {
		if is(m) {
			n++
		}
	}
	return n
}

func (p *played) kind(k link.Kind) (n int) {
	for _, ev := range p.events {
		if ev.Kind == k {
			n++
		}
	}
	return n
}

// play runs a store with faults added to it until enough says so, or a minute has passed.
func play(t *testing.T, o Options, enough func(*played) bool, faults ...Fault) *played {
	t.Helper()
	s, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range faults {
		if _, err := s.Control().Add(f); err != nil {
			t.Fatal(err)
		}
	}
	return run(t, s, enough)
}

func run(t *testing.T, s *Store, enough func(*played) bool) *played {
	t.Helper()
	p, err := watched(t.Context(), s, enough)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// watched is run for those who may not end a test.
func watched(ctx context.Context, s *Store, enough func(*played) bool) (*played, error) {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	p := &played{store: s}
	err := s.Run(ctx, func(ev link.Event) {
		if p.events = append(p.events, ev); ev.Kind == link.Data {
			p.take(ev)
		}
		if enough(p) {
			cancel()
		}
	})
	if err == nil && !enough(p) {
		err = fmt.Errorf("a minute was not enough: %d events, %d messages, %d broken", len(p.events), len(p.messages), p.broken)
	}
	return p, err
}

// has waits for n messages of a type whose field has a value.
func has(n int, mti string, field int, value string) func(*played) bool {
	return func(p *played) bool {
		return p.count(func(m parcel) bool { return m.mti == mti && strings.HasPrefix(m.f[field], value) }) >= n
	}
}

var playedAlone = []string{"reader.stripe", "printer.jam", "module.power", "setup.mid", "setup.tpdu", "setup.address", "setup.port", "setup.framing",
	"line.half-open", "line.delay", "line.rate", "serial.baud", "host.mute", "host.seal", "host.reversal", "payout.returned"}

func TestFaultsShowOnTheLine(t *testing.T) {
	stripes := filepath.Join(t.TempDir(), "stripes.yaml")
	standing := filepath.Join(t.TempDir(), "standing.yaml")
	for name, text := range map[string]string{stripes: "entry: {stripe: 1}", standing: "pace: {standing: true}"} {
		if err := os.WriteFile(name, []byte("id: x\ntitle: {en: X}\n"+text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	late := func(p *played) bool { // an answer that took half a second of the shop's time, which runs at 20
		var asked time.Time
		for _, ev := range p.events {
			if ev.Kind == link.Data && ev.Dir == link.ToHost {
				asked = ev.At
			} else if ev.Kind == link.Data && ev.At.Sub(asked) > 25*time.Millisecond {
				return true
			}
		}
		return false
	}
	pieces := func(p *played) bool {
		n := 0
		for _, ev := range p.events {
			if ev.Kind == link.Data && ev.Dir == link.ToTerminal && len(ev.Data) <= 16 {
				n++
			}
		}
		return n > 5
	}
	text := func(p *played) bool {
		for _, ev := range p.events {
			if len(ev.Data) > 4 && ev.Dir == link.ToHost && strings.Trim(string(ev.Data[:4]), "0123456789") == "" {
				return true
			}
		}
		return false
	}
	silent := func(p *played) bool { // connections that end in order after a request and no answer
		answered, asked, n := map[uint64]bool{}, map[uint64]bool{}, 0
		for _, ev := range p.events {
			switch {
			case ev.Kind == link.Data && ev.Dir == link.ToTerminal:
				answered[ev.Conn] = true
			case ev.Kind == link.Data:
				asked[ev.Conn] = true
			case ev.Kind == link.Closed && asked[ev.Conn] && !answered[ev.Conn]:
				n++
			}
		}
		return n >= 2
	}
	const half = 0.5
	for name, c := range map[string]struct {
		o      Options
		fault  Fault
		enough func(*played) bool
	}{
		"typed":     {Options{Scenario: stripes}, Fault{Kind: "reader.stripe", Share: half}, has(1, "0200", 22, "01")},
		"misread":   {Options{Scenario: stripes}, Fault{Kind: "reader.stripe"}, has(1, "0210", 39, "14")},
		"printer":   {Options{}, Fault{Kind: "printer.jam", Share: half}, has(2, "0400", 39, "96")},
		"power":     {Options{}, Fault{Kind: "module.power", Share: half}, has(1, "0400", 39, "06")},
		"MAC":       {Options{Scenario: "data.corrupt"}, Fault{Kind: "host.keys", After: 2}, has(1, "0210", 39, "A0")},
		"MID":       {Options{}, Fault{Kind: "setup.mid", Value: "000000000000001"}, has(2, "0810", 39, "97")},
		"TPDU":      {Options{}, Fault{Kind: "setup.tpdu", Value: "0999"}, silent},
		"port":      {Options{}, Fault{Kind: "setup.port", Terminals: []int{2}}, func(p *played) bool { return p.kind(link.Refused) >= 2 }},
		"framing":   {Options{}, Fault{Kind: "setup.framing", Value: "ascii4", Terminals: []int{1}}, text},
		"half-open": {Options{Scenario: standing}, Fault{Kind: "line.half-open", Wait: 500 * time.Millisecond}, has(1, "0400", 39, "98")},
		"delay":     {Options{}, Fault{Kind: "line.delay", Wait: 600 * time.Millisecond}, late},
		"thin line": {Options{}, Fault{Kind: "line.rate", Rate: 400}, pieces},
		"mute":      {Options{}, Fault{Kind: "host.mute", Share: half}, has(2, "0400", 39, "98")},
		"wrong index": {Options{}, Fault{Kind: "keys.master", Mode: "unchecked"}, func(p *played) bool {
			return has(2, "0210", 39, "A0")(p) && has(3, "0810", 39, "00")(p)
		}},
		"text port": {Options{}, Fault{Kind: "driver", Mode: "text"}, func(p *played) bool { return p.broken > 0 }},
		"buffer":    {Options{}, Fault{Kind: "driver", Mode: "partial"}, func(p *played) bool { return p.broken > 2 }},
		"seal":      {Options{}, Fault{Kind: "host.seal", Share: half}, func(p *played) bool { return has(2, "0400", 39, "A0")(p) && has(2, "0410", 39, "00")(p) }},
		"day limit": {Options{}, Fault{Kind: "limit.count", Count: 1, Codes: []string{"C4"}}, has(2, "0210", 39, "C4")},
		"refused": {Options{Scenario: "data.lost"}, Fault{Kind: "host.reversal", Codes: []string{"96"}}, func(p *played) bool {
			return has(3, "0410", 39, "96")(p) && has(2, "0400", 39, "06")(p) // and no sale of that terminal before it is done
		}},
		"duplicate": {Options{}, Fault{Kind: "line.loss", Share: half}, has(1, "0410", 39, "00")},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c.o.Seed, c.o.Speed = 4, 20
			play(t, c.o, c.enough, c.fault)
		})
	}
}

// A dead address takes connects and answers none, until it lives again.
func TestDeadAddress(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	g := newGate(l)
	defer g.close()
	try := func(patience time.Duration) error {
		c, err := net.DialTimeout("tcp", g.addr, patience)
		if err == nil {
			c.Close()
		}
		return err
	}
	if err := try(time.Minute); err != nil {
		t.Fatal(err)
	}
	g.set(false, true)
	if err := try(60 * time.Millisecond); !os.IsTimeout(err) {
		t.Errorf("a connect to a dead address ended with %v", err)
	}
	g.set(true, false)
	if err := try(time.Minute); err == nil || !strings.Contains(err.Error(), "refused") {
		t.Errorf("a connect to a closed port ended with %v", err)
	}
	g.set(false, false)
	if err := try(time.Minute); err != nil {
		t.Errorf("a connect to a port that is open again ended with %v", err)
	}
}

// The statement says what became of each transaction that the host approved, and names no card.
func TestStatementSaysWhatWasPaid(t *testing.T) {
	for kind, state := range map[string]string{"": "成功", "payout.hold": "冻结", "payout.account": "失败", "payout.returned": "退票", "payout.pending": "处理中"} {
		name := filepath.Join(t.TempDir(), "statement.csv")
		f, err := os.Create(name)
		if err != nil {
			t.Fatal(err)
		}
		s, err := New(Options{Seed: 6, Unpaced: true, Terminals: 2})
		if err != nil {
			t.Fatal(err)
		}
		s.WriteStatement(f)
		if kind != "" {
			if _, err := s.Control().Add(Fault{Kind: kind, Terminals: []int{2}}); err != nil {
				t.Fatal(err)
			}
		}
		p := run(t, s, has(60, "0210", 39, "00"))
		b, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		rows := strings.Split(strings.TrimSpace(string(b)), "\n")
		paid := map[string]string{}
		for _, r := range rows[1:] {
			cells := strings.Split(strings.ReplaceAll(r, `"`, ""), ",")
			if len(cells) < len(statementHead) {
				t.Fatalf("a row of %d cells: %s", len(cells), r)
			}
			paid[cells[1]+cells[6]] = cells[17]
		}
		sales := 0
		for _, m := range p.messages {
			if m.mti != "0210" || m.f[39] != "00" || m.f[60][:2] != "22" {
				continue
			}
			sales++
			want := state
			if m.f[41] == "10010001" {
				want = "成功"
			}
			if got := paid[m.f[41]+m.f[11]]; got != want {
				t.Errorf("%s: sale %s of %s is %q, want %q", kind, m.f[11], m.f[41], got, want)
			}
		}
		if sales < 20 {
			t.Errorf("%d sales", sales)
		}
		for _, secret := range s.Secrets() {
			if bytes.Contains(b, secret) {
				t.Fatalf("the statement names a card: %s", secret)
			}
		}
	}
}
