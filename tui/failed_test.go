package tui

import (
	"errors"
	"fmt"
	"io/fs"
	"regexp"
	"strings"
	"testing"

	tea "charm.land/bubbletea/v2"
	"github.com/charmbracelet/x/ansi"

	"tillscope/diagnostics"
)

// errNoRoom is a full disk, as the system says it.
var errNoRoom = fmt.Errorf("recording to shop.pcapng has stopped: %w; what was written before can be opened", &fs.PathError{Op: "write", Path: "shop.pcapng", Err: errors.New("no space left on device")})

type brokenRecorder struct{ err error }

func (r *brokenRecorder) Err() error { return r.err }

// A recording that stops by itself says why, once, and whole on every size; it does not go on saying that it runs.
func TestStoppedRecordingSaysWhy(t *testing.T) {
	for lang, last := range map[string]string{"en": "can be opened", "zh": "可以打开"} {
		for _, size := range [][2]int{{120, 30}, {80, 24}, {60, 18}} {
			m := newTest(t, lang, size[0], size[1])
			r := &brokenRecorder{}
			m.o.Recorder = func() Recorder { return r }
			m.notice = m.t("notice.recording", "shop.pcapng")
			m.tick()
			if s := shown(m); strings.Contains(s, last) {
				t.Fatalf("it has not stopped yet:\n%s", s)
			}
			r.err = errNoRoom
			m.tick()
			s := shown(m)
			if !strings.Contains(strings.Join(strings.Fields(s), " "), last) || strings.Contains(s, m.t("notice.recording", "shop.pcapng")) {
				t.Errorf("%s %v: nothing says why it stopped:\n%s", lang, size, s)
			}
			keys(m, "j")
			m.tick()
			if m.notice != "" {
				t.Errorf("%s: it says so again: %s", lang, m.notice)
			}
		}
	}
}

// What has ended cannot be recorded any more: a sign of a recording would be a lie.
func TestEndedSourceIsNotRecorded(t *testing.T) {
	m := newTest(t, "en", 100, 30)
	began := false
	m.o.Record = func(bool) (string, error) { began = true; return "x", nil }
	end := *m.snap
	end.Ended = true
	m.snap = &end
	keys(m, "r")
	if began || m.notice != m.t("why.ended") {
		t.Errorf("recording began: %v, notice %q", began, m.notice)
	}
}

// fillIn sends a form off, whatever stands in it.
func fillIn(t *testing.T, m *Model) {
	t.Helper()
	f, ok := m.dialog.(*form)
	if !ok {
		t.Fatalf("no form: %T", m.dialog)
	}
	m.dialog = nil
	follow(m, f.then(m))
}

// told is the text of a dialog without its frame and without blanks, at which lines are broken.
func told(m *Model) string {
	var b strings.Builder
	for _, row := range m.dialog.box(m, m.w-4, m.h-2) {
		b.WriteString(strings.Trim(ansi.Strip(row), "│ "))
	}
	return strings.ReplaceAll(b.String(), " ", "")
}

// A form whose purpose fails comes back as it was filled in, and says why in the language of the screen.
func TestFailedFormsComeBack(t *testing.T) {
	for lang, why := range map[string]string{"en": "nospaceleftondevice", "zh": "磁盘已满"} {
		m := full(t, lang, false)
		m.o.Export = func(e Export) (string, error) {
			if e.Path != "/shop/x.html" {
				t.Errorf("the place is %q", e.Path)
			}
			return "", errNoRoom
		}
		m.exportForm(&Export{Form: "html", Path: "/shop/x.html"}, "")
		fillIn(t, m)
		if s := told(m); !strings.Contains(s, why) || !strings.Contains(s, "/shop/x.html") {
			t.Errorf("%s: the report's form is lost: %s", lang, s)
		}
		m.o.Open = func(kind string, v map[string]string) (Session, error) { return nil, errNoRoom }
		m.chooseSource()
		fillIn(t, m)
		m.Update(tea.WindowSizeMsg{Width: 60, Height: 18})
		if s := told(m); !strings.Contains(s, why) {
			t.Errorf("%s: the source's form is lost: %s", lang, s)
		}
	}
}

