package sim

import (
	"crypto/cipher"
	"crypto/des"
	"encoding/hex"
	"errors"
	"strings"
)

// workingKeys are the keys that a sign-in brings: one for PIN blocks, one for MACs.
type workingKeys struct {
	pik []byte // 16 bytes
	mak []byte // 8 bytes
}

var errKeys = errors.New("the working keys do not fit the master key")

// tripleDES makes the cipher of a 16-byte key, whose first half is used again as the third part.
func tripleDES(key []byte) (cipher.Block, error) {
	return des.NewTripleDESCipher(append(append(make([]byte, 0, 24), key...), key[:min(8, len(key))]...))
}

// ecb runs a block cipher over every block of data by itself, as POS key handling does.
func ecb(step func(dst, src []byte), data []byte) []byte {
	out := make([]byte, len(data))
	for i := 0; i+8 <= len(data); i += 8 {
		step(out[i:i+8], data[i:i+8])
	}
	return out
}

// kcv is the key check value: the first 4 bytes of eight zero bytes under the key.
func kcv(b cipher.Block) []byte {
	out := make([]byte, 8)
	b.Encrypt(out, out)
	return out[:4]
}

// wrapKeys packs working keys under a master key in the 40-byte form of field 62.
func wrapKeys(tmk []byte, k workingKeys) ([]byte, error) {
	master, err := tripleDES(tmk)
	if err != nil {
		return nil, err
	}
	pik, err := tripleDES(k.pik)
	if err != nil {
		return nil, err
	}
	mak, err := des.NewCipher(k.mak)
	if err != nil {
		return nil, err
	}
	out := ecb(master.Encrypt, k.pik)
	out = append(out, kcv(pik)...)
	out = append(out, ecb(master.Encrypt, k.mak)...)
	out = append(out, make([]byte, 8)...)
	return append(out, kcv(mak)...), nil
}

// unwrapKeys reads the 40-byte form and proves both check values.
func unwrapKeys(tmk, f62 []byte) (workingKeys, error) {
	if len(f62) != 40 {
		return workingKeys{}, errKeys
	}
	master, err := tripleDES(tmk)
	if err != nil {
		return workingKeys{}, err
	}
	k := workingKeys{pik: ecb(master.Decrypt, f62[:16]), mak: ecb(master.Decrypt, f62[20:28])}
	pik, err := tripleDES(k.pik)
	if err != nil {
		return workingKeys{}, err
	}
	mak, err := des.NewCipher(k.mak)
	if err != nil {
		return workingKeys{}, err
	}
	if string(kcv(pik)) != string(f62[16:20]) || string(kcv(mak)) != string(f62[36:40]) {
		return workingKeys{}, errKeys
	}
	return k, nil
}

// mac is the UnionPay "ECB" MAC over the bytes from the MTI to the last before field 64: 8 upper-case hex characters.
func mac(mak, data []byte) ([]byte, error) {
	key, err := des.NewCipher(mak)
	if err != nil {
		return nil, err
	}
	var x [8]byte
	for i, b := range data {
		x[i%8] ^= b
	}
	text := strings.ToUpper(hex.EncodeToString(x[:]))
	block := []byte(text[:8])
	key.Encrypt(block, block)
	for i := range block {
		block[i] ^= text[8+i]
	}
	key.Encrypt(block, block)
	return []byte(strings.ToUpper(hex.EncodeToString(block))[:8]), nil
}

// pinField is the clear ISO format 0 block: the PIN with its length, mixed with the last twelve digits of the card
// number before its check digit.
func pinField(pin, pan string) ([]byte, error) {
	if len(pin) < 4 || len(pin) > 12 || len(pan) < 13 {
		return nil, errors.New("a PIN has 4 to 12 digits and its card number at least 13")
	}
	p, err := hex.DecodeString("0" + string("0123456789ABC"[len(pin)]) + pin + strings.Repeat("F", 14-len(pin)))
	if err != nil {
		return nil, err
	}
	a, err := hex.DecodeString("0000" + pan[len(pan)-13:len(pan)-1])
	if err != nil {
		return nil, err
	}
	for i := range p {
		p[i] ^= a[i]
	}
	return p, nil
}

// pinBlock is the format 0 block under the PIN key.
func pinBlock(pik []byte, pin, pan string) ([]byte, error) {
	clear, err := pinField(pin, pan)
	if err != nil {
		return nil, err
	}
	key, err := tripleDES(pik)
	if err != nil {
		return nil, err
	}
	return ecb(key.Encrypt, clear), nil
}
