package tui

import (
	"cmp"
	"errors"
	"slices"
	"strings"

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
	by      *choice
}

// choice is what was filled in to choose a source.
type choice struct {
	kinds  []SourceKind
	chosen int
	values []map[string]*string // by kind and field
}

// openSource asks which line to watch. A live tap ends with it, so that is asked first.
func (m *Model) openSource() tea.Cmd { return m.unlessCut("source", (*Model).chooseSource) }

func (m *Model) chooseSource() tea.Cmd {
	c := &choice{kinds: m.o.Sources()}
	for _, k := range c.kinds {
		values := map[string]*string{}
		for _, f := range k.Fields {
			values[f.ID] = &f.Value
		}
		c.values = append(c.values, values)
	}
	return m.sourceForm(c, "")
}

// sourceForm asks, with what was filled in before and why that came to nothing.
func (m *Model) sourceForm(c *choice, problem string) tea.Cmd {
	var options []huh.Option[int]
	for i, k := range c.kinds {
		options = append(options, huh.NewOption(cmp.Or(k.Title, m.t("source.choose."+k.ID)), i))
	}
	groups := []*huh.Group{huh.NewGroup(huh.NewSelect[int]().Title(m.t("source.which")).Options(options...).Value(&c.chosen))}
	for i, k := range c.kinds {
		var fields []huh.Field
		for _, f := range k.Fields {
			fields = append(fields, m.sourceField(f, c.values[i][f.ID]))
		}
		if len(fields) > 0 {
			groups = append(groups, huh.NewGroup(fields...).WithHideFunc(func() bool { return c.chosen != i }))
		}
	}
	return m.openForm(m.t("pane.source"), problem, func(m *Model) tea.Cmd {
		k := c.kinds[c.chosen]
		given := map[string]string{}
		for id, v := range k.Values {
			given[id] = v
		}
		for id, v := range c.values[c.chosen] {
			given[id] = *v
		}
		m.notice = m.t("source.opening")
		return func() tea.Msg {
			s, err := m.o.Open(k.ID, given)
			return opened{s, err, c}
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
		in = in.Description(m.lang.Say(f.Missing))
	case len(f.Offers) > 0:
		in = in.Description(m.t("source.found", strings.Join(f.Offers, "  ")))
	}
	if f.Check != nil {
		in = in.Validate(m.said(f.Check))
	}
	return in
}

// said has a check say what is wrong in the language of the screen.
func (m *Model) said(check func(string) error) func(string) error {
	return func(s string) error {
		if err := check(s); err != nil {
			return errors.New(m.lang.Say(err.Error()))
		}
		return nil
	}
}

// adopt goes on with another source: nothing of the old one stays on the screen. Where it could not be opened, the form comes
// back as it was filled in.
func (m *Model) adopt(o opened) tea.Cmd {
	m.notice = ""
	if o.err != nil {
		return m.sourceForm(o.by, m.lang.Say(o.err.Error()))
	}
	m.o.Session = o.session
	m.o.Session.SetLang(m.lang)
	m.panes[traffic], m.panes[message] = &trafficPane{follow: true, recent: m.traffic().recent}, &messagePane{}
	m.panes[transactions], m.panes[story], m.panes[trainer] = &transactionsPane{}, &storyPane{}, &trainerPane{}
	m.marks, m.frozen, m.notice = map[int]string{}, false, ""
	m.setView(scope)
	m.take()
	return nil
}
