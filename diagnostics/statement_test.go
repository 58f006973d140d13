package diagnostics

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/moov-io/iso8583"
	"golang.org/x/text/encoding/simplifiedchinese"

	"tillscope/wire"
)

// sold is a rig with four approved sales of ¥1.00 at 10:00 and after, with reference numbers R00000000001 and on, and settled.
func sold(t *testing.T) *rig {
	r := newRig(t)
	for i := range 4 {
		r.pair("0200", "0210", map[int]string{2: pan1, 3: "000000", 4: "000000000100", 11: fmt.Sprintf("%06d", i+1), 41: "T0000001", 49: "156", 60: "22000001000"},
			map[int]string{37: fmt.Sprintf("R%011d", i+1), 39: "00"})
	}
	totals := strings.Repeat("0", 62)
	equal := totals[:30] + "1" + totals[31:]
	r.pair("0500", "0510", map[int]string{11: "000009", 41: "T0000001", 48: totals, 60: "00000001201"}, map[int]string{39: "00", 48: equal})
	return r
}

// pair sends a request and its answer: the request's fields, and those that differ.
func (r *rig) pair(ask, answer string, f, also map[int]string) {
	r.cn++
	r.ev(0, 0, nil)
	r.ev(1, 0, r.msg(ask, f))
	back := map[int]string{}
	for _, n := range []int{3, 4, 11, 41, 48, 60} {
		if v, ok := f[n]; ok {
			back[n] = v
		}
	}
	for n, v := range also {
		back[n] = v
	}
	r.ev(1, 1, r.msg(answer, back))
	r.ev(3, 0, nil)
}

func readTest(t *testing.T, text string, names map[string]string) *Statement {
	t.Helper()
	st, err := ReadStatement("s.csv", strings.NewReader(text), names, nil)
	if err != nil {
		t.Fatalf("%v in\n%s", err, text)
	}
	return st
}

func TestStatementForms(t *testing.T) {
	gbk := func(s string) string {
		b, err := simplifiedchinese.GBK.NewEncoder().String(s)
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	for name, c := range map[string]struct {
		text  string
		names map[string]string
		want  [4]string // what became of the four sales
		cause string
	}{
		"chinese, yuan": {"商户号,终端号,交易日期,参考号,交易金额,打款状态,失败原因\nM,T0000001,2026-01-02,R00000000001,1.00,成功,\nM,T0000001,2026-01-02,R00000000002,1.00,冻结,商户风控\n" +
			"M,T0000001,2026-01-02,R00000000003,1.00,退票,账号户名不符\nM,T0000001,2026-01-02,R00000000004,1.00,失败,账户状态异常：已销户\n", nil, [4]string{"paid", "held", "account", "status"}, "risk.payout-hold"},
		"GBK, fen, a title above, totals below": {gbk("打款明细 2026年1月\n参考号;金额;日期;状态\nR00000000001;100;20260102;已到账\nR00000000002;100;20260102;处理中\n合计;200;;\n"), nil,
			[4]string{"paid", "pending", "missing", "missing"}, "bank.clearing-pending"},
		"english, tabs, by trace number": {"\xEF\xBB\xBFTerminal ID\tTrace No\tDate\tAmount\tStatus\n=\"T0000001\"\t000001\t2026/1/2\t1.00\tPaid\nT0000001\t2\t2026/1/2\t2.00\tpaid\n", nil,
			[4]string{"paid", "missing", "missing", "missing"}, "bank.clearing-pending"},
		"another amount":   {"rrn,amount,date\nR00000000001,1.50,2026-01-02\n", nil, [4]string{"differs", "missing", "missing", "missing"}, "bank.clearing-pending"},
		"by card and time": {"卡号,交易时间,金额,状态\n620000******0005,2026-01-02 18:00:00,1.00,成功\n", nil, [4]string{"paid", "missing", "missing", "missing"}, "bank.clearing-pending"},
		"said columns":     {"a,b,c\nR00000000002,100,paid\n", map[string]string{"rrn": "a", "amount": "b", "state": "c"}, [4]string{"missing", "paid", "missing", "missing"}, "bank.clearing-pending"},
		"paid again after it came back": {"rrn,amount,date,status,reason\nR00000000001,1.00,2026-01-02,returned,账号户名不符\nR00000000001,1.00,2026-01-02,paid,\n", nil,
			[4]string{"paid", "missing", "missing", "missing"}, "bank.clearing-pending"},
		"came back after it was paid": {"rrn,amount,date,status,reason\nR00000000001,1.00,2026-01-02,paid,\nR00000000001,1.00,2026-01-03,returned,账号户名不符\n", nil,
			[4]string{"account", "missing", "missing", "missing"}, "bank.account-info"},
		"another day":       {"rrn,amount,date,status\nR00000000001,1.00,2025-12-02,paid\n", nil, [4]string{"missing", "missing", "missing", "missing"}, "bank.clearing-pending"},
		"no column of it":   {"rrn,amount\nR00000000001,1.00\n", nil, [4]string{"paid", "missing", "missing", "missing"}, "bank.clearing-pending"},
		"a word nobody has": {"rrn,amount,status\nR00000000001,1.00,blorb\n", nil, [4]string{"pending", "missing", "missing", "missing"}, "bank.clearing-pending"},
	} {
		t.Run(name, func(t *testing.T) {
			r := sold(t)
			r.s.SetStatement(readTest(t, c.text, c.names))
			r.s.Tick(t0.AddDate(0, 0, 10)) // all is due
			sn := r.s.Snapshot()
			for i, want := range c.want {
				x := sn.Transactions[i]
				arrived := map[string]string{"paid": "yes", "held": "no", "account": "no", "status": "no"}[want]
				if arrived == "" {
					arrived = "unknown"
				}
				if x.Payout != want || x.Arrived != arrived {
					t.Errorf("sale %d: %s, arrived %s; want %s, %s", i+1, x.Payout, x.Arrived, want, arrived)
				}
			}
			if len(sn.Causes) == 0 || sn.Causes[0].ID != c.cause {
				t.Errorf("causes %+v, want %s", sn.Causes, c.cause)
			}
		})
	}
}

func TestStatementMistakesAreNamed(t *testing.T) {
	for text, want := range map[string]string{
		"":                                    "no row names its columns",
		"a,b\n1,2\n":                          "no row names its columns",
		"rrn,amount\nR1,abc\n":                `row 2: "abc" is no amount`,
		"PK\x03\x04xx":                        "spreadsheet",
		"\xFF\xFEa":                           "UTF-16",
		"rrn,amount,date\nR1,1.00,32.13.99\n": `row 2: "32.13.99" is no date`,
	} {
		if _, err := ReadStatement("s.csv", strings.NewReader(text), nil, nil); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %q", text, err, want)
		}
	}
	st := readTest(t, "rrn,amount\nR1,1.00\n,2.00\nR2,x\nR3,3.00\n", nil)
	if st.Rows != 2 || len(st.Problems) != 2 || !strings.Contains(st.Problems[1], "row 4") {
		t.Errorf("%d rows, problems %q", st.Rows, st.Problems)
	}
	if _, err := ReadStatement("s.csv", strings.NewReader("rrn,amount\nR1,1\n"), map[string]string{"rrn": "nope"}, nil); err == nil {
		t.Error("a title that is not there was taken")
	}
}

