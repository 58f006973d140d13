package tui

import (
	"math/rand/v2"
	"slices"
	"strings"
	"time"

	tea "charm.land/bubbletea/v2"
	"charm.land/huh/v2"
	"github.com/charmbracelet/x/ansi"

	"tillscope/diagnostics"
	"tillscope/sim"
)

// Trainer is the simulator's faults, to be changed while it runs: *sim.Control is one. It knows the truth, which this
// region alone shows, and only what is not hidden.
type Trainer interface {
	Add(sim.Fault) (id int, err error)
	AddScenario(id string) (ids []int, err error)
	Clear(id int) error
	ClearAll()
	Hide(id int) error
	Reveal(id int) error
	List() []sim.Active
	Pause(on bool)
	Paused() bool
	SetSpeed(float64) error
	Speed() float64
}

// trainerPane is the trainer's desk: the faults at work, the pace of the shop, and an exercise, in which faults are hidden,
// the trainee names the causes, and the truth comes beside the answer.
type trainerPane struct {
	scroll
	at      int
	answers []string  // causes that the trainee named
	began   time.Time // of the exercise, zero when there is none
	score   *score
}

// score is an exercise's end.
type score struct {
	truth, right, wrong, missed []string
	verdict                     []string // what the diagnosis said at that time
	percent                     int
	took                        time.Duration
}

// trainer is the simulator's control, or nil when what is watched is no simulator.
func (m *Model) trainer() Trainer {
	if m.o.Trainer == nil {
		return nil
	}
	return m.o.Trainer()
}

func (m *Model) desk() *trainerPane { return m.panes[trainer].(*trainerPane) }

func (m *Model) untrained() string {
	if m.trainer() == nil {
		return m.t("why.nosim")
	}
	return ""
}

func (p *trainerPane) title(m *Model) (string, string) {
	t := m.trainer()
	if t == nil {
		return m.t("pane.trainer"), ""
	}
	pace := m.t("trainer.pace", t.Speed())
	switch {
	case t.Paused():
		pace = m.t("trainer.paused")
	case t.Speed() == 1:
		pace = m.t("trainer.life")
	}
	return m.t("pane.trainer"), pace
}

// visible are the faults that are not hidden, and how many are.
func (p *trainerPane) visible(t Trainer) (out []sim.Active, hidden int) {
	for _, a := range t.List() {
		if a.Hidden {
			hidden++
		} else {
			out = append(out, a)
		}
	}
	return out, hidden
}

func (m *Model) faultName(id string) string {
	if key := "fault." + id; m.lang.Has(key) {
		return m.t(key)
	}
	return id
}

func (p *trainerPane) draw(m *Model, w, h int) []string {
	t := m.trainer()
	if t == nil {
		return indent(fold(m.t("why.nosim"), w-2, ""))
	}
	var out []string
	add := func(t token, s, lead string) {
		for _, line := range fold(s, w-2, lead) {
			out = append(out, " "+m.look.p(t, line))
		}
	}
	list, hidden := p.visible(t)
	p.at = min(p.at, max(len(list)-1, 0))
	switch {
	case hidden == 0:
		add(strong, m.lang.N("trainer.faults", len(list), len(list)), "")
	case len(list) > 0:
		add(strong, m.lang.N("trainer.seen", len(list), len(list)), "")
	}
	for i, a := range list {
		cause := strings.Join(slices.DeleteFunc([]string{a.Fault.Kind, m.describe(a.Fault)}, func(s string) bool { return s == "" }), "  ")
		if a.Cause != "" {
			cause += "  " + m.look.toHost + " " + m.t("cause."+a.Cause)
		}
		s := m.look.ends(" "+m.faultName(a.Fault.Kind), " "+m.t("trainer.hits", a.Hits)+" ", w-2)
		if i == p.at && m.focus == trainer {
			s = m.look.p(selected, s)
			p.to(len(out), max(p.high, 1))
		}
		out = append(out, " "+s, "   "+m.look.p(dim, m.look.fit(cause, w-4)))
	}
	switch {
	case hidden > 0: // how many they are would be told before its time
		add(warn, m.look.state[diagnostics.Unknown]+" "+m.t("trainer.hidden", m.keys.first("exercise.reveal")), "  ")
	case len(list) == 0:
		add(dim, m.t("trainer.none"), "")
	}
	out = append(out, "")
	out = append(out, p.exercise(m, w)...)
	out = append(out, "")
	for _, id := range []string{"fault.add", "fault.scenario", "fault.clear", "fault.clearall", "fault.hide", "exercise.begin", "exercise.answer", "exercise.reveal", "pace.pause", "pace.faster", "pace.slower"} {
		out = append(out, " "+m.look.p(accent, m.look.fit(m.keys.first(id), 4))+m.t("action."+id))
	}
	return p.window(out, h)
}

