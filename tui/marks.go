package tui

import (
	"slices"

	tea "charm.land/bubbletea/v2"

	"tillscope/diagnostics"
)

// toggleMark marks the selected row, or takes mark and note away.
func (m *Model) toggleMark() {
	n := m.traffic().current(m).N
	if _, ok := m.marks[n]; ok {
		delete(m.marks, n)
		m.notice = m.t("notice.unmarked", n)
	} else {
		m.marks[n] = ""
		m.notice = m.t("notice.marked", n)
	}
	m.remark()
}

// writeNote asks for a note on the selected row. Without words it takes the note away and leaves the mark.
func (m *Model) writeNote() tea.Cmd {
	n := m.traffic().current(m).N
	return m.ask(m.t("pane.note", n), m.marks[n], func(m *Model, s string) {
		m.marks[n] = diagnostics.Clean(s)
		m.remark()
	})
}

// remark lets a filter see marks that have changed.
func (m *Model) remark() {
	m.traffic().forget()
	m.traffic().take(m)
}

// nextMark goes to the marked row after the selected one, and from the last to the first.
func (m *Model) nextMark() {
	all := m.marked()
	at, _ := slices.BinarySearch(all, m.traffic().sel+1)
	m.jump(all[at%len(all)], m.focus)
}

func (m *Model) marked() []int {
	all := make([]int, 0, len(m.marks))
	for n := range m.marks {
		all = append(all, n)
	}
	slices.Sort(all)
	return all
}

// markedOnly hides all but marked rows, or shows all again.
func (m *Model) markedOnly() {
	const only = "marked=yes"
	if m.traffic().filter == only {
		m.setFilter("")
		return
	}
	m.setFilter(only)
}

// notes are the marks as the report has them.
func (m *Model) notes() (out []diagnostics.Note) {
	for _, n := range m.marked() {
		text := ""
		if e := m.entry(n); e != nil {
			text = m.rowOf(e, false).text()
		}
		out = append(out, diagnostics.Note{Message: n, Text: m.marks[n], Row: text})
	}
	return out
}
