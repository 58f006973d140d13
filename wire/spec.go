package wire

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"path/filepath"
	"strconv"
	"strings"
)

// envelope is the file form of a dialect: a moov spec and what moov has no place for.
type envelope struct {
	ID       string
	Extends  string // the id of a shipped dialect, of which this file holds the differences
	Version  *int   // the first digit of its message types
	Names    map[string]string
	Framings []string
	Headers  []string
	Third    int    // the field that is the bitmap of fields 129 to 192; field 65 stands with the other bitmaps
	Seldom   []int  // fields that its messages hardly ever have
	Own      []int  // fields that it writes as no other does: a message without any of them is rather taken for another's
	Rare     bool   // it is looked for in its own framings and headers only
	Values   string // the family of value.* texts in the languages that its codes belong to
	Mask     map[string]string
	Layouts  map[string]json.RawMessage
	Also     map[string][]json.RawMessage // other forms in which a field is known to stand, as in the spec
	Spec     *moovSpec

	file string
	raw  []byte // of the file
}

// moovSpec is moov's JSON spec form. Its fields are kept as they stand for moov itself.
type moovSpec struct {
	Name   string                     `json:"name"`
	Fields map[string]json.RawMessage `json:"fields"`
}

// moovField is the part of moov's form that places a field on the line.
type moovField struct {
	Type, Description, Enc, Prefix string
	Length                         int
	Tag                            *moovTag
	Subfields                      map[string]*moovField
	Bitmap                         *moovField
}

type moovTag struct {
	Length         int
	Enc            string
	PrefUnknownTLV string
}

// open reads a dialect file, with what it extends. Errors name the file and the line.
func open(file string, raw []byte) (*envelope, error) {
	env := &envelope{}
	if err := json.Unmarshal(raw, env); err != nil {
		return nil, located(file, raw, err)
	}
	if env.Spec == nil && env.Extends == "" { // moov's bare form
		env.ID, env.Spec = strings.TrimSuffix(filepath.Base(file), ".json"), &moovSpec{}
		env.Layouts = map[string]json.RawMessage{"55": []byte(`"ber-tlv"`)}
		if err := json.Unmarshal(raw, env.Spec); err != nil {
			return nil, located(file, raw, err)
		}
	}
	env.file, env.raw = file, raw
	if env.Extends != "" {
		base, err := shipped(env.Extends)
		if err != nil {
			return nil, fmt.Errorf("%s: extends: %w", file, err)
		}
		env.extend(base)
	}
	if env.Spec == nil || len(env.Spec.Fields) == 0 {
		return nil, fmt.Errorf("%s: no fields: want moov's JSON spec form, or it as \"spec\" beside \"id\", \"mask\" and \"layouts\"", file)
	}
	if env.ID == "" {
		env.ID = strings.TrimSuffix(filepath.Base(file), ".json")
	}
	return env, nil
}

// extend takes from base what env does not say.
func (env *envelope) extend(base *envelope) {
	if env.Version == nil {
		env.Version = base.Version
	}
	if env.Framings == nil {
		env.Framings = base.Framings
	}
	if env.Headers == nil {
		env.Headers = base.Headers
	}
	if env.Values == "" {
		env.Values = base.Values
	}
	if env.Own == nil {
		env.Own = base.Own
	}
	if env.Seldom == nil {
		env.Seldom = base.Seldom
	}
	env.Mask = over(base.Mask, env.Mask)
	env.Layouts = over(base.Layouts, env.Layouts)
	env.Also = over(base.Also, env.Also)
	if env.Spec == nil {
		env.Spec = &moovSpec{}
	}
	env.Spec.Fields = over(base.Spec.Fields, env.Spec.Fields)
}

func over[V any](base, changes map[string]V) map[string]V {
	all := maps.Clone(base)
	if all == nil {
		all = map[string]V{}
	}
	maps.Copy(all, changes)
	return all
}

// usualMask is what ISO 8583 puts into fields that hold card data: what no file of a dialect can take away.
var usualMask = map[string]string{"2": "pan", "14": "all", "34": "all", "35": "track", "36": "track", "45": "track", "52": "all", "55": "emv", "102": "pan", "103": "pan"}

// harmless are fields of digits that are long enough for a card number and hold none: codes, times, amounts and their sums,
// reference and merchant numbers.
var harmless = map[int]bool{3: true, 4: true, 5: true, 6: true, 7: true, 11: true, 12: true, 22: true, 30: true, 37: true, 41: true, 42: true, 53: true, 54: true,
	86: true, 87: true, 88: true, 89: true, 90: true, 95: true, 97: true}

