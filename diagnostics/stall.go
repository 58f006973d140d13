package diagnostics

import (
	"time"

	"tillscope/link"
)

// A watch that stands still, because its machine has no time for it, makes late what passes through it or beside it. It shows in
// this: for a while nothing happened on any line, not even on the terminals' side, and then several terminals spoke in the
// same moment. On a line that is slow, terminals speak whenever they have something to say.

// stall is a time in which the watch stood still.
type stall struct{ from, to time.Time }

// stalls finds them in the events.
type stalls struct {
	last   time.Time // latest event
	open   stall     // a silence that may turn out to be one
	woken  [atOnce]uint64
	waking int
	known  []stall // the latest
}

const (
	atOnce     = 3                     // terminals that speak in the same moment
	sameMoment = 50 * time.Millisecond // of the wall's clock: what waited in queues comes as fast as it is read
	keptStalls = 256
	mostStall  = 30 * time.Second // of the wall's clock: what is silent for longer has nothing to say
)

// saw takes in an event; least is the shortest silence that makes anything late.
func (s *stalls) saw(ev *link.Event, least time.Duration) {
	if gap := ev.At.Sub(s.last); !s.last.IsZero() && gap > least {
		s.open, s.waking = stall{s.last, ev.At}, 0
	}
	if ev.At.After(s.last) {
		s.last = ev.At
	}
	silence := s.open.to.Sub(s.open.from)
	if s.waking == atOnce || silence == 0 || silence > mostStall || ev.Dir != link.ToHost || ev.Kind != link.Data && ev.Kind != link.Opened ||
		ev.At.Sub(s.open.to) > min(silence/20, sameMoment) {
		return
	}
	for _, id := range s.woken[:s.waking] {
		if id == ev.Conn {
			return
		}
	}
	s.woken[s.waking] = ev.Conn
	if s.waking++; s.waking < atOnce {
		return
	}
	s.add(s.open)
}

func (s *stalls) add(x stall) {
	if len(s.known) >= keptStalls {
		s.known = append(s.known[:0], s.known[keptStalls/2:]...)
	}
	s.known = append(s.known, x)
}

// Stood says that the program itself got no time of its machine, from when it should have gone on until it did: what was late
// about then may have been no later than the watch.
func (s *Session) Stood(from, to time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.stood(stall{from, to}) && s.o.Record != nil {
		s.unsaid = append(s.unsaid, stall{from, to})
	}
}

func (s *Session) stood(x stall) (matters bool) {
	if x.to.Sub(x.from) < s.scaled(leastPatience)/2 {
		return false
	}
	s.stalls.add(x)
	s.version++
	return true
}

// recalled is the stall of which a recording tells.
func recalled(ev *link.Event) stall {
	from, err := time.Parse(time.RFC3339Nano, ev.Note)
	if err != nil {
		return stall{}
	}
	return stall{from, from.Add(ev.Took)}
}

// held says that what was sent at a time may have waited for the watch, by somebody who waits that long. A machine that had no time
// once has little behind it either.
func (s *stalls) held(at time.Time, patience time.Duration) bool {
	for _, x := range s.known {
		if at.After(x.from.Add(-patience)) && at.Before(x.to.Add(patience)) {
			return true
		}
	}
	return false
}

// spare leaves out what waited for the watch.
func (s *stalls) spare(list []sign, patience time.Duration) []sign {
	if len(s.known) == 0 {
		return list
	}
	var rest []sign
	for _, sg := range list {
		if !s.held(sg.at, patience) {
			rest = append(rest, sg)
		}
	}
	return rest
}
