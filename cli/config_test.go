package cli

import (
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/adrg/xdg"

	"tillscope/assets"
	"tillscope/link"
)

// at takes configuration and state to a folder of the test.
func at(t *testing.T, file string) {
	t.Helper()
	dir := t.TempDir()
	t.Setenv("XDG_CONFIG_HOME", dir)
	t.Setenv("XDG_STATE_HOME", filepath.Join(dir, "state"))
	xdg.Reload()
	t.Cleanup(xdg.Reload)
	if file == "" {
		return
	}
	if err := os.MkdirAll(configFolder(), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(configFolder(), "config.yaml"), []byte(file), 0o600); err != nil {
		t.Fatal(err)
	}
}

func TestConfigErrorsNameFileAndReason(t *testing.T) {
	for file, want := range map[string]string{
		"nonsense: 1\n":               "config.yaml:1: nothing is called",
		"theme: pink\n":               "choose one of",
		"lang: tlh\n":                 "tlh",
		"sync: maybe\n":               "auto, on or off",
		"keys: {freeze: [q]}\n":       "key of quit already",
		"keys: {no-such-thing: []}\n": "no action",
		"theme: [\n":                  "config.yaml",
	} {
		at(t, file)
		if _, err := readConfig(); err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), "config.yaml") {
			t.Errorf("%q: %v, want %q", file, err, want)
		}
	}
}

// Mistakes are told in the language of who made them, each with its line, and so are those in a theme: that of the environment, or
// that of the file, as far as it can be read.
func TestConfigErrorsSpeakTheLanguage(t *testing.T) {
	t.Setenv("LC_ALL", "zh_CN.UTF-8")
	for file, want := range map[string]string{
		"\nnonsense: 1\n":      `config.yaml:2: 这里没有 "nonsense" 这一项`,
		"theme: pink\n":        `config.yaml:1: 没有主题 "pink"：可选 colour-blind, `,
		"ascii: x\nlang: zh\n": "config.yaml:1: 这里应为 true 或 false",
		"mouse: [1,\n":         "config.yaml:1: 从这里开始的括号或引号没有结束",
		"lang: tlh\nkeys:\n  open: []\n  freeze: [q, no]\n": "config.yaml:4: 没有按键 \"no\"：",
		"lang: tlh\nkeys:\n  open: []\n  freeze: [q]\n#\n":  "config.yaml:1: 没有语言 \"tlh\"：可选 en, zh\n",
		"keys: {freeze: [q]}\n":                             `config.yaml:1: "q" 已是 quit 的按键`,
		"lang: en\nnonsense: 1\n":                           `config.yaml:2: nothing is called "nonsense" here`,
		"lang: \"en\nnonsense: 1\n":                         "config.yaml:1: a bracket or a quotation mark",
		"- a\n":                                             "config.yaml:1: 这里应为带值的名称",
	} {
		at(t, file)
		if err := saidOf(t, "sim"); !strings.Contains(err, want) {
			t.Errorf("%q is told as\n%s, want\n%s", file, err, want)
		}
	}
	for file, want := range map[string]string{
		"id: x\ntokens:\n  bad: {fg: pinkish}\n": `x.yaml:3: 没有颜色 "pinkish"`,
		"id: x\ntokens:\n  ugly: {}\n":           `x.yaml:3: 没有 "ugly" 这种标记`,
		"title: {en: x}\n":                       "x.yaml:1: 主题需要一个 id",
	} {
		at(t, "theme: x\n")
		themes := filepath.Join(configFolder(), "themes")
		if err := errors.Join(os.Mkdir(themes, 0o700), os.WriteFile(filepath.Join(themes, "x.yaml"), []byte(file), 0o600)); err != nil {
			t.Fatal(err)
		}
		if err := saidOf(t, "sim"); !strings.Contains(err, want) {
			t.Errorf("%q is told as\n%s, want\n%s", file, err, want)
		}
	}
	at(t, "lang: en\n")
	if err := saidOf(t, "sim", "--lang", "tlh"); err != `lang: no language "tlh": choose one of en, zh` {
		t.Error(err)
	}
}

