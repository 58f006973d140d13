package wire

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/moov-io/iso8583"
	"github.com/moov-io/iso8583/specs"

	"tillscope/assets"
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
	id      int
	name    string
	coding  coding
	prefix  coding // of the length, when digits > 0
	digits  int    // of the length prefix; 0 is a fixed length
	max     int    // in characters, or bytes for binary fields
	halved  bool   // the length counts nibbles although the content is bytes
	hide    hide
	layouts []layout
	tlv     bool
}

// layout divides a field into subfields for the message types that it is for, all when it names none.
type layout struct {
	MTI    []string
	Starts string // the value begins so
	Length int    // of the value in characters, 0 for any
	Parts  []part
}

// part is one subfield: n digits, characters or bytes.
type part struct {
	id, name string
	n        int
}

// UnmarshalJSON reads ["id", "name", length].
func (p *part) UnmarshalJSON(b []byte) error {
	var row []any
	if err := json.Unmarshal(b, &row); err != nil {
		return err
	}
	if len(row) == 3 {
		id, ok1 := row[0].(string)
		name, ok2 := row[1].(string)
		n, ok3 := row[2].(float64)
		if ok1 && ok2 && ok3 && n >= 1 {
			*p = part{id, name, int(n)}
			return nil
		}
	}
	return fmt.Errorf("subfield %s: want [id, name, length]", b)
}

// dialect is a moov spec compiled for the walk, with its envelope.
type dialect struct {
	id       string
	version  byte // first digit of its message types, 0 when any
	framings []string
	headers  []string
	mti      coding
	bitmap   coding
	defs     [129]*def
	steps    [256]step // what a walk needs of defs, side by side; a byte indexes it without a check
}

// step is how to get past a field: 16 bytes, so that the whole table of a dialect is quick to reach and to index.
type step struct {
	coding, prefix coding
	digits         uint8 // of the length
	unit           uint8 // half bytes a character, 0 when the dialect has no such field
	hide           hide
	odd            uint8  // of a fixed length: its last or first half byte is no digit
	max            uint16 // characters
	size           uint16 // bytes of a fixed length
	ready          uint8  // 1 and on for the fields in readyFields, 0 for others
	work           bool   // there is something to mask or to keep
	_              [3]byte
}

// readyFields are those of which the diagnosis reads the value in every message, so that it is made with the message.
var readyFields = [10]int{2, 3, 4, 11, 37, 38, 39, 41, 42, 60}

// readyAt is the place of a field in readyFields, from 1.
var readyAt = func() (at [129]uint8) {
	for i, f := range readyFields {
		at[f] = uint8(i + 1)
	}
	return at
}()

func (df *def) step() step {
	s := step{coding: df.coding, prefix: df.prefix, digits: uint8(df.digits), unit: 2, hide: df.hide, max: uint16(min(df.max, maxFrame))}
	s.ready = readyAt[df.id]
	s.work = s.ready > 0 || s.hide != hideNone
	switch {
	case df.coding.packed() || df.halved:
		s.unit = 1
	case df.coding == asHex:
		s.unit = 4
	}
	s.size, s.odd = uint16((int(s.max)*int(s.unit)+1)/2), uint8(s.max)&odd
	return s
}

// moovField is the part of moov's JSON spec form that places a field on the line.
type moovField struct {
	Type, Description, Enc, Prefix string
	Length                         int
}

// envelope is the file form of a dialect: a moov spec and what moov has no place for.
type envelope struct {
	ID       string
	Version  *int
	Names    map[string]string
	Framings []string
	Headers  []string
	Mask     map[string]string
	Layouts  map[string]json.RawMessage
	Spec     json.RawMessage
}

// usualMask is for a bare moov spec, which has no word on what is sensitive: what ISO 8583 puts into these fields.
var usualMask = map[string]string{"2": "pan", "14": "all", "34": "all", "35": "track", "36": "track", "45": "track", "52": "all", "55": "emv",
	"43": "runs", "44": "runs", "46": "runs", "47": "runs", "48": "runs", "54": "runs", "56": "runs", "57": "runs", "58": "runs", "59": "runs",
	"60": "runs", "61": "runs", "62": "all", "63": "runs", "72": "runs", "102": "pan", "103": "pan"}

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
		d, err := compile(f.Name(), raw)
		if err != nil {
			return nil, err
		}
		all = append(all, d)
	}
	return all, nil
})

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
	raw, err := fs.ReadFile(assets.FS, path.Join("dialects", id+".json"))
	if err != nil {
		return nil, fmt.Errorf("no dialect %q: choose one of %s", id, strings.Join(Dialects(), ", "))
	}
	var env envelope
	if err := json.Unmarshal(raw, &env); err != nil {
		return nil, err
	}
	return specs.ImportJSON(env.Spec)
}

