package tui

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"unicode/utf8"

	tea "charm.land/bubbletea/v2"

	"tillscope/assets"
)

// keymap is which keys run which action: the table of actions, with the user's own keys over it.
type keymap struct {
	keys map[string][]string // by action
	by   map[string][]action // by key, the actions of single regions before those of everywhere
}

// newKeymap overlays the user's keys: an action that the user names has those keys only, an empty list none. An unknown
// action and a key that two actions would share are errors that name them.
func newKeymap(own map[string][]string) (*keymap, error) {
	k := &keymap{keys: map[string][]string{}, by: map[string][]action{}}
	var errs []error
	wrong := func(id, format string, args ...any) {
		errs = append(errs, assets.Problemf("keys."+id, format, args...))
	}
	for _, id := range slices.Sorted(maps.Keys(own)) {
		if !slices.ContainsFunc(actions, func(a action) bool { return a.id == id }) {
			wrong(id, "no action %q: `tillscope --print-config` lists them", id)
		}
	}
	for _, a := range actions {
		keys, mine := own[a.id]
		if !mine {
			keys = a.keys
		}
		for i, key := range keys {
			if key == " " {
				key = "space"
				keys = slices.Clone(keys)
				keys[i] = key
			}
			if !pressable(key) {
				wrong(a.id, "no key %q: write one character, or its name as in space, enter, f5, pgdown, ctrl+x, alt+enter", key)
				continue
			}
			for _, b := range k.by[key] {
				if _, its := own[b.id]; !a.shares(b) {
					continue
				} else if !mine && !its {
					wrong(a.id, "the key %q belongs to %s and %s", key, b.id, a.id)
				} else if mine {
					wrong(a.id, "%q is the key of %s already: give that another one, too", key, b.id)
				} else {
					wrong(b.id, "%q is the key of %s already: give that another one, too", key, a.id)
				}
			}
			k.by[key] = append(k.by[key], a)
		}
		k.keys[a.id] = keys
	}
	for _, list := range k.by {
		slices.SortStableFunc(list, func(a, b action) int { return len(b.in) - len(a.in) })
	}
	return k, errors.Join(errs...)
}

// keyNames are those of keys that are no character, as Bubble Tea reports them.
var keyNames = func() map[string]bool {
	out := map[string]bool{"space": true}
	for _, k := range []rune{tea.KeyEnter, tea.KeyTab, tea.KeyEscape, tea.KeyBackspace, tea.KeyUp, tea.KeyDown, tea.KeyLeft, tea.KeyRight, tea.KeyHome, tea.KeyEnd,
		tea.KeyPgUp, tea.KeyPgDown, tea.KeyInsert, tea.KeyDelete, tea.KeyBegin, tea.KeyFind, tea.KeySelect} {
		out[tea.Key{Code: k}.Keystroke()] = true
	}
	for k := tea.KeyF1; k <= tea.KeyF24; k++ {
		out[tea.Key{Code: k}.Keystroke()] = true
	}
	return out
}()

// pressable says whether a terminal can ever report a key of that name; an action on any other would have no key at all.
func pressable(key string) bool {
	for _, mod := range []string{"ctrl+", "alt+", "shift+"} { // in this order, as they are reported
		if rest := strings.TrimPrefix(key, mod); rest != "" {
			key = rest
		}
	}
	return keyNames[key] || utf8.RuneCountInString(key) == 1 && key != " "
}

// shares says whether a key of both would be ambiguous: they work in the same region, or both everywhere. What works in one
// region comes before what works everywhere.
func (a action) shares(b action) bool {
	if len(a.in) == 0 || len(b.in) == 0 {
		return len(a.in) == len(b.in)
	}
	return slices.ContainsFunc(a.in, func(r region) bool { return slices.Contains(b.in, r) })
}

// first is the key that hints name, empty when the action has none.
func (k *keymap) first(id string) string {
	if keys := k.keys[id]; len(keys) > 0 {
		return keys[0]
	}
	return ""
}

// find is the action of a key in the focused region. Of several, the first that can run is taken, so that y copies where
// no question waits for it.
func (k *keymap) find(m *Model, key string) (found action, ok bool) {
	for _, a := range k.by[key] {
		if !a.here(m) {
			continue
		}
		if a.why(m) == "" {
			return a, true
		}
		if !ok {
			found, ok = a, true
		}
	}
	return found, ok
}

// KeyReference is the table of keys as a Markdown document, for the documents of the program.
func KeyReference(lang *assets.Lang) string {
	var b strings.Builder
	fmt.Fprintf(&b, "# %s\n\n%s\n\n| %s | %s | %s | %s |\n| --- | --- | --- | --- |\n",
		lang.T("keys.title"), lang.T("keys.about"), lang.T("keys.key"), lang.T("keys.does"), lang.T("keys.where"), lang.T("keys.id"))
	for _, a := range actions {
		keys := make([]string, len(a.keys))
		for i, k := range a.keys {
			keys[i] = "`" + k + "`"
		}
		where := make([]string, len(a.in))
		for i, r := range a.in {
			where[i] = lang.T("pane." + regionNames[r])
		}
		if len(where) == 0 {
			where = []string{lang.T("keys.everywhere")}
		}
		fmt.Fprintf(&b, "| %s | %s | %s | `%s` |\n", strings.Join(keys, " "), lang.T("action."+a.id), strings.Join(where, ", "), a.id)
	}
	return b.String()
}

// ActionKeys lists every action with its keys as shipped, in the order of the table, for the configuration file.
func ActionKeys() (ids []string, keys map[string][]string) {
	keys = map[string][]string{}
	for _, a := range actions {
		ids = append(ids, a.id)
		keys[a.id] = a.keys
	}
	return ids, keys
}

// CheckKeys says what is wrong with a user's keys.
func CheckKeys(own map[string][]string) error {
	_, err := newKeymap(own)
	return err
}
