package sim

import (
	"fmt"
	"net/netip"
	"regexp"
	"slices"
	"strings"
	"time"

	"tillscope/assets"
)

// Kind describes a kind of faults. Its texts are fault.ID in the languages.
type Kind struct {
	ID    string
	Cause string   // the cause id that it usually amounts to, empty when there is none
	Needs []string // parameters without which it means nothing
	Takes []string // further parameters that it heeds, beside cause, begin, end and seed
}

var (
	onTerminals = []string{"terminals", "after", "until"}
	onSome      = []string{"terminals", "after", "until", "share"}
	onCards     = []string{"terminals", "after", "until", "share", "issuers"}
)

// kinds are in the order of the way that a sale takes.
var kinds = []Kind{
	// The card, the terminal and who stands beside it: terminal.go, cardread.go, exchange.go.
	{"reader.chip", "hardware.card-reader", nil, onSome},                                            // worn contacts: the chip cannot be read, the stripe is
	{"reader.stripe", "hardware.card-reader", nil, onSome},                                          // a worn head: misread numbers, and clerks who type them
	{"reader.stripe-only", "hardware.incompatible", nil, onTerminals},                               // no chip reader at all, and the terminal says so
	{"printer.jam", "", nil, onSome},                                                                // approved, then the terminal fails: reversed with 96
	{"module.drop", "hardware.comm-module", nil, onSome},                                            // the radio module breaks off its own connection
	{"module.power", "hardware.comm-module", nil, onSome},                                           // power is lost between request and answer: boots, reverses with 06
	{"keys.master", "hardware.security-module", nil, append([]string{"mode"}, onTerminals...)},      // another master key (tampered, wrong index); mode unchecked: the terminal does not notice
	{"customer.pin", "risk.verification", nil, onCards},                                             // customers type a wrong PIN until their card is stopped
	{"setup.tid", "operation.parameters", []string{"value"}, onTerminals},                           // value: the wrong terminal id, 8 characters
	{"setup.mid", "operation.parameters", []string{"value"}, onTerminals},                           // value: the wrong merchant id, 15 characters
	{"setup.tpdu", "operation.parameters", []string{"value"}, onTerminals},                          // value: the wrong destination, 4 digits; the concentrator hangs up
	{"setup.address", "operation.parameters", nil, onTerminals},                                     // a wrong address: nobody answers the connects
	{"setup.port", "operation.parameters", nil, onTerminals},                                        // a wrong port: connects are refused
	{"setup.tls", "network.protocol-mismatch", nil, onTerminals},                                    // the terminal speaks TLS to a host that does not
	{"setup.framing", "network.protocol-mismatch", []string{"value"}, onTerminals},                  // value: the framing that the terminal uses instead
	{"driver", "operation.driver", []string{"mode"}, onSome},                                        // the register's port driver; mode enq: asks and gets no ACK; text: 00 after each 0D; garbage: its own words around frames; partial: the first bytes only
	{"software.old", "operation.software-outdated", nil, append([]string{"value"}, onTerminals...)}, // value: its main version, 2 digits (10); it ignores what the host asks for and sends an old field 60
	{"batch.open", "operation.batch-unsettled", nil, onTerminals},                                   // nobody settles, and offline sales stay in the terminal
	{"batch.broken", "operation.batch-unsettled", nil, onTerminals},                                 // the batch upload is broken off and never finished

	// The line: line.go, gate.go.
	{"line.outage", "network.carrier-outage", nil, nil},                   // nobody answers a connect, and what stands falls silent
	{"line.reset", "network.unstable", nil, onSome},                       // connections are reset after the request, from the host's side
	{"line.half-open", "network.unstable", []string{"wait"}, onTerminals}, // a router forgets connections that were idle for wait: standing connections only
	{"line.loss", "data.lost", nil, onSome},                               // a request or an answer vanishes, the connection stays up
	{"line.delay", "data.slow", []string{"wait"}, onSome},                 // wait longer on the way
	{"line.rate", "data.slow", []string{"rate"}, onTerminals},             // rate bytes a second and no more
	{"line.noise", "data.corrupt", nil, onSome},                           // bits flip on the way, LRC and MAC do not fit any more
	{"line.cut", "data.corrupt", nil, onSome},                             // an answer ends before its length
	{"serial.baud", "data.corrupt", nil, onTerminals},                     // a wrong baud rate: every byte is another

	// The acquirer's host: talk.go, answer.go.
	{"host.down", "network.server-down", nil, nil},                       // nobody listens: connects are refused
	{"host.mute", "data.lost", nil, onSome},                              // requests other than sign-ons are taken and never answered
	{"host.slow", "data.slow", nil, append([]string{"wait"}, onSome...)}, // sales are answered after the terminal has given up, or wait later than usual
	{"host.keys", "operation.not-signed-on", nil, onTerminals},           // a terminal's working keys are forgotten, once
	{"host.codes", "bank.maintenance", []string{"codes"}, onCards},       // sales are answered with one of codes
	{"host.seal", "data.corrupt", nil, onSome},                           // approvals come with a wrong MAC, as from a box on the way that changes them: reversed with A0
	{"host.reversal", "", []string{"codes"}, onSome},                     // reversals are refused with one of codes: tried again with 06, and no sale before that
	{"host.batch", "bank.batch-mismatch", nil, onTerminals},              // the host's batch is another one, and signing in does not set it right: 77
	{"host.totals", "bank.batch-mismatch", nil, onSome},                  // the host misses sales: totals are unequal, uploads are answered 95

	// The issuers: issuer.go.
	{"issuer.down", "bank.issuer-down", nil, append([]string{"mode"}, onCards...)},            // 91 at once; mode silent: 98 after a wait; mixed: both
	{"account.short", "balance.insufficient", nil, append([]string{"amount"}, onCards...)},    // these accounts hold amount fen and no more (100)
	{"account.state", "balance.account-status", []string{"value"}, onCards},                   // value: expired, closed, restricted, dormant, no-account or, over the cards in turn, any
	{"card.listed", "risk.blacklist", []string{"codes"}, onCards},                             // these cards stand on a list that says codes
	{"limit.amount", "risk.limit", []string{"amount"}, append([]string{"codes"}, onCards...)}, // no purchase above amount fen; codes say it (61): C3 is a merchant's single limit
	{"limit.count", "risk.limit", []string{"count"}, append([]string{"codes"}, onCards...)},   // no more than count purchases of a card; codes say it (65): C4 and C5 are a merchant's of a day and a month

	// The payout behind the host, in the statement only: payout.go.
	{"payout.account", "bank.account-info", nil, append([]string{"value"}, "terminals", "share")},          // paid out to account data that are wrong; value: the bank's words
	{"payout.returned", "bank.account-info", nil, append([]string{"value", "mode"}, "terminals", "share")}, // paid, and sent back by the bank; mode reissued: and paid again, on another bill
	{"payout.hold", "risk.payout-hold", nil, append([]string{"value"}, "terminals", "share")},              // held by the acquirer
	{"payout.pending", "bank.clearing-pending", nil, []string{"terminals", "share"}},                       // not due yet
}

