package wire

import (
	"strings"
	"testing"

	"tillscope/assets"
)

// Every name that a shipped dialect gives has one in Chinese, and every code that has a meaning belongs to a family.
func TestNamesInEveryLanguage(t *testing.T) {
	all, err := dialects()
	if err != nil {
		t.Fatal(err)
	}
	families := map[string]bool{"emv": true}
	names := map[string]bool{"Reversal reason": true, "Message type indicator (MTI)": true, "Bitmap": true}
	for _, d := range all {
		families[d.values] = true
		for _, df := range d.defs {
			if df == nil {
				continue
			}
			names[df.name] = true
			for _, l := range df.layouts {
				for _, p := range l.Parts {
					names[p.name] = true
				}
			}
		}
	}
	for _, parts := range headerForm {
		for _, p := range parts {
			names[p.name] = true
		}
	}
	for _, name := range tagNames {
		names[name] = true
	}
	for _, id := range assets.Languages[1:] {
		l, err := assets.Language(id)
		if err != nil {
			t.Fatal(err)
		}
		for name := range names {
			if !l.Has("field." + name) {
				t.Errorf("%s has no name for %q", id, name)
			}
		}
		for _, key := range l.Keys() {
			if family, ok := strings.CutPrefix(key, "value."); ok && !families[strings.Split(family, ".")[0]] {
				t.Errorf("%s: no dialect has these values", key)
			}
			if name, ok := strings.CutPrefix(key, "field."); ok && !names[name] && name != "Header" {
				t.Errorf("%s: no dialect has this name", key)
			}
		}
	}
}

func TestMeaning(t *testing.T) {
	en, err := assets.Language("en")
	if err != nil {
		t.Fatal(err)
	}
	m, _, err := Decode(sale(t, "000001"), Options{})
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]string{}
	for _, f := range append(m.HeaderParts(), m.Fields()...) {
		got[f.ID] = m.Meaning(f, en)
	}
	for id, want := range map[string]string{"cup.request": "nothing", "cup.application": "stripe, financial", "22.1": "chip, with contact", "22.2": "PIN entered", "49": "CNY", "60.1": "purchase", "60.4": "stripe and chip contact", "2": "", "41": "", "52": ""} {
		if got[id] != want {
			t.Errorf("%s means %q, want %q", id, got[id], want)
		}
	}
	if tvr := verification("0040048000", en); tvr != "expired application; online PIN entered; over the floor limit" {
		t.Errorf("the verification results are %q", tvr)
	}
}
