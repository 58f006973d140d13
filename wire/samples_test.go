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
	Outside                                int
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
	raw, err := os.ReadFile("../../shared/samples/messages.json")
	if err != nil {
		t.Skip("the collection of real messages is not beside this checkout")
	}
	var all []sample
	if err := json.Unmarshal(raw, &all); err != nil {
		t.Fatal(err)
	}
	ids := map[string]string{"cup-bcd": "cup", "iso87-ascii-hexbitmap": "iso87-ascii"}
	seen := 0
	for _, s := range all {
		want, ok := ids[s.Dialect]
		known := map[string]bool{"len2-binary": true, "none": true}[s.Framing] && map[string]bool{"none": true, "tpdu5": true, "tpdu5+cup6": true}[s.Header]
		if !ok || !s.Valid || !known || len(s.Overrides) > 0 {
			continue
		}
		seen++
		t.Run(s.ID, func(t *testing.T) {
			b, err := hex.DecodeString(s.Hex)
			if err != nil {
				t.Fatal(err)
			}
			m, det, err := Decode(b[:len(b)-s.Outside], Options{})
			if err != nil {
				t.Fatal(err)
			}
			if det.Dialect != want || m.MTI != s.MTI || m.Stop != nil {
				t.Fatalf("read as %+v, MTI %q, stop %+v", det, m.MTI, m.Stop)
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
					t.Errorf("field %s: %q, the source states %q", id, got[id], v)
				}
			}
			if len(got) != len(s.Fields) {
				t.Errorf("%d fields, the source states %d", len(got), len(s.Fields))
			}
		})
	}
	if seen == 0 {
		t.Fatal("no sample was tried")
	}
}