// exercise tells how the exercise stands: what was answered, and at its end what was true.
func (p *trainerPane) exercise(m *Model, w int) (out []string) {
	add := func(t token, s string) {
		for _, line := range fold(s, w-2, "  ") {
			out = append(out, " "+m.look.p(t, line))
		}
	}
	causes := func(ids []string) string {
		names := make([]string, len(ids))
		for i, id := range ids {
			names[i] = m.t("cause." + id)
		}
		return strings.Join(names, ", ")
	}
	if p.score == nil {
		if !p.began.IsZero() {
			add(strong, m.t("trainer.running", time.Since(p.began).Round(time.Second).String()))
		}
		if len(p.answers) > 0 {
			add(plain, m.t("trainer.answered", causes(p.answers)))
		}
		return out
	}
	s := p.score
	add(strong, m.t("trainer.score", s.percent, s.took.Round(time.Second).String()))
	line := func(state diagnostics.State, key string, ids []string) {
		if len(ids) > 0 {
			add(tokenOf(state), m.look.state[state]+" "+m.t(key, causes(ids)))
		}
	}
	line(diagnostics.OK, "trainer.right", s.right)
	line(diagnostics.Fail, "trainer.wrong", s.wrong)
	line(diagnostics.Warn, "trainer.missed", s.missed)
	if len(s.verdict) > 0 {
		add(dim, m.t("trainer.verdict", causes(s.verdict)))
	}
	return out
}

// describe is what of a fault differs from the usual.
func (m *Model) describe(f sim.Fault) string {
	var out []string
	for _, name := range parameterNames {
		if v := parameters[name].get(&f); v != "" {
			out = append(out, m.t("fault.word."+name)+" "+v)
		}
	}
	return diagnostics.Clean(strings.Join(out, ", "))
}

func (p *trainerPane) move(m *Model, by int) {
	list, _ := p.visible(m.trainer())
	if at := min(max(p.at+by, 0), max(len(list)-1, 0)); at != p.at {
		p.at = at
		return
	}
	p.scroll.move(by)
}

func (p *trainerPane) open(m *Model) {
	list, _ := p.visible(m.trainer())
	if p.at < len(list) {
		m.notice = m.faultName(list[p.at].Fault.Kind) + "  " + m.describe(list[p.at].Fault)
	}
}

// openTrainer goes to the trainer's desk.
func (m *Model) openTrainer() {
	m.leave()
	m.view, m.focus, m.zoom = trainerView, trainer, false
}

// picked is the fault under the cursor.
func (p *trainerPane) picked(m *Model) (sim.Active, bool) {
	list, _ := p.visible(m.trainer())
	if len(list) == 0 {
		return sim.Active{}, false
	}
	return list[min(p.at, len(list)-1)], true
}

func (m *Model) nofault() string {
	if t := m.trainer(); t == nil {
		return m.t("why.nosim")
	} else if _, ok := m.desk().picked(m); !ok {
		return m.t("why.nofault")
	}
	return ""
}

func (m *Model) say(err error) {
	if err != nil {
		m.fail(err)
	}
}

