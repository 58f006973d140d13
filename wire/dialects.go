package wire

import (
	"encoding/json"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"sync"

	"github.com/moov-io/iso8583"
	"github.com/moov-io/iso8583/specs"

	"tillscope/assets"
)

// dialects are those that ship.
var dialects = sync.OnceValues(func() ([]*dialect, error) {
	files, err := fs.ReadDir(assets.FS, "dialects")
	if err != nil {
		return nil, err
	}
	var all []*dialect
	for _, f := range files {
		env, err := shipped(strings.TrimSuffix(f.Name(), ".json"))
		if err != nil {
			return nil, err
		}
		d, err := env.compile()
		if err != nil {
			return nil, err
		}
		all = append(all, d)
	}
	return all, nil
})

// shipped reads the file of a dialect that ships.
func shipped(id string) (*envelope, error) {
	name := path.Join("dialects", id+".json")
	raw, err := fs.ReadFile(assets.FS, name)
	if err != nil {
		return nil, fmt.Errorf("no dialect %q: choose one of %s", id, strings.Join(shippedIDs(), ", "))
	}
	return open(path.Base(name), raw)
}

func shippedIDs() (ids []string) {
	files, _ := fs.Glob(assets.FS, "dialects/*.json") // the pattern is right
	for _, f := range files {
		ids = append(ids, strings.TrimSuffix(path.Base(f), ".json"))
	}
	return ids
}

// own are a user's dialects, which add to those that ship or replace them.
var own struct {
	sync.Mutex
	list []*dialect
}

// AddDialects takes every JSON file of a folder as a dialect, beside those that ship or, by its id, instead of one. A
// folder that is not there adds nothing. It must come before the decoders that are to know them.
func AddDialects(dir string) error {
	files, err := filepath.Glob(filepath.Join(dir, "*.json"))
	if err != nil {
		return err
	}
	own.Lock()
	defer own.Unlock()
	for _, f := range files {
		d, err := fromFile(f)
		if err != nil {
			return err
		}
		own.list = append(own.list, d)
	}
	return nil
}

// known are all dialects, a user's own first.
func known() ([]*dialect, error) {
	shipped, err := dialects()
	own.Lock()
	defer own.Unlock()
	if err != nil || len(own.list) == 0 {
		return shipped, err
	}
	all := slices.Clone(own.list)
	for _, d := range shipped {
		if !slices.ContainsFunc(own.list, func(o *dialect) bool { return o.id == d.id }) {
			all = append(all, d)
		}
	}
	return all, nil
}

// Dialects lists the ids of the dialects that are known.
func Dialects() []string {
	all, _ := known()
	ids := make([]string, 0, len(all))
	for _, d := range all {
		ids = append(ids, d.id)
	}
	return ids
}

// Spec is the moov spec of a shipped dialect, for packing messages: digits and text as strings (track separator '='),
// chip data, PIN block and MAC as bytes. Moov checks it here, on first use: that takes longer than decoding needs.
func Spec(id string) (*iso8583.MessageSpec, error) {
	env, err := shipped(id)
	if err != nil {
		return nil, err
	}
	return env.moov()
}

// Usual says how a shipped dialect is spoken: the first digit of its message types, and the framings and headers that it
// usually has, the commonest first.
func Usual(id string) (version byte, framings, headers []string, err error) {
	env, err := shipped(id)
	if err != nil {
		return 0, nil, nil, err
	}
	version = '0'
	if env.Version != nil {
		version += byte(*env.Version)
	}
	return version, env.Framings, env.Headers, nil
}

// chosen are the dialects that an option allows: all that are known, one of them by id, or the one in a file. A file
// holds moov's JSON spec form, bare or inside the envelope that the shipped ones have.
func chosen(option string) ([]*dialect, error) {
	all, err := known()
	if err != nil || option == "" {
		return all, err
	}
	for _, d := range all {
		if d.id == option {
			return []*dialect{d}, nil
		}
	}
	if !strings.HasSuffix(option, ".json") && !strings.ContainsRune(option, filepath.Separator) {
		return nil, fmt.Errorf("no dialect %q: choose one of %s, or name a JSON file", option, strings.Join(Dialects(), ", "))
	}
	d, err := fromFile(option)
	return []*dialect{d}, err
}

func fromFile(name string) (*dialect, error) {
	raw, err := os.ReadFile(name)
	if err != nil {
		return nil, fmt.Errorf("the dialect cannot be read: %w", err)
	}
	env, err := open(name, raw)
	if err != nil {
		return nil, err
	}
	d, err := env.compile()
	if err != nil {
		return nil, err
	}
	if _, err := env.moov(); err != nil { // what the table does not need may be wrong too
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return d, nil
}

// moov is the spec as moov reads it. Of some mistakes moov panics.
func (env *envelope) moov() (spec *iso8583.MessageSpec, err error) {
	raw, err := json.Marshal(env.Spec)
	if err != nil {
		return nil, err
	}
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("moov cannot use the spec: %v", r)
		}
	}()
	return specs.ImportJSON(raw)
}
