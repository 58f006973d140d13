package sim

import (
	"cmp"
	"sync"
)

const (
	poor       = 100              // fen on a short account: less than any purchase
	rich       = 1_000_000_000_00 // fen on any other: more than a run can spend, so that the order of sales never matters
	pinTries   = 3
	usualLimit = 5_000_000 // fen: what an issuer lets a single purchase cost
)

// account is a cardholder's account at its issuer.
type account struct {
	card    Card
	balance int64 // fen
	tries   int   // wrong PINs in a row
	bought  int   // purchases that were approved
}

// bank is all issuers together with their accounts.
type bank struct {
	faults *faults
	mu     sync.Mutex
	by     map[string]*account // by card number
}

func newBank(fs *faults) *bank { return &bank{faults: fs, by: map[string]*account{}} }

// open opens the accounts of cards.
func (b *bank) open(cards []Card) {
	for _, c := range cards {
		b.by[c.PAN] = &account{card: c, balance: rich}
	}
}

// accountStates names the states in which an account pays nothing, with the code that says so.
var stateCodes = []struct{ state, code string }{{"expired", "54"}, {"closed", "14"}, {"restricted", "62"}, {"dormant", "21"}, {"no-account", "56"}}

func accountStates() []string {
	var out []string
	for _, s := range stateCodes {
		out = append(out, s.state)
	}
	return out
}

// ask is what an issuer has to know of a purchase.
type ask struct {
	pan      string
	amount   int64  // fen, 0 for a question about the balance
	expiry   string // YYMM as the card says, empty when it was not told
	partial  bool   // the terminal takes less, and the customer pays the rest otherwise
	pin      bool   // a PIN was entered
	pinRight bool
	fallback bool // the stripe of a card whose chip could not be read
	m        moment
}

// verdict is an issuer's word.
type verdict struct {
	code    string
	cause   string // the cause id of a decline
	fault   *live  // what made it decline, nil for its own rules
	silent  bool   // it never answered: the host gives up waiting and says so
	balance int64
	amount  int64 // fen approved: less than asked with code 10
}

// authorise asks the card's issuer, and books what it approves. The order is that of issuers: who the card is, whether it
// may buy, whether its holder is there, whether there is money.
func (b *bank) authorise(a ask) verdict {
	b.mu.Lock()
	defer b.mu.Unlock()
	refuse := func(f *live, code, cause string) verdict {
		v := verdict{code: code, cause: cause, fault: f}
		if f != nil {
			v.cause = f.cause()
		}
		return v
	}
	iss, acc := issuerOf(a.pan), b.by[a.pan]
	if iss == nil {
		return refuse(nil, "15", "")
	}
	if f := b.faults.findFor("issuer.down", a.m, a.pan); f != nil {
		if f.Mode == "silent" || f.Mode == "mixed" && a.m.n%2 == 1 {
			return verdict{code: "98", cause: f.cause(), fault: f, silent: true}
		}
		return refuse(f, "91", "")
	}
	if acc == nil {
		return refuse(nil, "14", "balance.account-status")
	}
	find := func(kind string) *live { return b.faults.findCard(kind, a.m, acc.card) }
	if f := find("card.listed"); f != nil {
		return refuse(f, f.Codes[acc.card.seq%len(f.Codes)], "")
	}
	if f := find("account.state"); f != nil {
		return refuse(f, stateCode(f.Value, acc.card.seq), "")
	}
	if a.expiry != "" && a.expiry < b.faults.clock.today().Format("0601") {
		return refuse(nil, "54", "balance.account-status")
	}
	limit, times := int64(usualLimit), 0
	most, count := find("limit.amount"), find("limit.count")
	if most != nil {
		limit = most.Amount
	}
	if count != nil {
		times = count.Count
	}
	switch {
	case a.amount > limit:
		return refuse(most, coded(most, a.m, "61"), "risk.limit")
	case count != nil && a.amount > 0 && acc.bought >= times:
		return refuse(count, coded(count, a.m, "65"), "")
	case a.pin && acc.tries >= pinTries:
		return refuse(nil, "38", "risk.verification")
	case a.pin && !a.pinRight:
		if acc.tries++; acc.tries >= pinTries {
			return refuse(nil, "75", "risk.verification")
		}
		return refuse(nil, "55", "risk.verification")
	case a.fallback && mixed(uint64(a.m.terminal), uint64(a.m.n))%3 > 0:
		return refuse(nil, "45", "hardware.card-reader") // most issuers take no stripe of a card that has a chip
	}
	if a.pin {
		acc.tries = 0
	}
	balance := acc.balance
	short := find("account.short")
	if short != nil {
		balance = cmp.Or(short.Amount, poor)
	}
	code, amount := "00", a.amount
	if balance < amount {
		if !a.partial || balance <= 0 {
			return refuse(short, "51", "balance.insufficient")
		}
		code, amount = "10", balance
	}
	if amount > 0 {
		acc.balance -= amount
		acc.bought++
	}
	return verdict{code: code, amount: amount, balance: min(balance-amount, 999_999_99)}
}

// coded is the response code that a fault says, or what is usual.
func coded(f *live, m moment, usual string) string {
	if f == nil || len(f.Codes) == 0 {
		return usual
	}
	return f.Codes[mixed(uint64(m.terminal), uint64(m.n))%uint64(len(f.Codes))]
}

func stateCode(state string, card int) string {
	if state == "any" {
		return stateCodes[card%len(stateCodes)].code
	}
	for _, s := range stateCodes {
		if s.state == state {
			return s.code
		}
	}
	return stateCodes[0].code
}

// book moves money without asking: reversals, voids, refunds, what was sold offline. Above 0 is the cardholder's.
func (b *bank) book(pan string, amount int64) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if acc := b.by[pan]; acc != nil {
		acc.balance += amount
	}
}
