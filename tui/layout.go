package tui

// rect is a place on the screen, in cells.
type rect struct{ x, y, w, h int }

// region is a part of the screen that can have the focus.
type region int

const (
	traffic region = iota
	message
	status
	diagnosis
	transactions // a view of its own, as those below
	lines
	report
	regions
)

// view is what the number keys choose: one arrangement of regions.
type view int

const (
	scope view = iota + 1
	transactionsView
	diagnosisView
	lineView
	reportView
)

// sizes of the screen. A smaller one shows less at a time, never less in all.
type size int

const (
	tooSmall size = iota
	small         // one region at a time
	medium        // two regions, the others as strips
	large         // everything
)

// pane is a region in its box. Panes of a column share borders: only the last has one below.
type pane struct {
	rect
	region region
	first  bool // begins its column
	last   bool // ends its column
}

// layout is where everything goes. Its rectangles tile the screen without a gap.
type layout struct {
	size                                   size
	header, stages, branches, advice, foot rect // branches and advice are strips for regions without a pane
	panes                                  []pane
}

func sizeOf(w, h int) size {
	switch {
	case w < 60 || h < 18:
		return tooSmall
	case w < 80 || h < 24:
		return small
	case w < 120 || h < 30:
		return medium
	}
	return large
}

// arrange computes the layout. zoom gives the focused region all the room; the views other than the scope have one.
func arrange(w, h int, v view, focus region, zoom bool) layout {
	l := layout{size: sizeOf(w, h)}
	if l.size == tooSmall {
		return l
	}
	y := 0
	row := func(n int) rect {
		r := rect{0, y, w, n}
		y += n
		return r
	}
	l.header, l.stages = row(1), row(2)
	body := h - y - 1
	single := v != scope || zoom
	switch {
	case single || l.size == small:
		strip := 0
		if !single {
			strip = 1
		}
		l.panes = []pane{{row(body - strip), focus, true, true}}
		l.branches = row(strip)
	case l.size == medium:
		const strip, advice = 1, 3
		body -= strip + advice
		upper := body * 9 / 16
		below := message
		if focus != traffic {
			below = focus
		}
		l.panes = []pane{{row(upper), traffic, true, false}, {row(body - upper), below, false, true}}
		l.branches, l.advice = row(strip), row(advice)
	default:
		left := w * 5 / 8
		upper := body / 2
		branches := len(branchShort) + 1
		l.panes = []pane{
			{rect{0, y, left, upper}, traffic, true, false},
			{rect{0, y + upper, left, body - upper}, message, false, true},
			{rect{left, y, w - left, branches}, status, true, false},
			{rect{left, y + branches, w - left, body - branches}, diagnosis, false, true},
		}
		y += body
	}
	l.foot = row(1)
	return l
}

// inner is the room for text within a pane's borders.
func (p pane) inner() (w, h int) {
	h = p.h - 1
	if p.last {
		h--
	}
	return p.w - 2, h
}
