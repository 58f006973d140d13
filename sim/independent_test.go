package sim_test

import (
	"bytes"
	"context"
	"crypto/cipher"
	"crypto/des"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"io"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/moov-io/iso8583"
	"github.com/moov-io/iso8583/encoding"
	"github.com/moov-io/iso8583/field"
	"github.com/moov-io/iso8583/prefix"

	"tillscope/sim"
)

// The other half of the store, written a second time: on moov-io/iso8583 and crypto/des alone, with nothing of package sim
// but the addresses and master keys that a lab would type in.

func fixed(n int, enc encoding.Encoder, pre prefix.Prefixer) field.Field {
	return field.NewString(&field.Spec{Length: n, Enc: enc, Pref: pre})
}

func raw(n int, enc encoding.Encoder, pre prefix.Prefixer) field.Field {
	return field.NewBinary(&field.Spec{Length: n, Enc: enc, Pref: pre})
}

// asciiLine is ISO 8583:1987 in ASCII with a hex bitmap.
func asciiLine() *iso8583.MessageSpec {
	a, p := encoding.ASCII, prefix.ASCII
	s := &iso8583.MessageSpec{Fields: map[int]field.Field{
		0: fixed(4, a, p.Fixed), 1: field.NewBitmap(&field.Spec{Length: 8, Enc: encoding.BytesToASCIIHex, Pref: prefix.Hex.Fixed}),
		2: fixed(19, a, p.LL), 35: fixed(37, a, p.LL), 32: fixed(11, a, p.LL), 44: fixed(25, a, p.LL),
		52: raw(8, encoding.BytesToASCIIHex, prefix.ASCII.Fixed), 64: raw(8, encoding.BytesToASCIIHex, prefix.ASCII.Fixed), 128: raw(8, encoding.BytesToASCIIHex, prefix.ASCII.Fixed),
		66: fixed(1, a, p.Fixed), 70: fixed(3, a, p.Fixed), 90: fixed(42, a, p.Fixed)}}
	for n, size := range map[int]int{3: 6, 4: 12, 7: 10, 11: 6, 12: 6, 13: 4, 14: 4, 15: 4, 18: 4, 22: 3, 23: 3, 25: 2, 26: 2, 37: 12, 38: 6, 39: 2, 41: 8, 42: 15, 49: 3} {
		s.Fields[n] = fixed(size, a, p.Fixed)
	}
	for _, n := range []int{48, 54, 55, 60, 61, 62, 63} {
		s.Fields[n] = fixed(999, a, p.LLL)
	}
	return s
}

// cupLine is UnionPay's POS line, as far as moov's own codecs go: they know no D in a packed track, so it has no field 35.
func cupLine() *iso8583.MessageSpec {
	a, b, l, p := encoding.ASCII, encoding.BCD, encoding.LBCD, prefix.BCD
	s := &iso8583.MessageSpec{Fields: map[int]field.Field{
		0: fixed(4, b, p.Fixed), 1: field.NewBitmap(&field.Spec{Length: 8, Enc: encoding.Binary, Pref: prefix.Binary.Fixed}),
		2: fixed(19, l, p.LL), 22: fixed(3, l, p.Fixed), 32: fixed(11, l, p.LL), 48: fixed(322, l, p.LLL), 60: fixed(17, l, p.LLL), 61: fixed(29, l, p.LLL),
		44: fixed(25, a, p.LL), 52: raw(8, encoding.Binary, prefix.Binary.Fixed), 55: raw(255, encoding.Binary, p.LLL), 62: raw(512, encoding.Binary, p.LLL),
		63: fixed(163, a, p.LLL), 64: raw(8, encoding.Binary, prefix.Binary.Fixed), 54: fixed(20, a, p.LLL)}}
	for n, size := range map[int]int{3: 6, 4: 12, 11: 6, 12: 6, 13: 4, 14: 4, 15: 4, 23: 3, 25: 2, 26: 2, 53: 16} {
		s.Fields[n] = fixed(size, b, p.Fixed)
	}
	for n, size := range map[int]int{37: 12, 38: 6, 39: 2, 41: 8, 42: 15, 49: 3} {
		s.Fields[n] = fixed(size, a, p.Fixed)
	}
	return s
}

