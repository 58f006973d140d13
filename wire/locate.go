package wire

import (
	"fmt"
	"math/bits"
	"slices"
)

// form says how a definition stands on the line.
func (df *def) form() Remark {
	content := remark(fmt.Sprintf("content.%d", df.coding))
	if df.digits == 0 {
		return remark("form.fixed", content, df.max)
	}
	size := remark(fmt.Sprintf("prefix.%d", df.prefix))
	if df.halved {
		return remark("form.halved", content, df.digits, size)
	}
	return remark("form.variable", content, df.digits, size)
}

// variants are the ways in which implementations differ most about a field: packed or as text, length counting digits or
// bytes, two to four digits of length, fixed or not. Text is packed where other things are.
func (df *def) variants(packed bool) []*def {
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
			add(func(v *def) { v.digits, v.max = 4, maxFrame })
			if df.id == 127 { // Postilion's, with a bitmap of its own inside
				add(func(v *def) { v.digits, v.max, v.coding = 6, maxFrame, asBinary })
			}
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
		switch {
		case df.max%2 == 0 && (packed || df.id < 37):
			add(func(v *def) { v.coding = asBCD })
		case df.id == 19 || df.id == 49 || df.id == 50 || df.id == 51:
			add(func(v *def) { v.coding = asBCD })
			add(func(v *def) { v.coding = asLBCD })
		}
		if df.id == 41 {
			add(func(v *def) { v.max = 16 }) // BASE24's, and that of 1993 and later
			add(func(v *def) { v.max = 8 })
		}
	case asBinary:
		add(func(v *def) { v.coding = asHex })
	case asHex:
		add(func(v *def) { v.coding = asBinary })
		if df.id == 64 || df.id == 128 {
			add(func(v *def) { v.max = 32 }) // a hash of SHA-256 in place of a MAC
		}
	}
	add(func(v *def) { v.digits, v.prefix, v.max = 2, prefixLike(df, packed), 99 })
	return out
}

// prefixLike is how a length would stand in front of a field that has none: like other lengths there.
func prefixLike(df *def, packed bool) coding {
	switch {
	case df.coding == asEBCDIC:
		return asEBCDIC
	case packed || df.coding != asText && df.coding != asHex:
		return asBCD
	}
	return asText
}

// suspect is the first field of a walk whose value is implausible, 0 when there is none.
func (r *reading) suspect(b []byte, w *walked) int {
	for i := range w.spans {
		if plausible(b, &w.spans[i], r.dialect.defs[w.spans[i].id], w.mti) < 0 {
			return int(w.spans[i].id)
		}
	}
	return 0
}

// search looks for the fields that put a walk out of step: definitions with which everything to the end of the frame fits.
type search struct {
	r            *reading
	b            []byte
	f            frame
	header       int
	suspect      int
	best, second float64
	found        []*def
	room         [2][128]span
}

// locate finds the one other definition of one field, up to the fault, with which everything to the end of the frame fits
// and is plausible, and what the frame then weighs; when there is none and it may look further, of two fields. When several do as well, none is found: a
// guess would send someone to the wrong field.
func (r *reading) locate(b []byte, f frame, header int, w *walked, suspect int, further bool) ([]*def, float64) {
	s := search{r: r, b: b, f: f, header: header, suspect: suspect}
	tries := s.tries(w, nil, 0)
	s.lengthsInText(w)
	if s.found == nil && further {
		for _, first := range tries {
			t := r.dialect.walk(b[:f.end], f.payload+header, s.room[0][:0], first)
			if t.reach() > w.reach() || first[0].id == suspect {
				s.tries(&t, first, first[0].id)
			}
		}
	}
	if s.best < strong || s.best-s.second < 0.5 {
		return nil, 0
	}
	return s.found, s.best
}

// told is what a frame weighs that is read to its end in another form that the dialect's file tells of one of its fields; 0 when there
// is none.
func (r *reading) told(b []byte, f frame) (best float64) {
	n, ok := r.headerLen(b[f.payload:f.end])
	if !ok {
		return 0
	}
	s := search{r: r, b: b, f: f, header: n}
	for _, forms := range r.dialect.also {
		for _, df := range forms {
			over := []*def{df}
			if w := r.dialect.walk(b[:f.end], f.payload+n, s.room[0][:0], over); w.fault == faultNone && w.end == f.end && w.has(df.id) {
				s.judge(&w, over)
			}
		}
	}
	if s.best < strong {
		return 0
	}
	return s.best
}

// has says that a field is among those that were read.
func (w *walked) has(id int) bool {
	return id <= 128 && w.fields[(id-1)/64]<<((id-1)%64)>>63 == 1
}

// reach is how far a walk came.
func (w *walked) reach() int {
	if w.fault == faultNone {
		return w.end
	}
	return w.at
}

// stray is how many bytes behind a message are no sign against a reading: someone copied a little too much.
const stray = 1

