package wire

import (
	"bytes"
	"fmt"
)

// foreign names another protocol by its first bytes, or is empty.
func foreign(b []byte) string {
	switch {
	case len(b) >= 5 && b[0] >= 0x14 && b[0] <= 0x17 && b[1] == 3 && b[2] <= 4 && int(b[3])<<8|int(b[4]) <= 16384+2048:
		return "TLS"
	case len(b) >= 3 && b[0] == 0x16 && b[1] == 1 && b[2] == 1:
		return "TLCP"
	case len(b) >= 4 && b[0] == 0x10 && b[1] == 2:
		return "ZVT" // DLE STX apdu DLE ETX CRC
	case bytes.HasPrefix(b, []byte("SSH-")):
		return "SSH"
	}
	for _, p := range []string{"GET ", "POST ", "PUT ", "HEAD ", "OPTIONS ", "CONNECT ", "HTTP/1."} {
		if bytes.HasPrefix(b, []byte(p)) {
			return "HTTP"
		}
	}
	if len(b) >= 3 && (b[0] == '<' || b[0] == '{') && printable(b[:3]) {
		if b[0] == '<' {
			return "XML"
		}
		return "JSON"
	}
	return ""
}

// hello says that a connection begins with a TLS handshake, whatever its line carried before: read as a length these bytes
// ask for a frame that no terminal sends.
func hello(b []byte) bool {
	return len(b) >= 6 && b[0] == 0x16 && b[1] == 3 && b[2] <= 4 && (b[5] == 1 || b[5] == 2)
}

// plainText says that bytes which are no message are words: a modem's answers, a console, a log. Messages in text are
// digits for the greater part.
func plainText(b []byte) bool {
	b = b[:min(len(b), 256)]
	words := 0
	for _, c := range b {
		switch {
		case c == '\r' || c == '\n' || c == '\t' || c == ' ' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z':
			words++
		case c < ' ' || c > '~':
			return false
		}
	}
	return len(b) >= 6 && words*10 >= len(b)*6
}

// tlsDetail says what the first record of a TLS connection shows in clear: the version, the name that the client asks
// for, or the alert.
func tlsDetail(b []byte) string {
	if len(b) < 6 {
		return ""
	}
	switch b[0] {
	case 0x15:
		if len(b) >= 7 {
			return fmt.Sprintf("alert %d", b[6])
		}
	case 0x16:
		if b[5] != 1 || len(b) < 11 {
			return "handshake"
		}
		version := fmt.Sprintf("1.%d", max(int(b[10])-1, 0))
		if name := serverName(b); name != "" {
			return "client hello " + version + ", server name " + name
		}
		return "client hello " + version
	}
	return ""
}

// serverName is the SNI of a client hello: record header 5, handshake header 4, version 2, random 32, then lists with
// their lengths (RFC 8446, RFC 6066). What does not fit gives nothing.
func serverName(b []byte) string {
	at := 5 + 4 + 2 + 32
	skip := func(width int) bool {
		if at+width > len(b) {
			return false
		}
		n := 0
		for range width {
			n = n<<8 | int(b[at])
			at++
		}
		at += n
		return at <= len(b)
	}
	if !skip(1) || !skip(2) || !skip(1) || at+2 > len(b) {
		return ""
	}
	at += 2
	for at+4 <= len(b) {
		kind, n := int(b[at])<<8|int(b[at+1]), int(b[at+2])<<8|int(b[at+3])
		at += 4
		if at+n > len(b) {
			return ""
		}
		if kind == 0 && n > 5 {
			if name := b[at+5 : at+n]; printable(name) && !hasRun(name) {
				return string(name)
			}
		}
		at += n
	}
	return ""
}

// hasRun says that a text has digits enough beside each other for a card number.
func hasRun(b []byte) bool {
	n := 0
	for _, c := range b {
		if n++; c < '0' || c > '9' {
			n = 0
		}
		if n == runLimit {
			return true
		}
	}
	return false
}
