package tui

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	tea "charm.land/bubbletea/v2"
	"github.com/charmbracelet/x/ansi"
	"github.com/charmbracelet/x/exp/golden"
	"github.com/moov-io/iso8583"

	"tillscope/assets"
	"tillscope/diagnostics"
	"tillscope/link"
	"tillscope/wire"
)

// testPAN was never issued.
const testPAN = "6224240000000007"

// watched is a session with a fixed line: a sign-on, an approved sale, a sale without money behind it, a reset, its
// reversal, bytes that are no message, and a response text that tries to steer the terminal.
func watched(t testing.TB, lang string) *diagnostics.Session {
	t.Helper()
	l, err := assets.Language(lang)
	if err != nil {
		t.Fatal(err)
	}
	s, err := diagnostics.NewSession(diagnostics.Options{Lang: l, Info: link.Info{Kind: "tap", Describe: "0.0.0.0:8583 -> 192.0.2.7:8583"}})
	if err != nil {
		t.Fatal(err)
	}
	at := time.Date(2026, 11, 24, 12, 4, 29, 0, time.Local)
	conn := uint64(0)
	ev := func(kind link.Kind, dir link.Dir, data []byte) {
		at = at.Add(38 * time.Millisecond)
		s.Handle(link.Event{At: at, Conn: conn, Terminal: "192.0.2.31:40001", Host: "192.0.2.7:8583", Kind: kind, Dir: dir, Data: data})
	}
	exchange := func(stan, code string, request, answer map[int]string) {
		conn++
		ev(link.Opened, link.ToHost, nil)
		base := map[int]string{3: "000000", 4: "000000012800", 11: stan, 41: "10010001", 42: "898310054110001", 49: "156"}
		mti := request[0]
		for k, v := range base {
			if mti != "0800" || k == 11 || k > 40 {
				request[k] = v
			}
		}
		ev(link.Data, link.ToHost, frame(t, request))
		if code == "" {
			ev(link.Reset, link.ToTerminal, nil)
			return
		}
		answer[0], answer[11], answer[39], answer[41], answer[42] = mti[:2]+"10", stan, code, "10010001", "898310054110001"
		ev(link.Data, link.ToTerminal, frame(t, answer))
		ev(link.Closed, link.ToHost, nil)
	}
	sale := func() map[int]string { return map[int]string{0: "0200", 2: testPAN, 22: "051", 60: "2200000100050"} }
	exchange("000001", "00", map[int]string{0: "0800", 60: "00000001003"}, map[int]string{37: "000000000001"})
	exchange("000002", "00", sale(), map[int]string{37: "000000000002", 38: "123456"})
	exchange("000003", "51", sale(), map[int]string{37: "000000000003", 63: "CUP\x1b[31m\x1b]0;owned\x07@@@@"})
	exchange("000004", "", sale(), nil)
	exchange("000005", "", sale(), nil)
	exchange("000004", "00", map[int]string{0: "0400", 2: testPAN, 22: "051", 39: "98", 60: "2200000100050"}, map[int]string{37: "000000000004"})
	conn++
	ev(link.Opened, link.ToHost, nil)
	ev(link.Data, link.ToHost, []byte("\x1b[2Jhello, this is no message at all\r\n"))
	ev(link.Closed, link.ToHost, nil)
	return s
}

// frame packs a message with TPDU and header.
func frame(t testing.TB, fields map[int]string) []byte {
	t.Helper()
	spec, err := wire.Spec("cup")
	if err != nil {
		t.Fatal(err)
	}
	m := iso8583.NewMessage(spec)
	for n, v := range fields {
		if n == 0 {
			m.MTI(v)
		} else if err := m.Field(n, v); err != nil {
			t.Fatal(n, err)
		}
	}
	body, err := m.Pack()
	if err != nil {
		t.Fatal(err)
	}
	body = bytes.ReplaceAll(body, []byte("@@@@"), []byte("\xd3\xe0\xb6\xee")) // GB18030, which the codec does not pack
	out := []byte{0, byte(11 + len(body)), 0x60, 0, 3, 0, 0, 0x60, 0x31, 0, 0x31, 0x10, 1}
	return append(out, body...)
}

