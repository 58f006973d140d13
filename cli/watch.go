package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"tillscope/assets"
	"tillscope/diagnostics"
	"tillscope/link"
	"tillscope/wire"
)

// exitFault is the exit code of --exit-code when a fault was found.
const exitFault = 3

// errFault ends the program with exitFault after the report was written.
var errFault = errors.New("a fault was found")

// tickEvery is how often a live line's clock moves on without traffic, so that silence is noticed.
const tickEvery = 200 * time.Millisecond

// watch holds the flags that every source shares.
type watch struct {
	report, out, lang string
	length            time.Duration
	force, exitCode   bool
	timeScale         float64
	answers           []string
	wire              wire.Options
}

func (w *watch) flags(c *cobra.Command) {
	f := c.Flags()
	f.StringVar(&w.report, "report", "", "no screen: watch, then print the report in this form: json or text")
	f.DurationVar(&w.length, "for", 0, "how long to watch, as in 30s (default: until the source ends or Ctrl-C)")
	f.StringVar(&w.out, "out", "", "write the report to this file instead of standard output")
	f.BoolVar(&w.force, "force", false, "let --out overwrite a file")
	f.StringVar(&w.wire.Dialect, "dialect", "", "say the dialect instead of letting it be detected")
	f.StringVar(&w.wire.Framing, "framing", "", "say the framing")
	f.StringVar(&w.wire.Header, "header", "", "say the header")
	f.StringArrayVar(&w.answers, "answer", nil, "answer a question of the tree beforehand: NODE=yes|no|unknown (repeatable)")
	f.BoolVar(&w.exitCode, "exit-code", false, "exit 3 when a fault was found")
	f.Float64Var(&w.timeScale, "time-scale", 1, "times on this line run so many times faster than life")
	f.StringVar(&w.lang, "lang", defaultLanguage(), "language: en or zh")
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
func (w *watch) check() (*assets.Lang, map[string]string, error) {
	switch w.report {
	case "", "json", "text":
	default:
		return nil, nil, usagef("no report %q: choose json or text", w.report)
	}
	if w.timeScale <= 0 {
		return nil, nil, usagef("--time-scale must be above 0")
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
		return nil, nil, usageError{err}
	}
	if w.out != "" && !w.force {
		if _, err := os.Stat(w.out); err == nil {
			return nil, nil, fmt.Errorf("%s exists and is not overwritten: take another name, or add --force", w.out)
		}
	}
	return lang, answers, nil
}

// run watches a source until it ends and writes the report. open is called once the flags are known to be right.
func (w *watch) run(c *cobra.Command, open func() (link.Source, error)) error {
	lang, answers, err := w.check()
	if err != nil {
		return err
	}
	source, err := open()
	if err != nil {
		return err
	}
	session, err := diagnostics.NewSession(diagnostics.Options{Lang: lang, Info: source.Info(), Wire: w.wire, TimeScale: w.timeScale, Answers: answers})
	if err != nil {
		return err
	}
	ctx, cancel := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer cancel()
	if w.length > 0 {
		ctx, cancel = context.WithTimeout(ctx, w.length)
		defer cancel()
	}
	started := time.Now()
	live := source.Info().Kind != "file"
	if live {
		fmt.Fprintf(c.ErrOrStderr(), "watching %s; end with Ctrl-C\n", source.Info().Describe)
		go func() {
			for t := time.NewTicker(tickEvery); ; {
				select {
				case <-ctx.Done():
					t.Stop()
					return
				case now := <-t.C:
					session.Tick(now)
				}
			}
		}()
	}
	failed := source.Run(ctx, session.Handle)
	session.End(failed)
	snapshot := session.Snapshot()
	report := diagnostics.NewReport(snapshot, "tillscope", started, time.Now())
	if err := w.write(c.OutOrStdout(), report, lang); err != nil {
		return err
	}
	if failed != nil {
		return failed
	}
	if w.exitCode {
		for _, cause := range snapshot.Causes {
			if cause.ID != "bank.clearing-pending" {
				return errFault
			}
		}
	}
	return nil
}

func (w *watch) write(stdout io.Writer, r *diagnostics.Report, lang *assets.Lang) (err error) {
	if w.out != "" {
		mode := os.O_WRONLY | os.O_CREATE | os.O_EXCL
		if w.force {
			mode = os.O_WRONLY | os.O_CREATE | os.O_TRUNC
		}
		f, err := os.OpenFile(w.out, mode, 0o600)
		if err != nil {
			return fmt.Errorf("the report cannot be written: %w", err)
		}
		defer func() {
			if cerr := f.Close(); err == nil && cerr != nil {
				err = fmt.Errorf("the report is not whole: %w", cerr)
			}
		}()
		stdout = f
	}
	if w.report == "json" {
		return r.JSON(stdout)
	}
	return r.Text(stdout, lang)
}

func openCommand() *cobra.Command {
	var w watch
	c := &cobra.Command{
		Use:   "open FILE|-",
		Short: "Read a capture (pcap or pcapng) and report",
		Args:  exactly(1, "the capture to open, or - for standard input"),
		RunE: func(c *cobra.Command, args []string) error {
			return w.run(c, func() (link.Source, error) { return link.OpenFile(args[0]) })
		},
	}
	w.flags(c)
	return c
}

func tapCommand() *cobra.Command {
	var w watch
	c := &cobra.Command{
		Use:   "tap LISTEN UPSTREAM",
		Short: "Stand between a live terminal and its host, over TCP",
		Args:  exactly(2, "the address to listen on and the host's address"),
		RunE: func(c *cobra.Command, args []string) error {
			return w.run(c, func() (link.Source, error) { return link.NewTap(args[0], args[1]) })
		},
	}
	w.flags(c)
	return c
}

func exactly(n int, what string) cobra.PositionalArgs {
	return func(c *cobra.Command, args []string) error {
		if len(args) != n {
			return usagef("%s needs %s", c.Name(), what)
		}
		return nil
	}
}