// Kinds lists every kind of faults, in the order of the way that a sale takes.
func Kinds() []Kind { return slices.Clone(kinds) }

func kindOf(id string) *Kind {
	for i := range kinds {
		if kinds[i].ID == id {
			return &kinds[i]
		}
	}
	return nil
}

var (
	answerCode = regexp.MustCompile(`^[0-9A-Z]{2}$`)
	binPattern = regexp.MustCompile(`^[0-9]{4,10}$`)
	causeID    = regexp.MustCompile(`^(hardware|network|data|operation|bank|balance|risk)\.[a-z-]+$`)
)

// problem is what is wrong with a scenario, and in which of its parameters.
type problem = assets.Problem

func problemf(at, format string, args ...any) error {
	return problem{At: at, Why: fmt.Sprintf(format, args...)}
}

// given names the parameters that are set, in the order of their declaration.
func (f Fault) given() (names []string) {
	for _, p := range []struct {
		name string
		set  bool
	}{{"terminals", len(f.Terminals) > 0}, {"share", f.Share != 0}, {"after", f.After != 0}, {"until", f.Until != 0}, {"issuers", len(f.Issuers) > 0},
		{"codes", len(f.Codes) > 0}, {"value", f.Value != ""}, {"mode", f.Mode != ""}, {"wait", f.Wait != 0}, {"rate", f.Rate != 0},
		{"amount", f.Amount != 0}, {"count", f.Count != 0}} {
		if p.set {
			names = append(names, p.name)
		}
	}
	return names
}