// mask says what masking does to a field. What a file says nothing of, and is long enough for a card number, may hold one.
func (env *envelope) mask(key string, df *def) (hide, error) {
	said, usual := env.Mask[key], usualMask[key]
	h, ok := hides[said]
	switch {
	case !ok && said != "":
		return 0, fmt.Errorf("no mask %q: want pan, track, all, runs, emv, keys, batch or none", said)
	case usual != "" && said == "none":
		return 0, fmt.Errorf("mask none: what stands in it is card data by ISO 8583, which is always hidden")
	case said != "":
		return h, nil
	case usual != "":
		return hides[usual], nil
	case df.id == 53 && df.max > 16: // more than ISO's digits that say how the PIN is protected: working keys
		return hideAll, nil
	case df.max > runLimit && !harmless[df.id] && (df.coding != asBinary || df.max > 16):
		return hideRuns, nil
	}
	return hideNone, nil
}

// compile turns a dialect file into the table of the walk.
func (env *envelope) compile() (*dialect, error) {
	d := &dialect{id: env.ID, framings: env.Framings, headers: env.Headers, rare: env.Rare, third: env.Third, values: env.Values}
	if env.Version != nil {
		d.version = byte('0' + *env.Version)
	}
	heads := 0
	for key, raw := range env.Spec.Fields {
		bad := func(err error) error {
			if line := fieldLines(env.raw)[key]; line > 0 {
				return fmt.Errorf("%s:%d: field %s: %w", env.file, line, key, err)
			}
			return fmt.Errorf("%s: field %s: %w", env.file, key, err)
		}
		id, err := strconv.Atoi(key)
		if err != nil || id < 0 || id > 192 || id > 128 && env.Third == 0 {
			return nil, bad(errors.New("not a number from 0 to 128, or to 192 where \"third\" names the field that is their bitmap"))
		}
		if id < 2 {
			var f moovField
			c, err := coding(0), json.Unmarshal(raw, &f)
			switch {
			case err != nil:
			case id == 1 && f.Enc == hexEBCDIC:
				c = asEBCDIC
			default:
				c, err = codingOf(f.Enc)
			}
			if err != nil {
				return nil, bad(err)
			}
			if heads++; id == 0 {
				d.mti = c
			} else {
				d.bitmap = c // of 8 bytes, and 8 more when bit 1 is set, whatever length moov's own specs give
			}
			continue
		}
		df, err := env.field(key, id, raw)
		if err != nil {
			return nil, bad(err)
		}
		d.defs[id], d.steps[id] = df, df.step()
		for i, other := range env.Also[key] {
			df, err := env.field(key, id, other)
			if err != nil {
				return nil, bad(fmt.Errorf("also, form %d: %w", i+1, err))
			}
			df.name, df.known = d.defs[id].name, true
			d.also[id] = append(d.also[id], df)
		}
	}
	if df := d.defs[env.Third%len(d.defs)]; env.Third != 0 && (df == nil || df.coding != asBinary || df.digits > 0 || df.max != 8) {
		return nil, fmt.Errorf("%s: third: field %d is no bitmap: want Binary, Binary.Fixed, length 8", env.file, env.Third)
	}
	for key := range env.Also {
		if env.Spec.Fields[key] == nil {
			return nil, fmt.Errorf("%s: also: field %s is not in the spec, which says how it usually stands", env.file, key)
		}
	}
	for _, id := range env.Own {
		if id < 2 || id > 128 {
			return nil, fmt.Errorf("%s: own: no field %d: want 2 to 128", env.file, id)
		}
		d.own[(id-1)/64] |= 1 << 63 >> ((id - 1) % 64)
	}
	for _, id := range env.Seldom {
		if id < 2 || id > 128 {
			return nil, fmt.Errorf("%s: seldom: no field %d: want 2 to 128", env.file, id)
		}
		d.seldom[(id-1)/64] |= 1 << 63 >> ((id - 1) % 64)
	}
	if heads < 2 {
		return nil, fmt.Errorf("%s: fields 0 (MTI) and 1 (bitmap) are needed", env.file)
	}
	return d, nil
}

// field compiles one field in one of its forms.
func (env *envelope) field(key string, id int, raw json.RawMessage) (*def, error) {
	var f moovField
	if err := json.Unmarshal(raw, &f); err != nil {
		return nil, err
	}
	df, err := f.def(id)
	if err != nil {
		return nil, err
	}
	if df.hide, err = env.mask(key, df); err != nil {
		return nil, err
	}
	if l := env.Layouts[key]; l != nil {
		if err := df.readLayout(l); err != nil {
			return nil, fmt.Errorf("layout: %w", err)
		}
	}
	return df, nil
}

