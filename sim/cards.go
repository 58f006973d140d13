package sim

import (
	"fmt"
	"strings"
)

// testPIN is the PIN of every test card, wrongPIN what customers type who do not know it.
const (
	testPIN  = "135790"
	wrongPIN = "135791"
)

// pastExpiry is what stands on a card that ran out.
const pastExpiry = "2406"

// Card is a synthetic test card. No such card was ever issued.
type Card struct {
	PAN, Track2, Expiry string
	Issuer              string // the bank's name, for reading only
	seq                 int    // among the cards of its terminal
}

// expired is the same card as one that ran out.
func (c Card) expired() Card {
	c.Track2 = strings.Replace(c.Track2, "="+c.Expiry, "="+pastExpiry, 1)
	c.Expiry = pastExpiry
	return c
}

// BIN is the part of the card number that leads to the issuer.
func (c Card) BIN() string { return c.PAN[:6] }

// issuer is a bank that issues cards.
type issuer struct {
	bin, name string
	digits    int
	org       string // the card organisation, as field 63 names it
}

var issuers = []issuer{{"622424", "Test Bank One", 16, "CUP"}, {"621226", "Test Bank Two", 19, "CUP"}, {"625800", "Test Bank Three", 16, "CUP"},
	{"621700", "Test Bank Four", 19, "CUP"}, {"476173", "Test Bank Abroad", 16, "VIS"}}

// issuerOf routes a card number by its BIN; nil when no issuer has it.
func issuerOf(pan string) *issuer {
	for i := range issuers {
		if strings.HasPrefix(pan, issuers[i].bin) {
			return &issuers[i]
		}
	}
	return nil
}

const cardsPerIssuer = 4

// TestCards lists the cards that the customers of the first terminal hold, always the same ones.
func TestCards() []Card { return cardsOf(0) }

// cardsOf are the cards of the customers who come to a terminal, from 0. Each terminal has its own: what one terminal's
// customers do then never depends on how the others are scheduled.
func cardsOf(terminal int) []Card {
	out := make([]Card, 0, cardsPerIssuer*len(issuers))
	for k := 1; k <= cardsPerIssuer; k++ {
		serial := terminal*cardsPerIssuer + k
		for _, b := range issuers {
			body := b.bin + fmt.Sprintf("%0*d", b.digits-len(b.bin)-1, 4070*serial+31)
			pan := body + string(luhn(body))
			c := Card{PAN: pan, Expiry: "3012", Issuer: b.name, seq: len(out)}
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
