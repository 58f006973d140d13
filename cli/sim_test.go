package cli

import (
	"bytes"
	"context"
	"encoding/hex"
	"encoding/json"
	"io"
	"slices"
	"strings"
	"testing"
	"time"

	"tillscope/assets"
	"tillscope/diagnostics"
	"tillscope/sim"
	"tillscope/wire"
)

// causesOf plays a scenario and returns what the report says is wrong.
func causesOf(t *testing.T, args ...string) (ids []string, evidence int) {
	t.Helper()
	out, err := run(t, "", append([]string{"sim", "--report", "json", "--speed", "15", "--for", "3600ms"}, args...)...)
	if err != nil {
		t.Fatal(err)
	}
	var r diagnostics.Report
	_, body, _ := strings.Cut(out, "\n") // the first line is the notice that it watches
	if err := json.Unmarshal([]byte(body), &r); err != nil {
		t.Fatal(err)
	}
	for _, c := range r.Causes {
		if c.ID != "bank.clearing-pending" {
			ids = append(ids, c.ID)
			evidence += len(c.Evidence)
		}
	}
	return ids, evidence
}

// That every scenario is named from its bytes is TestAccuracy's to prove, in diagnostics; here it is the way there: from the
// command line to the report.
func TestScenariosAreNamedInTheReport(t *testing.T) {
	for _, id := range []string{"healthy", "network.unstable", "bank.maintenance", "operation.parameters", "balance.insufficient"} {
		t.Run(id, func(t *testing.T) {
			t.Parallel()
			ids, evidence := causesOf(t, id, "--seed", "3")
			switch {
			case id == "healthy" && len(ids) > 0:
				t.Errorf("a healthy store is accused of %v", ids)
			case id != "healthy" && (len(ids) == 0 || ids[0] != id || evidence == 0):
				t.Errorf("found %v with %d messages of evidence", ids, evidence)
			}
		})
	}
}

func TestUnknownScenarioIsAUsageError(t *testing.T) {
	if _, err := run(t, "", "sim", "nonsense", "--report", "json"); err == nil || !strings.Contains(err.Error(), "bank.maintenance") {
		t.Errorf("the error does not name the scenarios: %v", err)
	}
}

// forms is every way in which a secret could stand in an output.
func forms(secret []byte) [][]byte {
	upper, lower := strings.ToUpper(hex.EncodeToString(secret)), hex.EncodeToString(secret)
	out := [][]byte{secret, []byte(upper), []byte(lower)}
	text := strings.ReplaceAll(string(secret), "=", "D")
	for _, packed := range []string{text, "0" + text} {
		if b, err := hex.DecodeString(packed + strings.Repeat("0", len(packed)%2)); err == nil {
			out = append(out, b[1:len(b)-1], []byte(text[2:len(text)-2]))
		}
	}
	return out
}

func leaks(out []byte, secrets [][]byte) bool {
	plain := bytes.ReplaceAll(bytes.ReplaceAll(out, []byte(" "), nil), []byte("\n"), nil)
	return slices.ContainsFunc(secrets, func(s []byte) bool {
		return slices.ContainsFunc(forms(s), func(f []byte) bool { return bytes.Contains(out, f) || bytes.Contains(plain, f) })
	})
}

func TestNoCardDataInAnyOutput(t *testing.T) {
	lang, err := assets.Language("en")
	if err != nil {
		t.Fatal(err)
	}
	for _, dialect := range []string{"cup", "iso87-ascii", "iso93-bcd", "iso2003-ascii", "iso87-ebcdic"} {
		t.Run(dialect, func(t *testing.T) { noCardData(t, lang, dialect) })
	}
}

func noCardData(t *testing.T, lang *assets.Lang, dialect string) {
	store, err := sim.New(sim.Options{Scenario: "network.unstable", Seed: 5, Speed: 50, Dialect: dialect})
	if err != nil {
		t.Fatal(err)
	}
	session, err := diagnostics.NewSession(diagnostics.Options{Lang: lang, Info: store.Info(), TimeScale: 50})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), 1500*time.Millisecond)
	defer cancel()
	if err := store.Run(ctx, session.Handle); err != nil {
		t.Fatal(err)
	}
	session.End(nil)
	snapshot := session.Snapshot()
	secrets := store.Secrets()
	if len(snapshot.Entries) < 40 || len(secrets) < 40 {
		t.Fatalf("%d rows and %d secrets are too few to prove anything", len(snapshot.Entries), len(secrets))
	}
	var out bytes.Buffer
	report := diagnostics.NewReport(snapshot, "test", time.Now(), time.Now())
	if err := report.JSON(&out); err != nil {
		t.Fatal(err)
	}
	for _, write := range []func(io.Writer, *assets.Lang) error{report.Text, report.Markdown, report.HTML} {
		if err := write(&out, lang); err != nil {
			t.Fatal(err)
		}
	}
	for _, e := range snapshot.Entries {
		if e.Msg == nil {
			continue
		}
		out.WriteString(e.Msg.Raw())
		for _, f := range append(e.Msg.Fields(), e.Msg.HeaderParts()...) {
			out.WriteString(f.Value + "\n")
		}
		if err := writeDecode(&out, e.Msg, wire.Detection{}, lang); err != nil {
			t.Fatal(err)
		}
	}
	if leaks(out.Bytes(), secrets) {
		t.Error("card data of the simulated store stands in an output")
	}
	if !leaks(append(out.Bytes(), secrets[0]...), secrets) || !leaks(append(out.Bytes(), hex.EncodeToString(secrets[len(secrets)-1])...), secrets) {
		t.Error("the search would not find card data")
	}
}
