package wire

import (
	"bytes"
	"encoding/hex"
	"fmt"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/moov-io/iso8583"
	"github.com/moov-io/iso8583/encoding"
)

const testPAN = "6224245678980113"

// frame packs a CUP sale with every kind of card data that the masking must find.
func sale(t testing.TB, stan string) []byte {
	t.Helper()
	return saleOf(t, stan, "5A08"+testPAN+"57106224245678980113D30122015432100F9F260801020304050607085F340101")
}

func saleOf(t testing.TB, stan, chipHex string) []byte {
	t.Helper()
	spec, err := Spec("cup")
	if err != nil {
		t.Fatal(err)
	}
	m := iso8583.NewMessage(spec)
	m.MTI("0200")
	chip, _ := hex.DecodeString(chipHex)
	for id, v := range map[int]string{2: testPAN, 3: "000000", 4: "000000012800", 11: stan, 14: "3012", 22: "051", 25: "00", 35: testPAN + "=30122015432100",
		41: "10000001", 42: "898310000000001", 49: "156", 52: "\x12\x34\x56\x78\x9a\xbc\xde\xf1", 55: string(chip), 60: "22000001000500", 64: "A1B2C3D4"} {
		if err := m.Field(id, v); err != nil {
			t.Fatal(id, err)
		}
	}
	body, err := m.Pack()
	if err != nil {
		t.Fatal(err)
	}
	head, _ := hex.DecodeString("6000030000603100311001")
	body = append(head, body...)
	return append([]byte{byte(len(body) >> 8), byte(len(body))}, body...)
}

func TestMoovPacksWhatTheTableReads(t *testing.T) {
	m, det, err := Decode(sale(t, "000123"), Options{})
	if err != nil || m.Stop != nil || m.Trailing != 0 {
		t.Fatalf("%v, stop %+v, trailing %d", err, m.Stop, m.Trailing)
	}
	if det.Framing != "len2" || det.Header != "tpdu+cup" || det.Dialect != "cup" {
		t.Fatalf("detected %+v", det)
	}
	for id, want := range map[int]string{2: "622424******0113", 3: "000000", 4: "000000012800", 11: "000123", 14: "****", 22: "051", 41: "10000001", 60: "22000001000500", 52: "****************"} {
		if got := m.Get(id); got != want {
			t.Errorf("field %d: %q, want %q", id, got, want)
		}
	}
	if m.PAN() != "622424******0113" || m.Card() == 0 {
		t.Errorf("card %q, token %d", m.PAN(), m.Card())
	}
	again, _, _ := Decode([]byte(m.Raw()), Options{})
	if got, want := fmt.Sprint(again.Fields()), fmt.Sprint(m.Fields()); got != want {
		t.Errorf("the scrubbed frame decodes differently:\n%s\n%s", got, want)
	}
}

// leaks names the form in which a secret stands in out, or nothing.
func leaks(out string, digits string) string {
	packedEven, _ := hex.DecodeString(digits[:len(digits)/2*2])
	packedOdd, _ := hex.DecodeString(digits[1 : 1+(len(digits)-1)/2*2])
	for name, form := range map[string]string{"text": digits, "packed": string(packedEven), "packed, odd": string(packedOdd), "hex of text": hex.EncodeToString([]byte(digits))} {
		if strings.Contains(out, form) || strings.Contains(strings.ToLower(out), form) {
			return name
		}
	}
	return ""
}

func everything(m *Message) string {
	return fmt.Sprint(m.Fields(), m.HeaderParts(), m.Head(), m.Get(2), m.PAN(), m.Raw(), strings.ToUpper(hex.EncodeToString([]byte(m.Raw()))))
}

func TestNothingInClear(t *testing.T) {
	whole := sale(t, "000001")
	for cut := 3; cut <= len(whole); cut++ {
		d, err := NewDecoder(Options{})
		if err != nil {
			t.Fatal(err)
		}
		s := d.Stream(true)
		out := ""
		for _, m := range append(s.Write(whole[:cut]), s.Close()...) {
			out += everything(m)
		}
		for _, secret := range []string{testPAN, "30122015432100", "123456789abcdef1"} {
			if form := leaks(out, secret); form != "" {
				t.Fatalf("cut at %d: %s stands there as %s", cut, secret, form)
			}
		}
	}
}

func read(t testing.TB, b []byte, sizes []byte) (out []string) {
	d, err := NewDecoder(Options{})
	if err != nil {
		t.Fatal(err)
	}
	s := d.Stream(true)
	take := func(ms []*Message) {
		for _, m := range ms {
			out = append(out, everything(m)+m.MTI)
		}
	}
	for i := 0; len(b) > 0; i++ {
		n := len(b)
		if len(sizes) > 0 {
			n = min(n, int(sizes[i%len(sizes)])+1)
		}
		take(s.Write(b[:n]))
		b = b[n:]
	}
	take(s.Close())
	return out
}

