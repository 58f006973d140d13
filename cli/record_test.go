package cli

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"tillscope/diagnostics"
	"tillscope/link"
	"tillscope/sim"
)

// story is a report without what a recording cannot repeat: when and from where it was made.
func story(t *testing.T, text string) (r diagnostics.Report) {
	t.Helper()
	if err := json.Unmarshal([]byte(text[strings.Index(text, "{"):]), &r); err != nil { // a notice may stand before it
		t.Fatal(err)
	}
	r.Started, r.Ended, r.Source = "", "", diagnostics.ReportSource{}
	return r
}

// sameStory compares everything, to the last digit.
func sameStory(a, b diagnostics.Report) error {
	if diff := cmp.Diff(a, b, cmpopts.IgnoreUnexported(diagnostics.Report{})); diff != "" {
		return fmt.Errorf("live (-) and opened (+) differ:\n%s", diff)
	}
	if a.Totals.Messages < 20 {
		return fmt.Errorf("%d messages are too few to prove anything", a.Totals.Messages)
	}
	return nil
}

// A recording opened again tells the same story as the line did, whatever went wrong on it.
func TestRecordingTellsTheStoryOfTheLine(t *testing.T) {
	for _, c := range []string{"healthy", "network.unstable", "network.protocol-mismatch", "hardware.comm-module",
		"data.corrupt", "data.slow", "data.lost", "bank.maintenance", "operation.not-signed-on", "operation.driver",
		"operation.driver --serial", "data.corrupt --dialect iso87-ascii", "data.corrupt --serial", "data.corrupt --serial --terminals 1 --dialect iso87-ascii", "data.lost --serial", "data.slow --serial", "hardware.comm-module --serial", "noisy"} {
		t.Run(c, func(t *testing.T) {
			t.Parallel()
			if runtime.GOOS == "windows" && strings.Contains(c, "--serial") {
				t.Skip("there are no pseudo terminals here")
			}
			calmer(t, 40, func(speed string) error {
				path := filepath.Join(t.TempDir(), "shop.pcapng")
				args := append([]string{"sim"}, strings.Fields(c)...)
				live, err := run(t, "", append(args, "--seed", "5", "--speed", speed, "--for", lasting(48*time.Second, speed), "--report", "json", "--record", path)...)
				if err != nil {
					return err
				}
				again, err := run(t, "", "open", path, "--time-scale", speed, "--report", "json")
				if err != nil {
					return err
				}
				return sameStory(story(t, live), story(t, again))
			})
		})
	}
}

// What is recorded while a capture is read is all of it: a file can wait for the disk.
func TestRecordingOfACaptureTellsItsStory(t *testing.T) {
	capture := "../../shared/samples/cup-mix.pcap"
	if _, err := os.Stat(capture); err != nil {
		t.Skip("the sample captures are not beside this checkout")
	}
	path := filepath.Join(t.TempDir(), "again.pcapng")
	first, err := run(t, "", "open", capture, "--report", "json", "--record", path)
	if err != nil {
		t.Fatal(err)
	}
	again, err := run(t, "", "open", path, "--report", "json")
	if err != nil {
		t.Fatal(err)
	}
	if err := sameStory(story(t, first), story(t, again)); err != nil {
		t.Error(err)
	}
}

func TestRecordingHoldsNoCardDataAndOthersReadIt(t *testing.T) {
	path := filepath.Join(t.TempDir(), "shop.pcapng")
	recorder, err := link.NewRecorder(path, 0, false)
	if err != nil {
		t.Fatal(err)
	}
	store, err := sim.New(sim.Options{Scenario: "network.unstable", Seed: 5, Speed: 50})
	if err != nil {
		t.Fatal(err)
	}
	session, err := diagnostics.NewSession(diagnostics.Options{Info: store.Info(), TimeScale: 50, Record: recorder.Put})
	if err != nil {
		t.Fatal(err)
	}
	playUntil(t, store, session, 200)
	if err := recorder.Close(); err != nil {
		t.Fatal(err)
	}
	raw, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	secrets := store.Secrets()
	if len(raw) < 10000 || len(secrets) < 40 {
		t.Fatalf("%d bytes and %d secrets are too few to prove anything", len(raw), len(secrets))
	}
	if leaks(raw, secrets) {
		t.Error("the recording holds card data")
	}
	for _, tool := range [][]string{{"capinfos", path}, {"tshark", "-r", path, "-q", "-z", "io,phs"}} {
		if _, err := exec.LookPath(tool[0]); err != nil {
			t.Logf("%s is not on this machine: whether it reads the recording was not tried", tool[0])
			continue
		}
		out, err := exec.CommandContext(t.Context(), tool[0], tool[1:]...).CombinedOutput()
		if err != nil || !strings.Contains(string(out), "Raw IP") && !strings.Contains(string(out), "tcp") {
			t.Errorf("%s: %v\n%s", tool[0], err, out)
		}
	}
	if _, err := exec.LookPath("tshark"); err == nil {
		out, err := exec.CommandContext(t.Context(), "tshark", "-r", path, "-Y", "tcp.analysis.lost_segment || tcp.checksum_bad.expert || _ws.malformed || tcp.analysis.ack_lost_segment",
			"-o", "tcp.check_checksum:TRUE").Output()
		if err != nil || len(out) > 0 {
			t.Errorf("tshark finds fault with the recording: %v\n%.2000s", err, out)
		}
	}
}
