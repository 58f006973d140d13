package cli

import (
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"tillscope/assets"
)

var anyVerb = regexp.MustCompile(`%[-+# 0-9.]*[a-zA-Z]`)

// Say knows a sentence by its words: when they change where it arises, they have to change in the texts, too. And whoever
// writes a new error for the command line or a line writes it for everybody.
func TestErrorsAreSaidInEveryLanguage(t *testing.T) {
	blank := func(lit *ast.BasicLit) string {
		text, _ := strconv.Unquote(lit.Value)
		return anyVerb.ReplaceAllString(strings.ReplaceAll(text, "%%", "\x00"), "%s")
	}
	in := map[string]bool{} // all that could be a sentence
	var wrong []string      // what is said of wrong use
	for _, folder := range []string{".", "../link", "../wire", "../sim", "../diagnostics", "../assets", "../tui"} {
		files, err := filepath.Glob(folder + "/*.go")
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range files {
			if strings.HasSuffix(name, "_test.go") {
				continue
			}
			f, err := parser.ParseFile(token.NewFileSet(), name, nil, 0)
			if err != nil {
				t.Fatal(err)
			}
			ast.Inspect(f, func(n ast.Node) bool {
				switch n := n.(type) {
				case *ast.BasicLit:
					in[blank(n)] = true
				case *ast.CallExpr:
					at := -1 // of the sentence
					switch f := n.Fun.(type) {
					case *ast.Ident:
						at = map[string]int{"usagef": 1, "mistake": 1, "problemf": 2, "wrong": 2}[f.Name] - 1
					case *ast.SelectorExpr:
						at = map[string]int{"Problemf": 2}[f.Sel.Name] - 1
					}
					if at < 0 || at >= len(n.Args) {
						break
					}
					if s, ok := n.Args[at].(*ast.BasicLit); ok {
						wrong = append(wrong, blank(s))
					}
				}
				return true
			})
		}
	}
	en, err := assets.Language("en")
	if err != nil {
		t.Fatal(err)
	}
	known := map[string]bool{}
	for _, key := range en.Keys() {
		kind, _, _ := strings.Cut(key, ".")
		text := strings.ReplaceAll(en.Find(key), "%%", "\x00")
		known[text] = true
		if (kind == "error" || kind == "note") && !in[text] {
			t.Errorf("%s: nothing says %q any more", key, en.Find(key))
		}
	}
	for _, text := range wrong {
		if !known[text] && strings.Trim(text, "%s:w ") != "" {
			t.Errorf("assets/lang/*/error.yaml lacks %q", text)
		}
	}
	zh, err := assets.Language("zh")
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range [][2]string{
		{`the local address 192.0.2.77 cannot be used: listen tcp 192.0.2.77:0: bind: cannot assign requested address; this machine has 127.0.0.1`,
			`本机地址 192.0.2.77 不能用：监听 192.0.2.77:0：本机没有这个地址；本机有 127.0.0.1`},
		{"--for x: want a time, as in 30s, 5m or 1h", "--for x：应为 时间，例如 30s、5m 或 1h"},
		{"the report is not whole: write /dev/full: no space left on device", "报告不完整：写入 /dev/full：磁盘已满"},
		{"6 of 6618 TCP segments were sent again (0.1 %)", "6 个 TCP 段（共 6618 个）被重发（0.1 %）"},
		{"nobody has said this", "nobody has said this"},
		{"/a b/config.yaml:3: \"?\" is the key of help already: give that another one, too", "/a b/config.yaml:3: \"?\" 已是 help 的按键：请给它也另选一个"},
		{"share: 2 is not above 0 and at most 1", "share: 2 不是大于 0、不超过 1 的数"},
		{"no command \"x\"\nopen y: permission denied", "没有命令 \"x\"\n打开 y：没有权限"},
	} {
		if got := zh.Say(c[0]); got != c[1] {
			t.Errorf("%q is said as\n%q, want\n%q", c[0], got, c[1])
		}
		if got := en.Say(c[0]); got != c[0] {
			t.Errorf("English says %q", got)
		}
	}
}
