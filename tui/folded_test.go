package tui

import (
	"bytes"
	"encoding/hex"
	"fmt"
	"strings"
	"testing"
	"time"

	tea "charm.land/bubbletea/v2"

	"tillscope/assets"
	"tillscope/diagnostics"
	"tillscope/link"
)

// busy is a session that lets go of what needs no look any more; sell makes so many approved sales more.
func busy(t *testing.T, lang string) (s *diagnostics.Session, sell func(n int)) {
	t.Helper()
	l, err := assets.Language(lang)
	if err != nil {
		t.Fatal(err)
	}
	s, err = diagnostics.NewSession(diagnostics.Options{Lang: l, RingSize: 256, Older: 100_000})
	if err != nil {
		t.Fatal(err)
	}
	const stan = "987654" // stands for each sale's own
	ask := frame(t, map[int]string{0: "0200", 2: testPAN, 3: "000000", 4: "000000012850", 11: stan, 22: "051", 41: "10010001", 42: "898310054110001", 49: "156", 60: "2200000100050"})
	answer := frame(t, map[int]string{0: "0210", 3: "000000", 4: "000000012850", 11: stan, 37: "000000000002", 38: "123456", 39: "00", 41: "10010001", 42: "898310054110001", 49: "156"})
	sold, at := 0, time.Date(2026, 11, 24, 12, 4, 29, 0, time.Local)
	return s, func(n int) {
		for range n {
			sold++
			number, _ := hex.DecodeString(fmt.Sprintf("%06d", sold))
			for dir, b := range [][]byte{ask, answer} {
				at = at.Add(20 * time.Millisecond)
				s.Handle(link.Event{At: at, Conn: 1, Terminal: "192.0.2.31:40001", Host: "192.0.2.7:8583", Kind: link.Data, Dir: link.Dir(dir),
					Data: bytes.Replace(b, []byte("\x98\x76\x54"), number, 1)})
			}
		}
	}
}

// The story of a transaction that is no longer kept one by one is told from the rows that are still there: from the traffic, and
// while somebody reads it.
func TestFoldedTransactionsKeepTheirStory(t *testing.T) {
	for _, lang := range assets.Languages {
		s, sell := busy(t, lang)
		l, _ := assets.Language(lang)
		m, err := newModel(Options{Session: s, Lang: l})
		if err != nil {
			t.Fatal(err)
		}
		m.Update(tea.WindowSizeMsg{Width: 120, Height: 40})
		sell(3)
		m.take()
		keys(m, "2", "home", "down", "tab")
		shown(m) // the second one is read
		sell(20_000)
		m.take()
		if m.snap.Transaction(2) != nil || m.snap.Transaction(700) != nil {
			t.Fatal("nothing was folded")
		}
		want := []string{"12850"[:3] + ".50", "STAN 000002", "RRN 000000000002", "622424******0007", "#3 ", "#4 ", m.t("stage.confirmed"), m.t("story.folded")[:12], m.t("story.arrived.unknown")[:12]}
		check := func(when string) {
			t.Helper()
			for _, w := range want {
				if !strings.Contains(shown(m), w) {
					t.Errorf("%s, %s: no %q:\n%s", lang, when, w, shown(m))
				}
			}
		}
		check("while it is read")
		keys(m, "1")
		m.traffic().show(m, 4)
		keys(m, "t")
		check("from its row")
		keys(m, "home", "enter") // of its time line
		if m.view != scope || m.traffic().sel != 3 {
			t.Errorf("%s: its request is not reached: %q, #%d", lang, m.notice, m.traffic().sel)
		}
		keys(m, "esc")
		check("on coming back")
		keys(m, "tab", "down")
		if x := m.transactions().current(m); x == nil || x.N == 2 || strings.Contains(shown(m), m.t("story.folded")[:12]) {
			t.Errorf("%s: the table does not go on:\n%s", lang, shown(m))
		}
		if !strings.Contains(shown(m), "16003") {
			t.Errorf("%s: the numbers are cut:\n%s", lang, shown(m))
		}
	}
}
