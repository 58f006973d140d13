package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"os/signal"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"time"

	"github.com/charmbracelet/x/term"
	"github.com/spf13/cobra"

	"tillscope/assets"
	"tillscope/diagnostics"
	"tillscope/link"
	"tillscope/tui"
	"tillscope/wire"
)

// exitFault is the exit code of --exit-code when a fault was found.
const exitFault = 3

// errFault ends the program with exitFault after the report was written.
var errFault = errors.New("a fault was found")

// How often a live line's clock moves on without traffic, so that silence is noticed: when something came lately, and when
// nothing has for a while.
const (
	tickEvery = 200 * time.Millisecond
	tickCalm  = 500 * time.Millisecond
	calm      = 10 * time.Second
)

// reportRing is how many entries are kept when only a report is wanted: nobody scrolls back, and the garbage collector has
// less to look through.
const reportRing = 6000

// For a screen: how many entries stand as they are, at some 700 bytes each, and how many are kept packed behind them, at
// some fifty bytes. 100,000 in all.
const (
	screenRing = 1024
	olderRows  = 100_000 - screenRing
)

// watch holds the flags that every source shares.
type watch struct {
	report, out, lang string
	theme             string
	recording         string
	recordSize        int64
	length            time.Duration
	force, exitCode   bool
	plain, ascii, low bool
	printConfig       bool
	config            config
	timeScale         float64
	answers           []string
	given             given
	reads             string                           // a file that is read, and must not be overwritten
	place             *place                           // of the report, nil for standard output
	atEnd             func(*diagnostics.Session) error // what becomes known when the source has ended
	wire              wire.Options
}

func (w *watch) flags(c *cobra.Command) {
	f := c.Flags()
	f.StringVar(&w.report, "report", "", "")
	f.DurationVar(&w.length, "for", 0, "")
	f.StringVar(&w.out, "out", "", "")
	f.StringVar(&w.recording, "record", "", "")
	f.Int64Var(&w.recordSize, "record-size", 256, "")
	f.BoolVar(&w.force, "force", false, "")
	f.StringVar(&w.wire.Dialect, "dialect", "", "")
	f.StringVar(&w.wire.Framing, "framing", "", "")
	f.StringVar(&w.wire.Header, "header", "", "")
	f.StringArrayVar(&w.answers, "answer", nil, "")
	f.StringVar(&w.given.statement, "statement", "", "")
	f.StringArrayVar(&w.given.columns, "statement-column", nil, "")
	f.StringVar(&w.given.tree, "tree", "", "")
	f.BoolVar(&w.exitCode, "exit-code", false, "")
	f.Float64Var(&w.timeScale, "time-scale", 1, "")
	f.BoolVar(&w.plain, "plain", false, "")
	f.BoolVar(&w.ascii, "ascii", false, "")
	f.BoolVar(&w.low, "low-bandwidth", false, "")
	f.StringVar(&w.theme, "theme", "terminal", "")
	f.StringVar(&w.lang, "lang", defaultLanguage(), "")
	f.BoolVar(&w.printConfig, "print-config", false, "")
}

// defaultLanguage follows the locale of the environment.
func defaultLanguage() string {
	for _, name := range []string{"LC_ALL", "LC_MESSAGES", "LANG"} {
		if v := os.Getenv(name); v != "" {
			if strings.HasPrefix(v, "zh") {
				return "zh"
			}
			return "en"
		}
	}
	return "en"
}

// check finds mistakes in the flags before anything is opened.
func (w *watch) check(c *cobra.Command) (*assets.Lang, map[string]string, error) {
	switch w.report {
	case "", "json", "markdown", "html", "text":
	default:
		return nil, nil, usagef("no report %q: choose json, markdown, html or text", w.report)
	}
	switch {
	case !(w.timeScale > 0) || math.IsInf(w.timeScale, 0):
		return nil, nil, usagef("--time-scale %v: want a number above 0", w.timeScale)
	case w.length <= 0 && c.Flags().Changed("for"):
		return nil, nil, usagef("--for %v: want a time above 0, as in 30s or 5m", w.length)
	case w.recordSize < 0:
		return nil, nil, usagef("--record-size %d: want MiB, or 0 for never", w.recordSize)
	case w.report == "" && (w.out != "" || w.exitCode):
		return nil, nil, usagef("--out and --exit-code go with --report")
	case w.out != "" && w.recording != "" && filepath.Clean(w.out) == filepath.Clean(w.recording):
		return nil, nil, usagef("--out and --record are the same file: take another name for one")
	}
	for _, written := range []string{w.out, w.recording} {
		if err := apart(written, w.given.statement, w.given.tree, w.wire.Dialect, w.reads); err != nil {
			return nil, nil, err
		}
	}
	lang, err := assets.Language(w.lang)
	if err != nil {
		return nil, nil, usageError{err}
	}
	answers := map[string]string{}
	for _, a := range w.answers {
		node, answer, ok := strings.Cut(a, "=")
		if !ok || answer != "yes" && answer != "no" && answer != "unknown" {
			return nil, nil, usagef("--answer %s: want NODE=yes, NODE=no or NODE=unknown", a)
		}
		answers[node] = answer
	}
	if _, err := wire.NewDecoder(w.wire); err != nil {
		return nil, nil, unlessFile(err)
	}
	return lang, answers, nil
}

