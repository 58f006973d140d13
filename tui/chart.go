package tui

import (
	"slices"
	"strings"
	"time"
)

// spark draws values on w cells as bars of eight heights, the newest at the right; each cell has the largest of the values
// that fall on it. Nothing is drawn where there is nothing.
func (l *look) spark(values []float64, w int) string {
	if len(values) == 0 || w <= 0 {
		return ""
	}
	if len(values) > w {
		cells := make([]float64, w)
		for i, v := range values {
			at := i * w / len(values)
			cells[at] = max(cells[at], v)
		}
		values = cells
	}
	top := slices.Max(values)
	var b strings.Builder
	for _, v := range values {
		switch {
		case v <= 0:
			b.WriteByte(' ')
		case top <= 0:
			b.WriteString(l.bars[0])
		default:
			b.WriteString(l.bars[min(int(v/top*float64(len(l.bars))), len(l.bars)-1)])
		}
	}
	return b.String()
}

// bar is n of most on w cells, at least one cell when there is anything.
func (l *look) bar(n, most, w int) string {
	if n <= 0 || most <= 0 || w <= 0 {
		return ""
	}
	return strings.Repeat(l.bars[len(l.bars)-1], max(n*w/most, 1))
}

// percentile is the p-th of a sorted list, p in percent.
func percentile(sorted []time.Duration, p int) time.Duration {
	if len(sorted) == 0 {
		return 0
	}
	return sorted[min(len(sorted)*p/100, len(sorted)-1)]
}