// addScenario asks for a scenario whose faults begin now.
func (m *Model) addScenario() tea.Cmd {
	id := ""
	var options []huh.Option[string]
	for _, s := range sim.Scenarios() {
		if len(s.Faults) > 0 {
			options = append(options, huh.NewOption(s.Title(m.lang.ID)+"  "+s.ID, s.ID))
		}
	}
	return m.openForm(m.t("action.fault.scenario"), "", do(func(m *Model) {
		_, err := m.trainer().AddScenario(id)
		m.say(err)
	}), huh.NewGroup(huh.NewSelect[string]().Options(options...).Value(&id).Height(12)))
}

// addFault asks for a kind of fault, and then for what that kind takes.
func (m *Model) addFault() tea.Cmd {
	id := ""
	var options []huh.Option[string]
	for _, k := range sim.Kinds() {
		// One line each: the whole sentence stands over the parameters.
		options = append(options, huh.NewOption(ansi.Truncate(m.look.fit(k.ID, 20)+m.faultName(k.ID), min(m.w-4, formWidth)-10, m.look.more), k.ID))
	}
	return m.openForm(m.t("action.fault.add"), "", func(m *Model) tea.Cmd { return m.chooseFault(id) },
		huh.NewGroup(huh.NewSelect[string]().Title(m.t("fault.which")).Options(options...).Value(&id).Height(14)))
}

// chooseFault asks for the parameters of a kind. It begins with those of a scenario that has such a fault.
func (m *Model) chooseFault(kind string) tea.Cmd {
	f := sim.Fault{Kind: kind}
	for _, s := range sim.Scenarios() {
		if j := slices.IndexFunc(s.Faults, func(x sim.Fault) bool { return x.Kind == kind }); j >= 0 {
			f = s.Faults[j]
			f.Terminals, f.Begin, f.End = nil, 0, 0
			break
		}
	}
	return m.faultForm(f, false, "")
}

// faultForm asks, with what was filled in before and why that came to nothing.
func (m *Model) faultForm(f sim.Fault, hidden bool, problem string) tea.Cmd {
	kind := f.Kind
	k := sim.Kinds()[slices.IndexFunc(sim.Kinds(), func(k sim.Kind) bool { return k.ID == kind })]
	fields := []huh.Field{huh.NewNote().Description(m.faultName(kind) + "\n")}
	for _, name := range append(append([]string{}, k.Needs...), append(k.Takes, "begin", "end")...) {
		p, ok := parameters[name]
		if !ok {
			continue
		}
		text := p.get(&f)
		in := huh.NewInput().Title(m.t("fault.parameter." + name)).Value(&text)
		fields = append(fields, in.Validate(m.said(func(s string) error { return p.set(&f, strings.TrimSpace(s)) })).Inline(true))
	}
	fields = append(fields, huh.NewConfirm().Title(m.t("fault.parameter.hidden")).Affirmative(m.t("answer.yes")).Negative(m.t("answer.no")).Value(&hidden).Inline(true))
	return m.openForm(kind, problem, func(m *Model) tea.Cmd {
		n, err := m.trainer().Add(f)
		if err != nil {
			return m.faultForm(f, hidden, m.lang.Say(err.Error()))
		}
		if hidden {
			m.say(m.trainer().Hide(n))
			m.desk().begin()
		}
		return nil
	}, huh.NewGroup(fields...))
}

func (p *trainerPane) begin() {
	if p.began.IsZero() || p.score != nil {
		p.began, p.score, p.answers = time.Now(), nil, nil
	}
}

// hideFault hides the fault under the cursor: an exercise begins.
func (m *Model) hideFault() {
	a, ok := m.desk().picked(m)
	if ok {
		m.say(m.trainer().Hide(a.ID))
		m.desk().begin()
	}
}

func (m *Model) clearFault() {
	if a, ok := m.desk().picked(m); ok {
		m.say(m.trainer().Clear(a.ID))
	}
}

// clearFaults ends all faults, and an exercise with them.
func (m *Model) clearFaults() {
	m.trainer().ClearAll()
	if p := m.desk(); p.score == nil {
		p.began, p.answers = time.Time{}, nil
	}
}

