package diagnostics

import (
	"bytes"
	"strings"
	"testing"

	"tillscope/assets"
)

// TestVerdictWithoutCauseSaysWhatItIsWorth wants no praise for a line of which nothing, or hardly anything, was understood.
func TestVerdictWithoutCauseSaysWhatItIsWorth(t *testing.T) {
	for _, x := range []struct {
		seen   ReportTotals
		en, zh string
	}{
		{ReportTotals{}, "no message was seen", "未看到任何报文"},
		{ReportTotals{Messages: 9, Undecoded: 5}, "5 of 9 messages were not understood", "5 / 9 条报文无法解读"},
		{ReportTotals{Messages: 9, Undecoded: 4}, "no fault found on the line", "线路上未发现故障"},
	} {
		for id, want := range map[string]string{"en": x.en, "zh": x.zh} {
			lang, err := assets.Language(id)
			if err != nil {
				t.Fatal(err)
			}
			r := &Report{Totals: x.seen}
			for form, write := range map[string]func(*bytes.Buffer) error{
				"text": func(b *bytes.Buffer) error { return r.Text(b, lang) }, "md": func(b *bytes.Buffer) error { return r.Markdown(b, lang) }, "html": func(b *bytes.Buffer) error { return r.HTML(b, lang) },
			} {
				var b bytes.Buffer
				if err := write(&b); err != nil || !strings.Contains(b.String(), want) {
					t.Errorf("%+v in %s, %s: %v\n%s", x.seen, id, form, err, &b)
				}
			}
		}
	}
}
