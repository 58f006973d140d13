package wire

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/moov-io/iso8583"
	"github.com/moov-io/iso8583/specs"
)

// compositeSpec has every way in which moov divides a field.
const compositeSpec = `{"name": "divided", "fields": {
 "0": {"type": "String", "length": 4, "enc": "ASCII", "prefix": "ASCII.Fixed"},
 "1": {"type": "Bitmap", "length": 8, "enc": "Binary", "prefix": "Binary.Fixed"},
 "3": {"type": "Composite", "length": 6, "description": "Processing code", "prefix": "ASCII.Fixed", "tag": {"sort": "StringsByInt"}, "subfields": {
   "1": {"type": "String", "length": 2, "description": "Transaction type", "enc": "ASCII", "prefix": "ASCII.Fixed"},
   "2": {"type": "String", "length": 2, "description": "From account", "enc": "ASCII", "prefix": "ASCII.Fixed"},
   "3": {"type": "String", "length": 2, "description": "To account", "enc": "ASCII", "prefix": "ASCII.Fixed"}}},
 "48": {"type": "Composite", "length": 999, "description": "Private", "prefix": "ASCII.LLL", "tag": {"length": 2, "enc": "ASCII", "sort": "StringsByInt"}, "subfields": {
   "11": {"type": "String", "length": 99, "description": "Card", "enc": "ASCII", "prefix": "ASCII.LL"},
   "22": {"type": "String", "length": 99, "description": "Batch", "enc": "LBCD", "prefix": "ASCII.LL"}}},
 "55": {"type": "Composite", "length": 255, "description": "Chip data", "prefix": "ASCII.LLL", "tag": {"enc": "BerTLVTag", "sort": "StringsByHex"}, "subfields": {
   "9F26": {"type": "Binary", "length": 8, "description": "Cryptogram", "enc": "Binary", "prefix": "BerTLV"},
   "5A": {"type": "Binary", "length": 10, "description": "PAN", "enc": "Binary", "prefix": "BerTLV"}}},
 "62": {"type": "Composite", "length": 255, "description": "By bitmap", "prefix": "Binary.L", "bitmap": {"type": "Bitmap", "length": 8, "enc": "Binary", "prefix": "Binary.Fixed", "disableAutoExpand": true}, "subfields": {
   "1": {"type": "String", "length": 1, "description": "First", "enc": "ASCII", "prefix": "ASCII.Fixed"},
   "3": {"type": "String", "length": 4, "description": "Third", "enc": "ASCII", "prefix": "ASCII.Fixed"}}}
}}`

// A spec with composite fields: moov packs, and every part stands where it says, with nothing of a card in it.
func TestCompositeFields(t *testing.T) {
	file := filepath.Join(t.TempDir(), "divided.json")
	if err := os.WriteFile(file, []byte(compositeSpec), 0o600); err != nil {
		t.Fatal(err)
	}
	spec, err := specs.ImportJSON([]byte(compositeSpec))
	if err != nil {
		t.Fatal(err)
	}
	msg := iso8583.NewMessage(spec)
	msg.MTI("0200")
	for path, v := range map[string]string{"3.1": "00", "3.2": "10", "3.3": "20", "48.11": testPAN, "48.22": "000123", "62.1": "X", "62.3": "WXYZ"} {
		if err := msg.MarshalPath(path, v); err != nil {
			t.Fatal(path, err)
		}
	}
	if err := msg.MarshalPath("55.9F26", []byte{1, 2, 3, 4, 5, 6, 7, 8}); err != nil {
		t.Fatal(err)
	}
	if err := msg.MarshalPath("55.5A", []byte("\x62\x24\x24\x56\x78\x98\x01\x13")); err != nil {
		t.Fatal(err)
	}
	body, err := msg.Pack()
	if err != nil {
		t.Fatal(err)
	}
	m, _, err := Decode(frameAs("len2", body), Options{Dialect: file})
	if err != nil || m.Stop != nil || m.Trailing > 0 {
		t.Fatalf("%v, stop %+v", err, m.Stop)
	}
	got := map[string]Field{}
	for _, f := range m.Fields() {
		got[f.ID] = f
	}
	for id, want := range map[string]string{"3": "001020", "3.1": "00", "3.2": "10", "3.3": "20", "48.11": "622424******0113", "48.22": "000123",
		"55.9F26": "0102030405060708", "55.5A": "****************", "62.1": "X", "62.3": "WXYZ"} {
		f := got[id]
		if f.Value != want {
			t.Errorf("%s is %q, want %q", id, f.Value, want)
		}
		if f.Name == "" || f.Offset < 2 || f.Offset+f.Length > len(m.Raw()) {
			t.Errorf("%s: %+v", id, f)
		}
	}
	if f := got["3.2"]; m.Raw()[f.Offset:f.Offset+f.Length] != "10" {
		t.Errorf("3.2 is not at %d", f.Offset)
	}
	if form := leaks(everything(m), testPAN); form != "" {
		t.Error("the card number stands there as", form)
	}
}

// What a bank does otherwise is a file of the differences; card data stays hidden whatever it says.
func TestDialectThatExtends(t *testing.T) {
	write := func(text string) string {
		file := filepath.Join(t.TempDir(), "bank.json")
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return file
	}
	own := write(`{"id": "bank", "extends": "iso87-ascii", "spec": {"fields": {
 "41": {"type": "String", "length": 16, "description": "Terminal", "enc": "ASCII", "prefix": "ASCII.Fixed"}}}}`)
	b := []byte("0800" + "2020000000800000" + "990000" + "000123" + "A1147001        ")
	m, det, err := Decode(b, Options{Dialect: own})
	if err != nil || m.Stop != nil || det.Dialect != "bank" || m.Get(41) != "A1147001        " {
		t.Errorf("%v, %+v, %+v, terminal %q", err, det, m.Stop, m.Get(41))
	}
	for text, want := range map[string]string{
		`{"extends": "iso88"}`: `no dialect "iso88"`,
		"{\"extends\": \"iso87-ascii\",\n\"mask\": {\"2\": \"none\"}}":                                                                  "field 2: mask none",
		"{\"extends\": \"iso87-ascii\", \"spec\": {\"fields\": {\n\n\"48\": {\"enc\": \"ASCII\", \"prefix\": \"ASCII.XX\"}}}}":          "bank.json:3: field 48: prefix",
		"{\"extends\": \"iso87-ascii\", \"spec\": {\"fields\": {\n\"48\": {\"length\": \"many\"}}}}":                                    "bank.json:2: field 48: ",
		"{\"extends\": \"iso87-ascii\",\n \"layouts\": {\"48\": \"tree\"}, \"spec\": {\"fields\": {}}}":                                 `no form "tree"`,
		"{\"fields\": {\"0\": {\"enc\": \"ASCII\"}, \"1\": {\"enc\": \"Binary\"}, \"2\": {\"enc\":\"ASCII\", \"prefix\":\"ASCII.LL\"}}": "",
	} {
		_, err := NewDecoder(Options{Dialect: write(text)})
		if want == "" {
			want = ":1: unexpected end"
		}
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q in it", text, err, want)
		}
	}
}