type lineKind struct {
	dialect, header string // header in hex, to the host and back
	back            string
	spec            *iso8583.MessageSpec
	hexMAC          bool
	mac             func(key, data []byte) []byte
	sealed          int // the field of the MAC
}

func lines() []lineKind {
	return []lineKind{
		{"iso87-ascii", "", "", asciiLine(), true, retail, 64},
		{"cup", "6000030000603100311001", "6000000003603100311001", cupLine(), false, unionpay, 64},
	}
}

func mustDES(key []byte) cipher.Block {
	make, long := des.NewCipher, key
	if len(key) == 16 {
		make, long = des.NewTripleDESCipher, append(append([]byte{}, key...), key[:8]...)
	}
	b, err := make(long)
	if err != nil {
		panic(err)
	}
	return b
}

func blocks(step func(dst, src []byte), in []byte) []byte {
	out := make([]byte, len(in))
	for i := 0; i < len(in); i += 8 {
		step(out[i:], in[i:])
	}
	return out
}

// retail is the MAC of ANSI X9.19 by the library's CBC mode.
func retail(key, data []byte) []byte {
	data = append(append([]byte{}, data...), make([]byte, (8-len(data)%8)%8)...)
	first, second := mustDES(key[:8]), mustDES(key[8:])
	cipher.NewCBCEncrypter(first, make([]byte, 8)).CryptBlocks(data, data)
	last := data[len(data)-8:]
	second.Decrypt(last, last)
	first.Encrypt(last, last)
	return last
}

func unionpay(key, data []byte) []byte {
	x := make([]byte, 8)
	for len(data) > 0 {
		n := min(8, len(data))
		for i := range n {
			x[i] ^= data[i]
		}
		data = data[n:]
	}
	h := fmt.Appendf(nil, "%X", x)
	k := mustDES(key)
	k.Encrypt(h, h[:8])
	for i := range 8 {
		h[i] ^= h[8+i]
	}
	k.Encrypt(h, h[:8])
	return fmt.Appendf(nil, "%X", h[:4])
}

func (k lineKind) pack(t *testing.T, mti string, values map[int]string, header string, key []byte) []byte {
	t.Helper()
	m := iso8583.NewMessage(k.spec)
	m.MTI(mti)
	if key != nil {
		values[k.sealed] = "\x00\x00\x00\x00\x00\x00\x00\x00"
	}
	for n, v := range values {
		if err := m.BinaryField(n, []byte(v)); err != nil {
			t.Error(n, err)
		}
	}
	body, err := m.Pack()
	if err != nil {
		t.Error(err)
		return nil
	}
	if key != nil {
		n := 8
		if k.hexMAC {
			n = 16
		}
		sum := k.mac(key, body[:len(body)-n])
		if k.hexMAC {
			sum = fmt.Appendf(nil, "%X", sum)
		}
		copy(body[len(body)-n:], sum)
	}
	head, _ := hex.DecodeString(header)
	frame := binary.BigEndian.AppendUint16(nil, uint16(len(head)+len(body)))
	return append(append(frame, head...), body...)
}

// get reads one frame and checks its MAC when there is a key and a MAC.
func (k lineKind) get(r io.Reader, key []byte) (mti string, f map[int]string, macOK bool, err error) {
	var size [2]byte
	if _, err := io.ReadFull(r, size[:]); err != nil {
		return "", nil, false, err
	}
	b := make([]byte, binary.BigEndian.Uint16(size[:]))
	if _, err := io.ReadFull(r, b); err != nil {
		return "", nil, false, err
	}
	body := b[len(k.header)/2:]
	m := iso8583.NewMessage(k.spec)
	if err := m.Unpack(body); err != nil {
		return "", nil, false, err
	}
	f = map[int]string{}
	for n := range m.GetFields() {
		if n > 1 {
			v, err := m.GetBytes(n)
			if err != nil {
				return "", nil, false, err
			}
			f[n] = string(v)
		}
	}
	mti, err = m.GetMTI()
	if seal := f[64] + f[128]; seal != "" && key != nil {
		n := 8
		if k.hexMAC {
			n = 16
		}
		macOK = string(k.mac(key, body[:len(body)-n])) == seal
	}
	return mti, f, macOK, err
}

