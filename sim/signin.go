package sim

import (
	"context"
	"fmt"
	"strconv"
)

var keyKinds = map[string]string{"single": "001", "double": "003", "track": "004", "none": "001"}

// signIn fetches working keys. They are used only when their check values fit the terminal's master key; a terminal whose
// key index is wrong and that does not check goes on with keys that nobody shares.
func (t *terminal) signIn(ctx context.Context) bool {
	res, _, err := t.exchange(ctx, message{mti: "0800", f: fields{11: t.next(), 60: t.f60("00", keyKinds[t.scenario.Keys]),
		62: "Sequence No12" + "3136" + t.serial, 63: "01 "}}, nil)
	if err != nil || res.f[39] != "00" {
		return false
	}
	f := t.on("keys.master")
	var k workingKeys
	if t.scenario.Keys != "none" {
		k, err = unwrapKeys(t.masterKey(), []byte(res.f[62]))
	}
	if err != nil && f != nil && f.Mode == "unchecked" {
		k, err = newKeys(t.rng, t.scenario.Keys, t.codec.mac), nil
	}
	if err != nil {
		return false
	}
	t.keys, t.signedOn, t.opened = k, true, true
	if f60 := res.f[60]; len(f60) >= 8 {
		if n, err := strconv.Atoi(f60[2:8]); err == nil && n != t.batch {
			t.newBatch(n)
		}
	}
	return true
}

// signOff ends the terminal's day at the host.
func (t *terminal) signOff(ctx context.Context) {
	_, _, _ = t.exchange(ctx, message{mti: "0820", f: fields{11: t.next(), 60: t.f60("00", "002")}}, nil)
	t.signedOn = false
}

// loads are the messages that a request in the host's header leads to: message type, network management code.
var loads = map[byte][][2]string{
	'1': {{"0800", "360"}, {"0800", "361"}},
	'2': {{"0820", "362"}},
	'4': {{"0820", "372"}, {"0800", "370"}, {"0800", "371"}},
	'5': {{"0820", "382"}, {"0800", "380"}, {"0800", "381"}},
	'6': {{"0800", "364"}, {"0800", "365"}},
	'7': {{"0800", "390"}, {"0800", "391"}},
	'8': {{"0800", "394"}, {"0800", "395"}},
	'9': {{"0800", "394"}, {"0800", "395"}},
	'b': {{"0800", "396"}, {"0800", "397"}},
	'c': {{"0800", "398"}, {"0800", "399"}},
}

// obey does what the host asked for in its header: sign in again, load parameters, report how the terminal is.
func (t *terminal) obey(ctx context.Context) bool {
	asked := t.asked
	t.asked = '0'
	if asked == '3' {
		t.signedOn = false
		return t.signIn(ctx)
	}
	if t.on("software.old") != nil {
		return true // it does not know what is meant
	}
	for _, l := range loads[asked] {
		f := fields{11: t.next(), 60: t.f60("00", l[1])}
		switch {
		case l[1] == "362":
			f[62] = t.status()
		case l[0] == "0820":
			f[62] = "100" // from the first entry on
		}
		if _, _, err := t.exchange(ctx, message{mti: l[0], f: f}, nil); err != nil {
			t.asked = asked
			return false
		}
	}
	return true
}

// status is what the terminal reports of its parts: keypad, PIN pad, reader, printer, display, then its response time-out
// in seconds and its retries.
func (t *terminal) status() string {
	reader := 1
	if t.on("reader.chip") != nil {
		reader = 0
	}
	return fmt.Sprintf("01%d02%d03%d04%d05%d12%02d13%d", 1, 1, reader, 1, 1, 60, tries)
}
