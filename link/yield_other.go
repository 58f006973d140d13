//go:build !linux

package link

// yield does nothing: priorities of single threads are Linux's.
func yield() {}
