package sim

import (
	"encoding/hex"
	"fmt"
	"strings"
	"time"
)

const issuerData = "07010103A00000010A010000000000"

// chip is the data that a chip card and the terminal's kernel give for a transaction.
func (t *terminal) chip(c Card, amount int64, stan string, contactless bool) string {
	verified, caps := "420300", "E0F8C8" // online PIN
	application := "A000000333010101"
	if iss := issuerOf(c.PAN); iss != nil && iss.org == "VIS" {
		application = "A0000000031010"
	}
	if contactless {
		verified = "1F0300"
	}
	if t.on("reader.stripe-only") != nil {
		caps = "40F8C8"
	}
	var b strings.Builder
	for _, e := range [][2]string{
		{"9F26", hex.EncodeToString(draw(t.rng, 8))}, {"9F27", "80"}, {"9F10", issuerData},
		{"9F37", hex.EncodeToString(draw(t.rng, 4))}, {"9F36", fmt.Sprintf("%04X", t.atc)}, {"95", "0000040000"},
		{"9A", time.Now().In(beijing).Format("060102")}, {"9C", "00"}, {"9F02", fmt.Sprintf("%012d", amount)}, {"5F2A", "0156"},
		{"82", "7C00"}, {"9F1A", "0156"}, {"9F03", "000000000000"}, {"9F33", caps}, {"9F34", verified}, {"9F35", "22"},
		{"9F1E", hex.EncodeToString([]byte(t.serial))}, {"84", application}, {"9F09", "0020"}, {"9F41", "00" + stan},
	} {
		b.WriteString(tlv(e[0], e[1]))
	}
	return b.String()
}

// chipForReversal is what is left of it in a reversal.
func (t *terminal) chipForReversal() string {
	return tlv("95", "0000040000") + tlv("9F1E", hex.EncodeToString([]byte(t.serial))) + tlv("9F10", issuerData) + tlv("9F36", fmt.Sprintf("%04X", t.atc))
}

// chipAnswer is what the issuer sends back for the card.
func chipAnswer() string { return tlv("91", "1122334455667788"+hex.EncodeToString([]byte("00"))) }

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
