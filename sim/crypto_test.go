package sim

import (
	"bytes"
	"encoding/hex"
	"math/rand/v2"
	"testing"
)

func unhex(t *testing.T, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(s)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// The teaching example of UnionPay's key download that circulates publicly (master key, field 62, both working keys), and a
// purchase sealed with its MAC key, recomputed by hand.
func TestPublicVectors(t *testing.T) {
	tmk := unhex(t, "CA5D92598DCA48CE8A4C76361A9269E9")
	f62 := unhex(t, "6701EAD6A9AD51E51AA406E2C27FCFA98D0A74B8B651F9E9BACE9AE10000000000000000AB7153CA")
	k, err := unwrapKeys(tmk, f62)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(k.pik, unhex(t, "807A23AD32B36D457AE91FDF927570EA")) || !bytes.Equal(k.mak, unhex(t, "5BB5C72CD00B7338")) {
		t.Errorf("unwrapped %X and %X", k.pik, k.mak)
	}
	again, err := wrapKeys(tmk, k)
	if err != nil || !bytes.Equal(again, f62) {
		t.Errorf("wrapped again: %X, %v", again, err)
	}
	body := unhex(t, "02007020048000C080111662000000000000050000000000000001000000020120003130303030303031"+
		"303030303030303030303030303031313536001322000001000600")
	if got, err := mac(k.mak, body); err != nil || string(got) != "64EC9130" {
		t.Errorf("MAC %s, %v; want 64EC9130", got, err)
	}
	f62[0] ^= 1
	if _, err := unwrapKeys(tmk, f62); err == nil {
		t.Error("keys were taken whose check value is wrong")
	}
}

// FIPS PUB 81, appendix F, gives the example of ANSI X9.9; ISO/IEC 9797-1, annex B, those of its algorithm 3, which is
// ANSI X9.19, with padding by zeros.
func TestPublishedMACs(t *testing.T) {
	double := "0123456789ABCDEFFEDCBA9876543210"
	for _, v := range []struct {
		algorithm, key, data, want string
	}{
		{"x9.9", "0123456789ABCDEF", "7654321 Now is the time for ", "F1D30F6849312CA4"},
		{"x9.19", double, "Now is the time for all ", "A1C72E74EA3FA9B6"},
		{"x9.19", double, "Now is the time for it", "2E2B1428CC78254F"},
	} {
		m, err := macBy(v.algorithm)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := m.sum(unhex(t, v.key), []byte(v.data)); err != nil || !bytes.Equal(got, unhex(t, v.want)) {
			t.Errorf("%s of %q is %X, %v; want %s", v.algorithm, v.data, got, err, v.want)
		}
	}
	if _, err := macBy("rot13"); err == nil {
		t.Error("a MAC algorithm was made up")
	}
}

// The forms of field 62 by what a sign-in asks for, there and back.
func TestKeyForms(t *testing.T) {
	tmk := unhex(t, "CA5D92598DCA48CE8A4C76361A9269E9")
	for _, c := range []struct {
		kind, mac string
		length    int
	}{{"single", "cup", 24}, {"double", "cup", 40}, {"double", "x9.19", 40}, {"track", "cup", 60}} {
		m, _ := macBy(c.mac)
		k := newKeys(rand.New(rand.NewPCG(1, 2)), c.kind, m)
		wrapped, err := wrapKeys(tmk, k)
		if err != nil || len(wrapped) != c.length {
			t.Fatalf("%s: %d bytes, %v", c.kind, len(wrapped), err)
		}
		got, err := unwrapKeys(tmk, wrapped)
		if err != nil || !bytes.Equal(got.pik, k.pik) || !bytes.Equal(got.mak, k.mak) || !bytes.Equal(got.tdk, k.tdk) {
			t.Errorf("%s: %+v, %v", c.kind, got, err)
		}
		for i := range wrapped {
			wrapped[i] ^= 1
			if _, err := unwrapKeys(tmk, wrapped); err == nil && !padding(c.length, i) {
				t.Errorf("%s: byte %d was changed, and the keys were taken", c.kind, i)
			}
			wrapped[i] ^= 1
		}
	}
}

// padding says that a byte of field 62 follows a short MAC key, where anything may stand.
func padding(length, i int) bool { return length >= 40 && i >= 28 && i < 36 }

// The example that is given for ISO 9564 format 0 in many places, Wikipedia's article on it among them, and one whose
// account number is all zeros.
func TestPINFieldIsFormat0(t *testing.T) {
	for _, v := range [][3]string{{"1234", "43219876543210987", "0412ac89abcdef67"}, {"1234", "6200000000000005", "041234ffffffffff"}} {
		if got, err := pinField(v[0], v[1]); err != nil || hex.EncodeToString(got) != v[2] {
			t.Errorf("%x, %v; want %s", got, err, v[2])
		}
	}
	for _, pin := range []string{"", "123", "1234567890123"} {
		if _, err := pinField(pin, "6200000000000005"); err == nil {
			t.Errorf("a PIN of %d digits was taken", len(pin))
		}
	}
}
