package tui

import (
	"slices"
	"strings"
	"testing"

	"tillscope/sim"
)

// An exercise hides the truth on the screen until it is revealed, and scores the answer against it.
func TestExerciseHidesRevealsAndScores(t *testing.T) {
	m := full(t, "en", false)
	m.w, m.h = 120, 60
	keys(m, "f", "X")
	store := m.trainer()
	truth := ""
	for _, a := range store.List() {
		if !a.Hidden {
			t.Errorf("%s is not hidden", a.Fault.Kind)
		}
		truth = a.Cause
		if screen := shown(m); strings.Contains(screen, a.Fault.Kind) || strings.Contains(screen, m.t("cause."+a.Cause)) {
			t.Errorf("the screen tells of %s", a.Fault.Kind)
		}
	}
	if s := shown(m); !strings.Contains(s, "Faults are hidden") || strings.Contains(s, "faults at work") || strings.Contains(s, "Nothing is wrong") || strings.Contains(s, itoa(len(store.List()))+" fault") {
		t.Errorf("the desk lies about what is hidden, or tells:\n%s", s)
	}
	wrong := slices.DeleteFunc([]string{"risk.limit", "balance.insufficient", "data.slow"}, func(id string) bool { return id == truth })
	m.desk().answers = append([]string{truth}, wrong[:2]...) // the truth is drawn by lot
	keys(m, "R")
	s := m.desk().score
	if s == nil || len(s.right) != 1 || s.right[0] != truth || len(s.wrong)+len(s.right) != 3 || s.percent == 0 || s.percent == 100 {
		t.Fatalf("score %+v for truth %s", s, truth)
	}
	if !strings.Contains(shown(m), m.t("cause."+truth)) {
		t.Error("the truth is not revealed")
	}
}

func TestTrainerClearsAndPaces(t *testing.T) {
	m := full(t, "en", false)
	m.w, m.h = 120, 60
	store := m.trainer()
	before := len(store.List())
	keys(m, "f", "j", "d", "P", ">", ">")
	if len(store.List()) != before-1 || !store.Paused() || store.Speed() != 4 {
		t.Errorf("%d faults of %d, paused %v, speed %v", len(store.List()), before, store.Paused(), store.Speed())
	}
	keys(m, "x")
	if a := store.List(); !a[0].Hidden && !a[1].Hidden {
		t.Error("nothing was hidden")
	}
	if s := shown(m); !strings.Contains(s, "2 faults that are not hidden are at work") || !strings.Contains(s, "Faults are hidden") || !strings.Contains(s, "exercise is running") {
		t.Errorf("one hidden, one not:\n%s", s)
	}
	keys(m, "D")
	if s := shown(m); len(store.List()) != 0 || !strings.Contains(s, "0 faults at work") || strings.Contains(s, "exercise is running") {
		t.Errorf("not all are cleared, or an exercise without a fault goes on:\n%s", s)
	}
	m.o.Trainer = nil
	keys(m, "esc", "esc", "f")
	if m.view == trainerView || m.notice == "" {
		t.Error("a line that is no simulator has a trainer")
	}
}

// Every parameter that a kind of faults takes can be typed, and reads back as it was typed.
func TestEveryParameterCanBeTyped(t *testing.T) {
	values := map[string]string{"terminals": "1 2", "issuers": "622424", "codes": "51 91", "value": "99", "mode": "enq", "share": "0.3", "after": "2",
		"until": "9", "rate": "300", "count": "4", "amount": "100", "wait": "2s", "begin": "30s", "end": "5m0s"}
	for _, k := range sim.Kinds() {
		var f sim.Fault
		for _, name := range append(append([]string{}, k.Needs...), k.Takes...) {
			p, ok := parameters[name]
			if !ok {
				t.Errorf("%s takes %s, which cannot be typed", k.ID, name)
				continue
			}
			if err := p.set(&f, values[name]); err != nil || p.get(&f) != values[name] {
				t.Errorf("%s %s: %v, %q", k.ID, name, err, p.get(&f))
			}
			if err := p.set(&f, ""); err != nil || p.get(&f) != "" {
				t.Errorf("%s %s: an empty text is not none", k.ID, name)
			}
		}
	}
	for name, bad := range map[string]string{"terminals": "x", "share": "2", "wait": "soon", "after": "-1"} {
		if parameters[name].set(&sim.Fault{}, bad) == nil {
			t.Errorf("%s takes %q", name, bad)
		}
	}
}
