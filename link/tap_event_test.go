package link

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"runtime"
	"sync"
	"syscall"
	"testing"
	"time"
)

func find(evs []Event, k Kind) *Event {
	for i := range evs {
		if evs[i].Kind == k {
			return &evs[i]
		}
	}
	return nil
}

// one waits for the first event of a kind while the line goes on.
func one(kind Kind) (sink func(Event), came <-chan Event) {
	c := make(chan Event, 1)
	return func(ev Event) {
		if ev.Kind == kind {
			select {
			case c <- ev:
			default:
			}
		}
	}, c
}

func await(t *testing.T, came <-chan Event) Event {
	t.Helper()
	select {
	case ev := <-came:
		return ev
	case <-time.After(20 * time.Second):
		t.Fatal("the event never came")
		return Event{}
	}
}

func TestTapPassesTheTerminalsResetOn(t *testing.T) {
	host := make(chan error, 1)
	addr, stop := rig(t, func(c *net.TCPConn) {
		_, err := io.Copy(io.Discard, c)
		host <- err
	})
	c := dial(t, addr)
	if _, err := c.Write([]byte("x")); err != nil {
		t.Fatal(err)
	}
	abort(c)
	if err := <-host; !wasReset(err) {
		t.Errorf("the host saw %v, not a reset", err)
	}
	if evs := stop(Reset); count(evs, Reset, ToHost) != 1 || count(evs, Reset, ToTerminal) != 0 || count(evs, Closed, ToHost) != 0 {
		t.Errorf("events %v", evs)
	}
}

// A host that answers and then resets, because it has not read everything: the answer must come through.
func TestAnswerBeforeAResetComesThrough(t *testing.T) {
	answer := bytes.Repeat([]byte("answer "), 3000)
	addr, stop := rig(t, func(c *net.TCPConn) {
		_, _ = c.Read(make([]byte, 1))
		_, _ = c.Write(answer)
		_ = c.Close() // with bytes unread: the system resets
	})
	c := dial(t, addr)
	defer c.Close()
	_, _ = c.Write(bytes.Repeat([]byte("q"), 3000))
	got, err := io.ReadAll(c)
	if !bytes.Equal(got, answer) || !wasReset(err) {
		t.Errorf("%d bytes of %d came, then %v", len(got), len(answer), err)
	}
	if evs := stop(Reset); !bytes.Equal(gather(evs, ToTerminal), answer) || count(evs, Reset, ToTerminal) != 1 {
		t.Errorf("the copies hold %d bytes", len(gather(evs, ToTerminal)))
	}
}

func TestSilenceIsToldOnce(t *testing.T) {
	sink, came := one(Silent)
	gone := make(chan struct{})
	addr, stop := rigWith(t, func(c *net.TCPConn) {
		_, _ = c.Read(make([]byte, 9))
		<-gone
		_, _ = c.Write([]byte("late"))
		_, _ = io.Copy(io.Discard, c)
	}, TapOptions{TimeScale: 100}, sink)
	c := dial(t, addr)
	_, _ = c.Write([]byte("question"))
	ev := await(t, came)
	if ev.Dir != ToHost || ev.Took < silentAfter/100 {
		t.Errorf("said %+v", ev)
	}
	close(gone)
	if _, err := io.ReadFull(c, make([]byte, 4)); err != nil {
		t.Fatal(err)
	}
	c.Close()
	if evs := stop(Closed); count(evs, Silent, ToHost) != 1 || count(evs, Silent, ToTerminal) != 0 {
		t.Errorf("events %v", evs)
	}
}

// Whoever takes nothing stalls its own direction only, and all comes through in the end.
func TestStallIsToldAndNothingIsLost(t *testing.T) {
	sink, came := one(Stalled)
	read := make(chan struct{})
	var got []byte
	addr, stop := rigWith(t, func(c *net.TCPConn) {
		_, _ = c.Write([]byte("go"))
		<-read
		got, _ = io.ReadAll(c)
	}, TapOptions{TimeScale: 50}, sink)
	c := dial(t, addr)
	if _, err := io.ReadFull(c, make([]byte, 2)); err != nil {
		t.Fatal(err)
	}
	sent := bytes.Repeat([]byte("0123456789"), 2<<20)
	var writing sync.WaitGroup
	writing.Go(func() { _, _ = c.Write(sent); c.Close() })
	if ev := await(t, came); ev.Dir != ToHost || ev.Took < stallAfter/50 {
		t.Errorf("said %+v", ev)
	}
	close(read)
	writing.Wait()
	stop(Closed)
	if !bytes.Equal(got, sent) {
		t.Errorf("%d bytes of %d came", len(got), len(sent))
	}
}

