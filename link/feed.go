package link

import (
	"context"
	"time"
)

const (
	feedEvents = 512       // events of a full batch
	feedSlab   = 128 << 10 // bytes of data that share one allocation
	feedAhead  = 4         // full batches that may wait
)

// feed carries events from who reads a capture to who takes them in, on two cores, in order. The reader waits when the
// taker is behind.
type feed struct {
	out   chan []Event
	back  chan []Event  // batches that were taken in, to be used again
	gone  chan struct{} // closed when nobody takes any more
	batch []Event
	slab  []byte
}

func newFeed() *feed {
	return &feed{out: make(chan []Event, feedAhead), back: make(chan []Event, feedAhead+2), gone: make(chan struct{})}
}

// emit adds an event without data.
func (f *feed) emit(ev Event) {
	f.batch = append(f.batch, ev)
	if len(f.batch) >= feedEvents {
		f.flush()
	}
}

// data adds bytes, which are copied.
func (f *feed) data(ev Event, b []byte) {
	if len(f.slab) < len(b) {
		f.slab = make([]byte, max(feedSlab, len(b)))
	}
	n := copy(f.slab, b)
	ev.Data, f.slab = f.slab[:n:n], f.slab[n:]
	f.emit(ev)
}

// idle says that nothing waits to be taken in: then it is time to hand over what there is.
func (f *feed) idle() bool { return len(f.out) == 0 }

// flush hands over what there is. A reader calls it before it may have to wait for more.
func (f *feed) flush() {
	if len(f.batch) == 0 {
		return
	}
	select {
	case f.out <- f.batch:
	case <-f.gone:
	}
	select {
	case b := <-f.back:
		f.batch = b[:0]
	default:
		f.batch = make([]Event, 0, feedEvents)
	}
}

// parting is how long a reader may take to hand over its last events when it is to end.
const parting = 500 * time.Millisecond

// run calls read on a goroutine of its own and gives its events to sink until read ends, which it should soon after ctx
// does. A read that then still waits for input is left behind: it can do no more than end.
func (f *feed) run(ctx context.Context, read func() error, sink func(Event)) error {
	defer close(f.gone)
	failed := make(chan error, 1)
	go func() {
		err := read()
		f.flush()
		failed <- err
		close(f.out)
	}()
	ending := ctx.Done()
	var late <-chan time.Time
	for {
		select {
		case b, more := <-f.out:
			if !more {
				return <-failed
			}
			for _, ev := range b {
				sink(ev)
			}
			select {
			case f.back <- b:
			default:
			}
		case <-ending:
			ending, late = nil, time.After(parting)
		case <-late:
			return nil
		}
	}
}
