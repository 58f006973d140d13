package tui

import (
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	tea "charm.land/bubbletea/v2"
	"github.com/charmbracelet/colorprofile"
	"github.com/charmbracelet/x/vt"

	"tillscope/assets"
	"tillscope/sim"
)

// terminal runs the whole program in an emulated terminal.
type terminal struct {
	t     *testing.T
	mu    sync.Mutex // over emu: the emulator's own lock does not cover reading its screen
	emu   *vt.Emulator
	raw   strings.Builder // all that was written
	keys  *io.PipeWriter
	done  chan error
	delay func()
}

// kit is how a test's terminal differs from a usual one.
type kit struct {
	lang    string
	w, h    int
	env     []string
	profile colorprofile.Profile
	options func(*Options)
	delay   func() // before each write, whose time is then heeded
}

func start(t *testing.T, k kit) *terminal {
	t.Helper()
	l, err := assets.Language(or(k.lang, "en"))
	if err != nil {
		t.Fatal(err)
	}
	if k.w == 0 {
		k.w, k.h = 120, 30
	}
	in, keys := io.Pipe()
	x := &terminal{t: t, emu: vt.NewEmulator(k.w, k.h), keys: keys, done: make(chan error, 1), delay: k.delay}
	go func() { _, _ = io.Copy(io.Discard, x.emu) }() // what the terminal answers to queries
	_, _ = x.emu.Write([]byte("\x1b[20h"))            // a line feed returns the carriage, as a tty's driver does
	meter := &Meter{to: x}
	o := Options{Session: watched(t, l.ID), Lang: l, Program: []tea.ProgramOption{tea.WithInput(&pastes{from: in, now: time.Now}), tea.WithOutput(meter), tea.WithWindowSize(k.w, k.h),
		tea.WithEnvironment(append([]string{"TERM=xterm-256color"}, k.env...)), tea.WithColorProfile(k.profile), tea.WithoutSignals()}}
	if k.delay != nil {
		o.Meter = meter // elsewhere a busy machine is no slow terminal
	}
	if k.options != nil {
		k.options(&o)
	}
	go func() { x.done <- Run(context.Background(), o) }()
	return x
}

// Write is the program's output.
func (x *terminal) Write(p []byte) (int, error) {
	if x.delay != nil {
		x.delay()
	}
	x.mu.Lock()
	defer x.mu.Unlock()
	x.raw.Write(p)
	return x.emu.Write(p)
}

func (x *terminal) screen() string {
	x.mu.Lock()
	defer x.mu.Unlock()
	return x.emu.String()
}

// written is how many bytes came so far.
func (x *terminal) written() int {
	x.mu.Lock()
	defer x.mu.Unlock()
	return x.raw.Len()
}

func (x *terminal) press(s string) {
	x.t.Helper()
	if _, err := io.WriteString(x.keys, s); err != nil {
		x.t.Fatal(err)
	}
}

// esc presses escape alone, and waits for what it takes away: a key that follows too soon would be one with it. It begins once
// the screen stands still: what is being redrawn is gone for a moment, too.
func (x *terminal) esc(away string) {
	x.t.Helper()
	last, since := -1, time.Now()
	x.wait("a screen that stands still", func(string) bool {
		if n := x.written(); n != last {
			last, since = n, time.Now()
		}
		return time.Since(since) > 100*time.Millisecond
	})
	x.press("\x1b")
	x.wait("without "+away, func(s string) bool { return !strings.Contains(s, away) })
}

func (x *terminal) until(want string) {
	x.t.Helper()
	x.wait(want, func(s string) bool { return strings.Contains(s, want) })
}

func (x *terminal) wait(what string, ok func(string) bool) {
	x.t.Helper()
	for deadline := time.Now().Add(120 * time.Second); time.Now().Before(deadline); time.Sleep(5 * time.Millisecond) {
		if ok(x.screen()) {
			return
		}
	}
	x.t.Fatalf("never on the screen: %s\n%s", what, x.screen())
}

