package cli

import (
	"encoding/json"
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
		"nonsense: 1\n":               "unknown field",
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