func TestAnySplitGivesTheSameMessages(t *testing.T) {
	b := bytes.Join([][]byte{sale(t, "000001"), sale(t, "000002"), sale(t, "000003")}, nil)
	want := read(t, b, nil)
	if len(want) != 3 {
		t.Fatalf("%d messages, want 3", len(want))
	}
	for n := range 64 {
		if got := read(t, b, []byte{byte(n)}); fmt.Sprint(got) != fmt.Sprint(want) {
			t.Fatalf("pieces of %d bytes give other messages", n+1)
		}
	}
}

func TestLostBytes(t *testing.T) {
	d, _ := NewDecoder(Options{})
	s := d.Stream(true)
	s.Write(sale(t, "000001"))
	s.Write(sale(t, "000002")[:50])
	s.Gap()
	got := s.Write(append(sale(t, "000003")[90:], sale(t, "000004")...))
	if len(got) == 0 || got[len(got)-1].Get(11) != "000004" {
		t.Fatalf("%d messages after the gap, the last is not the next whole frame", len(got))
	}
}

// Messages without framing are found again behind a gap, at its edge or in the middle of one.
func TestLostBytesWithoutFraming(t *testing.T) {
	for gone := range 60 {
		d, err := NewDecoder(Options{})
		if err != nil {
			t.Fatal(err)
		}
		s := d.Stream(true)
		for range 3 {
			s.Write(sale(t, "000001")[2:])
		}
		s.Gap()
		got := s.Write(append(sale(t, "000002")[2+gone:], sale(t, "000003")[2:]...))
		if n := len(got); n == 0 || got[n-1].Get(11) != "000003" || gone == 0 && got[0].Get(11) != "000002" {
			t.Errorf("%d messages behind a gap of %d bytes, the last is not the next whole one", n, gone)
		}
	}
}

func TestForeignProtocolsAreNamed(t *testing.T) {
	for b, want := range map[string]string{
		"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03": "TLS",
		"\x16\x01\x01\x00\x40\x01\x00\x00":             "TLCP",
		"POST /pos HTTP/1.1\r\n":                       "HTTP",
		"\x10\x02\x06\x00\x00\x10\x03\x12\x34":         "ZVT",
		"SSH-2.0-OpenSSH_9.2\r\n":                      "SSH",
		"<?xml version=\"1.0\"?>":                      "XML",
		"AT+CGATT?\r\nOK\r\n":                          "text",
		"Connection to host lost\r\n":                  "text",
	} {
		d, err := NewDecoder(Options{})
		if err != nil {
			t.Fatal(err)
		}
		s := d.Stream(true)
		ms := slices.Clone(s.Write([]byte(b)))
		ms = append(ms, s.Close()...)
		if len(ms) != 1 || ms[0].Foreign != want || d.Detection().Foreign != want {
			t.Errorf("%q is not named %s: %d messages, %+v", b, want, len(ms), d.Detection())
		}
		if m, det, err := Decode([]byte(b), Options{}); err != nil || m.Foreign != want || det.Foreign != want {
			t.Errorf("%q alone is not named %s: %+v, %v", b, want, det, err)
		}
	}
}

// shown is everything of a message but the bytes of its header, type and bitmap: which fields a message has is no card
// data, whatever number it looks like.
func shown(m *Message) string {
	raw := []byte(m.Raw())
	for _, f := range append(m.HeaderParts(), m.Head()...) {
		for i := range f.Length {
			raw[f.Offset+i] = '|'
		}
	}
	return fmt.Sprint(m.Fields(), m.Get(2), m.PAN()) + string(raw) + strings.ToUpper(hex.EncodeToString(raw))
}

// spent is how many bytes f allocates.
func spent(f func()) int {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	f()
	runtime.ReadMemStats(&after)
	return int(after.TotalAlloc - before.TotalAlloc)
}

// FuzzStream reads any bytes, as a whole and in pieces of any size: the same messages, no card number in any form, and no
// more memory than so many times the input.
func FuzzStream(f *testing.F) {
	one := sale(f, "000001")
	f.Add(one, []byte{3, 200, 0})
	f.Add(one[:60], []byte{1})
	f.Add(append([]byte{0, 3, 1}, one...), []byte{9})
	f.Add(append(frameAs("stx-etx", one[2:]), frameAs("ascii4", one[2:])...), []byte{0, 40})
	f.Add(slices.Concat([]byte{5}, frameAs("stx-etx", one[2:]), []byte{6, 0x15}), []byte{2})
	f.Add([]byte("02007020048020C0000016"+testPAN+"00000000000000010000000112345678000123"), []byte{5})
	f.Add([]byte("\x16\x03\x01\x00\x05\x01\x00\x00\x01\x00"), []byte{4})
	f.Add(slices.Concat(one, []byte("noise "+testPAN), one), []byte{100})
	f.Fuzz(func(t *testing.T, b, sizes []byte) {
		if len(b) > 20000 {
			t.Skip()
		}
		d, err := NewDecoder(Options{})
		if err != nil {
			t.Fatal(err)
		}
		s := d.Stream(true)
		var all []*Message
		if n := spent(func() { all = append(slices.Clone(s.Write(b)), s.Close()...) }); n > 2000*len(b)+1<<20 {
			t.Fatalf("%d bytes of memory for %d bytes", n, len(b))
		}
		for _, m := range all {
			if form := leaks(shown(m), testPAN); form != "" {
				t.Fatal("the card number stands in the output as", form)
			}
		}
		whole, pieces := read(t, b, nil), read(t, b, sizes)
		if foreign(b) == "" && !slices.Equal(whole, pieces) {
			t.Fatalf("%d messages as a whole, %d in pieces of %v:\n%q\n%q", len(whole), len(pieces), sizes, whole, pieces)
		}
		n := 0
		for _, m := range whole {
			n += len(m)
		}
		if n > 100*len(b)+10000 {
			t.Fatalf("%d bytes of text from %d bytes", n, len(b))
		}
		if len(b) > maxOpaque {
			return
		}
		m, _, err := Decode(b, Options{})
		if err != nil || m == nil {
			t.Fatal("no answer", err)
		}
		if form := leaks(shown(m), testPAN); form != "" {
			t.Fatal("the card number stands in the output as", form)
		}
	})
}

