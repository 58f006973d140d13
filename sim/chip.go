package sim

import (
	"encoding/hex"
	"fmt"
	"strings"
)

const issuerData = "07010103A00000010A010000000000"

// chip is the data that a chip card and the terminal's kernel give for a transaction.
func (t *terminal) chip(r reading, amount int64, f fields, pin bool) string {
	application, issuer := "A000000333010101", issuerData
	if iss := issuerOf(r.card.PAN); iss != nil && iss.org == "VIS" {
		application, issuer = "A0000000031010", "06010A03A00000"
	}
	verified, results := "1F0300", "0000000000" // nobody asked who holds the card
	if pin {
		verified, results = "420300", "0000040000" // by a PIN that the issuer proves
	}
	var b strings.Builder
	for _, e := range [][2]string{
		{"9F26", hex.EncodeToString(draw(t.rng, 8))}, {"9F27", "80"}, {"9F10", issuer},
		{"9F37", hex.EncodeToString(draw(t.rng, 4))}, {"9F36", fmt.Sprintf("%04X", t.atc)}, {"95", results},
		{"9A", t.clock.today().Format("060102")}, {"9C", f[3][:2]}, {"9F02", fmt.Sprintf("%012d", amount)}, {"5F2A", "0156"},
		{"82", "7C00"}, {"9F1A", "0156"}, {"9F03", "000000000000"}, {"9F33", "E0F8C8"}, {"9F34", verified}, {"9F35", "22"},
		{"9F1E", hex.EncodeToString([]byte(t.serial))}, {"84", application}, {"9F09", "0020"}, {"9F41", "00" + f[11]},
	} {
		b.WriteString(tlv(e[0], e[1]))
	}
	return b.String()
}

// chipForReversal is what is left of it in a reversal.
func (t *terminal) chipForReversal() string {
	return tlv("95", "0000040000") + tlv("9F1E", hex.EncodeToString([]byte(t.serial))) + tlv("9F10", issuerData) + tlv("9F36", fmt.Sprintf("%04X", t.atc))
}

// chipAnswer is what the issuer sends back for the card: its proof, and now and then, for a card that is in the reader, a
// script that changes something in it (template 72, run after the transaction).
func chipAnswer(m moment, inserted bool) string {
	out := tlv("91", "1122334455667788"+hex.EncodeToString([]byte("00")))
	if inserted && mixed(uint64(m.terminal), uint64(m.sales), 0x72)%scriptEvery == 0 {
		out += tlv("72", hex.EncodeToString([]byte(tlv("9F18", fmt.Sprintf("%08X", m.sales))))+"860D8424000008"+"0102030405060708")
	}
	return out
}

// scriptEvery is how many purchases by chip there are for each with a script, about.
const scriptEvery = 12

// object is the value of a data object in field 55, empty when there is none.
func object(f55, tag string) string {
	for len(f55) > 1 {
		n := 1
		if f55[0]&0x1F == 0x1F {
			n = 2
		}
		at, size := n+1, 0
		if len(f55) > n {
			size = int(f55[n])
		}
		if size == 0x81 && len(f55) > at {
			at, size = at+1, int(f55[at])
		}
		if len(f55) < at+size {
			return ""
		}
		if f55[:n] == tag {
			return f55[at:][:size]
		}
		f55 = f55[at+size:]
	}
	return ""
}

// tlv is one chip data object, of a tag and a value in hex. What is not hex gives nothing.
func tlv(tag, value string) string {
	head, err := hex.DecodeString(tag)
	if err != nil {
		return ""
	}
	v, err := hex.DecodeString(value)
	if err != nil || len(v) > 127 {
		return ""
	}
	return string(head) + string([]byte{byte(len(v))}) + string(v)
}