// saidOf runs the command line and answers its error as Main tells it.
func saidOf(t *testing.T, args ...string) string {
	t.Helper()
	root := newRoot()
	root.SetArgs(args)
	c, err := root.ExecuteC()
	if err == nil {
		t.Fatal("nothing is wrong")
	}
	return helpLanguage(c).Say(err.Error())
}

// An empty file says nothing, and changes nothing.
func TestEmptyConfigKeepsTheDefaults(t *testing.T) {
	at(t, "")
	want, _ := readConfig()
	for _, file := range []string{" ", "# nothing\n", "keys:\n"} {
		at(t, file)
		if c, err := readConfig(); err != nil || !reflect.DeepEqual(c, want) {
			t.Errorf("%q: %+v, %v", file, c, err)
		}
	}
}

// What --print-config prints is a configuration that says the same.
func TestPrintedConfigReadsBack(t *testing.T) {
	at(t, "theme: dark\nlow-bandwidth: true\nkeys: {freeze: [x]}\n")
	c, err := readConfig()
	if err != nil {
		t.Fatal(err)
	}
	var out strings.Builder
	if err := c.print(&out); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(configFolder(), "config.yaml"), []byte(out.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	again, err := readConfig()
	if err != nil || !reflect.DeepEqual(c, again) {
		t.Errorf("%+v became %+v (%v) through\n%s", c, again, err, out.String())
	}
}

func TestFlagsGoBeforeTheConfiguration(t *testing.T) {
	at(t, "theme: dark\nlang: zh\n")
	out, err := run(t, "", "--print-config", "--theme", "mono")
	if err != nil || !strings.Contains(out, "theme: mono ") || !strings.Contains(out, "lang: zh ") {
		t.Errorf("%v %s", err, out)
	}
}

// The schema names exactly the keys that the program reads.
func TestSchemaIsFresh(t *testing.T) {
	b, err := os.ReadFile(filepath.Join("..", "assets", "config.schema.json"))
	if err != nil {
		t.Fatal(err)
	}
	var schema struct {
		Properties map[string]struct {
			Enum []string `json:"enum"`
		} `json:"properties"`
	}
	if err := json.Unmarshal(b, &schema); err != nil {
		t.Fatal(err)
	}
	fields := reflect.VisibleFields(reflect.TypeFor[config]())
	for _, f := range fields {
		if _, ok := schema.Properties[f.Tag.Get("yaml")]; !ok {
			t.Errorf("the schema lacks %s", f.Tag.Get("yaml"))
		}
	}
	if len(schema.Properties) != len(fields) {
		t.Errorf("the schema has %d keys, the configuration %d", len(schema.Properties), len(fields))
	}
	if !reflect.DeepEqual(schema.Properties["lang"].Enum, assets.Languages) {
		t.Error("the schema has other languages")
	}
}

func TestHintsStayAway(t *testing.T) {
	at(t, "")
	if !firstRun() {
		t.Error("the first run is not the first")
	}
	if err := keepHints(false); err != nil || firstRun() {
		t.Error("hints that were put away come back", err)
	}
	if err := keepHints(true); err != nil || !firstRun() {
		t.Error("hints do not come back when asked", err)
	}
}

func TestRecentSourcesAreOfferedFirst(t *testing.T) {
	at(t, "")
	for _, up := range []string{"192.0.2.7:1", "192.0.2.8:1", "192.0.2.7:1"} {
		if err := remember("tap", map[string]string{"listen": "127.0.0.1:0", "upstream": up}); err != nil {
			t.Fatal(err)
		}
	}
	list := offered()
	if len(list) < 4 || !strings.Contains(list[0].Title, "192.0.2.7:1") || !strings.Contains(list[1].Title, "192.0.2.8:1") || list[2].Title != "" {
		t.Errorf("offered: %+v", list)
	}
	if err := os.WriteFile(recentFile(), []byte("[{"), 0o600); err != nil {
		t.Fatal(err)
	}
	if len(recalled()) != 0 {
		t.Error("a broken list is believed")
	}
}

func TestSourceChecksSayWhatToDo(t *testing.T) {
	for s, check := range map[string]func(string) error{"nonsense": link.CheckHost, "no port": listenable, "/no/such/file": readable, t.TempDir(): readable} {
		if check(s) == nil {
			t.Errorf("%s passes", s)
		}
	}
	if err := listenable("127.0.0.1:0"); err != nil {
		t.Error(err)
	}
}
