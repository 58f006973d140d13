package cli

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"
)

// A purchase of the public teaching material, with a test card.
const purchase = "0058 6000030000 603100311001 0200 7020048000C08011 16 6200000000000005 000000 000000000100 000002 0120 00 " +
	"3130303030303031 303030303030303030303030303031 313536 0013 22000001000600 3634454339313330"

func run(t *testing.T, stdin string, args ...string) (string, error) {
	t.Helper()
	root := newRoot()
	var out bytes.Buffer
	root.SetOut(&out)
	root.SetErr(&out)
	root.SetIn(strings.NewReader(stdin))
	root.SetArgs(args)
	err := root.Execute()
	return out.String(), err
}

func TestDecodeJSON(t *testing.T) {
	out, err := run(t, strings.ReplaceAll(purchase, " ", ":"), "decode", "-", "--json")
	if err != nil {
		t.Fatal(err)
	}
	var got struct {
		Framing, Dialect, MTI string
		Header                map[string]string
		Trailing              int
		Stopped               any
		Fields                []struct{ ID, Value string }
	}
	if err := json.Unmarshal([]byte(out), &got); err != nil {
		t.Fatal(err)
	}
	if got.Framing != "len2" || got.Dialect != "cup" || got.MTI != "0200" || got.Header["id"] != "tpdu+cup" || got.Trailing != 0 || got.Stopped != nil {
		t.Errorf("read as %+v", got)
	}
	values := map[string]string{}
	for _, f := range got.Fields {
		values[f.ID] = f.Value
	}
	for id, want := range map[string]string{"2": "620000******0005", "4": "000000000100", "22": "012", "60.2": "000001", "64": "3634454339313330"} {
		if values[id] != want {
			t.Errorf("field %s: %q, want %q", id, values[id], want)
		}
	}
}

func TestDecodeRefusesWhatIsNoHex(t *testing.T) {
	for _, in := range []string{"", "xyz", "012"} {
		if _, err := run(t, in, "decode"); err == nil {
			t.Errorf("%q was taken for hex", in)
		}
	}
}

func TestDecodeOfDamageShowsWhatItCould(t *testing.T) {
	out, err := run(t, "", "decode", purchase[:len(purchase)-39])
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(out, "6200000000000005") {
		t.Error("the card number stands in the output")
	}
}

// Messages of dialects in ASCII are pasted as the text that they are, also when that consists of hex digits.
func TestDecodeTakesTheTextOfAMessage(t *testing.T) {
	for text, want := range map[string]string{
		"0048" + "0800" + "0220000008000000" + "0511214416" + "663881" + "936400299162":                                                                  "ascii4, none, iso87-ascii",
		"0800" + "8220000000000000" + "0400000000000000" + "0518124316" + "000001" + "301":                                                               "none, none, iso87-ascii",
		"'ISO015000055" + "0800" + "8220000000000000" + "0400000000000000" + "0518124316" + "000001" + "301'\n":                                          "none, base24, iso87-ascii",
		"0200" + "B220000000100000" + "0000000000800000" + "201234" + "000000010000" + "0110722180" + "123456" + "06A5DFGR" + "021ABCDEFGHIJ 1234567890": "none, none, iso87-ascii",
		" D" + "ISO006000010" + "0800" + "8220000000000000" + "0400000000000000" + "0619111227" + "000001" + "001":                                       "none, base24, iso87-ascii", // the length was two bytes
		"0048080002200000080000000511214416\n663881936400299162":                                                                                         "ascii4, none, iso87-ascii",
		"\ufffd0800822000000000000004000000000000000518124316000001301":                                                                                  "none, none, iso87-ascii", // and so was this
		"[T: 11:16:06][L:  67]ISO0060000100800822000000000000004000000000000000619111227000001001":                                                       "none, base24, iso87-ascii",
		"b'0800822000000000000004000000000000000518124316000001301'":                                                                                     "none, none, iso87-ascii",
		"0800\u201a \u0000\u0000\u0000\u0000\u0000\u0000\u0004\u0000\u0000\u0000\u0000\u0000\u0000\u0000" + "0518124316" + "000001" + "301":              "none, none, iso87-ascii-bin", // shown in a code page of Windows
		"0800\x82 \x00\x00\x00\x00\x00\x00\x04\x00\x00\x00\x00\x00\x00\x00" + "0518124316" + "000001" + "301":                                            "none, none, iso87-ascii-bin", // the bytes of a file
		`"0060` + "0200" + "3020000000C10000" + "912000" + "000000040000" + "000001" + "TERM0001" + "MERCHANT0000001" + `007ACCT 1\r"`:                   "none, unknown, iso87-ascii",
		"2026-11-02 10:11:12 SEND [0800822000000000000004000000000000000518124316000001301] (55)":                                                        "none, none, iso87-ascii",
		"2026-11-02 10:11:12 发送报文：00550800822000000000000004000000000000000518124316000001301":                                                           "ascii4, none, iso87-ascii",
		purchase: "len2, tpdu+cup, cup",
	} {
		out, err := run(t, "", "decode", text, "--lang", "en")
		if err != nil || !strings.Contains(out, want) || strings.Contains(out, "not read") {
			t.Errorf("%.30s: %v, want %s in\n%s", text, err, want, out)
		}
	}
	if out, err := run(t, "", "decode", "0200 is no message"); err == nil {
		t.Errorf("prose is decoded:\n%s", out)
	}
	lost := "0200p$\u0005\ufffd\ufffd" + "165555555555554444" + "000000"
	if out, err := run(t, "", "decode", lost); err == nil || !strings.Contains(err.Error(), "were lost") {
		t.Errorf("lost bytes: %v\n%s", err, out)
	}
}
