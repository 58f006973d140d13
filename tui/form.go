package tui

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"charm.land/bubbles/v2/key"
	tea "charm.land/bubbletea/v2"
	"charm.land/huh/v2"
	"charm.land/lipgloss/v2"
	"github.com/charmbracelet/x/ansi"

	"tillscope/diagnostics"
)

// form is a dialog of several fields. then runs once all are filled in and right; where that fails, it opens the form again
// with what was filled in and the problem.
type form struct {
	title   string
	problem string
	huh     *huh.Form
	then    func(*Model) tea.Cmd
}

// openForm shows fields in their groups; a group that hides is skipped.
func (m *Model) openForm(title, problem string, then func(*Model) tea.Cmd, groups ...*huh.Group) tea.Cmd {
	keys := huh.NewDefaultKeyMap()
	keys.Input.AcceptSuggestion = key.NewBinding(key.WithKeys("ctrl+e", "right"))
	f := &form{title: title, problem: problem, then: then, huh: huh.NewForm(groups...).WithShowHelp(false).WithTheme(m.formTheme()).WithKeyMap(keys)}
	m.dialog = f
	return f.huh.Init()
}

// formMsg is what a form tells itself. One that comes after its form has closed must not reach the next: it could send that
// on, or off, unread.
type formMsg struct {
	of  *form
	msg tea.Msg
}

// own lets what a command of the form answers come back to this form only.
func (f *form) own(cmd tea.Cmd) tea.Cmd {
	if cmd == nil {
		return nil
	}
	return func() tea.Msg {
		switch msg := cmd().(type) {
		case nil:
			return nil
		case tea.BatchMsg:
			for i := range msg {
				msg[i] = f.own(msg[i])
			}
			return msg
		default:
			return formMsg{f, msg}
		}
	}
}

// formTheme draws forms with the tokens of the screen.
func (m *Model) formTheme() huh.Theme {
	return huh.ThemeFunc(func(bool) *huh.Styles {
		s := huh.ThemeBase(false)
		st := m.look.styles
		for _, f := range []*huh.FieldStyles{&s.Focused, &s.Blurred} {
			f.Base = lipgloss.NewStyle().PaddingLeft(1)
			f.Title, f.Description = st[strong], st[dim]
			f.ErrorIndicator, f.ErrorMessage = st[bad].SetString(""), st[bad]
			f.SelectSelector = st[accent].SetString("> ")
			f.Option, f.SelectedOption = st[plain], st[selected]
			f.NextIndicator, f.PrevIndicator = st[accent].SetString(">"), st[accent].SetString("<")
			f.TextInput.Prompt, f.TextInput.Cursor, f.TextInput.Placeholder = st[accent], st[selected], st[dim]
			f.FocusedButton, f.BlurredButton = st[selected].Padding(0, 1), st[plain].Padding(0, 1)
		}
		s.Blurred.Title = st[dim]
		s.FieldSeparator = lipgloss.NewStyle().SetString("\n")
		return s
	})
}

func (f *form) update(m *Model, msg tea.Msg) tea.Cmd {
	if own, ok := msg.(formMsg); ok {
		if own.of != f {
			return nil
		}
		msg = own.msg
	}
	if k, ok := msg.(tea.KeyPressMsg); ok {
		switch k.String() {
		case "esc", "ctrl+c":
			m.dialog = nil
			return nil
		}
	}
	cmd := f.feed(msg)
	if k, ok := msg.(tea.KeyPressMsg); ok {
		switch k.String() {
		case "enter", "tab", "shift+tab":
			cmd = f.settle(cmd)
		}
	}
	switch f.huh.State {
	case huh.StateCompleted:
		if m.dialog == f {
			m.dialog = nil
		}
		return f.then(m)
	case huh.StateAborted:
		m.dialog = nil
		return nil
	}
	return f.own(cmd)
}

func (f *form) feed(msg tea.Msg) tea.Cmd {
	next, cmd := f.huh.Update(msg)
	if h, ok := next.(*huh.Form); ok {
		f.huh = h
	}
	return cmd
}

// settle lets the form go on to its next field at once. It tells itself so by commands, one leading to another, and keys that were
// typed ahead would still go into the field before. As soon as it has moved on, what takes longer, as the blink of a cursor
// does, goes its usual way.
func (f *form) settle(cmd tea.Cmd) tea.Cmd {
	const patience = 100 * time.Millisecond // where it does not move
	before := f.huh.GetFocusedField()
	moved := func() bool {
		return f.huh.State != huh.StateNormal || before.Error() != nil || f.huh.GetFocusedField() != before
	}
	told, waiting := make(chan tea.Msg, 64), 0 // with room: a form that is done with hears nothing any more
	var begun sync.WaitGroup
	run := func(cmd tea.Cmd) {
		if cmd != nil {
			waiting++
			begun.Add(1)
			go func() { begun.Done(); told <- cmd() }()
		}
	}
	run(cmd)
	begun.Wait() // on a busy machine that alone may take longer than patience
	late := time.After(patience)
wait:
	for waiting > 0 && !moved() {
		select {
		case <-late:
			break wait
		case msg := <-told:
			waiting--
			switch msg := msg.(type) {
			case nil:
			case tea.BatchMsg:
				for _, c := range msg {
					run(c)
				}
			default:
				run(f.feed(msg))
			}
			begun.Wait()
		}
	}
	rest := make([]tea.Cmd, waiting)
	for i := range rest {
		rest[i] = func() tea.Msg { return <-told }
	}
	return tea.Batch(rest...)
}

