package cli

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"github.com/adrg/xdg"

	"tillscope/assets"
	"tillscope/tui"
)

// config is the configuration file, tillscope/config.yaml in the user's configuration folder. Flags go before it. What it
// leaves out keeps its default, so that a newer program brings its new keys along. assets/config.schema.json describes it
// for editors.
type config struct {
	Lang  string              `yaml:"lang"`
	Theme string              `yaml:"theme"`
	ASCII bool                `yaml:"ascii"`
	Plain bool                `yaml:"plain"`
	Low   bool                `yaml:"low-bandwidth"`
	Mouse bool                `yaml:"mouse"`
	Sync  string              `yaml:"sync"`
	Keys  map[string][]string `yaml:"keys"`
}

func configFolder() string { return filepath.Join(xdg.ConfigHome, "tillscope") }

func stateFolder() string { return filepath.Join(xdg.StateHome, "tillscope") }

// readConfig reads the file; without one, the defaults. Errors carry file and line, and come with the language that the file
// names as far as it can be read.
func readConfig() (config, error) {
	c := config{Lang: defaultLanguage(), Theme: "terminal", Sync: "auto"}
	name := filepath.Join(configFolder(), "config.yaml")
	b, err := os.ReadFile(name)
	if errors.Is(err, fs.ErrNotExist) {
		return c, nil
	}
	if err != nil {
		return c, fmt.Errorf("the configuration cannot be read: %w", err)
	}
	file, err := assets.ReadYAML(name, b, &c)
	if err == nil {
		err = file.Place(c.check())
	}
	if err != nil {
		if said := langLine.FindSubmatch(b); said != nil {
			c.Lang = string(said[1])
		}
		return c, usageError{err}
	}
	return c, nil
}

// langLine finds the language in a file that cannot be read as a whole: its mistakes are to be told in it.
var langLine = regexp.MustCompile(`(?m)^lang:[ "']*([a-z]+)`)

// check finds all that is wrong at once.
func (c config) check() error {
	var errs []error
	if !slices.Contains([]string{"auto", "on", "off"}, c.Sync) {
		errs = append(errs, assets.Problemf("sync", "no way %q to show frames: choose auto, on or off", c.Sync))
	}
	if _, err := assets.Language(c.Lang); err != nil {
		errs = append(errs, assets.Problemf("lang", "%v", err))
	}
	ids, err := themeIDs()
	if err != nil {
		errs = append(errs, err)
	} else if !slices.Contains(ids, c.Theme) {
		errs = append(errs, assets.Problemf("theme", "no theme %q: choose one of %s", c.Theme, strings.Join(ids, ", ")))
	}
	return errors.Join(append(errs, tui.CheckKeys(c.Keys))...)
}

// themeIDs are the themes that there are, those of the user among them.
func themeIDs() (ids []string, err error) {
	themes, err := tui.Themes(filepath.Join(configFolder(), "themes"))
	for _, t := range themes {
		ids = append(ids, t.ID)
	}
	return ids, err
}

// print writes the configuration that holds, as a file that says the same.
func (c config) print(w io.Writer) error {
	ids, err := themeIDs()
	if err != nil {
		return err
	}
	var b strings.Builder
	fmt.Fprintf(&b, "# %s\n", filepath.Join(configFolder(), "config.yaml"))
	fmt.Fprintf(&b, "# Flags go before what stands here; what is left out keeps its default.\n")
	fmt.Fprintf(&b, "lang: %s # %s\n", c.Lang, strings.Join(assets.Languages, ", "))
	fmt.Fprintf(&b, "theme: %s # %s, or a file of yours in %s\n", c.Theme, strings.Join(ids, ", "), filepath.Join(configFolder(), "themes"))
	fmt.Fprintf(&b, "ascii: %v # no symbol or border beyond ASCII\n", c.ASCII)
	fmt.Fprintf(&b, "plain: %v # lines in place of the full screen\n", c.Plain)
	fmt.Fprintf(&b, "low-bandwidth: %v # it also comes by itself when the terminal is slow\n", c.Low)
	fmt.Fprintf(&b, "mouse: %v\n", c.Mouse)
	fmt.Fprintf(&b, "sync: %s # frames shown whole: auto, on, off\n", c.Sync)
	fmt.Fprintf(&b, "# Keys by action: an action that is named here has these keys and no others. These are all, as they hold:\nkeys:\n")
	ids, keys := tui.ActionKeys()
	for _, id := range ids {
		k, mine := c.Keys[id]
		lead := "  "
		if !mine {
			k, lead = keys[id], "  # "
		}
		quoted := make([]string, len(k))
		for i := range k {
			quoted[i] = fmt.Sprintf("%q", k[i])
		}
		fmt.Fprintf(&b, "%s%s: [%s]\n", lead, id, strings.Join(quoted, ", "))
	}
	_, err = io.WriteString(w, b.String())
	return err
}

// hintsAway is the file that says that the hints of the first run were put away.
func hintsAway() string { return filepath.Join(stateFolder(), "hints-away") }

// keepHints remembers whether hints are shown.
func keepHints(show bool) error {
	var err error
	if show {
		if err = os.Remove(hintsAway()); errors.Is(err, fs.ErrNotExist) {
			err = nil
		}
	} else if err = os.MkdirAll(stateFolder(), 0o700); err == nil {
		err = os.WriteFile(hintsAway(), nil, 0o600)
	}
	if err != nil {
		return fmt.Errorf("this is not remembered for the next time: %w", err)
	}
	return nil
}

func firstRun() bool {
	_, err := os.Stat(hintsAway())
	return errors.Is(err, fs.ErrNotExist)
}
