package diagnostics

import (
	"cmp"
	"slices"
)

// TreeNode is one question of the decision tree as a screen draws it: where its answers lead, and the cause that a yes
// names, empty when it names none. Edges are node ids, empty where the walk ends.
type TreeNode struct {
	ID, Branch, Question, Cause string
	Yes, No, Unknown            string
	Ask                         bool // a person may be asked when the line does not tell
	probes                      []string
}

// Probes says whether an active test could answer the question.
func (n TreeNode) Probes(id string) bool { return slices.Contains(n.probes, id) }

// Outline is the whole tree in the order in which it is walked, in a language. It is nil when the shipped tree cannot be
// read, which NewSession reports.
func Outline(lang string) []TreeNode {
	t, _, err := loadShipped()
	if err != nil {
		return nil
	}
	out := make([]TreeNode, len(t.nodes))
	for i, n := range t.nodes {
		out[i] = TreeNode{n.ID, n.Branch, cmp.Or(n.Question[lang], n.Question["en"]), n.Cause, cmp.Or(n.Yes, n.No), n.No, cmp.Or(n.Else, n.No), n.Ask, n.Probes}
	}
	return out
}

// Activity grows with everything that the line did and everything that a person answered, and stands still while only time
// passes: a screen asks it before it pays for a snapshot.
func (s *Session) Activity() uint64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.version - s.ticks
}

// SetTimeScale says that the line lives so many times faster than life from now on, as a simulated one can.
func (s *Session) SetTimeScale(scale float64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if scale > 0 {
		s.o.TimeScale = scale
		s.version++
	}
}
