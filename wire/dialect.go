package wire

import (
	"encoding/json"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"sort"
	"strings"
	"sync"

	"github.com/moov-io/iso8583"
	"github.com/moov-io/iso8583/specs"

	"tillscope/assets"
)

// coding is how the characters of a field, or of its length, stand on the line.
type coding uint8

const (
	asText   coding = iota // one byte a character
	asBCD                  // two digits a byte, right-justified
	asLBCD                 // two digits a byte, left-justified
	asBinary               // bytes
	asHex                  // two hex characters a byte
)

// hide is what masking does to a field.
type hide uint8

const (
	hideNone  hide = iota
	hidePAN        // between the first six and the last four digits
	hideAll        // everything
	hideRuns       // digit runs of 13 and more: free text may repeat a card number
	hideEMV        // by tag
	hideKeys       // everything but what is known to be harmless, by message type
	hideBatch      // card numbers inside batch upload records
)

var hides = map[string]hide{"none": hideNone, "pan": hidePAN, "track": hideAll, "all": hideAll, "runs": hideRuns, "emv": hideEMV, "keys": hideKeys, "batch": hideBatch}

// def is one field of the compiled table.
type def struct {
	id     int
	name   string
	coding coding
	prefix coding // of the length, when digits > 0
	digits int    // of the length prefix; 0 is a fixed length
	max    int    // in characters, or bytes for binary fields
	hide   hide
	layout []part // digits of subfields, in order
	tlv    bool
}

// part is one subfield of a fixed layout: digits or characters.
type part struct {
	id, name string
	n        int
}

// dialect is a moov spec compiled for the walk, with its envelope.
type dialect struct {
	id       string
	framings []string
	headers  []string
	mti      coding
	bitmap   coding
	defs     [129]*def
	spec     *iso8583.MessageSpec
}

// moovField is the part of moov's JSON spec form that places a field on the line.
type moovField struct {
	Type, Description, Enc, Prefix string
	Length                         int
}

// envelope is the file form of a dialect: a moov spec and what moov has no place for.
type envelope struct {
	ID       string
	Names    map[string]string
	Framings []string
	Headers  []string
	Mask     map[string]string
	Layouts  map[string]json.RawMessage
	Spec     struct {
		Name   string
		Fields map[string]moovField
	}
}

var dialects = sync.OnceValues(func() ([]*dialect, error) {
	files, err := fs.ReadDir(assets.FS, "dialects")
	if err != nil {
		return nil, err
	}
	var all []*dialect
	for _, f := range files {
		raw, err := fs.ReadFile(assets.FS, path.Join("dialects", f.Name()))
		if err != nil {
			return nil, err
		}
		d, err := compile(raw)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", f.Name(), err)
		}
		all = append(all, d)
	}
	return all, nil
})

// Dialects lists the ids of the dialects that ship.
func Dialects() []string {
	all, _ := dialects()
	ids := make([]string, 0, len(all))
	for _, d := range all {
		ids = append(ids, d.id)
	}
	return ids
}

// Spec is the moov spec of a shipped dialect, for packing messages: digits and text as strings (track separator '='),
// chip data, PIN block and MAC as bytes.
func Spec(id string) (*iso8583.MessageSpec, error) {
	all, err := dialects()
	if err != nil {
		return nil, err
	}
	for _, d := range all {
		if d.id == id {
			return d.spec, nil
		}
	}
	return nil, fmt.Errorf("no dialect %q: choose one of %s", id, strings.Join(Dialects(), ", "))
}

func compile(raw []byte) (*dialect, error) {
	var env envelope
	if err := json.Unmarshal(raw, &env); err != nil {
		return nil, err
	}
	var body struct{ Spec json.RawMessage }
	if err := json.Unmarshal(raw, &body); err != nil {
		return nil, err
	}
	spec, err := specs.ImportJSON(body.Spec)
	if err != nil {
		return nil, err
	}
	d := &dialect{id: env.ID, framings: env.Framings, headers: env.Headers, spec: spec}
	ids := make([]string, 0, len(env.Spec.Fields))
	for id := range env.Spec.Fields {
		ids = append(ids, id)
	}
	sort.Strings(ids)
	for _, key := range ids {
		f := env.Spec.Fields[key]
		var id int
		if _, err := fmt.Sscanf(key, "%d", &id); err != nil || id < 0 || id > 128 {
			return nil, fmt.Errorf("field %q: not a number from 0 to 128", key)
		}
		c, err := codingOf(f.Enc)
		if err != nil {
			return nil, fmt.Errorf("field %d: %w", id, err)
		}
		switch id {
		case 0:
			d.mti = c
			continue
		case 1:
			d.bitmap = c
			continue
		}
		df := &def{id: id, name: f.Description, coding: c, max: f.Length}
		family, length, _ := strings.Cut(f.Prefix, ".")
		if length != "Fixed" {
			df.digits = len(length)
			if df.prefix, err = codingOf(family); err != nil {
				return nil, fmt.Errorf("field %d: prefix: %w", id, err)
			}
		}
		mask := env.Mask[key]
		h, ok := hides[mask]
		if !ok && mask != "" {
			return nil, fmt.Errorf("field %d: no mask %q", id, mask)
		}
		df.hide = h
		if layout := env.Layouts[key]; layout != nil {
			if err := df.readLayout(layout); err != nil {
				return nil, fmt.Errorf("field %d: layout: %w", id, err)
			}
		}
		d.defs[id] = df
	}
	return d, nil
}

func codingOf(name string) (coding, error) {
	i := slices.Index([]string{"ASCII", "BCD", "LBCD", "Binary", "HexToASCII"}, name)
	if i < 0 {
		return 0, fmt.Errorf("the walk does not know encoding %q", name)
	}
	return coding(i), nil
}

func (df *def) readLayout(raw json.RawMessage) error {
	var name string
	if json.Unmarshal(raw, &name) == nil {
		if name != "ber-tlv" {
			return fmt.Errorf("no layout %q", name)
		}
		df.tlv = true
		return nil
	}
	var rows [][3]any
	if err := json.Unmarshal(raw, &rows); err != nil {
		return err
	}
	for _, r := range rows {
		id, ok1 := r[0].(string)
		name, ok2 := r[1].(string)
		n, ok3 := r[2].(float64)
		if !ok1 || !ok2 || !ok3 || n < 1 {
			return fmt.Errorf("%v: want [id, name, length]", r)
		}
		df.layout = append(df.layout, part{fmt.Sprintf("%d.%s", df.id, id), name, int(n)})
	}
	return nil
}

// bytes is how many bytes n characters of the field take.
func (df *def) bytes(n int) int {
	switch df.coding {
	case asBCD, asLBCD:
		return (n + 1) / 2
	case asHex:
		return 2 * n
	}
	return n
}
