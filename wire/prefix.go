package wire

// prefixes is how many bytes of an unknown kind may stand before a message.
const prefixes = 32

// behindPrefix finds a message behind bytes that are no known length or header: one that is read to its end, or else one that may stop
// before it, whose message type and bitmap are text. These are twenty characters in a row that hardly anything else is.
func (d *Decoder) behindPrefix(b []byte, o Options, whole bool) (*Message, Detection) {
	if o.Framing != "" || o.Header != "" {
		return nil, Detection{}
	}
	end := len(b)
	if end > 2 && b[0] == stx { // some close a message without length by ETX, and a check byte or none
		for n := end - 2; n < len(b); n++ {
			if b[n] == etx {
				end = n
				break
			}
		}
	}
	r, at, sure := d.behind(b, end, whole)
	if r == nil {
		return nil, Detection{}
	}
	r.header, r.form = unknownHeader, &Form{"none", unknownHeader, r.dialect.id, r.dialect}
	m := d.build(r, b, frame{0, end, len(b)}, at, unknownHeader)
	return m, Detection{Framing: "none", Header: unknownHeader, Dialect: r.dialect.id, Confidence: 0.8 * sure}
}

// behind tries every place of the first bytes.
func (d *Decoder) behind(b []byte, end int, whole bool) (r *reading, at int, sure float64) {
	var best reading
	var top, next float64
	for skip := 1; skip <= min(prefixes, end-minFrame); skip++ {
		for i := range d.candidates {
			r := &d.candidates[i]
			if r.framing != "none" || !whole && (r.dialect.mti != asText || r.dialect.bitmap != asHex) {
				continue
			}
			score, w := r.weigh(b, frame{skip, end, len(b)}, d.spans[:0])
			if whole && (w.fault != faultNone || w.end < end-stray) {
				continue
			}
			if n, ok := r.headerLen(b[skip:end]); ok && score > top {
				top, next, best, at = score, top, *r, skip+n
			} else if score > next {
				next = score
			}
		}
	}
	if top < strong-1.5 || top-next < 1 { // every place was tried: one of them has to stand out
		return nil, 0, 0
	}
	return &best, at, confidence(top, next, 1)
}

// learn looks in a whole frame of a line on which nothing was understood for a message behind a header of an unknown kind:
// call data of a dial network, a host's own routing. What it finds is a reading like others from then on.
func (d *Decoder) learn(b []byte) bool {
	if !d.learns || d.settled || len(b) < minFrame {
		return false
	}
	var best reading
	var top, next float64
	for _, g := range d.groups {
		f, ok := measure(g.framing, b)
		if !ok || f.total != len(b) {
			continue
		}
		for skip := 1; skip <= min(prefixes, f.end-f.payload-minFrame); skip++ {
			for i := range g.readings {
				r := g.readings[i]
				if r.header != "none" {
					continue
				}
				r.header, r.skip = unknownHeader, skip
				score, w := r.weigh(b, f, d.spans[:0])
				switch {
				case w.fault != faultNone || w.end < f.end:
				case score > top:
					top, next, best = score, top, r
				case score > next:
					next = score
				}
			}
		}
	}
	if top < strong+1 || top-next < 1 { // every place was tried: one of them has to stand out
		return false
	}
	d.know(best, best.skip)
	return true
}

// know adds a reading like r but for a header of an unknown kind.
func (d *Decoder) know(r reading, skip int) {
	r.header, r.skip = unknownHeader, skip
	r.form = &Form{r.framing, unknownHeader, r.dialect.id, r.dialect}
	d.candidates = append(d.candidates, r)
	d.scores = append(d.scores, 0)
	d.groups = append(d.groups, group{r.framing, []reading{r}})
}