// keysOf takes the working keys out of field 62: PIN key, check value, MAC key, check value.
func (k lineKind) keysOf(t *testing.T, tmk []byte, f62 string) (pik, mak []byte) {
	t.Helper()
	b := []byte(f62)
	if k.hexMAC {
		b, _ = hex.DecodeString(f62)
	}
	if len(b) != 40 {
		t.Fatalf("field 62 has %d bytes", len(b))
	}
	master := mustDES(tmk)
	pik, mak = blocks(master.Decrypt, b[:16]), blocks(master.Decrypt, b[20:36])
	if !k.hexMAC {
		mak = mak[:8]
	}
	zero := make([]byte, 8)
	if check := blocks(mustDES(pik).Encrypt, zero); !bytes.Equal(check[:4], b[16:20]) {
		t.Error("the PIN key's check value is wrong")
	}
	if check := blocks(mustDES(mak).Encrypt, zero); !bytes.Equal(check[:4], b[36:]) {
		t.Error("the MAC key's check value is wrong")
	}
	return pik, mak
}

func block(pik []byte, pin, pan string) string {
	p, _ := hex.DecodeString(fmt.Sprintf("%02d%s%s", len(pin), pin, strings.Repeat("f", 14-len(pin))))
	a, _ := hex.DecodeString("0000" + pan[len(pan)-13:len(pan)-1])
	for i := range p {
		p[i] ^= a[i]
	}
	return string(blocks(mustDES(pik).Encrypt, p))
}

