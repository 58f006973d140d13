package diagnostics

import (
	"cmp"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/expr-lang/expr"
	"github.com/expr-lang/expr/vm"

	"tillscope/assets"
	"tillscope/link"
)

// fieldID is how fields are called, and their parts.
var fieldID = regexp.MustCompile(`^[1-9][0-9]{0,2}(\.[0-9A-Z]+)?$`)

// node is one question of the tree.
type node struct {
	ID         string            `yaml:"id"`
	Branch     string            `yaml:"branch"`
	Question   map[string]string `yaml:"question"`
	When       string            `yaml:"when"`       // yes, when it holds
	Unknown    string            `yaml:"unknown-if"` // the line cannot tell, when it holds
	Sign       string            `yaml:"sign"`       // the evidence that it is about: proof, dates and strength
	Scope      string            `yaml:"scope"`      // whose transactions it explains: terminals or issuers that the sign hits; all when empty
	Explains   string            `yaml:"explains"`   // which of these, a condition over one transaction
	Claims     []string          `yaml:"claims"`     // evidence that is a consequence of it, and that later nodes do not see
	Hides      []string          `yaml:"hides"`      // the same, for the time that the fault lasts
	Confidence string            `yaml:"confidence"` // the most that its evidence can give, a number or an expression like when; empty is 0.97
	Ask        bool              `yaml:"ask"`        // a person may be asked what the line cannot tell
	Probes     []string          `yaml:"probes"`     // tests that could tell
	Stops      bool              `yaml:"stops"`      // it keeps terminals from selling at all
	Alters     bool              `yaml:"alters"`     // it changes what messages say: amounts that were said once are not sure
	Own        bool              `yaml:"own"`        // single cards' own declines, which accuse nobody
	Cause      string            `yaml:"cause"`
	Shows      []string          `yaml:"shows"` // fields whose bytes prove it, the first that a message has; 39 when empty
	Yes        string            `yaml:"yes"`
	No         string            `yaml:"no"`
	Else       string            `yaml:"unknown"`

	when, unknown, explains, most *vm.Program
}

// signRule says what a sign is made of, and how often it is nothing special.
type signRule struct {
	Of     string   `yaml:"of"`
	Kinds  []string `yaml:"kinds"`
	Codes  []string `yaml:"codes"`
	Usual  float64  `yaml:"usual"`
	Faulty float64  `yaml:"faulty"` // share of its occasions while something is broken; 0 is 0.3
	Why    string   `yaml:"why"`

	of    stream
	kinds []kind
}

// threshold is a number with its reason.
type threshold struct {
	Value float64 `yaml:"value"`
	Why   string  `yaml:"why"`
}

// treeDoc is the file of a tree.
type treeDoc struct {
	Thresholds map[string]threshold `yaml:"thresholds"`
	Signs      map[string]*signRule `yaml:"signs"`
	Nodes      []*node              `yaml:"nodes"`
}

type tree struct {
	thresholds map[string]threshold
	signs      map[string]*signRule
	nodes      []*node
	byID       map[string]*node

	alarm                            float64
	own                              map[string]bool // causes that are single cards' own
	alters                           map[string]bool // causes that change what messages say
	keyCodes, chipCodes, formatCodes []string        // codes of the signs that findings over time need
}

// Tree is a decision tree of one's own.
type Tree struct{ tree *tree }

// ReadTree checks a tree file strictly; a mistake in it is an error with file, line and reason. Its causes need remedies.
func ReadTree(file string, src []byte) (*Tree, error) {
	t, err := parseTree(file, src)
	if err != nil {
		return nil, err
	}
	sh, err := load()
	if err != nil {
		return nil, err
	}
	if err := t.advised(file, src, sh.advice); err != nil {
		return nil, err
	}
	return &Tree{t}, nil
}

// advised says that every cause of the tree has remedies.
func (t *tree) advised(file string, src []byte, known map[string]advice) error {
	for _, n := range t.nodes {
		if _, ok := known[n.Cause]; n.Cause != "" && !ok {
			return fmt.Errorf("%s:%d: node %s: cause %q has no remedies", file, lineOf(src, n.ID), n.ID, n.Cause)
		}
	}
	return nil
}

