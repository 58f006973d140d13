// Package link reaches a line: an inline TCP tap, a capture file. Every way gives the same thing, a stream of chunks of
// bytes and of line events, in the order in which they happened. It must not know what the bytes mean: no ISO 8583 here.
package link

import (
	"context"
	"fmt"
	"time"
)

// Dir is the direction in which bytes or an event travelled.
type Dir uint8

const (
	ToHost     Dir = iota // from the terminal towards the acquirer's host
	ToTerminal            // from the host back to the terminal
)

// Kind says what happened on a connection.
type Kind uint8

const (
	Opened    Kind = iota // the connection stands at both ends; Event.Took is how long the host needed to accept
	Data                  // Event.Data passed in Event.Dir
	HalfClose             // the side that sends in Event.Dir sent FIN; the other may go on
	Closed                // both sides are done, in order
	Reset                 // aborted by the side that sends in Event.Dir (RST)
	Refused               // the host answered the connect with a reset
	Unreached             // the host did not answer the connect in time (or no route); Event.Note has the system's words
	Gap                   // Event.Lost bytes in Event.Dir were never seen (lost segments, dropped copies); what follows starts after them. Without Conn, Event.Count packets of whatever connections

	// What follows is seen where a source can see it, and ends no connection by itself.

	Retransmitted // Event.Size bytes in Event.Dir, in Event.Count segments, were sent again by TCP; either is 0 when unknown
	Stalled       // the receiver of Event.Dir took nothing for Event.Took so far: zero window, or a write that is blocked
	Slow          // Event.Size bytes in Event.Dir trickled in, Event.Took between the first and the last
	Silent        // bytes went in Event.Dir and nothing came back for Event.Took so far, while the connection stands
	HalfOpen      // bytes went in Event.Dir for Event.Took without being acknowledged: their receiver is gone and did not say so
	Signals       // the modem lines of a serial port changed; Event.Note says how, as in "DSR off, DCD off"
	Unplugged     // a serial port went away; what was on its way is lost
	Plugged       // it came back
	Tuned         // the speed and format of a serial line were found: Event.Note, as in "9600 8N1", with a confidence of Event.Count percent
	Garbled       // Event.Size bytes of a serial line made no sense: wrong speed or parity. Event.Note is the format that they look like, where it shows

	Stood // in a recording only, of no connection: whoever watched got no time of its machine, from Event.Note (RFC 3339) on for Event.Took; or, without a Note, went on until Event.At

	Kinds // how many kinds there are
)

// Event is one thing that happened on one connection of a line. Data is the sink's until it returns: who keeps it copies it.
type Event struct {
	At             time.Time
	Conn           uint64 // one TCP connection, unique within a source, from 1
	Terminal, Host string // addresses of the two ends, "ip:port"
	Kind           Kind
	Dir            Dir
	Data           []byte
	Lost           int           // Gap: bytes, 0 when unknown
	Size           int           // Retransmitted, Slow: bytes, 0 when unknown
	Count          int           // Retransmitted: segments, 0 when unknown
	Took           time.Duration // Opened, Refused, Unreached: from the connect (SYN) to its outcome; others: see their Kind
	Note           string        // Data: how the frame that begins here was read, in words of who decodes; only a recording has them
	Line           string        // Data: the same of what the line carries
}

// Info describes a source for the screen and the report.
type Info struct {
	Kind      string // "tap", "file", "sim"
	Simulated bool
	Describe  string
}

// Mistake is what is wrong with an argument on any machine: no file, port or right would make it good.
type Mistake struct{ error }

func mistake(format string, args ...any) error { return Mistake{fmt.Errorf(format, args...)} }

// Source is a way to reach a line.
type Source interface {
	Info() Info
	// Run hands every event to sink, one at a time and in order, from one goroutine, until ctx ends or the source does.
	// It returns nil in both cases, an error when the line could not be reached or read. A slow sink never slows a live
	// line: copies are dropped instead and a Gap event says so.
	Run(ctx context.Context, sink func(Event)) error
}
