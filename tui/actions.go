package tui

import (
	"slices"

	tea "charm.land/bubbletea/v2"

	"tillscope/diagnostics"
)

// action is something that a key does. This table is the only place that knows keys: dispatch, help, palette, the footer's
// hints, the documents and the configuration file read it. The texts are in the language files, under action.ID and
// hint.ID.
type action struct {
	id   string
	keys []string // as shipped; the first is the one that hints name
	in   []region // where its keys work; nil is everywhere
	hint bool     // worth a place in the footer
	why  func(*Model) string
	run  func(*Model) tea.Cmd
}

// here says whether the action's keys work where the focus is.
func (a action) here(m *Model) bool { return len(a.in) == 0 || slices.Contains(a.in, m.focus) }

func always(*Model) string { return "" }

// do wraps what needs no command.
func do(f func(*Model)) func(*Model) tea.Cmd {
	return func(m *Model) tea.Cmd { f(m); return nil }
}

// unless makes a reason out of a condition: the text of key, where it does not hold.
func unless(holds func(*Model) bool, key string) func(*Model) string {
	return func(m *Model) string {
		if holds(m) {
			return ""
		}
		return m.t(key)
	}
}

// farther than any list is long.
const farther = 1 << 30

var actions []action

func init() { // not a literal: the help that shows the table is itself in it
	line := func(n int) func(*Model) tea.Cmd { return do(func(m *Model) { m.panes[m.focus].move(m, n) }) }
	page := func(n int) func(*Model) tea.Cmd {
		return do(func(m *Model) { m.panes[m.focus].move(m, n*max(m.high-1, 1)) })
	}
	side := func(n int) func(*Model) tea.Cmd {
		return do(func(m *Model) {
			if s, ok := m.panes[m.focus].(sideways); ok {
				s.side(m, n)
			}
		})
	}
	show := func(v view) func(*Model) tea.Cmd { return do(func(m *Model) { m.setView(v) }) }
	wide := unless(func(m *Model) bool { _, ok := m.panes[m.focus].(sideways); return ok }, "why.noside")
	several := unless(func(m *Model) bool { return len(members[m.view]) > 1 }, "why.alone")
	picked := unless(func(m *Model) bool { return m.traffic().current(m) != nil }, "why.noentry")
	asked := func(m *Model) string { return m.unasked() }
	inMessage := []region{message}
	inTraffic := []region{traffic, message}
	desk := []region{trainer}
	judging := []region{diagnosis, tree, verdict}
	actions = []action{
		{"help", []string{"?", "f1"}, nil, true, always, do(func(m *Model) { m.openMenu(false) })},
		{"palette", []string{":"}, nil, false, always, do(func(m *Model) { m.openMenu(true) })},
		{"view.scope", []string{"1"}, nil, false, always, show(scope)},
		{"view.transactions", []string{"2"}, nil, false, always, show(transactionsView)},
		{"view.diagnosis", []string{"3"}, nil, false, always, show(diagnosisView)},
		{"view.line", []string{"4"}, nil, false, always, show(lineView)},
		{"view.report", []string{"5"}, nil, false, always, show(reportView)},
		{"freeze", []string{"space"}, nil, true, always, do((*Model).freeze)},
		{"filter", []string{"/"}, nil, true, always, (*Model).startFilter},
		{"next", []string{"tab"}, nil, true, several, do(func(m *Model) { m.cycle(1) })},
		{"previous", []string{"shift+tab"}, nil, false, several, do(func(m *Model) { m.cycle(-1) })},
		{"open", []string{"enter"}, nil, true, unless(func(m *Model) bool { return m.focus != lines }, "why.noopen"), do(func(m *Model) { m.panes[m.focus].open(m) })},
		{"close", []string{"esc"}, nil, false, always, do((*Model).back)},
		{"zoom", []string{"z"}, nil, true, func(m *Model) string {
			if sizeOf(m.w, m.h) == small {
				return m.t("why.small")
			}
			return several(m)
		}, do(func(m *Model) { m.zoom = !m.zoom })},
		{"up", []string{"k", "up"}, nil, false, always, line(-1)},
		{"down", []string{"j", "down"}, nil, false, always, line(1)},
		{"left", []string{"h", "left"}, nil, false, wide, side(-1)},
		{"right", []string{"l", "right"}, nil, false, wide, side(1)},
		{"pageup", []string{"ctrl+b", "pgup"}, nil, false, always, page(-1)},
		{"pagedown", []string{"ctrl+f", "pgdown"}, nil, false, always, page(1)},
		{"top", []string{"g", "home"}, nil, false, always, line(-farther)},
		{"bottom", []string{"G", "end"}, nil, false, always, line(farther)},
		{"follow", []string{"F"}, nil, false, unless(func(m *Model) bool { return !m.traffic().follow }, "why.following"), do((*Model).resume)},

		{"pair", []string{"p"}, inTraffic, false, picked, do((*Model).toPair)},
		{"transaction", []string{"t"}, inTraffic, false, func(m *Model) string { return m.noStory() }, do((*Model).toStory)},
		{"mark", []string{"m"}, inTraffic, false, picked, do((*Model).toggleMark)},
		{"note", []string{"N"}, inTraffic, false, picked, (*Model).writeNote},
		{"nextmark", []string{"'"}, inTraffic, false, unless(func(m *Model) bool { return len(m.marks) > 0 }, "why.nomarks"), do((*Model).nextMark)},
		{"marked", []string{"V"}, inTraffic, false, unless(func(m *Model) bool { return len(m.marks) > 0 }, "why.nomarks"), do((*Model).markedOnly)},
		{"bytes", []string{"b"}, inMessage, false, unless(func(m *Model) bool { return len(m.message().fields) > 0 }, "why.nofields"), do(func(m *Model) { m.message().walk(m) })},
		{"compare", []string{"d"}, inTraffic, false, func(m *Model) string { return m.unpaired() }, do(func(m *Model) { m.message().both = !m.message().both; m.focus = message })},
		{"filterby", []string{"+"}, inMessage, false, unless(func(m *Model) bool { return m.message().filterOf() != "" }, "why.nofields"), do((*Model).filterByField)},

		{"sort", []string{"s"}, []region{transactions}, false, always, do(func(m *Model) { m.transactions().sortBy(m, 1) })},
		{"reverse", []string{"S"}, []region{transactions}, false, always, do(func(m *Model) { m.transactions().down = !m.transactions().down })},

		{"evidence.next", []string{"]"}, nil, false, unless((*Model).proven, "notice.noevidence"), do(func(m *Model) { m.evidence(1) })},
		{"evidence.previous", []string{"["}, nil, false, unless((*Model).proven, "notice.noevidence"), do(func(m *Model) { m.evidence(-1) })},
		{"answer.yes", []string{"y"}, judging, false, asked, answer("yes")},
		{"answer.no", []string{"n"}, judging, false, asked, answer("no")},
		{"answer.unknown", []string{"u"}, judging, false, asked, answer("unknown")},

		{"probe", []string{"t"}, judging, true, (*Model).unprobed, do((*Model).openProbes)},
		{"copy", []string{"y", "Y"}, nil, false, unless(func(m *Model) bool { return m.focus > message || m.traffic().current(m) != nil }, "why.noentry"), (*Model).copy},
		{"export", []string{"e"}, nil, true, unless(func(m *Model) bool { return m.o.Export != nil }, "why.noexport"), (*Model).openExport},
		{"record", []string{"r"}, nil, false, (*Model).unrecorded, do((*Model).toggleRecord)},
		{"source", []string{"c"}, nil, false, unless(func(m *Model) bool { return m.o.Open != nil }, "why.nosource"), (*Model).openSource},
		{"faults", []string{"f"}, nil, false, (*Model).untrained, do((*Model).openTrainer)},
		{"fault.add", []string{"a"}, desk, true, (*Model).untrained, (*Model).addFault},
		{"fault.scenario", []string{"A"}, desk, false, (*Model).untrained, (*Model).addScenario},
		{"fault.clear", []string{"d"}, desk, false, (*Model).nofault, do((*Model).clearFault)},
		{"fault.clearall", []string{"D"}, desk, false, (*Model).untrained, do((*Model).clearFaults)},
		{"fault.hide", []string{"x"}, desk, false, (*Model).nofault, do((*Model).hideFault)},
		{"exercise.begin", []string{"X"}, desk, true, (*Model).untrained, do((*Model).beginExercise)},
		{"exercise.answer", []string{"w"}, desk, true, (*Model).noexercise, (*Model).answerExercise},
		{"exercise.reveal", []string{"R"}, desk, true, (*Model).noexercise, do((*Model).revealExercise)},
		{"pace.pause", []string{"P"}, desk, true, (*Model).untrained, do(func(m *Model) { m.trainer().Pause(!m.trainer().Paused()) })},
		{"pace.faster", []string{">"}, desk, false, (*Model).untrained, do(func(m *Model) { m.pace(2) })},
		{"pace.slower", []string{"<"}, desk, false, (*Model).untrained, do(func(m *Model) { m.pace(0.5) })},
		{"language", []string{"L"}, nil, true, always, do((*Model).switchLanguage)},
		{"theme", []string{"T"}, nil, false, always, do((*Model).switchTheme)},
		{"lowbandwidth", []string{"B"}, nil, false, always, do(func(m *Model) { m.setLow(!m.low) })},
		{"mouse", nil, nil, false, always, do(func(m *Model) { m.mouse = !m.mouse })},
		{"hints", []string{"H"}, nil, false, always, do((*Model).toggleHints)},
		{"redraw", []string{"ctrl+l"}, nil, false, always, func(*Model) tea.Cmd { return tea.ClearScreen }},
		{"suspend", []string{"ctrl+z"}, nil, false, always, func(*Model) tea.Cmd { return tea.Suspend }},
		{"quit", []string{"q", "ctrl+c"}, nil, true, always, (*Model).quit},
	}
}

// press runs the action of a key, or says that it has none here.
func (m *Model) press(key string) tea.Cmd {
	if a, ok := m.keys.find(m, key); ok {
		return m.perform(a)
	}
	if list := m.keys.by[key]; len(list) > 0 {
		m.notice = m.t("why.elsewhere", key, m.t("pane."+regionNames[list[0].in[0]]), m.t("action."+list[0].id))
	} else {
		m.notice = m.t("why.nokey", diagnostics.Clean(key), m.keys.first("help"))
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
