// Package tui is the full screen: one file a region, drawn from the immutable snapshots of a diagnosis.
//
//	 header      what is watched, counts, follow state, the line's clock
//	 stages      the way to the account: how many transactions came how far
//	┌ traffic ───────────┐┌ status ─────┐
//	│ rows               ││ 7 branches  │
//	├ message ───────────┤├ diagnosis ──┤
//	│ fields, bytes      ││ cause, path │
//	└────────────────────┘└─────────────┘
//	 footer      what can be pressed now, or the filter being typed
//
// There is one tea.Model. The regions are plain structs that draw themselves into a rectangle which layout.go computes;
// every key is a row of the table in actions.go. Nothing in here talks to a line, and nothing on a line ever waits for this
// package: the model takes a snapshot when its own tick says so. It must not know how a source is reached or how a verdict
// is found.
package tui

import (
	"context"
	"errors"
	"fmt"
	"os"

	tea "charm.land/bubbletea/v2"
	"github.com/charmbracelet/x/ansi"

	"tillscope/assets"
	"tillscope/diagnostics"
)

// Session is where snapshots come from.
type Session interface {
	Snapshot() *diagnostics.Snapshot
	SetLang(*assets.Lang)
	Answer(node, answer string) error
	Activity() uint64 // grows with all that happens, not with time
}

// Recorder tells how a recording goes: nil, or why it has stopped.
type Recorder interface{ Err() error }

// Export is a report that the user asks for.
type Export struct {
	Snapshot *diagnostics.Snapshot
	Lang     *assets.Lang
	Form     string // html, markdown, text or json
	Path     string // a file or a folder; empty is a new file in the working folder
	Notes    []diagnostics.Note
}

// Options say what the screen shows and how. Functions that are nil leave their action without effect, and the help says so.
type Options struct {
	Session  Session
	Lang     *assets.Lang
	ASCII    bool                // no symbol or border beyond ASCII, for consoles and fonts that lack them
	Theme    string              // id; empty is the first
	Themes   []*Theme            // to choose from; nil is those that ship
	Keys     map[string][]string // the user's own keys by action
	Low      bool                // low bandwidth from the start; it also comes by itself when the terminal is slow
	Mouse    bool
	Sync     string                                 // synchronized output: auto, on or off; empty is auto
	FirstRun bool                                   // show the hints of the first run
	Hints    func(show bool) error                  // keeps whether hints are shown
	Recorder func() Recorder                        // the recording that runs, nil when none does
	Record   func(on bool) (path string, err error) // begins or ends a recording
	Export   func(Export) (path string, err error)
	Sources  func() []SourceKind                                          // what can be watched here
	Open     func(kind string, values map[string]string) (Session, error) // watches another source from now on
	Trainer  func() Trainer                                               // the simulator's faults, nil when the source is no simulator
	Probe    Prober                                                       // tests a live line; nil where there is none
	Program  []tea.ProgramOption                                          // where input and output are, when not the terminal
	Meter    *Meter                                                       // measures the output, when it is the terminal
}

// Run shows the screen until the user quits or ctx ends. The terminal is restored in every case; after a panic the error
// names the file that tells about it.
func Run(ctx context.Context, o Options) error {
	if o.Meter == nil && len(o.Program) == 0 {
		o.Meter = NewMeter(os.Stdout)
		o.Program = append(input(), tea.WithOutput(o.Meter))
	}
	m, err := newModel(o)
	if err != nil {
		return err
	}
	m.program = tea.NewProgram(m, append([]tea.ProgramOption{tea.WithContext(ctx), tea.WithFilter(coalesce())}, o.Program...)...)
	_, err = m.program.Run()
	if m.crash != "" {
		return fmt.Errorf("the screen failed: %w; %s tells where, and holds no card data: send it to the makers", err, m.crash)
	}
	if ctx.Err() != nil && errors.Is(err, tea.ErrProgramKilled) || errors.Is(err, tea.ErrInterrupted) {
		err = nil // it ended because it was told to
	}
	return err
}

// synchronized is the report of a terminal that can hold a frame until it is whole. Bubble Tea does not ask over SSH, where
// tearing is worst; terminals without the mode ignore it, so it is taken as given.
func (m *Model) synchronized() tea.Cmd {
	_, ssh := os.LookupEnv("SSH_TTY")
	if m.o.Sync == "off" || m.o.Sync != "on" && !ssh {
		return nil
	}
	return func() tea.Msg { return tea.ModeReportMsg{Mode: ansi.ModeSynchronizedOutput, Value: ansi.ModeReset} }
}
