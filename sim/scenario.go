package sim

import (
	"fmt"
	"io/fs"
	"path"
	"regexp"
	"slices"
	"strings"
	"sync"

	"github.com/goccy/go-yaml"

	"tillscope/assets"
)

// Scenario is one story that the simulated store can play: what is wrong in it, as data.
type Scenario struct {
	ID     string            `yaml:"id"`
	Titles map[string]string `yaml:"title"`
	Story  map[string]string `yaml:"story"`
	Faults []Fault           `yaml:"faults"`
}

// Fault is one thing that is wrong, at the place where it arises. Kind names the place:
//
//	accounts.short   the accounts of Share of the cards hold next to nothing
//	line.reset       Share of the connections are reset after the request, before the answer
//	host.refuse      the host, or with BIN the issuer of these cards, answers one of Codes to each sale after the first After of a terminal
//	host.down        nobody listens at the host's address
//	host.mute        Share of the requests stay without answer, and the connection stays up
//	host.slow        Share of the answers come after the terminal has given up
//	host.keys        the host forgets a terminal's working keys after After of its sales, once
//	terminal.config  the terminal number Terminal (from 1) carries the terminal id TID instead of its own
//	terminal.keys    that terminal lost its master key: no working key that it is sent fits
//	terminal.reader  its chip reader fails for Share of the cards, and the stripe is read instead
//	terminal.module  its communication module breaks off Share of its connections
type Fault struct {
	Kind     string   `yaml:"kind"`
	Share    float64  `yaml:"share"`
	After    int      `yaml:"after"`
	Codes    []string `yaml:"codes"`
	BIN      string   `yaml:"bin"`
	Terminal int      `yaml:"terminal"`
	TID      string   `yaml:"tid"`
}

// Title is the scenario's name in a language, in English where that language lacks it.
func (s Scenario) Title(lang string) string { return text(s.Titles, lang) }

// About tells the scenario's story in a language, in English where that language lacks it.
func (s Scenario) About(lang string) string { return text(s.Story, lang) }

func text(m map[string]string, lang string) string {
	if t := m[lang]; t != "" {
		return t
	}
	return m["en"]
}

var answerCode = regexp.MustCompile(`^[0-9A-Z]{2}$`)

// check refuses what a fault's kind cannot mean.
func (f Fault) check() error {
	switch f.Kind {
	case "host.down":
	case "accounts.short", "line.reset", "host.mute", "host.slow":
		if f.Share <= 0 || f.Share > 1 {
			return fmt.Errorf("%s needs a share above 0, at most 1", f.Kind)
		}
	case "host.refuse":
		if len(f.Codes) == 0 {
			return fmt.Errorf("%s needs codes", f.Kind)
		}
		for _, c := range f.Codes {
			if !answerCode.MatchString(c) {
				return fmt.Errorf("%s: %q is no response code of two digits or capitals", f.Kind, c)
			}
		}
	case "terminal.config":
		if f.Terminal < 1 || len(f.TID) != 8 {
			return fmt.Errorf("%s needs a terminal from 1 and a tid of 8 characters", f.Kind)
		}
	case "terminal.keys":
		if f.Terminal < 1 {
			return fmt.Errorf("%s needs a terminal from 1", f.Kind)
		}
	case "terminal.reader", "terminal.module":
		if f.Terminal < 1 || f.Share <= 0 || f.Share > 1 {
			return fmt.Errorf("%s needs a terminal from 1, and a share above 0, at most 1", f.Kind)
		}
	case "host.keys":
		if f.After < 1 {
			return fmt.Errorf("%s needs after, the number of sales before it", f.Kind)
		}
	default:
		return fmt.Errorf("no fault kind %q: the kinds are listed at Fault in the program's source", f.Kind)
	}
	return nil
}

// parse reads one scenario. Errors of form carry their line.
func parse(name string, b []byte) (Scenario, error) {
	var s Scenario
	if err := yaml.UnmarshalWithOptions(b, &s, yaml.Strict()); err != nil {
		return s, fmt.Errorf("%s: %w", name, err)
	}
	if s.ID == "" || s.Titles["en"] == "" {
		return s, fmt.Errorf("%s: a scenario needs an id and an English title", name)
	}
	for i, f := range s.Faults {
		if err := f.check(); err != nil {
			return s, fmt.Errorf("%s: fault %d: %w", name, i+1, err)
		}
	}
	return s, nil
}

func read(from fs.FS) ([]Scenario, error) {
	names, err := fs.Glob(from, "*.yaml")
	if err != nil {
		return nil, err
	}
	var out []Scenario
	for _, n := range names {
		b, err := fs.ReadFile(from, n)
		if err != nil {
			return nil, err
		}
		s, err := parse(path.Base(n), b)
		if err != nil {
			return nil, err
		}
		out = append(out, s)
	}
	// What works comes before what fails.
	slices.SortFunc(out, func(a, b Scenario) int {
		if ah, bh := len(a.Faults) > 0, len(b.Faults) > 0; ah != bh {
			if bh {
				return -1
			}
			return 1
		}
		return strings.Compare(a.ID, b.ID)
	})
	return out, nil
}

var load = sync.OnceValues(func() ([]Scenario, error) {
	shipped, err := fs.Sub(assets.FS, "scenarios")
	if err != nil {
		return nil, err
	}
	return read(shipped)
})

// Scenarios lists the shipped scenarios, the faultless first. A test proves that the shipped files can be read.
func Scenarios() []Scenario {
	all, _ := load()
	return slices.Clone(all)
}

// find is the scenario of an id; empty means the first one.
func find(id string) (Scenario, error) {
	all, err := load()
	if err != nil {
		return Scenario{}, err
	}
	var ids []string
	for _, s := range all {
		if s.ID == id || id == "" {
			return s, nil
		}
		ids = append(ids, s.ID)
	}
	return Scenario{}, fmt.Errorf("no scenario %q: choose one of %s", id, strings.Join(ids, ", "))
}
