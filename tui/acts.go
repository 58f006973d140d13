package tui

import (
	"slices"
	"strings"

	tea "charm.land/bubbletea/v2"
	"github.com/charmbracelet/x/ansi"

	"tillscope/assets"
	"tillscope/diagnostics"
	"tillscope/wire"
)

// asked is the question that the keys of an answer are for: the one under the cursor of tree or verdict, else the first one. Nil
// is none.
func (m *Model) asked() *diagnostics.Question {
	list := m.snap.Questions
	switch m.focus {
	case tree:
		if node := m.panes[tree].(*treePane).current(m); node != nil {
			for i := range list {
				if list[i].Node == node.ID {
					return &list[i]
				}
			}
		}
	case verdict:
		if i := m.panes[verdict].(*verdictPane).at - len(m.snap.Causes); i >= 0 && i < len(list) {
			return &list[i]
		}
	}
	if len(list) == 0 {
		return nil
	}
	return &list[0]
}

// unasked says why there is nothing to answer.
func (m *Model) unasked() string {
	if m.asked() == nil {
		return m.t("why.unasked")
	}
	return ""
}

func answer(a string) func(*Model) tea.Cmd {
	return do(func(m *Model) {
		if err := m.o.Session.Answer(m.asked().Node, a); err != nil {
			m.fail(err)
		}
		m.frozen = false // the answer changes the verdict
		m.take()
	})
}

// freeze holds the display while capture goes on, or lets it go again.
func (m *Model) freeze() {
	m.frozen = !m.frozen
	if !m.frozen {
		m.take()
	}
}

func (m *Model) cycle(by int) {
	list := members[m.view]
	at := slices.Index(list, m.focus)
	m.focus = list[(at+by+len(list))%len(list)]
}

// place is where one was before a jump.
type place struct {
	view   view
	focus  region
	zoom   bool
	sel    int
	follow bool
}

// leave remembers where one is, for the way back.
func (m *Model) leave() {
	const most = 32
	if len(m.trail) == most {
		m.trail = m.trail[1:]
	}
	m.trail = append(m.trail, place{m.view, m.focus, m.zoom, m.traffic().sel, m.traffic().follow})
}

// back undoes one thing at a time: zoom, a jump, filter, view, focus. It never quits: a lone escape may be the beginning
// of a key that a slow line delivers in pieces.
func (m *Model) back() {
	switch n := len(m.trail); {
	case m.zoom:
		m.zoom = false
	case m.focus == message && (m.message().walking || m.message().both):
		m.message().walking, m.message().both = false, false
	case n > 0:
		p := m.trail[n-1]
		m.trail = m.trail[:n-1]
		m.view, m.focus, m.zoom = p.view, p.focus, p.zoom
		if p.follow {
			m.resume()
		} else if p.sel > 0 {
			m.traffic().show(m, p.sel)
		}
	case m.view != scope:
		m.setView(scope)
	case m.focus != traffic:
		m.focus = traffic
	case m.traffic().filter != "":
		m.setFilter("")
	}
}

func (m *Model) resume() {
	m.frozen = false
	m.traffic().follow = true
	m.take()
}

func (m *Model) setView(v view) {
	m.view, m.zoom, m.trail = v, false, nil
	m.focus = members[v][0]
}

// jump goes to an entry of the traffic, wherever one is; esc comes back.
func (m *Model) jump(n int, focus region) bool {
	m.leave()
	if !m.traffic().show(m, n) {
		m.trail = m.trail[:len(m.trail)-1]
		m.notice = m.t("notice.dropped", n)
		return false
	}
	m.view, m.focus, m.zoom = scope, focus, false
	return true
}

// toPair goes to the other half of the exchange.
func (m *Model) toPair() {
	e := m.traffic().current(m)
	if e == nil || e.Pair == 0 {
		m.notice = m.t("notice.nopair")
		return
	}
	m.jump(e.Pair, m.focus)
}

// noStory says why the selected row leads to no transaction.
func (m *Model) noStory() string {
	switch e := m.traffic().current(m); {
	case e == nil || e.Txn == 0:
		return m.t("why.notransaction")
	case m.txnOf(e) == nil:
		if _, ok := m.snap.Fate(e.Txn); !ok {
			return m.t("why.folded")
		}
	}
	return ""
}

// toStory goes to the transaction that the selected row belongs to.
func (m *Model) toStory() {
	e := m.traffic().current(m)
	x := m.txnOf(e)
	if x == nil {
		x = m.folded(e)
	}
	if x == nil {
		m.notice = m.t("why.folded")
		return
	}
	m.leave()
	m.view, m.focus, m.zoom = transactionsView, story, false
	m.transactions().show(m, x)
}

func (m *Model) switchLanguage() {
	at := slices.Index(assets.Languages, m.lang.ID)
	next, err := assets.Language(assets.Languages[(at+1)%len(assets.Languages)])
	if err != nil {
		m.fail(err)
		return
	}
	m.setLang(next)
	m.o.Session.SetLang(next)
	m.frozen = false // what is frozen is in the other language
	m.take()
}

func (m *Model) switchTheme() {
	at := slices.IndexFunc(m.themes, func(t *Theme) bool { return t.ID == m.theme.ID })
	m.setTheme(m.themes[(at+1)%len(m.themes)])
	m.notice = m.t("notice.theme", m.theme.ID, or(m.theme.Titles[m.lang.ID], m.theme.Titles["en"]))
}

