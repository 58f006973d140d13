package diagnostics

import (
	"fmt"
	"strings"
	"testing"

	"tillscope/assets"
)

func TestEveryCodeIsExplained(t *testing.T) {
	codes, err := Codes()
	if err != nil {
		t.Fatal(err)
	}
	var want []string
	for n := range 100 {
		want = append(want, fmt.Sprintf("%02d", n))
	}
	want = append(want, "A0", "A1", "A2", "A3", "A4", "A5", "A6", "A7")
	want = append(want, strings.Fields("1A N0 N3 N4 N7 P5 P6 Q1 R0 R1 R3 XA XD Y1 Y3 Z1 Z3")...) // abroad, and without a host
	for _, id := range want {
		if _, ok := codes[id]; !ok {
			t.Errorf("code %s is not there", id)
		}
	}
	for id, c := range codes {
		for _, lang := range assets.Languages {
			l, err := assets.Language(lang)
			if err != nil {
				t.Fatal(err)
			}
			keys := []string{"explain.do." + c.Do, "explain.class." + c.Class, "explain.money." + c.Money}
			if c.Note != "" {
				keys = append(keys, "explain.note."+c.Note)
			}
			if c.Cause != "" {
				keys = append(keys, "cause."+c.Cause)
			}
			for _, w := range c.Who {
				keys = append(keys, "who."+w)
			}
			for _, k := range keys {
				if !l.Has(k) {
					t.Errorf("code %s: %s has no text in %s", id, k, lang)
				}
			}
		}
	}
}

func TestActionCodesOf1993(t *testing.T) {
	for in, want := range map[string]string{"000": "00", "116": "51", "912": "91", "0000": "00", "1016": "51", "8000": "00", "9009": "96", "915": "95", "a0": "A0", " 55": "55", "777": "777", "": ""} {
		if got := CodeOf(in); got != want {
			t.Errorf("%q is read as %q, want %q", in, got, want)
		}
	}
}

func TestMistakesInCodesAreNamed(t *testing.T) {
	for src, want := range map[string]string{
		`"51": {class: C, en: x, zh: y, do: later, money: "no", branch: moon}`: "codes.yaml:1: code 51: no branch",
		"\n\"51\": {class: Z, en: x, zh: y, do: later, money: \"no\"}":         "codes.yaml:2: code 51: no class",
		`"51": {clazz: C}`: "clazz",
	} {
		if _, err := parseCodes("codes.yaml", []byte(src), nil); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %q named", src, err, want)
		}
	}
}
