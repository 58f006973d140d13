package wire

import (
	"encoding/binary"
	"fmt"
)

// element is one primitive or constructed element of chip data, placed inside its field.
type element struct {
	tag    uint32 // its bytes, big-endian
	off, n int
}

// name is the tag in hex.
func (e element) name() string { return fmt.Sprintf("%02X", e.tag) }

// constructed says that the element of a tag is a template. Bit 6 of the tag's first byte tells (ISO/IEC 8825-1).
func constructed(tag uint32) bool {
	for tag > 0xFF {
		tag >>= 8
	}
	return tag&0x20 != 0
}

// nextTLV reads the BER-TLV element at or after at. more is false at the end of b and where the bytes are no TLV; then
// ok tells the one from the other. Filler bytes 00 and FF between elements are skipped (EMV book 3, annex B).
func nextTLV[S string | []byte](b S, at int) (e element, next int, more, ok bool) {
	for at < len(b) && (b[at] == 0 || b[at] == 0xFF) {
		at++
	}
	if at >= len(b) {
		return e, at, false, true
	}
	start := at
	e.tag = uint32(b[at])
	at++
	if b[start]&0x1F == 0x1F {
		for {
			if at >= len(b) || at-start > 3 {
				return e, at, false, false
			}
			e.tag = e.tag<<8 | uint32(b[at])
			at++
			if b[at-1]&0x80 == 0 {
				break
			}
		}
	}
	if at >= len(b) {
		return e, at, false, false
	}
	n := int(b[at])
	at++
	if n >= 0x80 {
		k := n & 0x7F
		if k == 0 || k > 2 || at+k > len(b) {
			return e, at, false, false
		}
		n = 0
		for range k {
			n = n<<8 | int(b[at])
			at++
		}
	}
	if n > len(b)-at {
		return e, at, false, false
	}
	e.off, e.n = at, n
	return e, at + n, true, true
}

// hexBytes reads hex text and puts its bytes behind dst; ok is false where it is none.
func hexBytes[S string | []byte](dst []byte, text S, c coding) (b []byte, ok bool) {
	if len(text)%2 == 1 || c != asText && c != asHex && c != asEBCDIC {
		return nil, false
	}
	i, seen := 0, byte(0)
	for ; c != asEBCDIC && i+8 <= len(text); i += 8 {
		t := text[i : i+8]
		x, ok := unhex8(uint64(t[0])<<56 | uint64(t[1])<<48 | uint64(t[2])<<40 | uint64(t[3])<<32 | uint64(t[4])<<24 | uint64(t[5])<<16 | uint64(t[6])<<8 | uint64(t[7]))
		if !ok {
			break // told below
		}
		dst = binary.BigEndian.AppendUint32(dst, uint32(x))
	}
	for ; i+1 < len(text); i += 2 {
		x, y := text[i], text[i+1]
		if c == asEBCDIC {
			x, y = ebcdic[x], ebcdic[y]
		}
		x, y = hexValue[x], hexValue[y]
		seen |= x | y
		dst = append(dst, x<<4|y)
	}
	return dst, seen <= 15
}

// secretTag says that an element holds card data: PAN, track equivalents, holder, expiry, PIN (EMV book 3; Visa and
// PBOC private tags).
func secretTag(tag uint32) bool {
	switch tag >> 8 {
	case 0:
		return tag == 0x57 || tag == 0x5A || tag == 0x56 || tag == 0x99
	case 0x9F:
		return secret9F[tag&0xFF]
	case 0x5F:
		return tag == 0x5F20 || tag == 0x5F24 || tag == 0x5F2B
	}
	return false
}

var secret9F = [256]bool{0x0B: true, 0x1F: true, 0x20: true, 0x6B: true}

var tagNames = map[string]string{
	"9F26": "Application cryptogram", "9F27": "Cryptogram information data", "9F10": "Issuer application data", "9F37": "Unpredictable number",
	"9F36": "Application transaction counter", "95": "Terminal verification results", "9A": "Transaction date", "9C": "Transaction type",
	"9F02": "Amount, authorised", "5F2A": "Transaction currency code", "82": "Application interchange profile", "9F1A": "Terminal country code",
	"9F03": "Amount, other", "9F33": "Terminal capabilities", "9F34": "CVM results", "9F35": "Terminal type", "9F1E": "Interface device serial number",
	"84": "Dedicated file name", "9F09": "Application version", "9F41": "Transaction sequence counter", "9F63": "Card product identification",
	"91": "Issuer authentication data", "71": "Issuer script 1", "72": "Issuer script 2", "8A": "Authorisation response code", "DF31": "Script result",
	"57": "Track 2 equivalent", "5A": "Application PAN", "5F20": "Cardholder name", "5F24": "Expiration date", "5F34": "PAN sequence number", "9B": "Transaction status information",
	"4F": "Application identifier", "50": "Application label", "9F06": "Application identifier, terminal", "9F12": "Application preferred name", "9F21": "Transaction time", "9F53": "Transaction category code",
	"9F74": "Electronic cash authorisation code", "9F6C": "Card transaction qualifiers", "9F66": "Terminal transaction qualifiers",
}
