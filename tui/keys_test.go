package tui

import (
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	tea "charm.land/bubbletea/v2"

	"tillscope/assets"
)

func TestEveryActionHasItsTexts(t *testing.T) {
	for _, id := range assets.Languages {
		l, err := assets.Language(id)
		if err != nil {
			t.Fatal(err)
		}
		for _, a := range actions {
			if !l.Has("action."+a.id) || a.hint && !l.Has("hint."+a.id) {
				t.Errorf("%s has no text in %s", a.id, id)
			}
		}
		for _, r := range regionNames {
			if !l.Has("pane." + r) {
				t.Errorf("region %s has no name in %s", r, id)
			}
		}
	}
}

func TestNoKeyIsDouble(t *testing.T) {
	if err := CheckKeys(nil); err != nil {
		t.Error(err)
	}
}

func TestRemappedKeys(t *testing.T) {
	for want, own := range map[string]map[string][]string{
		"no action \"nonsense\"":           {"nonsense": {"x"}},
		"\"q\" is the key of quit already": {"freeze": {"q"}},
		"no key \"cntrl+x\"":               {"freeze": {"cntrl+x"}}, // would never come
		"no key \"page down\"":             {"freeze": {"page down"}},
		"no key \"\"":                      {"freeze": {""}},
		"\"space\" is the key of freeze":   {"export": {" "}}, // as it is written, and as it is reported
		"\"x\" is the key of freeze":       {"freeze": {"x"}, "quit": {"x"}},
	} {
		if err := CheckKeys(own); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v: %v, want %s", own, err, want)
		}
	}
	for _, key := range []string{"f5", "ctrl+x", "alt+enter", "shift+tab", "ctrl+pgdown", "é", "冻", "+", "ctrl++"} {
		if err := CheckKeys(map[string][]string{"freeze": {key}, "previous": {"P"}, "pace.pause": {"p"}, "pair": {"="}}); err != nil {
			t.Errorf("%q: %v", key, err)
		}
	}
	// A key may go from one action to another when both are named.
	if err := CheckKeys(map[string][]string{"freeze": {"q"}, "quit": {"Q"}}); err != nil {
		t.Error(err)
	}
	m := newTest(t, "en", 120, 30)
	k, err := newKeymap(map[string][]string{"freeze": {"x"}})
	if err != nil {
		t.Fatal(err)
	}
	m.keys = k
	keys(m, "space")
	if m.frozen {
		t.Error("the old key still freezes")
	}
	keys(m, "x")
	if !m.frozen || !strings.Contains(shown(m), " x freeze ") {
		t.Error("the new key does not freeze, or the footer does not name it")
	}
}

// The documents name every key: they are made from the table, with go test ./tui -update.
func TestKeyReferenceIsFresh(t *testing.T) {
	for _, id := range assets.Languages {
		l, err := assets.Language(id)
		if err != nil {
			t.Fatal(err)
		}
		name := map[string]string{"en": "keys.md"}[id]
		if name == "" {
			name = "keys." + id + ".md"
		}
		name = filepath.Join("..", "docs", name)
		want := KeyReference(l)
		if f := flag.Lookup("update"); f != nil && f.Value.String() == "true" {
			if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(name, []byte(want), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		if got, err := os.ReadFile(name); err != nil || string(got) != want {
			t.Errorf("%s is stale (%v): run go test ./tui -update", name, err)
		}
	}
}

// Who knows one key only finds every action: the help lists it, says why it cannot run, and runs it.
func TestHelpRunsWhatIsChosen(t *testing.T) {
	m := newTest(t, "en", 120, 40)
	keys(m, "?", "freeze", "enter")
	if !m.frozen {
		t.Error("the help does not freeze")
	}
	keys(m, "?", "question: yes")
	if !strings.Contains(shown(m), "nothing is asked") {
		t.Errorf("the help does not say why there is nothing to answer:\n%s", shown(m))
	}
	keys(m, "esc", "?", "next column", "enter")
	if m.view != transactionsView || m.focus != transactions {
		t.Error("an action of another region does not go there")
	}
}

func TestPaletteFindsByLetters(t *testing.T) {
	m := newTest(t, "en", 120, 40)
	keys(m, ":", "lowb")
	list := m.dialog.(*menu).found(m)
	if len(list) == 0 || list[0].id != "lowbandwidth" {
		t.Errorf("lowb finds %v", list)
	}
	keys(m, "enter")
	if !m.low {
		t.Error("the palette does not run what it found")
	}
	if fuzzy("xz", "no such") >= 0 || fuzzy("nsu", "no such") < 0 {
		t.Error("letters that are not there, in order, are found")
	}
}

// A lone escape may be the beginning of a key: it must lead nowhere that cannot be undone.
func TestEscapeNeverQuits(t *testing.T) {
	m := newTest(t, "en", 120, 40)
	for range 50 {
		if _, cmd := m.Update(tea.KeyPressMsg{Code: tea.KeyEscape}); cmd != nil {
			if _, quits := cmd().(tea.QuitMsg); quits {
				t.Fatal("escape quits")
			}
		}
	}
}
