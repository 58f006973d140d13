package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"runtime/debug"
	"sync"
	"sync/atomic"
	"time"

	"tillscope/assets"
	"tillscope/diagnostics"
	"tillscope/link"
	"tillscope/sim"
	"tillscope/tui"
)

// running is the watch on one source: from its start to its end, a session takes in what it hands over.
type running struct {
	source  link.Source
	session *diagnostics.Session
	started time.Time
	stop    context.CancelFunc
	ended   chan struct{}
	err     error // once ended
}

// start watches a source until ctx or the source ends, or stop is called.
func start(ctx context.Context, source link.Source, o diagnostics.Options) (*running, error) {
	o.Info = source.Info()
	session, err := diagnostics.NewSession(o)
	if err != nil {
		return nil, err
	}
	r := &running{source: source, session: session, started: time.Now(), ended: make(chan struct{})}
	ctx, r.stop = context.WithCancel(ctx)
	if !r.live() {
		session.ReadAhead()
	}
	go func() {
		defer close(r.ended)
		defer r.stop()
		r.err = source.Run(ctx, session.Handle)
		session.End(r.err)
		if o.Older > 0 && !r.live() {
			debug.FreeOSMemory() // a screen stays, and what reading a file took is not needed any more
		}
	}()
	if now, ok := source.(interface{ Live() bool }); ok {
		go tickUntil(ctx, session, now.Live)
	} else if r.live() {
		go tickUntil(ctx, session, func() bool { return true })
	}
	return r, nil
}

func (r *running) live() bool { return live(r.source) }

func live(source link.Source) bool { return source.Info().Kind != "file" }

// inline says that a line passes through the source: it ends when the program does.
func inline(source link.Source) bool {
	switch s := source.(type) {
	case *link.Tap:
		return true
	case *link.Serial:
		return s.Relays()
	}
	return false
}

// wait is the end of the watch.
func (r *running) wait() error { <-r.ended; return r.err }

// screen is what the full screen can change while it runs: the source, and whether it is recorded.
type screen struct {
	w        *watch
	lang     *assets.Lang // of what is said beside the screen
	ctx      context.Context
	mu       sync.Mutex
	now      *running
	room     *room
	recorder atomic.Pointer[link.Recorder]
	alone    atomic.Bool // its terminal is gone
}

// record is what hands over what passes on a source to the recording, when there is one. A live line never waits for it.
func (s *screen) record(source link.Source) func(link.Event) {
	put := (*link.Recorder).Put
	if !live(source) {
		put = (*link.Recorder).PutAll
	}
	return func(ev link.Event) {
		if r := s.recorder.Load(); r != nil {
			put(r, ev)
		}
	}
}

// percent is by how much what is kept may grow until the collector comes, as long as there is room. A message on a line that passes
// through the program may have to wait for it.
func (s *screen) percent() int {
	if inline(s.current().source) {
		return 400
	}
	return 100
}

// recording says that there is a recording.
func (s *screen) recording() bool { return s.recorder.Load() != nil }

// current is what is watched now.
func (s *screen) current() *running {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.now
}

// open ends the watch on one source and begins that on another. When the other cannot be opened, the first goes on.
func (s *screen) open(kind string, values map[string]string) (tui.Session, error) {
	source, scale, err := openKind(kind, values)
	if err != nil {
		return nil, err
	}
	if inline(source) {
		lineFirst()
	}
	lang, err := assets.Language(s.w.lang)
	if err != nil {
		return nil, err
	}
	next, err := start(s.ctx, source, diagnostics.Options{Lang: lang, TimeScale: scale, Record: s.record(source), Recording: s.recording, RingSize: screenRing, Older: olderRows})
	if err != nil {
		return nil, err
	}
	s.mu.Lock()
	old := s.now
	s.now = next
	s.mu.Unlock()
	s.room.grow(s.percent())
	old.stop()
	<-old.ended
	_ = remember(kind, values) // the list of recent sources is a comfort, no reason to stop
	return next.session, nil
}

// trainer is the control of the simulated store, when that is what is watched.
func (s *screen) trainer() tui.Trainer {
	if store, ok := s.current().source.(*sim.Store); ok {
		return store.Control()
	}
	return nil
}

// probe runs an active test on a line that is watched now.
func (s *screen) probe(ctx context.Context, p link.Probe, l diagnostics.Line, confirmed bool) link.Finding {
	t := link.Target{Host: l.Host, Confirmed: confirmed}
	if p.ID == "echo" && confirmed {
		var err error
		if t.Echo, t.Whole, err = echoOf(s.current().session.Snapshot(), l.ID, time.Now()); err != nil {
			return link.Finding{Probe: p.ID, Outcome: link.Failed, Args: []any{err.Error()}}
		}
	}
	switch source := s.current().source.(type) {
	case *link.Serial:
		t.Line, t.Port = source, source.Port()
	case *link.Tap:
		t.Bind = source.Bind() // the host may let in no other address of this machine
	}
	return p.Run(ctx, t)
}

// setRecording begins a recording under a new name, or ends the one that runs.
func (s *screen) setRecording(on bool) (path string, err error) {
	if !on {
		r := s.recorder.Swap(nil)
		if r == nil {
			return "", nil
		}
		return s.w.recording, r.Close()
	}
	s.w.recording = time.Now().Format("tillscope-20060102-150405.pcapng")
	r, err := link.NewRecorder(s.w.recording, s.w.recordSize<<20, false)
	if err != nil {
		return "", err
	}
	s.recorder.Store(r)
	return s.w.recording, nil
}

// export writes a report, by default into the folder where the program runs, under a name that no file has.
func (s *screen) export(e tui.Export) (path string, err error) {
	path = e.Path
	if i, err := os.Stat(path); path == "" || err == nil && i.IsDir() {
		ends := map[string]string{"html": ".html", "markdown": ".md", "text": ".txt", "json": ".json"}
		name := time.Now().Format("tillscope-20060102-150405") + ends[e.Form]
		if path != "" {
			name = path + string(os.PathSeparator) + name
		}
		path = name
	}
	r := diagnostics.NewReport(e.Snapshot, toolName(), s.current().started, time.Now())
	r.Notes = e.Notes
	return path, writeWhole(path, func(f io.Writer) error { return writeReport(f, r, e.Form, e.Lang) })
}

// writeWhole writes a new file, and takes it away again when it does not get to its end: a part of a report misleads.
func writeWhole(path string, write func(io.Writer) error) error {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if errors.Is(err, os.ErrExist) {
		return fmt.Errorf("%s exists and is not overwritten: take another name", path)
	}
	if err != nil {
		return fmt.Errorf("the report cannot be written: %w", err)
	}
	err = write(f)
	if cerr := f.Close(); err == nil {
		err = cerr
	}
	if err != nil {
		return errors.Join(fmt.Errorf("no report was written: %w; make room, or name another folder", err), os.Remove(path))
	}
	return nil
}
