package diagnostics

import (
	"bytes"
	"encoding/json"
	"flag"
	"io/fs"
	"os"
	"path/filepath"
	"testing"

	"tillscope/assets"
)

var update = flag.Bool("update", false, "write what is generated")

// What people write is right, and the program has the same.
func TestShippedDataIsFresh(t *testing.T) {
	doc, err := readShipped()
	if err != nil {
		t.Fatal(err)
	}
	want, err := json.MarshalIndent(doc, "", " ")
	if err != nil {
		t.Fatal(err)
	}
	want = append(want, '\n')
	if *update {
		if err := os.WriteFile(filepath.Join("..", "assets", shippedFile), want, 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if have, err := fs.ReadFile(assets.FS, shippedFile); err != nil || !bytes.Equal(have, want) {
		t.Errorf("%s is not what the YAML files say: run `go generate ./diagnostics` (%v)", shippedFile, err)
	}
}