func newTest(t testing.TB, lang string, w, h int) *Model {
	t.Helper()
	l, err := assets.Language(lang)
	if err != nil {
		t.Fatal(err)
	}
	m, err := newModel(Options{Session: watched(t, lang), Lang: l})
	if err != nil {
		t.Fatal(err)
	}
	m.Update(tea.WindowSizeMsg{Width: w, Height: h})
	return m
}

var special = map[string]rune{"left": tea.KeyLeft, "right": tea.KeyRight, "tab": tea.KeyTab, "enter": tea.KeyEnter, "esc": tea.KeyEscape, "up": tea.KeyUp, "down": tea.KeyDown,
	"end": tea.KeyEnd, "home": tea.KeyHome, "pgup": tea.KeyPgUp, "pgdown": tea.KeyPgDown, "space": tea.KeySpace}

// stroke is one key press by name.
func stroke(name string) tea.KeyPressMsg {
	if code, ok := special[name]; ok {
		return tea.KeyPressMsg{Code: code}
	}
	r := []rune(name)[0]
	return tea.KeyPressMsg{Code: r, Text: string(r)}
}

// keys presses keys by name; what is not a name is typed.
func keys(m *Model, names ...string) {
	for _, n := range names {
		if code, ok := special[n]; ok {
			m.Update(tea.KeyPressMsg{Code: code})
			continue
		}
		for _, r := range n {
			m.Update(tea.KeyPressMsg{Code: r, Text: string(r)})
		}
	}
}

// beat is one tick of the screen, with the snapshot that it takes.
func beat(m *Model) {
	if _, cmd := m.Update(tick{}); cmd != nil {
		m.Update(fetch(m.o.Session))
	}
}

func shown(m *Model) string { return ansi.Strip(m.View().Content) }

func TestGoldenScreens(t *testing.T) {
	for _, lang := range assets.Languages {
		for _, s := range [][2]int{{120, 30}, {80, 24}, {60, 18}} {
			t.Run(fmt.Sprintf("%s-%dx%d", lang, s[0], s[1]), func(t *testing.T) {
				// How sure the diagnosis is, is its own business.
				golden.RequireEqual(t, regexp.MustCompile(`[0-9]{2}%`).ReplaceAllString(shown(newTest(t, lang, s[0], s[1])), "nn%"))
			})
		}
	}
}

func TestNoCardNumberOnAnyScreen(t *testing.T) {
	m := newTest(t, "en", 200, 60)
	var all strings.Builder
	for range m.snap.Entries {
		all.WriteString(strings.Map(func(r rune) rune {
			if r == ' ' || r == '\n' {
				return -1
			}
			return r
		}, shown(m)))
		keys(m, "up")
	}
	if strings.Contains(all.String(), testPAN) || !strings.Contains(all.String(), "622424******0007") {
		t.Error("the card number is not masked as it should be")
	}
}

func TestFollowStopsAndResumes(t *testing.T) {
	m := newTest(t, "en", 120, 30)
	if !strings.Contains(shown(m), "following") {
		t.Fatal("a new screen does not follow")
	}
	keys(m, "up")
	sel := m.traffic().sel
	m.o.Session.(*diagnostics.Session).Handle(link.Event{At: m.snap.Now.Add(time.Second), Conn: 99, Terminal: "192.0.2.31:1", Host: "192.0.2.7:8583", Kind: link.Refused, Dir: link.ToTerminal})
	beat(m)
	if m.traffic().sel != sel || !strings.Contains(shown(m), "1 new below") {
		t.Errorf("the selection moved, or the new row is not counted: %s", shown(m)[:120])
	}
	keys(m, "G")
	if !strings.Contains(shown(m), "following") || m.traffic().current(m).Kind != link.Refused {
		t.Error("the end does not resume following")
	}
}

