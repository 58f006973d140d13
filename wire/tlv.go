package wire

import "fmt"

// tagSpan is one primitive or constructed element of chip data, placed inside its field.
type tagSpan struct {
	tag    string
	off, n int
}

// walkTLV reads BER-TLV elements of b one after another. ok is false when they do not end with b, and then what was
// read before the damage is still answered. Filler bytes 00 and FF between elements are skipped (EMV book 3, annex B).
func walkTLV(b string) (tags []tagSpan, ok bool) {
	at := 0
	for at < len(b) {
		if b[at] == 0 || b[at] == 0xFF {
			at++
			continue
		}
		start := at
		at++
		if b[start]&0x1F == 0x1F {
			for at < len(b) && b[at]&0x80 != 0 {
				at++
			}
			at++
		}
		if at >= len(b) || at-start > 4 {
			return tags, false
		}
		tag := fmt.Sprintf("%X", b[start:at])
		n := int(b[at])
		at++
		if n >= 0x80 {
			k := n & 0x7F
			if k == 0 || k > 2 || at+k > len(b) {
				return tags, false
			}
			n = 0
			for range k {
				n = n<<8 | int(b[at])
				at++
			}
		}
		if n > len(b)-at {
			return tags, false
		}
		tags = append(tags, tagSpan{tag, at, n})
		at += n
	}
	return tags, true
}

// secretTags hold card data: PAN, track equivalents, holder, expiry, PIN (EMV book 3; Visa and PBOC private tags).
var secretTags = map[string]bool{
	"56": true, "57": true, "5A": true, "5F20": true, "5F24": true, "9F0B": true, "9F1F": true, "9F20": true, "9F6B": true, "99": true, "5F2B": true,
}

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
