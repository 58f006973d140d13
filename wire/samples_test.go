package wire

import (
	"encoding/hex"
	"encoding/json"
	"os"
	"strings"
	"testing"
)

type sample struct {
	ID, Framing, Header, Dialect, Hex, MTI string
	Fields                                 map[string]string
	Valid                                  bool
	Overrides                              map[string]string
	Trailing, Outside                      int
}

// Names that the collection gives, in ours. What has none there is rare and has no id of its own.
var (
	sampleFraming = map[string]string{"len2-binary": "len2", "len2-binary-inclusive": "len2-incl", "len2-bcd": "bcd2", "len4-ascii": "ascii4", "len4-visa": "vml", "stx-len2bcd-etx-lrc": "stx-etx", "none": "none"}
	sampleHeader  = map[string]string{"tpdu5": "tpdu", "tpdu5+cup6": "tpdu+cup", "tpdu5+ver2": "tpdu+version2", "iso9": "base24", "visa22": "visa", "none": "none"}
	sampleDialect = map[string]string{"cup-bcd": "cup", "iso87-ascii-hexbitmap": "iso87-ascii", "iso87-ascii-binbitmap": "iso87-ascii-bin", "iso87-bcd": "iso87-bcd",
		"iso87-ascii-binbitmap-traderoot": "traderoot",
		"iso93-ascii-hexbitmap":           "iso93-ascii", "iso93-bcd": "iso93-bcd", "iso93-ebcdic": "iso93-ebcdic", "iso2003-ascii-hexbitmap": "iso2003-ascii"}
)

func samples(t testing.TB) []sample {
	t.Helper()
	raw, err := os.ReadFile("../../shared/samples/messages.json")
	if err != nil {
		t.Skip("the collection of real messages is not beside this checkout")
	}
	var all []sample
	if err := json.Unmarshal(raw, &all); err != nil {
		t.Fatal(err)
	}
	return all
}

// same compares a masked value with the stated one: hidden characters agree with anything.
func same(got, want string) bool {
	if len(got) != len(want) {
		return false
	}
	for i := range len(got) {
		if got[i] != '*' && !strings.EqualFold(got[i:i+1], want[i:i+1]) {
			return false
		}
	}
	return true
}

// Real messages of many implementations, with the values that their sources state.
func TestSamples(t *testing.T) {
	named, right := 0, 0
	for _, s := range samples(t) {
		b, err := hex.DecodeString(s.Hex)
		if err != nil {
			t.Fatal(err)
		}
		m, det, err := Decode(b, Options{})
		if err != nil {
			t.Fatal(err)
		}
		f, h, d := sampleFraming[s.Framing], sampleHeader[s.Header], sampleDialect[s.Dialect]
		if f != "" && h != "" && d != "" && s.Valid {
			named++
			if det.Framing == f && det.Header == h && det.Dialect == d {
				right++
			} else {
				t.Logf("%s: %s %s %s is read as %+v", s.ID, f, h, d, det)
			}
		}
		if !s.Valid {
			if m.Stop == nil && m.Trailing == 0 && m.Check == "" {
				t.Errorf("%s is damaged, and nothing is said of it: %+v", s.ID, det)
			}
			continue
		}
		problems := differences(m, s)
		for _, p := range problems {
			t.Errorf("%s: %s", s.ID, p)
		}
	}
	t.Logf("%d of %d single messages are named rightly", right, named)
	if right*100 < named*95 {
		t.Errorf("%d of %d single messages are named rightly", right, named)
	}
}

func differences(m *Message, s sample) (out []string) {
	if m.MTI != s.MTI {
		return []string{"MTI " + m.MTI + ", want " + s.MTI}
	}
	if m.Stop != nil {
		out = append(out, "stops at "+m.Stop.Field+": "+m.Stop.Reason.String())
	}
	got := map[string]string{}
	bytes := map[string]string{} // Chinese text is stated as bytes
	for _, f := range m.Fields() {
		if !strings.Contains(f.ID, ".") {
			got[f.ID], bytes[f.ID] = f.Value, hex.EncodeToString([]byte(m.Raw()[f.Offset:f.Offset+f.Length]))
		}
	}
	for id, v := range s.Fields {
		if !same(got[id], v) && !same(bytes[id], v) {
			out = append(out, "field "+id+" is "+got[id]+", want "+v)
		}
	}
	if len(got) != len(s.Fields) {
		out = append(out, "another number of fields")
	}
	return out
}

