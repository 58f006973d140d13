package tui

import (
	"cmp"
	"fmt"
	"slices"

	tea "charm.land/bubbletea/v2"
	"charm.land/huh/v2"
)

// SourceKind is a way to reach a line that can be chosen while the screen runs.
type SourceKind struct {
	ID     string // names its texts: source.ID
	Title  string // in place of the text: a source that was used before
	Values map[string]string
	Fields []SourceField
}

// SourceField is one thing that a source has to be told.
type SourceField struct {
	ID      string   // names its text: source.field.ID
	Value   string   // to begin with
	Offers  []string // what was found on this machine
	Strict  bool     // only an offer will do
	Missing string   // why nothing was found and the exact way to change it, when Offers is empty
	Check   func(string) error
}

// opened is the answer to a source that was chosen.
type opened struct {
	session Session
	err     error
}

// openSource asks which line to watch. A live tap's connections end with it, so that is asked first.
func (m *Model) openSource() tea.Cmd {
	open := 0
	for _, l := range m.snap.Lines {
		open += l.Open
	}
	if open > 0 && !m.snap.Source.Simulated && !m.snap.Ended {
		m.dialog = &question{text: m.t("source.ask", open), yes: m.t("source.yes"), no: m.t("quit.no"), then: (*Model).chooseSource}
		return nil
	}
	return m.chooseSource()
}

func (m *Model) chooseSource() tea.Cmd {
	kinds := m.o.Sources()
	chosen := 0
	var options []huh.Option[int]
	for i, k := range kinds {
		options = append(options, huh.NewOption(cmp.Or(k.Title, m.t("source.choose."+k.ID)), i))
	}
	values := make([]map[string]*string, len(kinds))
	groups := []*huh.Group{huh.NewGroup(huh.NewSelect[int]().Title(m.t("source.which")).Options(options...).Value(&chosen))}
	for i, k := range kinds {
		values[i] = map[string]*string{}
		var fields []huh.Field
		for _, f := range k.Fields {
			v := f.Value
			values[i][f.ID] = &v
			fields = append(fields, m.sourceField(f, &v))
		}
		if len(fields) > 0 {
			groups = append(groups, huh.NewGroup(fields...).WithHideFunc(func() bool { return chosen != i }))
		}
	}
	return m.openForm(m.t("pane.source"), func(m *Model) tea.Cmd {
		k := kinds[chosen]
		given := map[string]string{}
		for id, v := range k.Values {
			given[id] = v
		}
		for id, v := range values[chosen] {
			given[id] = *v
		}
		m.notice = m.t("source.opening")
		return func() tea.Msg {
			s, err := m.o.Open(k.ID, given)
			return opened{s, err}
		}
	}, groups...)
}

func (m *Model) sourceField(f SourceField, v *string) huh.Field {
	title := m.t("source.field." + f.ID)
	if f.Strict && len(f.Offers) > 0 {
		var options []huh.Option[string]
		for _, o := range f.Offers {
			options = append(options, huh.NewOption(o, o))
		}
		if !slices.Contains(f.Offers, *v) {
			*v = f.Offers[0]
		}
		return huh.NewSelect[string]().Title(title).Options(options...).Value(v).Height(min(len(options)+2, 10))
	}
	in := huh.NewInput().Title(title).Value(v).Suggestions(f.Offers)
	switch {
	case f.Missing != "":
		in = in.Description(f.Missing)
	case len(f.Offers) > 0:
		in = in.Description(m.t("source.found", fmt.Sprint(f.Offers)))
	}
	if f.Check != nil {
		in = in.Validate(f.Check)
	}
	return in
}

// adopt goes on with another source: nothing of the old one stays on the screen.
func (m *Model) adopt(o opened) {
	if o.err != nil {
		m.dialog = &notice{title: m.t("pane.source"), text: o.err.Error()}
		return
	}
	m.o.Session = o.session
	m.o.Session.SetLang(m.lang)
	m.panes[traffic], m.panes[message] = &trafficPane{follow: true, recent: m.traffic().recent}, &messagePane{}
	m.panes[transactions], m.panes[story], m.panes[trainer] = &transactionsPane{}, &storyPane{}, &trainerPane{}
	m.marks, m.frozen, m.notice = map[int]string{}, false, ""
	m.setView(scope)
	m.take()
}

// notice tells what went wrong, and stays until a key is pressed.
type notice struct{ title, text string }

func (n *notice) update(m *Model, msg tea.Msg) tea.Cmd {
	if _, ok := msg.(tea.KeyPressMsg); ok {
		m.dialog = nil
	}
	return nil
}

func (n *notice) box(m *Model, w, _ int) []string {
	wide := min(w, 70)
	text := append([]string{""}, indent(fold(n.text, wide-4, ""))...)
	return m.look.box(pane{rect{0, 0, wide, len(text) + 3}, 0, true, true}, n.title, "", text, true)
}