// lineOf finds a node, a sign or a threshold in the file.
func lineOf(src []byte, id string) int {
	for i, l := range strings.Split(string(src), "\n") {
		l = strings.TrimSpace(strings.TrimPrefix(strings.TrimSpace(l), "- "))
		if l == "id: "+id || strings.HasPrefix(l, id+":") {
			return i + 1
		}
	}
	return 1
}

// parseTree checks a tree file strictly: unknown keys, unknown names in conditions and edges that lead nowhere are errors
// with file, line and reason.
func parseTree(file string, src []byte) (*tree, error) {
	var doc treeDoc
	if _, err := assets.ReadYAML(file, src, &doc); err != nil {
		return nil, err
	}
	return doc.tree(file, src)
}

// tree checks what was read and compiles the conditions. src is the file, in which mistakes have their line.
func (doc *treeDoc) tree(file string, src []byte) (*tree, error) {
	t := &tree{thresholds: doc.Thresholds, signs: doc.Signs, nodes: doc.Nodes, byID: map[string]*node{}, own: map[string]bool{}, alters: map[string]bool{}}
	bad := func(what, id, format string, a ...any) error {
		return fmt.Errorf("%s:%d: %s %s: %s", file, lineOf(src, id), what, id, fmt.Sprintf(format, a...))
	}
	if len(t.nodes) == 0 {
		return nil, fmt.Errorf("%s:1: no nodes", file)
	}
	for _, id := range sortedKeys(t.thresholds) {
		if t.thresholds[id].Why == "" {
			return nil, bad("threshold", id, "needs why, the reason for its value")
		}
	}
	if t.alarm = t.thresholds["alarm"].Value; t.alarm <= 0 {
		return nil, fmt.Errorf("%s:1: thresholds need alarm, above 0: how much evidence makes a fault", file)
	}
	for _, id := range sortedKeys(t.signs) {
		if err := t.signs[id].resolve(); err != nil {
			return nil, bad("sign", id, "%s", err)
		}
	}
	codes := func(sign string) []string {
		if r := t.signs[sign]; r != nil {
			return r.Codes
		}
		return nil
	}
	t.keyCodes, t.chipCodes, t.formatCodes = codes("key_codes"), codes("chip_codes"), codes("format_codes")
	index := map[string]int{}
	for i, n := range t.nodes {
		if n == nil || n.ID == "" {
			return nil, fmt.Errorf("%s:1: node %d has no id", file, i+1)
		}
		if _, dup := index[n.ID]; dup {
			return nil, bad("node", n.ID, "is there twice")
		}
		index[n.ID], t.byID[n.ID] = i, n
	}
	env := t.names()
	for i, n := range t.nodes {
		if err := n.check(i, index, env); err != nil {
			return nil, bad("node", n.ID, "%s", err)
		}
		t.own[n.Cause] = t.own[n.Cause] || n.Own
		t.alters[n.Cause] = t.alters[n.Cause] || n.Alters
	}
	return t, nil
}

func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }

// resolve reads the names of a sign's rule.
func (r *signRule) resolve() error {
	if r == nil {
		return fmt.Errorf("says nothing")
	}
	at := slices.Index(streamNames[:], r.Of)
	switch {
	case at < 0:
		return fmt.Errorf("of is one of %s, not %q", strings.Join(streamNames[:], ", "), r.Of)
	case r.Usual <= 0 || r.Usual >= 0.5:
		return fmt.Errorf("usual is a share above 0 and below 0.5, not %v", r.Usual)
	case r.Faulty != 0 && (r.Faulty <= r.Usual || r.Faulty >= 1):
		return fmt.Errorf("faulty is a share above usual and below 1, not %v", r.Faulty)
	case r.Why == "":
		return fmt.Errorf("needs why, the reason for what is usual")
	case len(r.Kinds) == 0 && len(r.Codes) == 0:
		return fmt.Errorf("needs kinds or codes")
	}
	r.of = stream(at)
	for _, name := range r.Kinds {
		k := slices.Index(kindNames[:], name)
		if k < 0 {
			return fmt.Errorf("no kind %q: there are %s", name, strings.Join(kindNames[:], ", "))
		}
		r.kinds = append(r.kinds, kind(k))
	}
	return nil
}

