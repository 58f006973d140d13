package tui

import (
	"strings"

	"tillscope/diagnostics"
)

// stageRows draw the way to the account: the stages' names joined by a line, and below how many came so far.
func (m *Model) stageRows(w int) []string {
	texts, cells := m.stageCells(w)
	var names, counts strings.Builder
	for i, id := range diagnostics.Stages {
		name := " " + texts[i]
		if rest := cells[i] - width(name); i < len(diagnostics.Stages)-1 && rest > 1 {
			name += " " + m.look.p(dim, strings.Repeat(m.look.borders.h, rest-1))
		}
		names.WriteString(m.look.fit(name, cells[i]))
		c := m.snap.Stages[i]
		n := itoa(c.Count)
		if id == "paid-out" && c.State == diagnostics.Unknown {
			n = "?" // a line alone never proves a payout
		}
		counts.WriteString(m.look.fit("  "+m.look.p(tokenOf(c.State), m.look.state[c.State]+" "+n), cells[i]))
	}
	return []string{m.look.fit(names.String(), w), m.look.fit(counts.String(), w)}
}

// stageCells are the names of the stages and how wide their cells are: all the same where that is enough for each, else as wide
// as each needs, and with short names where not even that fits.
func (m *Model) stageCells(w int) (names []string, cells []int) {
	for _, key := range []string{"stage.", "stage.short."} {
		names, cells = nil, nil
		widest, all := 0, 0
		for _, id := range diagnostics.Stages {
			names = append(names, m.t(key+id))
			n := width(names[len(names)-1]) + 2
			cells = append(cells, n)
			widest, all = max(widest, n), all+n
		}
		switch spare := w - all; {
		case widest*len(cells) <= w:
			for i := range cells {
				cells[i] = w / len(cells)
			}
			return names, cells
		case spare >= 0:
			for i := range cells {
				cells[i] += spare / len(cells)
			}
			return names, cells
		}
	}
	for i := range cells {
		cells[i] = w / len(cells)
	}
	return names, cells
}
