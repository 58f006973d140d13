package tui

import (
	"slices"

	tea "charm.land/bubbletea/v2"

	"tillscope/assets"
)

// action is something that a key does. This table is the only place that knows keys: dispatch, help and the footer's
// hints read it. The texts are in the language files, under action.ID and hint.ID.
type action struct {
	id   string
	keys []string // the first is the one that hints name
	hint bool     // worth a place in the footer
	why  func(*Model) string
	run  func(*Model) tea.Cmd
}

func always(*Model) string { return "" }

// do wraps what needs no command.
func do(f func(*Model)) func(*Model) tea.Cmd {
	return func(m *Model) tea.Cmd { f(m); return nil }
}

func move(by func(*Model) int) func(*Model) tea.Cmd {
	return do(func(m *Model) { m.panes[m.focus].move(m, by(m)) })
}

// farther than any list is long.
const farther = 1 << 30

var actions []action

func init() { // not a literal: the help that shows the table is itself in it
	line := func(n int) func(*Model) int { return func(*Model) int { return n } }
	page := func(n int) func(*Model) int { return func(m *Model) int { return n * max(m.high-1, 1) } }
	inScope := func(m *Model) string {
		if m.view != scope {
			return m.t("why.scope")
		}
		return ""
	}
	show := func(v view) func(*Model) tea.Cmd { return do(func(m *Model) { m.setView(v) }) }
	actions = []action{
		{"help", []string{"?", ":", "f1"}, true, always, (*Model).openMenu},
		{"freeze", []string{"space"}, true, always, do((*Model).freeze)},
		{"filter", []string{"/"}, true, always, (*Model).startFilter},
		{"next", []string{"tab"}, true, inScope, do(func(m *Model) { m.cycle(1) })},
		{"previous", []string{"shift+tab"}, false, inScope, do(func(m *Model) { m.cycle(-1) })},
		{"open", []string{"enter"}, true, always, do(func(m *Model) { m.panes[m.focus].open(m) })},
		{"zoom", []string{"z"}, true, func(m *Model) string {
			if sizeOf(m.w, m.h) == small {
				return m.t("why.small")
			}
			return inScope(m)
		}, do(func(m *Model) { m.zoom = !m.zoom })},
		{"close", []string{"esc"}, false, always, do((*Model).back)},
		{"up", []string{"k", "up"}, false, always, move(line(-1))},
		{"down", []string{"j", "down"}, false, always, move(line(1))},
		{"pageup", []string{"ctrl+b", "pgup"}, false, always, move(page(-1))},
		{"pagedown", []string{"ctrl+f", "pgdown"}, false, always, move(page(1))},
		{"top", []string{"g", "home"}, false, always, move(line(-farther))},
		{"bottom", []string{"G", "end"}, false, always, move(line(farther))},
		{"follow", []string{"F"}, false, func(m *Model) string {
			if m.traffic().follow {
				return m.t("why.following")
			}
			return ""
		}, do((*Model).resume)},
		{"view.scope", []string{"1"}, false, always, show(scope)},
		{"view.transactions", []string{"2"}, false, always, show(transactionsView)},
		{"view.diagnosis", []string{"3"}, false, always, show(diagnosisView)},
		{"view.line", []string{"4"}, false, always, show(lineView)},
		{"view.report", []string{"5"}, false, always, show(reportView)},
		{"answer.yes", []string{"y"}, false, (*Model).unasked, answer("yes")},
		{"answer.no", []string{"n"}, false, (*Model).unasked, answer("no")},
		{"answer.unknown", []string{"u"}, false, (*Model).unasked, answer("unknown")},
		{"export", []string{"e"}, false, func(m *Model) string {
			if m.o.Export == nil {
				return m.t("why.noexport")
			}
			return ""
		}, do((*Model).export)},
		{"language", []string{"L"}, true, always, do((*Model).switchLanguage)},
		{"redraw", []string{"ctrl+l"}, false, always, func(*Model) tea.Cmd { return tea.ClearScreen }},
		{"suspend", []string{"ctrl+z"}, false, always, func(*Model) tea.Cmd { return tea.Suspend }},
		{"quit", []string{"q", "ctrl+c"}, true, always, (*Model).quit},
	}
}

// unasked says why there is nothing to answer.
func (m *Model) unasked() string {
	switch {
	case len(m.snap.Questions) == 0:
		return m.t("why.unasked")
	case m.focus != diagnosis:
		return m.t("why.diagnosis")
	}
	return ""
}

func answer(a string) func(*Model) tea.Cmd {
	return do(func(m *Model) {
		if err := m.o.Session.Answer(m.snap.Questions[0].Node, a); err != nil {
			m.notice = err.Error()
		}
		m.frozen = false // the answer changes the verdict
		m.take()
	})
}

// press runs the action of a key.
func (m *Model) press(key string) tea.Cmd {
	for _, a := range actions {
		if slices.Contains(a.keys, key) {
			return m.perform(a)
		}
	}
	return nil
}

func (m *Model) perform(a action) tea.Cmd {
	if why := a.why(m); why != "" {
		m.notice = why
		return nil
	}
	return a.run(m)
}

// freeze holds the display while capture goes on, or lets it go again.
func (m *Model) freeze() {
	m.frozen = !m.frozen
	if !m.frozen {
		m.take()
	}
}

// missed counts what came since the display was frozen.
func (m *Model) missed() int {
	return m.o.Session.Snapshot().Totals.Messages - m.snap.Totals.Messages
}

func (m *Model) startFilter() tea.Cmd {
	m.typing = true
	m.input.SetValue(m.traffic().filter)
	m.input.CursorEnd()
	if m.view != scope {
		m.setView(scope)
	}
	m.focus = traffic
	return m.input.Focus()
}

func (m *Model) cycle(by int) {
	const n = int(diagnosis) + 1
	m.focus = region((int(m.focus) + by + n) % n)
}

// back undoes one thing at a time: zoom, filter, view, focus. It never quits: a lone escape may be the beginning of a
// key that a slow line delivers in pieces.
func (m *Model) back() {
	switch {
	case m.zoom:
		m.zoom = false
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
	m.view, m.zoom = v, false
	m.focus = map[view]region{scope: traffic, transactionsView: transactions, diagnosisView: diagnosis, lineView: lines, reportView: report}[v]
}

func (m *Model) switchLanguage() {
	at := slices.Index(assets.Languages, m.lang.ID)
	next, err := assets.Language(assets.Languages[(at+1)%len(assets.Languages)])
	if err != nil {
		m.notice = err.Error()
		return
	}
	m.setLang(next)
	m.o.Session.SetLang(next)
	m.frozen = false // what is frozen is in the other language
	m.take()
}

// export writes the report of what is on the screen, frozen or not.
func (m *Model) export() {
	path, err := m.o.Export(m.snap, m.lang)
	if err != nil {
		m.notice = err.Error()
		return
	}
	m.notice = m.t("notice.exported", path)
}

// quit ends the program; when a live tap carries connections, it asks first: they end with it.
func (m *Model) quit() tea.Cmd {
	open := 0
	for _, l := range m.snap.Lines {
		open += l.Open
	}
	if m.snap.Source.Kind != "tap" || m.snap.Ended || open == 0 {
		return tea.Quit
	}
	m.asking = m.t("quit.ask", open)
	return nil
}
