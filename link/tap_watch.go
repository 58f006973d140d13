package link

import (
	"context"
	"time"
)

// What counts as noteworthy, in life's time. TapOptions.TimeScale divides all of it.
const (
	lookEvery   = 500 * time.Millisecond
	silentAfter = 10 * time.Second // or three times the usual answer's time, when that is more
	silentMost  = 30 * time.Second // and never later than that: terminals give up after 30 to 60 s
	stallAfter  = 2 * time.Second
	goneAfter   = 10 * time.Second
	goneRepeats = 4 // retransmissions in a row without an acknowledgement: 3 s and more by the system's own clock

	// Bytes trickle when a burst, uninterrupted by the other side, takes slowAfter in slowChunks pieces or more, at less
	// than slowRate. The slowest line that is in order, a modem at 9,600 baud, carries twice as much.
	slowAfter  = 2 * time.Second
	slowChunks = 4
	slowRate   = 500 // bytes a second
	burstPause = 2 * time.Second
)

// pace is how one direction of a connection goes.
type pace struct {
	last    time.Time // when bytes passed, zero when none did
	begun   time.Time // of the burst that last belongs to
	bytes   int       // of the burst
	chunks  int
	writing time.Time // since when a write waits for the receiver
	unsent  time.Time // since when the receiver takes nothing of what was written

	sent, sentBytes       uint64 // retransmissions told of, by the system's counters
	silent, stalled, gone bool   // told of, until it is over
}

// passing notes bytes about to go out in dir.
func (r *relay) passing(dir Dir, n int, at time.Time) {
	r.mu.Lock()
	defer r.mu.Unlock()
	p, other := &r.lanes[dir], &r.lanes[1-dir]
	r.burst(1-dir, at)
	if at.Sub(p.last) > r.tap.scaled(burstPause) {
		r.burst(dir, at)
	}
	if p.chunks == 0 {
		p.begun = at
	}
	if dir == ToTerminal && other.last.After(p.last) {
		r.tap.answered(at.Sub(other.last))
	}
	p.last, p.writing = at, at
	p.bytes += n
	p.chunks++
	other.silent = false
}

// passed notes that the receiver has taken them.
func (r *relay) passed(dir Dir) {
	r.mu.Lock()
	r.lanes[dir].writing, r.lanes[dir].stalled = time.Time{}, false
	r.mu.Unlock()
}

// trickled ends the burst of a direction.
func (r *relay) trickled(dir Dir, now time.Time) {
	r.mu.Lock()
	r.burst(dir, now)
	r.mu.Unlock()
}

func (r *relay) burst(dir Dir, now time.Time) {
	p := &r.lanes[dir]
	took := p.last.Sub(p.begun)
	if p.chunks >= slowChunks && took >= r.tap.scaled(slowAfter) && float64(p.bytes) < slowRate*r.tap.scale*took.Seconds() {
		ev := r.base
		ev.At, ev.Kind, ev.Dir, ev.Size, ev.Took = now, Slow, dir, p.bytes, took
		r.tap.queue.put(ev)
	}
	p.bytes, p.chunks = 0, 0
}

// since is how long ago bytes passed last in dir.
func (r *relay) since(dir Dir, now time.Time) time.Duration {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.lanes[dir].last.IsZero() {
		return 0
	}
	return now.Sub(r.lanes[dir].last)
}

// known says that the receiver of dir was told to be gone already.
func (r *relay) known(dir Dir) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.lanes[dir].gone
}

// answered learns how long an answer takes: at once when it took longer than usual, slowly when it did not.
func (t *Tap) answered(took time.Duration) {
	usual := time.Duration(t.usual.Load())
	if took < usual {
		took = usual - (usual-took)/16
	}
	t.usual.Store(int64(took)) // of two that learn at once, one counts
}

// stand enters a connection into those that are watched, or takes it out.
func (t *Tap) stand(r *relay, stands bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if stands {
		t.standing[r] = struct{}{}
	} else {
		delete(t.standing, r)
	}
}

