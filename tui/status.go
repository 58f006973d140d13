package tui

import (
	"strings"

	"tillscope/diagnostics"
)

// statusPane shows the seven branches.
type statusPane struct{ scroll }

func (s *statusPane) title(m *Model) (string, string) { return m.t("pane.status"), s.place() }

func (s *statusPane) draw(m *Model, w, h int) []string {
	names, name := "branch.", 0
	if w < 60 { // reasons are worth more room than names
		names = "branch.brief."
	}
	for _, id := range diagnostics.BranchIDs {
		name = max(name, width(m.t(names+id)))
	}
	var out []string
	for _, b := range m.snap.Branches {
		t := tokenOf(b.Status)
		head := m.look.p(t, m.look.state[b.Status]+" "+m.look.fit(m.t(names+b.ID), name)) + " "
		why := fold(b.Because, max(w-name-4, 12), "")
		if len(m.snap.Branches) == h { // exactly one line for each
			why = []string{b.Because}
		}
		for i, line := range why {
			if i > 0 {
				head = strings.Repeat(" ", name+3)
			}
			out = append(out, head+m.look.p(textToken(b.Status), line))
		}
	}
	return s.window(out, h)
}

func textToken(s diagnostics.State) token {
	if s == diagnostics.OK || s == diagnostics.Unknown {
		return dim
	}
	return plain
}

func (s *statusPane) move(_ *Model, by int) { s.scroll.move(by) }

// open goes to where the branches were asked about.
func (s *statusPane) open(m *Model) {
	m.leave()
	m.view, m.focus, m.zoom = diagnosisView, tree, false
}

// branchStrip is the status in one line.
func (m *Model) branchStrip(w int) string {
	var parts []string
	room := 0
	for _, names := range []string{"branch.", "branch.brief.", "branch.short."} {
		parts, room = parts[:0], len(diagnostics.BranchIDs)-1
		for _, b := range m.snap.Branches {
			s := m.look.state[b.Status] + " " + m.t(names+b.ID)
			room += width(s)
			parts = append(parts, m.look.p(tokenOf(b.Status), s))
		}
		if room+1 <= w {
			break
		}
	}
	return m.look.fit(" "+strings.Join(parts, strings.Repeat(" ", 1+min(max(w-room-1, 0)/(len(parts)-1), 2))), w)
}
