package tui

import (
	"tillscope/diagnostics"
)

// verdictPane is the card of the verdict: every cause with what it explains, its proof, who does what, and what keeps it
// from coming back. Then what is not known, and why.
type verdictPane struct {
	scroll
	at    int  // selected cause or, behind them, question
	bring bool // into sight what is selected now
}

func (p *verdictPane) title(m *Model) (string, string) { return m.t("pane.verdict"), p.place() }

func (p *verdictPane) draw(m *Model, w, h int) []string {
	var out []string
	add := func(t token, s, indent string) {
		for _, line := range fold(s, w-2, indent) {
			out = append(out, " "+m.look.p(t, line))
		}
	}
	v, t := m.verdict()
	causes := len(m.snap.Causes)
	p.at = min(p.at, max(causes+len(m.snap.Questions)-1, 0))
	mark := func(i, from int) {
		if m.focus != verdict || i != p.at {
			return
		}
		for j := from; j < len(out); j++ {
			out[j] = m.look.p(accent, m.look.borders.v) + out[j][1:]
		}
		if p.bring {
			p.to(min(len(out), from+h)-1, h)
			p.to(from, h)
		}
	}
	if causes == 0 {
		add(t, v, "  ")
	}
	for i, c := range m.snap.Causes {
		if i > 0 {
			out = append(out, "")
			v, t = m.t("diagnosis.also", c.Title)+"  "+itoa(int(c.Confidence*100))+"%", strong
		}
		from := len(out)
		add(t, v, "  ")
		add(plain, m.proof(c, 12), "  ")
		for _, r := range c.Remedies {
			add(plain, m.look.dot+" "+m.t("of", m.t("who."+r.Who), m.look.yuans(r.Do)), "  ")
		}
		for _, s := range c.Prevent {
			add(dim, m.look.dot+" "+m.t("diagnosis.prevent", s), "  ")
		}
		mark(i, from)
	}
	asked := m.asked()
	for i := range m.snap.Questions {
		q := &m.snap.Questions[i]
		out = append(out, "")
		from := len(out)
		add(accent, "? "+q.Question, "  ")
		if q == asked {
			add(dim, m.t("diagnosis.answer", m.keys.first("answer.yes"), m.keys.first("answer.no"), m.keys.first("answer.unknown")), "  ")
		}
		mark(causes+i, from)
	}
	p.bring = false
	out = append(out, p.unknown(m, w)...)
	return p.window(out, h)
}

// unknown is what nothing has shown yet.
func (p *verdictPane) unknown(m *Model, w int) (out []string) {
	for _, b := range m.snap.Branches {
		if b.Status == diagnostics.Unknown {
			for _, s := range fold(m.look.state[b.Status]+" "+m.t("of", m.t("branch."+b.ID), b.Because), w-2, "  ") {
				out = append(out, " "+m.look.p(dim, s))
			}
		}
	}
	for _, s := range m.snap.Path {
		if s.Answer == "unknown" {
			for _, line := range fold(m.look.state[diagnostics.Unknown]+" "+s.Question+" "+s.Because, w-2, "  ") {
				out = append(out, " "+m.look.p(dim, line))
			}
		}
	}
	if len(out) > 0 {
		out = append([]string{"", " " + m.look.p(strong, m.t("diagnosis.unknown"))}, out...)
	}
	return out
}

func (p *verdictPane) move(m *Model, by int) {
	if by > 1 || by < -1 {
		p.scroll.move(by)
		return
	}
	at := min(max(p.at+by, 0), max(len(m.snap.Causes)+len(m.snap.Questions)-1, 0))
	if at == p.at {
		p.scroll.move(by)
		return
	}
	p.at, p.bring = at, true
}

// open goes through the messages that prove the selected cause.
func (p *verdictPane) open(m *Model) {
	if p.at < len(m.snap.Causes) {
		m.prove(m.snap.Causes[p.at], 1)
		return
	}
	m.notice = m.t("notice.noevidence")
}
