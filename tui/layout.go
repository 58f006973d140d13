package tui

import "tillscope/diagnostics"

// rect is a place on the screen, in cells.
type rect struct{ x, y, w, h int }

// region is a part of the screen that can have the focus.
type region int

const (
	traffic region = iota
	message
	status
	diagnosis
	transactions // with the story, a view of its own
	story
	tree // with the verdict, a view of its own
	verdict
	lines
	report
	trainer
	regions
)

// regionNames are the keys of the regions' texts.
var regionNames = [regions]string{"traffic", "message", "status", "diagnosis", "transactions", "story", "tree", "verdict", "lines", "report", "trainer"}

// view is what the number keys choose: one arrangement of regions.
type view int

const (
	scope view = iota + 1
	transactionsView
	diagnosisView
	lineView
	reportView
	trainerView // of the simulator
	views
)

// members are the regions of a view, in the order of the tab key; the first has the focus at first.
var members = [views][]region{scope: {traffic, message, status, diagnosis}, transactionsView: {transactions, story},
	diagnosisView: {tree, verdict}, lineView: {lines}, reportView: {report}, trainerView: {trainer}}

// viewOf is the view that a region is in.
func viewOf(r region) view {
	for v, list := range members {
		for _, x := range list {
			if x == r {
				return view(v)
			}
		}
	}
	return scope
}

// size of the screen. A smaller one shows less at a time, never less in all.
type size int

const (
	tooSmall size = iota
	small         // one region at a time
	medium        // two regions, the others as strips
	large         // everything
	wide          // everything, side by side
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
	size                                         size
	header, stages, branches, advice, hint, foot rect // branches and advice are strips for regions without a pane
	panes                                        []pane
}

func sizeOf(w, h int) size {
	switch {
	case w < 60 || h < 18:
		return tooSmall
	case w < 80 || h < 24:
		return small
	case w < 120 || h < 30:
		return medium
	case w < 180 || h < 40:
		return large
	}
	return wide
}

// plan is what the layout follows.
type plan struct {
	w, h  int
	view  view
	focus region
	zoom  bool // the focused region has all the room
	flat  bool // no panes side by side: on a slow line, a list beside another costs three times its bytes
	hint  bool // room for a hint of the first run
	foot  int  // rows of the footer
}

// arrange computes the layout.
func arrange(p plan) layout {
	w, h := p.w, p.h
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
	if p.hint && l.size > small {
		l.hint = row(1)
	}
	body := h - y - p.foot
	column := func(x, w int, upper int, top, below region) {
		l.panes = append(l.panes, pane{rect{x, y, w, upper}, top, true, false}, pane{rect{x, y + upper, w, body - upper}, below, false, true})
	}
	alone := func(x, w int, r region) {
		l.panes = append(l.panes, pane{rect{x, y, w, body}, r, true, true})
	}
	s := l.size
	if p.flat && s > medium {
		s = medium
	}
	switch {
	case p.view == scope && !p.zoom && s == small:
		body -= 2
		alone(0, w, p.focus)
		y += body
		l.branches, l.advice = row(1), row(1)
	case p.zoom || s == small || len(members[p.view]) == 1 || p.view != scope && s == medium:
		alone(0, w, p.focus)
		y += body
	case p.view == transactionsView && s == wide:
		left := w * 5 / 9
		alone(0, left, transactions)
		alone(left, w-left, story)
		y += body
	case p.view == transactionsView:
		column(0, w, body/2, transactions, story)
		y += body
	case p.view == diagnosisView:
		left := w * 5 / 9
		alone(0, left, tree)
		alone(left, w-left, verdict)
		y += body
	case s == medium:
		const strip, advice = 1, 3
		body -= strip + advice
		below := message
		if p.focus != traffic {
			below = p.focus
		}
		column(0, w, body*9/16, traffic, below)
		y += body
		l.branches, l.advice = row(strip), row(advice)
	case s == wide:
		right := min(w/4, 64)
		const text, list = 5 + 16*4 + 1 + 2, 74 // bytes beside their text; a row of traffic with all that it has
		mid := max((w-right)*2/5, min(text, w-right-list))
		left := w - right - mid
		alone(0, left, traffic)
		alone(left, mid, message)
		column(left+mid, right, len(diagnostics.BranchIDs)*2+1, status, diagnosis)
		y += body
	default:
		left := w * 5 / 8
		column(0, left, body/2, traffic, message)
		column(left, w-left, len(diagnostics.BranchIDs)+1, status, diagnosis)
		y += body
	}
	l.foot = row(p.foot)
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

// holds says whether a cell is in the rectangle.
func (r rect) holds(x, y int) bool { return x >= r.x && x < r.x+r.w && y >= r.y && y < r.y+r.h }
