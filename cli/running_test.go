package cli

import (
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// A report that cannot be written to its end, as on a full disk, leaves no part of it, and what was there stays.
func TestNoPartOfAReportStays(t *testing.T) {
	path := filepath.Join(t.TempDir(), "report.html")
	part := func(f io.Writer) error {
		_, _ = io.WriteString(f, "<html>")
		return errors.New("no space left on device")
	}
	if err := writeWhole(path, part); err == nil || !strings.Contains(err.Error(), "make room") {
		t.Errorf("the error is %v", err)
	}
	if _, err := os.Stat(path); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("a part stays: %v", err)
	}
	whole := func(f io.Writer) error { _, err := io.WriteString(f, "whole"); return err }
	if err := writeWhole(path, whole); err != nil {
		t.Fatal(err)
	}
	if err := writeWhole(path, part); err == nil || !strings.Contains(err.Error(), "not overwritten") {
		t.Errorf("the error is %v", err)
	}
	if b, _ := os.ReadFile(path); string(b) != "whole" {
		t.Errorf("%q is left of the file that was there", b)
	}
}
