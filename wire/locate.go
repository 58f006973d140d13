package wire

import (
	"fmt"
	"slices"
)

// form says in words how a definition stands on the line.
func (df *def) form() string {
	content := map[coding]string{asText: "text", asBCD: "packed digits", asLBCD: "packed digits", asBinary: "bytes", asHex: "hex text", asEBCDIC: "EBCDIC text"}[df.coding]
	if df.digits == 0 {
		return fmt.Sprintf("%s, fixed length %d", content, df.max)
	}
	size := map[coding]string{asText: "ASCII", asBCD: "BCD", asLBCD: "BCD", asBinary: "binary", asHex: "hex", asEBCDIC: "EBCDIC"}[df.prefix]
	if df.halved {
		content += ", its length counting half bytes"
	}
	return fmt.Sprintf("%s, length of %d digits in %s", content, df.digits, size)
}

// variants are the ways in which implementations differ most about a field: packed or as text, length counting digits or
// bytes, two or three digits of length, fixed or not.
func (df *def) variants() []*def {
	var out []*def
	add := func(change func(*def)) {
		v := *df
		change(&v)
		out = append(out, &v)
	}
	if df.digits > 0 {
		if df.coding.packed() {
			add(func(v *def) { v.coding = asText })
		} else {
			add(func(v *def) { v.halved = true })
			if df.coding == asText && df.max <= 60 {
				add(func(v *def) { v.coding = asLBCD })
			}
		}
		switch df.digits {
		case 2:
			add(func(v *def) { v.digits, v.max = 3, 999 })
		case 3:
			add(func(v *def) { v.digits, v.max = 2, 99 })
		}
		switch df.prefix {
		case asText:
			add(func(v *def) { v.prefix = asBCD })
			add(func(v *def) { v.prefix = asBinary; v.digits = 1; v.max = 255 })
		case asBCD:
			add(func(v *def) { v.prefix = asText })
			add(func(v *def) { v.prefix = asBinary; v.digits = (v.digits + 1) / 2; v.max = 999 })
		}
		return out
	}
	switch df.coding {
	case asBCD:
		add(func(v *def) { v.coding = asText })
	case asLBCD:
		add(func(v *def) { v.coding = asBCD })
		add(func(v *def) { v.coding = asText })
	case asText:
		if df.max%2 == 0 || df.id == 49 || df.id == 50 || df.id == 51 || df.id == 19 || df.id == 39 {
			add(func(v *def) { v.coding = asBCD })
		}
	case asBinary:
		add(func(v *def) { v.coding = asHex })
	case asHex:
		add(func(v *def) { v.coding = asBinary })
	}
	add(func(v *def) { v.digits, v.prefix, v.max = 2, prefixLike(df), 99 })
	return out
}

func prefixLike(df *def) coding {
	switch df.coding {
	case asText, asHex:
		return asText
	case asEBCDIC:
		return asEBCDIC
	}
	return asBCD
}

// locate looks for the field that put a walk out of step. suspect is the first whose value is implausible; found is the
// one definition of one field, up to the fault, with which everything to the end of the frame fits and is plausible.
// When several do as well, none is found: a guess would send someone to the wrong field.
func (r *reading) locate(b []byte, f frame, header int, w *walked) (suspect *span, found *def, fixed walked) {
	for i := range w.spans {
		if plausible(b, &w.spans[i], r.dialect.defs[w.spans[i].id], w.mti) < 0 {
			suspect = &w.spans[i]
			break
		}
	}
	var ids []int
	for i := range w.spans {
		ids = append(ids, int(w.spans[i].id))
	}
	if w.fault != faultNone && w.field > 1 {
		ids = append(ids, w.field)
	}
	best, second := 0.0, 0.0
	var room [128]span
	for _, id := range ids {
		df := r.dialect.defs[id]
		if df == nil {
			continue
		}
		for _, v := range df.variants() {
			t := r.dialect.walk(b[:f.end], f.payload+header, room[:0], v)
			if t.fault != faultNone || t.end != f.end {
				continue
			}
			score := r.score(b, f, header, &t)
			for i := range t.spans {
				as := r.dialect.defs[t.spans[i].id]
				if as.id == id {
					as = v
				}
				if plausible(b, &t.spans[i], as, t.mti) <= -1 {
					score = 0
				}
			}
			if suspect != nil && int(suspect.id) == id {
				score++
			}
			if score > best {
				second, best, found = best, score, v
				fixed = t
				fixed.spans = slices.Clone(t.spans)
			} else if score > second {
				second = score
			}
		}
	}
	if best < strong || best-second < 0.5 {
		return suspect, nil, walked{}
	}
	return suspect, found, fixed
}
