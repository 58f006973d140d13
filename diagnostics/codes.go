package diagnostics

import (
	"fmt"
	"slices"
	"strings"

	"github.com/goccy/go-yaml"
)

// Code is what one response code (field 39) means.
type Code struct {
	Class  string   `yaml:"class"` // A success, B may be tried again, C may not, D the operator acts, E fault of a system
	EN     string   `yaml:"en"`
	ZH     string   `yaml:"zh"`
	Do     string   `yaml:"do"` // what the operator does: the text explain.do.DO
	Branch string   `yaml:"branch"`
	Cause  string   `yaml:"cause"`
	Who    []string `yaml:"who"`   // who fixes it, the first first
	Money  string   `yaml:"money"` // has it moved? yes no maybe part
	Note   string   `yaml:"note"`  // where sources disagree: the text explain.note.NOTE
	ISO93  []string `yaml:"iso93"` // action codes of ISO 8583:1993 with this meaning
}

// CodeOf is the two-character response code that the value of field 39 stands for. The action codes of ISO 8583:1993 have
// three digits, those of 2003 four: the same with a zero behind the first. What is not known stays as it is.
func CodeOf(field39 string) string {
	code := strings.ToUpper(strings.TrimSpace(field39))
	sh, err := load()
	if err != nil || len(code) < 3 {
		return code
	}
	if len(code) == 4 && code[1] == '0' {
		code = code[:1] + code[2:] // 2003 puts a zero behind the first digit: 1016 is 116
	}
	if two, ok := sh.actions[code]; ok {
		return two
	}
	return code
}

// Meaning is the code's name in a language, in English where that language has none.
func (c Code) Meaning(lang string) string {
	if lang == "zh" && c.ZH != "" {
		return c.ZH
	}
	return c.EN
}

// parseCodes checks the file strictly. Causes must have remedies.
func parseCodes(file string, src []byte, known map[string]advice) (map[string]Code, error) {
	var codes map[string]Code
	if err := yaml.UnmarshalWithOptions(src, &codes, yaml.Strict()); err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	for code, c := range codes {
		bad := func(format string, a ...any) error {
			line := 1 + strings.Count(string(src[:max(strings.Index(string(src), `"`+code+`"`), 0)]), "\n")
			return fmt.Errorf("%s:%d: code %s: %s", file, line, code, fmt.Sprintf(format, a...))
		}
		_, remedied := known[c.Cause]
		switch {
		case len(code) != 2:
			return nil, bad("a code has two characters")
		case !slices.Contains([]string{"A", "B", "C", "D", "E"}, c.Class):
			return nil, bad("no class %q", c.Class)
		case c.EN == "" || c.ZH == "" || c.Do == "":
			return nil, bad("needs en, zh and do")
		case c.Branch != "" && !slices.Contains(BranchIDs[:], c.Branch):
			return nil, bad("no branch %q", c.Branch)
		case c.Cause != "" && !remedied:
			return nil, bad("cause %q has no remedies", c.Cause)
		case !slices.Contains([]string{"yes", "no", "maybe", "part"}, c.Money):
			return nil, bad("money is yes, no, maybe or part, not %q", c.Money)
		}
	}
	return codes, nil
}

// Codes is every response code that ships.
func Codes() (map[string]Code, error) {
	_, c, err := loadShipped()
	return c, err
}
