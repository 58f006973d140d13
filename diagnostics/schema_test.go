package diagnostics

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io/fs"
	"regexp"
	"slices"
	"strings"
	"testing"

	"tillscope/assets"
	"tillscope/link"
)

// valid checks a value against the part of JSON Schema that the report's uses.
func valid(schema map[string]any, v any, at string) error {
	if enum, ok := schema["enum"].([]any); ok && !slices.Contains(enum, v) {
		return fmt.Errorf("%s: %v is none of %v", at, v, enum)
	}
	kind := map[bool]string{true: "null"}[v == nil]
	switch x := v.(type) {
	case string:
		kind = "string"
		if p, ok := schema["pattern"].(string); ok && !regexp.MustCompile(p).MatchString(x) {
			return fmt.Errorf("%s: %q does not match %s", at, x, p)
		}
	case bool:
		kind = "boolean"
	case float64:
		if kind = "number"; x == float64(int64(x)) {
			kind = "integer"
		}
		if least, ok := schema["minimum"].(float64); ok && x < least {
			return fmt.Errorf("%s: %v is below %v", at, x, least)
		}
		if most, ok := schema["maximum"].(float64); ok && x > most {
			return fmt.Errorf("%s: %v is above %v", at, x, most)
		}
	case []any:
		kind = "array"
		items, _ := schema["items"].(map[string]any)
		for i, y := range x {
			if err := valid(items, y, fmt.Sprintf("%s[%d]", at, i)); err != nil {
				return err
			}
		}
	case map[string]any:
		kind = "object"
		properties, _ := schema["properties"].(map[string]any)
		required, _ := schema["required"].([]any)
		for _, name := range required {
			if _, ok := x[name.(string)]; !ok {
				return fmt.Errorf("%s: %s is missing", at, name)
			}
		}
		for name, y := range x {
			p, ok := properties[name].(map[string]any)
			if !ok {
				if schema["additionalProperties"] == false {
					return fmt.Errorf("%s: %s is not in the schema", at, name)
				}
				continue
			}
			if err := valid(p, y, at+"."+name); err != nil {
				return err
			}
		}
	}
	var kinds []string
	switch want := schema["type"].(type) {
	case string:
		kinds = []string{want}
	case []any:
		for _, k := range want {
			kinds = append(kinds, k.(string))
		}
	default:
		return nil
	}
	if !slices.Contains(kinds, kind) && !(kind == "integer" && slices.Contains(kinds, "number")) {
		return fmt.Errorf("%s is %s, not %v", at, kind, kinds)
	}
	return nil
}

func TestReportsFollowTheirSchema(t *testing.T) {
	src, err := fs.ReadFile(assets.FS, "reports/report.schema.json")
	if err != nil {
		t.Fatal(err)
	}
	var schema map[string]any
	if err := json.Unmarshal(src, &schema); err != nil {
		t.Fatal(err)
	}
	r := sold(t)
	r.sale("T0000002", "000001", pan2, "51")
	r.sale("T0000002", "000002", pan2, "")
	r.sale("T0000002", "000003", pan2, "")
	r.sale("T0000002", "000004", pan2, "")
	r.ev(link.Data, link.ToHost, []byte("no message at all, of any kind"))
	r.s.SetStatement(readTest(t, "rrn,amount,status\nR00000000001,1.00,paid\nR99,2.00,paid\n,3,\n", nil))
	var out bytes.Buffer
	if err := NewReport(r.s.Snapshot(), "test", t0, t0).JSON(&out); err != nil {
		t.Fatal(err)
	}
	var v map[string]any
	if err := json.Unmarshal(out.Bytes(), &v); err != nil {
		t.Fatal(err)
	}
	if err := valid(schema, v, "report"); err != nil {
		t.Errorf("%v\n%s", err, out.Bytes())
	}
	v["causes"].([]any)[0].(map[string]any)["confidence"] = 2.0
	if valid(schema, v, "report") == nil {
		t.Error("a confidence of 2 passes")
	}
	if c := v["causes"].([]any)[0].(map[string]any); c["id"] != "network.unstable" || c["began"] == "" {
		t.Errorf("%v", c)
	}
	for _, want := range []string{"(STAN 00000", "terminal T0000002", `"only_host": 1`} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("%s is not in the report", want)
		}
	}
}

// Fields come from the line: whatever stands in them must not steer a terminal, a browser or a Markdown reader.
func TestHostileFieldsStayText(t *testing.T) {
	evil := "\x1b]0;x\x07<script>alert(1)</script>|[x](javascript:y)\u202e"
	sn := newRig(t).s.Snapshot()
	hostile := *sn
	hostile.Source.Describe = evil
	hostile.Lines = []Line{{ID: 1, Address: evil, Terminals: []string{evil}}}
	cause := "balance.insufficient"
	hostile.Transactions = []*Transaction{{N: 1, Type: "sale", STAN: evil, RRN: evil, Terminal: evil, ResponseCode: evil, HostText: evil, Card: evil, Stage: "sent", Arrived: "no", Cause: cause}}
	hostile.Causes = []Cause{{ID: cause, Branch: "balance", Remedies: []Remedy{{"merchant", evil}}, Terminals: []string{evil}}}
	hostile.Statement = &Reconciled{File: evil, Unseen: []HostRow{{RRN: evil, Reason: evil}}, Problems: []string{evil}}
	lang, err := assets.Language("en")
	if err != nil {
		t.Fatal(err)
	}
	r := NewReport(&hostile, "test", t0, t0)
	var text, md, html, js bytes.Buffer
	for _, err := range []error{r.Text(&text, lang), r.Markdown(&md, lang), r.HTML(&html, lang), r.JSON(&js)} {
		if err != nil {
			t.Fatal(err)
		}
	}
	for name, out := range map[string]string{"text": text.String(), "markdown": md.String(), "html": html.String(), "json": js.String()} {
		for _, bad := range []string{"\x1b", "\x07", "\u202e"} {
			if strings.Contains(out, bad) {
				t.Errorf("%s has %q raw", name, bad)
			}
		}
	}
	for name, out := range map[string]string{"markdown": md.String(), "html": html.String()} {
		if strings.Contains(out, "<script>alert") || name == "markdown" && strings.Contains(out, "[x](javascript") {
			t.Errorf("%s lets the mark-up of a field through", name)
		}
	}
}
