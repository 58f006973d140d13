package link

import (
	"fmt"
	"sync"
)

const (
	// queueBytes bounds what the analysis of a live line may lag behind: a few seconds of the busiest line.
	queueBytes = 16 << 20
	// eventBytes is about what an event itself costs.
	eventBytes = 200
)

// queue carries copies from the relay to the analysis. Putting never waits and never grows beyond the bound: what does not
// fit is dropped and counted.
//
//   - Data that does not fit is counted by connection and direction; a Gap tells of it before the next event of them.
//   - A connection that begins when nothing fits is left out altogether; a Gap under its name tells how many were.
//   - The end of a connection always goes in, so that none of those begun is thought to stand for ever.
type queue struct {
	mu      sync.Mutex
	wake    chan struct{}
	events  []Event
	size    int
	lost    map[lane]Event
	out     map[uint64]bool // connections left out that have not ended yet
	unseen  int             // connections left out of which nothing has been told
	unread  int             // their bytes
	dropped Dropped
}

type lane struct {
	conn uint64
	dir  Dir
}

// Dropped counts what the analysis of a line never got to see. The line itself lost nothing of it.
type Dropped struct {
	Copies, Bytes int // of what passed
	Connections   int // of which nothing was seen
	Panics        int // events on which the analysis failed
}

func newQueue() *queue {
	return &queue{wake: make(chan struct{}, 1), lost: map[lane]Event{}, out: map[uint64]bool{}}
}

func (q *queue) put(ev Event) {
	q.mu.Lock()
	defer q.mu.Unlock()
	begins := ev.Kind == Opened || ev.Kind == Refused || ev.Kind == Unreached
	ends := ev.Kind == Closed || ev.Kind == Reset || ev.Kind == Refused || ev.Kind == Unreached
	full := q.size+len(ev.Data)+eventBytes > queueBytes
	if begins && full {
		q.out[ev.Conn] = true
		q.unseen++
		q.dropped.Connections++
	}
	if q.out[ev.Conn] {
		q.unread += len(ev.Data)
		q.drop(ev)
		if ends {
			delete(q.out, ev.Conn)
		}
		return
	}
	at := lane{ev.Conn, ev.Dir}
	if full && !ends && ev.Kind != HalfClose {
		if ev.Kind == Data {
			gap := ev
			gap.Kind, gap.Data, gap.Lost = Gap, nil, q.lost[at].Lost+len(ev.Data)
			q.lost[at] = gap
		}
		q.drop(ev)
		return
	}
	if begins && q.unseen > 0 {
		note := fmt.Sprintf("%d connections were not analysed", q.unseen)
		gap := ev
		gap.Kind, gap.Took, gap.Lost, gap.Note = Gap, 0, q.unread, note
		q.add(gap)
		q.unseen, q.unread = 0, 0
	}
	// Every direction of the connection must be told before it closes.
	for _, dir := range [...]Dir{ToHost, ToTerminal} {
		if gap, ok := q.lost[lane{ev.Conn, dir}]; ok && (dir == ev.Dir || ev.Kind != Data) {
			q.add(gap)
			delete(q.lost, lane{ev.Conn, dir})
		}
	}
	q.add(ev)
}

// full says that whoever can wait should.
func (q *queue) full() bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.size > queueBytes/2
}

func (q *queue) add(ev Event) {
	q.events = append(q.events, ev)
	q.size += len(ev.Data) + eventBytes
	select {
	case q.wake <- struct{}{}:
	default:
	}
}

func (q *queue) drop(ev Event) {
	q.dropped.Copies++
	q.dropped.Bytes += len(ev.Data)
}

// take empties the queue. What is taken counts no longer, so that a slow sink holds at most twice the bound.
func (q *queue) take() []Event {
	q.mu.Lock()
	defer q.mu.Unlock()
	out := q.events
	q.events, q.size = nil, 0
	return out
}

// failed counts an event on which the analysis panicked, and gives the Gap that stands for what it lost.
func (q *queue) failed(ev Event, why string) Event {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.dropped.Panics++
	q.drop(ev)
	return Event{At: ev.At, Conn: ev.Conn, Terminal: ev.Terminal, Host: ev.Host, Kind: Gap, Dir: ev.Dir, Lost: len(ev.Data), Note: why}
}

func (q *queue) counts() Dropped {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.dropped
}

// pump hands what the queue gets to sink, one event at a time, until done is closed and nothing waits any more. A panic of
// the sink is an event that it lost, and no more.
func (q *queue) pump(done <-chan struct{}, sink func(Event)) {
	Behind(func() { q.deliver(done, sink) })
}

// Behind runs what can wait, as analysis and screen can, on a thread of its own that the system ranks behind those that carry
// a line, and returns when that has ended.
func Behind(f func()) {
	over := make(chan struct{})
	go func() {
		defer close(over)
		yield()
		f()
	}()
	<-over
}

func (q *queue) deliver(done <-chan struct{}, sink func(Event)) {
	for ended := false; ; {
		batch := q.take()
		for _, ev := range batch {
			if why := attempt(sink, ev); why != "" {
				_ = attempt(sink, q.failed(ev, why))
			}
		}
		if ended && len(batch) == 0 {
			return
		}
		select {
		case <-q.wake:
		case <-done: // nobody puts any more
			ended = true
		}
	}
}