// beginExercise clears the store and lets one failure, drawn by lot, begin where nobody sees it.
func (m *Model) beginExercise() {
	t := m.trainer()
	var list []sim.Scenario
	for _, s := range sim.Scenarios() {
		onLine := slices.ContainsFunc(s.Faults, func(f sim.Fault) bool { return !strings.HasPrefix(f.Kind, "payout.") })
		if onLine && strings.Contains(s.ID, ".") { // what only a statement shows cannot be found here
			list = append(list, s)
		}
	}
	rand.Shuffle(len(list), func(i, j int) { list[i], list[j] = list[j], list[i] })
	t.ClearAll()
	for _, s := range list {
		ids, err := t.AddScenario(s.ID)
		for _, id := range ids {
			m.say(t.Hide(id))
		}
		if err == nil {
			break
		}
		t.ClearAll() // it needs more terminals than there are
	}
	p := m.desk()
	p.began, p.score, p.answers = time.Now(), nil, nil
	m.notice = m.t("trainer.begun", m.keys.first("exercise.answer"), m.keys.first("exercise.reveal"))
}

// answerExercise takes a cause that the trainee names.
func (m *Model) answerExercise() tea.Cmd {
	id := ""
	var options []huh.Option[string]
	seen := map[string]bool{}
	for _, b := range diagnostics.BranchIDs {
		for _, n := range diagnostics.Outline(m.lang.ID) {
			if strings.HasPrefix(n.Cause, b+".") && !seen[n.Cause] {
				seen[n.Cause] = true
				options = append(options, huh.NewOption(m.t("of", m.t("branch."+b), m.t("cause."+n.Cause)), n.Cause))
			}
		}
		for _, k := range sim.Kinds() {
			if strings.HasPrefix(k.Cause, b+".") && !seen[k.Cause] {
				seen[k.Cause] = true
				options = append(options, huh.NewOption(m.t("of", m.t("branch."+b), m.t("cause."+k.Cause)), k.Cause))
			}
		}
	}
	return m.openForm(m.t("action.exercise.answer"), "", do(func(m *Model) {
		if p := m.desk(); id != "" && !slices.Contains(p.answers, id) {
			p.answers = append(p.answers, id)
		}
	}), huh.NewGroup(huh.NewSelect[string]().Options(options...).Value(&id).Height(12)))
}

// revealExercise ends the exercise: the truth comes beside the answer.
func (m *Model) revealExercise() {
	t, p := m.trainer(), m.desk()
	s := &score{took: time.Since(p.began)}
	for _, a := range t.List() {
		if a.Hidden {
			m.say(t.Reveal(a.ID))
			if a.Cause != "" && !slices.Contains(s.truth, a.Cause) {
				s.truth = append(s.truth, a.Cause)
			}
		}
	}
	for _, c := range p.answers {
		if slices.Contains(s.truth, c) {
			s.right = append(s.right, c)
		} else {
			s.wrong = append(s.wrong, c)
		}
	}
	for _, c := range s.truth {
		if !slices.Contains(p.answers, c) {
			s.missed = append(s.missed, c)
		}
	}
	for _, c := range m.snap.Causes {
		if c.ID != pending {
			s.verdict = append(s.verdict, c.ID)
		}
	}
	if all := len(s.right) + len(s.wrong) + len(s.missed); all > 0 {
		s.percent = 100 * len(s.right) / all
	}
	p.score = s
}

// noexercise says why there is nothing to reveal.
func (m *Model) noexercise() string {
	t := m.trainer()
	if t == nil {
		return m.t("why.nosim")
	}
	if _, hidden := m.desk().visible(t); hidden == 0 {
		return m.t("why.noexercise")
	}
	return ""
}

// pace makes the store live faster or slower; the diagnosis' thresholds in time follow.
func (m *Model) pace(factor float64) {
	t := m.trainer()
	speed := t.Speed() * factor
	if err := t.SetSpeed(speed); err != nil {
		m.fail(err)
		return
	}
	if s, ok := m.o.Session.(interface{ SetTimeScale(float64) }); ok {
		s.SetTimeScale(speed)
	}
}
