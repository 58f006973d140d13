package tui

import (
	"strings"
	"testing"
	"time"

	tea "charm.land/bubbletea/v2"

	"tillscope/assets"
	"tillscope/diagnostics"
	"tillscope/link"
)

// Whatever happens to a connection has words in every language, and is kept with its numbers.
func TestEveryLineEventHasWords(t *testing.T) {
	quiet := map[link.Kind]bool{link.Opened: true, link.Data: true, link.HalfClose: true, link.Closed: true, link.Stood: true} // the last is about who watched, and no row
	for _, id := range assets.Languages {
		l, err := assets.Language(id)
		if err != nil {
			t.Fatal(err)
		}
		wr := writer{lang: l, look: newLook(false, nil)}
		for kind := range link.Kinds {
			for _, dir := range []link.Dir{link.ToHost, link.ToTerminal} {
				s, err := diagnostics.NewSession(diagnostics.Options{Lang: l})
				if err != nil {
					t.Fatal(err)
				}
				ev := link.Event{At: time.Unix(1, 0), Conn: 1, Terminal: "192.0.2.31:1", Host: "192.0.2.7:1"}
				s.Handle(ev) // it stands
				s.Handle(link.Event{At: ev.At, Conn: 1, Terminal: ev.Terminal, Host: ev.Host, Kind: kind, Dir: dir,
					Took: 3 * time.Second, Lost: 7, Size: 11, Count: 2, Note: "DSR off\x1b[2J"})
				rows := s.Snapshot().Entries
				if quiet[kind] {
					continue
				}
				if len(rows) != 1 || rows[0].Took != 3*time.Second || rows[0].Size != 11 || s.Snapshot().Lines[0].Events[kind] != 1 {
					t.Errorf("kind %d: rows %+v", kind, rows)
					continue
				}
				if w := wr.event(rows[0]); w == "" || strings.Contains(w, "event.") || strings.ContainsAny(w, "%\x1b") {
					t.Errorf("kind %d in %s: %q", kind, id, w)
				}
			}
		}
	}
	s, err := diagnostics.NewSession(diagnostics.Options{})
	if err != nil {
		t.Fatal(err)
	}
	s.Handle(link.Event{Conn: 1, Kind: link.Kinds + 5, Note: "of a later version"})
	if rows := s.Snapshot().Entries; len(rows) != 1 || rows[0].Note == "" {
		t.Errorf("an event that nobody knows gives %+v", rows)
	}
}

// An event shows what it broke off, with its bytes, masked; enter goes there.
func TestEventsShowWhatTheyBrokeOff(t *testing.T) {
	m := newTest(t, "en", 120, 40)
	keys(m, "/", "reset", "enter", "tab")
	e := m.traffic().current(m)
	if e == nil || e.Kind != link.Reset {
		t.Fatalf("the selected row is %+v", e)
	}
	x := m.before(e)
	if x == nil || x.Terminal != e.Terminal || x.N >= e.N {
		t.Fatalf("before it was %+v", x)
	}
	if s := shown(m); !strings.Contains(s, "Before it, #"+itoa(x.N)) || !strings.Contains(s, "0000 00") || strings.Contains(s, testPAN) {
		t.Errorf("the message is not shown:\n%s", s)
	}
	keys(m, "enter")
	if now := m.traffic().current(m); now == nil || now.N != x.N || m.focus != message {
		t.Errorf("enter goes to %+v", now)
	}
}

// A request whose answer the capture may lack is said to have none only when there was none.
func TestAnswerThatWasNotCaptured(t *testing.T) {
	for _, id := range assets.Languages {
		s := watched(t, id)
		at := s.Snapshot().Now.Add(time.Second)
		ev := func(kind link.Kind, dir link.Dir, data []byte) {
			at = at.Add(10 * time.Millisecond)
			s.Handle(link.Event{At: at, Conn: 99, Terminal: "192.0.2.31:49999", Host: "192.0.2.7:8583", Kind: kind, Dir: dir, Data: data, Lost: 80})
		}
		ev(link.Opened, link.ToHost, nil)
		ev(link.Data, link.ToHost, frame(t, map[int]string{0: "0200", 2: testPAN, 3: "000000", 4: "000000004200", 11: "000042", 41: "10010001", 42: "898310054110001", 49: "156", 60: "2200000100050"}))
		ev(link.Gap, link.ToTerminal, nil)
		ev(link.Closed, link.ToHost, nil)
		s.End(nil)
		l, err := assets.Language(id)
		if err != nil {
			t.Fatal(err)
		}
		m, err := newModel(Options{Session: s, Lang: l})
		if err != nil {
			t.Fatal(err)
		}
		m.Update(tea.WindowSizeMsg{Width: 120, Height: 30})
		for line := range strings.Lines(shown(m)) {
			if strings.Contains(line, "¥42.00") {
				if want := m.t("row.unseen"); !strings.Contains(line, want) {
					t.Errorf("%s: %q has no %q", id, line, want)
				}
				at = time.Time{}
			}
		}
		if !at.IsZero() {
			t.Errorf("%s: no row of the request:\n%s", id, shown(m))
		}
	}
}
