package diagnostics

import (
	"math/rand/v2"
	"slices"
	"testing"
)

// TestTracesFindAllOfANumber holds the table to a list, with numbers that count up, repeat, begin anew or mean nothing.
func TestTracesFindAllOfANumber(t *testing.T) {
	for name, next := range map[string]func(r *rand.Rand, i int) uint32{
		"counting": func(_ *rand.Rand, i int) uint32 { return uint32(i) }, "beginning anew": func(_ *rand.Rand, i int) uint32 { return uint32(i % 300) },
		"the same": func(*rand.Rand, int) uint32 { return 7 }, "one slot": func(r *rand.Rand, _ int) uint32 { return r.Uint32() << 12 }, "any": func(r *rand.Rand, _ int) uint32 { return r.Uint32N(2000) },
	} {
		t.Run(name, func(t *testing.T) {
			r := rand.New(rand.NewPCG(1, 2))
			var ts traces
			var kept []*txn
			for i := range 3000 {
				stan := next(r, i)
				if r.IntN(3) == 0 && len(kept) > 0 {
					at := r.IntN(len(kept))
					ts.forget(kept[at])
					kept = slices.Delete(kept, at, at+1)
				} else {
					x := &txn{stan: stan}
					ts.sent(x)
					kept = append(kept, x)
				}
				x := ts.numbered(stan)
				for _, want := range slices.Backward(kept) {
					if want.stan != stan {
						continue
					}
					if x != want {
						t.Fatalf("step %d: %d is not found, or out of order", i, stan)
					}
					x = x.earlier()
				}
				if x != nil {
					t.Fatalf("step %d: one that is gone, or of number %d, is found for %d", i, x.stan, stan)
				}
			}
			if len(kept) < 500 || ts.kept != len(kept) {
				t.Fatalf("%d are kept, counted %d", len(kept), ts.kept)
			}
		})
	}
}