// Of the keys of a filter that are only begun or wrong, none empties the list; numbers are found however they are written.
func TestHalfTypedFilters(t *testing.T) {
	m := newTest(t, "en", 80, 24)
	all := m.traffic().n
	for _, f := range []string{"rc=", "rc!=", "field.", "field.22", "field.22~", "amount>", "stan=", "colour=red", "latency>1s", "field.=3"} {
		m.setFilter(f)
		if m.traffic().n != all || m.traffic().wrong == nil {
			t.Errorf("%q shows %d of %d rows, wrong: %v", f, m.traffic().n, all, m.traffic().wrong)
		}
	}
	for f, want := range map[string]string{"stan=2 mti=0200": "000002", "amount=128 stan=000002 mti=0200": "000002", "amount=128.0 stan=02 mti=0200": "000002"} {
		m.setFilter(f)
		if m.traffic().n != 1 || m.traffic().current(m).Msg.Get(11) != want {
			t.Errorf("%q finds %d rows", f, m.traffic().n)
		}
	}
	for _, f := range []string{"amount=12800", "stan=20", "amount=12.8", "rc=5"} {
		m.setFilter(f)
		if m.traffic().n != 0 {
			t.Errorf("%q finds %d rows", f, m.traffic().n)
		}
	}
	m.setFilter("cause=") // what has none
	if m.traffic().wrong != nil || m.traffic().n == 0 || m.traffic().n == all {
		t.Errorf("rows without a cause: %d of %d", m.traffic().n, all)
	}
	// The reason is whole on a narrow screen.
	m = newTest(t, "zh", 60, 18)
	keys(m, "/", "colour=red")
	if s := shown(m); !strings.Contains(s, "field.22") {
		t.Errorf("the end of the reason is cut:\n%s", s)
	}
}

// The table of transactions names the cause wherever there is a table.
func TestTransactionsNameTheCause(t *testing.T) {
	for _, size := range [][2]int{{60, 18}, {80, 24}, {90, 24}, {100, 30}, {120, 30}, {200, 50}} {
		m := newTest(t, "en", size[0], size[1])
		keys(m, "2")
		rows := 0
		for _, row := range strings.Split(shown(m), "\n") {
			if strings.Contains(row, "51 ") && strings.Contains(row, "Insufficient") && strings.Contains(row, "answered") {
				rows++
			}
			if strings.Contains(row, "confirmed") && strings.Contains(row, " 00 ") && !strings.Contains(row, "¥128.00") {
				t.Errorf("%v: the amount is cut: %s", size, row)
			}
		}
		if rows != 1 {
			t.Errorf("%v: no row says what stopped it:\n%s", size, shown(m))
		}
	}
}

// Every stage has its whole name from 80 columns on, and no trace number is cut to another one.
func TestNothingIsCutShort(t *testing.T) {
	m := newTest(t, "en", 80, 24)
	for _, id := range diagnostics.Stages {
		if name := m.t("stage." + id); !strings.Contains(shown(m), name) {
			t.Errorf("80x24 does not say %q", name)
		}
	}
	m = newTest(t, "en", 200, 50)
	cut := regexp.MustCompile(`¥[0-9.]+ +[0-9]{1,5}…`)
	for w := 60; w <= 200; w++ {
		m.Update(tea.WindowSizeMsg{Width: w, Height: 18 + w%40})
		if bad := cut.FindString(shown(m)); bad != "" {
			t.Fatalf("%d wide: %q", w, bad)
		}
	}
}

// While nobody has chosen a field, a message is shown from its beginning.
func TestMessagesBeginAtTheirBeginning(t *testing.T) {
	m := newTest(t, "en", 80, 24)
	keys(m, "home") // a sign-on, whose first field is 11
	_ = m.View()
	keys(m, "down", "down")
	if s := shown(m); !strings.Contains(s, "Primary account number") {
		t.Errorf("the card is out of sight:\n%s", s)
	}
	keys(m, "tab", "end", "tab", "up", "up")
	before := m.message().at
	if _ = m.View(); before == 0 || m.message().fields[m.message().at].ID == "2" {
		t.Error("the field that was chosen is not kept")
	}
}
