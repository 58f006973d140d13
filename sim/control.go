package sim

import (
	"fmt"
	"slices"
	"sync"
)

// Control changes a store while it runs: what a trainer's screen and tests hold. Every method is safe to call from any
// goroutine, before, while and after the store runs, and holds at once; what is on its way already goes on as it began.
// It knows the truth, so nothing that diagnoses may see it.
type Control struct {
	store *Store
	mu    sync.Mutex // orders changes; readers of the list do not need it
	next  int
}

// Active is a fault of a running store.
type Active struct {
	ID     int // of this fault in this store, as the other methods take it
	Fault  Fault
	Cause  string // the cause id that the diagnosis should find, empty when the fault has none
	Hidden bool   // the trainee is not to see it
	Hits   int64  // how often it struck so far
}

// Control is the same for every call.
func (s *Store) Control() *Control { return s.control }

// Add begins a fault now; its begin and end, when given, count from now. A fault that makes no sense is refused with the
// reason.
func (c *Control) Add(f Fault) (id int, err error) {
	if err := f.Check(c.store.terminals); err != nil {
		return 0, err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.shift(&f)
	c.next++
	l := &live{Fault: f, id: c.next}
	c.change(func(list []*live) []*live { return append(list, l) })
	return c.next, nil
}

// AddScenario begins all faults of a scenario, by its id, and answers their ids.
func (c *Control) AddScenario(id string) (ids []int, err error) {
	sc, err := find(id)
	if err != nil {
		return nil, err
	}
	for _, f := range sc.Faults {
		n, err := c.Add(f)
		if err != nil {
			return ids, fmt.Errorf("scenario %s: %w", sc.ID, err)
		}
		ids = append(ids, n)
	}
	return ids, nil
}

// Change puts another fault in the place of one, from now on. What it was hidden as and its hits stay.
func (c *Control) Change(id int, f Fault) error {
	if err := f.Check(c.store.terminals); err != nil {
		return err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	old := c.get(id)
	if old == nil {
		return noFault(id)
	}
	c.shift(&f)
	l := &live{Fault: f, id: id}
	l.hidden.Store(old.hidden.Load())
	l.hits.Store(old.hits.Load())
	c.change(func(list []*live) []*live {
		list[slices.Index(list, old)] = l
		return list
	})
	return nil
}

// Clear ends a fault. What it broke, the store mends by itself as life does: terminals reverse, sign in again, settle.
func (c *Control) Clear(id int) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	old := c.get(id)
	if old == nil {
		return noFault(id)
	}
	c.change(func(list []*live) []*live { return slices.DeleteFunc(list, func(l *live) bool { return l == old }) })
	return nil
}

// ClearAll ends every fault, those of the scenario included.
func (c *Control) ClearAll() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.change(func([]*live) []*live { return nil })
}

// Hide keeps a fault from the trainee's eyes: List shows it to the trainer, Visible leaves it out.
func (c *Control) Hide(id int) error { return c.show(id, true) }

// Reveal shows it again.
func (c *Control) Reveal(id int) error { return c.show(id, false) }

func (c *Control) show(id int, hidden bool) error {
	l := c.get(id)
	if l == nil {
		return noFault(id)
	}
	l.hidden.Store(hidden)
	return nil
}

// List is every fault, in the order in which they were added: the truth.
func (c *Control) List() []Active {
	var out []Active
	for _, l := range *c.store.faults.list.Load() {
		out = append(out, Active{ID: l.id, Fault: l.Fault, Cause: l.cause(), Hidden: l.hidden.Load(), Hits: l.hits.Load()})
	}
	return out
}

// Visible is List without what is hidden.
func (c *Control) Visible() []Active {
	return slices.DeleteFunc(c.List(), func(a Active) bool { return a.Hidden })
}

// Pause stops the whole store, its timeouts included, until it is called with false.
func (c *Control) Pause(on bool) {
	clock := c.store.clock
	clock.set(func() { clock.paused = on })
}

// Paused says whether the store stands still.
func (c *Control) Paused() bool {
	_, speed, _ := c.store.clock.read()
	return speed == 0
}

// SetSpeed makes the store live so many times faster than life, from 0.01 to 100, whether it is paused or not. Who watches
// it has to be told: thresholds in time follow the speed.
func (c *Control) SetSpeed(speed float64) error {
	if err := checkSpeed(speed); err != nil {
		return err
	}
	clock := c.store.clock
	clock.set(func() { clock.speed = speed })
	return nil
}

// Speed is what SetSpeed or the options said last.
func (c *Control) Speed() float64 {
	clock := c.store.clock
	clock.mu.Lock()
	defer clock.mu.Unlock()
	return clock.speed
}

// shift turns a fault's times, which count from now, into the shop's.
func (c *Control) shift(f *Fault) {
	now := c.store.clock.now()
	if f.Begin > 0 {
		f.Begin += now
	}
	if f.End > 0 {
		f.End += now
	}
}

func (c *Control) get(id int) *live {
	for _, l := range *c.store.faults.list.Load() {
		if l.id == id {
			return l
		}
	}
	return nil
}

// change publishes another list; c.mu is held.
func (c *Control) change(edit func([]*live) []*live) {
	list := edit(slices.Clone(*c.store.faults.list.Load()))
	c.store.faults.list.Store(&list)
}

func noFault(id int) error { return fmt.Errorf("no fault %d: it was cleared, or never added", id) }
