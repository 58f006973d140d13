package cli

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strconv"
	"syscall"

	"tillscope/link"
)

// guard turns a panic into an error: a line that passes through this program must outlive what shows it.
func guard(f func() error) (err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("the display failed %s", link.Failure(r))
		}
	}()
	return f()
}

// onHangup says what becomes of the program when its terminal goes away: a session over SSH that drops must not cut a shop
// off. A line that passes through the program goes on without a screen; what only watches ends in order. Under nohup, and
// wherever else hang-ups are ignored, all goes on. forget undoes it.
func (s *screen) onHangup(hide, stop func()) (forget func()) {
	if signal.Ignored(syscall.SIGHUP) {
		return func() {}
	}
	gone := make(chan os.Signal, 1)
	signal.Notify(gone, syscall.SIGHUP)
	go func() {
		for range gone {
			if s.alone.Store(true); !inline(s.current().source) {
				stop()
			}
			hide()
		}
	}()
	return func() { signal.Stop(gone); close(gone) }
}

// outlive keeps an inline line up when what shows it has failed or has no terminal any more, until ctx ends. That nothing can
// be shown without a terminal is no failure.
func (s *screen) outlive(to io.Writer, ctx context.Context, failed error) error {
	now, alone := s.current(), s.alone.Load()
	switch {
	case alone && !inline(now.source):
		return nil
	case alone:
		failed = nil
		_, _ = fmt.Fprintln(to, s.lang.T("said.alone", strconv.Itoa(os.Getpid())))
	case failed != nil && inline(now.source):
		_, _ = fmt.Fprintln(to, s.lang.T("said.goeson", s.lang.Say(failed.Error())))
	default:
		return failed
	}
	select {
	case <-ctx.Done():
	case <-now.ended:
	}
	return failed
}

// sayWhenStopped tells at once when the recording had to stop, where no screen does.
func (w *watch) sayWhenStopped(to io.Writer, s *screen) {
	recorder := s.recorder.Load()
	if recorder == nil {
		return
	}
	select {
	case <-recorder.Stopped():
		_, _ = fmt.Fprintln(to, s.lang.Say(recorder.Err().Error()))
	case <-s.current().ended:
	}
}
