//go:build !unix

package sim

import (
	"errors"
	"os"
)

func openPTY() (a, b *os.File, name string, err error) {
	return nil, nil, "", errors.New("this system has no pseudo terminals")
}
