package sim

import (
	"slices"
	"sync"
)

// Outcome is what really became of one transaction: the side of the store that tests and the trainer's screen compare the
// diagnosis with. Nothing of it is on the line.
type Outcome struct {
	Terminal string   `json:"terminal"` // as it names itself on the line
	STAN     string   `json:"stan"`
	Type     string   `json:"type"` // sale, void, refund, preauth, completion, balance, offline, adjust
	Amount   int64    `json:"amount_minor"`
	Code     string   `json:"code"`     // what the host answered, empty when it never got the request
	Answered bool     `json:"answered"` // the terminal took an answer
	Reversed bool     `json:"reversed"` // undone at the host
	Cause    string   `json:"cause"`    // the cause id of what went wrong first, empty when nothing did
	Faults   []string `json:"faults"`   // the kinds of faults that struck it, the first first
}

// keptOutcomes bounds the truth of a long run: the latest are kept.
const keptOutcomes = 16384

// truth collects outcomes from both ends of the line.
type truth struct {
	mu    sync.Mutex
	known map[string]*Outcome // by terminal and STAN
	order []*Outcome          // a ring of the latest
	next  int
}

func newTruth() *truth { return &truth{known: map[string]*Outcome{}} }

// of is the outcome of a transaction, made when it is new.
func (t *truth) of(tid, stan string) *Outcome {
	if o := t.known[tid+stan]; o != nil {
		return o
	}
	o := &Outcome{Terminal: tid, STAN: stan}
	t.known[tid+stan] = o
	if len(t.order) < keptOutcomes {
		t.order = append(t.order, o)
		return o
	}
	old := t.order[t.next]
	delete(t.known, old.Terminal+old.STAN)
	t.order[t.next], t.next = o, (t.next+1)%keptOutcomes
	return o
}

// note changes an outcome.
func (t *truth) note(tid, stan string, change func(*Outcome)) {
	t.mu.Lock()
	defer t.mu.Unlock()
	change(t.of(tid, stan))
}

// blame says that a fault struck a transaction.
func (t *truth) blame(tid, stan string, f *live) {
	t.note(tid, stan, func(o *Outcome) {
		o.Faults = append(o.Faults, f.Kind)
		if o.Cause == "" {
			o.Cause = f.cause()
		}
	})
}

// Truth is what became of the latest transactions, the oldest first. It may be asked at any time.
func (s *Store) Truth() []Outcome {
	s.truth.mu.Lock()
	defer s.truth.mu.Unlock()
	out := make([]Outcome, 0, len(s.truth.order))
	for i := range s.truth.order {
		o := *s.truth.order[(s.truth.next+i)%len(s.truth.order)]
		o.Faults = slices.Clone(o.Faults)
		if o.Type != "" {
			out = append(out, o)
		}
	}
	return out
}