func TestHostAnswersAForeignTerminal(t *testing.T) {
	for _, k := range lines() {
		t.Run(k.dialect, func(t *testing.T) {
			store, err := sim.New(sim.Options{Seed: 11, Speed: 20, Dialect: k.dialect})
			if err != nil {
				t.Fatal(err)
			}
			l, err := net.Listen("tcp", "127.0.0.1:0")
			if err != nil {
				t.Fatal(err)
			}
			ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
			var running sync.WaitGroup
			defer running.Wait()
			defer cancel()
			running.Go(func() { _ = store.Serve(ctx, l) })
			me := store.Registered()[1]
			say := func(mti string, key []byte, values map[int]string) map[int]string {
				t.Helper()
				c, err := net.Dial("tcp", l.Addr().String())
				if err != nil {
					t.Fatal(err)
				}
				defer c.Close()
				_ = c.SetDeadline(time.Now().Add(20 * time.Second))
				if values[41] == "" {
					values[41] = me.TID
				}
				values[42] = me.MID
				if _, err := c.Write(k.pack(t, mti, values, k.header, key)); err != nil {
					t.Fatal(err)
				}
				got, f, macOK, err := k.get(c, key)
				if err != nil {
					t.Fatalf("%s got %v", mti, err)
				}
				if want := mti[:2] + string(mti[2]+1) + "0"; got != want || f[11] != values[11] || f[41] != values[41] {
					t.Errorf("%s %s was answered %s %v", mti, values[11], got, f)
				}
				if key != nil && f[39] == "00" && !macOK {
					t.Errorf("the MAC of %s %s is wrong", got, f[11])
				}
				return f
			}
			code := func(what string, f map[int]string, want string) {
				t.Helper()
				if f[39] != want {
					t.Errorf("%s: %q, want %s", what, f[39], want)
				}
			}
			on := say("0800", nil, map[int]string{11: "000001", 60: "00000001003", 62: "Sequence No12" + "3136" + "31000001", 63: "01 "})
			code("sign-on", on, "00")
			pik, mak := k.keysOf(t, me.MasterKey, on[62])
			card := sim.TestCards()[2]
			sale := func(stan, pin string) map[int]string {
				return map[int]string{2: card.PAN, 3: "000000", 4: "000000012800", 11: stan, 14: card.Expiry, 22: "021", 25: "00", 26: "06", 49: "156",
					52: block(pik, pin, card.PAN), 60: "2200000100060"}
			}
			sold := say("0200", mak, sale("000002", "135790"))
			code("sale", sold, "00")
			if len(sold[37]) != 12 || len(sold[38]) != 6 || sold[4] != "000000012800" {
				t.Errorf("the approval is %v", sold)
			}
			code("the same again", say("0200", mak, sale("000002", "135790")), "94")
			code("wrong PIN", say("0200", mak, sale("000003", "999999")), "55")
			code("wrong MAC key", say("0200", bytes.Repeat([]byte{0x42}, len(mak)), sale("000004", "135790")), "A0")
			other := sale("000005", "135790")
			other[60] = "2200000900060"
			code("another batch", say("0200", mak, other), "77")
			code("another sale", say("0200", mak, sale("000006", "135790")), "00")
			back := func(stan string) map[int]string {
				return map[int]string{2: card.PAN, 3: "000000", 4: "000000012800", 11: stan, 22: "021", 25: "00", 39: "98", 49: "156", 60: "2200000100060"}
			}
			code("reversal", say("0400", mak, back("000006")), "00")
			code("the same reversal again", say("0400", mak, back("000006")), "00")
			code("reversal of nothing", say("0400", mak, back("000099")), "25")
			total := say("0500", nil, map[int]string{11: "000007", 48: "000000012800001" + "000000000000000" + "0" + strings.Repeat("0", 30) + "0", 49: "156", 60: "00000001201", 63: "01 "})
			code("settlement", total, "00")
			if len(total[48]) != 62 || total[48][30] != '1' || total[48][61] != '1' {
				t.Errorf("the totals are not equal: %s", total[48])
			}
			if k.dialect == "iso87-ascii" { // a terminal that knows ISO 8583 and nothing of UnionPay's private fields
				echo := say("0800", nil, map[int]string{11: "000010", 70: "301"})
				if code("echo", echo, "00"); echo[62] != "" {
					t.Error("an echo brought keys")
				}
				plain := func(stan string) map[int]string {
					f := sale(stan, "135790")
					delete(f, 60)
					return f
				}
				code("a plain sale", say("0200", mak, plain("000011")), "00")
				k.sealed = 128
				undo := plain("000012")
				delete(undo, 52)
				undo[90] = "0200" + "000011" + "0102150405" + strings.Repeat("0", 22)
				code("its reversal", say("0420", mak, undo), "00")
				undo[11], undo[90] = "000013", "0200"+"000077"+"0102150405"+strings.Repeat("0", 22)
				code("a reversal of nothing", say("0420", mak, undo), "25")
				k.sealed = 64
				code("sign-off", say("0800", nil, map[int]string{11: "000014", 70: "002"}), "00")
				code("a sale behind it", say("0200", mak, plain("000015")), "A0")
			}
			code("a stranger", say("0800", nil, map[int]string{11: "000001", 41: "99999999", 60: "00000001003"}), "97")
		})
	}
}

func TestTerminalsWorkWithAForeignHost(t *testing.T) {
	for _, k := range lines() {
		t.Run(k.dialect, func(t *testing.T) {
			if k.dialect == "cup" { // the track's D needs a codec that moov has not
				k.spec.Fields[35] = raw(37, trackDigits{}, prefix.BCD.LL)
			}
			store, err := sim.New(sim.Options{Seed: 12, Unpaced: true, Dialect: k.dialect})
			if err != nil {
				t.Fatal(err)
			}
			tmk := map[string][]byte{}
			for _, r := range store.Registered() {
				tmk[r.TID] = r.MasterKey
			}
			l, err := net.Listen("tcp", "127.0.0.1:0")
			if err != nil {
				t.Fatal(err)
			}
			ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
			var running sync.WaitGroup
			h := &foreignHost{t: t, k: k, tmk: tmk, done: cancel}
			running.Go(func() {
				for {
					c, err := l.Accept()
					if err != nil {
						return
					}
					running.Go(func() { h.talk(c) })
				}
			})
			if err := store.Sell(ctx, l.Addr().String()); err != nil {
				t.Error(err)
			}
			l.Close()
			cancel()
			running.Wait()
			if h.sales < 12 || h.settled < 2 || h.reversed > 0 {
				t.Errorf("%d sales, %d settlements, %d reversals", h.sales, h.settled, h.reversed)
			}
		})
	}
}

