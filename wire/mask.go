package wire

import (
	"hash/maphash"
	"strings"
)

// seed keys the card tokens of this process. It never leaves memory.
var seed = maphash.MakeSeed()

// runLimit is the shortest run of digits that may be a card number in bytes that nobody vouches for.
const runLimit = 12

// masker scrubs one copy of a frame and keeps what it hid.
type masker struct {
	b      []byte
	hidden []nibbles
}

// hideNibbles overwrites a run of nibbles with zeros. In text a whole byte becomes '0', so that a scrubbed frame still
// decodes to the same fields.
func (k *masker) hideNibbles(from, to int) {
	if from >= to {
		return
	}
	for i := from; i < to; i++ {
		if i%2 == 0 {
			k.b[i/2] &= 0x0F
		} else {
			k.b[i/2] &= 0xF0
		}
	}
	k.hidden = append(k.hidden, nibbles{from, to})
}

func (k *masker) hideText(from, to int) {
	if from >= to {
		return
	}
	for i := from; i < to; i++ {
		k.b[i] = '0'
	}
	k.hidden = append(k.hidden, nibbles{2 * from, 2 * to})
}

// chars is the clear text of a digit or text field, before anything is hidden.
func (k *masker) chars(s span) string {
	switch s.def.coding {
	case asBCD, asLBCD:
		return string(appendDigits(nil, string(k.b[s.off:s.off+s.n]), s.chars, s.def.coding == asLBCD))
	}
	return string(k.b[s.off : s.off+s.n])
}

// hideChars hides characters from..to of a field, whatever its coding.
func (k *masker) hideChars(s span, from, to int) {
	switch s.def.coding {
	case asBCD, asLBCD:
		lead := 0
		if s.chars%2 == 1 && s.def.coding == asBCD {
			lead = 1
		}
		k.hideNibbles(2*s.off+lead+from, 2*s.off+lead+to)
	case asBinary:
		k.hideNibbles(2*(s.off+from), 2*(s.off+to))
	default:
		k.hideText(s.off+from, s.off+to)
	}
}

// clearRange is the part of a PAN of n digits that is hidden: all but the first six and last four, and everything but
// the last four of a number too short for that.
func clearRange(n int) (from, to int) {
	switch {
	case n > 12:
		return 6, n - 4
	case n > 4:
		return 0, n - 4
	}
	return 0, n
}

// field scrubs one decoded field.
func (k *masker) field(mti string, s span) {
	size := s.chars
	if s.def.coding == asText || s.def.coding == asHex || s.def.coding == asBinary {
		size = s.n
	}
	switch s.def.hide {
	case hidePAN:
		from, to := clearRange(size)
		k.hideChars(s, from, to)
		if s.chars%2 == 1 && (s.def.coding == asBCD || s.def.coding == asLBCD) && size <= 12 {
			k.hideNibbles(2*s.off, 2*s.off+1) // the filler of a short number tells its parity at most
		}
	case hideAll:
		if s.def.coding == asText {
			k.hideText(s.off, s.off+s.n)
		} else if s.def.coding == asHex {
			k.hideText(s.off, s.off+s.n)
		} else {
			k.hideNibbles(2*s.off, 2*(s.off+s.n))
		}
	case hideRuns:
		k.runs(s.off, s.off+s.n, 13)
	case hideEMV:
		k.chip(s)
	case hideKeys:
		text := string(k.b[s.off : s.off+s.n])
		switch {
		case mti == "0800" && strings.HasPrefix(text, "Sequence No") && len(text) <= 40:
			return // certificate number and serial of the terminal
		case mti == "0820" || mti == "0830":
			k.runs(s.off, s.off+s.n, 13)
			return
		}
		k.hideNibbles(2*s.off, 2*(s.off+s.n))
	case hideBatch:
		if mti == "0320" || mti == "0330" {
			// Count, then records of card kind 2, STAN 6, PAN 20, amount 12 digits.
			for at := 2; at+8 < size; at += 40 {
				k.hideChars(s, at+8, min(at+28, size))
			}
		}
	}
}

// chip scrubs chip data by tag; data that is not TLV to its end is hidden whole.
func (k *masker) chip(s span) {
	if s.def.coding != asBinary {
		k.hideText(s.off, s.off+s.n)
		return
	}
	tags, ok := walkTLV(string(k.b[s.off : s.off+s.n]))
	if !ok {
		k.hideNibbles(2*s.off, 2*(s.off+s.n))
		return
	}
	for _, t := range tags {
		constructed := unhex(t.tag[0])&2 != 0 // bit 6 of the tag: a template, whose content is not looked into
		if secretTags[t.tag] || constructed && t.tag != "71" && t.tag != "72" {
			k.hideNibbles(2*(s.off+t.off), 2*(s.off+t.off+t.n))
		}
	}
}

// runs hides the middle of every run of at least limit digits, written as text or packed, at either nibble alignment.
// A track separator or a hex letter of a filler ends a run; what follows a separator is hidden to the end of its own run.
func (k *masker) runs(from, to, limit int) {
	clear := append([]byte(nil), k.b[from:to]...)
	for i := 0; i < len(clear); {
		j := i
		for j < len(clear) && clear[j] >= '0' && clear[j] <= '9' {
			j++
		}
		if j-i >= limit {
			k.hideText(from+i+6, from+j-4)
		}
		if j-i >= limit && j < len(clear) && (clear[j] == '=' || clear[j] == 'D' || clear[j] == '^') {
			e := j + 1
			for e < len(clear) && clear[e] >= 0x20 && clear[e] <= 0x7E {
				e++
			}
			k.hideText(from+j+1, from+e)
			j = e
		}
		i = max(j, i+1)
	}
	text := string(clear)
	for i := 0; i < 2*len(text); {
		j := i
		for j < 2*len(text) && nibble(text, j) <= 9 {
			j++
		}
		// The packed reading of a decoded field that is plain text is no card number. In bytes that
		// nobody vouches for it may be.
		if j-i >= limit && (limit == runLimit || !printable(text)) {
			k.hideNibbles(2*from+i+6, 2*from+j-4)
			if j < 2*len(text) && nibble(text, j) == 0xD {
				e := j + 1
				for e < 2*len(text) && nibble(text, e) <= 9 {
					e++
				}
				k.hideNibbles(2*from+j+1, 2*from+e)
				j = e
			}
		}
		i = max(j, i+1)
	}
}

// card is the token and the masked number of the card that a message names, from the PAN or from track 2.
func (k *masker) card(spans []span) (token uint64, masked string) {
	for _, id := range [...]int{2, 35} {
		for _, s := range spans {
			if s.def.id != id {
				continue
			}
			pan := k.chars(s)
			if i := strings.IndexAny(pan, "=D"); i > 0 {
				pan = pan[:i]
			}
			if len(pan) < 8 {
				continue
			}
			from, to := clearRange(len(pan))
			return maphash.String(seed, pan) | 1, pan[:from] + strings.Repeat("*", to-from) + pan[to:]
		}
	}
	return 0, ""
}
