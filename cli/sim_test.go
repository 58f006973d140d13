package cli

import (
	"bytes"
	"context"
	"encoding/hex"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"tillscope/assets"
	"tillscope/diagnostics"
	"tillscope/sim"
	"tillscope/wire"
)

// calmer plays at a speed, and again at half of it while that fails: a shop that lives many times faster than life feels
// each delay of a busy machine as many times longer, and rightly tells of a slow line.
func calmer(t *testing.T, speed float64, play func(speed string) error) {
	t.Helper()
	for try := 0; ; try++ {
		err := play(strconv.FormatFloat(speed, 'g', -1, 64))
		if err == nil {
			return
		}
		if try == 3 {
			t.Fatalf("at %v times life: %v", speed, err)
		}
		t.Logf("at %v times life, and once more at half of it: %v", speed, err)
		speed /= 2
	}
}

// lasting is how long a stretch of life takes at a speed.
func lasting(life time.Duration, speed string) string {
	f, _ := strconv.ParseFloat(speed, 64)
	return time.Duration(float64(life) / f).String()
}

// That every scenario is named from its bytes is TestAccuracy's to prove, in diagnostics; here it is the way there: from the
// command line to the report.
func TestScenariosAreNamedInTheReport(t *testing.T) {
	for _, id := range []string{"healthy", "network.unstable", "bank.maintenance", "operation.parameters", "balance.insufficient"} {
		t.Run(id, func(t *testing.T) {
			t.Parallel()
			calmer(t, 15, func(speed string) error {
				out, err := run(t, "", "sim", id, "--seed", "3", "--report", "json", "--speed", speed, "--for", lasting(54*time.Second, speed))
				if err != nil {
					return err
				}
				var ids []string
				evidence := 0
				for _, c := range story(t, out).Causes {
					if c.ID != "bank.clearing-pending" {
						ids = append(ids, c.ID)
						evidence += len(c.Evidence)
					}
				}
				switch {
				case id == "healthy" && len(ids) > 0:
					return fmt.Errorf("a healthy store is accused of %v", ids)
				case id != "healthy" && (len(ids) == 0 || ids[0] != id || evidence == 0):
					return fmt.Errorf("found %v with %d messages of evidence", ids, evidence)
				}
				return nil
			})
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

// playUntil lets a store run until a session has so many rows.
func playUntil(t *testing.T, store *sim.Store, session *diagnostics.Session, rows int) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	go func() {
		for ctx.Err() == nil && len(session.Snapshot().Entries) < rows {
			time.Sleep(20 * time.Millisecond)
		}
		cancel()
	}()
	if err := store.Run(ctx, session.Handle); err != nil {
		t.Fatal(err)
	}
	session.End(nil)
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
	playUntil(t, store, session, 100)
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
