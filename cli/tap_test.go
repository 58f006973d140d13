package cli

import (
	"bytes"
	"fmt"
	"io"
	"net"
	"strings"
	"testing"
	"time"

	"tillscope/diagnostics"
	"tillscope/link"
)

// echoing answers whatever it gets with the same.
func echoing(t *testing.T) net.Listener {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go func() { defer c.Close(); _, _ = io.Copy(c, c) }()
		}
	}()
	return l
}

// freeAddress is one that nobody listens on, for now.
func freeAddress(t testing.TB) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

// exchange sends a message and waits for it to come back.
func exchange(c net.Conn) error {
	_ = c.SetDeadline(time.Now().Add(30 * time.Second))
	sent, got := []byte("a message that nobody understands"), make([]byte, 33)
	if _, err := c.Write(sent); err != nil {
		return err
	}
	if _, err := io.ReadFull(c, got); err != nil {
		return err
	}
	if !bytes.Equal(sent, got) {
		return fmt.Errorf("%q came back as %q", sent, got)
	}
	return nil
}

// dialUntil connects as soon as somebody listens.
func dialUntil(t testing.TB, addr string) net.Conn {
	t.Helper()
	for giveUp := time.Now().Add(30 * time.Second); ; time.Sleep(10 * time.Millisecond) {
		c, err := net.Dial("tcp", addr)
		if err == nil {
			return c
		}
		if time.Now().After(giveUp) {
			t.Fatal(err)
		}
	}
}

// A message that is cut off when watching ends is the last row, and no less a row for that.
func TestPlainShowsWhatIsUnderWayAtTheEnd(t *testing.T) {
	host, addr := echoing(t), freeAddress(t)
	var out string
	ended := make(chan error)
	go func() {
		var err error
		out, err = run(t, "", "tap", addr, host.Addr().String(), "--plain", "--for", "2s")
		ended <- err
	}()
	c := dialUntil(t, addr)
	defer c.Close()
	if _, err := c.Write(newTalk(1).request[:40]); err != nil {
		t.Fatal(err)
	}
	if err := <-ended; err != nil || !strings.Contains("\n"+out, "\n#") {
		t.Errorf("%v: %q", err, out)
	}
}

// The host may let in no other address than the one that the tap was told to use.
func TestProbesComeFromWhereTheTapComesFrom(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	tap, err := link.NewTap("127.0.0.1:0", l.Addr().String(), link.TapOptions{Bind: "127.0.0.2"})
	if err != nil {
		t.Skip("this system has one loopback address only:", err)
	}
	from := make(chan string, 1)
	go func() {
		c, err := l.Accept()
		if err != nil {
			return
		}
		defer c.Close()
		from <- c.RemoteAddr().(*net.TCPAddr).IP.String()
	}()
	s := &screen{now: &running{source: tap}}
	for _, p := range link.Probes {
		if p.ID == "tcp" {
			if f := s.probe(t.Context(), p, diagnostics.Line{Host: l.Addr().String()}, false); !f.OK {
				t.Errorf("%+v", f)
			}
		}
	}
	if got := <-from; got != "127.0.0.2" {
		t.Errorf("the probe came from %s", got)
	}
}
