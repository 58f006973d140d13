package diagnostics

import (
	"cmp"
	"slices"
	"strconv"
	"strings"
	"sync"
)

// Money is an amount, or a sum of them, in one currency, as field 49 names it: the number of ISO 4217, of some lines its letters.
type Money struct {
	Currency string `json:"currency"`
	Amount   int64  `json:"amount_minor"`
}

// String is ¥128.00, $128.00, EUR 128.00, JPY 128: with the letters of the currency where they are known, else with what stood in
// field 49. Without a currency it is taken for yuan, and what is nothing at all has none.
func (m Money) String() string {
	if m == (Money{}) {
		return "0.00"
	}
	letters, places := m.Currency, 2
	if c, ok := currencies()[m.Currency]; ok {
		letters, places = c.letters, c.places
	}
	sign := Clean(letters) + " "
	switch letters {
	case "CNY", "":
		sign = "¥"
	case "USD":
		sign = "$"
	}
	s := decimal(m.Amount, places)
	if m.Amount < 0 {
		return "-" + sign + s[1:]
	}
	return sign + s
}

// decimal is n with so many places after the point.
func decimal(n int64, places int) string {
	minus := ""
	if n < 0 {
		n, minus = -n, "-"
	}
	s := strconv.FormatInt(n, 10)
	if places > 0 {
		s = strings.Repeat("0", max(places+1-len(s), 0)) + s
		s = s[:len(s)-places] + "." + s[len(s)-places:]
	}
	return minus + s
}

func (t *Transaction) money() Money { return Money{Clean(t.Currency), t.Amount} }

func (t ReportTransaction) money() Money { return Money{t.Currency, t.Amount} }

// Sums are amounts added up, each currency for itself, in the order of their numbers.
type Sums []Money

// Add is the sums with one amount more.
func (s Sums) Add(m Money) Sums {
	if m.Amount == 0 {
		return s
	}
	at, known := slices.BinarySearchFunc(s, m, func(a, b Money) int { return cmp.Compare(a.Currency, b.Currency) })
	if known {
		s[at].Amount += m.Amount
		return s
	}
	return slices.Insert(s, at, m)
}

func (s Sums) String() string {
	if len(s) == 0 {
		return Money{}.String()
	}
	out := make([]string, len(s))
	for i, m := range s {
		out[i] = m.String()
	}
	return strings.Join(out, " + ")
}

type currency struct {
	letters string
	places  int
}

// currencies are those of ISO 4217, by number and by letters.
var currencies = sync.OnceValue(func() map[string]currency {
	out := map[string]currency{}
	for _, s := range strings.Fields(iso4217) { // 392JPY0
		c := currency{s[3:6], 2}
		if len(s) > 6 {
			c.places = int(s[6] - '0')
		}
		out[s[:3]], out[c.letters] = c, c
	}
	return out
})

// iso4217 has number, letters, and the places of the minor unit where they are not two.
const iso4217 = `784AED 971AFN 008ALL 051AMD 973AOA 032ARS 036AUD 533AWG 944AZN 977BAM 052BBD 050BDT 975BGN 048BHD3 108BIF0 060BMD 096BND 068BOB
986BRL 044BSD 064BTN 072BWP 933BYN 084BZD 124CAD 976CDF 756CHF 152CLP0 156CNY 170COP 188CRC 192CUP 132CVE 203CZK 262DJF0 208DKK 214DOP 012DZD 818EGP
232ERN 230ETB 978EUR 242FJD 238FKP 826GBP 981GEL 936GHS 292GIP 270GMD 324GNF0 320GTQ 328GYD 344HKD 340HNL 332HTG 348HUF 360IDR 376ILS 356INR 368IQD3
364IRR 352ISK0 388JMD 400JOD3 392JPY0 404KES 417KGS 116KHR 174KMF0 408KPW 410KRW0 414KWD3 136KYD 398KZT 418LAK 422LBP 144LKR 430LRD 426LSL 434LYD3
504MAD 498MDL 969MGA 807MKD 104MMK 496MNT 446MOP 480MUR 462MVR 454MWK 484MXN 458MYR 943MZN 516NAD 566NGN 558NIO 578NOK 524NPR 554NZD 512OMR3 590PAB
604PEN 598PGK 608PHP 586PKR 985PLN 600PYG0 634QAR 946RON 941RSD 643RUB 646RWF0 682SAR 090SBD 690SCR 752SEK 702SGD 654SHP 706SOS 968SRD 728SSP 222SVC
760SYP 748SZL 764THB 972TJS 934TMT 788TND3 776TOP 949TRY 780TTD 901TWD 834TZS 980UAH 800UGX0 840USD 858UYU 860UZS 928VES 704VND0 548VUV0 882WST 950XAF0
951XCD 952XOF0 953XPF0 886YER 710ZAR 967ZMW`
