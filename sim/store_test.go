package sim

import (
	"bytes"
	"context"
	"fmt"
	"net"
	"strings"
	"sync"
	"testing"
	"testing/fstest"
	"time"

	"go.uber.org/goleak"

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
	seen := watch(t, Options{Seed: 1, Speed: 50}, func(e []link.Event) bool { return types(e)["0510"] >= 2 })
	n := types(seen)
	if n["0810"] != 3 || n["0210"] < 8 {
		t.Errorf("a healthy store gave %v", n)
	}
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
	watch(t, Options{Scenario: "network.unstable", Seed: 1, Speed: 50}, func(e []link.Event) bool { return types(e)["0410"] >= 2 })
}

func TestSameSeedSameRequests(t *testing.T) {
	first := func() []byte {
		seen := watch(t, Options{Seed: 7, Speed: 50, Terminals: 1}, func(e []link.Event) bool { return types(e)["0200"] >= 3 })
		var out []byte
		for _, ev := range seen {
			if ev.Kind == link.Data && ev.Dir == link.ToHost && bytes.Contains(ev.Data[:15], []byte{0x02, 0}) {
				out = append(out, ev.Data[:60]...) // up to the amount and the trace number: later fields hold the date
			}
		}
		return out
	}
	if a, b := first(), first(); !bytes.Equal(a, b) {
		t.Error("the same seed gave other messages")
	}
}

func TestSecretsHoldEveryPINBlockOnTheLine(t *testing.T) {
	s, err := New(Options{Seed: 1, Speed: 50, Terminals: 1})
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
			if sales++; sales == 3 {
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
		t.Errorf("%d PIN blocks of 3 sales are on the list of secrets", found)
	}
}

func TestHalvesAloneFitTogether(t *testing.T) {
	o := Options{Seed: 9, Speed: 50, Terminals: 2}
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
	tap, err := link.NewTap("127.0.0.1:0", l.Addr().String())
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
	if n := types(seen); n["0810"] != 2 || n["0210"] < 4 || n["0400"] > 0 {
		t.Errorf("the halves gave %v", n)
	}
}

func TestShippedScenariosAreWhole(t *testing.T) {
	all, err := load()
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
	for src, want := range map[string]string{
		"id: x\ntitle: {en: X}\nfaults:\n  - kind: gremlins":               "gremlins",
		"id: x\ntitle: {en: X}\nfautls: []":                                "[3:1]",
		"title: {en: X}":                                                   "needs an id",
		"id: x\ntitle: {en: X}\nfaults:\n  - {kind: line.reset, share: 2}": "share",
	} {
		if _, err := read(fstest.MapFS{"x.yaml": {Data: []byte(src)}}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %q named", src, err, want)
		}
	}
	for _, o := range []Options{{Scenario: "nonsense"}, {Terminals: -1}, {Terminals: maxTerminals + 1}, {Speed: -1}, {Scenario: "operation.parameters", Terminals: 1}} {
		if _, err := New(o); err == nil {
			t.Errorf("%+v was accepted", o)
		}
	}
}