// On Linux a closed window is seen although a small message fits into the system's own buffers.
func TestClosedWindowIsToldWithoutABlockedWrite(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("only Linux tells what waits in a socket")
	}
	sink, came := one(Stalled)
	done := make(chan struct{})
	addr, stop := rigWith(t, func(c *net.TCPConn) { <-done }, TapOptions{TimeScale: 50}, sink)
	c := dial(t, addr)
	fill := make([]byte, 64<<10)
	_ = c.SetWriteDeadline(time.Now().Add(20 * time.Second))
	for range 150 { // more than the host's window, less than window and the tap's buffer
		if _, err := c.Write(fill[:32<<10]); err != nil {
			t.Fatal(err)
		}
		select {
		case ev := <-came:
			if ev.Dir != ToHost {
				t.Errorf("said %+v", ev)
			}
			close(done)
			c.Close()
			stop(Stalled)
			return
		case <-time.After(5 * time.Millisecond):
		}
	}
	await(t, came)
	close(done)
	c.Close()
	stop(Stalled)
}

func TestTricklingBytesAreTold(t *testing.T) {
	addr, stop := rigWith(t, func(c *net.TCPConn) { _, _ = io.Copy(io.Discard, c) }, TapOptions{TimeScale: 20}, func(Event) {})
	c := dial(t, addr)
	for range 20 {
		_, _ = c.Write([]byte("slow"))
		time.Sleep(15 * time.Millisecond) // the pace is what is tested
	}
	c.Close()
	evs := stop(Closed)
	if ev := find(evs, Slow); ev == nil || ev.Dir != ToHost || ev.Size != 80 || ev.Took < 200*time.Millisecond {
		t.Errorf("said %+v", ev)
	}
}

// A terminal that gave up while the host did not accept must not have its request delivered afterwards.
func TestRequestOfATerminalThatLeftIsNotDelivered(t *testing.T) {
	l, full := deaf(t)
	defer full()
	tap, err := NewTap("127.0.0.1:0", l, TapOptions{TimeScale: 100})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	events := make(chan Event, 100)
	done := make(chan error, 1)
	go func() { done <- tap.Run(ctx, func(ev Event) { events <- ev }) }()
	c := dial(t, tap.Addr().String())
	_, _ = c.Write([]byte("a sale"))
	abort(c)
	// The connect hangs: only the terminal's going can end it before connectWait.
	select {
	case ev := <-events:
		if ev.Kind != Unreached || ev.Took > connectWait/2 {
			t.Errorf("said %+v", ev)
		}
	case <-time.After(connectWait / 2):
		t.Error("the terminal's leaving was not noticed")
	}
	cancel()
	if err := <-done; err != nil {
		t.Error(err)
	}
}

// deaf is a host that accepts no connection: one whose queue is full.
func deaf(t *testing.T) (addr string, end func()) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	raw, err := l.(*net.TCPListener).SyscallConn()
	if err != nil {
		t.Fatal(err)
	}
	_ = raw.Control(func(fd uintptr) { shrink(fd) })
	var held []net.Conn
	for range 8 {
		c, err := net.DialTimeout("tcp", l.Addr().String(), 200*time.Millisecond)
		if err != nil {
			break
		}
		held = append(held, c)
	}
	end = func() {
		for _, c := range held {
			c.Close()
		}
		l.Close()
	}
	if len(held) == 8 {
		end()
		t.Skip("this system accepts connections for a program that does not")
	}
	return l.Addr().String(), end
}

// 1,000 terminals at once, each with its answer; then all of them idle at little cost.
func TestAThousandConnections(t *testing.T) {
	const n = 1000
	addr, stop := rig(t, func(c *net.TCPConn) { _, _ = io.Copy(c, c) })
	conns := make([]*net.TCPConn, n)
	var wg sync.WaitGroup
	gate := make(chan struct{}, 50)
	for i := range conns {
		wg.Go(func() {
			gate <- struct{}{}
			defer func() { <-gate }()
			c, err := net.Dial("tcp", addr)
			if err != nil {
				t.Error(err)
				return
			}
			conns[i] = c.(*net.TCPConn)
			_ = c.SetDeadline(time.Now().Add(30 * time.Second))
			b := bytes.Repeat([]byte{byte(i)}, 300)
			if _, err := c.Write(b); err != nil {
				t.Error(err)
			}
			got := make([]byte, len(b))
			if _, err := io.ReadFull(c, got); err != nil || !bytes.Equal(got, b) {
				t.Errorf("connection %d: %v", i, err)
			}
		})
	}
	wg.Wait()
	for _, c := range conns {
		if c != nil {
			c.Close()
		}
	}
	evs := stop(Closed)
	if count(evs, Opened, ToHost) != n || len(gather(evs, ToHost)) != 300*n || len(gather(evs, ToTerminal)) != 300*n {
		t.Errorf("%d connections, %d and %d bytes", count(evs, Opened, ToHost), len(gather(evs, ToHost)), len(gather(evs, ToTerminal)))
	}
}

func TestNoRoomForAConnectionPasses(t *testing.T) {
	if !noRoom(&net.OpError{Err: syscall.EMFILE}) || noRoom(net.ErrClosed) || noRoom(errors.New("x")) {
		t.Error("too many open files would end the tap, or its end would not")
	}
}
