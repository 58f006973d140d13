package cli

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
)

// place is the file of a report. It is made before anything is watched: that a folder is missing is better known now than
// after hours. What stood there stays until the report is written.
type place struct {
	file           *os.File
	fresh, written bool
}

func newPlace(name string, force bool) (*place, error) {
	if i, err := os.Stat(name); err == nil && i.IsDir() {
		return nil, fmt.Errorf("the report cannot be written: %s is a folder; name a file in it", name)
	}
	f, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	fresh := err == nil
	if errors.Is(err, fs.ErrExist) {
		if !force {
			return nil, fmt.Errorf("%s exists and is not overwritten: take another name, or add --force", name)
		}
		f, err = os.OpenFile(name, os.O_WRONLY, 0o600)
	}
	if err != nil {
		return nil, fmt.Errorf("the report cannot be written: %w", err)
	}
	return &place{file: f, fresh: fresh}, nil
}

// Write replaces what stood in the file.
func (p *place) Write(b []byte) (int, error) {
	if i, err := p.file.Stat(); !p.written && err == nil && i.Mode().IsRegular() {
		if err := p.file.Truncate(0); err != nil {
			return 0, err
		}
	}
	p.written = true
	return p.file.Write(b)
}

// leave closes the file, and takes it away again when there was no report to write.
func (p *place) leave() error {
	err := p.file.Close()
	if p.fresh && !p.written {
		return errors.Join(err, os.Remove(p.file.Name()))
	}
	return err
}

// apart says that a file to be written is none that is read.
func apart(written string, read ...string) error {
	for _, name := range read {
		w, werr := os.Stat(written)
		r, rerr := os.Stat(name)
		if werr == nil && rerr == nil && r.Mode().IsRegular() && os.SameFile(w, r) {
			return usagef("%s is read here, and would be overwritten: take another name", written)
		}
	}
	return nil
}
