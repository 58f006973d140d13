package sim

import (
	"fmt"
	"strings"
)

// testPIN is the PIN of every test card.
const testPIN = "135790"

// Card is a synthetic test card. No such card was ever issued.
type Card struct {
	PAN, Track2, Expiry string
	Issuer              string // the bank's name, for reading only
}

// BIN is the part of the card number that leads to the issuer.
func (c Card) BIN() string { return c.PAN[:6] }

var issuers = []struct {
	bin, name string
	digits    int
}{{"622424", "Test Bank One", 16}, {"621226", "Test Bank Two", 19}, {"625800", "Test Bank Three", 16}, {"621700", "Test Bank Four", 19}}

// TestCards lists every card that simulated customers may hold, always the same ones, so that a search for their numbers
// in whatever the program shows or writes can prove that none leaks.
func TestCards() []Card {
	var out []Card
	for serial := 1; serial <= 4; serial++ {
		for _, b := range issuers {
			body := b.bin + fmt.Sprintf("%0*d", b.digits-len(b.bin)-1, 4070*serial+31)
			pan := body + string(luhn(body))
			c := Card{PAN: pan, Expiry: "3012", Issuer: b.name}
			c.Track2 = pan + "=" + c.Expiry + "220" + strings.Repeat("0", 5) + fmt.Sprintf("%05d", 71317+serial)
			out = append(out, c)
		}
	}
	return out
}

// luhn is the check digit of a card number that lacks it.
func luhn(body string) byte {
	sum := 0
	for i := range len(body) {
		d := int(body[len(body)-1-i] - '0')
		if i%2 == 0 {
			if d *= 2; d > 9 {
				d -= 9
			}
		}
		sum += d
	}
	return byte('0' + (10-sum%10)%10)
}
