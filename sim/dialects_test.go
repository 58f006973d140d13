package sim

import (
	"bytes"
	"context"
	"fmt"
	"net"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"tillscope/link"
	"tillscope/wire"
)

// read decodes what a tap saw, without being told what is spoken.
func read(t *testing.T, events []link.Event) (msgs []*wire.Message, det wire.Detection) {
	t.Helper()
	d, err := wire.NewDecoder(wire.Options{})
	if err != nil {
		t.Fatal(err)
	}
	streams := map[string]*wire.Stream{}
	for _, ev := range events {
		if ev.Kind != link.Data {
			continue
		}
		key := fmt.Sprint(ev.Conn, ev.Dir)
		if streams[key] == nil {
			streams[key] = d.Stream(ev.Dir == link.ToHost)
		}
		msgs = append(msgs, streams[key].Write(ev.Data)...)
	}
	return msgs, d.Detection()
}

// whole fails for messages that were not read to their end.
func whole(t *testing.T, msgs []*wire.Message) (approved int) {
	t.Helper()
	for _, m := range msgs {
		if m.Undecoded() || m.Stop != nil || m.Trailing != 0 {
			t.Errorf("%s %s: %+v, %d bytes behind it: %s", m.MTI, m.Get(11), m.Stop, m.Trailing, m.Raw())
		}
		if code := m.Get(39); len(m.MTI) == 4 && m.MTI[1:3] == "21" && strings.Trim(code, "0") == "" && code != "" {
			approved++
		}
	}
	return approved
}

// The program's own reader, which knows nothing of the store, reads every dialect that the store speaks, to the last byte.
func TestEveryDialectIsSpoken(t *testing.T) {
	for _, dialect := range wire.Dialects() {
		t.Run(dialect, func(t *testing.T) {
			t.Parallel()
			p := play(t, Options{Seed: 5, Unpaced: true, Terminals: 1, Dialect: dialect}, func(p *played) bool {
				return has(25, "0210", 39, "00")(p) && has(2, "0510", 39, "00")(p) && p.count(func(m parcel) bool { return m.mti == "0330" }) > 3
			})
			msgs, det := read(t, p.events)
			named := dialect
			if dialect == "traderoot" { // only its third bitmap tells it from this one, and the store sends none
				named = "iso87-ascii-bin"
			}
			if approved := whole(t, msgs); approved < 25 || det.Dialect != named {
				t.Errorf("%d approvals, taken for %+v", approved, det)
			}
			for _, m := range p.messages { // nothing was reversed: every answer was taken
				if m.mti == "0400" {
					t.Fatal("a healthy store reversed something")
				}
			}
		})
	}
}

func TestEveryFramingAndHeaderIsSpoken(t *testing.T) {
	for _, framing := range framings {
		for _, header := range []string{"tpdu", "none"} {
			o := Options{Seed: 5, Unpaced: true, Terminals: 1, Dialect: "iso87-bcd", Framing: framing, Header: header}
			p := play(t, o, has(12, "0210", 39, "00"))
			msgs, det := read(t, p.events)
			if whole(t, msgs); det.Framing != framing || det.Header != header {
				t.Errorf("%s behind %s was taken for %+v", header, framing, det)
			}
		}
	}
	for dialect, header := range map[string]string{"iso87-ascii": "base24", "iso87-ebcdic": "visa", "cup": "tpdu+version2"} {
		p := play(t, Options{Seed: 5, Unpaced: true, Terminals: 1, Dialect: dialect, Header: header}, has(12, "0210", 39, "00"))
		msgs, det := read(t, p.events)
		if whole(t, msgs); det.Header != header {
			t.Errorf("%s of %s was taken for %+v", header, dialect, det)
		}
	}
}

// Every scenario runs in every dialect, over real connections, and gets as far as its faults let it: every message packs, or
// the store would have ended with the error, and terminals do not connect for nothing.
func TestEveryScenarioRunsInEveryDialect(t *testing.T) {
	all := wire.Dialects()
	if testing.Short() {
		all = []string{"cup", "iso87-ascii", "iso93-ascii"}
	}
	var running sync.WaitGroup
	slots := make(chan struct{}, 8)
	for _, sc := range Scenarios() {
		for _, dialect := range all {
			slots <- struct{}{}
			running.Go(func() {
				runsIn(t, sc.ID, dialect)
				<-slots
			})
		}
	}
	running.Wait()
}

func runsIn(t *testing.T, id, dialect string) {
	want := 150
	if strings.HasPrefix(id, "network.") && id != "network.unstable" {
		want = 50 // a line that carries nothing has little to tell
	}
	s, err := New(Options{Scenario: id, Dialect: dialect, Seed: 8, Unpaced: true}) // a busy machine makes nobody give up
	if err != nil {
		t.Error(err)
		return
	}
	p, err := watched(t.Context(), s, func(p *played) bool { return len(p.events) >= want && idleFaults(s) == "" })
	if err != nil {
		t.Errorf("%s in %s: %v; still to strike: %s", id, dialect, err, idleFaults(s))
		return
	}
	if all, n := unused(p.events[:want]); n > 0 && id != "network.carrier-outage" {
		t.Errorf("%s in %s: of %d connections %d were opened and closed, and nothing was sent", id, dialect, all, n)
	}
}

