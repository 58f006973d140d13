package tui

import (
	"time"

	"charm.land/bubbles/v2/textinput"
	tea "charm.land/bubbletea/v2"

	"tillscope/assets"
	"tillscope/diagnostics"
)

// drawer is what every region can do. move gets rows, open is what enter does there.
type drawer interface {
	title(*Model) (left, right string)
	draw(m *Model, w, h int) []string
	move(m *Model, by int)
	open(*Model)
}

// Model is the one model of the program.
type Model struct {
	o      Options
	lang   *assets.Lang
	look   *look
	writer writer
	snap   *diagnostics.Snapshot
	names  map[string]string // short names of terminals
	money  string            // currency of sums: that of all transactions, else empty

	w, h  int
	view  view
	focus region
	zoom  bool
	panes [regions]drawer
	high  int // rows of the focused pane when last drawn

	frozen bool
	typing bool // a filter is being typed
	input  textinput.Model
	menu   *menu
	asking string // a question that y or n answers
	notice string // one line for the footer, until the next key

	dirty  bool
	screen string // as drawn last
}

type tick struct{}

func newModel(o Options) (*Model, error) {
	codes, err := diagnostics.Codes()
	if err != nil {
		return nil, err
	}
	m := &Model{o: o, look: newLook(o.ASCII), view: scope}
	m.writer = writer{look: m.look, codes: codes}
	m.panes = [regions]drawer{&trafficPane{follow: true}, &messagePane{}, &statusPane{}, &diagnosisPane{}, &transactionsPane{}, &linesPane{}, &reportPane{}}
	m.setLang(o.Lang)
	m.input = m.newInput("/")
	m.take()
	return m, nil
}

func (m *Model) setLang(l *assets.Lang) {
	m.lang, m.writer.lang = l, l
	m.traffic().cache = nil
}

// newInput makes a line of input. Its cursor is drawn in the text and does not blink: a blink is traffic on a slow line.
func (m *Model) newInput(prompt string) textinput.Model {
	in := textinput.New()
	in.Prompt = prompt
	styles := in.Styles()
	styles.Cursor.Blink = false
	in.SetStyles(styles)
	in.CharLimit = 200
	return in
}

func (m *Model) t(key string, args ...any) string { return m.lang.T(key, args...) }

func (m *Model) traffic() *trafficPane { return m.panes[traffic].(*trafficPane) }

// take adopts the session's newest snapshot.
func (m *Model) take() {
	m.snap = m.o.Session.Snapshot()
	m.names, m.writer.wide = names(m.snap)
	m.money = ""
	for i, t := range m.snap.Transactions {
		if i == 0 || m.money == "" {
			m.money = t.Currency
		} else if t.Currency != "" && t.Currency != m.money {
			m.money = "?"
			break
		}
	}
	m.traffic().take(m)
	m.dirty = true
}

func (m *Model) setFilter(s string) {
	m.traffic().filter = s
	m.traffic().take(m)
}

func (m *Model) rowOf(e *diagnostics.Entry, narrow bool) row {
	return m.writer.row(e, m.txnOf(e), m.names[e.Terminal], narrow)
}

// txnOf is the transaction that an entry belongs to, or nil.
func (m *Model) txnOf(e *diagnostics.Entry) *diagnostics.Transaction {
	return m.snap.Transaction(e.Txn)
}

// Init starts the clock of the screen.
func (m *Model) Init() tea.Cmd { return next(refresh) }

func next(after time.Duration) tea.Cmd {
	return tea.Tick(after, func(time.Time) tea.Msg { return tick{} })
}

// Update handles one message of Bubble Tea.
func (m *Model) Update(msg tea.Msg) (tea.Model, tea.Cmd) {
	switch msg := msg.(type) {
	case tick:
		began := time.Now()
		switch sn := m.o.Session.Snapshot(); {
		case !m.frozen && sn != m.snap:
			m.take()
		case m.frozen && sn != m.snap:
			m.dirty = true // the count of what is missed
		}
		// A snapshot of a long capture costs; at most a quarter of the time goes into taking them.
		return m, next(max(refresh, 3*time.Since(began)))
	case tea.WindowSizeMsg:
		m.w, m.h = msg.Width, msg.Height
	case tea.KeyPressMsg:
		m.dirty = true
		return m, m.key(msg)
	case tea.PasteMsg:
		if m.typing {
			m.input, _ = m.input.Update(msg)
			m.setFilter(m.input.Value())
		}
	}
	m.dirty = true
	return m, nil
}

func (m *Model) key(msg tea.KeyPressMsg) tea.Cmd {
	switch {
	case m.asking != "":
		m.asking = ""
		if k := msg.String(); k == "y" || k == "Y" {
			return tea.Quit
		}
		return nil
	case m.menu != nil:
		return m.menu.press(m, msg)
	case m.typing:
		return m.typeFilter(msg)
	}
	m.notice = ""
	return m.press(msg.String())
}

// typeFilter edits the filter; the list follows every key.
func (m *Model) typeFilter(msg tea.KeyPressMsg) tea.Cmd {
	switch msg.String() {
	case "enter":
		m.typing = false
		return nil
	case "esc", "ctrl+c":
		m.typing = false
		m.setFilter("")
		return nil
	case "up", "down", "pgup", "pgdown":
		return m.press(msg.String())
	}
	var cmd tea.Cmd
	m.input, cmd = m.input.Update(msg)
	m.setFilter(m.input.Value())
	return cmd
}

// View draws the screen, at most once for each change: Bubble Tea asks after every message.
func (m *Model) View() tea.View {
	if m.dirty {
		m.screen, m.dirty = m.draw(), false
	}
	v := tea.NewView(m.screen)
	v.AltScreen = true
	v.WindowTitle = "tillscope"
	return v
}

func (m *Model) draw() string {
	w, h := m.w, m.h
	if w < 1 || h < 1 {
		return ""
	}
	l := arrange(w, h, m.view, m.focus, m.zoom)
	if l.size == tooSmall {
		rows := make([]string, h)
		for i, s := range fold(m.t("screen.small", w, h), w, "") {
			if i < h {
				rows[i] = s
			}
		}
		for i := range rows {
			rows[i] = m.look.fit(rows[i], w)
		}
		return compose(h, []block{{rect{0, 0, w, h}, rows}})
	}
	blocks := []block{{l.header, []string{m.headerRow(w)}}, {l.stages, m.stageRows(w)}}
	for _, p := range l.panes {
		wide, high := p.inner()
		if p.region == m.focus {
			m.high = high
		}
		text := m.panes[p.region].draw(m, wide, high)
		title, right := m.panes[p.region].title(m)
		blocks = append(blocks, block{p.rect, m.look.box(p, title, right, text, p.region == m.focus)})
	}
	if l.branches.h > 0 {
		blocks = append(blocks, block{l.branches, []string{m.branchStrip(w)}})
	}
	if l.advice.h > 0 {
		blocks = append(blocks, block{l.advice, m.adviceRows(w)})
	}
	screen := compose(h, append(blocks, block{l.foot, []string{m.footerRow(w)}}))
	switch {
	case m.asking != "":
		return m.question(screen, w, h)
	case m.menu != nil:
		return m.menu.over(m, screen, w, h)
	}
	return screen
}
