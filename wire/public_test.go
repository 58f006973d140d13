package wire

import (
	"encoding/hex"
	"slices"
	"strings"
	"testing"
)

// unspaced is hex with blanks between, as bytes.
func unspaced(t *testing.T, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(strings.ReplaceAll(s, " ", ""))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// reads checks what one message is taken for and what its fields hold.
func reads(t *testing.T, b []byte, form string, want map[int]string) (*Message, Detection) {
	t.Helper()
	m, det, err := Decode(b, Options{})
	if err != nil || m.Stop != nil || m.Trailing > 0 {
		t.Errorf("%v, %+v, stop %+v, %d bytes behind", err, det, m.Stop, m.Trailing)
	}
	if got := det.Framing + "/" + det.Header + "/" + det.Dialect; got != form {
		t.Errorf("read as %s (%v), want %s", got, det, form)
	}
	for id, v := range want {
		if got := m.Get(id); got != v {
			t.Errorf("field %d: %q, want %q", id, got, v)
		}
	}
	if leak := leaks(everything(m), testPAN); leak != "" {
		t.Error("the card number stands there as", leak)
	}
	return m, det
}

// Between institutions and UnionPay's switch a header of 46 bytes stands in front, with the length of all in text.
func TestCupsHeader(t *testing.T) {
	header := "2E82 30303935 3434313930343430202020 3030303130333434202020 000000 01 3030303030303030 30 3030303030 "
	in := unspaced(t, header+"30383230 8220000000000000 0400000010000000 30353135313131363331 313036373533 333031 3038 3434313930343430")
	want := map[int]string{7: "0515111631", 11: "106753", 70: "301", 100: "44190440"}
	m, _ := reads(t, in, "none/cups/iso87-ascii-bin", want)
	got := map[string]string{}
	for _, f := range m.HeaderParts() {
		got[f.ID] = f.Value
	}
	for id, v := range map[string]string{"cups.length": "2E", "cups.version": "82", "cups.total": "0095", "cups.to": "44190440   ", "cups.from": "00010344   ",
		"cups.reserved": "000000", "cups.batch": "01", "cups.transaction": "00000000", "cups.user": "0", "cups.reject": "00000"} {
		if got[id] != v {
			t.Errorf("%s: %q, want %q", id, got[id], v)
		}
	}
	reads(t, frameAs("ascii4", in), "ascii4/cups/iso87-ascii-bin", want)
}

// WAY4 packs the digits behind a message type in text; JCB's type is in EBCDIC.
func TestTypeInTextBeforePackedDigits(t *testing.T) {
	reads(t, unspaced(t, "30383030 8220000000000000 0400000000000000 0609121054 026657 0301"), "none/none/way4", map[int]string{7: "0609121054", 11: "026657", 70: "301"})
	reads(t, unspaced(t, "30313230 623C44818AE2A000 16"+testPAN+"920000 0608125959 017349 045957 0608 1908 6011 0901 02 0888791000 0888715000"+
		"373135393031303137333439 3035 5331415449424352 303030303030305331415449424352"+strings.Repeat("20", 40)+"0022 39303430313635303330323945464130423343354334 0784 0784"),
		"none/none/way4", map[int]string{3: "920000", 11: "017349", 22: "901", 32: "88791000", 37: "715901017349", 39: "05", 49: "784", 51: "784"})
	reads(t, unspaced(t, "F0F8F0F0 8220000080000000 0400000010000000 0921180513 002323 0888715000 0001 0888791000"), "none/none/jcb",
		map[int]string{7: "0921180513", 11: "002323", 33: "88715000", 70: "001", 100: "88791000"})
}

// Australian hosts write lengths of text in text behind packed digits, and fees packed behind a letter. Without any such field a
// message is as good as any other in packed digits.
func TestAustralia(t *testing.T) {
	reads(t, unspaced(t, "0210 3222001182C00881 011000 000000002000 0107234745 000506 0108 4400000200 06560258 0861100016 3030 5333303030303031"+
		"343337353836303030202020202020 0000000000000001 000000000000 9550FEC000000000"), "none/none/as2805",
		map[int]string{4: "000000002000", 15: "0108", 28: "4400000200", 32: "560258", 33: "61100016", 39: "00", 41: "S3000001", 57: "000000000000"})
	in := unspaced(t, "0830 8220000082010800 0400000010000000 0104102141 008440 0861100016 3030 303036 5E728F034B20 0000000000000002 0101 06579944")
	want := map[int]string{7: "0104102141", 11: "008440", 33: "61100016", 39: "00", 53: "0000000000000002", 70: "101", 100: "579944"}
	reads(t, in, "none/none/as2805", want)
	reads(t, frameAs("len2", in), "len2/none/as2805", want)
	reads(t, unspaced(t, "0810 2220000002000000 920000 0218070354 000065 3030"), "none/none/iso87-bcd", map[int]string{39: "00"})
}

// The signature of a customer is sent in 0920 and answered in 0930.
func TestSignatureUpload(t *testing.T) {
	in := "6000030000 603100310100 0930 002000000AC00111 000079 583030303034303032373631 3030 3130303136393139 383433313636353538313230303041 0004 B3C9B9A6 0008 07000727 3839314333323442"
	m, det := reads(t, unspaced(t, in), "none/tpdu+cup/cup", map[int]string{11: "000079", 37: "X00004002761", 39: "00", 56: "成功", 60: "07000727"})
	if m.MTI != "0930" || det.Confidence < 0.8 {
		t.Errorf("%s, %+v", m.MTI, det)
	}
}

// Some hosts send four bytes of a seal.
func TestShortSeal(t *testing.T) {
	m, det := reads(t, unspaced(t, "0210 723800000A808003 16"+testPAN+"000000 000000000100 0306153440 000003 165354 0312 353037313133333130323131 3936 3232313935303534"+
		"0643 0009303036363656495341 08BB18C7"), "none/none/iso87-bcd", map[int]string{11: "000003", 39: "96", 41: "22195054", 49: "643", 64: "08BB18C7"})
	if m.Get(63) != "00666VISA"[:9] || det.Confidence > 0.5 {
		t.Errorf("field 63 is %q, %+v", m.Get(63), det)
	}
}

// A message over which a MAC is to be made lacks the MAC: it stops there, and no field before it is empty to make room for one.
func TestWithoutItsSeal(t *testing.T) {
	m, det, err := Decode(unspaced(t, "0200 7024048000C08811 16"+testPAN+"000000 000000000001 000034 2012 0510 00 3934303137303031 333031333238313438313630303032 313536"+
		"2600000000000000 0014 22000026000601"), Options{})
	if err != nil || m.Stop == nil || m.Stop.Field != "64" || m.Get(60) != "22000026000601" || m.Get(53) != "2600000000000000" {
		t.Errorf("%v, %+v, stop %+v, fields %v", err, det, m.Stop, m.Fields())
	}
}

// A date with its year makes a frame two bytes longer than its fields are without: its length is no one that counts itself.
func TestDateWithItsYearInAFrame(t *testing.T) {
	one := frameAs("len2", unspaced(t, "6000000000 611000000000 0200 7038000000C00000 16"+testPAN+"993001 000000250000 000017 222431 20210510 3030303030303034 313030303030303030303030303032"))
	reads(t, one, "len2/tpdu+cup/cup", map[int]string{11: "000017", 13: "20210510", 41: "00000004", 42: "100000000000002"})
	d, err := NewDecoder(Options{})
	if err != nil {
		t.Fatal(err)
	}
	for i, m := range slices.Concat(d.Stream(true).Write(slices.Repeat(one, 6))) {
		if m.Undecoded() || m.Stop != nil || m.Trailing > 0 || m.Get(13) != "20210510" || m.Framing != "len2" {
			t.Errorf("message %d: %+v, stop %+v", i, d.Detection(), m.Stop)
		}
	}
}

// One field without a length or a header in front of the message proves little; with them it is more.
func TestOneFieldProvesLittle(t *testing.T) {
	for _, body := range []string{"0800 0000000000008000 383430", "0200 4000000000000000 16" + testPAN, "30383030 30303030303030303030303038303030 383430"} {
		b := unspaced(t, body)
		m, det, err := Decode(b, Options{})
		if err != nil || m.Undecoded() || m.Stop != nil || det.Confidence > 0.5 {
			t.Errorf("%s: %v, %+v, stop %+v", body, err, det, m.Stop)
		}
	}
	_, det, err := Decode(frameAs("len2", unspaced(t, "6000030000 0200 4000000000000000 16"+testPAN)), Options{})
	if err != nil || det.Framing != "len2" || det.Header != "tpdu" || det.Confidence < 0.4 {
		t.Errorf("%v, %+v", err, det)
	}
}

// A frame between STX and ETX that lost a byte is known for what it is, and what is wrong with it is told.
func TestBrokenFrameAlone(t *testing.T) {
	whole := frameAs("stx-etx", unspaced(t, "6000070808 0200 3020050020C00014 004000 000000009980 000001 0021 0003 37"+testPAN+"D150712201000000000000 3132333435363738 303433202020202020202020202020 0006303030303031 0006303030303031"))
	m, det, err := Decode(whole, Options{})
	if err != nil || det.Framing != "stx-etx" || m.Check != "" || m.Stop != nil {
		t.Fatalf("%v, %+v, stop %+v, check %q", err, det, m.Stop, m.Check)
	}
	for at := 60; at < len(whole)-2; at++ {
		m, det, err := Decode(slices.Delete(slices.Clone(whole), at, at+1), Options{})
		if err != nil || det.Framing != "stx-etx" || det.Header != "tpdu" || !strings.Contains(m.Check, "length") || m.Stop == nil && m.Trailing == 0 {
			t.Errorf("without byte %d: %v, %+v, stop %+v, check %q", at, err, det, m.Stop, m.Check)
		}
		if leak := leaks(everything(m), testPAN); leak != "" {
			t.Error("the card number stands there as", leak)
		}
	}
}

// A damaged message in text behind bytes that nobody knows is read as far as it goes.
func TestDamagedBehindAPrefix(t *testing.T) {
	in := "A4M04000" + "0200" + "B238641108A08000" + "0000000004000000" + "010000" + "000000150000" + "0630103135" + "353282" + "163141" + "0630" + "6011" + "050" + "110" + "D00000000" +
		"11" + "00000000003" + "000046253976" + "08ABCUT5" + "52UCBL GAZIPUR" // forty characters
	m, det, err := Decode([]byte(in), Options{})
	if err != nil || det.Header != unknownHeader || det.Dialect != "iso87-ascii" || m.Stop == nil || m.Stop.Field != "43" || m.MTI != "0200" || det.Confidence > 0.5 {
		t.Errorf("%v, %+v, stop %+v", err, det, m.Stop)
	}
}
