package link

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"
)

// play gives a line with everything that can happen on it.
func play() []Event {
	at := time.Date(2026, 11, 24, 9, 0, 0, 0, time.UTC)
	next := func() time.Time { at = at.Add(20 * time.Millisecond); return at }
	const host = "192.0.2.7:8583"
	a, b, c, d := "192.0.2.31:40001", "[2001:db8::31]:40002", "192.0.2.32:40003", "192.0.2.33:40004"
	events := []Event{
		{At: next(), Conn: 1, Terminal: a, Host: host, Kind: Opened, Took: 5 * time.Millisecond},
		{At: next(), Conn: 1, Terminal: a, Host: host, Kind: Data, Dir: ToHost, Data: []byte("question")},
		{At: next(), Conn: 1, Terminal: a, Host: host, Kind: HalfClose, Dir: ToHost},
		{At: next(), Conn: 1, Terminal: a, Host: host, Kind: Data, Dir: ToTerminal, Data: []byte("answer")},
		{At: next(), Conn: 1, Terminal: a, Host: host, Kind: HalfClose, Dir: ToTerminal},
		{Conn: 1, Terminal: a, Host: host, Kind: Closed, Dir: ToTerminal},
		{At: next(), Conn: 2, Terminal: b, Host: "[2001:db8::7]:8583", Kind: Opened, Took: time.Millisecond},
		{At: next(), Conn: 2, Terminal: b, Host: "[2001:db8::7]:8583", Kind: Data, Dir: ToHost, Data: []byte(strings.Repeat("long ", 30000))},
		{At: next(), Conn: 2, Terminal: b, Host: "[2001:db8::7]:8583", Kind: Reset, Dir: ToTerminal},
		{At: next(), Conn: 3, Terminal: c, Host: host, Kind: Refused, Dir: ToTerminal, Took: 3 * time.Millisecond},
		{At: next(), Conn: 4, Terminal: d, Host: host, Kind: Unreached, Took: 0},
	}
	events[5].At = events[4].At // the second end of data is the end
	return events
}

func record(t *testing.T, path string, limit int64, events []Event) {
	t.Helper()
	r, err := NewRecorder(path, limit, false)
	if err != nil {
		t.Fatal(err)
	}
	for _, ev := range events {
		r.Put(ev)
	}
	if err := r.Close(); err != nil {
		t.Fatal(err)
	}
}

func reopen(t *testing.T, path string) []Event {
	t.Helper()
	f, err := OpenFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var got []Event
	if err := f.Run(context.Background(), func(ev Event) { got = append(got, ev) }); err != nil {
		t.Fatal(err)
	}
	return got
}

func TestRecordingOpensAsWhatWasRecorded(t *testing.T) {
	path := filepath.Join(t.TempDir(), "shop.pcapng")
	want := play()
	record(t, path, 0, want)
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v, %v: others may read the recording", info.Mode(), err)
	}
	var got []Event
	for _, ev := range reopen(t, path) {
		if n := len(got) - 1; n >= 0 && ev.Kind == Data && got[n].Kind == Data && got[n].Conn == ev.Conn && got[n].Dir == ev.Dir {
			got[n].Data = append(got[n].Data, ev.Data...) // long data comes back in segments
			continue
		}
		ev.At, ev.Note = ev.At.UTC(), ""
		got = append(got, ev)
	}
	if len(got) != len(want) {
		t.Fatalf("%d events of %d came back: %+v", len(got), len(want), got)
	}
	for i := range want {
		w := want[i]
		if w.Kind == Unreached {
			got[i].At, got[i].Took, got[i].Conn = w.At, w.Took, w.Conn // told at the end of the capture
		}
		if w.Kind == Closed || w.Kind == Refused || w.Kind == Opened {
			got[i].Dir = w.Dir
		}
		if !reflect.DeepEqual(got[i], w) {
			t.Errorf("event %d: %+v, want %+v", i, got[i], w)
		}
	}
}

func TestRecordingRotates(t *testing.T) {
	dir := t.TempDir()
	var events []Event
	for range 20 {
		events = append(events, play()[6:9]...) // 150 kB each
	}
	record(t, filepath.Join(dir, "shop.pcapng"), 1<<20, events)
	names, err := filepath.Glob(filepath.Join(dir, "*.pcapng"))
	if err != nil || len(names) != 3 {
		t.Fatalf("%v, %v; want two full files and one more", names, err)
	}
	for _, n := range names {
		reopen(t, n)
	}
}

func TestRecordingIsNotOverwritten(t *testing.T) {
	path := filepath.Join(t.TempDir(), "shop.pcapng")
	record(t, path, 0, play())
	if _, err := NewRecorder(path, 0, false); err == nil || !strings.Contains(err.Error(), "--force") {
		t.Errorf("overwritten: %v", err)
	}
	r, err := NewRecorder(path, 0, true)
	if err != nil {
		t.Fatal(err)
	}
	if err := r.Close(); err != nil {
		t.Error(err)
	}
}

func TestFullDiskStopsTheRecordingOnly(t *testing.T) {
	r, err := NewRecorder(filepath.Join(t.TempDir(), "x.pcapng"), 0, false)
	if err != nil {
		t.Fatal(err)
	}
	full, err := os.OpenFile("/dev/full", os.O_WRONLY, 0)
	if errors.Is(err, os.ErrNotExist) {
		t.Skip("this system has no /dev/full")
	}
	if err != nil {
		t.Fatal(err)
	}
	if err := r.file.Close(); err != nil {
		t.Fatal(err)
	}
	*r.file = *full
	for range 100 {
		for _, ev := range play() {
			r.Put(ev)
		}
	}
	if err := r.Close(); err == nil || !strings.Contains(err.Error(), "has stopped") {
		t.Errorf("a full disk gave %v", err)
	}
}