// names is everything that a condition over the line can name, with a value of its type.
func (t *tree) names() map[string]any {
	env := map[string]any{}
	setFacts(env, Facts{})
	for id := range t.signs {
		env[id] = &Sign{}
	}
	for id := range findings {
		env[id] = &Sign{}
	}
	for id, x := range t.thresholds {
		env[id] = x.Value
	}
	return env
}

func (n *node) check(at int, index map[string]int, env map[string]any) error {
	if !slices.Contains(BranchIDs[:], n.Branch) {
		return fmt.Errorf("no branch %q", n.Branch)
	}
	if n.Question["en"] == "" || n.Question["zh"] == "" {
		return fmt.Errorf("question needs en and zh")
	}
	for _, edge := range []string{n.Yes, n.No, n.Else} {
		if j, ok := index[edge]; edge != "" && !ok {
			return fmt.Errorf("edge to %q, which is no node", edge)
		} else if edge != "" && j <= at {
			return fmt.Errorf("edge to %q goes back: a node comes after those that lead to it", edge)
		}
	}
	evidence := slices.Concat([]string{n.Sign}, n.Claims, n.Hides)
	for _, name := range evidence {
		if _, ok := env[name].(*Sign); name != "" && !ok {
			return fmt.Errorf("no evidence %q that is a sign", name)
		}
	}
	if n.Scope != "" && n.Scope != "terminals" && n.Scope != "issuers" || n.Scope != "" && n.Sign == "" {
		return fmt.Errorf("scope is terminals or issuers, and goes with a sign")
	}
	for _, id := range n.Probes {
		if !slices.ContainsFunc(link.Probes, func(p link.Probe) bool { return p.ID == id }) {
			return fmt.Errorf("no probe %q", id)
		}
	}
	if x, err := strconv.ParseFloat(n.Confidence, 64); err == nil && (x < 0 || x > 1) {
		return fmt.Errorf("confidence is between 0 and 1")
	}
	for _, p := range []struct {
		name, src string
		env       any
		is        expr.Option
		out       **vm.Program
	}{{"when", n.When, env, expr.AsBool(), &n.when}, {"unknown-if", n.Unknown, env, expr.AsBool(), &n.unknown},
		{"explains", n.Explains, txEvidence{}, expr.AsBool(), &n.explains}, {"confidence", cmp.Or(n.Confidence, mostConfidence), env, expr.AsFloat64(), &n.most}} {
		if p.src == "" {
			continue
		}
		prog, err := expr.Compile(p.src, expr.Env(p.env), p.is)
		if err != nil {
			return fmt.Errorf("%s: %s", p.name, strings.SplitN(err.Error(), "\n", 2)[0])
		}
		*p.out = prog
	}
	for _, id := range n.Shows {
		if !fieldID.MatchString(id) {
			return fmt.Errorf("shows: no field %q: a number, or that of a part as in 60.2", id)
		}
	}
	if n.when == nil && !n.Ask {
		return fmt.Errorf("needs when, or ask: true")
	}
	return nil
}

// altered says that a transaction did not get through because of what changes messages: its amount may be another one, unless
// the terminal said it twice.
func (t *tree) altered(x *txn, cause string) bool {
	return !x.approved() && !x.confirmed && t.alters[cause]
}

func (t *tree) checkAnswer(id, a string) error {
	if t.byID[id] == nil {
		return fmt.Errorf("the tree has no node %q: explain --tree lists them", id)
	}
	if a != "yes" && a != "no" && a != "unknown" {
		return fmt.Errorf("answer to %s: %q is not yes, no or unknown", id, a)
	}
	return nil
}

func (t *tree) checkAnswers(answers map[string]string) error {
	for _, node := range sortedKeys(answers) {
		if err := t.checkAnswer(node, answers[node]); err != nil {
			return err
		}
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

// mostConfidence is what the evidence of a node can give when it says nothing else: something unseen may always explain more.
const mostConfidence = "0.97"

// mostOf is what a node's evidence can give.
func (n *node) mostOf(env any) float64 {
	v, err := expr.Run(n.most, env)
	most, _ := v.(float64)
	if err != nil {
		return 0
	}
	return min(max(most, 0), 1)
}
