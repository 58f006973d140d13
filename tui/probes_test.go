package tui

import (
	"context"
	"strings"
	"testing"
	"time"

	"tillscope/diagnostics"
	"tillscope/link"
)

// A probe runs when it is chosen, one that risks something only when it was confirmed, and what it found answers the tree.
func TestProbesAskBeforeTheyRisk(t *testing.T) {
	m := full(t, "en", false)
	m.w, m.h = 120, 40
	var ran []string
	m.o.Probe = func(_ context.Context, p link.Probe, l diagnostics.Line, confirmed bool) link.Finding {
		ran = append(ran, p.ID)
		if p.Confirm && !confirmed {
			t.Errorf("%s ran unconfirmed", p.ID)
		}
		return link.Finding{Probe: p.ID, Outcome: "refused", Args: []any{l.Host}, Took: time.Millisecond}
	}
	do := func(name string) {
		t.Helper()
		before := len(ran)
		_, cmd := m.Update(stroke(name))
		if cmd == nil {
			return
		}
		m.Update(cmd())
		if len(ran) != before+1 {
			t.Errorf("%q ran %v", name, ran[before:])
		}
	}
	keys(m, "3", "t")
	if !strings.Contains(shown(m), "Nothing here can move money") {
		t.Fatal(shown(m))
	}
	keys(m, "j")
	do("enter")
	if len(ran) != 1 || ran[0] != "tcp" || !strings.Contains(shown(m), "the host is there and refuses") {
		t.Errorf("ran %v:\n%s", ran, shown(m))
	}
	for link.Probes[m.dialog.(*probes).at].ID != "echo" {
		keys(m, "j")
	}
	do("enter")
	if len(ran) != 1 || !strings.Contains(shown(m), "Do it, knowing this?") {
		t.Error("the echo is not asked about")
	}
	do("n")
	if len(ran) != 1 {
		t.Error("the echo ran although it was refused")
	}
	do("enter")
	do("y")
	if len(ran) != 2 || ran[1] != "echo" {
		t.Errorf("ran %v", ran)
	}
	keys(m, "esc")
	if m.dialog != nil {
		t.Error("esc does not close")
	}
}

func TestFindingsAnswerTheirQuestions(t *testing.T) {
	for _, c := range []struct{ outcome, cause, want string }{
		{"refused", "network.server-down", "yes"}, {"refused", "network.carrier-outage", "no"}, {"silent", "network.carrier-outage", "yes"},
		{"open", "network.server-down", "no"}, {"open", "network.carrier-outage", "no"}, {"open", "data.slow", ""}, {link.Cancelled, "network.server-down", ""},
	} {
		if got := tells(link.Finding{Probe: "tcp", Outcome: c.outcome, OK: c.outcome == "open"}, c.cause); got != c.want {
			t.Errorf("%s tells %q of %s, want %q", c.outcome, got, c.cause, c.want)
		}
	}
}
