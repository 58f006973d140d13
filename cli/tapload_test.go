package cli

import (
	"bufio"
	"bytes"
	"context"
	"encoding/binary"
	"flag"
	"fmt"
	"io"
	"net"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/moov-io/iso8583"

	"tillscope/diagnostics"
	"tillscope/link"
	"tillscope/wire"
)

// messages is the load of one run: go test ./cli -run TapCarriesEveryByte -messages 1000000
var messages = flag.Int("messages", 20000, "requests through the tap, each with its answer")

const (
	terminals = 50
	ahead     = 8 // requests that a terminal sends before it waits for the first answer
)

// talk makes the messages of one terminal: sales and their answers, told apart by their trace numbers.
type talk struct {
	request, answer []byte
	stan            [2]int // where the trace number stands in each
}

func newTalk(terminal int) *talk {
	must := func(err error) {
		if err != nil {
			panic(err)
		}
	}
	spec, err := wire.Spec("cup")
	must(err)
	pack := func(mti string, fields map[int]string) (frame []byte, stan int) {
		m := iso8583.NewMessage(spec)
		m.MTI(mti)
		fields[3], fields[4], fields[11], fields[41] = "000000", "000000012800", "123456", fmt.Sprintf("%08d", 10010001+terminal)
		fields[42], fields[49], fields[60] = "898310054110001", "156", "22000001000"
		for n, v := range fields {
			must(m.Field(n, v))
		}
		b, err := m.Pack()
		must(err)
		b = append([]byte{0x60, 0, 3, 0, 0, 0x60, 0x31, 0, 0x31, 0x10, 1}, b...)
		b = append(binary.BigEndian.AppendUint16(nil, uint16(len(b))), b...)
		return b, bytes.Index(b, []byte{0x12, 0x34, 0x56})
	}
	k := &talk{}
	k.request, k.stan[0] = pack("0200", map[int]string{2: "6224240000000007", 22: "051", 25: "00"})
	k.answer, k.stan[1] = pack("0210", map[int]string{39: "00", 37: "000000000001"})
	return k
}

// message gives the n-th request or answer in b's memory.
func (k *talk) message(b []byte, answer bool, n int) []byte {
	from, at := k.request, k.stan[0]
	if answer {
		from, at = k.answer, k.stan[1]
	}
	b = append(b[:0], from...)
	n %= 1000000
	for i := 2; i >= 0; i-- {
		b[at+i] = byte(n/10%10<<4 | n%10)
		n /= 100
	}
	return b
}

// expect reads the n-th message and compares every byte.
func (k *talk) expect(in io.Reader, want, got []byte, answer bool, n int) error {
	want = k.message(want, answer, n)
	got = got[:len(want)]
	if _, err := io.ReadFull(in, got); err != nil {
		return fmt.Errorf("message %d: %w", n, err)
	}
	if !bytes.Equal(got, want) {
		return fmt.Errorf("message %d is % X, want % X", n, got, want)
	}
	return nil
}

// bank answers all terminals, after it has compared every byte of what they sent, until l is closed.
func bank(l net.Listener, talks []*talk, complain func(...any)) {
	for {
		c, err := l.Accept()
		if err != nil {
			return
		}
		go func() {
			defer c.Close()
			in := bufio.NewReader(c)
			want, got, out := make([]byte, 0, 512), make([]byte, 512), make([]byte, 0, 512)
			first, err := in.Peek(len(talks[0].request))
			if err != nil {
				return
			}
			who := slices.IndexFunc(talks, func(k *talk) bool { return bytes.Equal(k.message(want, false, 0), first) })
			if who < 0 {
				complain(fmt.Sprintf("at the host: % X is nobody's first message", first))
				return
			}
			k := talks[who]
			for n := 0; ; n++ {
				if _, err := in.Peek(1); err != nil {
					return
				}
				if err := k.expect(in, want, got, false, n); err != nil {
					complain("at the host:", err)
					return
				}
				if _, err := c.Write(k.message(out, true, n)); err != nil {
					return
				}
			}
		}()
	}
}

