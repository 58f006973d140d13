package link

import (
	"bytes"
	"io"
	"net"
	"sync"
	"testing"
	"time"

	"github.com/Shopify/toxiproxy/v2/stream"
	"github.com/Shopify/toxiproxy/v2/toxics"
)

// toxic is a line between the tap and the host on which toxiproxy's toxics act, one for each direction or nil. It is made
// of the library's toxics alone: its proxy would bring a web server and its metrics into the module.
func toxic(t *testing.T, toHost, toTerminal toxics.Toxic, serve func(*net.TCPConn)) func(*net.TCPConn) {
	return func(terminal *net.TCPConn) {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Error(err)
			return
		}
		defer l.Close()
		var all sync.WaitGroup
		defer all.Wait()
		all.Go(func() {
			if c, err := l.Accept(); err == nil {
				defer c.Close()
				serve(c.(*net.TCPConn))
			}
		})
		c, err := net.Dial("tcp", l.Addr().String())
		if err != nil {
			t.Error(err)
			return
		}
		host := c.(*net.TCPConn)
		pipe := func(from, to *net.TCPConn, toxic toxics.Toxic) {
			if toxic == nil {
				toxic = new(toxics.NoopToxic)
			}
			_, resets := toxic.(*toxics.ResetToxic)
			in, out := make(chan *stream.StreamChunk), make(chan *stream.StreamChunk)
			stub := toxics.NewToxicStub(in, out)
			if s, ok := toxic.(toxics.StatefulToxic); ok {
				stub.State = s.NewState()
			}
			var both sync.WaitGroup
			both.Go(func() {
				w := stream.NewChanWriter(in)
				_, _ = io.Copy(w, from)
				_ = w.Close()
			})
			both.Go(func() {
				stub.Run(&toxics.ToxicWrapper{Toxic: toxic, Toxicity: 1})
				for range in { // whoever still sends must not wait for a toxic that has ended
				}
			})
			_, _ = io.Copy(to, stream.NewChanReader(out))
			if resets {
				abort(to)
				abort(from)
			} else {
				to.Close()
			}
			both.Wait()
		}
		all.Go(func() { pipe(terminal, host, toHost) })
		all.Go(func() { pipe(host, terminal, toTerminal) })
	}
}

// answering is a host that answers every 100 bytes with as many.
func answering(c *net.TCPConn) {
	b := make([]byte, 100)
	for {
		if _, err := io.ReadFull(c, b); err != nil {
			return
		}
		if _, err := c.Write(b); err != nil {
			return
		}
	}
}

// On a line that lives 20 times faster than life, silence begins after 500 ms, and trickling after 200 ms and below 10 kB/s.
var fast = TapOptions{TimeScale: 20}

func TestToxics(t *testing.T) {
	question := bytes.Repeat([]byte("0123456789"), 10)
	ask := func(c *net.TCPConn) (answer []byte, err error) {
		if _, err := c.Write(question); err != nil {
			return nil, err
		}
		answer = make([]byte, len(question))
		n, err := io.ReadFull(c, answer)
		return answer[:n], err
	}
	for _, c := range []struct {
		name               string
		toHost, toTerminal toxics.Toxic
		ends               Kind
		whole              bool // the answer comes through
		check              func(t *testing.T, evs []Event)
	}{
		{"none", nil, nil, Closed, true, func(t *testing.T, evs []Event) {
			for _, k := range []Kind{Silent, Slow, Stalled, Reset, HalfOpen, Retransmitted} {
				if ev := find(evs, k); ev != nil {
					t.Errorf("a line in order gives %+v", *ev)
				}
			}
		}},
		{"latency", nil, &toxics.LatencyToxic{Latency: 900}, Closed, true, func(t *testing.T, evs []Event) {
			if n := count(evs, Silent, ToHost); n != 1 {
				t.Errorf("silence told %d times", n)
			}
			var asked, answered time.Time
			for _, ev := range evs {
				if ev.Kind == Data && ev.Dir == ToHost {
					asked = ev.At
				}
				if ev.Kind == Data && ev.Dir == ToTerminal && answered.IsZero() {
					answered = ev.At
				}
			}
			if d := answered.Sub(asked); d < 900*time.Millisecond {
				t.Errorf("the answer came after %v", d)
			}
		}},
		{"slow bytes", nil, &toxics.SlicerToxic{AverageSize: 8, SizeVariation: 2, Delay: 40000}, Closed, true, func(t *testing.T, evs []Event) {
			if ev := find(evs, Slow); ev == nil || ev.Dir != ToTerminal || ev.Size < 50 || ev.Size > 100 || ev.Took < 200*time.Millisecond { // on a busy machine several pieces come as one
				t.Errorf("slow: %+v", ev)
			}
			if count(evs, Slow, ToHost) > 0 {
				t.Error("the terminal is said to be slow")
			}
		}},
		{"reset", nil, &toxics.ResetToxic{Timeout: 10}, Reset, false, func(t *testing.T, evs []Event) {
			if count(evs, Reset, ToTerminal) != 1 || count(evs, Reset, ToHost) != 0 || count(evs, Closed, ToHost) != 0 {
				t.Errorf("events %+v", evs)
			}
		}},
		{"timeout", nil, &toxics.TimeoutToxic{Timeout: 1500}, Closed, false, func(t *testing.T, evs []Event) {
			if ev := find(evs, Silent); ev == nil || ev.Dir != ToHost || count(evs, HalfClose, ToTerminal) != 1 || len(gather(evs, ToTerminal)) != 0 {
				t.Errorf("events %+v", evs)
			}
		}},
		{"limit", nil, &toxics.LimitDataToxic{Bytes: 40}, Closed, false, func(t *testing.T, evs []Event) {
			if n := len(gather(evs, ToTerminal)); n != 40 || count(evs, HalfClose, ToTerminal) != 1 {
				t.Errorf("%d bytes, events %+v", n, evs)
			}
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			addr, stop := rigWith(t, toxic(t, c.toHost, c.toTerminal, answering), fast, func(Event) {})
			conn := dial(t, addr)
			answer, err := ask(conn)
			conn.Close()
			if whole := err == nil && bytes.Equal(answer, question); whole != c.whole {
				t.Errorf("the answer is %q, %v", answer, err)
			}
			evs := stop(c.ends)
			if !bytes.Equal(gather(evs, ToHost), question) {
				t.Errorf("the copy of the question is %q", gather(evs, ToHost))
			}
			c.check(t, evs)
		})
	}
}

// On a line of 1 kB/s towards the terminal a long message trickles.
func TestToxicBandwidth(t *testing.T) {
	var got []byte
	addr, stop := rigWith(t, toxic(t, nil, &toxics.BandwidthToxic{Rate: 1}, func(c *net.TCPConn) {
		_, _ = c.Write(bytes.Repeat([]byte("x"), 800))
		got, _ = io.ReadAll(c)
	}), fast, func(Event) {})
	c := dial(t, addr)
	answer := make([]byte, 800)
	if _, err := io.ReadFull(c, answer); err != nil {
		t.Fatal(err)
	}
	c.Close()
	evs := stop(Closed)
	if ev := find(evs, Slow); ev == nil || ev.Dir != ToTerminal || ev.Size < 400 { // of 800: a busy machine pauses, too, and what trickles after a pause is told anew
		t.Errorf("slow: %+v of %d events", ev, len(evs))
	}
	if len(got) > 0 {
		t.Errorf("the host got %q", got)
	}
}