func or(a, b string) string {
	if a != "" {
		return a
	}
	return b
}

// fail says in the language of the screen what went wrong.
func (m *Model) fail(err error) { m.notice = m.lang.Say(err.Error()) }

// unrecorded says why recording cannot begin, or end.
func (m *Model) unrecorded() string {
	switch {
	case m.o.Record == nil:
		return m.t("why.norecord")
	case m.snap.Ended && m.o.Recorder() == nil:
		return m.t("why.ended")
	}
	return ""
}

// watchRecorder says once why a recording stopped by itself: a full disk, a folder that is gone.
func (m *Model) watchRecorder() {
	r := m.o.Recorder()
	if r == nil || r.Err() == nil {
		m.stopped = nil
	} else if m.stopped != r {
		m.stopped, m.dirty = r, true
		m.fail(r.Err())
	}
}

// toggleRecord begins to write what passes to a file, or ends it.
func (m *Model) toggleRecord() {
	path, err := m.o.Record(m.o.Recorder() == nil)
	switch {
	case err != nil:
		m.fail(err)
	case m.o.Recorder() != nil:
		m.notice = m.t("notice.recording", path)
	default:
		m.notice = m.t("notice.recorded", path)
	}
}

// toggleHints puts the hints of the first run away, for good, or brings them back.
func (m *Model) toggleHints() {
	m.hints = !m.hints
	if m.o.Hints != nil {
		if err := m.o.Hints(m.hints); err != nil {
			m.fail(err)
		}
	}
}

// copyMost bounds what goes to the clipboard: terminals cut off, or drop, longer sequences.
const copyMost = 74_000

// copy puts the focused region's text, masked as it is shown, into the terminal's clipboard by OSC 52.
func (m *Model) copy() tea.Cmd {
	text := m.clip()
	if len(text) > copyMost {
		m.notice = m.t("notice.toolong")
		return nil
	}
	m.notice = m.t("notice.copied", len([]rune(text)))
	return tea.SetClipboard(text)
}

// clip is what y copies: a row of the traffic, a whole message, or the region's page.
func (m *Model) clip() string {
	e := m.traffic().current(m)
	switch {
	case m.focus == traffic && e != nil:
		return "#" + itoa(e.N) + " " + m.rowOf(e, false).text()
	case m.focus == message && e != nil:
		return m.message().text(m, e)
	}
	const all = 2000
	rows := m.panes[m.focus].draw(m, 100, all)
	for i := range rows {
		rows[i] = strings.TrimRight(ansi.Strip(rows[i]), " ")
	}
	return strings.Join(rows, "\n")
}

// carried counts the connections that pass through this program and end with it, and all that ever came: those of a tap, and of a
// serial line that it stands in; a serial line that it listens to has no host.
func (m *Model) carried() (open, all int) {
	if s := m.snap.Source; s.Simulated || m.snap.Ended || s.Kind != "tap" && s.Kind != "serial" {
		return 0, 0
	}
	for _, l := range m.snap.Lines {
		if l.Host != "" {
			open += l.Open
			all += max(l.Connects, l.Open) + l.Refused + l.Unreach
		}
	}
	return open, all
}

// unlessCut does what ends the line, and asks first when a shop sells through this program: its connections end, and where just
// now there are none, its next sale fails all the same.
func (m *Model) unlessCut(key string, then func(*Model) tea.Cmd) tea.Cmd {
	open, all := m.carried()
	ask, n := key+".ask", open
	if open == 0 {
		ask, n = key+".idle", all
	}
	if all == 0 {
		return then(m)
	}
	m.dialog = &question{text: m.lang.N(ask, n, n), yes: m.t(key + ".yes"), no: m.t("quit.no"), then: then}
	return nil
}

// quit ends the program.
func (m *Model) quit() tea.Cmd { return m.unlessCut("quit", func(*Model) tea.Cmd { return tea.Quit }) }

// proven says whether there is evidence to go to.
func (m *Model) proven() bool { return len(m.snap.Causes) > 0 && len(m.snap.Causes[0].Evidence) > 0 }

// evidence goes through the messages that prove the leading cause.
func (m *Model) evidence(by int) {
	m.prove(m.snap.Causes[0], by)
}

// prove shows the next message that proves a cause after the selected one, at the bytes that do.
func (m *Model) prove(c diagnostics.Cause, by int) {
	list := c.Evidence
	if len(list) == 0 {
		m.notice = m.t("notice.noevidence")
		return
	}
	at := slices.Index(list, m.traffic().sel)
	switch {
	case at < 0 && by > 0:
		at = 0
	case at < 0:
		at = len(list) - 1
	default:
		at = (at + by + len(list)) % len(list)
	}
	focus := m.focus
	if m.view != scope {
		focus = traffic
	}
	if m.jump(list[at], focus) {
		if e := m.traffic().current(m); e.Msg != nil && !e.Msg.Undecoded() {
			for _, id := range append(slices.Clone(c.Shows), "39") {
				if slices.ContainsFunc(e.Msg.Fields(), func(f wire.Field) bool { return f.ID == id }) {
					m.message().want, m.message().of = id, nil
					break
				}
			}
		}
		m.notice = m.t("notice.evidence", at+1, len(list), m.keys.first("evidence.next"))
	}
}
