package sim

import (
	"encoding/hex"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

// shopOf writes a scenario and answers the name of its file.
func shopOf(t *testing.T, text string) string {
	t.Helper()
	name := filepath.Join(t.TempDir(), "shop.yaml")
	if err := os.WriteFile(name, []byte("id: x\ntitle: {en: X}\n"+text), 0o600); err != nil {
		t.Fatal(err)
	}
	return name
}

// asked finds the request of an answer.
func (p *played) asked(answer parcel) (req parcel) {
	for _, m := range p.messages {
		if m.mti[1:2] == answer.mti[1:2] && (m.mti[2]+1) == answer.mti[2] && m.f[11] == answer.f[11] && m.f[41] == answer.f[41] {
			req = m
		}
	}
	return req
}

func TestWhatWasHeldOrCompletedIsVoided(t *testing.T) {
	shop := shopOf(t, "mix: {sale: 10, void: 30, preauth: 40, completion: 20}\nentry: {chip: 1}\npace: {batch: 12}")
	seen := map[string]int{}
	play(t, Options{Scenario: shop, Seed: 3, Unpaced: true, Terminals: 1}, func(p *played) bool {
		m := p.messages[max(len(p.messages)-1, 0):]
		for _, m := range m {
			if kind := m.f[60]; len(kind) > 2 && m.f[39] != "" && (m.mti == "0210" || m.mti == "0110") {
				seen[kind[:2]+" "+m.f[39]]++
			}
			if m.mti == "0200" && m.f[60][:2] == "23" && (m.f[22][:2] != "05" || m.f[55] != "" || m.f[23] == "" || m.f[35] == "") {
				t.Errorf("a void of a chip sale was read as %v", m.f)
			}
			if m.mti == "0510" && (m.f[48][30] != '1' || m.f[48][61] != '1') {
				t.Errorf("the totals differ: %s", m.f[48])
			}
			if m.f[39] != "" && !approved(m.f[39]) {
				t.Errorf("%v was answered %s", p.asked(m).f, m.f[39])
			}
		}
		return seen["23 00"] >= 2 && seen["21 00"] >= 2 && seen["11 00"] >= 2 && seen["20 00"] >= 2
	})
}

func TestIssuersScriptsAreRunAndTold(t *testing.T) {
	for _, dialect := range []string{"cup", "iso87-ascii", "iso93-ascii"} {
		p := play(t, Options{Scenario: shopOf(t, "entry: {chip: 1}\nmix: {sale: 1}"), Seed: 3, Unpaced: true, Terminals: 2, Dialect: dialect}, has(3, "0630", 39, "00"))
		scripts := map[string]string{} // by terminal and trace number of the sale
		for _, m := range p.messages {
			switch {
			case m.mti == "0210" && object(m.f[55], "\x72") != "":
				scripts[m.f[41]+m.f[11]] = object(object(m.f[55], "\x72"), "\x9f\x18")
			case m.mti == "0620":
				id := scripts[m.f[41]+m.f[61][6:12]]
				if id == "" || object(m.f[55], "\xdf\x31") != "\x20"+id || m.f[60][8:] != "951" {
					t.Errorf("%s: the notice %v is about no script", dialect, m.f)
				}
			}
		}
	}
}

func TestPartialApprovals(t *testing.T) {
	shop := shopOf(t, "partial: true\nmix: {sale: 9, void: 2}")
	p := play(t, Options{Scenario: shop, Seed: 3, Unpaced: true, Terminals: 2}, func(p *played) bool {
		return has(5, "0210", 39, "10")(p) && has(4, "0510", 39, "00")(p)
	}, Fault{Kind: "account.short", Amount: 900, Share: 0.5})
	for _, m := range p.messages {
		switch {
		case m.mti == "0210" && m.f[39] == "10":
			if req := p.asked(m); req.f[60][13] != '1' || req.f[4] <= m.f[4] || m.f[4] != "000000000900" || m.f[38] == "" {
				t.Errorf("%v was partly approved by %v", req.f, m.f)
			}
		case m.mti == "0210" && m.f[39] == "51" && m.f[60][:2] == "22":
			t.Errorf("%v was refused", m.f)
		case m.mti == "0400":
			t.Errorf("a partial approval was reversed: %v", m.f)
		case m.mti == "0510" && (m.f[48][30] != '1' || m.f[48][61] != '1'):
			t.Errorf("the totals differ: %s", m.f[48])
		}
	}
}

func TestTracksTravelUnderTheirKey(t *testing.T) {
	for _, dialect := range []string{"cup", "iso87-ascii", "iso93-bcd"} {
		p := play(t, Options{Scenario: shopOf(t, "keys: track\nmix: {sale: 1}"), Seed: 3, Unpaced: true, Terminals: 1, Dialect: dialect}, has(12, "0210", 39, "00"))
		var keys workingKeys
		hidden := 0
		for _, m := range p.messages {
			if m.mti == "0810" && len(m.f[62]) == 60 {
				k, err := unwrapKeys(p.store.Registered()[0].MasterKey, []byte(m.f[62]))
				if err != nil {
					t.Fatal(err)
				}
				keys = k
			}
			track := m.f[35]
			if track == "" {
				continue
			}
			shown, err := showTrack(keys.tdk, track)
			if err != nil || shown == track || !strings.HasPrefix(shown, m.f[2]+"=3012220") {
				t.Errorf("%s: the track is %s", dialect, shown)
			}
			if dialect == "cup" && m.f[53][1:3] != "61" {
				t.Errorf("field 53 is %s", m.f[53])
			}
			hidden++
		}
		if hidden < 8 {
			t.Errorf("%s: %d tracks", dialect, hidden)
		}
		msgs, det := read(t, p.events)
		if whole(t, msgs); det.Dialect != dialect {
			t.Errorf("%s was taken for %+v", dialect, det)
		}
	}
	// The block is what the key makes of the clear one, eight bytes that end before the last.
	tdk, track := []byte("0123456789ABCDEF"), "6224240000040011=30122200000071318"
	hidden, err := hideTrack(tdk, track)
	if err != nil {
		t.Fatal(err)
	}
	key, _ := desOf(tdk)
	block, _ := hex.DecodeString("D301222000000713")
	key.Encrypt(block, block)
	if want := strings.ReplaceAll("6224240000040011"+strings.ToUpper(hex.EncodeToString(block))+"18", "D", "="); hidden != want {
		t.Errorf("%s, want %s", hidden, want)
	}
}

func TestReversalsNameTheAuthorisation(t *testing.T) {
	p := play(t, Options{Seed: 3, Unpaced: true, Terminals: 1}, has(3, "0410", 39, "00"), Fault{Kind: "printer.jam", Share: 0.5})
	for _, m := range p.messages {
		if m.mti == "0400" && m.f[38] == "" {
			t.Errorf("a reversal of what was approved names no authorisation: %v", m.f)
		}
	}
}

func TestUploadOfAnUnequalBatch(t *testing.T) {
	shop := shopOf(t, "mix: {sale: 60, void: 10, refund: 10, offline: 20}\npace: {batch: 16}")
	p := play(t, Options{Scenario: shop, Seed: 5, Unpaced: true, Terminals: 1}, has(4, "0510", 39, "00"), Fault{Kind: "host.totals", Share: 0.3})
	sent, types := 0, map[string]int{}
	for _, m := range p.messages {
		if m.mti != "0320" {
			continue
		}
		switch code := m.f[60][8:]; code {
		case "201":
			n, _ := strconv.Atoi(m.f[48][:2])
			sent += n
			types[code] += n
		case "202", "207":
			if n, _ := strconv.Atoi(m.f[48]); n != sent {
				t.Errorf("the end of the upload counts %d, and %d were sent", n, sent)
			}
			sent = 0
		default:
			sent++
			types[m.f[60][:2]+code]++
		}
	}
	for _, kind := range []string{"201", "00205", "25000", "30000"} {
		if types[kind] == 0 {
			t.Errorf("nothing of %s was uploaded: %v", kind, types)
		}
	}
}

// What came back from the bank is paid out again later, on another bill.
func TestReturnedPayoutsArePaidAgain(t *testing.T) {
	name := filepath.Join(t.TempDir(), "statement.csv")
	f, err := os.Create(name)
	if err != nil {
		t.Fatal(err)
	}
	s, err := New(Options{Seed: 6, Unpaced: true, Terminals: 1})
	if err != nil {
		t.Fatal(err)
	}
	s.WriteStatement(f)
	if _, err := s.Control().Add(Fault{Kind: "payout.returned", Mode: "reissued", Share: 0.5}); err != nil {
		t.Fatal(err)
	}
	run(t, s, has(30, "0210", 39, "00"))
	b, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	returned, again := map[string][]string{}, 0
	for _, r := range strings.Split(strings.TrimSpace(string(b)), "\n")[1:] {
		cells := strings.Split(strings.ReplaceAll(r, `"`, ""), ",")
		rrn, payday, state, bill := cells[7], cells[16], cells[17], cells[len(cells)-1]
		if state == "退票" {
			returned[rrn] = []string{payday, bill}
		} else if before := returned[rrn]; before != nil && rrn != "" {
			if again++; state != "成功" || payday <= before[0] || bill == before[1] {
				t.Errorf("%s came back on %v and is now %s", rrn, before, r)
			}
		}
	}
	if again < 5 || again != len(returned) {
		t.Errorf("%d of %d came back and were paid again", again, len(returned))
	}
}

// Some labs have no keys at all: then nothing is sealed, and nobody types a PIN.
func TestStoreWithoutKeys(t *testing.T) {
	p := play(t, Options{Scenario: shopOf(t, "keys: none"), Seed: 6, Unpaced: true, Dialect: "iso87-ascii"}, func(p *played) bool {
		return has(20, "0210", 39, "00")(p) && has(3, "0510", 39, "00")(p)
	})
	for _, m := range p.messages {
		if m.f[52]+m.f[64]+m.f[128] != "" || m.mti == "0810" && m.f[62] != "" && m.f[60][8:] == "001" || m.mti == "0400" {
			t.Fatalf("%s %v", m.mti, m.f)
		}
	}
}