// watch looks at the standing connections until ctx ends. It never touches one, but for breaking off what is over.
func (t *Tap) watch(ctx context.Context) {
	clock := time.NewTicker(max(time.Duration(float64(lookEvery)/t.scale), jitter/8))
	defer clock.Stop()
	var all []*relay
	for {
		select {
		case <-ctx.Done():
			return
		case <-clock.C:
		}
		all = all[:0]
		t.mu.Lock()
		for r := range t.standing {
			all = append(all, r)
		}
		t.mu.Unlock()
		for _, r := range all {
			r.look(time.Now())
		}
		clear(all)
	}
}

// look tells what has become noteworthy about a connection.
func (r *relay) look(now time.Time) {
	if ended := r.over.Load(); ended != nil && now.Sub(ended.At) > stallAfter {
		r.abort() // one side is gone, and the other takes nothing of what was still to be carried
		return
	}
	for dir := range Dir(2) {
		to := r.ends[1-dir]
		r.mu.Lock()
		p := &r.lanes[dir]
		idle := p.last.IsZero() || p.last.Before(now.Add(-2*goneAfter)) && p.unsent.IsZero() && !p.gone
		r.mu.Unlock()
		var s socket
		if !idle {
			s = inspect(to)
		}
		r.mu.Lock()
		r.judge(dir, s, now)
		r.mu.Unlock()
	}
}

// judge compares the pace of a direction, and what the system knows of the receiver's socket, with what is usual.
func (r *relay) judge(dir Dir, s socket, now time.Time) {
	p, other := &r.lanes[dir], &r.lanes[1-dir]
	tell := func(kind Kind, took time.Duration, size, count int) {
		ev := r.base
		ev.At, ev.Kind, ev.Dir, ev.Took, ev.Size, ev.Count = now, kind, dir, took, size, count
		r.tap.queue.put(ev)
	}
	if now.Sub(p.last) > r.tap.scaled(burstPause) {
		r.burst(dir, now)
	}
	if s.again > p.sent {
		tell(Retransmitted, 0, int(s.againBytes-p.sentBytes), int(s.again-p.sent))
		p.sent, p.sentBytes = s.again, s.againBytes
	}
	switch {
	case !s.unsent:
		p.unsent = time.Time{}
	case p.unsent.IsZero():
		p.unsent = now
	}
	blocked := p.writing
	if blocked.IsZero() || !p.unsent.IsZero() && p.unsent.Before(blocked) {
		blocked = p.unsent
	}
	if blocked.IsZero() {
		p.stalled = false
	} else if took := now.Sub(blocked); !p.stalled && took >= r.tap.scaled(stallAfter) {
		p.stalled = true
		tell(Stalled, took, 0, 0)
	}
	if s.repeats == 0 {
		p.gone = false
	} else if !p.gone && s.repeats >= goneRepeats && s.unacked >= r.tap.scaled(goneAfter) {
		p.gone = true
		tell(HalfOpen, s.unacked, 0, 0)
	}
	if dir == ToHost && !p.silent && !p.last.IsZero() && !other.last.After(p.last) && p.writing.IsZero() {
		limit := min(max(r.tap.scaled(silentAfter), 3*time.Duration(r.tap.usual.Load())), r.tap.scaled(silentMost))
		if took := now.Sub(p.last); took >= limit {
			p.silent = true
			tell(Silent, took, 0, 0)
		}
	}
}

// socket is what the system knows of one that bytes are written to, as far as it says.
type socket struct {
	again, againBytes uint64        // segments and bytes sent again so far; bytes are 0 where only segments are counted
	repeats           int           // retransmissions in a row that nothing was heard of
	unacked           time.Duration // since something was heard, while bytes wait for an acknowledgement
	unsent            bool          // bytes wait although all that was sent is acknowledged: the receiver's window is closed
}
