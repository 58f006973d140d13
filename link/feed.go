package link

import "context"

const (
	feedEvents = 2048      // events of a full batch
	feedSlab   = 256 << 10 // bytes of data that share one allocation
	feedAhead  = 4         // full batches that may wait
)

// feed carries events from who reads a capture to who takes them in, on two cores, in order. The reader waits when the
// taker is behind.
type feed struct {
	out   chan []Event
	back  chan []Event // batches that were taken in, to be used again
	gone  <-chan struct{}
	batch []Event
	slab  []byte
}

func newFeed(ctx context.Context) *feed {
	return &feed{out: make(chan []Event, feedAhead), back: make(chan []Event, feedAhead+2), gone: ctx.Done()}
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

// run calls read on a goroutine of its own and gives its events to sink until read ends or ctx does. A read that waits for
// input when ctx ends is left behind: it can do no more than end.
func (f *feed) run(ctx context.Context, read func() error, sink func(Event)) error {
	failed := make(chan error, 1)
	go func() {
		err := read()
		f.flush()
		failed <- err
		close(f.out)
	}()
	for {
		select {
		case b, more := <-f.out:
			if !more {
				return <-failed
			}
			for _, ev := range b {
				sink(ev)
			}
			clear(b) // or the data of the batch lives on in it
			select {
			case f.back <- b:
			default:
			}
		case <-ctx.Done():
			return nil
		}
	}
}