// formWidth is how wide a form is where there is room.
const formWidth = 76

func (f *form) box(m *Model, w, h int) []string {
	wide := min(w, formWidth)
	f.huh = f.huh.WithWidth(wide - 4)
	text := strings.Split(strings.TrimRight(f.huh.View(), "\n"), "\n")
	for i := range text {
		if strings.TrimSpace(ansi.Strip(text[i])) == "" {
			text[i] = ""
		}
	}
	if text = slices.Compact(text); text[len(text)-1] == "" { // a group is as high as the highest, with blanks
		text = text[:len(text)-1]
	}
	var below []string
	if f.problem != "" && len(f.huh.Errors()) == 0 {
		below = append(below, "")
		for _, line := range fold(m.look.state[diagnostics.Fail]+" "+diagnostics.Clean(f.problem), wide-4, "  ") {
			below = append(below, " "+m.look.p(bad, line))
		}
	}
	if most := h - 4 - len(below); len(text) > most {
		text = f.around(m, text, max(most, 1))
	}
	text = append(append(text, below...), "", " "+m.look.p(dim, m.t("form.hint")))
	return m.look.box(pane{rect{0, 0, wide, len(text) + 2}, 0, true, true}, f.title, "", text, true)
}

// around are the rows of a form about the field that is filled in, and what is wrong there below them.
func (f *form) around(m *Model, text []string, most int) []string {
	var wrong []string
	for _, err := range f.huh.Errors() {
		wrong = append(wrong, " "+m.look.p(bad, err.Error()))
	}
	most = max(most-len(wrong), 1)
	bare := func(s string) string { return strings.TrimSpace(ansi.Strip(s)) }
	at := 0
	for field := range strings.Lines(f.huh.GetFocusedField().View()) {
		if want := bare(field); want != "" {
			at = max(slices.IndexFunc(text, func(s string) bool { return bare(s) == want }), 0)
			break
		}
	}
	from := min(max(at-most/3, 0), max(len(text)-most, 0))
	return append(slices.Clone(text[from:min(from+most, len(text))]), wrong...)
}

// forms of the report, the one that prints best first.
var reportForms = []string{"html", "markdown", "text", "json"}

// openExport asks for form and place of the report, and writes it: of what is on the screen, frozen or not.
func (m *Model) openExport() tea.Cmd {
	if m.o.Export == nil {
		m.notice = m.t("why.noexport")
		return nil
	}
	return m.exportForm(&Export{Form: reportForms[0]}, "")
}

// exportForm asks, with what was filled in before and why that came to nothing.
func (m *Model) exportForm(e *Export, problem string) tea.Cmd {
	e.Snapshot, e.Lang, e.Notes = m.snap, m.lang, m.notes()
	var options []huh.Option[string]
	for _, f := range reportForms {
		options = append(options, huh.NewOption(m.t("export."+f), f))
	}
	then := func(m *Model) tea.Cmd {
		path, err := m.o.Export(*e)
		if err != nil {
			return m.exportForm(e, m.lang.Say(err.Error()))
		}
		if full, err := filepath.Abs(path); err == nil {
			path = full
		}
		m.notice = m.t("notice.exported", path)
		return nil
	}
	place := &typed{to: &e.Path}
	return m.openForm(m.t("pane.export"), problem, then, huh.NewGroup(
		huh.NewSelect[string]().Title(m.t("export.form")).Options(options...).Value(&e.Form),
		huh.NewInput().Title(m.t("export.place")).Description(m.t("export.empty")).Accessor(place).
			SuggestionsFunc(func() []string { return folders(place.now()) }, &e.Path).
			Validate(func(s string) error { return m.freePlace(s) })))
}

// freePlace says why a report cannot go to a place.
func (m *Model) freePlace(s string) error {
	if s == "" {
		return nil
	}
	if i, err := os.Stat(s); err == nil && !i.IsDir() {
		return errors.New(m.t("export.exists", s))
	} else if err == nil {
		return nil
	}
	if i, err := os.Stat(filepath.Dir(s)); err != nil || !i.IsDir() {
		return errors.New(m.t("export.nofolder", filepath.Dir(s)))
	}
	return nil
}

// typed is a text of a form that what completes it may read meanwhile: forms look for completions beside the program.
type typed struct {
	to   *string
	mu   sync.Mutex
	copy string
}

func (t *typed) Get() string { return *t.to }

func (t *typed) Set(v string) {
	*t.to = v
	t.mu.Lock()
	t.copy = v
	t.mu.Unlock()
}

func (t *typed) now() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.copy
}

// folders complete what was typed of a path.
func folders(typed string) (out []string) {
	dir, base := filepath.Split(typed)
	from := dir
	if from == "" {
		from = "."
	}
	list, err := os.ReadDir(from)
	if err != nil {
		return nil
	}
	for _, d := range list {
		if d.IsDir() && strings.HasPrefix(d.Name(), base) && !strings.HasPrefix(d.Name(), ".") {
			out = append(out, dir+d.Name()+string(filepath.Separator))
		}
	}
	return out
}
