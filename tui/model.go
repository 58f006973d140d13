package tui

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"charm.land/bubbles/v2/textinput"
	tea "charm.land/bubbletea/v2"

	"tillscope/assets"
	"tillscope/diagnostics"
	"tillscope/link"
)

// drawer is what every region can do. move gets rows, open is what enter does there.
type drawer interface {
	title(*Model) (left, right string)
	draw(m *Model, w, h int) []string
	move(m *Model, by int)
	open(*Model)
}

// sideways is a region in which left and right mean something.
type sideways interface{ side(m *Model, by int) }

// How often the screen looks for news: while something happens, when more comes than a list shows, when nothing has come for a
// while, on a slow terminal. While only time passes, a new snapshot is taken every second, and is for the clock.
const (
	refresh     = 100 * time.Millisecond
	refreshRush = 333 * time.Millisecond
	refreshCalm = 500 * time.Millisecond
	refreshLow  = time.Second
	refreshIdle = time.Second
)

// Model is the one model of the program.
type Model struct {
	o      Options
	lang   *assets.Lang
	look   *look
	themes []*Theme
	theme  *Theme
	keys   *keymap
	writer writer
	snap   *diagnostics.Snapshot
	active uint64            // activity of the session at snap
	took   time.Time         // when snap was taken
	moved  time.Time         // when something happened last
	rush   int               // how many screens of rows came since the last look
	missed int               // messages since the display was frozen
	names  map[string]string // short names of terminals

	w, h  int
	view  view
	focus region
	zoom  bool
	trail []place // where jumps came from
	panes [regions]drawer
	at    layout // as drawn last
	high  int    // rows of the focused pane when last drawn

	frozen  bool
	typing  bool // a filter is being typed
	input   textinput.Model
	dialog  dialog
	notice  string         // one line for the footer, until the next key
	marks   map[int]string // marked entries with their notes
	hints   bool
	low     bool // low bandwidth
	lowAuto bool // it came by itself
	mouse   bool
	crash   string   // the file that tells about a panic
	stopped Recorder // the recording that was said to have stopped by itself

	dirty   bool
	screen  string // as drawn last
	program *tea.Program
	pacer   pacer
}

type tick struct{}

func newModel(o Options) (*Model, error) {
	codes, err := diagnostics.Codes()
	if err != nil {
		return nil, err
	}
	if o.Themes == nil {
		if o.Themes, err = Themes(""); err != nil {
			return nil, err
		}
	}
	if o.Recorder == nil {
		o.Recorder = func() Recorder { return nil }
	}
	keys, err := newKeymap(o.Keys)
	if err != nil {
		return nil, err
	}
	m := &Model{o: o, view: scope, themes: o.Themes, keys: keys, marks: map[int]string{}, low: o.Low, mouse: o.Mouse, hints: o.FirstRun}
	at := slices.IndexFunc(m.themes, func(t *Theme) bool { return t.ID == cmp.Or(o.Theme, "terminal") })
	if at < 0 {
		return nil, fmt.Errorf("no theme %q: choose one of %s", o.Theme, strings.Join(themeIDs(m.themes), ", "))
	}
	m.panes = [regions]drawer{&trafficPane{follow: true}, &messagePane{}, &statusPane{}, &diagnosisPane{}, &transactionsPane{}, &storyPane{},
		&treePane{}, &verdictPane{}, &linesPane{}, &reportPane{}, &trainerPane{}}
	m.writer.codes = codes
	m.setTheme(m.themes[at])
	m.setLang(o.Lang)
	m.input = m.newInput("/")
	m.take()
	return m, nil
}

func themeIDs(list []*Theme) (ids []string) {
	for _, t := range list {
		ids = append(ids, t.ID)
	}
	return ids
}

func (m *Model) setTheme(t *Theme) {
	m.theme, m.look = t, newLook(m.o.ASCII, t)
	m.writer.look = m.look
	m.dirty = true
}