// def compiles one field, or one subfield of a composite one.
func (f *moovField) def(id int) (df *def, err error) {
	df = &def{id: id, name: f.Description, max: f.Length}
	if len(f.Subfields) > 0 { // its parts have their own encodings; the whole is bytes
		df.coding = asBinary
		df.inner, err = f.composite()
	} else {
		df.coding, err = codingOf(f.Enc)
	}
	if err != nil {
		return nil, err
	}
	if f.Prefix == "BerTLV" { // of a subfield whose length is part of the TLV form
		return df, nil
	}
	family, length, _ := strings.Cut(f.Prefix, ".")
	if family == bytesEBCDIC && df.coding.packed() {
		family, df.doubled, df.max = "EBCDIC", true, (f.Length+1)/2
	}
	switch {
	case length != "Fixed":
		df.digits = len(length)
		if df.prefix, err = codingOf(family); err != nil || strings.Trim(length, "L") != "" || length == "" || len(length) > 4 {
			return nil, fmt.Errorf("prefix %q: want Fixed, L, LL, LLL or LLLL of ASCII, BCD, EBCDIC, Hex or Binary", f.Prefix)
		}
	case f.Length < 1:
		return nil, errors.New("a fixed field needs a length")
	}
	if f.Length < 0 || f.Length > maxFrame {
		return nil, fmt.Errorf("length %d: a frame has at most %d bytes", f.Length, maxFrame)
	}
	return df, nil
}

// codingOf is moov's name of an encoding, in ours.
func codingOf(name string) (coding, error) {
	switch name {
	case "ASCII":
		return asText, nil
	case "BCD":
		return asBCD, nil
	case "LBCD", filledBCD:
		return asLBCD, nil
	case "Binary", "BerTLVTag":
		return asBinary, nil
	case "HexToASCII", "ASCIIToHex", "Hex":
		return asHex, nil
	case "EBCDIC", "EBCDIC1047":
		return asEBCDIC, nil
	}
	return 0, fmt.Errorf("no encoding %q: want ASCII, BCD, LBCD, Binary, HexToASCII or EBCDIC", name)
}

// readLayout takes the name of a known form, a list of subfields, or several lists with their conditions.
func (df *def) readLayout(raw json.RawMessage) error {
	var form string
	if json.Unmarshal(raw, &form) == nil {
		if form != "ber-tlv" {
			return fmt.Errorf("no form %q: want ber-tlv, or a list of [id, name, length]", form)
		}
		df.tlv = true
		return nil
	}
	var parts []part
	if err := json.Unmarshal(raw, &parts); err == nil {
		df.layouts = []layout{{Parts: parts}}
		return nil
	}
	return json.Unmarshal(raw, &df.layouts)
}

// located adds the line of a JSON error.
func located(file string, raw []byte, err error) error {
	at := int64(0)
	var syntax *json.SyntaxError
	var kind *json.UnmarshalTypeError
	switch {
	case errors.As(err, &syntax):
		at = syntax.Offset
	case errors.As(err, &kind):
		at = kind.Offset
	}
	return fmt.Errorf("%s:%d: %w", file, lineAt(raw, at), err)
}

func lineAt(raw []byte, at int64) int {
	return 1 + bytes.Count(raw[:min(at, int64(len(raw)))], []byte("\n"))
}

// fieldLines are the lines of the fields of a spec, bare or in an envelope: the keys of "fields" that stand outermost.
func fieldLines(raw []byte) map[string]int {
	lines := map[string]int{}
	var walk func(d *json.Decoder, path string)
	walk = func(d *json.Decoder, path string) {
		t, err := d.Token()
		if open, ok := t.(json.Delim); err != nil || !ok || open != '{' && open != '[' {
			return
		}
		for d.More() {
			inside := path + "[]"
			if t == json.Delim('{') {
				key, err := d.Token()
				if err != nil {
					return
				}
				name := fmt.Sprint(key)
				if path == ".fields" || path == ".spec.fields" {
					lines[name] = lineAt(raw, d.InputOffset())
				}
				inside = path + "." + name
			}
			walk(d, inside)
		}
		_, _ = d.Token()
	}
	walk(json.NewDecoder(bytes.NewReader(raw)), "")
	return lines
}
