package link

import (
	"context"
	"time"
)

const (
	feedEvents = 512       // events of a full batch
	feedBytes  = 128 << 10 // bytes of data that a batch has room for, unless one event has more
	feedAhead  = 4         // full batches that may wait
)

// feed carries events from who reads a capture to who takes them in, on two cores, in order. The reader waits when the
// taker is behind.
type feed struct {
	out   chan batch
	back  chan batch    // what was taken in, to be used again
	gone  chan struct{} // closed when nobody takes any more
	batch batch
}

// batch is some events, and the bytes of their data behind each other.
type batch struct {
	events []Event
	bytes  []byte
}

func newFeed() *feed {
	return &feed{out: make(chan batch, feedAhead), back: make(chan batch, feedAhead+2), gone: make(chan struct{})}
}

// emit adds an event without data.
func (f *feed) emit(ev Event) {
	f.batch.events = append(f.batch.events, ev)
	if len(f.batch.events) >= feedEvents {
		f.flush()
	}
}

// data adds bytes, which are copied.
func (f *feed) data(ev Event, b []byte) {
	at := len(f.batch.bytes)
	if cap(f.batch.bytes)-at < len(b) {
		f.flush()
		if at = 0; cap(f.batch.bytes) < len(b) {
			f.batch.bytes = make([]byte, 0, max(feedBytes, len(b)))
		}
	}
	f.batch.bytes = append(f.batch.bytes, b...)
	ev.Data = f.batch.bytes[at:len(f.batch.bytes):len(f.batch.bytes)]
	f.emit(ev)
}

// idle says that nothing waits to be taken in: then it is time to hand over what there is.
func (f *feed) idle() bool { return len(f.out) == 0 }

// flush hands over what there is. A reader calls it before it may have to wait for more.
func (f *feed) flush() {
	if len(f.batch.events) == 0 {
		return
	}
	select {
	case f.out <- f.batch:
	case <-f.gone:
	}
	select {
	case b := <-f.back:
		f.batch = batch{b.events[:0], b.bytes[:0]}
	default:
		f.batch = batch{events: make([]Event, 0, feedEvents)}
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
			for i := range b.events {
				sink(b.events[i])
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