func (m *Model) setLang(l *assets.Lang) {
	m.lang, m.writer.lang = l, l
	m.traffic().forget()
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

func (m *Model) traffic() *trafficPane           { return m.panes[traffic].(*trafficPane) }
func (m *Model) message() *messagePane           { return m.panes[message].(*messagePane) }
func (m *Model) transactions() *transactionsPane { return m.panes[transactions].(*transactionsPane) }

// fresh is a snapshot that was taken beside the event loop: one of a long capture takes its time, and keys must not wait.
type fresh struct {
	from   Session
	snap   *diagnostics.Snapshot
	active uint64
	cost   time.Duration
}

// fetch takes a snapshot of a session.
func fetch(from Session) fresh {
	began := time.Now()
	active := from.Activity()
	return fresh{from, from.Snapshot(), active, time.Since(began)}
}

// take adopts the session's newest snapshot at once.
func (m *Model) take() { m.adoptSnapshot(fetch(m.o.Session)) }

func (m *Model) adoptSnapshot(f fresh) {
	m.took = time.Now()
	if f.active != m.active || m.snap == nil {
		m.moved = m.took
	}
	last := 0
	if m.snap != nil {
		last = m.newest()
	}
	if f.snap.Err != "" && (m.snap == nil || m.snap.Err == "") {
		m.notice = m.lang.Say(f.snap.Err)
	}
	m.active, m.snap, m.missed = f.active, f.snap, 0
	m.rush = (m.newest() - last) / max(m.h, 1)
	m.names, m.writer.wide = names(m.snap)
	m.traffic().take(m)
	m.dirty = true
}

func (m *Model) rowOf(e *diagnostics.Entry, narrow bool) row {
	r := m.writer.row(e, m.txnOf(e), m.names[e.Terminal], narrow)
	if e.Msg != nil && e.Dir == link.ToHost && e.Pair == 0 && e.Txn != 0 { // one that was refused, or is a repetition, waits for nothing
		r.right, r.state = m.look.state[diagnostics.Unknown]+" "+m.t("row.waiting"), dim
		if t := m.txnOf(e); t != nil && t.Unseen {
			r.right = m.look.state[diagnostics.Unknown] + " " + m.t("row.unseen")
		} else if m.givenUp(e) {
			r.right, r.state = m.look.state[diagnostics.Warn]+" "+m.t("row.unanswered"), warn
		}
	}
	return r
}

// givenUp says that no answer to a request will come: its connection ended, its terminal went on, or it waits longer than
// any terminal does.
func (m *Model) givenUp(e *diagnostics.Entry) bool {
	const patience, far = 60 * time.Second, 300
	if m.snap.Ended || m.snap.Now.Sub(e.At) > patience {
		return true
	}
	for n := e.N + 1; n <= e.N+far; n++ {
		x := m.entry(n)
		if x == nil {
			break
		}
		if x.Line == e.Line && x.Terminal == e.Terminal && (x.Msg == nil || x.Dir == link.ToHost && x.Msg.Control == "") {
			return true
		}
	}
	return false
}

// txnOf is the transaction that an entry belongs to, or nil.
func (m *Model) txnOf(e *diagnostics.Entry) *diagnostics.Transaction {
	if e == nil {
		return nil
	}
	return m.snap.Transaction(e.Txn)
}

// entry is an entry by number, or nil when it is no longer kept.
func (m *Model) entry(n int) *diagnostics.Entry {
	return m.snap.Entry(n)
}

// Init starts the clock of the screen.
func (m *Model) Init() tea.Cmd {
	m.pacer.meter = m.o.Meter
	m.pacer.attach(m.program)
	m.pacer.wake()
	return tea.Batch(next(refresh), m.synchronized())
}

func next(after time.Duration) tea.Cmd {
	return tea.Tick(after, func(time.Time) tea.Msg { return tick{} })
}

// Update handles one message of Bubble Tea.
func (m *Model) Update(msg tea.Msg) (tea.Model, tea.Cmd) {
	defer m.caught()
	switch msg := msg.(type) {
	case tick:
		return m, m.tick()
	case fresh:
		return m, m.arrive(msg)
	}
	m.pacer.wake()
	switch msg := msg.(type) {
	case tea.WindowSizeMsg:
		m.w, m.h = msg.Width, msg.Height
	case tea.ResumeMsg:
		m.dirty = true
		return m, tea.ClearScreen // another program was on the screen
	case tea.MouseClickMsg, tea.MouseWheelMsg:
		m.dirty = true
		return m, m.point(msg.(tea.MouseMsg))
	case opened:
		m.dirty = true
		return m, m.adopt(msg)
	case probed:
		msg.of.finish(m, msg.finding)
	case tea.KeyPressMsg:
		m.dirty = true
		return m, m.key(msg)
	case tea.PasteMsg:
		m.dirty = true
		switch {
		case m.dialog != nil:
			return m, m.dialog.update(m, msg)
		case m.typing:
			m.input, _ = m.input.Update(msg)
			m.setFilter(m.input.Value())
		}
		return m, nil
	default:
		if m.dialog != nil { // a form talks to itself
			m.dirty = true
			return m, m.dialog.update(m, msg)
		}
		return m, nil
	}
	m.dirty = true
	return m, nil
}

// flood is how many screens of rows at one look are so much traffic that even counters of it rush by.
const flood = 20

// wait is the time until the next look for news.
func (m *Model) wait() time.Duration {
	switch {
	case m.low && m.rush > flood:
		return 2 * refreshLow // more digits change, in numbers that nobody reads
	case m.low:
		return refreshLow
	case time.Since(m.moved) > calm:
		return refreshCalm
	case m.rush > 0: // nobody reads what rushes by like that
		return refreshRush
	}
	return refresh
}

// tick looks for news. Time alone is shown once a second.
func (m *Model) tick() tea.Cmd {
	wait := m.wait()
	m.watchMeter()
	m.watchRecorder()
	if p, ok := m.dialog.(*probes); ok && p.running >= 0 {
		m.dirty, wait = true, refresh // how long it has been running
	}
	if m.traffic().left > 0 && m.traffic().filter != "" { // older rows wait to be searched
		m.traffic().take(m)
		m.dirty = true
		wait = min(wait, 2*lookFor)
	}
	if m.o.Session.Activity() == m.active && (time.Since(m.took) < refreshIdle || m.snap.Ended) {
		return next(wait)
	}
	from := m.o.Session
	return func() tea.Msg { return fetch(from) }
}

// arrive adopts a fetched snapshot, or counts what the frozen display misses. Hardly a tenth of the time goes into taking
// snapshots.
func (m *Model) arrive(f fresh) tea.Cmd {
	began := time.Now()
	switch {
	case f.from != m.o.Session || f.snap.Version < m.snap.Version: // of another source, or late
	case m.frozen:
		m.took = began
		if n := f.snap.Totals.Messages - m.snap.Totals.Messages; n != m.missed {
			m.missed, m.dirty = n, true
		}
	default:
		m.adoptSnapshot(f)
	}
	cost := f.cost + time.Since(began)
	return next(max(m.wait(), min(10*cost, time.Second), 4*cost))
}

func (m *Model) key(msg tea.KeyPressMsg) tea.Cmd {
	switch {
	case m.dialog != nil:
		return m.dialog.update(m, msg)
	case m.typing:
		return m.typeFilter(msg)
	}
	m.notice = ""
	return m.press(msg.String())
}

// View draws the screen, at most once for each change: Bubble Tea asks after every message.
func (m *Model) View() tea.View {
	defer m.caught()
	if m.dirty {
		m.pacer.wake()
		m.screen, m.dirty = m.draw(), false
		if m.o.ASCII {
			m.screen = asASCII.Replace(m.screen)
		}
	}
	v := tea.NewView(m.screen)
	v.AltScreen = true
	v.WindowTitle = "tillscope"
	if m.mouse {
		v.MouseMode = tea.MouseModeCellMotion
	}
	return v
}

func (m *Model) draw() string {
	w, h := m.w, m.h
	if w < 1 || h < 1 {
		return ""
	}
	foot := m.footerRows(w, max(h/4, 1))
	l := arrange(plan{w: w, h: h, view: m.view, focus: m.focus, zoom: m.zoom, flat: m.low, hint: m.hints, foot: len(foot)})
	m.at = l
	if l.size == tooSmall {
		rows := make([]string, h)
		text := fold(m.t("screen.small", w, h), w, "")
		if q, ok := m.dialog.(*question); ok { // it waits for an answer, and nobody would know
			text = fold(q.text, w, "")
			text = append(text[:min(len(text), h-1)], "y "+q.yes+"   n "+q.no)
		}
		copy(rows, text)
		for i := range rows {
			rows[i] = m.look.fit(rows[i], w)
		}
		return compose(h, []block{{rect{0, 0, w, h}, rows}})
	}
	blocks := []block{{l.header, []string{m.headerRow(w)}}, {l.stages, m.stageRows(w)}}
	if l.hint.h > 0 {
		blocks = append(blocks, block{l.hint, []string{m.hintRow(w)}})
	}
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
		blocks = append(blocks, block{l.advice, m.adviceRows(w, l.advice.h)})
	}
	screen := compose(h, append(blocks, block{l.foot, foot}))
	if m.dialog != nil {
		return m.overlay(screen, m.dialog.box(m, w-4, h-2), w, h)
	}
	return screen
}
