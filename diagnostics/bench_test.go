package diagnostics

import (
	"bytes"
	"encoding/hex"
	"fmt"
	"runtime"
	"testing"
	"time"

	"tillscope/link"
	"tillscope/wire"
)

// traffic makes endless exchanges out of packed templates: patching bytes is faster than packing, so that the benchmark
// measures the chain and not its own input.
type traffic struct {
	request, answer []byte
	stanAt          [2]int
	termAt          [2]int
	codeAt          int
	cardAt          [2]int
	stan            int
}

func newTraffic(tb testing.TB) *traffic {
	r := &rig{t: tb}
	fields := map[int]string{2: pan1, 3: "000000", 4: "000000000100", 11: "987654", 22: "051", 25: "00", 41: "T7654321", 42: "898310054110001", 49: "156", 60: "2200000100050"}
	x := &traffic{request: r.msg("0200", fields)}
	fields[37], fields[39], fields[12], fields[13] = "112412000123", "Q9", "120429", "1124"
	x.answer = r.msg("0210", fields)
	for i, b := range [2][]byte{x.request, x.answer} {
		x.stanAt[i], x.termAt[i] = bytes.Index(b, []byte{0x98, 0x76, 0x54}), bytes.Index(b, []byte("T7654321"))
		x.cardAt[i] = bytes.Index(b, []byte{0x62, 0x00, 0x00, 0x00})
	}
	x.codeAt = bytes.Index(x.answer, []byte("Q9"))
	return x
}

// next is one exchange: 40 terminals, 8 issuers, 3 % declined, 0.5 % unanswered.
func (x *traffic) next(out [2][]byte) [2][]byte {
	x.stan = x.stan%999999 + 1
	digits, _ := hex.DecodeString(fmt.Sprintf("%06d", x.stan))
	for i, b := range [2][]byte{x.request, x.answer} {
		copy(b[x.stanAt[i]:], digits)
		b[x.termAt[i]+6], b[x.termAt[i]+7] = byte('0'+x.stan/10%4), byte('0'+x.stan%10)
		b[x.cardAt[i]+2] = byte(x.stan / 7 % 8)
	}
	copy(x.answer[x.codeAt:], "00")
	if x.stan%33 == 0 {
		copy(x.answer[x.codeAt:], "51")
	}
	out[0] = append(out[0], x.request...)
	if x.stan%200 != 0 {
		out[1] = append(out[1], x.answer...)
	}
	return out
}

// BenchmarkChain is the whole chain, decode to ledger to tree: an operation is one message. A verdict is asked for every
// 10,000 messages, five times a second at 50,000 a second. Run it with -benchtime 5000000x for the memory of weeks.
func BenchmarkChain(b *testing.B) {
	s, err := NewSession(Options{Wire: wire.Options{Framing: "len2", Header: "tpdu+cup", Dialect: "cup"}})
	if err != nil {
		b.Fatal(err)
	}
	x := newTraffic(b)
	ev := link.Event{At: t0, Conn: 1, Terminal: "10.0.0.1:1000", Host: "10.0.0.9:8583", Kind: link.Opened}
	s.Handle(ev)
	ev.Kind = link.Data
	peak := uint64(0)
	b.ReportAllocs()
	b.ResetTimer()
	for done := 0; done < b.N; {
		var chunk [2][]byte
		for range 50 {
			chunk = x.next(chunk)
			done += 2
		}
		for dir, data := range chunk {
			ev.At = ev.At.Add(time.Millisecond)
			ev.Dir, ev.Data = link.Dir(dir), data
			s.Handle(ev)
		}
		if done%10000 == 0 {
			s.Snapshot()
			var m runtime.MemStats
			runtime.ReadMemStats(&m)
			peak = max(peak, m.HeapInuse+m.StackInuse)
		}
	}
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "msg/s")
	b.ReportMetric(float64(peak)/(1<<20), "peak-MiB")
}

// BenchmarkLedger is pairing and following alone, of messages that are decoded already.
func BenchmarkLedger(b *testing.B) {
	s, err := NewSession(Options{Wire: wire.Options{Framing: "len2", Header: "tpdu+cup", Dialect: "cup"}})
	if err != nil {
		b.Fatal(err)
	}
	x := newTraffic(b)
	s.Handle(link.Event{At: t0, Conn: 1, Terminal: "10.0.0.1:1000", Host: "10.0.0.9:8583", Kind: link.Opened})
	c := s.in.conns[1]
	var msgs []*wire.Message
	for range 5000 {
		for dir, data := range x.next([2][]byte{}) {
			msgs = append(msgs, c.half[dir].s.Write(data)...)
		}
	}
	b.ReportAllocs()
	b.ResetTimer()
	at := t0
	for i := range b.N {
		at = at.Add(time.Millisecond)
		m := msgs[i%len(msgs)]
		dir := link.ToHost
		if isResponse(m.MTI) {
			dir = link.ToTerminal
		}
		s.message(c, &item{m: m, dir: dir, at: at})
	}
}
