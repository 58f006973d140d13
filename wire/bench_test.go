package wire

import (
	"encoding/hex"
	"maps"
	"math/rand/v2"
	"runtime"
	"runtime/debug"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/moov-io/iso8583"
	"github.com/moov-io/iso8583/encoding"
	"github.com/moov-io/iso8583/specs"
)

// ledgerFields are the ten values that the diagnosis reads of every message.
var ledgerFields = []int{2, 3, 4, 11, 37, 38, 39, 41, 42, 60}

// typical is a purchase of about 220 bytes in a dialect, framed.
func typical(t testing.TB, dialect string) (framed, body []byte) {
	t.Helper()
	spec, err := Spec(dialect)
	if err != nil {
		t.Fatal(err)
	}
	m := iso8583.NewMessage(spec)
	m.MTI("0200")
	fields := map[int]string{2: testPAN, 3: "000000", 4: "000000012800", 11: "000123", 12: "120429", 13: "1124", 14: "3012", 22: "051", 25: "00", 35: testPAN + "=30122015432100",
		37: "112412000123", 38: "123456", 39: "00", 41: "10000001", 42: "898310000000001", 49: "156", 60: "2200000100050"}
	var head []byte
	if dialect == "cup" {
		chip, _ := hex.DecodeString("9F26081122334455667788" + "9F2701809F100807010103A0A00000" + "9F3704AABBCCDD" + "9F36020012" + "950500000480009A032611249C0100" + "9F02060000000128005F2A020156" + "82027C009F1A020156" + "9F03060000000000009F3303E0F8C8")
		fields[55], fields[52], fields[64] = string(chip), "\x12\x34\x56\x78\x9a\xbc\xde\xf1", "A1B2C3D4"
		head, _ = hex.DecodeString("6000030000603100311001")
	} else {
		fields[7], fields[32] = "1124120429", "48210000"
		fields[48], fields[60] = strings.Repeat("DATA", 8), "22000001"
	}
	for id, v := range fields {
		if err := m.Field(id, v); err != nil {
			t.Fatal(id, err)
		}
	}
	if body, err = m.Pack(); err != nil {
		t.Fatal(err)
	}
	payload := append(head, body...)
	return append([]byte{byte(len(payload) >> 8), byte(len(payload))}, payload...), body
}

// asAtWork lets the garbage collector come as often as in a program that keeps some 40 MB, until the benchmark is over: on the
// empty heap of a benchmark it comes some hundred times a second, and how long each time takes depends on what else the machine does.
func asAtWork(b *testing.B) {
	before := debug.SetGCPercent(1000)
	b.Cleanup(func() { debug.SetGCPercent(before) })
}

// BenchmarkDecode is the full masked decode of a line whose form is known: MTI, spans of all fields, masking of values
// and bytes, and the values that the ledger needs.
func BenchmarkDecode(b *testing.B) {
	asAtWork(b)
	for _, dialect := range []string{"cup", "iso87-ascii"} {
		b.Run(dialect, func(b *testing.B) {
			f, _ := typical(b, dialect)
			s := settled(b, f)
			b.ReportAllocs()
			b.SetBytes(int64(len(f)))
			for b.Loop() {
				decodeOne(b, s, f)
			}
		})
	}
}

func settled(b *testing.B, f []byte) *Stream {
	b.Helper()
	d, err := NewDecoder(Options{})
	if err != nil {
		b.Fatal(err)
	}
	s := d.Stream(true)
	for range 2 * trialFrames {
		s.Write(f)
	}
	return s
}

func decodeOne(b *testing.B, s *Stream, f []byte) {
	out := s.Write(f)
	if len(out) != 1 || out[0].Stop != nil {
		b.Fatal("no message")
	}
	n := 0
	for _, id := range ledgerFields {
		n += len(out[0].Get(id))
	}
	if n < 50 {
		b.Fatal("no values")
	}
}

// moovs are moov's own unpackings of the same bytes: what ours is compared with. Stock CUP uses moov's BCD codecs, but for field 35,
// whose separator they refuse.
func moovs(b *testing.B) map[string]func() {
	b.Helper()
	unpacking := map[string]func(){}
	of := func(name, dialect string, spec *iso8583.MessageSpec) {
		_, body := typical(b, dialect)
		unpacking[name] = func() {
			if err := iso8583.NewMessage(spec).Unpack(body); err != nil {
				b.Fatal(err)
			}
		}
	}
	for _, dialect := range []string{"cup", "iso87-ascii"} {
		spec, err := Spec(dialect)
		if err != nil {
			b.Fatal(err)
		}
		of(dialect, dialect, spec)
	}
	ours := map[string]encoding.Encoder{"BCD": encoding.BCD, "LBCD": encoding.LBCD}
	for name, moovs := range ours {
		ours[name] = specs.EncodingsExtToInt[name]
		specs.EncodingsExtToInt[name] = moovs
	}
	spec, err := Spec("cup")
	for name, codec := range ours {
		specs.EncodingsExtToInt[name] = codec
	}
	if err != nil {
		b.Fatal(err)
	}
	track := *spec.Fields[35].Spec()
	track.Enc = ours["LBCD"]
	spec.Fields[35].SetSpec(&track)
	of("cup-stock", "cup", spec)
	return unpacking
}

// BenchmarkMoov is the one beside BenchmarkDecode.
func BenchmarkMoov(b *testing.B) {
	asAtWork(b)
	unpacking := moovs(b)
	for _, name := range slices.Sorted(maps.Keys(unpacking)) {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				unpacking[name]()
			}
		})
	}
}