// warm begins to read what every source needs, side by side: dialects, and the tree with all that belongs to it. Mistakes in
// them are found again where they matter.
func warm() {
	go func() { _, _ = wire.NewDecoder(wire.Options{}) }()
	go func() { _, _ = diagnostics.Codes() }()
}

// configure lets the configuration file speak where no flag does.
func (w *watch) configure(c *cobra.Command) (err error) {
	if w.config, err = readConfig(); err != nil {
		return err
	}
	f := c.Flags()
	for _, flag := range []struct {
		name string
		set  func()
		keep func()
	}{
		{"lang", func() { w.lang = w.config.Lang }, func() { w.config.Lang = w.lang }},
		{"theme", func() { w.theme = w.config.Theme }, func() { w.config.Theme = w.theme }},
		{"ascii", func() { w.ascii = w.config.ASCII }, func() { w.config.ASCII = w.ascii }},
		{"plain", func() { w.plain = w.config.Plain }, func() { w.config.Plain = w.plain }},
		{"low-bandwidth", func() { w.low = w.config.Low }, func() { w.config.Low = w.low }},
	} {
		if f.Changed(flag.name) {
			flag.keep()
		} else {
			flag.set()
		}
	}
	if err := w.config.check(); err != nil {
		return usageError{err}
	}
	return nil
}

// run watches a source and shows it: as a report, on the full screen, or line by line. open is called once the flags are
// known to be right.
func (w *watch) run(c *cobra.Command, open func() (link.Source, error)) (err error) {
	warm()
	if err := w.configure(c); err != nil {
		return err
	}
	if w.printConfig {
		return w.config.print(c.OutOrStdout())
	}
	lang, answers, err := w.check(c)
	if err != nil {
		return err
	}
	o := diagnostics.Options{Lang: lang, Wire: w.wire, TimeScale: w.timeScale, Answers: answers}
	if err := w.given.take(&o, c.ErrOrStderr()); err != nil {
		return err
	}
	if _, err := diagnostics.NewSession(o); err != nil { // a question that the tree has not
		return usageError{err}
	}
	if w.out != "" {
		if w.place, err = newPlace(w.out, w.force); err != nil {
			return err
		}
		defer func() {
			if cerr := w.place.leave(); err == nil && cerr != nil {
				err = fmt.Errorf("the report is not whole: %w", cerr)
			}
		}()
	}
	source, err := open()
	if err != nil {
		return asUsage(err)
	}
	front := w.front(c)
	s := &screen{w: w, lang: lang}
	if w.recording != "" {
		recorder, err := link.NewRecorder(w.recording, w.recordSize<<20, w.force)
		if err != nil {
			return err
		}
		s.recorder.Store(recorder)
	}
	switch front {
	case reportOnly:
		o.RingSize = reportRing
	case fullScreen:
		o.RingSize, o.Older = screenRing, olderRows
	}
	if w.recording != "" || front == fullScreen {
		o.Record, o.Recording = s.record(source), s.recording
	}
	signals, cancel := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer cancel()
	context.AfterFunc(signals, cancel) // a second Ctrl-C ends the program whatever it waits for
	watching, stop := context.WithCancel(signals)
	defer stop()
	if w.length > 0 {
		watching, stop = context.WithTimeout(watching, w.length)
		defer stop()
	}
	s.ctx = watching
	if s.now, err = start(watching, source, o); err != nil {
		return err
	}
	showing, hide := context.WithCancel(signals)
	defer hide()
	defer s.onHangup(hide, stop)()
	shown := tui.Options{Session: s.now.session, Lang: lang, ASCII: w.ascii}
	if inline(source) {
		lineFirst()
	}
	if front != fullScreen {
		go w.sayWhenStopped(c.ErrOrStderr(), s)
	}
	switch front {
	case fullScreen:
		behindLine(source, func() { err = w.show(showing, s, shown) })
		err = s.outlive(c.ErrOrStderr(), watching, err)
		stop() // who leaves the screen is done with the line
	case plainLines:
		ended, end := context.WithCancel(context.Background())
		go func() { <-s.now.ended; end() }() // not when watching ends: what was begun then has yet to be read
		behindLine(source, func() { err = guard(func() error { return tui.Plain(ended, c.OutOrStdout(), shown) }) })
		if err != nil {
			err = s.outlive(c.ErrOrStderr(), watching, err)
			stop() // nobody reads on
		}
	case reportOnly:
		if s.now.live() {
			_, _ = fmt.Fprintln(c.ErrOrStderr(), lang.T("said.watching", source.Info().Describe))
		}
		bar(c.ErrOrStderr(), source, s.now.ended)
	}
	now := s.current()
	failed := now.wait()
	tellNotes(c.ErrOrStderr(), now.source, lang)
	if recorder := s.recorder.Load(); recorder != nil {
		failed = errors.Join(failed, recorder.Close())
	}
	if w.atEnd != nil {
		failed = errors.Join(failed, w.atEnd(now.session))
	}
	snapshot := now.session.Snapshot()
	if front == reportOnly {
		err = w.write(c.OutOrStdout(), diagnostics.NewReport(snapshot, toolName(), now.started, time.Now()), lang)
	}
	if failed = errors.Join(err, failed); failed != nil || !w.exitCode || front != reportOnly {
		return failed
	}
	for _, cause := range snapshot.Causes {
		if cause.ID != "bank.clearing-pending" {
			return errFault
		}
	}
	return nil
}

