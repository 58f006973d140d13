package diagnostics

import (
	"fmt"
	"io/fs"
	"slices"
	"strings"
	"sync"

	"github.com/expr-lang/expr"
	"github.com/expr-lang/expr/vm"
	"github.com/goccy/go-yaml"

	"tillscope/assets"
)

type node struct {
	ID       string            `yaml:"id"`
	Branch   string            `yaml:"branch"`
	Question map[string]string `yaml:"question"`
	When     string            `yaml:"when"`
	Unknown  string            `yaml:"unknown-if"`
	Explains string            `yaml:"explains"`
	Count    string            `yaml:"count"`
	Proof    string            `yaml:"proof"`
	Ask      bool              `yaml:"ask"`
	Stops    bool              `yaml:"stops"`
	Cause    string            `yaml:"cause"`
	Yes      string            `yaml:"yes"`
	No       string            `yaml:"no"`
	Else     string            `yaml:"unknown"`

	when, unknown, explains, count *vm.Program
}

type tree struct {
	nodes []*node
	byID  map[string]*node
}

func lineOf(src []byte, id string) int {
	for i, l := range strings.Split(string(src), "\n") {
		if strings.TrimSpace(strings.TrimPrefix(strings.TrimSpace(l), "- ")) == "id: "+id {
			return i + 1
		}
	}
	return 1
}

// parseTree checks a tree file strictly: unknown keys, unknown names in conditions and edges that lead nowhere are errors.
func parseTree(file string, src []byte) (*tree, error) {
	var doc struct {
		Nodes []*node `yaml:"nodes"`
	}
	if err := yaml.UnmarshalWithOptions(src, &doc, yaml.Strict()); err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	t := &tree{nodes: doc.Nodes, byID: map[string]*node{}}
	if len(t.nodes) == 0 {
		return nil, fmt.Errorf("%s:1: no nodes", file)
	}
	index := map[string]int{}
	for i, n := range t.nodes {
		if n == nil || n.ID == "" {
			return nil, fmt.Errorf("%s:1: node %d has no id", file, i+1)
		}
		if _, dup := index[n.ID]; dup {
			return nil, fmt.Errorf("%s:%d: node %s is there twice", file, lineOf(src, n.ID), n.ID)
		}
		index[n.ID], t.byID[n.ID] = i, n
	}
	for i, n := range t.nodes {
		bad := func(format string, a ...any) error {
			return fmt.Errorf("%s:%d: node %s: %s", file, lineOf(src, n.ID), n.ID, fmt.Sprintf(format, a...))
		}
		if !slices.Contains(BranchIDs[:], n.Branch) {
			return nil, bad("no branch %q", n.Branch)
		}
		if n.Question["en"] == "" || n.Question["zh"] == "" {
			return nil, bad("question needs en and zh")
		}
		for _, edge := range []string{n.Yes, n.No, n.Else} {
			if j, ok := index[edge]; edge != "" && !ok {
				return nil, bad("edge to %q, which is no node", edge)
			} else if edge != "" && j <= i {
				return nil, bad("edge to %q goes back: a node comes after those that lead to it", edge)
			}
		}
		for _, p := range []struct {
			name, src string
			env       any
			out       **vm.Program
			opt       expr.Option
		}{{"when", n.When, Evidence{}, &n.when, expr.AsBool()}, {"unknown-if", n.Unknown, Evidence{}, &n.unknown, expr.AsBool()},
			{"explains", n.Explains, txEvidence{}, &n.explains, expr.AsBool()}, {"count", n.Count, Evidence{}, &n.count, expr.AsInt()}} {
			if p.src == "" {
				continue
			}
			prog, err := expr.Compile(p.src, expr.Env(p.env), p.opt)
			if err != nil {
				return nil, bad("%s: %s", p.name, strings.SplitN(err.Error(), "\n", 2)[0])
			}
			*p.out = prog
		}
		if n.when == nil && !n.Ask {
			return nil, bad("needs when, or ask: true")
		}
	}
	return t, nil
}

func (t *tree) checkAnswer(id, a string) error {
	if t.byID[id] == nil {
		return fmt.Errorf("no node %q in the tree", id)
	}
	if a != "yes" && a != "no" && a != "unknown" {
		return fmt.Errorf("answer to %s: %q is not yes, no or unknown", id, a)
	}
	return nil
}

func truth(p *vm.Program, env any) bool {
	if p == nil {
		return false
	}
	v, err := expr.Run(p, env)
	b, _ := v.(bool)
	return err == nil && b
}

func number(p *vm.Program, env any) int {
	if p == nil {
		return 1
	}
	v, err := expr.Run(p, env)
	n, _ := v.(int)
	if err != nil {
		return 0
	}
	return n
}

type advice struct {
	Remedies []struct {
		Who string `yaml:"who"`
		EN  string `yaml:"en"`
		ZH  string `yaml:"zh"`
	} `yaml:"remedies"`
	Prevent []struct {
		EN string `yaml:"en"`
		ZH string `yaml:"zh"`
	} `yaml:"prevent"`
}

type shipped struct {
	tree    *tree
	codes   map[string]Code
	actions map[string]string // codes by the action codes of ISO 8583:1993
	advice  map[string]advice
}

var load = sync.OnceValues(func() (*shipped, error) {
	sh := &shipped{}
	src, err := fs.ReadFile(assets.FS, "tree.yaml")
	if err != nil {
		return nil, err
	}
	if sh.tree, err = parseTree("tree.yaml", src); err != nil {
		return nil, err
	}
	if src, err = fs.ReadFile(assets.FS, "remedies.yaml"); err != nil {
		return nil, err
	}
	if err := yaml.UnmarshalWithOptions(src, &sh.advice, yaml.Strict()); err != nil {
		return nil, fmt.Errorf("remedies.yaml: %w", err)
	}
	if src, err = fs.ReadFile(assets.FS, "codes.yaml"); err != nil {
		return nil, err
	}
	if sh.codes, err = parseCodes("codes.yaml", src, sh.advice); err != nil {
		return nil, err
	}
	sh.actions = map[string]string{}
	for code, c := range sh.codes {
		for _, a := range c.ISO93 {
			sh.actions[a] = code
		}
	}
	return sh, nil
})

func loadShipped() (*tree, map[string]Code, error) {
	sh, err := load()
	if err != nil {
		return nil, nil, err
	}
	return sh.tree, sh.codes, nil
}

// Advice is who does what about a cause, and what keeps it from coming back, in a language. An unknown cause has none.
func Advice(cause, lang string) (rem []Remedy, prevent []string) {
	sh, err := load()
	if err != nil {
		return nil, nil
	}
	a := sh.advice[cause]
	for _, r := range a.Remedies {
		do := r.EN
		if lang == "zh" {
			do = r.ZH
		}
		rem = append(rem, Remedy{r.Who, do})
	}
	for _, p := range a.Prevent {
		if lang == "zh" {
			prevent = append(prevent, p.ZH)
		} else {
			prevent = append(prevent, p.EN)
		}
	}
	return rem, prevent
}