// FuzzRepack packs messages of any content with moov's codecs, reads them, and packs what was read: the same bytes, but
// for what is hidden.
func FuzzRepack(f *testing.F) {
	f.Add(uint8(0), testPAN, "000000012800", "000123", "10000001", []byte{0x9F, 0x26, 1, 2}, "SHOP")
	f.Add(uint8(3), "4111111111111111", "1", "9", "T", []byte{0x5A, 2, 0x41, 0x11}, "a text")
	ids := shippedIDs()
	specs := map[string]*iso8583.MessageSpec{}
	versions := map[string]byte{}
	for _, id := range ids {
		env, err := shipped(id)
		if err != nil {
			f.Fatal(err)
		}
		if specs[id], err = env.moov(); err != nil {
			f.Fatal(err)
		}
		if versions[id] = '0'; env.Version != nil {
			versions[id] += byte(*env.Version)
		}
	}
	f.Fuzz(func(t *testing.T, which uint8, pan, amount, stan, terminal string, chip []byte, text string) {
		id := ids[int(which)%len(ids)]
		spec := specs[id]
		keep := func(s string, n int, digits bool) string {
			var out []byte
			for i := 0; i < len(s) && len(out) < n; i++ {
				if c := s[i]; c >= '0' && c <= '9' || !digits && c >= ' ' && c < 0x7F {
					out = append(out, c)
				}
			}
			return string(out)
		}
		fill := func(s string, n int) string { return strings.Repeat("0", n-len(s)) + s }
		msg := iso8583.NewMessage(spec)
		msg.MTI(string(versions[id]) + "200")
		values := map[int]string{2: keep(pan, 19, true), 3: "000000", 37: fill(keep(text, 12, true), 12)}
		for n, v := range map[int]string{4: keep(amount, 12, true), 11: keep(stan, 6, true), 41: keep(terminal, 8, false)} {
			size := spec.Fields[n].Spec().Length
			values[n] = fill(v, size)
		}
		if _, text := spec.Fields[55]; text && len(chip) < 100 {
			values[55] = string(chip)
			if spec.Fields[55].Spec().Enc != encoding.Binary {
				values[55] = strings.ToUpper(hex.EncodeToString(chip))
			}
		}
		for n, v := range values {
			if err := msg.Field(n, v); err != nil {
				t.Fatal(id, n, err)
			}
		}
		body, err := msg.Pack()
		if err != nil {
			t.Fatal(id, err)
		}
		m, _, err := Decode(body, Options{Framing: "none", Header: "none", Dialect: id})
		if err != nil || m.Stop != nil || m.Trailing > 0 {
			t.Fatalf("%s: %v, stop %+v, trailing %d, of % X", id, err, m.Stop, m.Trailing, body)
		}
		again, err := repack(m, spec)
		if err != nil {
			t.Fatal(id, err)
		}
		if string(again) != m.Raw() {
			t.Fatalf("%s: packed again % X, not % X", id, again, m.Raw())
		}
	})
}

// repack packs what was read of a message with moov's codecs. What is hidden is zeros there.
func repack(m *Message, spec *iso8583.MessageSpec) ([]byte, error) {
	msg := iso8583.NewMessage(spec)
	msg.MTI(m.MTI)
	for _, f := range m.Fields() {
		n, err := strconv.Atoi(f.ID)
		if err != nil {
			continue // a subfield
		}
		v := f.Value
		if f.Masked {
			v = strings.ReplaceAll(v, "*", "0")
		}
		switch enc := spec.Fields[n].Spec().Enc; {
		case enc == encoding.Binary || enc == encoding.ASCII:
			v = m.Raw()[f.Offset : f.Offset+f.Length]
		case enc == encoding.BytesToASCIIHex:
			b, err := hex.DecodeString(m.Raw()[f.Offset : f.Offset+f.Length])
			if err != nil {
				return nil, err
			}
			v = string(b)
		}
		if err := msg.Field(n, v); err != nil {
			return nil, err
		}
	}
	return msg.Pack()
}
