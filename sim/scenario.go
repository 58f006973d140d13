package sim

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"tillscope/assets"
)

// Scenario is one story that the simulated store can play, as data: what shop it is and what is wrong in it. What it does
// not say has a default.
type Scenario struct {
	ID     string            `yaml:"id"`
	Titles map[string]string `yaml:"title"`
	Story  map[string]string `yaml:"story"`

	Terminals int    `yaml:"terminals"` // 3
	Seed      int64  `yaml:"seed"`      // unless the options say one
	Dialect   string `yaml:"dialect"`   // cup
	Framing   string `yaml:"framing"`   // the dialect's usual one
	Header    string `yaml:"header"`    // the dialect's usual one
	MAC       string `yaml:"mac"`       // cup, x9.9 or x9.19; what the dialect's hosts use
	Partial   bool   `yaml:"partial"`   // terminals take partial approvals (60.6), and issuers give them
	Keys      string `yaml:"keys"`      // what a sign-on brings: single (24 bytes), double (40), track (60), or none: no MAC and no PIN; double

	Pace     Pace           `yaml:"pace"`
	Mix      map[string]int `yaml:"mix"`   // what customers want, in shares of any sum: sale, void, refund, preauth, completion, balance, offline, tip, adjust
	Entry    map[string]int `yaml:"entry"` // how cards are read: chip, contactless, stripe, manual
	Calendar Calendar       `yaml:"calendar"`
	Faults   []Fault        `yaml:"faults"`
}

// Pace is how fast the shop lives. Times are the shop's; a real one waits a minute for an answer and settles once a day.
type Pace struct {
	Every    time.Duration `yaml:"every"`    // 2.25s on average from one customer of a terminal to the next
	Wait     time.Duration `yaml:"wait"`     // 2s that a terminal waits for an answer
	Batch    int           `yaml:"batch"`    // 4 sales after which a terminal settles; 0 with a day: at closing time
	Day      time.Duration `yaml:"day"`      // a shop's day from opening to closing, with its peaks; 0: no peaks, open for ever
	Standing bool          `yaml:"standing"` // terminals keep their connection instead of making one for each exchange
}

var (
	usualMix   = map[string]int{"sale": 84, "void": 3, "refund": 2, "preauth": 3, "completion": 3, "balance": 2, "offline": 1, "tip": 1, "adjust": 1}
	usualEntry = map[string]int{"chip": 62, "contactless": 30, "stripe": 5, "manual": 3}
)

// Title is the scenario's name in a language, in English where that language lacks it.
func (s Scenario) Title(lang string) string { return text(s.Titles, lang) }

// About tells the scenario's story in a language, in English where that language lacks it.
func (s Scenario) About(lang string) string { return text(s.Story, lang) }

// Causes are the cause ids that the scenario's faults amount to, each once.
func (s Scenario) Causes() (ids []string) {
	for _, f := range s.Faults {
		if c := f.cause(); c != "" && !slices.Contains(ids, c) {
			ids = append(ids, c)
		}
	}
	return ids
}

// AboutPayout says that what fails is behind the host, in the payout, which only the statement shows.
func (s Scenario) AboutPayout() bool {
	return slices.ContainsFunc(s.Faults, func(f Fault) bool { return strings.HasPrefix(f.Kind, "payout.") })
}

func text(m map[string]string, lang string) string { return cmp.Or(m[lang], m["en"]) }

// fill puts defaults where the scenario says nothing.
func (s Scenario) fill() Scenario {
	s.Terminals = cmp.Or(s.Terminals, 3)
	s.Dialect = cmp.Or(s.Dialect, "cup")
	s.Keys = cmp.Or(s.Keys, "double")
	s.Pace.Every = cmp.Or(s.Pace.Every, 2250*time.Millisecond)
	s.Pace.Wait = cmp.Or(s.Pace.Wait, 2*time.Second)
	if s.Pace.Batch == 0 && s.Pace.Day == 0 {
		s.Pace.Batch = 4
	}
	if len(s.Mix) == 0 {
		s.Mix = usualMix
	}
	if len(s.Entry) == 0 {
		s.Entry = usualEntry
	}
	return s
}

// check refuses what the store cannot play.
func (s Scenario) check() error {
	if s.ID == "" {
		return problemf("id", "a scenario needs an id")
	}
	if s.Titles["en"] == "" {
		return problemf("title", "a scenario needs an English title")
	}
	f := s.fill()
	switch {
	case f.Terminals < 1 || f.Terminals > maxTerminals:
		return problemf("terminals", "%d terminals cannot be simulated: choose 1 to %d", f.Terminals, maxTerminals)
	case f.Pace.Every < 0 || f.Pace.Wait < 0 || f.Pace.Day < 0 || f.Pace.Batch < 0:
		return problemf("pace", "nothing of a pace can be below 0")
	case f.Pace.Wait < 100*time.Millisecond:
		return problemf("pace.wait", "a terminal waits at least 100ms for an answer")
	case !slices.Contains([]string{"single", "double", "track", "none"}, f.Keys):
		return problemf("keys", "%q is none of single, double, track, none", f.Keys)
	}
	var p problem
	if _, err := newCodec(f.Dialect, f.Framing, f.Header, f.MAC); errors.As(err, &p) {
		return p
	} else if err != nil {
		return problemf("dialect", "%v", err)
	}
	for name, shares := range map[string]map[string]int{"mix": f.Mix, "entry": f.Entry} {
		allowed, sum := usualMix, 0
		if name == "entry" {
			allowed = usualEntry
		}
		for k, n := range shares {
			if _, ok := allowed[k]; !ok || n < 0 {
				return problemf(name+"."+k, "want shares of 0 or more for %s", strings.Join(sortedKeys(allowed), ", "))
			}
			sum += n
		}
		if sum == 0 {
			return problemf(name, "not all shares can be 0")
		}
	}
	if err := s.Calendar.check(); err != nil {
		return err
	}
	for i, ft := range s.Faults {
		var p problem
		if err := ft.Check(f.Terminals); errors.As(err, &p) {
			return problem{At: fmt.Sprintf("faults[%d].%s", i, p.At), Why: fmt.Sprintf("fault %d: %s", i+1, p.Why)}
		}
	}
	return nil
}

