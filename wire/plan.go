package wire

import "math/bits"

// plan is how to walk over messages of one bitmap: a line has few of these, and most fields have fixed lengths, so that
// whole runs of them are passed in one step.
type plan struct {
	dialect *dialect
	fields  [2]uint64
	legs    []leg
	spans   []span  // those of fixed length, placed from the start of their leg
	work    []uint8 // the spans in which there is something to mask or to keep
}

// leg is one field with its length in front, or a run of fields of fixed length.
type leg struct {
	to   uint8  // the span after its last
	id   uint8  // the field with a length in front, 0 for a run
	size uint16 // bytes of the run
}

// plans are those of a line. A hash of the bitmap leads to two places, so that two bitmaps that come all the time do not
// put each other out; the one used last stands first.
type plans [32][2]*plan

// everyField are the spans of a message for which there is no plan.
var everyField = func() (all [128]uint8) {
	for i := range all {
		all[i] = uint8(i)
	}
	return all
}()

// walk is the dialect's walk from offset at on, by a plan where there is one. work are the spans that masking looks at.
func (p *plans) walk(d *dialect, b []byte, at int, w *walked) (work []uint8) {
	if !d.head(b, at, w) {
		return nil
	}
	place := &p[(w.fields[0]*0x9E3779B97F4A7C15+w.fields[1])>>59]
	known := place[0]
	if !known.fits(d, w) {
		if known = place[1]; !known.fits(d, w) {
			known = d.plan(w.fields)
		}
		if known == nil {
			d.rest(b, w, nil)
			return everyField[:len(w.spans)]
		}
		place[0], place[1] = known, place[0]
	}
	if !known.follow(b, w) {
		d.rest(b, w, nil) // it tells what is wrong
		return everyField[:len(w.spans)]
	}
	return known.work
}

func (p *plan) fits(d *dialect, w *walked) bool {
	return p != nil && p.fields == w.fields && p.dialect == d
}

// plan makes one for a bitmap; nil when the bitmap names a field that the dialect does not have, or none.
func (d *dialect) plan(fields [2]uint64) *plan {
	p := &plan{dialect: d, fields: fields}
	run := uint16(0)
	for half, set := range fields {
		for ; set != 0; set &^= 1 << 63 >> bits.LeadingZeros64(set) {
			id := uint8(half*64 + bits.LeadingZeros64(set) + 1)
			st := &d.steps[id]
			if st.unit == 0 {
				return nil
			}
			if st.work {
				p.work = append(p.work, uint8(len(p.spans)))
			}
			s := span{id: id}
			if last := len(p.legs) - 1; st.digits > 0 {
				p.legs = append(p.legs, leg{id: id})
			} else {
				if last < 0 || p.legs[last].id > 0 {
					p.legs, run = append(p.legs, leg{}), 0
				}
				s.off, s.n, s.marks = run, st.size, st.odd
				run += st.size
				p.legs[len(p.legs)-1].size = run
			}
			p.spans = append(p.spans, s)
			p.legs[len(p.legs)-1].to = uint8(len(p.spans))
		}
	}
	if len(p.spans) == 0 {
		return nil
	}
	return p
}

// follow walks by the plan; false when the fields do not fit into b.
func (p *plan) follow(b []byte, w *walked) bool {
	if cap(w.spans) < len(p.spans) {
		w.spans = make([]span, 0, len(p.spans))
	}
	room := w.spans[:len(p.spans)]
	at, k := w.end, 0
	for _, l := range p.legs {
		size := int(l.size)
		if l.id > 0 {
			st := &p.dialect.steps[l.id]
			chars, n := st.length(b[at:])
			if n == 0 || chars > int(st.max) {
				return false
			}
			at += n
			size = (chars*int(st.unit) + 1) / 2
			room[k] = span{id: l.id, off: uint16(at), n: uint16(size), marks: uint8(chars) & odd}
			k++
		} else {
			for ; k < int(l.to); k++ {
				s := p.spans[k]
				s.off += uint16(at)
				room[k] = s
			}
		}
		if at += size; at > len(b) {
			return false
		}
	}
	w.spans, w.end = room, at
	return true
}
