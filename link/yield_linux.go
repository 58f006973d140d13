package link

import (
	"runtime"

	"golang.org/x/sys/unix"
)

// behind is how much less than the relay the analysis weighs for the system's scheduler: a tenth.
const behind = 10

// yield makes the calling goroutine's thread its own, and lets all others of the machine that have something to do go first
// by far. The thread ends with the goroutine. A system that refuses is as good as one that has nothing of the kind.
func yield() {
	runtime.LockOSThread()
	_ = unix.Setpriority(unix.PRIO_PROCESS, unix.Gettid(), behind)
}
