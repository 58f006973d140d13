package sim

import (
	"bytes"
	"crypto/cipher"
	"crypto/des"
	"encoding/hex"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
)

// workingKeys are the keys that a sign-in brings: for PIN blocks, for MACs and for tracks.
type workingKeys struct {
	pik []byte // 16 bytes, 8 when single
	mak []byte // 8 bytes, 16 where the MAC needs them
	tdk []byte // 16 bytes, nil when tracks travel in clear
}

var errKeys = errors.New("the working keys do not fit the master key")

// desOf makes the cipher of a key: single DES of 8 bytes, triple DES of 16, whose first half is used again as the third.
func desOf(key []byte) (cipher.Block, error) {
	if len(key) == 8 {
		return des.NewCipher(key)
	}
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

// wrapKeys packs working keys under a master key in the form of field 62: 24 bytes for single-length keys, 40 for double
// ones, of which the MAC key may fill the first half only, 60 with a track key.
func wrapKeys(tmk []byte, k workingKeys) ([]byte, error) {
	master, err := desOf(tmk)
	if err != nil {
		return nil, err
	}
	var out []byte
	for i, key := range [][]byte{k.pik, k.mak, k.tdk} {
		if key == nil {
			break
		}
		c, err := desOf(key)
		if err != nil {
			return nil, err
		}
		out = append(out, ecb(master.Encrypt, key)...)
		if i == 1 && len(k.pik) == 16 && len(key) == 8 {
			out = append(out, make([]byte, 8)...)
		}
		out = append(out, kcv(c)...)
	}
	return out, nil
}

// unwrapKeys reads the forms of wrapKeys and proves every check value.
func unwrapKeys(tmk, f62 []byte) (workingKeys, error) {
	master, err := desOf(tmk)
	if err != nil {
		return workingKeys{}, err
	}
	long := 16
	if len(f62) == 24 {
		long = 8
	} else if len(f62) != 40 && len(f62) != 60 {
		return workingKeys{}, errKeys
	}
	var keys [3][]byte
	for i := 0; len(f62) > 0; i++ {
		part, check := f62[:long], f62[long:long+4]
		f62 = f62[long+4:]
		if i == 1 && long == 16 && bytes.Equal(part[8:], make([]byte, 8)) {
			part = part[:8]
		}
		keys[i] = ecb(master.Decrypt, part)
		c, err := desOf(keys[i])
		if err != nil {
			return workingKeys{}, err
		}
		if !bytes.Equal(kcv(c), check) {
			return workingKeys{}, errKeys
		}
	}
	return workingKeys{pik: keys[0], mak: keys[1], tdk: keys[2]}, nil
}

// newKeys makes the working keys that a sign-in of a kind brings.
func newKeys(rng *rand.Rand, kind string, m macAlgorithm) workingKeys {
	if kind == "none" {
		return workingKeys{}
	}
	k := workingKeys{pik: draw(rng, 16), mak: draw(rng, m.keyLen)}
	switch kind {
	case "single":
		k.pik, k.mak = k.pik[:8], k.mak[:8]
	case "track":
		k.tdk = draw(rng, 16)
	}
	return k
}

// draw takes n bytes from a seeded generator: keys here need to repeat, and protect nothing.
func draw(rng *rand.Rand, n int) []byte {
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(rng.Uint32())
	}
	return b
}

// macAlgorithm is a way to seal a message, from the message type to the last byte before the MAC: 8 bytes.
type macAlgorithm struct {
	name   string
	keyLen int
	sum    func(key, data []byte) ([]byte, error)
}

var macs = []macAlgorithm{{"cup", 8, mac}, {"x9.9", 8, macX99}, {"x9.19", 16, macX919}}

func macBy(name string) (macAlgorithm, error) {
	for _, m := range macs {
		if m.name == name {
			return m, nil
		}
	}
	return macAlgorithm{}, fmt.Errorf("no MAC algorithm %s: choose cup, x9.9 or x9.19", name)
}

// mac is the UnionPay "ECB" MAC: 8 upper-case hex characters.
func mac(mak, data []byte) ([]byte, error) {
	key, err := desOf(mak)
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

// macX99 is ANSI X9.9: the last block of DES in CBC mode without an initial vector, data padded with zeros.
func macX99(mak, data []byte) ([]byte, error) {
	key, err := desOf(mak[:min(8, len(mak))])
	if err != nil {
		return nil, err
	}
	return cbcMAC(key, data), nil
}

func cbcMAC(key cipher.Block, data []byte) []byte {
	x := make([]byte, 8)
	for i, b := range data {
		x[i%8] ^= b
		if i%8 == 7 || i == len(data)-1 {
			key.Encrypt(x, x)
		}
	}
	return x
}

// macX919 is ANSI X9.19, the retail MAC (ISO 9797-1 algorithm 3): X9.9 under the key's first half, of which the last block
// is decrypted under the second half and encrypted under the first again.
func macX919(mak, data []byte) ([]byte, error) {
	first, err := desOf(mak[:min(8, len(mak))])
	if err != nil {
		return nil, err
	}
	second, err := desOf(mak[max(0, len(mak)-8):])
	if err != nil {
		return nil, err
	}
	x := cbcMAC(first, data)
	second.Decrypt(x, x)
	first.Encrypt(x, x)
	return x, nil
}

// pinField is the clear ISO 9564 format 0 block: the PIN with its length, mixed with the last twelve digits of the card
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
	key, err := desOf(pik)
	if err != nil {
		return nil, err
	}
	return ecb(key.Encrypt, clear), nil
}
