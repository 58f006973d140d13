package tui

import (
	"io"
	"os"
	"sync/atomic"
	"time"
)

// A write to the terminal that takes longer than slowWrite says that the terminal cannot follow: a local one takes
// microseconds. It may also take so long because this program does not get the processor: then the timer that watches it is late,
// too. Two stalled writes within slowSpan switch to low bandwidth; quiet for calmSpan switches back.
const (
	slowWrite = 50 * time.Millisecond
	slowSpan  = 5 * time.Second
	calmSpan  = 60 * time.Second
)

// Meter is the terminal's file, measured: how much is written and whether writes stall. It stays a terminal to Bubble Tea,
// which asks its descriptor for the size.
type Meter struct {
	*os.File
	to     io.Writer
	thin   thinner
	bytes  atomic.Int64
	slow   atomic.Int64 // stalled writes so far
	lately atomic.Int64 // when the last one ended, in Unix nanoseconds
	begun  atomic.Int64 // writes
	ended  atomic.Int64
	at     atomic.Int64 // when the last write ended, in Unix nanoseconds
}

// NewMeter measures a terminal's file.
func NewMeter(f *os.File) *Meter { return &Meter{File: f, to: f} }

// Write passes on what of a frame is not on the screen already, and measures.
func (w *Meter) Write(b []byte) (int, error) {
	w.begun.Add(1)
	defer func() {
		w.at.Store(time.Now().UnixNano())
		w.ended.Add(1)
	}()
	less := w.thin.frame(b)
	began := time.Now()
	var late atomic.Int64 // by how much the timer was, 0 while it has not come
	timer := time.AfterFunc(slowWrite, func() { late.Store(max(int64(time.Since(began)-slowWrite), 1)) })
	n, err := w.to.Write(less)
	took := time.Since(began)
	timer.Stop()
	w.bytes.Add(int64(n))
	if stalled(took, time.Duration(late.Load())) {
		w.slow.Add(1)
		w.lately.Store(time.Now().UnixNano())
	}
	if err == nil && n == len(less) {
		n = len(b)
	}
	return n, err
}

// stalled says whether a write waited for the terminal, and not for the processor: its timer came while it waited, and by far
// not as late as the write was long.
func stalled(took, late time.Duration) bool { return late > 0 && took >= slowWrite+4*late }

// done says that no write goes on, and that the last one ended so long ago.
func (w *Meter) done(since time.Duration) bool {
	return w.begun.Load() == w.ended.Load() && time.Since(time.Unix(0, w.at.Load())) > since
}

// watchMeter switches to low bandwidth when the terminal stalls, and back when it has followed for a while.
func (m *Model) watchMeter() {
	w := m.o.Meter
	if w == nil {
		return
	}
	since := time.Since(time.Unix(0, w.lately.Load()))
	switch {
	case !m.low && w.slow.Load() >= 2 && since < slowSpan:
		m.setLow(true)
		m.lowAuto = true
		m.notice = m.t("notice.low")
	case m.low && m.lowAuto && since > calmSpan:
		m.setLow(false)
	case !m.low && since > slowSpan:
		w.slow.Store(0)
	}
}

// setLow switches low bandwidth: no panes side by side, a snapshot a second, counters in place of rows that would only
// rush by.
func (m *Model) setLow(on bool) {
	m.low, m.lowAuto, m.dirty = on, false, true
	if m.o.Meter != nil {
		m.o.Meter.slow.Store(0)
	}
}
