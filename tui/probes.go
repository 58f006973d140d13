package tui

import (
	"context"
	"fmt"
	"time"

	tea "charm.land/bubbletea/v2"

	"tillscope/diagnostics"
	"tillscope/link"
)

// Prober runs a probe on a line: what it may touch is known to whoever holds the source.
type Prober func(context.Context, link.Probe, diagnostics.Line, bool) link.Finding

// probes is the list of active tests, each with what it does and risks, and what it found. Nothing is sent before a person
// chooses it; what is more than harmless asks once more.
type probes struct {
	line    diagnostics.Line
	at      int
	running int // index of the probe that runs, -1 when none does
	began   time.Time
	stop    context.CancelFunc
	found   map[string]link.Finding
	asking  bool // enter was pressed on a probe that has to be confirmed
	scroll
}

// probed is the end of a probe.
type probed struct {
	of      *probes
	finding link.Finding
}

// unprobed says why there is nothing to test.
func (m *Model) unprobed() string {
	switch {
	case m.o.Probe == nil || m.snap.Source.Kind == "file":
		return m.t("why.notlive")
	case len(m.snap.Lines) == 0:
		return m.t("traffic.waiting")
	}
	return ""
}

// openProbes offers the tests for the line that has most to explain.
func (m *Model) openProbes() {
	worst := m.snap.Lines[0]
	trouble := func(l diagnostics.Line) int { return l.Refused + l.Unreach + l.ResetsHost + l.ResetsTerminal }
	for _, l := range m.snap.Lines {
		if trouble(l) > trouble(worst) {
			worst = l
		}
	}
	m.dialog = &probes{line: worst, running: -1, found: map[string]link.Finding{}}
}

func (p *probes) update(m *Model, msg tea.Msg) tea.Cmd {
	k, ok := msg.(tea.KeyPressMsg)
	if !ok {
		return nil
	}
	last := p.asking
	p.asking = false
	switch key := k.String(); {
	case last && (key == "y" || key == "Y"):
		return p.start(m, true)
	case key == "esc" || key == "ctrl+c":
		if p.running >= 0 {
			p.stop() // the finding says that it was given up
			return nil
		}
		if !last {
			m.dialog = nil
		}
	case key == "j" || key == "down":
		p.at = min(p.at+1, len(link.Probes)-1)
	case key == "k" || key == "up":
		p.at = max(p.at-1, 0)
	case key == "enter" && p.running < 0:
		if link.Probes[p.at].Confirm {
			p.asking = true
			return nil
		}
		return p.start(m, false)
	}
	return nil
}

// start runs the probe under the cursor, beside the screen.
func (p *probes) start(m *Model, confirmed bool) tea.Cmd {
	ctx, stop := context.WithCancel(context.Background())
	p.running, p.began, p.stop = p.at, time.Now(), stop
	probe, run, line := link.Probes[p.at], m.o.Probe, p.line
	return func() tea.Msg {
		defer stop()
		return probed{p, run(ctx, probe, line, confirmed)}
	}
}

// finish keeps what was found, and lets it answer the tree's questions.
func (p *probes) finish(m *Model, f link.Finding) {
	p.running = -1
	p.found[f.Probe] = f
	s, ok := m.o.Session.(interface {
		Probed(node, answer string) error
	})
	if !ok {
		return
	}
	for _, n := range diagnostics.Outline(m.lang.ID) {
		if a := tells(f, n.Cause); a != "" && n.Probes(f.Probe) {
			m.say(s.Probed(n.ID, a))
		}
	}
	m.take()
}

// tells is what a finding answers to a question whose yes means a cause, empty when it says nothing about it.
func tells(f link.Finding, cause string) string {
	if f.Probe != "tcp" {
		return ""
	}
	yes := map[string][]string{"network.server-down": {"refused"}, "network.carrier-outage": {"silent", "unreachable"}}[cause]
	for _, o := range yes {
		if f.Outcome == o {
			return "yes"
		}
	}
	if len(yes) > 0 && (f.OK || f.Outcome == "refused" || f.Outcome == "silent") {
		return "no"
	}
	return ""
}

func (p *probes) box(m *Model, w, h int) []string {
	wide := min(w, 84)
	var out []string
	add := func(t token, s, lead string) {
		for _, line := range fold(s, wide-6, lead) {
			out = append(out, " "+m.look.p(t, line))
		}
	}
	focus := 0
	for i, probe := range link.Probes {
		title := m.t("probe." + probe.ID + ".title")
		if i == p.at {
			focus = len(out)
			out = append(out, " "+m.look.p(selected, m.look.fit(title, wide-4)))
		} else {
			add(strong, title, "")
		}
		if i == p.at || wide > 80 && h > 30 {
			add(dim, m.t("probe."+probe.ID+".risk"), "  ")
		}
		f, done := p.found[probe.ID]
		switch {
		case p.running == i:
			add(accent, m.t("probes.running", time.Since(p.began).Round(time.Second).String(), "esc"), "  ")
		case p.asking && i == p.at:
			add(warn, m.t("probes.confirm"), "  ")
		case done:
			state := diagnostics.Warn
			if f.OK {
				state = diagnostics.OK
			}
			add(tokenOf(state), m.look.state[state]+" "+diagnostics.Clean(m.t(f.Key(), f.Args...))+fmt.Sprintf(" (%s)", millis(f.Took)), "  ")
		}
	}
	high := min(len(out), h-4)
	p.to(min(focus+4, len(out)-1), high)
	p.to(focus, high)
	text := append(p.window(out, high), "", " "+m.look.p(dim, m.t("probes.hint")))
	return m.look.box(pane{rect{0, 0, wide, len(text) + 2}, 0, true, true}, m.t("pane.probes", diagnostics.Clean(p.line.Host)), p.place(), text, true)
}
