//go:build unix

package sim

import (
	"os"
	"syscall"

	"github.com/charmbracelet/x/term"
	"github.com/creack/pty"
)

// openPTY makes a pseudo terminal that changes no byte. Its second end has a name that other programs can open.
func openPTY() (a, b *os.File, name string, err error) {
	master, slave, err := pty.Open()
	if err != nil {
		return nil, nil, "", err
	}
	defer closeAll(master, slave)
	name = slave.Name()
	if _, err := term.MakeRaw(slave.Fd()); err != nil {
		return nil, nil, "", err
	}
	if a, err = pollable(master); err != nil {
		return nil, nil, "", err
	}
	if b, err = pollable(slave); err != nil {
		closeAll(a)
	}
	return a, b, name, err
}

// closeAll closes what has nothing more to tell.
func closeAll(files ...*os.File) {
	for _, f := range files {
		_ = f.Close()
	}
}

// pollable opens a file again so that its deadlines hold: asking for a descriptor, as the setting up does, takes that away.
func pollable(f *os.File) (*os.File, error) {
	fd, err := syscall.Dup(int(f.Fd()))
	if err != nil {
		return nil, err
	}
	syscall.CloseOnExec(fd)
	if err := syscall.SetNonblock(fd, true); err != nil {
		_ = syscall.Close(fd)
		return nil, err
	}
	return os.NewFile(uintptr(fd), f.Name()), nil
}
