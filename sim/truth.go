package sim

import (
	"bytes"
	"slices"
	"strings"
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
	Faults   []string `json:"faults"`   // the kinds of faults that struck it, each once, the first first
}

// keptOutcomes bounds the truth of a long run: the latest are kept.
const keptOutcomes = 8192

// truth collects outcomes from both ends of the line. It is the largest thing that a store keeps, so an outcome stands in
// numbers there.
type truth struct {
	mu    sync.Mutex
	order []outcome       // a ring of the latest
	next  int             // where the next one goes, when it is full
	at    map[tried]int32 // places in it
	words words
}

// tried is a transaction by its terminal and its trace number, filled up with zero bytes.
type tried struct {
	terminal word
	stan     [12]byte
}

// outcome is an Outcome as it is kept.
type outcome struct {
	tried
	kind, code, cause  word
	faults             word // with a space between them
	answered, reversed bool
	amount             int64
}

// word is the number of a text in words.
type word uint16

// words are texts that come again and again: names of terminals, codes, causes.
type words struct {
	texts []string
	known map[string]word
}

// of is the number of a text. When there are more of them than numbers (a stranger to the host may name itself as it
// likes), a new one counts as the first, which is empty.
func (w *words) of(text string) word {
	n, ok := w.known[text]
	if !ok && len(w.texts) < 1<<16 {
		n = word(len(w.texts))
		text = strings.Clone(text)
		w.texts, w.known[text] = append(w.texts, text), n
	}
	return n
}

func newTruth() *truth {
	t := &truth{at: map[tried]int32{}, words: words{known: map[string]word{}}}
	t.words.of("")
	return t
}

// place is where the outcome of a transaction stands, a new one when it is not known.
func (t *truth) place(tid, stan string) *outcome {
	key := tried{terminal: t.words.of(tid)}
	copy(key.stan[:], stan)
	if i, ok := t.at[key]; ok {
		return &t.order[i]
	}
	if len(t.order) < keptOutcomes {
		t.order = append(t.order, outcome{})
		t.next = len(t.order) - 1
	} else {
		t.next = (t.next + 1) % keptOutcomes
		delete(t.at, t.order[t.next].tried)
	}
	t.at[key] = int32(t.next)
	t.order[t.next] = outcome{tried: key}
	return &t.order[t.next]
}

// told is an outcome as others see it.
func (t *truth) told(o *outcome) Outcome {
	text := t.words.texts
	return Outcome{Terminal: text[o.terminal], STAN: string(bytes.TrimRight(o.stan[:], "\x00")), Type: text[o.kind], Amount: o.amount, Code: text[o.code],
		Answered: o.answered, Reversed: o.reversed, Cause: text[o.cause], Faults: strings.Fields(text[o.faults])}
}

// note changes an outcome, but for its terminal and trace number.
func (t *truth) note(tid, stan string, change func(*Outcome)) {
	t.mu.Lock()
	defer t.mu.Unlock()
	o := t.place(tid, stan)
	x := t.told(o)
	change(&x)
	w := &t.words
	o.kind, o.amount, o.code, o.answered, o.reversed, o.cause, o.faults = w.of(x.Type), x.Amount, w.of(x.Code), x.Answered, x.Reversed, w.of(x.Cause), w.of(strings.Join(x.Faults, " "))
}

// struck says that a kind of faults struck it.
func (o *Outcome) struck(kind string) {
	if !slices.Contains(o.Faults, kind) {
		o.Faults = append(o.Faults, kind)
	}
}

// blame says that a fault struck a transaction.
func (t *truth) blame(tid, stan string, f *live) {
	t.note(tid, stan, func(o *Outcome) {
		o.struck(f.Kind)
		if o.Cause == "" {
			o.Cause = f.cause()
		}
	})
}

// Truth is what became of the latest transactions, the oldest first. It may be asked at any time.
func (s *Store) Truth() []Outcome {
	t := s.truth
	t.mu.Lock()
	defer t.mu.Unlock()
	out := make([]Outcome, 0, len(t.order))
	for i := range t.order {
		if o := t.told(&t.order[(t.next+1+i)%len(t.order)]); o.Type != "" {
			out = append(out, o)
		}
	}
	return out
}
