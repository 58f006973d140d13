package link

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strconv"
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
		{At: next(), Conn: 4, Terminal: d, Host: host, Kind: Unreached, Took: 30 * time.Second, Note: "no route to host"},
	}
	serial := func(kind Kind, dir Dir, with Event) {
		with.At, with.Conn, with.Terminal, with.Host, with.Kind, with.Dir = next(), 5, "/dev/ttyUSB0", "COM3: \"host\"", kind, dir
		events = append(events, with)
	}
	serial(Opened, ToHost, Event{})
	serial(Data, ToHost, Event{Data: []byte("before"), Line: `{"framing":"stx-etx"}`, Note: `{"size":6}`})
	serial(Retransmitted, ToHost, Event{Size: 88, Count: 2})
	serial(Stalled, ToTerminal, Event{Took: 2 * time.Second})
	serial(Slow, ToHost, Event{Took: 2500 * time.Millisecond, Size: 40})
	serial(Silent, ToHost, Event{Took: 10 * time.Second})
	serial(HalfOpen, ToHost, Event{Took: 12 * time.Second})
	serial(Signals, ToHost, Event{Note: "DSR off, DCD off"})
	serial(Unplugged, ToHost, Event{})
	serial(Plugged, ToHost, Event{})
	serial(Gap, ToHost, Event{Lost: 77, Note: "the analysis failed"})
	serial(Data, ToHost, Event{Data: []byte("after")})
	serial(Gap, ToTerminal, Event{})
	serial(Data, ToTerminal, Event{Data: []byte("answer")})
	serial(Closed, ToHost, Event{})
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
	f, err := OpenFile(path, nil)
	if err != nil {
		t.Fatal(err)
	}
	var got []Event
	if err := f.Run(context.Background(), func(ev Event) { got = append(got, kept(ev)) }); err != nil {
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
		ev.At = ev.At.UTC()
		got = append(got, ev)
	}
	// The end of a serial line is that of a connection: each side's first.
	got = slices.DeleteFunc(got, func(ev Event) bool { return ev.Conn == 5 && ev.Kind == HalfClose })
	if len(got) != len(want) {
		t.Fatalf("%d events of %d came back: %+v", len(got), len(want), got)
	}
	for i := range want {
		w := want[i]
		if w.Kind == Closed || w.Kind == Refused || w.Kind == Opened {
			got[i].Dir = w.Dir
		}
		if !reflect.DeepEqual(got[i], w) {
			t.Errorf("event %d: %+v, want %+v", i, got[i], w)
		}
	}
}

// How a line is read is said once in each file for a connection, and again when it changes.
func TestRecordingSaysHowLinesAreRead(t *testing.T) {
	path := filepath.Join(t.TempDir(), "shop.pcapng")
	at := time.Date(2026, 11, 24, 9, 0, 0, 0, time.UTC)
	var events []Event
	put := func(conn uint64, kind Kind, line, note string, size int) {
		at = at.Add(time.Second)
		events = append(events, Event{At: at, Conn: conn, Terminal: "192.0.2.31:4000" + strconv.Itoa(int(conn)), Host: "192.0.2.7:8583", Kind: kind, Data: make([]byte, size), Line: line, Note: note})
	}
	for conn := uint64(1); conn <= 2; conn++ {
		put(conn, Opened, "", "", 0)
		put(conn, Data, "one", "", 9)
		put(conn, Data, "one", "torn", 9)
	}
	put(1, Data, "two", "", 70_000) // more than one packet
	put(1, Data, "two", "", 700_000)
	put(2, Data, "one", "", 700_000)
	put(2, Data, "one", "", 9)
	record(t, path, 1<<20, events)
	names, err := filepath.Glob(filepath.Join(filepath.Dir(path), "*.pcapng"))
	if err != nil || len(names) != 2 {
		t.Fatal(names, err)
	}
	var got []string
	for _, name := range names {
		got = append(got, "file")
		for _, ev := range reopen(t, name) {
			if ev.Line+ev.Note != "" {
				got = append(got, fmt.Sprint(ev.Conn, ev.Line, ev.Note, len(ev.Data)))
			}
		}
	}
	want := []string{"file", "1one9", "1torn9", "2one9", "2torn9", "1two60000", "file", "1one9"}
	if !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
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

// A kill takes no more than the last second: what was put stands in the file soon, although nobody closes it.
func TestRecordingIsWrittenWhileItRuns(t *testing.T) {
	path := filepath.Join(t.TempDir(), "x.pcapng")
	r, err := NewRecorder(path, 0, false)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	r.Put(Event{At: time.Unix(1, 0), Conn: 1, Terminal: "192.0.2.1:40001", Host: "192.0.2.2:8583", Kind: Opened})
	r.Put(Event{At: time.Unix(2, 0), Conn: 1, Terminal: "192.0.2.1:40001", Host: "192.0.2.2:8583", Kind: Data, Data: []byte("all of it")})
	for begun := time.Now(); time.Since(begun) < 20*time.Second; time.Sleep(20 * time.Millisecond) {
		if string(gather(reopen(t, path), ToHost)) == "all of it" {
			return
		}
	}
	t.Error("what was put never came to the file")
}

// Put is for lines that cannot wait, PutAll for files that can.
func TestRecordingOfAFileIsWhole(t *testing.T) {
	path := filepath.Join(t.TempDir(), "x.pcapng")
	r, err := NewRecorder(path, 0, false)
	if err != nil {
		t.Fatal(err)
	}
	block := make([]byte, 50000)
	for range 3 * queueBytes / len(block) {
		r.PutAll(Event{At: time.Unix(1, 0), Conn: 1, Terminal: "192.0.2.1:40001", Host: "192.0.2.2:8583", Kind: Data, Data: block})
	}
	if err := r.Close(); err != nil {
		t.Fatal(err)
	}
	evs := reopen(t, path)
	if n := len(gather(evs, ToHost)); n != 3*queueBytes/len(block)*len(block) || find(evs, Gap) != nil {
		t.Errorf("%d bytes were recorded", n)
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
	select {
	case <-r.Stopped():
	case <-time.After(20 * time.Second):
		t.Error("nobody was told")
	}
	if err := r.Close(); err == nil || !strings.Contains(err.Error(), "has stopped") {
		t.Errorf("a full disk gave %v", err)
	}
}

func TestWhatNoPacketShowsHasAWord(t *testing.T) {
	for kind := Retransmitted; kind < Kinds; kind++ {
		ev, ok := commented(comment(Event{Kind: kind, Took: time.Second, Note: "a \"note\"\x1b"}))
		if !ok || ev.Kind != kind || ev.Took != time.Second || ev.Note != "a \"note\"\x1b" {
			t.Errorf("kind %d comes back as %+v", kind, ev)
		}
	}
	for _, s := range []string{"", "tillscope", "tillscope nonsense", "a person's comment", "tillscope silent took=x", "tillscope gap note=\"open"} {
		if ev, ok := commented(s); ok {
			t.Errorf("%q is read as %+v", s, ev)
		}
	}
}