func TestFreezeHoldsTheScreenAndCounts(t *testing.T) {
	m := newTest(t, "en", 120, 30)
	keys(m, "space")
	before := m.snap
	s := m.o.Session.(*diagnostics.Session)
	s.Handle(link.Event{At: m.snap.Now.Add(time.Second), Conn: 50, Terminal: "192.0.2.31:1", Host: "192.0.2.7:8583", Kind: link.Opened})
	s.Handle(link.Event{At: m.snap.Now.Add(time.Second), Conn: 50, Terminal: "192.0.2.31:1", Host: "192.0.2.7:8583", Kind: link.Data, Data: frame(t, map[int]string{0: "0800", 11: "000009"})})
	beat(m)
	if m.snap != before || !strings.Contains(shown(m), "FROZEN +1") {
		t.Errorf("not frozen: %s", shown(m)[:120])
	}
	keys(m, "space")
	if m.snap == before {
		t.Error("still frozen")
	}
}

func TestFilterHidesAndClears(t *testing.T) {
	m := newTest(t, "en", 120, 30)
	all := m.traffic().n
	keys(m, "/", "insufficient")
	if n := m.traffic().n; n != 1 {
		t.Errorf("%d rows hold the word", n)
	}
	keys(m, "enter", "esc")
	if n := m.traffic().n; n != all {
		t.Errorf("%d rows after the filter was cleared, want %d", n, all)
	}
	keys(m, "/", "nonsense", "enter")
	if !strings.Contains(shown(m), "No row holds these words") {
		t.Error("an empty list does not say why")
	}
}

func TestFilterLanguage(t *testing.T) {
	m := newTest(t, "en", 120, 30)
	for filter, want := range map[string]int{
		"rc=51": 1, "rc!=51 mti=0210": 1, "amount>100 mti=0200": 4, "amount<100": 0, "type=sale rc=00": 2, // a sale and its reversal
		"terminal=T1 mti=0800":       1,
		"terminal=10010001 mti=0800": 1, "field.22~05 mti=0400": 1, "field.60.2=000001 mti=0400": 1, "cause=balance.*": 2, "cause=network.unstable mti=0200": 2,
		"arrived=no 0210": 1, "stan=000002": 2, "field.99=1": 0,
	} {
		m.setFilter(filter)
		if got := m.traffic().n; got != want || m.traffic().wrong != nil {
			t.Errorf("%q keeps %d rows, want %d (%v)", filter, got, want, m.traffic().wrong)
		}
	}
	for _, filter := range []string{"nonsense=1", "amount>x", "field.=1", "rc=[", "!"} {
		if _, err := parseFilter(filter); err == nil && filter != "!" {
			t.Errorf("%q is taken for a filter", filter)
		}
	}
	m.setFilter("")
	keys(m, "/", "colour=red")
	if !strings.Contains(shown(m), "colour is no key") {
		t.Error("a wrong filter is not named while it is typed")
	}
}

func TestSelectedFieldLightsItsBytes(t *testing.T) {
	m := newTest(t, "en", 120, 40)
	keys(m, "/", "000002 sale", "enter", "enter")
	p := m.panes[message].(*messagePane)
	m.View()
	for p.fields[p.at].ID != "4" {
		keys(m, "down")
	}
	out := m.View().Content
	lit := m.look.p(lit, "00")
	if strings.Count(out, lit) < 4 {
		t.Errorf("the bytes of the amount are not marked")
	}
}

func TestDiagnosisLeadsToItsEvidence(t *testing.T) {
	m := newTest(t, "en", 120, 30)
	keys(m, "tab", "tab", "tab", "enter")
	if e := m.snap.Causes[0].Evidence; m.traffic().sel != e[0] {
		t.Errorf("row %d is selected, the evidence begins with %d", m.traffic().sel, e[0])
	}
}

// The proof of a refusal is its response code: its bytes are lit when one comes there.
func TestEvidenceLightsItsBytes(t *testing.T) {
	m := newTest(t, "en", 120, 40)
	for i, c := range m.snap.Causes {
		if c.ID == "balance.insufficient" {
			keys(m, "3", "tab")
			for range i {
				keys(m, "j")
			}
			keys(m, "enter")
			m.View()
			if p := m.message(); p.fields[p.at].ID != "39" || p.fields[p.at].Value != "51" {
				t.Errorf("field %s is selected", p.fields[p.at].ID)
			}
			return
		}
	}
	t.Error("no cause to prove")
}