func sortedKeys[V any](m map[string]V) []string {
	var keys []string
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}

func readScenario(from fs.FS, name, shown string) (Scenario, error) {
	b, err := fs.ReadFile(from, name)
	if err != nil {
		return Scenario{}, fmt.Errorf("the scenario cannot be read: %w", err)
	}
	return parse(shown, b)
}

func readAll(from fs.FS, shown func(string) string) (out []Scenario, err error) {
	names, err := fs.Glob(from, "*.yaml")
	for _, n := range names {
		s, err := readScenario(from, n, shown(n))
		if err != nil {
			return nil, err
		}
		out = append(out, s)
	}
	return out, err
}

var load = sync.OnceValues(func() ([]Scenario, error) {
	shipped, err := fs.Sub(assets.FS, "scenarios")
	if err != nil {
		return nil, err
	}
	return readAll(shipped, path.Base)
})

// own are a user's scenarios, which add to those that ship or replace them.
var own struct {
	sync.Mutex
	list []Scenario
}

// AddScenarios takes every YAML file of a folder as a scenario, beside those that ship or, by its id, instead of one. A
// folder that is not there adds nothing.
func AddScenarios(dir string) error {
	if _, err := os.Stat(dir); err != nil {
		return nil
	}
	list, err := readAll(os.DirFS(dir), func(n string) string { return filepath.Join(dir, n) })
	if err != nil {
		return err
	}
	own.Lock()
	defer own.Unlock()
	own.list = list
	return nil
}

// known are all scenarios: healthy first, then what else has no fault, what has several, and the causes.
func known() ([]Scenario, error) {
	shipped, err := load()
	if err != nil {
		return nil, err
	}
	own.Lock()
	all := slices.Clone(own.list)
	own.Unlock()
	for _, s := range shipped {
		if !slices.ContainsFunc(all, func(o Scenario) bool { return o.ID == s.ID }) {
			all = append(all, s)
		}
	}
	rank := func(s Scenario) int {
		switch {
		case s.ID == healthy:
			return 0
		case len(s.Faults) == 0:
			return 1
		case !strings.Contains(s.ID, "."):
			return 2
		}
		return 3
	}
	slices.SortFunc(all, func(a, b Scenario) int { return cmp.Or(cmp.Compare(rank(a), rank(b)), cmp.Compare(a.ID, b.ID)) })
	return all, nil
}

// healthy is the scenario that is played when none is named.
const healthy = "healthy"

// Scenarios lists the known scenarios, the faultless first. A test proves that the shipped files can be read.
func Scenarios() []Scenario {
	all, _ := known()
	return all
}

// shippedAlone reads one shipped scenario without the others, unless the user has one of that id: reading all of them takes
// longer than all the rest of a start.
func shippedAlone(id string) (Scenario, bool) {
	own.Lock()
	defer own.Unlock()
	shipped, err := fs.Sub(assets.FS, "scenarios")
	if err != nil || slices.ContainsFunc(own.list, func(s Scenario) bool { return s.ID == id }) {
		return Scenario{}, false
	}
	s, err := readScenario(shipped, id+".yaml", id+".yaml")
	return s, err == nil && s.ID == id
}

// find is the scenario of an id, or of a file when the name looks like one; empty means the healthy one.
func find(id string) (Scenario, error) {
	if strings.HasSuffix(id, ".yaml") || strings.HasSuffix(id, ".yml") || strings.ContainsAny(id, `/\`) {
		return readScenario(os.DirFS(filepath.Dir(id)), filepath.Base(id), id)
	}
	if s, ok := shippedAlone(cmp.Or(id, healthy)); ok {
		return s, nil
	}
	all, err := known()
	if err != nil {
		return Scenario{}, err
	}
	var ids []string
	for _, s := range all {
		if s.ID == cmp.Or(id, healthy) {
			return s, nil
		}
		ids = append(ids, s.ID)
	}
	return Scenario{}, fmt.Errorf("no scenario %q: choose one of %s, or name a YAML file", id, strings.Join(ids, ", "))
}

// Seeded says that a scenario brings its own seed.
func Seeded(id string) bool {
	s, err := find(id)
	return err == nil && s.Seed != 0
}
