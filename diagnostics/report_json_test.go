package diagnostics

import (
	"bytes"
	"encoding/json"
	"testing"
)

func TestReportInPiecesIsTheReport(t *testing.T) {
	for _, n := range []int{0, 1, 3} {
		r := &Report{Transactions: []ReportTransaction{}, Causes: []ReportCause{{ID: "a", Transactions: 2, Title: "<&>", Evidence: []int{1}}}, Path: []ReportStep{{Node: `x "transactions": []`}}}
		for i := range n {
			r.Transactions = append(r.Transactions, ReportTransaction{N: i, Evidence: []int{1, 2}})
		}
		var whole, pieces bytes.Buffer
		e := json.NewEncoder(&whole)
		e.SetEscapeHTML(false)
		e.SetIndent("", " ")
		if err := e.Encode(r); err != nil {
			t.Fatal(err)
		}
		if err := r.JSON(&pieces); err != nil {
			t.Fatal(err)
		}
		if whole.String() != pieces.String() {
			t.Errorf("%d transactions:\n%s\nwant\n%s", n, &pieces, &whole)
		}
	}
}