// Where the code proves nothing, the tree names the field that does: how the card was read, in a request.
func TestEvidenceLightsWhatTheTreeNames(t *testing.T) {
	m := newTest(t, "en", 80, 24)
	sale := 0
	for _, e := range m.snap.Entries {
		if e.Msg != nil && e.Msg.MTI == "0200" {
			sale = e.N
			break
		}
	}
	for _, c := range []struct {
		shows []string
		want  string
	}{{[]string{"22"}, "22"}, {[]string{"48", "60"}, "60"}, {[]string{"48", "60.2"}, "60.2"}, {nil, "2"}} {
		m.prove(diagnostics.Cause{Evidence: []int{sale}, Shows: c.shows}, 1)
		m.dirty = true
		m.View()
		if p := m.message(); p.fields[p.at].ID != c.want {
			t.Errorf("of %v, field %s is selected", c.shows, p.fields[p.at].ID)
		}
		m.message().of, m.message().chosen = nil, false
	}
}

func TestAnswerChangesTheVerdict(t *testing.T) {
	m := newTest(t, "en", 120, 40)
	keys(m, "y")
	if m.notice == "" {
		t.Error("an answer without a question says nothing")
	}
	s := m.o.Session.(*diagnostics.Session)
	ev := func(data []byte, dir link.Dir) {
		s.Handle(link.Event{At: m.snap.Now.Add(time.Second), Conn: 60, Terminal: "192.0.2.31:1", Host: "192.0.2.7:8583", Kind: link.Data, Dir: dir, Data: data})
	}
	totals := "000000012800001" + "000000000000000" // debits, credits
	settle := map[int]string{0: "0500", 11: "000009", 41: "10010001", 42: "898310054110001", 48: totals + "0" + strings.Repeat("0", 31), 60: "00000001201"}
	ev(frame(t, settle), link.ToHost)
	settle[0], settle[39], settle[48] = "0510", "00", totals+"1"+strings.Repeat("0", 30)+"1"
	ev(frame(t, settle), link.ToTerminal)
	beat(m)
	if len(m.snap.Questions) == 0 {
		t.Fatal("settled money raises no question")
	}
	keys(m, "tab", "tab", "tab", "y")
	for _, c := range m.snap.Causes {
		if c.ID == "risk.payout-hold" {
			return
		}
	}
	t.Errorf("answered yes, and the causes are %v", m.snap.Causes)
}

func TestQuitAsksWhileATapCarriesConnections(t *testing.T) {
	m := newTest(t, "en", 80, 24)
	if cmd := m.quit(); cmd != nil || !strings.Contains(shown(m), "connections so far") {
		t.Error("a tap that a shop sells through ends between two sales without a question")
	}
	keys(m, "n")
	m.o.Session.(*diagnostics.Session).Handle(link.Event{At: m.snap.Now, Conn: 77, Terminal: "192.0.2.31:1", Host: "192.0.2.7:8583", Kind: link.Opened})
	beat(m)
	if cmd := m.quit(); cmd != nil {
		t.Error("a tap with an open connection ends without a question")
	}
	m.dirty = true
	if !strings.Contains(shown(m), "carries 1 connection") {
		t.Error("the question does not say what ends")
	}
	keys(m, "n")
	if m.dialog != nil {
		t.Error("the question stays")
	}
}

func TestPlainWritesLinesAndEnds(t *testing.T) {
	s := watched(t, "en")
	s.End(nil)
	l, err := assets.Language("en")
	if err != nil {
		t.Fatal(err)
	}
	var out strings.Builder
	if err := Plain(context.Background(), &out, Options{Session: s, Lang: l, ASCII: true}); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"0200 sale", "51 insufficient funds", "connection reset by the host", "= network.unstable"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("%q is not written", want)
		}
	}
	if strings.ContainsAny(out.String(), "\x1b\x07") {
		t.Error("control characters of the line reached the output")
	}
}

