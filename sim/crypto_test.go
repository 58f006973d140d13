package sim

import (
	"bytes"
	"encoding/hex"
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

// The public teaching example of a key download, and a purchase sealed with its MAC key.
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

func TestPINFieldIsFormat0(t *testing.T) {
	got, err := pinField("1234", "6200000000000005")
	if err != nil || hex.EncodeToString(got) != "041234ffffffffff" {
		t.Errorf("%x, %v", got, err)
	}
	for _, pin := range []string{"", "123", "1234567890123"} {
		if _, err := pinField(pin, "6200000000000005"); err == nil {
			t.Errorf("a PIN of %d digits was taken", len(pin))
		}
	}
}
