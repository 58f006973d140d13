package diagnostics

import (
	"strings"
	"testing"
	"time"

	"tillscope/assets"
	"tillscope/link"
)

// A report goes to people who open it in a browser: what a line sends must stay text in it.
func TestDocumentsAreSafeAgainstTheLine(t *testing.T) {
	cause := "balance.insufficient"
	hostile := "<script>alert(1)</script>|**x**\x1b[2J"
	sn := &Snapshot{Source: link.Info{Kind: "tap", Describe: hostile}, Transactions: []*Transaction{
		{N: 1, Type: "sale", Terminal: hostile, STAN: "000001", RRN: hostile, Amount: 12800, ResponseCode: "51", Stage: "answered", Arrived: "no", Cause: cause}},
		Causes: []Cause{{ID: cause, Branch: "balance", Confidence: 0.9, Transactions: 1, Amount: 12800, Evidence: []int{2}}}}
	for i, id := range BranchIDs {
		sn.Branches[i] = Branch{ID: id, Status: OK, Because: hostile}
	}
	r := NewReport(sn, "test", time.Now(), time.Now())
	for _, id := range assets.Languages {
		lang, err := assets.Language(id)
		if err != nil {
			t.Fatal(err)
		}
		var md, html strings.Builder
		if err := r.Markdown(&md, lang); err != nil {
			t.Fatal(err)
		}
		if err := r.HTML(&html, lang); err != nil {
			t.Fatal(err)
		}
		for name, out := range map[string]string{"Markdown": md.String(), "HTML": html.String()} {
			if strings.Contains(out, "<script") || strings.Contains(out, "\x1b") {
				t.Errorf("%s in %s: what came from the line is not text", name, id)
			}
			if !strings.Contains(out, lang.T("cause."+cause)) || !strings.Contains(out, "128.00") || strings.Contains(out, "%!") || strings.Contains(out, "report.") {
				t.Errorf("%s in %s is not whole:\n%s", name, id, out)
			}
		}
	}
}
