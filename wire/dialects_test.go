package wire

import (
	"encoding/hex"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/moov-io/iso8583"
)

// everyKind packs, by moov's own codecs, a message of a dialect with card data wherever a dialect has a place for it.
func everyKind(t *testing.T, id, mti string) []byte {
	t.Helper()
	spec, err := Spec(id)
	if err != nil {
		t.Fatal(err)
	}
	m := iso8583.NewMessage(spec)
	m.MTI(mti)
	chip, _ := hex.DecodeString("5A08" + testPAN + "57106224245678980113D30122015432100F9F260801020304050607085F200A4A4F484E20444F452F4D9F36020012")
	version := mti[0] - '0'
	values := map[int]string{2: testPAN, 3: "000000", 4: "000000012800", 11: "000123", 14: "3012", 35: testPAN + "=30122015432100", 37: "112412000123",
		41: "10000001", 42: "898310000000001", 49: "156", 52: "\x12\x34\x56\x78\x9a\xbc\xde\xf1", 55: string(chip), 60: "22000001000500", 63: "PAN " + testPAN + " EXP 3012"}
	switch version {
	case 0:
		values[12], values[13], values[22] = "120429", "1124", "051"
	case 1:
		values[12] = "261124120429"
	case 2:
		values[4], values[11], values[12], values[41] = "1562000000012800", "000000000123", "20261124120429", "1000000100000001"
		delete(values, 49)
	}
	if strings.HasSuffix(id, "-ascii") { // all is text there
		values[55] = strings.ToUpper(hex.EncodeToString(chip))
	}
	for n, v := range values {
		if err := m.Field(n, v); err != nil {
			t.Fatal(id, n, err)
		}
	}
	body, err := m.Pack()
	if err != nil {
		t.Fatal(id, err)
	}
	return frameAs("len2", body)
}

// Moov packs, the table reads: the same values, and nothing of the card in any form.
func TestEveryDialectReadsAndMasks(t *testing.T) {
	for _, id := range Dialects() {
		t.Run(id, func(t *testing.T) {
			mti := "0200"
			switch {
			case strings.HasPrefix(id, "iso93"):
				mti = "1200"
			case strings.HasPrefix(id, "iso2003"):
				mti = "2200"
			}
			b := everyKind(t, id, mti)
			var o Options
			if env, err := shipped(id); err == nil && env.Rare {
				o.Dialect = id
			}
			dec, err := NewDecoder(o)
			if err != nil {
				t.Fatal(err)
			}
			s := dec.Stream(true)
			var m *Message
			for range 5 {
				for _, m = range s.Write(b) {
				}
			}
			if m == nil || m.Stop != nil || m.Trailing != 0 {
				t.Fatalf("not read to its end: %+v", m)
			}
			if det := dec.Detection(); det.Dialect != id || det.Framing != "len2" || det.Header != "none" {
				t.Errorf("taken for %+v", det)
			}
			for n, want := range map[int]string{2: "622424******0113", 3: "000000", 37: "112412000123", 42: "898310000000001"} {
				if got := m.Get(n); got != want {
					t.Errorf("field %d: %q, want %q", n, got, want)
				}
			}
			if m.PAN() != "622424******0113" || m.Card() == 0 {
				t.Errorf("card %q", m.PAN())
			}
			out := everything(m)
			for _, secret := range []string{testPAN, "30122015432100", "123456789abcdef1"} {
				if form := leaks(out, secret); form != "" {
					t.Errorf("%s stands there as %s", secret, form)
				}
				asEBCDIC := ""
				for _, c := range secret {
					asEBCDIC += "F" + string(c)
				}
				if strings.Contains(out, asEBCDIC) {
					t.Errorf("%s stands there in EBCDIC", secret)
				}
			}
			if strings.Contains(out, "JOHN") || strings.Contains(out, "4A4F484E") {
				t.Error("the cardholder's name stands there")
			}
			// What was scrubbed reads as the same fields again.
			again, _, err := Decode([]byte(m.Raw()), Options{Dialect: id})
			if err != nil || again.Stop != nil || len(again.Fields()) != len(m.Fields()) {
				t.Errorf("the scrubbed frame does not decode: %v, %+v", err, again.Stop)
			}
		})
	}
}