// Check refuses a fault whose kind cannot mean it, for a store of so many terminals (0: any number). The error begins with
// the parameter that is wrong.
func (f Fault) Check(terminals int) error {
	k := kindOf(f.Kind)
	if k == nil {
		return problemf("kind", "no fault kind %q: %s", f.Kind, nearest(f.Kind))
	}
	given := f.given()
	for _, name := range k.Needs {
		if !slices.Contains(given, name) {
			return problemf("kind", "%s needs %s", f.Kind, name)
		}
	}
	for _, name := range given {
		if !slices.Contains(k.Needs, name) && !slices.Contains(k.Takes, name) {
			return problemf(name, "%s takes no %s", f.Kind, name)
		}
	}
	switch {
	case f.Cause != "" && !causeID.MatchString(f.Cause):
		return problemf("cause", "%q is no cause id, as in bank.maintenance", f.Cause)
	case f.Begin < 0 || f.End < 0 || f.End > 0 && f.End <= f.Begin:
		return problemf("end", "a fault ends after it began: begin %v, end %v", f.Begin, f.End)
	case f.After < 0 || f.Until < 0 || f.Until > 0 && f.Until <= f.After:
		return problemf("until", "until is a number of sales beyond after: after %d, until %d", f.After, f.Until)
	case f.Share < 0 || f.Share > 1:
		return problemf("share", "%v is not above 0 and at most 1", f.Share)
	case f.Wait < 0 || f.Rate < 0 || f.Amount < 0 || f.Count < 0:
		return problemf("kind", "wait, rate, amount and count cannot be below 0")
	case f.Wait > time.Hour:
		return problemf("wait", "%v is longer than an hour", f.Wait)
	}
	for _, t := range f.Terminals {
		if t < 1 || terminals > 0 && t > terminals {
			return problemf("terminals", "there is no terminal %d: terminals count from 1, and the store has %d", t, terminals)
		}
	}
	for _, c := range f.Codes {
		if !answerCode.MatchString(c) {
			return problemf("codes", "%q is no response code of two digits or capitals", c)
		}
	}
	for _, b := range f.Issuers {
		if !binPattern.MatchString(b) {
			return problemf("issuers", "%q is no BIN of 4 to 10 digits", b)
		}
	}
	return f.checkValue()
}

// checkValue looks at value and mode, which mean something else for each kind.
func (f Fault) checkValue() error {
	oneOf := func(at, have string, allowed ...string) error {
		if slices.Contains(allowed, have) {
			return nil
		}
		return problemf(at, "%s: %q is none of %s", f.Kind, have, strings.Trim(strings.Join(allowed, ", "), ", "))
	}
	switch f.Kind {
	case "setup.tid":
		if len(f.Value) != 8 || !printable(f.Value) {
			return problemf("value", "a terminal id has 8 letters or digits, and %q has not", f.Value)
		}
	case "setup.mid":
		if len(f.Value) != 15 || !printable(f.Value) {
			return problemf("value", "a merchant id has 15 letters or digits, and %q has not", f.Value)
		}
	case "setup.tpdu":
		if len(f.Value) != 4 || strings.Trim(f.Value, "0123456789") != "" {
			return problemf("value", "a destination has 4 digits, as in 0999")
		}
	case "software.old":
		if f.Value != "" && (len(f.Value) != 2 || strings.Trim(f.Value, "0123456789") != "") {
			return problemf("value", "a main version has 2 digits, as in 10")
		}
	case "setup.framing":
		return oneOf("value", f.Value, framings...)
	case "driver":
		return oneOf("mode", f.Mode, "enq", "text", "garbage", "partial")
	case "keys.master":
		return oneOf("mode", f.Mode, "", "unchecked")
	case "payout.returned":
		return oneOf("mode", f.Mode, "", "reissued")
	case "issuer.down":
		return oneOf("mode", f.Mode, "", "silent", "mixed")
	case "account.state":
		return oneOf("value", f.Value, append(accountStates(), "any")...)
	}
	return nil
}

// printable says that a text can stand in a field of text, whatever the dialect.
func printable(s string) bool {
	return strings.IndexFunc(s, func(c rune) bool { return c < ' ' || c > '~' }) < 0
}

// nearest helps with a kind that does not exist: those of the same place, or all.
func nearest(kind string) string {
	place, _, _ := strings.Cut(kind, ".")
	var same, all []string
	for _, k := range kinds {
		if all = append(all, k.ID); strings.HasPrefix(k.ID, place+".") {
			same = append(same, k.ID)
		}
	}
	if len(same) > 0 {
		all = same
	}
	return "choose one of " + strings.Join(all, ", ")
}

// loopbackOnly refuses addresses beyond this machine where only a lab may be reached.
func loopbackOnly(addr string) bool {
	ap, err := netip.ParseAddrPort(addr)
	return err == nil && ap.Addr().IsLoopback()
}
