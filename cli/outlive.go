package cli

import (
	"context"
	"fmt"
	"io"

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

// outlive keeps an inline line up when what shows it has failed, until ctx ends.
func (s *screen) outlive(to io.Writer, ctx context.Context, failed error) {
	if now := s.current(); failed != nil && inline(now.source) {
		_, _ = fmt.Fprintf(to, "%v; the line goes on, end it with Ctrl-C\n", failed)
		select {
		case <-ctx.Done():
		case <-now.ended:
		}
	}
}

// sayWhenStopped tells at once when the recording had to stop, where no screen does.
func (w *watch) sayWhenStopped(to io.Writer, s *screen) {
	recorder := s.recorder.Load()
	if recorder == nil {
		return
	}
	select {
	case <-recorder.Stopped():
		_, _ = fmt.Fprintf(to, "%v\n", recorder.Err())
	case <-s.current().ended:
	}
}
