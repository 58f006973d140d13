package link

import (
	"runtime"

	"golang.org/x/sys/unix"
)

// behind is how many steps of niceness: analysis weighs a third of the relay. More makes the relay no faster, seen here, and
// a thread that hardly gets to run on a busy machine holds up those that wait for it, as Go's collector waits for all.
const behind = 5

// yield makes the calling goroutine's thread its own, and lets the others of the machine that have something to do go first.
// The thread ends with the goroutine. A system that refuses is as good as one that has nothing of the kind.
func yield() {
	runtime.LockOSThread()
	_ = unix.Setpriority(unix.PRIO_PROCESS, unix.Gettid(), behind)
}