// tries walks with every other definition of a field behind the field after, beside those that are changed already.
func (s *search) tries(w *walked, changed []*def, after int) (all [][]*def) {
	var ids []int
	for i := range w.spans {
		ids = append(ids, int(w.spans[i].id))
	}
	if w.fault != faultNone && w.field > 1 {
		ids = append(ids, w.field)
	}
	for _, id := range ids {
		df := s.r.dialect.defs[id]
		if df == nil || id <= after {
			continue
		}
		for _, v := range append(df.variants(s.r.dialect.mti.packed()), s.r.dialect.also[id]...) {
			over := append(changed[:len(changed):len(changed)], v)
			all = append(all, over)
			t := s.r.dialect.walk(s.b[:s.f.end], s.f.payload+s.header, s.room[1][:0], over)
			if t.fault == faultNone && t.end >= s.f.end-stray {
				s.judge(&t, over)
			}
		}
	}
	return all
}

// lengthsInText tries all lengths of text and bytes behind packed digits in text, too: a host has one habit for all of them.
func (s *search) lengthsInText(w *walked) {
	var over []*def
	for half, set := range w.fields {
		for ; set != 0; set &^= 1 << 63 >> bits.LeadingZeros64(set) {
			df := s.r.dialect.defs[half*64+bits.LeadingZeros64(set)+1]
			if df != nil && df.digits > 0 && df.prefix == asBCD && !df.coding.packed() {
				v := *df
				v.prefix = asText
				over = append(over, &v)
			}
		}
	}
	if len(over) < 2 {
		return // one alone was tried
	}
	if t := s.r.dialect.walk(s.b[:s.f.end], s.f.payload+s.header, s.room[1][:0], over); t.fault == faultNone && t.end >= s.f.end-stray {
		s.judge(&t, over)
	}
}

// textual says that what a walk took for a packed length is digits in text, and that what follows is, too.
func (s *search) textual(t *walked, df *def) bool {
	st := df.step()
	for i := range t.spans {
		if sp := &t.spans[i]; int(sp.id) == df.id && st.digits > 0 && st.prefix == asBCD && sp.n > 0 {
			for _, c := range s.b[sp.off-uint16(st.prefixBytes()) : sp.off+1] {
				if c < '0' || c > '9' {
					return false
				}
			}
			return true
		}
	}
	return false
}

// judge weighs a walk that came to the end of the frame.
func (s *search) judge(t *walked, over []*def) {
	for i := range t.spans {
		df := s.r.dialect.as(int(t.spans[i].id), over)
		if plausible(s.b, &t.spans[i], df, t.mti) <= -1 {
			return
		}
		if t.spans[i].n == 0 && slices.Contains(over, df) {
			return // nothing is in it in this form: what follows begins a byte or two earlier, and that is all it explains
		}
	}
	score := s.r.score(s.b, s.f, s.header, t, over) - float64(len(over)-1)
	for _, df := range over {
		if s.suspect == df.id {
			score++
		}
		if s.textual(t, df) {
			score -= 1.5
		}
		if df.known {
			score++
		}
	}
	if score > s.best {
		s.second, s.best, s.found = s.best, score, over
	} else if score > s.second {
		s.second = score
	}
}

// as is the definition of a field, in over or else in the dialect.
func (d *dialect) as(id int, over []*def) *def {
	for _, df := range over {
		if df.id == id {
			return df
		}
	}
	return d.defs[id]
}

// patch is a dialect in which some fields are read otherwise than it says, because the line shows so.
type patch struct {
	of   *dialect
	form *Form
}

// maxPatches bounds what a line can teach: more ways to write one field than these are noise.
const maxPatches = 16

// patched reads a frame that does not fit its dialect: as an earlier one of the line had to be read, or by looking for the
// field that is out of step. It answers nil when there is none.
func (d *Decoder) patched(r *reading, b []byte, f frame, header int, w *walked, suspect int) *Form {
	for _, p := range d.patches {
		if p.of == r.dialect && p.form.Framing == r.framing && p.form.Header == r.header && p.fits(b, f, header, d.spans[:0]) {
			return p.form
		}
	}
	if len(d.patches) == maxPatches {
		return nil
	}
	further := d.far < maxPatches
	found, _ := r.locate(b, f, header, w, suspect, further)
	if further {
		d.far++ // two fields at once cost a walk for each pair of definitions
	}
	if found == nil {
		return nil
	}
	return d.patch(r, found)
}

// patch makes the form in which fields are read otherwise, and keeps it for the next frames.
func (d *Decoder) patch(r *reading, found []*def) *Form {
	other := *r.dialect
	other.guessed = len(found)
	for _, df := range found {
		df.told = remark("told", df.form(), r.dialect.id)
		other.defs[df.id], other.steps[df.id] = df, df.step()
	}
	form := &Form{r.form.Framing, r.form.Header, r.form.Dialect, &other}
	if len(d.patches) < maxPatches {
		d.patches = append(d.patches, patch{r.dialect, form})
	}
	return form
}

func (p *patch) fits(b []byte, f frame, header int, spans []span) bool {
	w := p.form.dialect.walk(b[:f.end], f.payload+header, spans, nil)
	if w.fault != faultNone || w.end < f.end-stray {
		return false
	}
	for i := range w.spans {
		if plausible(b, &w.spans[i], p.form.dialect.defs[w.spans[i].id], w.mti) <= -1 {
			return false
		}
	}
	return true
}