// quit leaves, and says yes when a tap asks first.
func (x *terminal) quit() {
	x.t.Helper()
	x.press("q")
	for deadline, asked := time.Now().Add(120*time.Second), false; time.Now().Before(deadline); {
		select {
		case err := <-x.done:
			if err != nil {
				x.t.Error(err)
			}
			return
		case <-time.After(5 * time.Millisecond):
			if s := x.screen(); !asked && (strings.Contains(s, "y quit") || strings.Contains(s, "y 退出")) {
				asked = true
				x.press("y")
			}
		}
	}
	x.t.Errorf("q does not quit:\n%s", x.screen())
}

// Each view is driven by its keys, as a user would, in terminals of every kind.
func TestDriveEveryView(t *testing.T) {
	for name, k := range map[string]kit{
		"local":          {profile: colorprofile.ANSI256},
		"over SSH":       {profile: colorprofile.ANSI256, env: []string{"SSH_TTY=/dev/pts/0"}},
		"sixteen":        {profile: colorprofile.ANSI, w: 100, h: 28},
		"no colour":      {profile: colorprofile.ASCII, env: []string{"NO_COLOR=1"}},
		"ASCII":          {profile: colorprofile.ANSI, options: func(o *Options) { o.ASCII = true }},
		"low bandwidth":  {profile: colorprofile.ANSI256, options: func(o *Options) { o.Low = true }},
		"wide, a mouse":  {profile: colorprofile.TrueColor, w: 200, h: 50, options: func(o *Options) { o.Theme = "dark"; o.Mouse = true }},
		"colour-blind":   {profile: colorprofile.ANSI256, options: func(o *Options) { o.Theme = "colour-blind" }},
		"sync by choice": {profile: colorprofile.ANSI256, options: func(o *Options) { o.Sync = "on" }},
	} {
		if testing.Short() && !slices.Contains([]string{"local", "low bandwidth", "wide, a mouse"}, name) {
			continue // they differ in what is drawn, not in what runs beside what
		}
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			drive(t, k)
		})
	}
}