// A bank's variant of ISO 8583 under an id of its own is known from then on.
func TestOwnDialectsFromAFolder(t *testing.T) {
	before := len(Dialects())
	if err := AddDialects(filepath.Join(t.TempDir(), "nowhere")); err != nil || len(Dialects()) != before {
		t.Error("a folder that is not there is an error", err)
	}
	dir := t.TempDir()
	text := `{"id": "bank-x", "names": {"en": "Bank X"}, "mask": {"2": "pan"}, "spec": {"name": "x", "fields": {
 "0": {"type": "String", "length": 4, "enc": "ASCII", "prefix": "ASCII.Fixed"}, "1": {"type": "Bitmap", "length": 8, "enc": "Binary", "prefix": "Binary.Fixed"},
 "2": {"type": "String", "length": 19, "enc": "ASCII", "prefix": "ASCII.LL"}}}}`
	if err := os.WriteFile(filepath.Join(dir, "x.json"), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { own.list = nil })
	if err := AddDialects(dir); err != nil || !slices.Contains(Dialects(), "bank-x") {
		t.Errorf("%v: %v", Dialects(), err)
	}
	if err := os.WriteFile(filepath.Join(dir, "x.json"), []byte("{"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := AddDialects(dir); err == nil || !strings.Contains(err.Error(), "x.json:1:") {
		t.Errorf("a broken file gives %v", err)
	}
}

func TestOwnDialectFromAFile(t *testing.T) {
	dir := t.TempDir()
	write := func(name, text string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	// Moov's bare form: field 48 is binary with a binary length here.
	own := write("own.json", `{"name": "own", "fields": {
 "0": {"type": "String", "length": 4, "enc": "ASCII", "prefix": "ASCII.Fixed"},
 "1": {"type": "Bitmap", "length": 8, "enc": "Binary", "prefix": "Binary.Fixed"},
 "2": {"type": "String", "length": 19, "enc": "ASCII", "prefix": "ASCII.LL"},
 "11": {"type": "String", "length": 6, "description": "Trace", "enc": "ASCII", "prefix": "ASCII.Fixed"},
 "48": {"type": "Binary", "length": 99, "description": "Extra", "enc": "Binary", "prefix": "Binary.L"}}}`)
	b := append([]byte("0200\x40\x20\x00\x00\x00\x01\x00\x0016"+testPAN+"000123"), 3, 0xCA, 0xFE, 1)
	m, det, err := Decode(b, Options{Dialect: own, Framing: "none", Header: "none"})
	if err != nil {
		t.Fatal(err)
	}
	if det.Dialect != "own" || m.Get(48) != "CAFE01" || m.Get(2) != "622424******0113" || m.Stop != nil || m.Trailing != 0 {
		t.Errorf("%+v: %q %q %+v", det, m.Get(48), m.Get(2), m.Stop)
	}
	for text, want := range map[string]string{
		"{\n \"name\": \"x\",\n oops\n}": ":3:",
		`{"fields": {}}`:                 "no fields",
		"{\"fields\": {\n\"0\": {\"enc\": \"ASCII\", \"prefix\": \"ASCII.Fixed\", \"length\": 4},\n\"7\": {\"enc\": \"MORSE\", \"prefix\": \"ASCII.Fixed\", \"length\": 4}}}": ":3: field 7",
	} {
		if _, _, err := Decode(b, Options{Dialect: write("bad.json", text)}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %q in it", text, err, want)
		}
	}
	if _, _, err := Decode(b, Options{Dialect: filepath.Join(dir, "none.json")}); err == nil {
		t.Error("a file that is not there is taken")
	}
}

// What a dialect says a field may also stand as is tried where its usual form does not fit, and masked like it.
func TestOtherForms(t *testing.T) {
	bank := func(also string) string {
		path := filepath.Join(t.TempDir(), "bank.json")
		text := "{\"extends\": \"iso87-ascii\",\n \"also\": {" + also + "}}"
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	form := func(n int) string {
		return fmt.Sprintf(`[{"type": "String", "length": %d, "enc": "ASCII", "prefix": "ASCII.Fixed"}]`, n)
	}
	own := bank(`"62": ` + form(7) + `, "63": ` + form(18))
	b := []byte("02007020048000C00006" + "16" + testPAN + "000000" + "000000012800" + "000123" + "051" + "00" + "10000001" + "898310153110001" +
		"BATCH07" + "N " + testPAN)
	m, det, err := Decode(b, Options{Dialect: own})
	if err != nil {
		t.Fatal(err)
	}
	if m.Stop != nil || m.Get(62) != "BATCH07" || m.Get(63) != "N 622424******0113" || det.Confidence > 0.5 {
		t.Errorf("%+v: %q %q, stop %+v", det, m.Get(62), m.Get(63), m.Stop)
	}
	if m, _, err := Decode(b, Options{Dialect: "iso87-ascii"}); err != nil || m.Stop == nil {
		t.Errorf("without these forms it reads to its end, %v", err)
	}
	for also, want := range map[string]string{
		`"62": [{"type": "String", "length": 0, "enc": "ASCII", "prefix": "ASCII.Fixed"}]`: "field 62: also, form 1: a fixed field needs a length",
		`"129": ` + form(7): "also: field 129 is not in the spec",
	} {
		if _, _, err := Decode(b, Options{Dialect: bank(also)}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q in it", also, err, want)
		}
	}
}

// What speaks for one of two dialects that read the same bytes: a field that the other hardly has, letters that only one can mean.
func TestLikerDialect(t *testing.T) {
	for in, want := range map[string]string{
		"0800 2020010000800000 920000 000028 0004 4454493030303031":         "iso87-bcd",  // a network identifier
		"0800 2020000000800000 920000 000028 4454493030303031":              "cup",        // the commoner
		"0810 82200000020000000400000000000000 0501130427 000005 F0F0 0001": "visa-base1", // a response code in EBCDIC
		"3038313030323338303030303032383030383030" + hex.EncodeToString([]byte("0212035538"+"864639"+"035538"+"0212"+"00"+"2PSTAD75"+strings.Repeat("1A9D", 24))): "iso87-ascii", // working keys
	} {
		b, err := hex.DecodeString(strings.ReplaceAll(in, " ", ""))
		if err != nil {
			t.Fatal(err)
		}
		m, det, err := Decode(b, Options{})
		if err != nil || det.Dialect != want || m.Stop != nil || m.Trailing != 0 {
			t.Errorf("%s is read as %+v, stop %+v, %v; want %s", in, det, m.Stop, err, want)
		}
		if strings.Contains(m.Raw(), "1A9D") || strings.Contains(m.Get(53), "1A9D") {
			t.Errorf("working keys are shown: %q", m.Get(53))
		}
	}
}

// A third bitmap names fields behind 128, each with its place, and card data in them is hidden like any other.
func TestThirdBitmap(t *testing.T) {
	b := []byte("0210\xB0\x20\x00\x00\x02\x80\x00\x00\x00\x00\x00\x00\x00\x00\x00\x02" + "000000" + "000000012800" + "000123" + "00" + "10000001" +
		"\xA0\x01\x00\x00\x00\x00\x00\x00" + "0043.07" + "1234" + "16" + testPAN)
	m, det, err := Decode(b, Options{})
	if err != nil || m.Stop != nil || m.Trailing != 0 || det.Dialect != "traderoot" || det.Framing != "none" {
		t.Fatalf("%v, %+v, stop %+v, trailing %d", err, det, m.Stop, m.Trailing)
	}
	want := map[string]string{"4": "000000012800", "39": "00", "127": "A001000000000000", "129": "3.07", "131": "1234", "144": "622424******0113"}
	for _, f := range m.Fields() {
		if v, ok := want[f.ID]; ok && v != f.Value {
			t.Errorf("field %s: %q, want %q", f.ID, f.Value, v)
		}
		delete(want, f.ID)
	}
	if len(want) > 0 {
		t.Error("these are not read:", want)
	}
	if form := leaks(everything(m), testPAN); form != "" {
		t.Error("the card number stands there as", form)
	}
	for cut := range b {
		if m, _, _ := Decode(b[:cut], Options{Dialect: "traderoot"}); leaks(everything(m), testPAN) != "" {
			t.Errorf("cut at %d, the card number stands there", cut)
		}
	}
	file := filepath.Join(t.TempDir(), "third.json")
	for spec, says := range map[string]string{
		`{"extends": "iso87-ascii-bin", "third": 127, "spec": {"fields": {}}}`: "is no bitmap",
		`{"extends": "iso87-ascii-bin", "spec": {"fields": {
		"130": {"type": "String", "length": 4, "enc": "ASCII", "prefix": "ASCII.Fixed"}}}}`: ":2: field 130: not a number from 0 to 128",
	} {
		if err := os.WriteFile(file, []byte(spec), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := NewDecoder(Options{Dialect: file}); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%v, want %q", err, says)
		}
	}
}

// Fields that are known to stand otherwise in some products are found, and said to be a guess; a field that lacks bytes is no
// reason for one.
func TestGuessesAreModest(t *testing.T) {
	postilion := "0800\x82\x38\x00\x00\x00\x00\x00\x00\x04\x00\x00\x00\x00\x00\x00\x02" + "1124120429" + "000123" + "120429" + "1124" + "301" +
		"000021" + "\x00\x00\x04\x00\x00\x00\x00\x00" + "11ABCDEFGH123"
	m, det, err := Decode([]byte(postilion), Options{})
	if err != nil || m.Stop != nil || m.Trailing > 0 || det.Dialect != "iso87-ascii-bin" || det.Confidence > 0.9 {
		t.Errorf("%v, %+v, stop %+v, trailing %d", err, det, m.Stop, m.Trailing)
	}
	if f := m.Fields(); f[len(f)-1].ID != "127" || f[len(f)-1].Length != 21 || f[len(f)-1].Problem.None() {
		t.Errorf("field 127 is %+v", f[len(f)-1])
	}
	hash := "0800" + "8220000000C00000" + "0000000000000001" + "1124120429" + "000123" + "10000001" + "898310000000001" + strings.Repeat("A1", 32)
	if m, _, err := Decode([]byte(hash), Options{}); err != nil || m.Stop != nil || m.Trailing > 0 || len(m.Get(128)) != 64 {
		t.Errorf("%v, stop %+v, trailing %d, field 128 is %q", err, m.Stop, m.Trailing, m.Get(128))
	}
	four := "0200" + "3020000000C18000" + "003000" + "000000001500" + "000123" + "TERM0001" + "MERCHANT0000001" + "0018" + "0010123*0200056789" + "986"
	m, det, err = Decode([]byte(four), Options{})
	if err != nil || m.Stop != nil || m.Get(48) != "0010123*0200056789" || m.Get(41) != "TERM0001" {
		t.Errorf("%v, %+v, stop %+v, field 48 is %q", err, det, m.Stop, m.Get(48))
	}
	binary := "0200" + "3020000000C01001" + "003000" + "000000001500" + "000123" + "TERM0001" + "MERCHANT0000001" + "\x80\x81\x82\x83\x84\x85\x86\x87" + "\x90\x91\x92\x93\x94\x95\x96\x97"
	m, det, err = Decode([]byte(binary), Options{})
	if err != nil || m.Stop != nil || m.Get(64) != "9091929394959697" || det.Confidence > 0.5 {
		t.Errorf("%v, %+v, stop %+v, field 64 is %q", err, det, m.Stop, m.Get(64))
	}
	known := "1100\x72\x30\x05\x89\x00\xc1\x80\x00" + "16" + testPAN + "320000" + "000000020000" + "0325085745" + "000095" + "180325125745" + "A1010125404C101" + "100" + "1504" +
		"002" + "06534489" + "99000004" + "5604802717499  " + "0169" + "\xf0\x00\xa6\x90\x01" + strings.Repeat("TEXT", 41) + "784"
	m, det, err = Decode([]byte(known), Options{}) // 25 packed and 41 of sixteen would fit as well
	if err != nil || m.Stop != nil || m.Get(22) != "A1010125404C101" || m.Get(41) != "99000004" || det.Confidence > 0.5 {
		t.Errorf("%v, %+v, stop %+v, field 22 is %q", err, det, m.Stop, m.Get(22))
	}
	short := "\x60\x01\x23\x00\x00" + "0810\x00\x20\x00\x00\x02\x80\x00\x00" + "123456" + "00" + "3712345" // of eight
	m, det, err = Decode([]byte(short), Options{})
	if err != nil || m.Stop == nil || m.Stop.Field != "41" || det.Confidence > 0.3 {
		t.Errorf("%v, %+v, stop %+v", err, det, m.Stop)
	}
	for _, f := range m.Fields() {
		if strings.Contains(f.Value, "\x00") {
			t.Errorf("field %s shows what masking left: %q", f.ID, f.Value)
		}
	}
}

// What real hosts write into fields of digits is no sign that a reading is wrong: letters of a private transaction type, the filler
// of a shortened track, a date with its year.
func TestDigitsThatAreNone(t *testing.T) {
	letters := "ISO026000010" + "0200" + "3220000020808000" + "1U3200" + "000000047869" + "0607092019" + "011604" + "37" + testPAN + "=18102210000031179000" + "E0123045        " + "191"
	m, det, err := Decode([]byte(letters), Options{})
	if err != nil || m.Stop != nil || m.Trailing > 0 || m.Get(3) != "1U3200" || m.Get(41) != "E0123045        " || m.Get(4) != "000000047869" {
		t.Errorf("%v, %+v, stop %+v, fields %v", err, det, m.Stop, m.Fields())
	}
	for _, f := range m.Fields() {
		if f.ID == "3" && !f.Problem.None() {
			t.Error("a private transaction type is a problem:", f.Problem)
		}
	}
	for in, want := range map[string]map[int]string{
		"6000190000 0200 3020058020C00006 000000 000000000500 003213 0051 0019 00 32 " + testPAN + "D2401221FFFFFFF8 3139303832303031 323031393038323030303030303031 303036 303030303031 303034 30320011": {25: "00", 62: "000001"},
		"6000000000 611000000000 0200 3038000000C00000 300100 000000250000 000017 222431 20210510 3030303030303034 313030303030303030303030303032":                                                        {13: "20210510", 41: "00000004"},
	} {
		b, err := hex.DecodeString(strings.ReplaceAll(in, " ", ""))
		if err != nil {
			t.Fatal(err)
		}
		m, det, err := Decode(b, Options{})
		if err != nil || m.Stop != nil || m.Trailing > 0 || det.Confidence > 0.5 {
			t.Errorf("%v, %+v, stop %+v", err, det, m.Stop)
			continue
		}
		for id, want := range want {
			if got := m.Get(id); got != want {
				t.Errorf("field %d: %q, want %q", id, got, want)
			}
		}
		if form := leaks(everything(m), testPAN); form != "" {
			t.Error("the card number stands there as", form)
		}
	}
}

// German acquirers pack digits behind a length in EBCDIC that counts bytes, and have no TLV in field 55.
func TestLengthsThatCountBytes(t *testing.T) {
	in := "0100 703C058020C08202" + "F0F8" + testPAN + "000000 000000010000 024386 183129 0712 1912 0051 0001 00" + "F1F9" + testPAN + "D19122011111084690846F"
	in += "F0F0F0F0F1F1F1F1 F1F7F1F7F1F0F0F7F7F8F640404040 0978 F0F1F0 F0F1 0414B1A06025F41E 000003"
	b, err := hex.DecodeString(strings.ReplaceAll(in, " ", ""))
	if err != nil {
		t.Fatal(err)
	}
	m, det, err := Decode(b, Options{})
	if err != nil || det.Dialect != "gicc" || m.Stop != nil || m.Trailing > 0 {
		t.Fatalf("%v, %+v, stop %+v", err, det, m.Stop)
	}
	for id, want := range map[int]string{2: "622424******0113", 4: "000000010000", 22: "051", 41: "00001111", 42: "17171007786    ", 49: "978", 63: "000003"} {
		if got := m.Get(id); got != want {
			t.Errorf("field %d: %q, want %q", id, got, want)
		}
	}
	if m.Card() == 0 || strings.Contains(m.Raw(), "\x14\xB1\xA0\x60") {
		t.Error("no card, or chip data is shown")
	}
	if form := leaks(everything(m), testPAN); form != "" {
		t.Error("the card number stands there as", form)
	}
}

// A bitmap may be hex in EBCDIC, as everything else is there.
func TestBitmapInEBCDIC(t *testing.T) {
	in := toEBCDIC("0400" + "F238000008C00000" + "0000004000000000" + "16" + testPAN + "003073" + "000000511100" + "0502141320" + "233170" + "111318" + "0502" +
		"1083        " + "50079557" + "MERCHANT 000001" + "0100" + "233169" + "0502111318" + strings.Repeat("0", 22))
	m, det, err := Decode(frameAs("len2", in), Options{})
	if err != nil || det.Dialect != "iso87-ebcdic-hex" || m.Stop != nil || m.Trailing > 0 || m.Get(7) != "0502141320" || m.Get(41) != "50079557" {
		t.Fatalf("%v, %+v, stop %+v, fields %v", err, det, m.Stop, m.Fields())
	}
	if head := m.Head(); head[1].Value != "F238000008C000000000004000000000" {
		t.Errorf("bitmap %q", head[1].Value)
	}
	if form := leaks(everything(m), testPAN); form != "" || strings.Contains(m.Raw(), string(toEBCDIC(testPAN))) {
		t.Error("the card number stands there as", form)
	}
}

// Visa's third bitmap stands with the others.
func TestThirdBitmapWithTheOthers(t *testing.T) {
	in := "0100 F220040000000000 8000000001000000 2200000000000000 10" + testPAN + "003000 000000001000 0119163908 000098 0510 06690003010AF3 0000048000 051234567890"
	b, err := hex.DecodeString(strings.ReplaceAll(in, " ", ""))
	if err != nil {
		t.Fatal(err)
	}
	m, det, err := Decode(b, Options{})
	if err != nil || det.Dialect != "visa-base1" || m.Stop != nil || m.Trailing > 0 || m.Get(22) != "0510" {
		t.Errorf("%v, %+v, stop %+v, fields %v", err, det, m.Stop, m.Fields())
	}
	for _, f := range m.Fields() {
		if want := map[string]string{"104": "690003010AF3", "131": "0000048000", "135": "1234567890"}[f.ID]; want != "" && f.Value != want {
			t.Errorf("field %s is %q", f.ID, f.Value)
		}
	}
	if head := m.Head(); head[1].Value != "F22004000000000080000000010000002200000000000000" {
		t.Errorf("bitmap %q", head[1].Value)
	}
	for cut := range b {
		if m, _, _ := Decode(b[:cut], Options{Dialect: "visa-base1"}); leaks(everything(m), testPAN) != "" {
			t.Errorf("cut at %d, the card number stands there", cut)
		}
	}
}

// A frame of which bytes are missing is read as far as it goes: no other form of a field explains what is not there. Without a
// length nobody knows, but what is left of a code in text is no packed one.
func TestMissingBytesAreNoOtherForm(t *testing.T) {
	in := "6000030000 603100311001 0210 703E02810AD08013 16" + testPAN + "000000 000000000100 000134 091947 0428 1512 0427 0100 00 08 00095840" +
		"303931393437313435303630 3030 3538343032303031 333032343430333830363231313030 22 30393331303030302020203033303235383430202020" + "313536 0013 2200000700050 0 0003 435550 3646414343303536"
	b, err := hex.DecodeString(strings.ReplaceAll(in, " ", ""))
	if err != nil {
		t.Fatal(err)
	}
	whole := frameAs("len2", b)
	if m, det, err := Decode(whole, Options{}); err != nil || m.Stop != nil || m.Trailing > 0 || det.Dialect != "cup" {
		t.Fatalf("%v, %+v, stop %+v", err, det, m.Stop)
	}
	for at := 13; at < len(whole); at++ {
		m, det, err := Decode(slices.Delete(slices.Clone(whole), at, at+1), Options{Framing: "len2", Header: "tpdu+cup"})
		if err != nil || m.Stop == nil && m.Trailing == 0 {
			t.Errorf("without byte %d: %v, %+v, fields %v", at, err, det, m.Fields())
		}
	}
	for _, lost := range []string{"3030 3538", "313536 0013"} { // of the response code, and of the currency
		part := strings.Replace(in, lost, lost[2:], 1)
		b, err := hex.DecodeString(strings.ReplaceAll(part, " ", ""))
		if err != nil {
			t.Fatal(err)
		}
		if m, det, err := Decode(b, Options{}); err != nil || m.Stop == nil && m.Trailing == 0 && det.Confidence > 0.5 {
			t.Errorf("without a byte at %s: %v, %+v, fields %v", lost, err, det, m.Fields())
		}
	}
}