// trackDigits reads packed digits as hex does, D included.
type trackDigits struct{}

func (trackDigits) Encode(b []byte) ([]byte, error) { return nil, fmt.Errorf("not needed: %d", len(b)) }
func (trackDigits) Decode(b []byte, n int) ([]byte, int, error) {
	size := (n + 1) / 2
	if len(b) < size {
		return nil, 0, io.ErrUnexpectedEOF
	}
	return fmt.Appendf(nil, "%X", b[:size])[:n], size, nil
}

// foreignHost approves everything that is sealed as it should be.
type foreignHost struct {
	t                        *testing.T
	k                        lineKind
	tmk                      map[string][]byte
	done                     func()
	mu                       sync.Mutex
	sales, settled, reversed int
}

func (h *foreignHost) talk(c net.Conn) {
	defer c.Close()
	pik, mak := bytes.Repeat([]byte{0x13, 0x57}, 8), bytes.Repeat([]byte{0x24}, 8)
	if h.k.hexMAC {
		mak = append(mak, bytes.Repeat([]byte{0x68}, 8)...)
	}
	for {
		mti, f, macOK, err := h.k.get(c, mak)
		if err != nil {
			return
		}
		out := map[int]string{39: "00", 37: "000000000001"}
		for _, n := range []int{2, 3, 4, 11, 25, 41, 42, 49, 60} {
			if v, ok := f[n]; ok {
				out[n] = v
			}
		}
		var key []byte
		h.mu.Lock()
		switch mti {
		case "0800":
			if !strings.HasPrefix(f[62], "Sequence No") {
				break
			}
			master := mustDES(h.tmk[f[41]])
			keys := append(blocks(master.Encrypt, pik), blocks(mustDES(pik).Encrypt, make([]byte, 8))[:4]...)
			keys = append(keys, append(blocks(master.Encrypt, mak), make([]byte, 16-len(mak))...)...)
			keys = append(keys, blocks(mustDES(mak).Encrypt, make([]byte, 8))[:4]...)
			if out[62] = string(keys); h.k.hexMAC {
				out[62] = strings.ToUpper(hex.EncodeToString(keys))
			}
		case "0100", "0200", "0220", "0400":
			key = mak
			if !macOK {
				h.t.Errorf("the MAC of %s %s is wrong", mti, f[11])
			}
			if pin := f[52]; pin != "" && pin != block(pik, "135790", f[2]) {
				h.t.Errorf("the PIN block of %s %s is wrong", mti, f[11])
			}
			if track := strings.NewReplacer("D", "=").Replace(f[35]); track != "" && !strings.HasPrefix(track, f[2]+"=") {
				h.t.Errorf("the track of %s %s is another card's", mti, f[11])
			}
			out[38] = "123456"
			if mti == "0200" {
				h.sales++
			} else if mti == "0400" {
				h.reversed++
			}
		case "0500":
			h.settled++
			out[48] = f[48][:30] + "1" + f[48][31:61] + "1"
			delete(out, 2)
		}
		enough := h.sales >= 12 && h.settled >= 2
		h.mu.Unlock()
		if enough {
			h.done()
		}
		if _, err := c.Write(h.k.pack(h.t, mti[:2]+string(mti[2]+1)+"0", out, h.k.back, key)); err != nil {
			return
		}
	}
}
