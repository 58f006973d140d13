package diagnostics

import (
	"cmp"
	"fmt"
	"strconv"
	"strings"
	"time"

	"tillscope/wire"
)

// AmountOf is the amount of a transaction in minor units and its currency, as they stand in fields 4 and 49. ISO 8583:2003
// has both in field 4, and between them the decimal places: currency n3, places n1, amount n12.
func AmountOf(m *wire.Message) (amount, currency string) {
	amount, currency = m.Get(4), m.Get(49)
	if len(amount) == 16 && len(m.MTI) == 4 && m.MTI[0] == '2' {
		amount, currency = amount[4:], cmp.Or(currency, amount[:3])
	}
	return amount, currency
}

// minorUnits is the amount as a number, with its currency; ok is false where there is none.
func minorUnits(m *wire.Message) (n int64, currency string, ok bool) {
	amount, currency := AmountOf(m)
	n, err := strconv.ParseInt(amount, 10, 64)
	return n, currency, err == nil
}

var amountMarks = strings.NewReplacer(",", "", "，", "", "¥", "", "￥", "", "CNY", "", "RMB", "", " ", "", "元", "", "\u00a0", "")

// parseAmount reads an amount of a statement in hundredths; whole says that it has no decimal point, so that it may be
// hundredths already. Signs, brackets for negative amounts, currency signs and thousands separators are as people write them.
func parseAmount(s string) (hundredths int64, whole bool, err error) {
	text := amountMarks.Replace(s)
	negative := strings.HasPrefix(text, "-") || strings.HasPrefix(text, "(") && strings.HasSuffix(text, ")")
	text = strings.Trim(text, "+-()")
	head, tail, point := strings.Cut(text, ".")
	if !digits(head+tail) || len(head) > 13 || len(tail) > 4 || strings.Trim(tail[min(2, len(tail)):], "0") != "" {
		return 0, false, fmt.Errorf("%q is no amount", s)
	}
	n, err := strconv.ParseInt("0"+head, 10, 64)
	if err != nil {
		return 0, false, fmt.Errorf("%q is no amount", s)
	}
	if point {
		cents, _ := strconv.ParseInt((tail + "00")[:2], 10, 64)
		n = n*100 + cents
	}
	if negative {
		n = -n
	}
	return n, !point, nil
}

var (
	dateForms = []string{"2006-01-02", "2006/1/2", "2006-1-2", "2006.1.2", "20060102", "2006年1月2日", "02/01/2006", "2.1.2006", "060102"}
	timeForms = []string{"15:04:05", "15:04", "150405", "15:04:05.000", "3:04:05 PM", "15时04分05秒"}
)

// parseTime reads a date with or without a time, in one column or two. A date without a year (MMDD) says so by its year 0.
func parseTime(s string, zone *time.Location) (at time.Time, dated, timed bool, err error) {
	s = strings.Join(strings.Fields(strings.TrimSuffix(s, ".0")), " ")
	for _, form := range []string{time.RFC3339, "2006-01-02T15:04:05", "20060102150405"} {
		if t, err := time.ParseInLocation(form, s, zone); err == nil {
			return t, true, true, nil
		}
	}
	if len(s) == 10 && digits(s) { // of clearing files: MMDDhhmmss
		if t, err := time.ParseInLocation("0102150405", s, zone); err == nil {
			return t, true, true, nil
		}
	}
	d, clock, _ := strings.Cut(s, " ")
	if i := strings.Index(d, "日"); i >= 0 && i+len("日") < len(d) {
		d, clock = d[:i+len("日")], d[i+len("日"):]
	}
	if first, rest, ok := strings.Cut(clock, " "); ok && (strings.Count(first, "-") == 2 || strings.Count(first, "/") == 2) {
		clock = rest // the column of times repeats the date
	}
	for _, form := range append(dateForms, "0102", "01-02", "1/2") {
		t, err := time.ParseInLocation(form, d, zone)
		if err != nil {
			continue
		}
		if clock == "" {
			return t, true, false, nil
		}
		if len(clock) == 5 && digits(clock) {
			clock = "0" + clock // a spreadsheet dropped the leading zero
		}
		for _, form := range timeForms {
			if c, err := time.Parse(form, clock); err == nil {
				return t.Add(time.Duration(c.Hour())*time.Hour + time.Duration(c.Minute())*time.Minute + time.Duration(c.Second())*time.Second), true, true, nil
			}
		}
		return at, false, false, fmt.Errorf("%q is no time", clock)
	}
	return at, false, false, fmt.Errorf("%q is no date", s)
}
