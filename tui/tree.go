package tui

import (
	"slices"
	"strings"

	"tillscope/diagnostics"
	"tillscope/link"
)

// treePane draws the whole decision tree, the path that was walked lit, and under each node what it goes by.
type treePane struct {
	scroll
	at    int
	moved bool // the user has chosen a node; before, the cursor is at the end of the walk
	nodes []diagnostics.TreeNode
	lang  string
	lines []int // first row of each node as drawn
}

func (p *treePane) title(m *Model) (string, string) {
	return m.t("pane.tree"), m.t("tree.walked", len(m.snap.Path), len(p.outline(m)))
}

func (p *treePane) outline(m *Model) []diagnostics.TreeNode {
	if p.lang != m.lang.ID {
		p.nodes, p.lang = diagnostics.Outline(m.lang.ID), m.lang.ID
	}
	return p.nodes
}

// step is how a node was answered, nil when the walk did not come to it.
func (m *Model) step(node string) *diagnostics.Step {
	for i := range m.snap.Path {
		if m.snap.Path[i].Node == node {
			return &m.snap.Path[i]
		}
	}
	return nil
}

// causeOf is the cause that a node names, as the verdict has it, or nil.
func (m *Model) causeOf(n diagnostics.TreeNode) *diagnostics.Cause {
	for i := range m.snap.Causes {
		if m.snap.Causes[i].ID == n.Cause {
			return &m.snap.Causes[i]
		}
	}
	return nil
}

// stateOfStep is how an answer reads: a yes of a node with a cause is a fault found.
func (m *Model) stateOfStep(n diagnostics.TreeNode, s *diagnostics.Step) (diagnostics.State, token) {
	switch {
	case s == nil:
		return diagnostics.Unknown, dim
	case s.Answer == "unknown":
		return diagnostics.Unknown, accent
	case s.Answer == "no":
		return diagnostics.OK, good
	}
	c := m.causeOf(n)
	switch {
	case n.Cause == pending || n.Cause == "":
		return diagnostics.OK, good
	case c != nil && !c.Likely():
		return diagnostics.Warn, warn
	}
	return diagnostics.Fail, bad
}

func (p *treePane) draw(m *Model, w, h int) []string {
	nodes := p.outline(m)
	p.settle(m)
	b, asked := m.look.borders, m.asked()
	var out []string
	p.lines = p.lines[:0]
	branch := ""
	for i, n := range nodes {
		if n.Branch != branch {
			branch = n.Branch
			name := m.t("branch." + branch)
			out = append(out, " "+m.look.p(strong, name))
		}
		p.lines = append(p.lines, len(out))
		s := m.step(n.ID)
		state, t := m.stateOfStep(n, s)
		answer := m.t("tree.notasked")
		if s != nil {
			if answer = m.t("answer." + s.Answer); s.Answer != "unknown" { // nobody has seen what is not known
				answer = m.t("tree.by", answer, m.t("by."+s.By))
			}
		}
		last := i == len(nodes)-1 || nodes[i+1].Branch != n.Branch
		stem, beside := b.midLeft, b.v
		if last {
			stem, beside = b.bottomLeft, " "
		}
		edges := dim
		if s != nil {
			edges = plain
		}
		for j, line := range fold(n.Question+" "+m.look.toHost+" "+answer, w-7, "") {
			lead, text := beside+"    ", m.look.p(dim, line)
			if j == 0 {
				lead = stem + b.h + " " + m.look.state[state] + " "
			}
			if s != nil {
				text = line
			}
			switch {
			case i == p.at && m.focus == tree:
				out = append(out, " "+m.look.p(selected, m.look.fit(lead+text, w-2)))
			case j == 0:
				out = append(out, " "+m.look.p(edges, stem+b.h+" ")+m.look.p(t, m.look.state[state])+" "+text)
			default:
				out = append(out, " "+m.look.p(edges, lead)+text)
			}
		}
		under := func(t token, text string) {
			for _, line := range fold(text, w-9, "  ") {
				out = append(out, " "+m.look.p(edges, beside)+"      "+m.look.p(t, line))
			}
		}
		if s != nil && (s.Answer != "no" || i == p.at) && s.Because != "" {
			under(dim, s.Because)
		}
		if c := m.causeOf(n); c != nil && s != nil && s.Answer == "yes" {
			under(t, m.look.toHost+" "+c.Title+" "+itoa(int(c.Confidence*100))+"%")
			under(accent, m.evidenceList(c.Evidence, 10))
		}
		if s != nil && (s.Answer == "unknown" || m.causeOf(n) != nil) && m.unprobed() == "" {
			for _, probe := range link.Probes {
				if n.Probes(probe.ID) {
					under(accent, m.keys.first("probe")+" "+m.t("probe."+probe.ID+".title"))
				}
			}
		}
		if s != nil && asked != nil && asked.Node == n.ID {
			under(accent, "? "+m.t("diagnosis.answer", m.keys.first("answer.yes"), m.keys.first("answer.no"), m.keys.first("answer.unknown")))
		}
	}
	if p.at < len(p.lines) {
		next := len(out)
		if p.at+1 < len(p.lines) {
			next = p.lines[p.at+1]
		}
		p.to(min(next, p.lines[p.at]+h)-1, h)
		p.to(p.lines[p.at], h)
	}
	return p.window(out, h)
}

// evidenceList names messages by number, most of them.
func (m *Model) evidenceList(list []int, most int) string {
	var b strings.Builder
	for i, n := range list {
		if i == most {
			b.WriteString(" " + m.look.more)
			break
		}
		b.WriteString(" #" + itoa(n))
	}
	return strings.TrimSpace(b.String())
}

// settle keeps the cursor on a node: where the walk ended, until the user moves it.
func (p *treePane) settle(m *Model) {
	nodes := p.outline(m)
	if n := len(m.snap.Path); n > 0 && !p.moved {
		p.at = slices.IndexFunc(nodes, func(t diagnostics.TreeNode) bool { return t.ID == m.snap.Path[n-1].Node })
	}
	p.at = min(max(p.at, 0), max(len(nodes)-1, 0))
}

// current is the node under the cursor, or nil.
func (p *treePane) current(m *Model) *diagnostics.TreeNode {
	nodes := p.outline(m)
	p.settle(m)
	if p.at >= len(nodes) {
		return nil
	}
	return &nodes[p.at]
}

func (p *treePane) move(m *Model, by int) {
	p.settle(m)
	p.moved = true
	p.at = min(max(p.at+by, 0), max(len(p.outline(m))-1, 0))
}

// open goes through the messages that prove the node under the cursor.
func (p *treePane) open(m *Model) {
	n := p.current(m)
	if n == nil {
		return
	}
	if c := m.causeOf(*n); c != nil && m.step(n.ID) != nil {
		m.prove(*c, 1)
		return
	}
	m.notice = m.t("notice.nonode")
}

func (p *treePane) click(m *Model, _, row int) {
	for i := range p.lines {
		if p.top+row >= p.lines[i] && (i == len(p.lines)-1 || p.top+row < p.lines[i+1]) {
			if p.at == i {
				p.open(m)
			}
			p.at, p.moved = i, true
			return
		}
	}
}
