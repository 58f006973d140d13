package cli

import (
	"os"
	"runtime"
	"runtime/debug"
	"runtime/metrics"
	"sync/atomic"
	"time"
)

// What a program with a screen may take, in bytes: leastRoom, of which eight or nine MiB are the collector's own and stacks, or
// what is in use, a fifth of it and some more, when that is more. With the pages of the binary, which the system can take back at
// any time, and tables of libraries it is some 18 MiB more that count as resident.
const (
	leastRoom = 40 << 20
	moreRoom  = 7 << 20
	mostRoom  = 14 << 20 // instead of moreRoom, when collections would else be less than tooSoon apart
	tooSoon   = 200 * time.Millisecond
)

// stayRoomy keeps the program as small as a screen that runs for weeks on a small machine should be, and lets the collector come
// seldom while there is room. A fixed limit would have it come again and again where more is in use than usual, so the limit
// follows what is in use, after each collection, until leave is called. The environment may say otherwise.
func stayRoomy(percent int) (leave func()) {
	if os.Getenv("GOMEMLIMIT") != "" || os.Getenv("GOGC") != "" {
		return func() {}
	}
	var left atomic.Bool
	debug.SetGCPercent(percent)
	inUse := []metrics.Sample{{Name: "/gc/heap/live:bytes"}}
	more, last := int64(moreRoom), time.Now()
	var collected func(int)
	collected = func(int) {
		if left.Load() {
			return
		}
		const step = 1 << 20
		if time.Since(last) < tooSoon {
			more = min(more+step, mostRoom)
		} else {
			more = max(more-step, moreRoom)
		}
		last = time.Now()
		metrics.Read(inUse)
		live := int64(inUse[0].Value.Uint64())
		debug.SetMemoryLimit(max(leastRoom, live+live/5+more))
		runtime.AddCleanup(new([16]byte), collected, 0) // nobody has it: it goes with the next collection
	}
	collected(0)
	return func() { left.Store(true) }
}
