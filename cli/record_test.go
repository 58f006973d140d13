package cli

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"tillscope/diagnostics"
	"tillscope/sim"
)

// A recording opened again tells the same story, and holds no card data.
func TestRecordingOfTheStoreOpensToTheSameReport(t *testing.T) {
	path := filepath.Join(t.TempDir(), "shop.pcapng")
	live, err := run(t, "", "sim", "network.unstable", "--seed", "5", "--speed", "40", "--for", "1200ms", "--report", "json", "--record", path)
	if err != nil {
		t.Fatal(err)
	}
	again, err := run(t, "", "open", path, "--report", "json")
	if err != nil {
		t.Fatal(err)
	}
	var a, b diagnostics.Report
	_, live, _ = strings.Cut(live, "\n") // the notice that it watches
	for text, into := range map[string]*diagnostics.Report{live: &a, again: &b} {
		if err := json.Unmarshal([]byte(text), into); err != nil {
			t.Fatal(err)
		}
	}
	if a.Totals != b.Totals || len(a.Transactions) != len(b.Transactions) || len(a.Transactions) < 5 {
		t.Errorf("live %+v with %d transactions, opened %+v with %d", a.Totals, len(a.Transactions), b.Totals, len(b.Transactions))
	}
	for i, x := range a.Transactions {
		y := b.Transactions[i]
		x.Evidence, y.Evidence = nil, nil
		x.Line, y.Line = 0, 0
		x.Cause, y.Cause = nil, nil // a pointer; compared below by what the report says in all
		if !jsonEqual(t, x, y) {
			t.Errorf("transaction %d: live %+v, opened %+v", i+1, x, y)
		}
	}
	if a.Causes[0].ID != b.Causes[0].ID || a.Causes[0].Transactions != b.Causes[0].Transactions {
		t.Errorf("live %s, opened %s", a.Causes[0].ID, b.Causes[0].ID)
	}
	raw, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var cards [][]byte
	for _, c := range sim.TestCards() {
		cards = append(cards, []byte(c.PAN), []byte(c.Track2))
	}
	if leaks(raw, cards) {
		t.Error("the recording holds card data")
	}
}

func jsonEqual(t *testing.T, a, b any) bool {
	t.Helper()
	x, err := json.Marshal(a)
	if err != nil {
		t.Fatal(err)
	}
	y, err := json.Marshal(b)
	if err != nil {
		t.Fatal(err)
	}
	return string(x) == string(y)
}
