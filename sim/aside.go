package sim

import (
	"context"
	"sync"
	"time"
)

// aside is what the halves of one store tell each other behind the line's back, so that what depends on timing in life does
// not depend on this machine's load: a terminal that breaks off waits until its request has arrived, and in an unpaced shop,
// which has no time to wait in, nobody waits for an answer that will not come, nor answers who will not wait. Halves that run
// alone have none.
type aside struct {
	mu   sync.Mutex
	open map[string]*under // by terminal id: its request under way
}

// under is a request under way.
type under struct {
	parts    bool // its terminal will break off before the answer
	arrived  bool
	forsaken bool // no answer will come in time
}

func newAside() *aside { return &aside{open: map[string]*under{}} }

// begin opens a terminal's request; end closes it.
func (a *aside) begin(tid string, parts bool) (end func()) {
	if a == nil {
		return func() {}
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	a.open[tid] = &under{parts: parts}
	return func() {
		a.mu.Lock()
		defer a.mu.Unlock()
		delete(a.open, tid)
	}
}

// of is what is known of a terminal's request.
func (a *aside) of(tid string) (u under) {
	if a == nil {
		return u
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	if known := a.open[tid]; known != nil {
		u = *known
	}
	return u
}

// tell is the host's: a request has arrived, and may have no answer to wait for.
func (a *aside) tell(tid string, forsaken bool) {
	if a == nil {
		return
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	if known := a.open[tid]; known != nil {
		known.arrived, known.forsaken = true, forsaken
	}
}

// arrival waits until a terminal's request has arrived, but not for ever: it may be lost.
func (a *aside) arrival(ctx context.Context, tid string) {
	for i := 0; i < 200 && a != nil && !a.of(tid).arrived; i++ {
		sleep(ctx, time.Millisecond)
	}
}
