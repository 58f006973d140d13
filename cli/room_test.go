package cli

import (
	"context"
	"math"
	"os"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"testing"
	"time"

	"tillscope/diagnostics"
	"tillscope/link"
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
	r := newRoom()
	defer r.leave()
	r.grow(100)
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
		until("with much in use", func(limit int64) bool { return limit > much+much/6 })
		runtime.KeepAlive(kept)
	}()
	until("when it is gone", func(limit int64) bool { return limit < much })
}

// Pages of which a little is in use cannot be given back: a limit below them must not have the collector come again and again.
func TestRoomForWhatLiesScattered(t *testing.T) {
	t.Setenv("GOGC", "")
	t.Setenv("GOMEMLIMIT", "")
	percent, limit := debug.SetGCPercent(-1), debug.SetMemoryLimit(math.MaxInt64)
	defer func() {
		debug.SetGCPercent(percent)
		debug.SetMemoryLimit(limit)
	}()
	var scattered [][]byte
	for i := range 96 << 20 / 512 {
		if b := make([]byte, 512); i%14 == 0 {
			scattered = append(scattered, b)
		}
	}
	r := newRoom()
	defer r.leave()
	r.grow(100)
	calm := func() bool {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		for range 1000 {
			scattered[0] = make([]byte, 512)
			time.Sleep(100 * time.Microsecond)
		}
		runtime.ReadMemStats(&after)
		return after.NumGC == before.NumGC
	}
	for deadline := time.Now().Add(60 * time.Second); !calm(); {
		if time.Now().After(deadline) {
			t.Fatal("the collector comes on and on")
		}
	}
	runtime.KeepAlive(scattered)
}

// The collector comes less often while a line passes through the program, also when the line is chosen on the screen. Of what
// was watched before nothing stays.
func TestRoomFollowsTheSource(t *testing.T) {
	t.Setenv("GOGC", "")
	t.Setenv("GOMEMLIMIT", "")
	before, limit := debug.SetGCPercent(100), debug.SetMemoryLimit(-1)
	defer func() {
		debug.SetGCPercent(before)
		debug.SetMemoryLimit(limit)
	}()
	at(t, "")
	log := filepath.Join(t.TempDir(), "line.txt")
	if err := os.WriteFile(log, []byte("0800\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	file, err := link.OpenFile(log, nil)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	now, err := start(ctx, file, diagnostics.Options{})
	if err != nil {
		t.Fatal(err)
	}
	gone := make(chan struct{})
	runtime.AddCleanup(now.session, func(c chan struct{}) { close(c) }, gone)
	s := &screen{w: &watch{lang: "en"}, ctx: ctx, now: now, room: newRoom()}
	defer s.room.leave()
	s.room.grow(s.percent())
	for _, c := range []struct {
		kind    string
		values  map[string]string
		percent int
	}{{"tap", map[string]string{"listen": "127.0.0.1:0", "upstream": "127.0.0.1:1"}, 400}, {"file", map[string]string{"file": log}, 100}} {
		if _, err := s.open(c.kind, c.values); err != nil {
			t.Fatal(err)
		}
		got := debug.SetGCPercent(100)
		if debug.SetGCPercent(got); got != c.percent {
			t.Errorf("%s: %d %%", c.kind, got)
		}
	}
	cancel()
	<-s.current().ended
	for deadline := time.Now().Add(60 * time.Second); ; time.Sleep(time.Millisecond) {
		runtime.GC()
		select {
		case <-gone:
			return
		default:
		}
		if time.Now().After(deadline) {
			t.Fatal("what was watched before stays in memory")
		}
	}
}
