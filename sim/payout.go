package sim

import (
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"strconv"
	"sync"
	"time"
)

// payout is what the acquirer pays the merchant for what its host has booked, told in a settlement statement as it would
// stand after the payday of the last sale: CSV in UTF-8, amounts in yuan, card numbers masked. A nil payout writes nothing.
type payout struct {
	faults   *faults
	truth    *truth
	calendar Calendar

	mu    sync.Mutex
	file  io.WriteCloser
	csv   *csv.Writer
	bills map[string]int // by payday and outcome: one payment a day, another for what was returned
}

// statementHead names the columns: merchant, terminal, date, time, type, batch, voucher (STAN), reference (RRN), auth code,
// card, issuer, card organisation, amount, fee, net amount, clearing date, payout date, payout state, reason, bill.
var statementHead = []string{"商户号", "终端号", "交易日期", "交易时间", "交易类型", "批次号", "凭证号", "参考号", "授权码", "卡号", "发卡行", "卡组织",
	"交易金额", "手续费", "结算金额", "清算日期", "打款日期", "打款状态", "失败原因", "打款单号"}

// feeRate is the merchant's discount, in thousandths.
const feeRate = 6

func newPayout(file io.WriteCloser, s *Store) (*payout, error) {
	p := &payout{faults: s.faults, truth: s.truth, calendar: s.scenario.Calendar, file: file, csv: csv.NewWriter(file), bills: map[string]int{}}
	return p, p.csv.Write(statementHead)
}

var typeNames = map[string]string{"sale": "消费", "void": "消费撤销", "refund": "退货", "completion": "预授权完成", "offline": "离线消费"}

// close settles one transaction: what was reversed is not in a statement, what was voided is there with its void.
func (p *payout) close(ln *lane, e *entry) {
	if p == nil || e.undone {
		return
	}
	amount := e.amount
	if e.kind == "void" || e.kind == "refund" {
		amount = -amount
	}
	fee := (amount*feeRate + 500) / 1000
	at := e.at
	if at.IsZero() {
		at = p.faults.clock.today()
	}
	cleared := p.calendar.clearingDay(at)
	name, org := "", ""
	if iss := issuerOf(e.pan); iss != nil {
		name, org = iss.name, iss.org
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	row := func(state, reason string, payday time.Time) {
		paid, bill := "", ""
		if !payday.IsZero() {
			paid = payday.Format(dayForm)
		}
		if state == "成功" || state == "退票" || state == "失败" {
			if p.bills[paid+state] == 0 {
				p.bills[paid+state] = len(p.bills) + 1
			}
			bill = fmt.Sprintf("%s%04d", cleared.Format("20060102"), p.bills[paid+state])
		}
		_ = p.csv.Write([]string{ln.mid, ln.tid, at.Format(dayForm), at.Format("15:04:05"), typeNames[e.kind], fmt.Sprintf("%06d", e.batch), e.stan, e.rrn,
			e.auth, maskedPAN(e.pan), name, org, yuan(amount), yuan(fee), yuan(amount - fee), cleared.Format(dayForm), paid, state, reason, bill})
	}
	state, reason, dated, again := p.outcome(ln, e)
	day := time.Time{}
	if dated {
		day = p.calendar.payday(cleared)
	}
	row(state, reason, day)
	if again {
		for range reissueDays {
			day = p.calendar.payday(day)
		}
		row("成功", "", day)
	}
}

// reissueDays are the working days until money that came back is paid out again.
const reissueDays = 3

// outcome is what becomes of the money, why, whether it has a day, and whether it is paid out again.
func (p *payout) outcome(ln *lane, e *entry) (state, reason string, dated, again bool) {
	n, _ := strconv.Atoi(e.stan)
	for _, k := range []struct {
		kind, state, reason string
		dated               bool
	}{{"payout.hold", "冻结", "商户风控, 暂停结算", false}, {"payout.account", "失败", "账号户名不符", true},
		{"payout.returned", "退票", "账户状态异常, 收款行退回", true}, {"payout.pending", "处理中", "", false}} {
		f := p.faults.find(k.kind, moment{ln.index, ln.sales, n})
		if f == nil {
			continue
		}
		p.truth.blame(ln.tid, e.stan, f)
		if reason = f.Value; reason == "" {
			reason = k.reason
		}
		return k.state, reason, k.dated, f.Mode == "reissued"
	}
	return "成功", "", true, false
}

// end closes the file; the error says that the statement is not whole.
func (p *payout) end() error {
	if p == nil {
		return nil
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.csv.Flush()
	if err := errors.Join(p.csv.Error(), p.file.Close()); err != nil {
		return fmt.Errorf("the statement is not whole: %w", err)
	}
	return nil
}

func maskedPAN(pan string) string {
	if len(pan) < 11 {
		return "***"
	}
	b := []byte(pan)
	for i := 6; i < len(b)-4; i++ {
		b[i] = '*'
	}
	return string(b)
}

func yuan(fen int64) string {
	sign := ""
	if fen < 0 {
		sign, fen = "-", -fen
	}
	return fmt.Sprintf("%s%d.%02d", sign, fen/100, fen%100)
}