// chosen are the dialects that an option allows: all that ship, one of them by id, or the one in a file. A file holds
// moov's JSON spec form, bare or inside the envelope that the shipped ones have.
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
	d, err := compile(name, raw)
	if err != nil {
		return nil, err
	}
	if _, err := specs.ImportJSON(specOf(raw)); err != nil { // what the table does not need may be wrong too
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return d, nil
}

// specOf is the spec inside an envelope, or the whole of a bare one.
func specOf(raw []byte) []byte {
	var env envelope
	if json.Unmarshal(raw, &env) == nil && env.Spec != nil {
		return env.Spec
	}
	return raw
}

// compile turns a dialect file into the table of the walk. Errors name the file and the line.
func compile(file string, raw []byte) (*dialect, error) {
	var env envelope
	if err := json.Unmarshal(raw, &env); err != nil {
		return nil, located(file, raw, err)
	}
	if env.Spec == nil { // moov's bare form
		env = envelope{ID: strings.TrimSuffix(filepath.Base(file), ".json"), Mask: usualMask, Layouts: map[string]json.RawMessage{"55": []byte(`"ber-tlv"`)}, Spec: raw}
	}
	var spec struct {
		Name   string
		Fields map[string]moovField
	}
	if err := json.Unmarshal(env.Spec, &spec); err != nil {
		return nil, located(file, raw, err)
	}
	if len(spec.Fields) == 0 {
		return nil, fmt.Errorf("%s: no fields: want moov's JSON spec form, or it as \"spec\" beside \"id\", \"mask\" and \"layouts\"", file)
	}
	d := &dialect{id: env.ID, framings: env.Framings, headers: env.Headers}
	if env.Version != nil {
		d.version = byte('0' + *env.Version)
	}
	for key, f := range spec.Fields {
		bad := func(format string, args ...any) error {
			return fmt.Errorf("%s:%d: field %s: %s", file, lineOf(raw, key), key, fmt.Sprintf(format, args...))
		}
		id, err := strconv.Atoi(key)
		if err != nil || id < 0 || id > 128 {
			return nil, bad("not a number from 0 to 128")
		}
		c, err := codingOf(f.Enc, f.Type)
		if err != nil {
			return nil, bad("%v", err)
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
			if df.prefix, err = codingOf(family, ""); err != nil || strings.Trim(length, "L") != "" || length == "" {
				return nil, bad("prefix %q: want Fixed, L, LL, LLL or LLLL of ASCII, BCD, EBCDIC, Hex or Binary", f.Prefix)
			}
		} else if f.Length < 1 {
			return nil, bad("a fixed field needs a length")
		}
		mask := env.Mask[key]
		h, ok := hides[mask]
		if !ok && mask != "" {
			return nil, bad("no mask %q", mask)
		}
		df.hide = h
		if l := env.Layouts[key]; l != nil {
			if err := df.readLayout(l); err != nil {
				return nil, bad("layout: %v", err)
			}
		}
		d.defs[id], d.steps[id] = df, df.step()
	}
	if spec.Fields["0"].Enc == "" || spec.Fields["1"].Enc == "" {
		return nil, fmt.Errorf("%s: fields 0 (MTI) and 1 (bitmap) are needed", file)
	}
	return d, nil
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
	return fmt.Errorf("%s:%d: %w", file, 1+bytes.Count(raw[:min(at, int64(len(raw)))], []byte("\n")), err)
}

// lineOf is the line of a key in JSON.
func lineOf(raw []byte, key string) int {
	at := bytes.LastIndex(raw, []byte(`"`+key+`"`))
	return 1 + bytes.Count(raw[:max(at, 0)], []byte("\n"))
}

func codingOf(name, kind string) (coding, error) {
	switch name {
	case "ASCII":
		return asText, nil
	case "BCD":
		return asBCD, nil
	case "LBCD":
		return asLBCD, nil
	case "Binary", "BerTLVTag":
		return asBinary, nil
	case "HexToASCII", "ASCIIToHex", "Hex":
		return asHex, nil
	case "EBCDIC", "EBCDIC1047":
		return asEBCDIC, nil
	case "":
		if kind == "Composite" { // its parts have their own encodings; the whole is bytes
			return asBinary, nil
		}
	}
	return 0, fmt.Errorf("no encoding %q: want ASCII, BCD, LBCD, Binary, HexToASCII or EBCDIC", name)
}

// readLayout takes the name of a known form, a list of subfields, or several lists with their conditions.
func (df *def) readLayout(raw json.RawMessage) error {
	var form string
	if json.Unmarshal(raw, &form) == nil {
		if form != "ber-tlv" {
			return fmt.Errorf("no form %q", form)
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

// parts are the subfields of a value in a message.
func (df *def) parts(mti, value string, chars int) []part {
	for _, l := range df.layouts {
		if (len(l.MTI) == 0 || slices.Contains(l.MTI, mti)) && (l.Length == 0 || l.Length == chars) && strings.HasPrefix(value, l.Starts) {
			return l.Parts
		}
	}
	return nil
}