// The keys answer the question under the cursor, else the first one: only that says so.
func TestOneQuestionIsAnsweredAtATime(t *testing.T) {
	m := newTest(t, "en", 120, 60)
	sn := *m.snap
	sn.Questions = []diagnostics.Question{{Node: "payout-held", Question: "Is it held?"}, {Node: "payout-returned", Question: "Did it come back?"}}
	m.snap = &sn
	for _, r := range []region{diagnosis, verdict} {
		page := ansi.Strip(strings.Join(m.panes[r].draw(m, 70, 200), "\n"))
		if !strings.Contains(page, "Is it held?") || !strings.Contains(page, "Did it come back?") || strings.Count(page, "y yes, n no") != 1 {
			t.Errorf("%s:\n%s", regionNames[r], page)
		}
	}
	answered := &answers{Session: m.o.Session}
	m.o.Session = answered
	again := func(m *Model) { m.snap = &sn } // an answer takes a new snapshot, which knows nothing of these questions
	keys(m, "3", "y")
	again(m)
	outline := m.panes[tree].(*treePane).outline(m)
	at := slices.IndexFunc(outline, func(n diagnostics.TreeNode) bool { return n.ID == "payout-returned" })
	keys(m, "g")
	for range at {
		keys(m, "j")
	}
	keys(m, "n")
	again(m)
	keys(m, "tab", "g")
	for range len(sn.Causes) + 1 {
		keys(m, "j")
	}
	if page := shown(m); !strings.Contains(page[strings.Index(page, "Did it come back?"):], "y yes, n no") {
		t.Errorf("the selected question does not name its keys:\n%s", page)
	}
	keys(m, "u")
	want := []string{"payout-held yes", "payout-returned no", "payout-returned unknown"}
	if !slices.Equal(answered.list, want) {
		t.Errorf("answered %v, want %v", answered.list, want)
	}
}

// answers notes what is answered.
type answers struct {
	Session
	list []string
}

func (a *answers) Answer(node, answer string) error {
	a.list = append(a.list, node+" "+answer)
	return nil
}

// The card of the verdict can be read to its end: its cursor stands on causes and questions only.
func TestVerdictIsReadToItsEnd(t *testing.T) {
	m := newTest(t, "en", 80, 24)
	sn := *m.snap
	for i := range 30 {
		sn.Path = append(sn.Path, diagnostics.Step{Node: "n", Question: fmt.Sprintf("Open question %d?", i), Answer: "unknown"})
	}
	m.snap = &sn
	keys(m, "3", "tab")
	for i := 0; !strings.Contains(shown(m), "Open question 29?"); i++ {
		if i == 100 {
			t.Fatalf("the end never comes in sight:\n%s", shown(m))
		}
		keys(m, "j")
	}
	keys(m, "g")
	if s := shown(m); strings.Contains(s, "Open question 29?") {
		t.Errorf("the first key does not lead to the beginning:\n%s", s)
	}
	keys(m, "G")
	if s := shown(m); !strings.Contains(s, "Open question 29?") {
		t.Errorf("the last key does not lead to the end:\n%s", s)
	}
}

// A source that fails says why: at once, in its lines, and where rows would be when there are none.
func TestAFailedSourceSaysWhy(t *testing.T) {
	for _, size := range [][3]int{{120, 30, 0}, {80, 24, 0}, {60, 18, 0}, {120, 30, 1}, {80, 24, 1}, {60, 18, 1}} {
		load := newLoad(t)
		for range size[2] {
			load.exchange(time.Now())
		}
		l, err := assets.Language("zh")
		if err != nil {
			t.Fatal(err)
		}
		m, err := newModel(Options{Session: load.session, Lang: l})
		if err != nil {
			t.Fatal(err)
		}
		m.Update(tea.WindowSizeMsg{Width: size[0], Height: size[1]})
		load.session.End(errors.New("packet 44\x1b[2J cannot be read"))
		m.take()
		if got := ansi.Strip(m.draw()); strings.Count(got, "cannot be read") != 2-size[2] {
			t.Errorf("%v: not at once\n%s", size, got)
		}
		m.Update(stroke("4"))
		if got := m.draw(); m.notice != "" || !strings.Contains(got, "cannot be read") || strings.Contains(got, "\x1b[2J") {
			t.Errorf("%v: not in its lines\n%s", size, ansi.Strip(got))
		}
	}
}
