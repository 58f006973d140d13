package cli

import (
	"os"
	"runtime"
	"runtime/debug"
	"runtime/metrics"
	"sync/atomic"
	"time"
)

// What a program with a screen may take, in bytes: leastRoom, or what is in use, what the collector and stacks take for
// themselves, and some more, when that is more. With the pages of the binary, which the system can take back at any time, and
// tables of libraries it is some 16 MiB more that count as resident.
const (
	leastRoom = 39 << 20
	moreRoom  = 3 << 20
	mostRoom  = 5 << 20 // instead of moreRoom, when collections would else be less than tooSoon apart
	tooSoon   = 200 * time.Millisecond
	forNought = 1 << 20 // is what is made between two collections when nothing but the limit calls for them
)

// room keeps the program as small as a screen that runs for weeks on a small machine should be, and lets the collector come
// seldom while there is room. A fixed limit would have it come again and again where more is in use than usual, so the limit
// follows what is in use, after each collection. The environment may say otherwise: then there is nothing to do.
type room struct {
	theirs bool // the environment's
	left   atomic.Bool
	use    []metrics.Sample
	more   int64
	last   time.Time
	made   uint64 // so far, when the last collection came
}

// newRoom begins to set limits, until leave is called.
func newRoom() *room {
	r := &room{more: moreRoom, last: time.Now(), theirs: os.Getenv("GOMEMLIMIT") != "" || os.Getenv("GOGC") != ""}
	if r.theirs {
		return r
	}
	for _, name := range []string{"/gc/heap/live", "/memory/classes/total", "/memory/classes/heap/released", "/memory/classes/heap/free", "/memory/classes/heap/objects", "/memory/classes/heap/unused", "/gc/heap/allocs"} {
		r.use = append(r.use, metrics.Sample{Name: name + ":bytes"})
	}
	r.collected(0)
	return r
}

func (r *room) leave() { r.left.Store(true) }

// grow says by how many percent of what is in use the heap may grow until the collector comes, as long as there is room.
func (r *room) grow(percent int) {
	if !r.theirs {
		debug.SetGCPercent(percent)
	}
}

// collected sets the limit after a collection. Where what is in use lies scattered, the pages between cannot be given back, and a
// limit below them would have the collector come without an end: then it is raised until that stops.
func (r *room) collected(int) {
	if r.left.Load() {
		return
	}
	metrics.Read(r.use)
	n := func(i int) int64 { return int64(r.use[i].Value.Uint64()) }
	live, beside, made := n(0), n(1)-n(2)-n(3)-n(4)-n(5), r.use[6].Value.Uint64()
	const step = 1 << 19
	switch soon := time.Since(r.last) < tooSoon; {
	case soon && made-r.made < forNought:
		r.more += 4 << 20
	case !soon:
		r.more = max(r.more-step, moreRoom)
	case r.more < mostRoom:
		r.more += step
	}
	r.last, r.made = time.Now(), made
	debug.SetMemoryLimit(max(leastRoom, live+live/6+beside+r.more)) // a sixth lies idle between what is in use
	runtime.AddCleanup(new([16]byte), r.collected, 0)               // nobody has it: it goes with the next collection
}
