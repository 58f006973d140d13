package cli

import (
	"math"
	"runtime"
	"runtime/debug"
	"testing"
	"time"
)

// The limit of memory follows what is in use, up and down: a limit below it would have the collector come all the time.
func TestRoomFollowsWhatIsInUse(t *testing.T) {
	t.Setenv("GOGC", "")
	t.Setenv("GOMEMLIMIT", "")
	percent := debug.SetGCPercent(100)
	limit := debug.SetMemoryLimit(-1)
	defer func() {
		debug.SetGCPercent(percent)
		debug.SetMemoryLimit(limit)
	}()
	defer stayRoomy(100)()
	until := func(what string, ok func(limit int64) bool) {
		t.Helper()
		for deadline := time.Now().Add(60 * time.Second); !ok(debug.SetMemoryLimit(-1)); time.Sleep(time.Millisecond) {
			if runtime.GC(); time.Now().After(deadline) {
				t.Fatalf("%s: the limit is %d MiB", what, debug.SetMemoryLimit(-1)>>20)
			}
		}
	}
	until("at first", func(limit int64) bool { return limit >= leastRoom && limit < math.MaxInt64 })
	const much = 4 * leastRoom
	func() {
		kept := make([]byte, much)
		until("with much in use", func(limit int64) bool { return limit > much+much/5 })
		runtime.KeepAlive(kept)
	}()
	until("when it is gone", func(limit int64) bool { return limit < much })
}
