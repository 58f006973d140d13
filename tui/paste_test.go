package tui

import (
	"math/rand/v2"
	"strings"
	"testing"
	"testing/iotest"
	"time"
	"unicode/utf8"

	"github.com/charmbracelet/colorprofile"
	"github.com/charmbracelet/x/ansi"
)

const begin, end = ansi.BracketedPasteStart, ansi.BracketedPasteEnd

// passed is what of input comes through, read in pieces of any size.
func passed(t *testing.T, in string) string {
	t.Helper()
	var all []string
	for _, from := range []*pastes{
		{from: strings.NewReader(in), now: time.Now},
		{from: iotest.OneByteReader(strings.NewReader(in)), now: time.Now},
		{from: iotest.HalfReader(strings.NewReader(in)), now: time.Now},
	} {
		var out strings.Builder
		for b := make([]byte, 64); ; {
			n, err := from.Read(b)
			out.Write(b[:n])
			if err != nil {
				break
			}
		}
		all = append(all, out.String())
	}
	if all[1] != all[0] || all[2] != all[0] {
		t.Errorf("%q comes through as %q, %q, %q", in, all[0], all[1], all[2])
	}
	return all[0]
}

// Keys and sequences come through as they are, and pastes as text.
func TestPastesAreText(t *testing.T) {
	for in, want := range map[string]string{
		"jk\x1b[A\x1b[<0;10;9M\x1b":                             "jk\x1b[A\x1b[<0;10;9M\x1b",
		begin + "rc=51 中文\r\n\tx" + end + "j":                   begin + "rc=51 中文\r\n\tx" + end + "j",
		begin + "a\x1b]52;c;\x1b\\b\x00\x07\x7f\xc2\x9bc" + end: begin + "a]52;c;\\bc" + end,
		begin + "a\xff\x90\xe4\xb8" + end + "q":                 begin + "a" + end + "q",
		begin + "a\x1b[20" + end + "q":                          begin + "a[20" + end + "q",
		begin + begin + "a" + end + "q":                         begin + "[200~a" + end + "q",
		begin + strings.Repeat("x", 2*longestPaste) + end + "q": begin + strings.Repeat("x", longestPaste) + end + "q",
	} {
		if got := passed(t, in); got != want {
			t.Errorf("%.80q comes through as %.80q, want %.80q", in, got, want)
		}
	}
	random := rand.New(rand.NewPCG(1, 2))
	for range 200 {
		b := make([]byte, random.IntN(300))
		for i := range b {
			b[i] = "\x1b[]P_201~\x90\x9d\xe4\xb8\xadq;"[random.IntN(16)]
		}
		got := passed(t, begin+strings.ReplaceAll(string(b), end, "")+end+"q")
		if !strings.HasPrefix(got, begin) || !strings.HasSuffix(got, end+"q") || strings.Count(got, "\x1b") != 2 || !utf8.ValidString(got) {
			t.Fatalf("%q comes through as %q", b, got)
		}
	}
}

// A paste whose end was lost ends with the first key after a while.
func TestLostEndOfAPaste(t *testing.T) {
	keys := make(chan string, 1)
	now := time.Unix(0, 0)
	p := &pastes{from: reads(func(b []byte) (int, error) { return copy(b, <-keys), nil }), now: func() time.Time { return now }}
	var got strings.Builder
	for _, x := range []struct {
		key  string
		wait time.Duration
	}{{begin + "ab\x1b", 0}, {"c", time.Second}, {"q", 3 * time.Second}, {"j", time.Second}} {
		now = now.Add(x.wait)
		keys <- x.key
		b := make([]byte, 64)
		n, _ := p.Read(b)
		got.Write(b[:n])
	}
	if want := begin + "abc" + end + "qj"; got.String() != want {
		t.Errorf("%q, want %q", got.String(), want)
	}
}

type reads func([]byte) (int, error)

func (r reads) Read(b []byte) (int, error) { return r(b) }

// After a paste of whatever there is, keys work as before.
func TestKeysWorkAfterHostilePaste(t *testing.T) {
	x := start(t, kit{profile: colorprofile.ANSI256})
	x.until("Unstable network")
	for seed := range byte(7) {
		random := rand.NewChaCha8([32]byte{seed})
		b := make([]byte, 3000)
		_, _ = random.Read(b)
		x.press(begin + string(b) + end)
		x.press("3")
		x.until("Decision tree")
		x.press("1")
		x.until("[Traffic]")
	}
	x.quit()
}
