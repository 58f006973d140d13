package tui

import "tillscope/diagnostics"

// diagnosisPane says what is wrong, what proves it, who does what about it, and the path through the tree.
type diagnosisPane struct{ scroll }

func (d *diagnosisPane) title(m *Model) (string, string) { return m.t("pane.diagnosis"), d.place() }

// verdict is the first line: the leading cause, or what is known instead of one.
func (m *Model) verdict() (string, token) {
	sn := m.snap
	switch {
	case len(sn.Causes) > 0 && sn.Causes[0].ID != pending:
		c := sn.Causes[0]
		if !c.Likely() {
			return m.look.state[diagnostics.Warn] + " " + m.t("verdict.perhaps", c.Title) + "  " + itoa(int(c.Confidence*100)) + "%", warn
		}
		return m.look.state[diagnostics.Fail] + " " + c.Title + "  " + itoa(int(c.Confidence*100)) + "%", bad
	case sn.Totals.Messages == 0 && len(sn.Entries) == 0:
		return m.look.state[diagnostics.Unknown] + " " + m.t("verdict.none"), dim
	case len(sn.Causes) == 0 && 2*sn.Totals.Undecoded > sn.Totals.Messages:
		return m.look.state[diagnostics.Warn] + " " + m.t("verdict.opaque", sn.Totals.Undecoded, sn.Totals.Messages), warn
	case len(sn.Causes) > 0:
		return m.look.state[diagnostics.OK] + " " + m.t("verdict.nofault") + " " + m.look.dot + " " + sn.Causes[0].Title, good
	}
	return m.look.state[diagnostics.OK] + " " + m.t("verdict.nofault"), good
}

// pending is the one cause that is no fault.
const pending = "bank.clearing-pending"

// proof is the evidence of a cause in words and message numbers.
func (m *Model) proof(c diagnostics.Cause, most int) string {
	s := c.Because
	if len(c.Sums) > 0 {
		s = m.t("and", s, m.look.yuans(c.Sums.String()))
	}
	return s + " " + m.evidenceList(c.Evidence, most)
}

func (d *diagnosisPane) draw(m *Model, w, h int) []string {
	var out []string
	w -= 1
	add := func(t token, s, indent string) {
		for _, line := range fold(s, w-1, indent) {
			out = append(out, " "+m.look.p(t, line))
		}
	}
	v, t := m.verdict()
	add(t, v, "  ")
	remedies := func(c diagnostics.Cause) {
		add(plain, m.proof(c, 12), "  ")
		for _, r := range c.Remedies {
			add(plain, m.look.dot+" "+m.t("of", m.t("who."+r.Who), m.look.yuans(r.Do)), "  ")
		}
	}
	if len(m.snap.Causes) > 0 {
		remedies(m.snap.Causes[0])
	}
	for i, q := range m.snap.Questions {
		add(accent, "? "+q.Question, "  ")
		if i == 0 { // the keys answer one after the other
			add(dim, "  "+m.t("diagnosis.answer", m.keys.first("answer.yes"), m.keys.first("answer.no"), m.keys.first("answer.unknown")), "  ")
		}
	}
	out = append(out, d.path(m, w)...)
	for i, c := range m.snap.Causes {
		if i > 0 {
			out = append(out, "")
			add(strong, m.t("diagnosis.also", c.Title)+"  "+itoa(int(c.Confidence*100))+"%", "  ")
			remedies(c)
		}
		for _, p := range c.Prevent {
			add(dim, m.look.dot+" "+m.t("diagnosis.prevent", p), "  ")
		}
	}
	return d.window(out, h)
}

// path is the walk through the tree, one question after the other.
func (d *diagnosisPane) path(m *Model, w int) []string {
	if len(m.snap.Path) == 0 || len(m.snap.Entries) == 0 {
		return nil
	}
	out := []string{"", " " + m.look.p(strong, m.t("diagnosis.path"))}
	for i, s := range m.snap.Path {
		state, t := diagnostics.OK, dim
		switch s.Answer {
		case "yes":
			state, t = diagnostics.Fail, plain
			if len(m.snap.Causes) == 0 || m.snap.Causes[0].ID == pending {
				state = diagnostics.Warn
			}
		case "unknown":
			state = diagnostics.Unknown
		}
		branch, beside := m.look.borders.midLeft, m.look.borders.v
		if i == len(m.snap.Path)-1 {
			branch, beside = m.look.borders.bottomLeft, " "
		}
		for j, line := range fold(s.Question+" "+m.look.toHost+" "+m.t("answer."+s.Answer), w-5, "") {
			lead := m.look.p(dim, branch) + " " + m.look.p(tokenOf(state), m.look.state[state]) + " "
			if j > 0 {
				lead = m.look.p(dim, beside) + "   "
			}
			out = append(out, " "+lead+m.look.p(t, line))
		}
	}
	return out
}

func (d *diagnosisPane) move(_ *Model, by int) { d.scroll.move(by) }

// open goes through the messages that prove the leading cause, one each time.
func (d *diagnosisPane) open(m *Model) {
	if !m.proven() {
		m.notice = m.t("notice.noevidence")
		return
	}
	m.evidence(1)
}

// adviceRows are the verdict for a screen without room for its pane: what, why, and who does what first; with one row, what
// and the messages that prove it.
func (m *Model) adviceRows(w, h int) []string {
	v, t := m.verdict()
	out := []string{" " + m.look.p(t, v), "", ""}
	if h == 1 && len(m.snap.Causes) > 0 {
		out[0] += "  " + m.evidenceList(m.snap.Causes[0].Evidence, 3)
	}
	if len(m.snap.Causes) > 0 {
		c := m.snap.Causes[0]
		out[1] = "   " + m.proof(c, 8)
		if len(c.Remedies) > 0 {
			out[2] = "   " + m.t("of", m.look.p(accent, m.t("who."+c.Remedies[0].Who)), c.Remedies[0].Do)
		}
	} else if n := len(m.snap.Path); n > 0 && len(m.snap.Entries) > 0 {
		s := m.snap.Path[n-1]
		out[1] = "   " + m.look.p(dim, s.Question+" "+m.look.toHost+" "+m.t("answer."+s.Answer))
	}
	for i := range out {
		out[i] = m.look.fit(out[i], w)
	}
	return out
}
