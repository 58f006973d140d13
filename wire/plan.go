package wire

import (
	"math/bits"
	"slices"
)

// plan is how to walk over messages of one bitmap, and what masking has to do with them: a line has few of these, and
// most fields have fixed lengths, so that whole runs of them are passed in one step.
type plan struct {
	dialect *dialect
	fields  [2]uint64
	legs    []leg
	spans   []planned
	tasks   []task
}

// leg is one field with its length in front, and the fields of fixed length behind it. The first may have the latter only.
type leg struct {
	step        // past the field with a length in front; digits are 0 where there is none
	then uint16 // bytes of the fields of fixed length
}

// planned is a field of a plan. Its place counts from where the field with a length ends that begins its leg; that of such
// a field from where the one before it ends, and it has no size.
type planned struct {
	span
	leg  uint8
	open bool // begins its leg, and its length with it
}

// task is what masking and the ready values have to do with one field, or with a run of fields side by side.
type task struct {
	planned // the field, or the first of the run
	step    *step
	kind    taskKind
	from    uint8 // spans of a run, half-open
	to      uint8
	size    uint16 // bytes of a run
	keep    []kept // of a run
}

type taskKind uint8

const (
	taskField  taskKind = iota // one field, of any kind
	taskDigits                 // a run of packed digits in which nothing is hidden, without filler
	taskText                   // a run of text in which nothing is hidden
)

// kept is a value of a run: in characters from the run's first, and which of the ready values it is.
type kept struct {
	place
	slot uint8
}

// maxLegs is how many legs a message has room for. One of more is walked over field by field. Legs are indexed modulo it, which
// changes nothing and spares the check of bounds.
const maxLegs = 16

// standing is where the fields of a plan stand in one message. A message keeps no list of its fields: what most of them
// are long is in the plan.
type standing struct {
	plan *plan
	odd  uint16              // a bit for each leg that begins with an odd number of digits
	ends [maxLegs + 1]uint16 // where the fields begin, and where each leg's field with a length ends
}

// span is where a field of the plan stands.
func (st *standing) span(p *planned) span {
	s, leg := p.span, p.leg%maxLegs
	if !p.open {
		s.off += st.ends[leg+1]
		return s
	}
	s.off += st.ends[leg]
	s.n, s.marks = st.ends[leg+1]-s.off, uint8(st.odd>>leg)&odd
	return s
}

// plans are those of the lines of a watch. A hash of the bitmap leads to two places, so that two bitmaps that come all the time do
// not put each other out; the one used last stands first.
type plans [64][2]*plan

// walk is the dialect's walk from offset at on, by a plan where there is one that fits: then st holds it and w has no
// spans.
func (p *plans) walk(d *dialect, b []byte, at int, w *walked, st *standing) {
	if !d.head(b, at, w) {
		return
	}
	if w.third != 0 {
		d.rest(b, w, nil)
		return
	}
	place := &p[(w.fields[0]*0x9E3779B97F4A7C15+w.fields[1])>>58]
	known := place[0]
	if !known.fits(d, w) {
		if known = place[1]; !known.fits(d, w) {
			known = d.plan(w.fields)
		}
		if known != nil {
			place[0], place[1] = known, place[0]
		}
	}
	if known == nil || !known.follow(b, w, st) {
		d.rest(b, w, nil) // it tells what is wrong
	}
}

func (p *plan) fits(d *dialect, w *walked) bool {
	return p != nil && p.fields == w.fields && p.dialect == d
}

// plan makes one for a bitmap; nil when the bitmap names a field that the dialect does not have, none, too many with
// a length in front, or a third bitmap.
func (d *dialect) plan(fields [2]uint64) *plan {
	if d.has3(fields) {
		return nil // what follows is not in these bitmaps
	}
	p := &plan{dialect: d, fields: fields}
	for half, set := range fields {
		for ; set != 0; set &^= 1 << 63 >> bits.LeadingZeros64(set) {
			id := uint8(half*64 + bits.LeadingZeros64(set) + 1)
			st := &d.steps[id]
			if st.unit == 0 {
				return nil
			}
			open := st.digits > 0
			if open || len(p.legs) == 0 {
				p.legs = append(p.legs, leg{})
			}
			at := len(p.legs) - 1
			s := planned{span: span{id: id}, leg: uint8(at), open: open}
			if l := &p.legs[at]; open {
				l.step = *st
				if s.off = uint16(st.prefixBytes()); at > 0 {
					s.off += p.legs[at-1].then
				}
			} else {
				s.off, s.n, s.marks = l.then, st.size, st.odd
				l.then += st.size
			}
			p.spans = append(p.spans, s)
		}
	}
	if len(p.spans) == 0 || len(p.legs) > maxLegs {
		return nil
	}
	p.plan()
	return p
}

// plan finds the tasks.
func (p *plan) plan() {
	for i := 0; i < len(p.spans); {
		t := p.run(i)
		if t.kind != taskField || t.step.work {
			p.tasks = append(p.tasks, t)
		}
		i = max(i+1, int(t.to))
	}
}

// run is the longest run from span i to the last value that is to be kept, where at least two are: one alone is no gain.
func (p *plan) run(i int) (t task) {
	t.planned, t.step = p.spans[i], &p.dialect.steps[p.spans[i].id]
	kind := func(i int) (k taskKind, width uint16) {
		st := &p.dialect.steps[p.spans[i].id]
		switch {
		case p.spans[i].open || st.hide != hideNone:
		case st.coding.packed() && st.odd == 0:
			return taskDigits, 2
		case st.coding == asText:
			return taskText, 1
		}
		return taskField, 0
	}
	want, width := kind(i)
	if want == taskField || t.step.ready == 0 {
		return t
	}
	var keep []kept
	size := uint16(0)
	for j := i; j < len(p.spans); j++ {
		if k, _ := kind(j); k != want {
			break
		}
		n := p.spans[j].n
		if st := &p.dialect.steps[p.spans[j].id]; st.ready > 0 {
			keep = append(keep, kept{place{size * width, n * width}, st.ready - 1})
			t.to, t.size = uint8(j+1), size+n
		}
		size += n
	}
	if len(keep) < 2 {
		t.to = 0
	} else {
		t.kind, t.from, t.keep = want, uint8(i), slices.Clip(keep)
	}
	return t
}

// follow walks by the plan; false when the fields do not fit into b.
func (p *plan) follow(b []byte, w *walked, st *standing) bool {
	at, marks := w.end, uint16(0)
	st.ends[0] = uint16(at)
	for k := range p.legs {
		l := &p.legs[k]
		if l.digits > 0 {
			chars, n := l.length(b[at:])
			if n == 0 || chars > int(l.max) {
				return false
			}
			at += n + (chars*int(l.unit)+1)/2
			marks |= uint16(chars&int(l.odd)) << (k % maxLegs)
			if l.odd == 0 && chars > 0 && at <= len(b) && b[at-1]&15 == 0xF {
				marks |= 1 << (k % maxLegs) // the filler is all that tells
			}
		}
		st.ends[k%maxLegs+1] = uint16(at)
		if at += int(l.then); at > len(b) {
			return false
		}
	}
	st.plan, st.odd, w.end = p, marks, at
	return true
}