func frameAs(framing string, payload []byte) []byte {
	n := len(payload)
	packed := func(n int) []byte { return []byte{byte(n/1000<<4 | n/100%10), byte(n/10%10<<4&0xF0) | byte(n%10)} }
	switch framing {
	case "len2":
		return append([]byte{byte(n >> 8), byte(n)}, payload...)
	case "len2-incl":
		return append([]byte{byte((n + 2) >> 8), byte(n + 2)}, payload...)
	case "len2-le":
		return append([]byte{byte(n), byte(n >> 8)}, payload...)
	case "bcd2":
		return append(packed(n), payload...)
	case "ascii4":
		return append([]byte{byte('0' + n/1000), byte('0' + n/100%10), byte('0' + n/10%10), byte('0' + n%10)}, payload...)
	case "len4":
		return append([]byte{0, 0, byte(n >> 8), byte(n)}, payload...)
	case "vml":
		return append([]byte{byte(n >> 8), byte(n), 0, 0}, payload...)
	case "stx-etx":
		body := append(packed(n), payload...)
		body = append(body, 3)
		return append(append([]byte{2}, body...), lrc(body))
	}
	return payload
}

// Every real message in every framing, six of them a stream, cut at any place: all come out, read as what they are.
func TestStreamsInEveryFraming(t *testing.T) {
	for _, s := range samples(t) {
		f, h, d := sampleFraming[s.Framing], sampleHeader[s.Header], sampleDialect[s.Dialect]
		if f == "" || h == "" || d == "" || !s.Valid || s.Trailing > 0 || len(s.Overrides) > 0 {
			continue
		}
		b, err := hex.DecodeString(s.Hex)
		if err != nil {
			t.Fatal(err)
		}
		at, ok := measure(f, b)
		if !ok || at.end > len(b) {
			t.Fatalf("%s is not framed as %s", s.ID, f)
		}
		for _, framing := range Framings() {
			one := frameAs(framing, b[at.payload:at.end])
			for _, size := range []int{1, 7, 100000} {
				dec, err := NewDecoder(Options{})
				if err != nil {
					t.Fatal(err)
				}
				st := dec.Stream(true)
				var got []string
				take := func(ms []*Message) {
					for _, m := range ms {
						got = append(got, m.MTI)
					}
				}
				all := bytesRepeat(one, 6)
				for len(all) > 0 {
					n := min(size, len(all))
					take(st.Write(all[:n]))
					all = all[n:]
				}
				take(st.Close())
				det := dec.Detection()
				if len(got) != 6 || got[5] != s.MTI || det.Framing != framing || det.Header != h || det.Dialect != d {
					t.Errorf("%s in %s by %d: %v, read as %s/%s/%s (%.2f, then %s), want %s/%s", s.ID, framing, size, got, det.Framing, det.Header, det.Dialect, det.Confidence, det.RunnerUp, h, d)
					break
				}
			}
		}
	}
}

// What came damaged is read as far as it goes, and the place is named.
func TestDamagedSamples(t *testing.T) {
	want := map[string]Stop{
		"mac-data-purchase":        {Offset: 91, Field: "64"},
		"codetd-serial-purchase":   {Offset: 77, Field: "55"},   // the damaged bitmap names it
		"my-sale-6000530000":       {Offset: 74, Field: "56"},   // its length says 3030
		"ballerina-0200-badlen120": {Offset: 118, Field: "120"}, // a byte is missing
	}
	for _, s := range samples(t) {
		stop, ok := want[s.ID]
		if !ok {
			continue
		}
		b, err := hex.DecodeString(s.Hex)
		if err != nil {
			t.Fatal(err)
		}
		m, det, err := Decode(b, Options{})
		if err != nil || m.Stop == nil || m.Stop.Offset != stop.Offset || m.Stop.Field != stop.Field {
			t.Errorf("%s: %v, %+v, stop %+v, want it at %+v", s.ID, err, det, m.Stop, stop)
		}
	}
}

// A frame that was cut off is still known for what it is.
func TestCutSamples(t *testing.T) {
	right, all := 0, 0
	for _, s := range samples(t) {
		f, h, d := sampleFraming[s.Framing], sampleHeader[s.Header], sampleDialect[s.Dialect]
		if f == "" || h == "" || d == "" || !s.Valid {
			continue
		}
		b, err := hex.DecodeString(s.Hex)
		if err != nil {
			t.Fatal(err)
		}
		for n := len(b) * 6 / 10; n < len(b); n++ {
			m, det, err := Decode(b[:n], Options{})
			if err != nil {
				t.Fatal(err)
			}
			all++
			if det.Framing == f && det.Header == h && det.Dialect == d && m.MTI == s.MTI {
				right++
			}
		}
	}
	if t.Logf("%d of %d cut frames are named rightly", right, all); right*100 < all*90 {
		t.Error("that is too few")
	}
}

func bytesRepeat(b []byte, n int) (out []byte) {
	for range n {
		out = append(out, b...)
	}
	return out
}
