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
// There is one tea.Model. The regions are plain structs that draw themselves into a rectangle which layout.go computes.
// Nothing in here talks to a line, and nothing on a line ever waits for this package: the model takes a snapshot when its
// own tick says so. It must not know how a source is reached or how a verdict is found.
package tui

import (
	"context"
	"errors"
	"time"

	tea "charm.land/bubbletea/v2"

	"tillscope/assets"
	"tillscope/diagnostics"
)

// refresh is how often the screen takes a new snapshot.
const refresh = 100 * time.Millisecond

// Session is where snapshots come from.
type Session interface {
	Snapshot() *diagnostics.Snapshot
	SetLang(*assets.Lang)
	Answer(node, answer string) error
}

// Recorder tells how a recording goes: nil, or why it has stopped.
type Recorder interface{ Err() error }

// Options say what the screen shows and how.
type Options struct {
	Session  Session
	Lang     *assets.Lang
	ASCII    bool     // no symbol or border beyond ASCII, for consoles and fonts that lack them
	Recorder Recorder // nil when nothing is recorded
	// Export writes a report of a snapshot and answers where it is. Nil when there is no place for one.
	Export  func(*diagnostics.Snapshot, *assets.Lang) (string, error)
	Program []tea.ProgramOption // where input and output are, when not the terminal
}

// Run shows the screen until the user quits or ctx ends. The terminal is restored in every case.
func Run(ctx context.Context, o Options) error {
	m, err := newModel(o)
	if err != nil {
		return err
	}
	_, err = tea.NewProgram(m, append([]tea.ProgramOption{tea.WithContext(ctx)}, o.Program...)...).Run()
	if ctx.Err() != nil && errors.Is(err, tea.ErrProgramKilled) || errors.Is(err, tea.ErrInterrupted) {
		err = nil // it ended because it was told to
	}
	return err
}
