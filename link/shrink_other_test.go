//go:build !unix

package link

func shrink(uintptr) {}
