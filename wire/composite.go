package wire

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
)

// composite is how moov's specs divide a field: its subfields one behind the other, or each behind a tag, or those that
// a bitmap names.
type composite struct {
	keys   []string // of the subfields in their order
	subs   map[string]*def
	ber    bool   // tags and lengths in BER form
	tag    coding // of tags that are not
	length int    // of such a tag, in characters; 0 for none
	other  *def   // how tags that the spec does not name are passed, nil when they cannot be
	bitmap *def
}

// composite compiles the subfields of a field. Without tags they stand in the order of their numbers.
func (f *moovField) composite() (*composite, error) {
	c := &composite{subs: map[string]*def{}, keys: slices.Collect(maps.Keys(f.Subfields))}
	slices.SortFunc(c.keys, func(a, b string) int {
		x, errX := strconv.Atoi(a)
		y, errY := strconv.Atoi(b)
		if errX == nil && errY == nil {
			return x - y
		}
		return strings.Compare(a, b)
	})
	for key, sub := range f.Subfields {
		df, err := sub.def(0)
		if err != nil {
			return nil, fmt.Errorf("subfield %s: %w", key, err)
		}
		c.subs[key] = df
	}
	var err error
	switch {
	case f.Bitmap != nil:
		if c.bitmap, err = f.Bitmap.def(0); err != nil {
			return nil, fmt.Errorf("the bitmap of subfields: %w", err)
		}
	case f.Tag == nil || f.Tag.Length == 0 && f.Tag.Enc != "BerTLVTag":
	case f.Tag.Enc == "BerTLVTag":
		c.ber = true
	default:
		c.length = f.Tag.Length
		if c.tag, err = codingOf(f.Tag.Enc); err != nil {
			return nil, fmt.Errorf("tag: %w", err)
		}
		if f.Tag.PrefUnknownTLV != "" {
			unknown := moovField{Enc: "Binary", Prefix: f.Tag.PrefUnknownTLV, Length: maxFrame}
			if c.other, err = unknown.def(0); err != nil {
				return nil, fmt.Errorf("tag: %w", err)
			}
		}
	}
	return c, nil
}

// subfields lists the parts of bytes off..end of a message, each with its place. What cannot be divided to its end is
// divided as far as it goes.
func (c *composite) subfields(m *Message, out []Field, id string, off, end int) []Field {
	switch {
	case c.bitmap != nil:
		size := c.bitmap.size(c.bitmap.max)
		if off+size > end {
			return out
		}
		bit := func(i int) bool { return nibble(m.bytes, 2*off+i/4)>>(3-i%4)&1 == 1 }
		if c.bitmap.coding == asHex {
			bit = func(i int) bool { return unhex(m.bytes[off+i/4])>>(3-i%4)&1 == 1 }
		}
		from := off + size
		for i := range c.bitmap.max * 8 {
			df := c.subs[strconv.Itoa(i+1)]
			if !bit(i) {
				continue
			}
			var next int
			if df == nil {
				return out
			}
			if out, next = df.sub(m, out, id+"."+strconv.Itoa(i+1), from, end); next < 0 {
				return out
			}
			from = next
		}
	case c.ber:
		for at := 0; ; {
			e, next, more, _ := nextTLV(m.bytes[off:end], at)
			if !more {
				return out
			}
			name := e.name()
			df := c.subs[name]
			if df == nil {
				df = &def{name: tagNames[name], coding: asBinary}
			}
			out = df.value(m, out, id+"."+name, off+e.off, e.n)
			at = next
		}
	case c.length > 0:
		for off < end {
			tag := def{coding: c.tag, max: c.length}
			n := tag.size(c.length)
			if off+n > end {
				return out
			}
			name := m.plainOrDigits(&tag, off, n, c.length)
			df := c.named(name)
			if df == nil {
				return out
			}
			var next int
			if out, next = df.sub(m, out, id+"."+strings.TrimSpace(name), off+n, end); next < 0 {
				return out
			}
			off = next
		}
	default:
		for _, key := range c.keys {
			if off >= end {
				return out
			}
			var next int
			if out, next = c.subs[key].sub(m, out, id+"."+key, off, end); next < 0 {
				return out
			}
			off = next
		}
	}
	return out
}

// named is the subfield of a tag, which may be filled at its left.
func (c *composite) named(tag string) *def {
	if df := c.subs[tag]; df != nil {
		return df
	}
	if df := c.subs[strings.TrimLeft(tag, "0 ")]; df != nil {
		return df
	}
	return c.other
}

// size is how many bytes so many characters take.
func (df *def) size(chars int) int {
	switch {
	case df.coding.packed() || df.halved:
		return (chars + 1) / 2
	case df.coding == asHex:
		return 2 * chars
	}
	return chars
}

// sub reads a subfield at off; next is where the one after it stands, or negative when it does not fit.
func (df *def) sub(m *Message, out []Field, id string, off, end int) (_ []Field, next int) {
	chars := df.max
	if st := df.step(); st.digits > 0 {
		var n int
		if chars, n = st.length([]byte(m.bytes[off:end])); n == 0 {
			return out, -1
		}
		off += n
	}
	n := df.size(chars)
	if off+n > end {
		return out, -1
	}
	return df.valueOf(m, out, id, off, n, chars), off + n
}

// value is a subfield of n bytes whose length is known by them.
func (df *def) value(m *Message, out []Field, id string, off, n int) []Field {
	chars := n
	switch {
	case df.coding.packed():
		chars = 2 * n
	case df.coding == asHex:
		chars = n / 2
	}
	return df.valueOf(m, out, id, off, n, chars)
}

func (df *def) valueOf(m *Message, out []Field, id string, off, n, chars int) []Field {
	f := Field{ID: id, Name: df.name, Value: m.plainOrDigits(df, off, n, chars), Offset: off, Length: n, From: 2 * off, To: 2 * (off + n), Masked: m.hides(2*off, 2*(off+n))}
	if df.coding.packed() {
		f.From += df.coding.lead(chars)
		f.To = f.From + chars
	}
	out = append(out, f)
	if df.inner != nil {
		return df.inner.subfields(m, out, id, off, off+n)
	}
	return out
}

func (m *Message) plainOrDigits(df *def, off, n, chars int) string {
	if df.coding.packed() {
		return m.digits(df.coding, off, chars)
	}
	return m.plain(df, off, n)
}
