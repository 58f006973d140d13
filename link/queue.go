package link

import "sync"

// queueBytes bounds what the analysis of a live line may lag behind: a few seconds of the busiest line.
const queueBytes = 16 << 20

// queue carries copies from the relay to the analysis. Putting never waits: what does not fit is dropped, and the next
// event of the same connection and direction is preceded by a Gap that counts it.
type queue struct {
	mu     sync.Mutex
	wake   chan struct{}
	events []Event
	size   int
	lost   map[lane]Event
}

type lane struct {
	conn uint64
	dir  Dir
}

func newQueue() *queue { return &queue{wake: make(chan struct{}, 1), lost: map[lane]Event{}} }

func (q *queue) put(ev Event) {
	q.mu.Lock()
	defer q.mu.Unlock()
	at := lane{ev.Conn, ev.Dir}
	if ev.Kind == Data && q.size+len(ev.Data) > queueBytes {
		gap := ev
		gap.Kind, gap.Data, gap.Lost = Gap, nil, q.lost[at].Lost+len(ev.Data)
		q.lost[at] = gap
		return
	}
	// Every direction of the connection must be told before it closes.
	for _, dir := range [...]Dir{ToHost, ToTerminal} {
		if gap, ok := q.lost[lane{ev.Conn, dir}]; ok && (dir == ev.Dir || ev.Kind != Data) {
			q.events = append(q.events, gap)
			delete(q.lost, lane{ev.Conn, dir})
		}
	}
	q.events = append(q.events, ev)
	q.size += len(ev.Data)
	select {
	case q.wake <- struct{}{}:
	default:
	}
}

// take empties the queue. What is taken counts no longer, so that a slow sink holds at most twice the bound.
func (q *queue) take() []Event {
	q.mu.Lock()
	defer q.mu.Unlock()
	out := q.events
	q.events, q.size = nil, 0
	return out
}
