package sim

import (
	"fmt"
	"slices"
	"testing"
)

// The truth of a long run is that of its latest transactions, in order and each as it was noted.
func TestTruthKeepsTheLatest(t *testing.T) {
	s := &Store{truth: newTruth()}
	const all = keptOutcomes + 1000
	for i := range all {
		tid, stan := fmt.Sprintf("100%05d", i%7), fmt.Sprintf("%012d", i)
		s.truth.note(tid, stan, func(o *Outcome) { o.Type, o.Amount = "sale", int64(i) })
		if i%10 == 0 {
			for range 2 {
				s.truth.blame(tid, stan, &live{Fault: Fault{Kind: "line.cut"}})
			}
			s.truth.blame(tid, stan, &live{Fault: Fault{Kind: "issuer.down"}})
			s.truth.note(tid, stan, func(o *Outcome) { o.Code, o.Reversed = "91", true })
		}
	}
	out := s.Truth()
	if len(out) != keptOutcomes {
		t.Fatalf("%d outcomes", len(out))
	}
	for i, o := range out {
		n := i + 1000
		if o.Terminal != fmt.Sprintf("100%05d", n%7) || o.STAN != fmt.Sprintf("%012d", n) || o.Type != "sale" || o.Amount != int64(n) || o.Answered {
			t.Fatalf("outcome %d is %+v", n, o)
		}
		if struck := n%10 == 0; struck != o.Reversed || struck != (o.Code == "91") || struck != slices.Equal(o.Faults, []string{"line.cut", "issuer.down"}) {
			t.Fatalf("outcome %d is %+v", n, o)
		}
	}
}

// Who names itself anew each time takes no more room than there are numbers.
func TestWordsAreBounded(t *testing.T) {
	x := newTruth()
	for i := range 1<<16 + 10 {
		x.note(fmt.Sprint("stranger ", i), "000001", func(o *Outcome) { o.Type = "sale" })
	}
	if n := len(x.words.texts); n != 1<<16 || len(x.order) != keptOutcomes {
		t.Errorf("%d words, %d outcomes", n, len(x.order))
	}
}
