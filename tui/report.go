package tui

import (
	"strings"
	"time"

	"tillscope/diagnostics"
)

// reportPane shows the report as --report text would write it.
type reportPane struct {
	scroll
	of    uint64 // version of the snapshot that the page was made of
	w     int
	cache []string
}

func (p *reportPane) title(m *Model) (string, string) { return m.t("pane.report"), p.place() }

func (p *reportPane) draw(m *Model, w, h int) []string {
	if p.of != m.snap.Version || p.w != w || len(m.marks) > 0 {
		p.of, p.w = m.snap.Version, w
		p.cache = p.page(m, w)
	}
	return p.window(p.cache, h)
}

func (p *reportPane) page(m *Model, w int) (out []string) {
	var b strings.Builder
	ended := time.Now()
	if m.snap.Ended {
		ended = m.snap.Now
	}
	r := diagnostics.NewReport(m.snap, "tillscope", m.snap.Started, ended)
	r.Notes = m.notes()
	if err := r.Text(&b, m.lang); err != nil {
		return []string{m.lang.Say(err.Error())}
	}
	for line := range strings.Lines(m.look.yuans(b.String())) {
		line = strings.TrimRight(line, "\n")
		lead := len(line) - len(strings.TrimLeft(line, " "))
		for _, s := range fold(line, w-2, strings.Repeat(" ", lead+2)) {
			out = append(out, " "+s)
		}
	}
	return out
}

func (p *reportPane) move(_ *Model, by int) { p.scroll.move(by) }

// open asks where the report goes.
func (p *reportPane) open(m *Model) { m.openExport() }