func TestCalendar(t *testing.T) {
	rules, err := parseStatementRules("x.yaml", []byte("columns: {rrn: [a], stan: [a], terminal: [a], amount: [a], date: [a], card: [a], state: [a]}\ncalendar: {cycle: 1, cutoff: \"23:00\", paid-by: \"14:00\", zone: 8, holidays: [2026-10-01..2026-10-07], workdays: [2026-10-10]}\n"))
	if err != nil {
		t.Fatal(err)
	}
	zone := time.FixedZone("", 8*3600)
	for sold, want := range map[string]string{
		"2026-11-25 10:00": "2026-11-26 14:00", // Wednesday
		"2026-11-27 10:00": "2026-11-30 14:00", // Friday: Monday
		"2026-11-25 23:30": "2026-11-27 14:00", // behind the cut-off
		"2026-09-30 10:00": "2026-10-08 14:00", // before the holiday
		"2026-10-09 10:00": "2026-10-10 14:00", // a Saturday that is worked
	} {
		at, _ := time.ParseInLocation("2006-01-02 15:04", sold, zone)
		if got := rules.Calendar.due(at).Format("2006-01-02 15:04"); got != want {
			t.Errorf("sold %s: due %s, want %s", sold, got, want)
		}
	}
}

func BenchmarkStatement(b *testing.B) {
	var text strings.Builder
	text.WriteString("参考号,终端号,凭证号,交易日期,交易金额,打款状态\n")
	for i := range 10000 {
		fmt.Fprintf(&text, "R%011d,T%07d,%06d,2026-01-02 10:%02d:00,%d.%02d,成功\n", i, i%40, i, i%60, i, i%100)
	}
	for b.Loop() {
		if st, err := ReadStatement("s.csv", strings.NewReader(text.String()), nil, nil); err != nil || st.Rows != 10000 {
			b.Fatal(err)
		}
	}
}

// A statement that begins later says nothing about a sale: it is neither paid nor missing.
func TestAStatementOfLaterDaysMissesNothing(t *testing.T) {
	for days, want := range map[string]string{"2026-01-02": "missing", "2026-03-02": ""} {
		r := newRig(t)
		r.sale("T0000001", "000001", pan1, "00")
		r.s.Tick(t0.AddDate(0, 2, 0))
		r.s.SetStatement(readTest(t, "rrn,amount,date,status\n000000000099,5.00,"+days+",paid\n", nil))
		if got := r.s.Snapshot().Transactions[0].Payout; got != want {
			t.Errorf("a statement of %s: %q, want %q", days, got, want)
		}
	}
}

// Field 4 of ISO 8583:2003 has the currency and its decimal places in front.
func TestAmountOf2003(t *testing.T) {
	spec, err := wire.Spec("iso2003-ascii")
	if err != nil {
		t.Fatal(err)
	}
	m := iso8583.NewMessage(spec)
	m.MTI("2200")
	for id, v := range map[int]string{3: "000000", 4: "1562000000009400", 11: "000000000007", 41: "T000000100000000"} {
		if err := m.Field(id, v); err != nil {
			t.Fatal(err)
		}
	}
	b, err := m.Pack()
	if err != nil {
		t.Fatal(err)
	}
	got, _, err := wire.Decode(b, wire.Options{Framing: "none", Header: "none", Dialect: "iso2003-ascii"})
	if err != nil {
		t.Fatal(err)
	}
	if amount, currency := AmountOf(got); amount != "000000009400" || currency != "156" {
		t.Errorf("%s of %s", amount, currency)
	}
}
