package sim

import (
	"slices"
	"sync/atomic"
	"time"
)

// Fault is one thing that is wrong, at the place where it arises in life. Kind says what and where: [Kinds] lists them all
// and what each takes. Several faults act at once, each by itself.
type Fault struct {
	Kind  string `yaml:"kind" json:"kind"`
	Cause string `yaml:"cause" json:"cause,omitempty"` // the cause id that this amounts to; empty: the kind's usual one

	// When: from Begin to End of the shop's time since it opened (End 0: for ever), and for one terminal from its sale After
	// on (exclusive) up to its sale Until (inclusive; 0: for ever).
	Begin time.Duration `yaml:"begin" json:"begin,omitempty"`
	End   time.Duration `yaml:"end" json:"end,omitempty"`
	After int           `yaml:"after" json:"after,omitempty"`
	Until int           `yaml:"until" json:"until,omitempty"`

	// Whom: these terminals (from 1; empty: all), this share of what it can hit (0: everything), drawn by the store's seed
	// and this one.
	Terminals []int   `yaml:"terminals" json:"terminals,omitempty"`
	Share     float64 `yaml:"share" json:"share,omitempty"`
	Seed      int64   `yaml:"seed" json:"seed,omitempty"`

	// How, for the kinds that take it.
	Issuers []string      `yaml:"issuers" json:"issuers,omitempty"` // BINs of the cards that it is about; empty: all
	Codes   []string      `yaml:"codes" json:"codes,omitempty"`     // response codes, two characters each
	Value   string        `yaml:"value" json:"value,omitempty"`
	Mode    string        `yaml:"mode" json:"mode,omitempty"`
	Wait    time.Duration `yaml:"wait" json:"wait,omitempty"`     // of the shop's time
	Rate    int           `yaml:"rate" json:"rate,omitempty"`     // bytes a second
	Amount  int64         `yaml:"amount" json:"amount,omitempty"` // fen
	Count   int           `yaml:"count" json:"count,omitempty"`
}

// cause is the id that the fault amounts to.
func (f Fault) cause() string {
	if f.Cause != "" {
		return f.Cause
	}
	if k := kindOf(f.Kind); k != nil {
		return k.Cause
	}
	return ""
}

// about says whether the fault is about this card.
func (f Fault) about(pan string) bool {
	return len(f.Issuers) == 0 || slices.ContainsFunc(f.Issuers, func(bin string) bool { return len(pan) >= len(bin) && pan[:len(bin)] == bin })
}

// live is a fault in a running store.
type live struct {
	Fault
	id     int
	hidden atomic.Bool
	hits   atomic.Int64 // what it did something to
}

// moment is an occasion at which a fault may strike: at a terminal (from 0), at its sale number sales, for the nth time.
// What happens depends on nothing else but the seeds, so that the same store meets the same faults however its terminals
// are scheduled.
type moment struct{ terminal, sales, n int }

// faults are those of a running store. Readers take the list as it is; changes put a new one in its place.
type faults struct {
	seed  int64
	clock *clock
	list  atomic.Pointer[[]*live]
}

func newFaults(seed int64, c *clock, begin []Fault) *faults {
	fs := &faults{seed: seed, clock: c}
	list := make([]*live, len(begin))
	for i, f := range begin {
		list[i] = &live{Fault: f, id: i + 1}
	}
	fs.list.Store(&list)
	return fs
}

// find is the first fault of a kind that strikes now, nil when none does.
func (fs *faults) find(kind string, m moment) *live {
	return fs.findFor(kind, m, "")
}

// findFor is find for a card: faults that are about other issuers' cards do not strike.
func (fs *faults) findFor(kind string, m moment, pan string) *live {
	for _, f := range *fs.list.Load() {
		if f.Kind == kind && fs.strikes(f, m) && (pan == "" || f.about(pan)) {
			f.hits.Add(1)
			return f
		}
	}
	return nil
}

// findCard is find for what is wrong with a card: with the same ones each time, the share evenly over the cards of the
// fault's issuers.
func (fs *faults) findCard(kind string, m moment, c Card) *live {
	for _, f := range *fs.list.Load() {
		if f.Kind == kind && f.about(c.PAN) && fs.holds(f, m) && fs.shared(f, m, c) {
			f.hits.Add(1)
			return f
		}
	}
	return nil
}

// shared says that a card is one of the fault's share of them.
func (fs *faults) shared(f *live, m moment, c Card) bool {
	if f.Share <= 0 || f.Share >= 1 {
		return true
	}
	at, of := 0, 0 // the card's place among its terminal's that the fault is about
	for i, iss := range issuers {
		if f.about(iss.bin + "0000") {
			if of++; i < c.seq%len(issuers) {
				at++
			}
		}
	}
	i := float64(c.seq/len(issuers)*of + at)
	shift := part(mixed(uint64(fs.seed), uint64(f.Seed), uint64(f.id), uint64(m.terminal)))
	return int((i+1)*f.Share+shift) != int(i*f.Share+shift)
}

// expired says that a card is past its date, as a fault says of its account: the card itself shows it.
func (fs *faults) expired(m moment, c Card) bool {
	for _, f := range *fs.list.Load() {
		if f.Kind == "account.state" && f.about(c.PAN) && fs.holds(f, m) && fs.shared(f, m, c) {
			return stateCode(f.Value, c.seq) == "54"
		}
	}
	return false
}

// any is the first fault of a kind that holds now wherever it arises: for those that hit a whole host or line.
func (fs *faults) any(kind string) *live {
	for _, f := range *fs.list.Load() {
		if f.Kind == kind && fs.timely(f) {
			return f
		}
	}
	return nil
}

func (fs *faults) timely(f *live) bool {
	if f.Begin == 0 && f.End == 0 {
		return true
	}
	now := fs.clock.now()
	return now >= f.Begin && (f.End == 0 || now < f.End)
}

func (fs *faults) strikes(f *live, m moment) bool { return fs.holds(f, m) && fs.drawn(f, m) }

// holds says that it is the fault's time and terminal.
func (fs *faults) holds(f *live, m moment) bool {
	return fs.timely(f) && (f.After == 0 || m.sales > f.After) && (f.Until == 0 || m.sales <= f.Until) &&
		(len(f.Terminals) == 0 || slices.Contains(f.Terminals, m.terminal+1))
}

// block is over how many occasions of one terminal a share holds exactly: short runs show it too, and no seed misses it.
const block = 10

// drawn says whether an occasion is one of the fault's share: the luckiest of each block are.
func (fs *faults) drawn(f *live, m moment) bool {
	if f.Share <= 0 || f.Share >= 1 {
		return true
	}
	key := mixed(uint64(fs.seed), uint64(f.Seed), uint64(f.id), uint64(m.terminal), uint64(m.n/block))
	luck := func(i int) uint64 { return mixed(key, uint64(i)) }
	mine, rank := luck(m.n%block), 0
	for i := range block {
		if luck(i) < mine {
			rank++
		}
	}
	return float64(rank)+part(mixed(key, block)) < f.Share*block
}

// mixed makes one number, as good as random, of several.
func mixed(keys ...uint64) (h uint64) {
	for _, k := range keys {
		h += k + 0x9E3779B97F4A7C15
		h = (h ^ h>>30) * 0xBF58476D1CE4E5B9
		h = (h ^ h>>27) * 0x94D049BB133111EB
		h ^= h >> 31
	}
	return h
}

// part maps a number to 0 up to 1.
func part(h uint64) float64 { return float64(h>>11) / (1 << 53) }