// load sends the messages of all terminals to addr and compares every byte of the answers.
func load(t testing.TB, addr string, talks []*talk, each int) {
	t.Helper()
	var all sync.WaitGroup
	for i, k := range talks {
		all.Go(func() {
			c, err := net.Dial("tcp", addr)
			if err != nil {
				t.Error(err)
				return
			}
			defer c.Close()
			in, out := bufio.NewReader(c), make([]byte, 0, 512)
			want, got := make([]byte, 0, 512), make([]byte, 512)
			for n := 0; n < each+ahead; n++ {
				if n < each {
					if _, err := c.Write(k.message(out, false, n)); err != nil {
						t.Errorf("terminal %d: %v", i, err)
						return
					}
				}
				if n >= ahead {
					if err := k.expect(in, want, got, true, n-ahead); err != nil {
						t.Errorf("terminal %d: %v", i, err)
						return
					}
				}
			}
		})
	}
	all.Wait()
}

// tapped runs a tap in front of the bank and gives its address; stop ends it.
func tapped(t testing.TB, bank net.Listener, sink func(link.Event)) (tap *link.Tap, stop func()) {
	t.Helper()
	tap, err := link.NewTap("127.0.0.1:0", bank.Addr().String(), link.TapOptions{})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- tap.Run(ctx, sink) }()
	return tap, func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	}
}

// Whatever the analysis does, every byte of every message arrives both ways.
func TestTapCarriesEveryByteWhateverTheAnalysisDoes(t *testing.T) {
	talks := make([]*talk, terminals)
	for i := range talks {
		talks[i] = newTalk(i)
	}
	each := max(*messages/terminals, 1)
	session := func() *diagnostics.Session {
		s, err := diagnostics.NewSession(diagnostics.Options{Info: link.Info{Kind: "tap"}})
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	for _, c := range []struct {
		name  string
		sink  func(s *diagnostics.Session, release <-chan struct{}) func(link.Event)
		check func(t *testing.T, s *diagnostics.Session, d link.Dropped)
	}{
		{"as it should", func(s *diagnostics.Session, _ <-chan struct{}) func(link.Event) { return s.Handle },
			func(t *testing.T, s *diagnostics.Session, d link.Dropped) {
				// On a busy machine copies may be dropped; then they are counted.
				if n := s.Snapshot().Totals.Messages; d.Copies == 0 && n != 2*each*terminals {
					t.Errorf("%d messages were analysed, want %d; dropped %+v", n, 2*each*terminals, d)
				}
			}},
		{"panics", func(s *diagnostics.Session, _ <-chan struct{}) func(link.Event) {
			n := 0
			return func(ev link.Event) {
				if n++; n%3 == 0 {
					panic("on purpose")
				}
				s.Handle(ev)
			}
		}, func(t *testing.T, s *diagnostics.Session, d link.Dropped) {
			if d.Panics == 0 || s.Snapshot().Totals.Dropped == 0 {
				t.Errorf("the panics were not counted: %+v", d)
			}
		}},
		{"never returns", func(_ *diagnostics.Session, release <-chan struct{}) func(link.Event) {
			return func(link.Event) { <-release }
		}, func(*testing.T, *diagnostics.Session, link.Dropped) {}},
	} {
		t.Run(c.name, func(t *testing.T) {
			l, err := net.Listen("tcp", "127.0.0.1:0")
			if err != nil {
				t.Fatal(err)
			}
			defer l.Close()
			go bank(l, talks, t.Error)
			release := make(chan struct{})
			s := session()
			tap, stop := tapped(t, l, c.sink(s, release))
			begun := time.Now()
			load(t, tap.Addr().String(), talks, each)
			took := time.Since(begun)
			close(release)
			stop()
			t.Logf("%d requests and their answers in %v, dropped %+v", each*terminals, took.Round(time.Millisecond), tap.Dropped())
			c.check(t, s, tap.Dropped())
		})
	}
}
