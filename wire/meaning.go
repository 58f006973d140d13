package wire

import (
	"encoding/hex"
	"fmt"
	"strings"

	"tillscope/assets"
)

// Meaning says what the value of a field, a subfield or a part of the header stands for, in a language: "chip, with
// contact" for 05 in field 22.1. It is empty when there is nothing to say. Response codes (field 39) are not its business:
// they are more than a word.
func (m *Message) Meaning(f Field, l *assets.Lang) string {
	v := strings.TrimSpace(f.Value)
	if f.Masked || v == "" || m.Undecoded() {
		return ""
	}
	id := f.ID
	if field, tag, ok := strings.Cut(id, "."); ok && field == "55" {
		if tag == "95" {
			return verification(v, l)
		}
		return l.Find("value.emv." + tag + "." + v)
	}
	switch {
	case id == "39" && m.reversal():
		id = "39r"
	case id == "3" && len(v) > 2:
		v = v[:2]
	}
	return l.Find("value." + m.dialect.values + "." + id + "." + v)
}

// reversal says that the message asks to undo another: class 4, and no answer.
func (m *Message) reversal() bool { return m.MTI[1] == '4' && (m.MTI[2]-'0')%2 == 0 }

// verification lists the bits that are set in the terminal verification results (EMV book 3, annex C.5).
func verification(v string, l *assets.Lang) string {
	b, err := hex.DecodeString(v)
	if err != nil {
		return ""
	}
	var set []string
	for i, c := range b {
		for bit := 8; bit > 0; bit-- {
			if c>>(bit-1)&1 == 0 {
				continue
			}
			if s := l.Find(fmt.Sprintf("value.emv.95.%d%d", i+1, bit)); s != "" {
				set = append(set, s)
			}
		}
	}
	return strings.Join(set, "; ")
}
