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

	"tillscope/assets"
	"tillscope/diagnostics"
	"tillscope/link"
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

// Only what passes through the program ends with it: a serial line that is listened to goes on, and nobody is asked. A line that
// stands in a shop's way is asked about between two sales, too; one that nobody came to is not.
func TestOnlyWhatPassesThroughIsAskedAbout(t *testing.T) {
	m := newTest(t, "en", 100, 30)
	sn := *m.snap
	m.snap = &sn
	m.o.Open, m.o.Sources = func(string, map[string]string) (Session, error) { return nil, nil }, func() []SourceKind { return nil }
	for _, c := range []struct {
		kind, host string
		ended      bool
		line       diagnostics.Line
		ask        string
	}{
		{"tap", "192.0.2.7:8583", false, diagnostics.Line{Open: 2, Connects: 5}, "carries 2 connections"}, {"tap", "192.0.2.7:8583", true, diagnostics.Line{Open: 2}, ""},
		{"tap", "192.0.2.7:8583", false, diagnostics.Line{Connects: 5}, "5 connections so far"}, {"tap", "192.0.2.7:8583", false, diagnostics.Line{Refused: 1}, "1 connection so far"},
		{"tap", "192.0.2.7:8583", false, diagnostics.Line{}, ""}, {"serial", "/dev/ttyUSB1", false, diagnostics.Line{Open: 2}, "carries 2 connections"},
		{"serial", "", false, diagnostics.Line{Open: 2}, ""}, {"capture", "192.0.2.7:8583", false, diagnostics.Line{Open: 2}, ""},
	} {
		sn.Source.Kind, sn.Ended = c.kind, c.ended
		c.line.ID, c.line.Address, c.line.Host = 1, "x", c.host
		sn.Lines = []diagnostics.Line{c.line}
		for _, key := range []string{"q", "c"} {
			m.dialog = nil
			cmd := m.press(key)
			asks := ""
			if q, ok := m.dialog.(*question); ok {
				asks = q.text
			}
			if (asks == "") != (c.ask == "") || !strings.Contains(asks, c.ask) {
				t.Errorf("%+v: %s asks %q", c, key, asks)
			}
			if key == "q" && (cmd == nil) != (c.ask != "") {
				t.Errorf("%+v: quits %v", c, cmd != nil)
			}
			if asks != "" {
				if cmd = m.dialog.update(m, tea.KeyPressMsg{Code: 'y', Text: "y"}); key == "q" && cmd == nil {
					t.Errorf("%+v: y does not quit", c)
				}
			}
		}
	}
}

// A question is asked on the smallest of screens, too.
func TestQuestionsFitEveryScreen(t *testing.T) {
	for _, lang := range assets.Languages {
		for _, size := range [][2]int{{40, 10}, {30, 3}, {12, 2}, {60, 18}} {
			m := newTest(t, lang, size[0], size[1])
			keys(m, "q")
			if s := shown(m); !strings.Contains(s, "y "+m.t("quit.yes")) {
				t.Errorf("%s, %v: nobody is asked:\n%s", lang, size, s)
			}
		}
	}
}

// The page of a line says nothing twice, and no latency where nothing was answered.
func TestLinePageOfAListenedPort(t *testing.T) {
	for lang, none := range map[string]string{"en": "not available on this port", "zh": "此端口不提供"} {
		m := newTest(t, lang, 100, 40)
		sn := *m.snap
		m.snap = &sn
		e := &diagnostics.Entry{N: 1, Kind: link.Signals, At: sn.Now}
		l := diagnostics.Line{ID: 1, Address: "/dev/ttyUSB0", Open: 1, Connects: 1}
		l.Events[link.Signals], l.Last[link.Signals] = 1, e
		sn.Lines, sn.Version = []diagnostics.Line{l}, sn.Version+1
		keys(m, "4")
		s := shown(m)
		if strings.Count(s, none) != 1 || strings.Contains(s, "/dev/ttyUSB0 "+m.look.toHost) || strings.Contains(s, " 0 ms") {
			t.Errorf("%s:\n%s", lang, s)
		}
		sn.Ended, sn.Version = true, sn.Version+1
		m.dirty = true
		if s := shown(m); strings.Contains(s, " now;") || strings.Contains(s, "当前每秒") {
			t.Errorf("%s: what has ended has a rate now:\n%s", lang, s)
		}
	}
}

// A damaged currency takes none from the sums, and what only tells of money is on no way to an account.
func TestSumsAndStagesAreOfMoneyThatMoves(t *testing.T) {
	m := newTest(t, "en", 120, 30)
	sn := *m.snap
	sn.Transactions = []*diagnostics.Transaction{
		{N: 1, Type: "sale", Amount: 100, Currency: "106", Doubtful: true, Stage: "answered", Arrived: "no"},
		{N: 2, Type: "sale", Amount: 12800, Currency: "156", Stage: "answered", Arrived: "no", Cause: "data.corrupt"},
		{N: 3, Type: "signon", Stage: "confirmed", Arrived: "unknown"},
		{N: 4, Type: "upload", Amount: 12800, Currency: "156", Stage: "confirmed", Arrived: "unknown"},
		{N: 5, Type: "sale", Amount: 550, Currency: "840", Stage: "answered", Arrived: "no", Cause: "data.corrupt"},
	}
	sn.Causes = []diagnostics.Cause{{ID: "data.corrupt", Because: "because", Sums: diagnostics.Sums{{Currency: "156", Amount: 12800}, {Currency: "840", Amount: 550}}}}
	sn.Version++
	m.adoptSnapshot(fresh{snap: &sn})
	keys(m, "2")
	s := shown(m)
	if !strings.Contains(s, "not arrived, ¥128.00 + $5.50") || !strings.Contains(s, " ¥128.00     1  ") || !strings.Contains(s, " $5.50     1  ") {
		t.Errorf("the sum:\n%s", s)
	}
	if table, _, _ := strings.Cut(s, "Story"); strings.Contains(strings.SplitN(table, "[Transactions]", 2)[1], "confirmed") {
		t.Errorf("an upload, or a sign-on, is confirmed:\n%s", s)
	}
	for ascii, want := range map[bool]string{false: "¥128.00 + $5.50", true: "CNY 128.00 + $5.50"} {
		m.o.ASCII = ascii
		m.setTheme(m.theme)
		m.panes[report] = &reportPane{} // its page stays as long as nothing comes
		for _, view := range []string{"1", "3", "5"} {
			keys(m, view)
			if s := strings.Join(strings.Fields(strings.NewReplacer("│", "", "|", "").Replace(shown(m))), " "); !strings.Contains(s, want) {
				t.Errorf("view %s lacks %s:\n%s", view, want, s)
			}
		}
	}
}

// Enter does something in every region, or the footer does not offer it and the help says why.
func TestEnterDoesSomethingWhereItIsOffered(t *testing.T) {
	for r, name := range regionNames {
		m := full(t, "en", false)
		keys(m, states[name]...)
		if m.focus != region(r) {
			t.Fatalf("%s: the focus is in %s", name, regionNames[m.focus])
		}
		m.notice = ""
		m.dirty = true
		before := shown(m)
		offered := strings.Contains(before[strings.LastIndexByte(before, '\n')+1:], "enter open")
		keys(m, "enter")
		if did := shown(m) != before; !did || offered == strings.HasSuffix(m.notice, m.t("why.noopen")) {
			t.Errorf("%s: offered %v, did something %v, says %q", name, offered, did, m.notice)
		}
	}
}
