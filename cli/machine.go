package cli

import (
	"os"
	"os/signal"
	"runtime"
	"runtime/debug"
	"sync"
	"syscall"

	"tillscope/link"
)

// How the program shares its machine with the shop that sells beside it, or through it.
const (
	// memoryOfFile is what a watch on a file is kept under, when that can be: twice of what it keeps of a file of any size.
	memoryOfFile = 82 << 20
	// memoryOfLine is the same for a line that passes through the program.
	memoryOfLine = 96 << 20
	// spareProcs are more than there are cores to run them: however busy analysis, screen and collector are, one is free to
	// see what comes on the line, and the system's scheduler, which is fair within milliseconds, decides who runs. Go's own
	// would let the line wait until one of them pauses.
	spareProcs = 2
)

// sparing asks the collector to stay under a goal of memory, and not to come before what is kept has grown by percent. The
// environment may say otherwise.
func sparing(goal int64, percent int) {
	if os.Getenv("GOMEMLIMIT") == "" && os.Getenv("GOGC") == "" {
		debug.SetMemoryLimit(goal)
		debug.SetGCPercent(percent)
	}
}

// lineFirst makes way for a line that passes through the program, once for all that follow. A collection works on all cores for
// some milliseconds, in which a message may wait: the fewer the better.
var lineFirst = sync.OnceFunc(func() {
	sparing(memoryOfLine, 400)
	runtime.GOMAXPROCS(runtime.GOMAXPROCS(0) + spareProcs)
	signal.Ignore(syscall.SIGPIPE) // a reader that leaves is an error of the write, and no end of the line
})

// behindLine shows what is watched, behind the line when one passes through the program: a picture can wait.
func behindLine(source link.Source, show func()) {
	if inline(source) {
		link.Behind(show)
	} else {
		show()
	}
}