func drive(t *testing.T, k kit) {
	var mu sync.Mutex
	var exported Export
	var opened map[string]string
	store, err := sim.New(sim.Options{})
	if err != nil {
		t.Fatal(err)
	}
	more := k.options
	k.options = func(o *Options) {
		o.Export = func(e Export) (string, error) {
			mu.Lock()
			defer mu.Unlock()
			exported = e
			return "here.md", nil
		}
		o.Sources = func() []SourceKind {
			return []SourceKind{{ID: "tap", Fields: []SourceField{{ID: "upstream", Check: func(s string) error {
				if s == "" {
					return errors.New("nothing said")
				}
				return nil
			}}}}}
		}
		o.Open = func(_ string, v map[string]string) (Session, error) {
			mu.Lock()
			defer mu.Unlock()
			opened = v
			return nil, errors.New("that line cannot be reached: plug it in")
		}
		o.Trainer = func() Trainer { return store.Control() }
		if more != nil {
			more(o)
		}
	}
	x := start(t, k)
	x.until("Unstable network")
	// Traffic: look at a sale, mark it, note something, see its bytes, compare it with its answer.
	x.press("/rc=51\r")
	x.until("1 of 13 rows")
	x.press("m")
	x.until("is marked")
	x.press("Nask the bank\r")
	x.until("ask the bank")
	x.press("d")
	x.until("Compare #")
	x.until("* differs")
	x.esc("Compare #")
	x.press("b")
	x.until("byte ")
	x.press("lll")
	x.until("byte 26: ") // where the third has led
	x.esc("byte ")
	x.press("t") // its story
	x.until("The money does not arrive.")
	x.press("1") // back to the scope
	x.until("[Traffic]")
	// Transactions, sorted.
	x.press("2s")
	x.until("not arrived")
	x.press("\t")
	x.until("[Story of transaction")
	// Diagnosis: the tree, the proof of the node under the cursor, back.
	x.press("3")
	x.until("Decision tree")
	x.until("#8 #10")
	x.press("\r")
	x.until("Evidence 1 of")
	x.esc("Evidence 1 of")
	x.until("Decision tree")
	x.press("4")
	x.until("insufficient funds")
	x.press("5")
	x.until("Unstable network (network.unstable)")
	x.press("G")
	x.until("ask the bank") // the note is in the report
	// Export as Markdown, under a name that is already taken, then another.
	taken := filepath.Join(t.TempDir(), "taken.md")
	if err := os.WriteFile(taken, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	x.press("e")
	x.until("Export the report")
	x.press("j\r" + taken + "\r") // typed ahead
	x.until("taken.md exists")
	x.press("2\r")
	x.until("here.md")
	mu.Lock()
	if exported.Form != "markdown" || exported.Path != taken+"2" || len(exported.Notes) != 1 {
		t.Errorf("exported %q to %q with notes %v", exported.Form, exported.Path, exported.Notes)
	}
	mu.Unlock()
	// Another source, which fails with advice.
	x.press("c")
	x.until("Watch another?")
	x.press("y")
	x.until("What to watch")
	x.press("\r")
	x.until("Address of the host")
	x.press("\r")
	x.until("nothing said")
	x.press("192.0.2.7:1\r")
	x.until("plug it in")
	mu.Lock()
	if opened["upstream"] != "192.0.2.7:1" {
		t.Errorf("opened %v", opened)
	}
	mu.Unlock()
	x.esc("plug it in")
	// The trainer's desk.
	x.press("fX")
	x.until("hidden; R")
	x.press("R")
	x.until("Score: 0%")
	// Help, palette, language.
	x.press("?")
	x.until("Actions")
	x.esc("Actions")
	x.press(":theme\r")
	x.until("Theme ")
	x.press("1L")
	x.until("网络")
	x.press("/冲正\r")
	x.until("/冲正")
	x.quit()
	if strings.Contains(x.raw.String(), testPAN) {
		t.Error("a card number was written to the terminal")
	}
	if o := (Options{}); more != nil {
		if more(&o); o.ASCII { // up to where faults and the language may bring other letters
			english, _, _ := strings.Cut(x.raw.String(), "Trainer")
			if i := strings.IndexFunc(english, func(r rune) bool { return r > 0x7E }); i >= 0 {
				t.Errorf("beyond ASCII: %q", english[max(i-20, 0):min(i+20, len(english))])
			}
		}
	}
	if got, want := strings.Contains(x.raw.String(), "\x1b[?2026h"), name(k); got != want {
		t.Errorf("frames in one piece: %v, want %v", got, want)
	}
}

// name says whether frames are to be bracketed: only where it was asked for, since the emulator does not answer queries
// and the tests' own environment is no SSH session.
func name(k kit) bool {
	o := Options{}
	if k.options != nil {
		k.options(&o)
	}
	return o.Sync == "on"
}

// Over SSH frames come in one piece by themselves: the terminal is not asked, and one that cannot do it ignores it. Locally
// Bubble Tea asks, and this terminal does not answer.
func TestSynchronizedOutputOverSSH(t *testing.T) {
	for _, c := range []struct {
		name, tty, sync string
		want            bool
	}{{"over SSH", "/dev/pts/0", "", true}, {"over SSH, auto", "/dev/pts/0", "auto", true}, {"over SSH, switched off", "/dev/pts/0", "off", false}, {"local", "", "auto", false}} {
		t.Run(c.name, func(t *testing.T) {
			var env []string
			t.Setenv("SSH_TTY", c.tty) // so that it is put back
			if c.tty == "" {
				os.Unsetenv("SSH_TTY")
			} else {
				env = append(env, "SSH_TTY="+c.tty)
			}
			x := start(t, kit{profile: colorprofile.ANSI256, env: env, options: func(o *Options) { o.Sync = c.sync }})
			x.until("Unstable network")
			x.press("3")
			x.until("Decision tree")
			x.quit()
			begun, ended := strings.Count(x.raw.String(), "\x1b[?2026h"), strings.Count(x.raw.String(), "\x1b[?2026l")
			if (begun > 0) != c.want || begun != ended {
				t.Errorf("%d frames begin and %d end in one piece", begun, ended)
			}
			if asked := strings.Contains(x.raw.String(), "\x1b[?2026$p"); asked == (c.tty != "") {
				t.Errorf("the terminal was asked: %v", asked)
			}
		})
	}
}

// Over SSH a link that cannot follow gets less by itself.
func TestSlowLinkOverSSH(t *testing.T) {
	t.Setenv("SSH_TTY", "/dev/pts/0")
	var slow atomic.Bool
	x := start(t, kit{profile: colorprofile.ANSI256, env: []string{"SSH_TTY=/dev/pts/0"}, delay: func() {
		if slow.Load() {
			time.Sleep(4 * slowWrite)
		}
	}})
	x.until("Unstable network")
	slow.Store(true)
	// On a machine that is late itself a slow write says nothing of the terminal: it takes as many as it takes.
	for i := 0; !strings.Contains(x.screen(), "low bandwidth"); i++ {
		if i == 100 {
			t.Fatalf("still not low bandwidth:\n%s", x.screen())
		}
		x.press([]string{"3", "4"}[i%2])
		x.until([]string{"Decision tree", "All lines"}[i%2])
	}
	slow.Store(false)
	x.press("1")
	x.until("low bandwidth")
	x.quit()
}

func TestProgramFollowsItsSize(t *testing.T) {
	x := start(t, kit{profile: colorprofile.ANSI256, w: 40, h: 10})
	x.until("make it larger")
	x.quit()
}

// A panic restores the terminal and leaves a file that says where, with no card data in it.
func TestPanicIsWrittenDown(t *testing.T) {
	t.Chdir(t.TempDir())
	x := start(t, kit{profile: colorprofile.ANSI256, options: func(o *Options) {
		o.Export = func(Export) (string, error) { panic("index out of range with card " + testPAN) }
	}})
	x.until("Unstable network")
	x.press("e")
	x.until("Export the report")
	x.press("\r\r")
	err := <-x.done
	if err == nil || !strings.Contains(err.Error(), "tillscope-crash-") {
		t.Fatalf("the end says %v", err)
	}
	files, _ := filepath.Glob("tillscope-crash-*.txt")
	if len(files) != 1 {
		t.Fatalf("files %v", files)
	}
	b, err := os.ReadFile(files[0])
	if err != nil {
		t.Fatal(err)
	}
	if s := string(b); strings.Contains(s, testPAN) || !strings.Contains(s, "exportForm") || !strings.Contains(s, "screen 120x30") {
		t.Errorf("the file says:\n%s", s)
	}
	if !strings.Contains(x.raw.String(), "\x1b[?1049l") {
		t.Error("the terminal is not restored")
	}
}

// Stopping and coming back draws the whole screen again.
func TestResumeRedraws(t *testing.T) {
	m := newTest(t, "en", 120, 30)
	if _, cmd := m.Update(tea.ResumeMsg{}); cmd == nil {
		t.Error("the screen is not drawn again")
	}
}

func TestCopyIsMasked(t *testing.T) {
	m := newTest(t, "en", 120, 30)
	keys(m, "/", "000002 sale", "enter")
	for _, focus := range []region{traffic, message} {
		m.focus = focus
		if s := m.clip(); !strings.Contains(s, "000002") || strings.Contains(s, testPAN) {
			t.Errorf("%s copies %q", regionNames[focus], s)
		}
	}
	m.focus = diagnosis
	if !strings.Contains(m.clip(), "Unstable network") {
		t.Errorf("the diagnosis copies %q", m.clip())
	}
}
