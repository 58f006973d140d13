package sim

import "syscall"

// listenAgain has no effect on some versions of Windows: connects to a dead address are then refused instead of dropped.
func listenAgain(fd uintptr, backlog int) error { return syscall.Listen(syscall.Handle(fd), backlog) }