// BenchmarkBesideMoov is both in turns: how many times as long moov takes.
func BenchmarkBesideMoov(b *testing.B) {
	asAtWork(b)
	unpacking := moovs(b)
	for _, x := range []struct {
		dialect, moov string
		ours, theirs  int // messages that take a millisecond or two
	}{{"cup", "cup-stock", 2000, 20}, {"iso87-ascii", "iso87-ascii", 2500, 250}} {
		b.Run(x.dialect, func(b *testing.B) {
			f, _ := typical(b, x.dialect)
			s := settled(b, f)
			some := func(n int, one func()) func() time.Duration {
				return func() time.Duration {
					began := time.Now()
					for range n {
						one()
					}
					return time.Since(began) / time.Duration(n)
				}
			}
			took := inTurns(b, some(x.ours, func() { decodeOne(b, s, f) }), some(x.theirs, unpacking[x.moov]))
			b.ReportMetric(float64(took[0].Nanoseconds()), "ns/message")
			b.ReportMetric(float64(took[1].Nanoseconds()), "moov-ns/message")
			b.ReportMetric(float64(took[1])/float64(took[0]), "x-moov")
		})
	}
}

// inTurns does each work in turn until the benchmark is over, and answers what the quickest tenth of each took: what else runs on
// the machine takes time from one now and then, and never gives any.
func inTurns(b *testing.B, works ...func() time.Duration) []time.Duration {
	took := make([][]time.Duration, len(works))
	for b.Loop() {
		for i, work := range works {
			took[i] = append(took[i], work())
		}
	}
	var tenth []time.Duration
	for _, all := range took {
		slices.Sort(all)
		tenth = append(tenth, all[len(all)/10])
	}
	return tenth
}

// BenchmarkDetect is the detection of a new line from its first message.
func BenchmarkDetect(b *testing.B) {
	for _, dialect := range []string{"cup", "iso87-ascii"} {
		b.Run(dialect, func(b *testing.B) {
			f, _ := typical(b, dialect)
			b.ReportAllocs()
			for b.Loop() {
				d, err := NewDecoder(Options{})
				if err != nil {
					b.Fatal(err)
				}
				if len(d.Stream(true).Write(f)) != 1 {
					b.Fatal("no message")
				}
			}
		})
	}
}

// BenchmarkConnections decodes many connections on one core and on all, each with its own decoder, so that they share nothing,
// and beside them runs a loop that needs nothing but registers: what the machine gives at all. One core is one for the garbage
// collector, too, which would else work beside it for nothing.
func BenchmarkConnections(b *testing.B) {
	asAtWork(b)
	f, _ := typical(b, "cup")
	cores := runtime.GOMAXPROCS(0)
	defer runtime.GOMAXPROCS(cores)
	streams := make([]*Stream, cores)
	for i := range streams {
		streams[i] = settled(b, f)
	}
	sums := make([]uint64, 8*cores) // a line of the cache for each
	const slice = 8000              // messages, and as long a loop
	timed := func(workers int, work func(i int)) time.Duration {
		runtime.GOMAXPROCS(workers)
		var all sync.WaitGroup
		var there atomic.Int32
		took := make([]time.Duration, workers)
		for i := range workers {
			all.Go(func() {
				for there.Add(1); int(there.Load()) < workers; { // a core may take its time to wake
					runtime.Gosched()
				}
				began := time.Now()
				work(i)
				took[i] = time.Since(began)
			})
		}
		all.Wait()
		return slices.Max(took)
	}
	decode := func(i int) {
		for range slice {
			streams[i].Write(f)
		}
	}
	spin := func(i int) {
		x := uint64(i + 1)
		for range 400 * slice {
			x ^= x << 13
			x ^= x >> 7
			x ^= x << 17
		}
		sums[8*i] += x
	}
	on := func(workers int, work func(i int)) func() time.Duration {
		return func() time.Duration { return timed(workers, work) }
	}
	took := inTurns(b, on(1, decode), on(cores, decode), on(1, spin), on(cores, spin))
	gain := func(one, all time.Duration) float64 { return float64(cores) * float64(one) / float64(all) }
	b.ReportMetric(gain(took[0], took[1]), "decoding-x")
	b.ReportMetric(gain(took[2], took[3]), "machine-x")
}

// BenchmarkNoise reads what nobody understands: bytes of any kind, digits in text, packed digits.
func BenchmarkNoise(b *testing.B) {
	for name, f := range map[string]func(*rand.Rand) byte{
		"bytes":  func(r *rand.Rand) byte { return byte(r.Uint32()) },
		"digits": func(r *rand.Rand) byte { return '0' + byte(r.IntN(10)) },
		"packed": func(r *rand.Rand) byte { return byte(r.IntN(10)<<4 | r.IntN(10)) },
		"zeros":  func(r *rand.Rand) byte { return 0 },
	} {
		b.Run(name, func(b *testing.B) {
			r := rand.New(rand.NewPCG(1, 2))
			noise := make([]byte, 64<<10)
			for i := range noise {
				noise[i] = f(r)
			}
			b.SetBytes(int64(len(noise)))
			for b.Loop() {
				d, _ := NewDecoder(Options{})
				s := d.Stream(true)
				s.Write(noise)
				s.Close()
			}
		})
	}
}