// idleFaults names a fault that should have struck and did not yet.
func idleFaults(s *Store) string {
	for _, a := range s.Control().List() {
		whole := strings.HasPrefix(a.Fault.Kind, "payout.") || a.Fault.Kind == "host.down" || a.Fault.Kind == "line.outage" // of a host or bank: not counted
		if !whole && a.Hits == 0 && (a.Fault.Share == 0 || a.Fault.Share > 0.3) {
			return a.Fault.Kind
		}
	}
	return ""
}

// unused counts connections, and those that ended without a byte.
func unused(events []link.Event) (all, n int) {
	open := map[uint64]bool{}
	for _, ev := range events {
		switch ev.Kind {
		case link.Opened:
			open[ev.Conn] = true
			all++
		case link.Data:
			delete(open, ev.Conn)
		case link.Closed, link.Reset:
			if open[ev.Conn] {
				n++
			}
			delete(open, ev.Conn)
		}
	}
	return all, n
}

// A store that cannot pack a message ends and says so, whichever half it is.
func TestAMessageThatDoesNotPackEndsTheStore(t *testing.T) {
	for _, alone := range []bool{false, true} {
		s, err := New(Options{Seed: 1, Unpaced: true})
		if err != nil {
			t.Fatal(err)
		}
		s.control.change(func(list []*live) []*live { // Add would refuse it
			return append(list, &live{Fault: Fault{Kind: "setup.tid", Value: "too long an id"}, id: 1})
		})
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		if alone {
			err = s.Sell(ctx, "127.0.0.1:9")
		} else {
			err = s.Run(ctx, func(link.Event) {})
		}
		if err == nil || !strings.Contains(err.Error(), "field 41") || ctx.Err() != nil {
			t.Errorf("it ended with %v", err)
		}
	}
}

// The same seed says the same on the same day, byte for byte, whatever is wrong. What is promised is the bytes of each
// terminal's line, each direction by itself: how the talk of several terminals interleaves is the machine's business, and no
// terminal depends on another, unless noise turns its number into the other's. The stores are unpaced and their date stands
// still: in a paced one a busy machine may make an answer late.
func TestSameSeedSameBytes(t *testing.T) {
	var plays []Options
	dialects := []string{"cup", "iso87-ascii"}
	if testing.Short() {
		dialects = dialects[:1]
	}
	for _, sc := range Scenarios() {
		for _, dialect := range dialects {
			plays = append(plays, Options{Scenario: sc.ID, Dialect: dialect})
		}
	}
	for _, o := range append(plays, Options{Scenario: "risk.limit", Serial: true}) {
		name := o.Scenario + " " + o.Dialect
		if o.Serial {
			name += "serial"
		}
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o.Unpaced = true
			if o.Scenario == "data.corrupt" || loopback(1) == nil { // lines are told apart by the terminals' addresses
				o.Terminals = 1
			}
			want := 8_000
			switch o.Scenario { // nothing is said there, or nothing once the line is gone
			case "network.server-down":
				want = 0
			case "network.carrier-outage":
				want = 1_500
			}
			first := spoken(t, o, 7, want)
			if d := differ(first, spoken(t, o, 7, want), want/2); d != "" {
				t.Error(d)
			}
			if want > 0 && differ(first, spoken(t, o, 8, want), 0) == "" {
				t.Error("another seed said the same")
			}
		})
	}
}

// spoken is what lines carried until it was so many bytes on each: by terminal and direction, each connection by itself.
func spoken(t *testing.T, o Options, seed int64, want int) map[string][][]byte {
	t.Helper()
	o.Seed = seed
	s, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	s.clock.date = time.Date(2026, 3, 4, 10, 20, 30, 0, beijing)
	size, events := map[string]int{}, 0
	p := run(t, s, func(p *played) bool {
		for ; events < len(p.events); events++ {
			size[speaker(p.events[events])] += len(p.events[events].Data)
		}
		for _, n := range size {
			if n < want {
				return false
			}
		}
		return len(size) >= s.terminals && events > 20
	})
	type line struct {
		conns []uint64
		data  map[uint64]*[2][]byte
	}
	lines := map[string]*line{}
	for _, ev := range p.events {
		who := speaker(ev)
		if lines[who] == nil {
			lines[who] = &line{data: map[uint64]*[2][]byte{}}
		}
		l := lines[who]
		if l.data[ev.Conn] == nil {
			l.data[ev.Conn] = new([2][]byte)
			l.conns = append(l.conns, ev.Conn)
		}
		l.data[ev.Conn][ev.Dir] = append(l.data[ev.Conn][ev.Dir], ev.Data...)
	}
	out := map[string][][]byte{}
	for who, l := range lines {
		slices.Sort(l.conns) // a terminal may dial again before the tap has told all of the connection before
		if !o.Serial {
			l.conns = l.conns[:max(len(l.conns)-2, 0)] // for the same reason the last may lack a part
		}
		for _, c := range l.conns {
			for dir, data := range l.data[c] {
				key := fmt.Sprint(who, " ", dir)
				out[key] = append(out[key], data)
			}
		}
	}
	return out
}

