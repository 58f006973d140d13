package diagnostics

import (
	"slices"
	"time"

	"tillscope/link"
	"tillscope/wire"
)

// Stages of the way to the account, in order. The index of a stage is its rank.
var Stages = [8]string{"ready", "sent", "carried", "answered", "approved", "confirmed", "settled", "paid-out"}

// BranchIDs are the branches of the decision tree, in the order of the screen.
var BranchIDs = [7]string{"hardware", "network", "data", "operation", "bank", "balance", "risk"}

// State of a branch or a stage.
type State string

const (
	OK      State = "ok"
	Warn    State = "warn"
	Fail    State = "fail"
	Unknown State = "unknown"
)

// Snapshot is what the session knows at one moment. It is immutable: every front end reads it without locks.
type Snapshot struct {
	Version      uint64 // grows with every change
	Started      time.Time
	Now          time.Time // clock of the line: the latest event or tick
	Ended        bool      // the source has ended
	Err          string    // why the source ended, when it failed
	Source       link.Info
	Lines        []Line
	Totals       Totals
	Rate         float64        // messages a second, over the last ten seconds of line time
	Entries      []*Entry       // the newest rows, newest last
	FirstEntry   int            // Entries[0].N
	Older        Older          // the rows before them, packed; Entry finds one, Oldest is the first
	Transactions []*Transaction // those that are kept, in order of their first message
	Folded       int            // transactions that are no longer kept one by one; Stages and Causes count them
	fates        fates          // what became of them, as long as there are rows of theirs: Fate finds it
	Stages       [8]StageCount
	Branches     [7]Branch
	Causes       []Cause // ranked, the first explains most
	Path         []Step  // the tree as walked for the leading cause, or for the line when there is none
	Questions    []Question
	Statement    *Reconciled // nil without a statement
}

// Totals over all lines. Dropped counts copies that analysis lost, never bytes that the line lost.
type Totals struct{ Messages, Undecoded, Dropped int }

// Line is one terminal's (or one gateway's) connection to one host.
type Line struct {
	ID                                     int
	Address                                string // of the terminal, without port
	Host                                   string
	Terminals                              []string // F41 values seen, in order
	Framing, Header, Dialect               string
	Confidence                             float64
	RunnerUp                               string
	Foreign                                string // "TLS", "HTTP", … when the line carries something else
	Connects, Refused, Unreach             int
	ResetsTerminal, ResetsHost             int
	Messages, Undecoded                    int
	Bytes                                  int64
	Latency50, Latency90, Latency95, Worst time.Duration
	Open                                   int                // connections open now
	LRCErrors, NAKs, Retransmits           int                // of a serial line: frames with a wrong LRC, frames refused, frames sent again
	Events                                 [link.Kinds]int    // how often each kind of line event was seen; Opened, Data and orderly ends are not counted
	Last                                   [link.Kinds]*Entry // the latest of each of these kinds
}

// Entry is one row of traffic: a message, or something that happened to the connection.
type Entry struct {
	N        int // message number from 1; evidence names it. Rows without a message have numbers too.
	At       time.Time
	Line     int
	Terminal string // F41, or the line's address while unknown
	Dir      link.Dir
	Kind     link.Kind     // link.Data for a message
	Msg      *wire.Message // nil for a connection's event
	Pair     int           // N of the request or response, 0 when none yet
	Latency  time.Duration // of a response after its request
	Txn      int           // Transaction.N, 0 when none
	Note     string
	// Of a connection's event, as in link.Event.
	Took              time.Duration
	Lost, Size, Count int
	Again             bool // a frame that had been sent before: its receiver refused it or was silent
}

// Transaction is one sale (refund, pre-authorisation, …) with everything that was done to it afterwards.
type Transaction struct {
	N            int
	Line         int
	Type         string // sale void refund preauth completion balance adjust signon settlement upload echo management
	MTI          string
	STAN, RRN    string
	Terminal     string
	Amount       int64 // in minor units
	Doubtful     bool  // the amount: what says it came damaged, and it is in no sum
	Currency     string
	Card         string // masked
	ResponseCode string
	HostText     string // what the host wrote beside a refusal (field 63), empty when nothing
	Stage        string
	Arrived      string // yes no unknown
	Cause        string // cause id, or empty
	Unseen       bool   // the answer to its request may be among what was not captured
	Messages     []int  // entry numbers, all that belong to it
	At           time.Time
	Batch        string // number of the batch, empty when not known
	Payout       string // by the statement: paid pending held account status missing due differs; empty without one
}

// Evidence are the entries that prove its cause, none when it has none.
func (t *Transaction) Evidence() []int {
	if t.Cause == "" {
		return nil
	}
	return t.Messages
}

// StageCount is one cell of the way to the account.
type StageCount struct {
	Count int
	State State
}

// Branch is the status of one of the seven branches. Because is in the session's language.
type Branch struct {
	ID      string
	Status  State
	Because string
}

// Cause is one finding of the verdict.
type Cause struct {
	ID, Branch   string
	Title        string
	Confidence   float64
	Transactions int
	Amount       int64 // in minor units, of all currencies together
	Sums         Sums  // the same by currency
	Evidence     []int
	Shows        []string // fields of these messages that prove it, the most telling first; 39 when empty
	Because      string
	Remedies     []Remedy
	Prevent      []string
	Began, Ended time.Time // of what was seen of it; Ended is zero while it goes on
	Terminals    []string  // that it is about
	Issuers      []string  // that it is about: first six digits of their cards
}

// Likely says that the cause is more likely than not: one sign alone is a hint.
func (c Cause) Likely() bool { return c.Confidence >= 0.5 }

// Remedy is one thing that someone does about a cause.
type Remedy struct{ Who, Do string }

// Step is one node of the tree as walked.
type Step struct {
	Node, Question string
	Answer         string // yes no unknown
	By             string // seen probed asked
	Because        string
}

// Question is something that only a person can answer and that could change the verdict.
type Question struct{ Node, Question string }

// Transaction finds a transaction by its number, nil when it is no longer kept.
func (sn *Snapshot) Transaction(n int) *Transaction {
	i, ok := slices.BinarySearchFunc(sn.Transactions, n, func(t *Transaction, n int) int { return t.N - n })
	if !ok {
		return nil
	}
	return sn.Transactions[i]
}
