package sim

import (
	"bytes"
	"context"
	"fmt"
	"net"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"tillscope/assets"
	"tillscope/link"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// watch runs a store until enough says so, and hands over everything that a tap saw.
func watch(t *testing.T, o Options, enough func([]link.Event) bool) []link.Event {
	t.Helper()
	s, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	var seen []link.Event
	if err := s.Run(ctx, func(ev link.Event) {
		if seen = append(seen, ev); enough(seen) {
			cancel()
		}
	}); err != nil {
		t.Fatal(err)
	}
	if !enough(seen) {
		t.Fatalf("after a minute the store had given %d events only", len(seen))
	}
	return seen
}

// types counts frames by message type; every chunk of this store is one whole frame.
func types(events []link.Event) map[string]int {
	n := map[string]int{}
	for _, ev := range events {
		if ev.Kind == link.Data && len(ev.Data) > 15 {
			n[fmt.Sprintf("%x", ev.Data[13:15])]++
		}
	}
	return n
}

func TestHealthyStoreSignsInSellsAndSettles(t *testing.T) {
	seen := watch(t, Options{Seed: 1, Unpaced: true}, func(e []link.Event) bool { // a busy machine makes nobody reverse
		n := types(e)
		return n["0810"] >= 3 && n["0210"] >= 8 && n["0330"] >= 2 && n["0510"] >= 2
	})
	n := types(seen)
	if n["0400"] != 0 {
		t.Errorf("nothing failed, and %d reversals were sent", n["0400"])
	}
	for _, ev := range seen {
		if ev.Kind == link.Reset {
			t.Error("a healthy store resets a connection")
		}
	}
}

func TestBrokenLineIsReversed(t *testing.T) {
	watch(t, Options{Scenario: "network.unstable", Seed: 1, Speed: 20}, func(e []link.Event) bool { return types(e)["0410"] >= 2 })
}

func TestSecretsHoldEveryPINBlockOnTheLine(t *testing.T) {
	s, err := New(Options{Seed: 1, Speed: 20, Terminals: 1})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	var line []byte
	sales := 0
	if err := s.Run(ctx, func(ev link.Event) {
		line = append(line, ev.Data...)
		if len(ev.Data) > 15 && ev.Data[13] == 2 && ev.Data[14] == 0x10 {
			if sales++; sales == 9 {
				cancel()
			}
		}
	}); err != nil {
		t.Fatal(err)
	}
	found := 0
	for _, secret := range s.Secrets() {
		if len(secret) == 8 && bytes.Contains(line, secret) {
			found++
		}
	}
	if found < 3 {
		t.Errorf("%d PIN blocks of 9 sales are on the list of secrets", found)
	}
}

func TestHalvesAloneFitTogether(t *testing.T) {
	o := Options{Seed: 9, Unpaced: true, Terminals: 2}
	store := func() *Store {
		s, err := New(o)
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	tap, err := link.NewTap("127.0.0.1:0", l.Addr().String(), link.TapOptions{})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	var running sync.WaitGroup
	running.Go(func() {
		if err := store().Serve(ctx, l); err != nil {
			t.Error(err)
		}
	})
	running.Go(func() {
		if err := store().Sell(ctx, tap.Addr().String()); err != nil {
			t.Error(err)
		}
	})
	var seen []link.Event
	if err := tap.Run(ctx, func(ev link.Event) {
		if seen = append(seen, ev); types(seen)["0210"] >= 4 {
			cancel()
		}
	}); err != nil {
		t.Fatal(err)
	}
	running.Wait()
	if n := types(seen); n["0810"] < 2 || n["0210"] < 4 || n["0400"] > 0 {
		t.Errorf("the halves gave %v", n)
	}
}

func TestShippedScenariosAreWhole(t *testing.T) {
	all, err := known()
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range all {
		for _, lang := range []string{"en", "zh"} {
			if s.Titles[lang] == "" || s.Story[lang] == "" {
				t.Errorf("%s lacks its title or story in %s", s.ID, lang)
			}
		}
		if _, err := New(Options{Scenario: s.ID}); err != nil {
			t.Error(err)
		}
	}
	if all[0].ID != "healthy" {
		t.Errorf("the first scenario is %s, not the healthy one", all[0].ID)
	}
}

func TestMistakesInScenariosAreNamed(t *testing.T) {
	head := "id: x\ntitle: {en: X}\n"
	for src, want := range map[string]string{
		head + "faults:\n  - kind: gremlins":      "x.yaml:4: fault 1: no fault kind",
		head + "faults:\n  - kind: line.gremlins": "line.reset",
		head + "fautls: []":                       "x.yaml:3: nothing is called",
		head + "terminals: many":                  "x.yaml:3: ",
		"title: {en: X}":                          "x.yaml:1: a scenario needs an id",
		head + "faults:\n  - kind: host.down\n  - kind: line.reset\n    share: 2":    "x.yaml:6: fault 2: 2 is not above 0",
		head + "faults:\n  - kind: line.reset\n    codes: [\"05\"]":                  "x.yaml:5: fault 1: line.reset takes no codes",
		head + "faults:\n  - kind: host.codes":                                       "needs codes",
		head + "faults:\n  - {kind: host.down, begin: 9s, end: 3s}":                  "x.yaml:4: fault 1: a fault ends after it began",
		head + "faults:\n  - kind: host.down\n    cause: gremlins":                   "x.yaml:5: fault 1",
		head + "dialect: latin":                                                      "x.yaml:3: no dialect",
		head + "mix: {sale: 1, gift: 2}":                                             "x.yaml:3: want shares",
		head + "calendar:\n  holidays:\n    - Monday":                                "is no day",
		head + "terminals: 2\nfaults:\n  - kind: module.drop\n    terminals: [1, 3]": "x.yaml:6: fault 1: there is no terminal 3",
		head + "terminals: 2000":                                                     "x.yaml:3: 2000 terminals",
		head + "faults:\n  - {kind: driver, mode: odd}":                              "none of enq",
		head + "faults:\n  - kind: host.down\n    begin: 3 parsecs":                  "x.yaml:5: ",
		head + "a: [":                                        "x.yaml:3: ",
		head + "terminals: 3\npace: {every: 4}":              "x.yaml:4: here stands something else than a time",
		head + "pace:\n  every: 4s\n  wait: soon":            "x.yaml:5: invalid duration \"soon\": want a time",
		head + "faults: yes":                                 "x.yaml:3: here stands something else than a list",
		head + "mac: crc":                                    "x.yaml:3: no MAC algorithm crc",
		head + "dialect: cup\nheader: crown":                 "x.yaml:4: the store cannot speak the header",
		head + "story: {en: \"\xc4\xe3\"}":                   "x.yaml:3: this is not UTF-8",
		head + "---\nid: y":                                  "x.yaml:3: the file ends here",
		head + "faults:\n  - {kind: setup.tid, value: 终端01}": "x.yaml:4: fault 1: a terminal id has 8",
	} {
		if _, err := parse("x.yaml", []byte(src)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %q named", src, err, want)
		}
	}
	if s, err := parse("x.yaml", []byte("\ufeff---\n"+head)); err != nil || s.ID != "x" {
		t.Errorf("what editors put in front is refused: %v", err)
	}
	for _, o := range []Options{{Scenario: "nonsense"}, {Terminals: -1}, {Terminals: maxTerminals + 1}, {Speed: -1}, {Scenario: "operation.parameters", Terminals: 1},
		{Dialect: "latin"}, {Framing: "none"}, {Header: "crown"}, {Scenario: "./nowhere.yaml"}} {
		if _, err := New(o); err == nil {
			t.Errorf("%+v was accepted", o)
		}
	}
}

func TestControlChangesARunningStore(t *testing.T) {
	s, err := New(Options{Seed: 2, Speed: 20})
	if err != nil {
		t.Fatal(err)
	}
	c := s.Control()
	if _, err := c.Add(Fault{Kind: "line.reset", Codes: []string{"05"}}); err == nil {
		t.Error("a fault that means nothing was added")
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	var step, id, refused, good int
	var running sync.WaitGroup
	running.Go(func() { // what a trainer does while the store runs
		for ctx.Err() == nil {
			c.List()
			c.Visible()
			_ = c.SetSpeed(20)
			time.Sleep(time.Millisecond)
		}
	})
	err = s.Run(ctx, func(ev link.Event) {
		if len(ev.Data) < 40 || ev.Dir != link.ToTerminal || ev.Data[13] != 2 {
			return
		}
		m, err := s.codec.unpack(ev.Data[2:])
		if err != nil || m.mti != "0210" {
			return
		}
		switch {
		case m.f[39] == "96":
			refused++
		case m.f[39] == "00":
			good++
		}
		switch {
		case step == 0 && good >= 3:
			step++
			if id, err = c.Add(Fault{Kind: "host.codes", Codes: []string{"96"}}); err != nil {
				t.Error(err)
			}
			if err := c.Hide(id); err != nil || len(c.Visible()) != 0 || len(c.List()) != 1 {
				t.Error("a hidden fault is seen", err)
			}
		case step == 1 && refused >= 3:
			step++
			if a := c.List(); a[0].Hits < 3 || a[0].Cause != "bank.maintenance" || !a[0].Hidden {
				t.Errorf("the truth is %+v", a)
			}
			if err := c.Clear(id); err != nil {
				t.Error(err)
			}
			good = 0
		case step == 2 && good >= 3:
			cancel()
		}
	})
	running.Wait()
	if err != nil || step != 2 || c.Clear(id) == nil {
		t.Errorf("got to step %d, %d refused: %v", step, refused, err)
	}
	blamed := 0
	for _, o := range s.Truth() {
		if o.Type == "sale" && (o.Amount < 100 || o.Amount%50 != 0) { // prices end in .00 or .50 here
			t.Errorf("the truth has a sale of %d", o.Amount)
		}
		if o.Cause == "bank.maintenance" && o.Code == "96" && o.Answered {
			blamed++
		}
	}
	if blamed < 3 {
		t.Errorf("the truth knows %d refused sales", blamed)
	}
}

func TestAPausedStoreStandsStill(t *testing.T) {
	c := newClock(100, false)
	c.set(func() { c.paused = true })
	before := c.now()
	done := make(chan bool)
	go func() { done <- c.wait(t.Context(), 10*time.Second) }()
	if at, ok := c.untilDeadline(before + 1); !ok || !at.After(time.Now()) {
		t.Error("a wait ends while the shop stands still")
	}
	if c.now() != before {
		t.Error("time went on")
	}
	c.set(func() { c.paused = false })
	if !<-done || c.now() < before+10*time.Second {
		t.Error("the wait did not last as long as it should")
	}
}

func TestEveryKindOfFaultIsNamed(t *testing.T) {
	used := map[string]bool{}
	for _, s := range Scenarios() {
		for _, f := range s.Faults {
			used[f.Kind] = true
		}
	}
	for _, id := range assets.Languages {
		l, err := assets.Language(id)
		if err != nil {
			t.Fatal(err)
		}
		for _, k := range Kinds() {
			if !l.Has("fault." + k.ID) {
				t.Errorf("%s has no text in %s", k.ID, id)
			}
			if k.Cause != "" && kindOf(k.ID).Cause != k.Cause {
				t.Errorf("%s stands twice", k.ID)
			}
		}
	}
	// A kind that no scenario uses is played by no test over all scenarios: it needs one of its own, below.
	for _, k := range Kinds() {
		if !used[k.ID] && !slices.Contains(playedAlone, k.ID) {
			t.Errorf("no test plays %s", k.ID)
		}
	}
}