// speaker tells terminals apart: by their address, on serial lines by the line.
func speaker(ev link.Event) string {
	if host, _, err := net.SplitHostPort(ev.Terminal); err == nil {
		return host
	}
	return fmt.Sprint(ev.Conn)
}

// differ tells where two runs differ as far as both got, or that they did not get far together.
func differ(a, b map[string][][]byte, least int) string {
	compared := 0
	for line := range a {
		p, q := a[line], inOrderOf(a[line], b[line])
		if last := min(len(p), len(q)) - 1; last > 0 { // it may have changed places with one that was cut off
			p, q = p[:last], q[:last]
		}
		x, y := bytes.Join(p, nil), bytes.Join(q, nil)
		n := min(len(x), len(y))
		compared += n
		for i := range n {
			if from := max(i-200, 0); x[i] != y[i] {
				return fmt.Sprintf("byte %d of line %s differs:\n%q\n%q", i, line, x[from:min(i+60, n)], y[from:min(i+60, n)])
			}
		}
	}
	if compared < least {
		return fmt.Sprintf("only %d bytes can be compared", compared)
	}
	return ""
}

// inOrderOf lets neighbours among b's connections change places where a's stand the other way round: of two that were dialled
// in one breath, as by who gets no ACK, a system may accept the second first.
func inOrderOf(a, b [][]byte) [][]byte {
	b = slices.Clone(b)
	for i := range min(len(a), len(b)-1) {
		if !bytes.Equal(a[i], b[i]) && bytes.Equal(a[i], b[i+1]) {
			b[i], b[i+1] = b[i+1], b[i]
		}
	}
	return b
}

func TestSerialStore(t *testing.T) {
	for _, scenario := range []string{healthy, "data.lost", "data.corrupt"} {
		unpaced := scenario != "data.corrupt" // whose terminals wait for answers of a host that cannot read them
		p := play(t, Options{Scenario: scenario, Serial: true, Seed: 3, Unpaced: unpaced, Speed: 20, Terminals: 2}, func(p *played) bool { return p.kind(link.Data) > 400 })
		msgs, det := read(t, p.events)
		types := map[string]int{}
		for _, m := range msgs {
			types[m.MTI]++
		}
		if det.Framing != "stx-etx" || det.Dialect != "cup" || types["0210"] < 5 {
			t.Errorf("%s: %+v, %v", scenario, det, types)
		}
		if reversals := types["0400"]; (reversals > 0) != (scenario != healthy) {
			t.Errorf("%s: %d reversals", scenario, reversals)
		}
		line := bytes.Join(func() (all [][]byte) {
			for _, ev := range p.events {
				all = append(all, ev.Data)
			}
			return
		}(), nil)
		if len(line) == 0 || p.events[0].Kind != link.Opened {
			t.Error("the line was not opened")
		}
	}
	p := play(t, Options{Serial: true, Seed: 3, Speed: 20, Terminals: 1}, func(p *played) bool { return p.kind(link.Data) > 4 }, Fault{Kind: "serial.baud"})
	msgs, _ := read(t, p.events)
	for _, m := range msgs {
		if !m.Undecoded() {
			t.Errorf("%s was understood at a wrong baud rate", m.MTI)
		}
	}
}

// Half a frame, as a port driver with a small buffer or a pulled plug leaves it, does not swallow the frame after it.
func TestHalfAFrameOnASerialLine(t *testing.T) {
	s, err := New(Options{Serial: true, Seed: 1})
	if err != nil {
		t.Fatal(err)
	}
	host, err := OpenPort(PTY, 9600)
	if err != nil {
		t.Skip(err)
	}
	line, err := os.OpenFile(host.Name, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	served := make(chan error, 1)
	go func() { served <- s.ServeSerial(ctx, host) }()
	defer func() {
		cancel()
		line.Close()
		if err := <-served; err != nil {
			t.Error(err)
		}
	}()
	frame, err := s.codec.pack(message{mti: "0800", head: usualHead(), f: fields{11: "000001", 41: "99999999", 42: "123456789012345", 60: "00000001003", 63: "01 "}}, nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := line.Write(frame[:len(frame)/2]); err != nil {
		t.Fatal(err)
	}
	time.Sleep(4 * betweenBytes) // the silence is what is tested
	if _, err := line.Write(frame); err != nil {
		t.Fatal(err)
	}
	answer := make(chan []byte, 1)
	go func() {
		b := make([]byte, 1)
		if _, err := line.Read(b); err == nil {
			answer <- b
		}
	}()
	select {
	case b := <-answer:
		if b[0] != stx {
			t.Errorf("the answer begins with %#x", b)
		}
	case <-time.After(20 * time.Second):
		t.Error("the whole frame got no answer")
	}
}
