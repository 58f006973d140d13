package cli

import (
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"testing"
)

// Captures of 2,000 messages each: every message decoded, every request with its response, no flag given.
func TestOpenPairsEverything(t *testing.T) {
	for _, name := range []string{"cup-mix.pcap", "ascii-mix.pcap"} {
		path := filepath.Join("../../shared/samples", name)
		if _, err := os.Stat(path); err != nil {
			t.Skip("the sample captures are not beside this checkout")
		}
		out, err := run(t, "", "open", path, "--report", "json")
		if err != nil {
			t.Fatal(err)
		}
		var r struct {
			Totals       struct{ Messages, Undecoded int }
			Transactions []struct {
				ResponseCode string `json:"response_code"`
			}
		}
		if err := json.Unmarshal([]byte(out), &r); err != nil {
			t.Fatal(err)
		}
		if r.Totals.Messages != 2000 || r.Totals.Undecoded != 0 {
			t.Errorf("%s: %+v", name, r.Totals)
		}
		for i, x := range r.Transactions {
			if x.ResponseCode == "" {
				t.Errorf("%s: transaction %d has no answer", name, i+1)
			}
		}
	}
}

func TestWrongUseIsSaidBeforeAnythingIsOpened(t *testing.T) {
	for _, args := range [][]string{{"open"}, {"open", "x", "--report", "pdf"}, {"tap", "127.0.0.1:0"}, {"open", "x", "--lang", "fr"}, {"open", "x", "--dialect", "nope"}, {"open", "x", "--answer", "y"}, {"open", "x", "--answer", "no-such-node=yes"}, {"nothing"}, {"open", "x", "--bad"}} {
		if _, err := run(t, "", args...); !errors.As(err, new(usageError)) {
			t.Errorf("%v: %v is no usage error", args, err)
		}
	}
}

func TestAReportIsNotOverwritten(t *testing.T) {
	out := filepath.Join(t.TempDir(), "report.json")
	if err := os.WriteFile(out, []byte("mine"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := run(t, "", "open", "missing.pcap", "--out", out); err == nil {
		t.Error("an existing file was taken")
	}
	if b, _ := os.ReadFile(out); string(b) != "mine" {
		t.Error("the file was changed")
	}
}
