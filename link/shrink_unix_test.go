//go:build unix

package link

import "syscall"

// shrink lets a listening socket hold one connection that nobody accepts.
func shrink(fd uintptr) { _ = syscall.Listen(int(fd), 0) }
