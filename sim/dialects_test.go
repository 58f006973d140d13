package sim

import (
	"bytes"
	"context"
	"fmt"
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
			if approved := whole(t, msgs); approved < 25 || det.Dialect != dialect {
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
	slots := make(chan struct{}, 40) // they wait most of the time
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
	s, err := New(Options{Scenario: id, Dialect: dialect, Seed: 8, Speed: 10})
	if err != nil {
		t.Error(err)
		return
	}
	p, err := watched(t.Context(), s, func(p *played) bool { return len(p.events) >= want && idleFaults(s) == "" })
	if err != nil {
		t.Errorf("%s in %s: %v; still to strike: %s", id, dialect, err, idleFaults(s))
		return
	}
	// A terminal of a busy machine may give a connect up that just stood: a few are no mistake.
	if all, n := unused(p.events[:want]); n*5 > all && id != "network.carrier-outage" {
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

// timeless is a request without what names a time, so that two runs can be compared: times themselves, MACs over them, and
// what depends on the day.
func timeless(m parcel) string {
	var b strings.Builder
	b.WriteString(m.mti)
	var ids []int
	for n := range m.f {
		ids = append(ids, n)
	}
	slices.Sort(ids)
	for _, n := range ids {
		v := m.f[n]
		switch n {
		case 7, 12, 13, 15, 64, 90, 128, 56:
			continue
		case 55:
			if at := strings.Index(v, "\x9a\x03"); at > 0 {
				v = v[:at] + v[at+5:]
			}
		case 61:
			v = v[:min(12, len(v))]
		}
		fmt.Fprintf(&b, " %d=%x", n, v)
	}
	return b.String()
}

// The same seed says the same, byte for byte: whole frames where nothing names a time, all but times elsewhere.
func TestSameSeedSameMessages(t *testing.T) {
	for _, o := range []Options{{}, {Scenario: "network.unstable"}, {Scenario: "mixed", Dialect: "iso87-ascii"}, {Scenario: "risk.verification"}} {
		o.Unpaced = true // a busy machine must not look like a slow host
		talk := func(seed int64) map[string][]string {
			o.Seed = seed
			out := map[string][]string{}
			p := play(t, o, func(p *played) bool { return len(p.messages) > 300 })
			for _, m := range p.messages {
				key := m.f[41] + m.mti[2:3] // requests and answers cross at the tap
				out[key] = append(out[key], timeless(m))
			}
			return out
		}
		a, b, compared := talk(7), talk(7), 0
		for tid, said := range a {
			again := b[tid]
			n := min(len(said), len(again))
			compared += n
			for i := range n {
				if said[i] != again[i] {
					t.Errorf("%s: message %d of %s differs:\n%s\n%s", o.Scenario, i, tid, said[i], again[i])
					break
				}
			}
		}
		if compared < 100 {
			t.Errorf("%s: only %d messages could be compared", o.Scenario, compared)
		}
		if other := talk(8); slices.Equal(a["100100010"], other["100100010"]) {
			t.Error("another seed said the same")
		}
	}
}

func TestSerialStore(t *testing.T) {
	for _, scenario := range []string{healthy, "data.lost", "data.corrupt"} {
		p := play(t, Options{Scenario: scenario, Serial: true, Seed: 3, Speed: 20, Terminals: 2}, func(p *played) bool { return p.kind(link.Data) > 400 })
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
