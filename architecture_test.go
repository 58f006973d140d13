package main

import (
	"bytes"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// maxLines keeps every file short enough to be read in one sitting.
const maxLines = 800

// layers from the top: a package imports only what stands below it.
var layers = []string{"tillscope", "cli", "tui", "diagnostics", "sim", "link", "wire", "assets"}

// forbidden imports run downwards too, but would let in what a package must not know.
var forbidden = map[string]string{
	"diagnostics": "sim",  // the diagnosis finds faults from the bytes alone
	"link":        "wire", // how a line is reached has nothing to do with what it carries
}

func TestHouse(t *testing.T) {
	documented := map[string]bool{}
	seen := map[string]bool{}
	err := filepath.WalkDir(".", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || filepath.Ext(path) != ".go" {
			return err
		}
		src, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		if n := bytes.Count(src, []byte("\n")); n > maxLines {
			t.Errorf("%s has %d lines, more than %d: it does too many things", path, n, maxLines)
		}
		f, err := parser.ParseFile(token.NewFileSet(), path, src, parser.ImportsOnly|parser.ParseComments)
		if err != nil {
			return err
		}
		pkg := strings.Split(filepath.ToSlash(path), "/")[0]
		if pkg == path {
			pkg = layers[0]
		}
		at := slices.Index(layers, pkg)
		if at < 0 {
			t.Errorf("%s stands in no layer of the house", path)
			return nil
		}
		seen[pkg] = true
		documented[pkg] = documented[pkg] || f.Doc != nil
		for _, spec := range f.Imports {
			name, _ := strconv.Unquote(spec.Path.Value)
			inside, ok := strings.CutPrefix(name, "tillscope/")
			if !ok {
				continue
			}
			to := strings.Split(inside, "/")[0]
			if slices.Index(layers, to) <= at && to != pkg {
				t.Errorf("%s imports %s, which is not below it", path, to)
			}
			// A test from outside the package may play the simulator to it: what it proves is that the bytes are enough.
			fromOutside := strings.HasSuffix(f.Name.Name, "_test")
			if forbidden[pkg] == to && !fromOutside || pkg == layers[0] && to != "cli" {
				t.Errorf("%s must not import %s", path, to)
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	for pkg := range seen {
		if !documented[pkg] {
			t.Errorf("package %s does not say what it is for", pkg)
		}
	}
	if len(seen) < 5 {
		t.Errorf("only %d packages were found", len(seen))
	}
}
