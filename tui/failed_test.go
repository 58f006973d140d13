package tui

import (
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"testing"

	tea "charm.land/bubbletea/v2"
	"github.com/charmbracelet/x/ansi"
)

// errNoRoom is a full disk, as the system says it.
var errNoRoom = fmt.Errorf("recording to shop.pcapng has stopped: %w; what was written before can be opened", &fs.PathError{Op: "write", Path: "shop.pcapng", Err: errors.New("no space left on device")})

type brokenRecorder struct{ err error }

func (r *brokenRecorder) Err() error { return r.err }

// A recording that stops by itself says why, once, and whole on every size; it does not go on saying that it runs.
func TestStoppedRecordingSaysWhy(t *testing.T) {
	for lang, last := range map[string]string{"en": "can be opened", "zh": "可以打开"} {
		for _, size := range [][2]int{{120, 30}, {80, 24}, {60, 18}} {
			m := newTest(t, lang, size[0], size[1])
			r := &brokenRecorder{}
			m.o.Recorder = func() Recorder { return r }
			m.notice = m.t("notice.recording", "shop.pcapng")
			m.tick()
			if s := shown(m); strings.Contains(s, last) {
				t.Fatalf("it has not stopped yet:\n%s", s)
			}
			r.err = errNoRoom
			m.tick()
			s := shown(m)
			if !strings.Contains(strings.Join(strings.Fields(s), " "), last) || strings.Contains(s, m.t("notice.recording", "shop.pcapng")) {
				t.Errorf("%s %v: nothing says why it stopped:\n%s", lang, size, s)
			}
			keys(m, "j")
			m.tick()
			if m.notice != "" {
				t.Errorf("%s: it says so again: %s", lang, m.notice)
			}
		}
	}
}

// What has ended cannot be recorded any more: a sign of a recording would be a lie.
func TestEndedSourceIsNotRecorded(t *testing.T) {
	m := newTest(t, "en", 100, 30)
	began := false
	m.o.Record = func(bool) (string, error) { began = true; return "x", nil }
	end := *m.snap
	end.Ended = true
	m.snap = &end
	keys(m, "r")
	if began || m.notice != m.t("why.ended") {
		t.Errorf("recording began: %v, notice %q", began, m.notice)
	}
}

// fillIn sends a form off, whatever stands in it.
func fillIn(t *testing.T, m *Model) {
	t.Helper()
	f, ok := m.dialog.(*form)
	if !ok {
		t.Fatalf("no form: %T", m.dialog)
	}
	m.dialog = nil
	follow(m, f.then(m))
}

// told is the text of a dialog without its frame and without blanks, at which lines are broken.
func told(m *Model) string {
	var b strings.Builder
	for _, row := range m.dialog.box(m, m.w-4, m.h-2) {
		b.WriteString(strings.Trim(ansi.Strip(row), "│ "))
	}
	return strings.ReplaceAll(b.String(), " ", "")
}

// A form whose purpose fails comes back as it was filled in, and says why in the language of the screen.
func TestFailedFormsComeBack(t *testing.T) {
	for lang, why := range map[string]string{"en": "nospaceleftondevice", "zh": "磁盘已满"} {
		m := full(t, lang, false)
		m.o.Export = func(e Export) (string, error) {
			if e.Path != "/shop/x.html" {
				t.Errorf("the place is %q", e.Path)
			}
			return "", errNoRoom
		}
		m.exportForm(&Export{Form: "html", Path: "/shop/x.html"}, "")
		fillIn(t, m)
		if s := told(m); !strings.Contains(s, why) || !strings.Contains(s, "/shop/x.html") {
			t.Errorf("%s: the report's form is lost: %s", lang, s)
		}
		m.o.Open = func(kind string, v map[string]string) (Session, error) { return nil, errNoRoom }
		m.chooseSource()
		fillIn(t, m)
		m.Update(tea.WindowSizeMsg{Width: 60, Height: 18})
		if s := told(m); !strings.Contains(s, why) {
			t.Errorf("%s: the source's form is lost: %s", lang, s)
		}
	}
}
