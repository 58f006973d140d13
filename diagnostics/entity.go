package diagnostics

import (
	"strings"
	"time"
)

// Limits of what the ledger remembers. Beyond them the oldest is folded into totals, so that weeks of traffic, and traffic
// made to fill memory, take no more room than an hour.
const (
	keptRecent     = 4000 // transactions kept whatever became of them
	keptUnarrived  = 8000 // older ones, kept because their money did not arrive
	keptMore       = 2000 // so many more before they are looked through
	keptOpen       = 4096 // requests without answer
	keptSigns      = 4096 // faults of connections
	keptOpens      = 1024 // times at which connects began, and up to twice as many
	keptTerminals  = 5000
	keptIssuers    = 2000
	keptLatencies  = 500  // of one line, and up to twice as many
	keptTimes      = 4096 // times of messages, for their rate, and up to twice as many
	keptWords      = 4096 // texts that come again and again
	keptSettlement = 16   // numbers of batches of one terminal
)

// terminal is what the ledger knows of one terminal number (field 41), on whatever line it speaks.
type terminal struct {
	id     string
	lines  []*lineState
	behind []string         // of a connection that has not named its terminal: those of its line
	open   []*txn           // approved, kept, and not settled yet
	folded map[string]*owed // transactions that are no longer kept and wait for the settlement of their batch
	asked  time.Time        // when its latest request passed
	ready  bool             // it signed on, or sells
	traces                  // its transactions that are kept
	at     tally
	habits
}

// issuer is what the ledger knows of the cards whose numbers start alike (the first six digits).
type issuer struct {
	bin string
	at  tally
}

// terminalOf finds or makes a terminal. Past the limit, those that were never seen before share one entry.
func (l *ledger) terminalOf(id string) *terminal {
	t := l.terminals[id]
	if t == nil {
		if len(l.terminals) >= keptTerminals {
			id = ""
			if t = l.terminals[id]; t != nil {
				return t
			}
		}
		t = &terminal{id: strings.Clone(id)} // a part of a message would keep the whole message
		l.terminals[t.id] = t
		l.roster = append(l.roster, t)
	}
	return t
}

// on notes that the terminal speaks on a line.
func (t *terminal) on(line *lineState) {
	for _, l := range t.lines {
		if l == line {
			return
		}
	}
	t.lines = append(t.lines, line)
	if t.id != "" {
		line.Terminals = append(line.Terminals, t.id)
		line.anon.behind = line.Terminals
	}
}

// issuerOf finds or makes the issuer of a masked card number; nil when it names none.
func (l *ledger) issuerOf(card string) *issuer {
	bin := sub(card, 0, 6)
	if !digits(bin) {
		return nil
	}
	i := l.issuers[bin]
	if i == nil {
		if len(l.issuers) >= keptIssuers {
			return nil
		}
		i = &issuer{bin: strings.Clone(bin)}
		l.issuers[i.bin] = i
	}
	return i
}
