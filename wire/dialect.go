package wire

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
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
	known   bool   // one of the further forms that the dialect's file tells
	doubled bool   // the length counts bytes although the content is packed digits
	hide    hide
	layouts []layout
	tlv     bool
	inner   *composite // moov's own form of subfields
	told    Remark     // how the field was found to stand on the line, where the dialect says otherwise
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
	rare     bool      // looked for in these only
	values   string    // under which family the languages tell what codes in its fields mean
	guessed  int       // fields that are read otherwise than its file says
	seldom   [2]uint64 // as in a bitmap, the fields that speak against it
	own      [2]uint64 // and those one of which has to be there, where it has any such
	mti      coding
	bitmap   coding
	third    int // the field that is the bitmap of fields 129 to 192, 0 when there is none
	defs     [193]*def
	also     [193][]*def // other forms in which implementations are known to write a field; tried where the usual one does not fit
	steps    [256]step   // what a walk needs of defs, side by side; a byte indexes it without a check
}

// step is how to get past a field: 16 bytes, so that the whole table of a dialect is quick to reach and to index.
type step struct {
	coding, prefix coding
	digits         uint8 // of the length
	unit           uint8 // half bytes a character, 0 when the dialect has no such field
	hide           hide
	odd            uint8  // of a fixed length: its last or first half byte is no digit; of another: whether an odd one means so
	max            uint16 // characters
	size           uint16 // bytes of a fixed length
	ready          uint8  // 1 and on for the fields in readyFields, 0 for others
	work           bool   // there is something to mask or to keep
	_              [3]byte
}

// readyFields are those of which the diagnosis reads the value in every message, so that it is made with the message.
var readyFields = [10]int{2, 3, 4, 11, 37, 38, 39, 41, 42, 60}

// readyAt is the place of a field in readyFields, from 1.
var readyAt = func() (at [256]uint8) {
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
	case df.doubled:
	case df.coding.packed() || df.halved:
		s.unit = 1
	case df.coding == asHex:
		s.unit = 4
	}
	s.size, s.odd = uint16((int(s.max)*int(s.unit)+1)/2), uint8(s.max)&odd
	if s.digits > 0 {
		s.odd = odd
		if df.doubled {
			s.odd = 0
		}
	}
	return s
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
