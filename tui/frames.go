package tui

import (
	"reflect"
	"sync"
	"time"
	"unsafe"

	tea "charm.land/bubbletea/v2"
)

// How often the renderer looks whether there is something to draw: after a change, and else. It goes on for framesFor after
// each change and each write. frameIdle only makes up for what should not be.
const (
	frameEvery = time.Second / 120
	framesFor  = 4 * frameEvery
	frameIdle  = time.Second
)

// pacer slows the renderer's clock while nothing changes. Bubble Tea (2.1) looks sixty times a second for as long as the program
// runs, and each look wakes threads: more than all else that an idle screen does. It has no option for that, so its clock is
// taken from the program's insides; where a later version has it no more, everything works as before, and a test says so.
type pacer struct {
	mu    sync.Mutex
	clock *time.Ticker
	slow  *time.Timer
	until time.Time // when the clock slows down
	meter *Meter    // of the output, nil when it is not measured
}

// attach takes the clock of a program whose renderer runs, as it does from Init on.
func (p *pacer) attach(program *tea.Program) {
	if program == nil {
		return
	}
	f := reflect.ValueOf(program).Elem().FieldByName("ticker")
	if f.IsValid() && f.Type() == reflect.TypeFor[*time.Ticker]() {
		p.clock = *(**time.Ticker)(unsafe.Pointer(f.UnsafeAddr()))
	}
}

// wake has the renderer look soon, since something has changed or is about to.
func (p *pacer) wake() {
	if p.clock == nil {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	fast := time.Now().Before(p.until)
	p.until = time.Now().Add(framesFor)
	if fast {
		return // the timer will find out that it is too early
	}
	p.clock.Reset(frameEvery)
	if p.slow == nil {
		p.slow = time.AfterFunc(framesFor, p.rest)
	} else {
		p.slow.Reset(framesFor)
	}
}

// rest slows the clock down, once nothing has changed for a while. While a write goes on, a newer frame may wait behind it.
func (p *pacer) rest() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.meter != nil && !p.meter.done(framesFor) {
		p.until = time.Now().Add(framesFor)
	}
	if left := time.Until(p.until); left > 0 {
		p.slow.Reset(left)
		return
	}
	p.clock.Reset(frameIdle)
}