// show opens the full screen on what is watched.
func (w *watch) show(ctx context.Context, s *screen, o tui.Options) (err error) {
	if o.Themes, err = tui.Themes(filepath.Join(configFolder(), "themes")); err != nil {
		return err
	}
	s.room = newRoom()
	s.room.grow(s.percent())
	o.Theme, o.Keys, o.Low, o.Mouse, o.Sync = w.theme, w.config.Keys, w.low, w.config.Mouse, w.config.Sync
	o.FirstRun, o.Hints = firstRun(), keepHints
	o.Recorder = func() tui.Recorder {
		if r := s.recorder.Load(); r != nil {
			return r
		}
		return nil
	}
	o.Record, o.Export, o.Sources, o.Open, o.Trainer, o.Probe = s.setRecording, s.export, offered, s.open, s.trainer, s.probe
	return tui.Run(ctx, o)
}

// tickUntil moves a line's clock on while it is live, so that silence is noticed. What a capture holds happened in its own
// time: the clock of today would make every batch in it overdue.
func tickUntil(ctx context.Context, session *diagnostics.Session, live func() bool) {
	clock := time.NewTimer(tickEvery)
	defer clock.Stop()
	seen, moved, due := uint64(0), time.Now(), time.Now().Add(tickEvery)
	for {
		select {
		case <-ctx.Done():
			return
		case <-clock.C:
			now := time.Now()
			if live() {
				_ = guard(func() error { session.Stood(due, now); session.Tick(now); return nil })
			}
			if active := session.Activity(); active != seen {
				seen, moved = active, now
			}
			wait := tickEvery
			if now.Sub(moved) > calm {
				wait = tickCalm
			}
			clock.Reset(wait)
			due = time.Now().Add(wait)
		}
	}
}

// front is who shows what is seen.
type front int

const (
	reportOnly front = iota
	fullScreen
	plainLines
)

// front chooses: a report when asked for, lines where no full screen can be.
func (w *watch) front(c *cobra.Command) front {
	switch out, ok := c.OutOrStdout().(*os.File); {
	case w.report != "":
		return reportOnly
	case w.plain || !ok || !term.IsTerminal(out.Fd()) || os.Getenv("TERM") == "dumb" || os.Getenv("TERM") == "" && runtime.GOOS != "windows":
		return plainLines
	}
	return fullScreen
}

func (w *watch) write(stdout io.Writer, r *diagnostics.Report, lang *assets.Lang) error {
	if w.place != nil {
		stdout = w.place
	}
	if err := writeReport(stdout, r, w.report, lang); err != nil {
		return fmt.Errorf("the report is not whole: %w", err)
	}
	return nil
}

func writeReport(to io.Writer, r *diagnostics.Report, form string, lang *assets.Lang) error {
	switch form {
	case "json":
		return r.JSON(to)
	case "markdown":
		return r.Markdown(to, lang)
	case "html":
		return r.HTML(to, lang)
	}
	return r.Text(to, lang)
}

func exactly(n int, what string) cobra.PositionalArgs {
	return func(c *cobra.Command, args []string) error {
		if len(args) != n {
			return usagef("%s needs %s", c.Name(), what)
		}
		return nil
	}
}
