package tui

import (
	"strings"

	"tillscope/diagnostics"
)

// stageRows draw the way to the account: the stages' names joined by a line, and below how many came so far.
func (m *Model) stageRows(w int) []string {
	cell := w / len(diagnostics.Stages)
	var names, counts strings.Builder
	for i, id := range diagnostics.Stages {
		name := m.t("stage." + id)
		if width(name)+2 > cell {
			name = m.t("stage.short." + id)
		}
		name = " " + name
		if rest := cell - width(name); i < len(diagnostics.Stages)-1 && rest > 1 {
			name += " " + m.look.p(dim, strings.Repeat(m.look.borders.h, rest-1))
		}
		names.WriteString(m.look.fit(name, cell))
		c := m.snap.Stages[i]
		n := itoa(c.Count)
		if i == len(diagnostics.Stages)-1 && c.State == diagnostics.Unknown {
			n = "?" // a line alone never proves a payout
		}
		counts.WriteString(m.look.fit("  "+m.look.p(tokenOf(c.State), m.look.state[c.State]+" "+n), cell))
	}
	return []string{m.look.fit(names.String(), w), m.look.fit(counts.String(), w)}
}
