package diagnostics

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"tillscope/assets"
	"tillscope/link"
)

func TestMoneyHasItsCurrency(t *testing.T) {
	for m, want := range map[Money]string{
		{}: "0.00", {"156", 12800}: "¥128.00", {"", 5}: "¥0.05", {"840", -12850}: "-$128.50", {"USD", 1}: "$0.01", {"978", 100}: "EUR 1.00", {"392", 1200}: "JPY 1200",
		{"414", 1200}: "KWD 1.200", {"998", 100}: "998 1.00", {"\x1b[3", 100}: `\x1b[3 1.00`,
	} {
		if got := m.String(); got != want {
			t.Errorf("%+v is %s, want %s", m, got, want)
		}
	}
	var s Sums
	for _, m := range []Money{{"840", 100}, {"156", 1}, {"840", 50}, {"978", 0}} {
		s = s.Add(m)
	}
	if got := s.String(); got != "¥0.01 + $1.50" {
		t.Error(got)
	}
}

// A shop that takes two currencies has two sums, wherever a report states one, and each row its own; folding changes nothing.
func TestReportsSumEachCurrency(t *testing.T) {
	for _, folded := range []bool{false, true} {
		r := newRig(t)
		sales := 2
		if folded {
			sales = keptRecent + keptUnarrived + 4*keptMore
		}
		f := map[int]string{2: pan1, 3: "000000", 4: "000000012850", 11: "987654", 41: "T0000001", 60: "22000001000"}
		var ask [2][]byte
		for i := range ask {
			f[49] = []string{"156", "840"}[i]
			ask[i] = r.msg("0200", f)
		}
		answer := r.msg("0210", map[int]string{3: "000000", 4: "000000012850", 11: "987654", 39: "51", 41: "T0000001", 60: "22000001000"})
		r.ev(link.Opened, link.ToHost, nil)
		for i := range sales * 2 {
			stan, _ := hex.DecodeString(fmt.Sprintf("%06d", i+1))
			numbered := func(b []byte) []byte { return bytes.Replace(b, []byte("\x98\x76\x54"), stan, 1) }
			r.ev(link.Data, link.ToHost, numbered(ask[i%2]))
			r.ev(link.Data, link.ToTerminal, numbered(answer))
		}
		sn := r.s.Snapshot()
		if (sn.Folded > 0) != folded {
			t.Fatalf("%d folded", sn.Folded)
		}
		rep := NewReport(sn, "tillscope", t0, t0)
		each := fmt.Sprintf("%d.00", sales*12850/100)
		if sales*12850%100 != 0 {
			each = fmt.Sprintf("%d.50", sales*12850/100)
		}
		want := fmt.Sprintf("%d transactions, ¥%s + $%s", 2*sales, each, each)
		en, err := assets.Language("en")
		if err != nil {
			t.Fatal(err)
		}
		for name, write := range map[string]func(*bytes.Buffer) error{
			"text":     func(b *bytes.Buffer) error { return rep.Text(b, en) },
			"markdown": func(b *bytes.Buffer) error { return rep.Markdown(b, en) },
			"html":     func(b *bytes.Buffer) error { return rep.HTML(b, en) },
		} {
			var b bytes.Buffer
			if err := write(&b); err != nil {
				t.Fatal(err)
			}
			s := strings.ReplaceAll(strings.ReplaceAll(b.String(), "&#43;", "+"), `\`, "")
			if !strings.Contains(s, want) || !strings.Contains(s, "¥128.50") || !strings.Contains(s, "$128.50") {
				t.Errorf("%s, folded %v: no %q, or no rows with their currency:\n%.3000s", name, folded, want, s)
			}
		}
		var b bytes.Buffer
		if err := rep.JSON(&b); err != nil {
			t.Fatal(err)
		}
		var got struct {
			Causes []struct {
				Amount int64 `json:"amount_minor"`
				Sums   []Money
			}
		}
		if err := json.Unmarshal(b.Bytes(), &got); err != nil {
			t.Fatal(err)
		}
		if c := got.Causes[0]; c.Amount != int64(2*sales*12850) || len(c.Sums) != 2 || c.Sums[0] != (Money{"156", int64(sales * 12850)}) || c.Sums[1] != (Money{"840", int64(sales * 12850)}) {
			t.Errorf("folded %v: %+v", folded, c)
		}
	}
}
