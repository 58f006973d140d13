package sim

import (
	"context"
	"sync"
	"time"
)

// clock is the shop's time since it opened. It runs speed times faster than the wall's, stands still while paused, and in
// an unpaced shop nothing waits at all. Every wait of the store goes by it, so that a pause stops the whole store, timeouts
// included, and a new speed holds at once.
type clock struct {
	unpaced bool
	date    time.Time // what today is, zero for what it is; it stands still then

	mu      sync.Mutex
	mark    time.Time     // when the wall's clock was read last
	at      time.Duration // the shop's time then
	speed   float64
	paused  bool
	changed chan struct{} // closed when speed or pause change
}

func newClock(speed float64, unpaced bool) *clock {
	return &clock{unpaced: unpaced, mark: time.Now(), speed: speed, changed: make(chan struct{})}
}

// today is the date and time as messages say it.
func (c *clock) today() time.Time {
	if !c.date.IsZero() {
		return c.date
	}
	return time.Now().In(beijing)
}

// read is the shop's time, how fast it runs (0 while paused), and a channel that closes when that changes.
func (c *clock) read() (now time.Duration, speed float64, changed <-chan struct{}) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.paused {
		return c.at, 0, c.changed
	}
	return c.at + time.Duration(float64(time.Since(c.mark))*c.speed), c.speed, c.changed
}

func (c *clock) now() time.Duration {
	now, _, _ := c.read()
	return now
}

// set changes speed or pause from now on.
func (c *clock) set(change func()) {
	c.mu.Lock()
	defer c.mu.Unlock()
	wall := time.Now()
	if !c.paused {
		c.at += time.Duration(float64(wall.Sub(c.mark)) * c.speed)
	}
	c.mark = wall
	change()
	close(c.changed)
	c.changed = make(chan struct{})
}

// wait lets d of the shop's time pass; false when ctx ended before.
func (c *clock) wait(ctx context.Context, d time.Duration) bool {
	if c.unpaced || d <= 0 {
		return ctx.Err() == nil
	}
	now, speed, changed := c.read()
	for end := now + d; now < end; now, speed, changed = c.read() {
		var ring <-chan time.Time
		if speed > 0 {
			t := time.NewTimer(time.Duration(float64(end-now) / speed))
			defer t.Stop()
			ring = t.C
		}
		select {
		case <-ctx.Done():
			return false
		case <-changed:
		case <-ring:
		}
	}
	return ctx.Err() == nil
}

// unpacedWait stands for every timeout of an unpaced shop, which has no time of its own: only what hangs takes so long.
const unpacedWait = 20 * time.Second

// untilDeadline is when a socket's wait should be looked at again, for a wait that ends at the shop's time end. It says
// false when the end is reached.
func (c *clock) untilDeadline(end time.Duration) (time.Time, bool) {
	now, speed, _ := c.read()
	switch {
	case now >= end:
		return time.Time{}, false
	case speed == 0: // a paused shop waits on
		return time.Now().Add(20 * time.Millisecond), true
	}
	// Not longer than this at once: the shop may be paused or change its pace meanwhile, or nobody wait any more.
	look := 200 * time.Millisecond
	if c.unpaced {
		look = 5 * time.Millisecond
	}
	return time.Now().Add(min(time.Duration(float64(end-now)/speed), look)), true
}

// wall is how long d of the shop's time takes at the present speed.
func (c *clock) wall(d time.Duration) time.Duration {
	if c.unpaced {
		return unpacedWait
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	return time.Duration(float64(d) / c.speed)
}

// patience is the shop's time at which a wait of d that begins now ends.
func (c *clock) patience(d time.Duration) time.Duration {
	if c.unpaced {
		d = unpacedWait
	}
	return c.now() + d
}
