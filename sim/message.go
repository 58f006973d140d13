package sim

import (
	"fmt"
	"time"

	"github.com/moov-io/iso8583"
)

// fields are the values of one message by field number. Binary fields hold their bytes in the string.
type fields map[int]string

// message is a message as both ends of the line handle it: with the message types and fields of the UnionPay POS line,
// whatever the dialect. A codec gives it the dialect's form on its way out and takes that away on its way in.
type message struct {
	mti  string
	f    fields
	head head
	at   time.Time // when it was made, for dialects that say so in requests
	orig *original // what a reversal undoes, for dialects that say so at length
}

// original is what dialects beside UnionPay's repeat of a reversed message.
type original struct {
	mti, stan string
	at        time.Time
}

// head is what the TPDU and UnionPay's header say, as hex digits.
type head struct {
	to, from string // network numbers of the TPDU, 4 digits each
	app      string // application type, 2 digits: 60 stripe, 61 chip
	version  string // software's main version, 2 digits
	status   byte   // terminal status, a digit
	require  byte   // what the host asks the terminal to do, a digit or b, c
	sub      string // sub-version, 6 digits
}

const (
	hostNII   = "0003"
	currentSW = "31" // software's main version that the host takes for current
	cupHeader = "\x60\x31\x00\x31\x10\x01"
	tpduOut   = "\x60\x00\x03\x00\x00" // to the host's network 0003
	tpduBack  = "\x60\x00\x00\x00\x03"
)

// usualHead is what a terminal in order writes.
func usualHead() head {
	return head{to: hostNII, from: "0000", app: "61", version: currentSW, status: '0', require: '0', sub: "311001"}
}

// back is the head of an answer: the networks change sides.
func (h head) back(require byte) head {
	h.to, h.from, h.require = h.from, h.to, require
	return h
}

// put sets a field of a moov message.
func put(m *iso8583.Message, n int, v string) error {
	if n == 52 || n == 55 || n == 62 || n == 64 || n == 128 {
		return m.BinaryField(n, []byte(v))
	}
	return m.Field(n, v)
}

// totals are the sums of one batch as settlement states them.
type totals struct{ debit, credit, foreignDebit, foreignCredit sum }

type sum struct {
	amount int64 // fen
	count  int
}

func (s *sum) add(amount int64, count int) { s.amount, s.count = s.amount+amount, s.count+count }

// book counts a purchase or, as credit, what goes back. count is -1 to take it out again, 0 to correct an amount.
func (t *totals) book(pan string, credit bool, amount int64, count int) {
	s := &t.debit
	abroad := issuerOf(pan) != nil && issuerOf(pan).org != "CUP"
	switch {
	case abroad && credit:
		s = &t.foreignCredit
	case abroad:
		s = &t.foreignDebit
	case credit:
		s = &t.credit
	}
	s.add(amount, count)
}

// field48 writes the 62 digits of settlement: domestic cards and their result, foreign cards and theirs.
func (t totals) field48(domestic, foreign byte) string {
	return fmt.Sprintf("%012d%03d%012d%03d%c%012d%03d%012d%03d%c", t.debit.amount, t.debit.count%1000, t.credit.amount, t.credit.count%1000, domestic,
		t.foreignDebit.amount, t.foreignDebit.count%1000, t.foreignCredit.amount, t.foreignCredit.count%1000, foreign)
}
