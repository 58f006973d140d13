package wire

// queue is possible frames by where they end, a heap: in a stream that nobody understands there are thousands at a time.
type queue []pending

func (q queue) before(i, j int) bool {
	x, y := &q[i], &q[j]
	switch a, b := x.start+x.total, y.start+y.total; {
	case a != b:
		return a < b
	case x.start != y.start:
		return x.start < y.start
	}
	return x.group < y.group
}

func (q *queue) add(x pending) {
	*q = append(*q, x)
	h := *q
	for i := len(h) - 1; i > 0; {
		up := (i - 1) / 2
		if !h.before(i, up) {
			break
		}
		h[i], h[up] = h[up], h[i]
		i = up
	}
}

// at takes the next frame that ends at p.
func (q *queue) at(p int) (x pending, ok bool) {
	h := *q
	if len(h) == 0 || h[0].start+h[0].total > p {
		return x, false
	}
	x = h[0]
	last := len(h) - 1
	h[0] = h[last]
	h = h[:last]
	*q = h
	for i := 0; ; {
		least := i
		for _, down := range [2]int{2*i + 1, 2*i + 2} {
			if down < len(h) && h.before(down, least) {
				least = down
			}
		}
		if least == i {
			return x, true
		}
		h[i], h[least] = h[least], h[i]
		i = least
	}
}
