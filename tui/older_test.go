package tui

import (
	"context"
	"reflect"
	"testing"
	"time"

	"tillscope/diagnostics"
	"tillscope/link"
	"tillscope/sim"
)

// A packed row comes back as it was, in every dialect and with whatever stands between: damaged frames, events, other
// protocols. Two sessions watch the same store, and one packs.
func TestPackedRowsComeBackAsTheyWere(t *testing.T) {
	for _, c := range []struct{ scenario, dialect string }{
		{"mixed", "cup"}, {"noisy", "cup"}, {"data.corrupt", "cup"}, {"operation.driver", "cup"}, {"network.protocol-mismatch", "cup"}, {"network.unstable", "iso87-ascii"},
		{"mixed", "iso87-bcd"}, {"mixed", "iso87-ebcdic"}, {"healthy", "iso93-ascii"}, {"healthy", "iso2003-ascii"}, {"mixed", "iso87-ascii-bin"},
	} {
		t.Run(c.scenario+"/"+c.dialect, func(t *testing.T) {
			t.Parallel()
			store, err := sim.New(sim.Options{Scenario: c.scenario, Dialect: c.dialect, Seed: 7, Terminals: 6, Unpaced: true})
			if err != nil {
				t.Fatal(err)
			}
			kept, err := diagnostics.NewSession(diagnostics.Options{Info: store.Info(), RingSize: 100_000})
			if err != nil {
				t.Fatal(err)
			}
			packed, err := diagnostics.NewSession(diagnostics.Options{Info: store.Info(), RingSize: 1, Older: 100_000})
			if err != nil {
				t.Fatal(err)
			}
			ctx, stop := context.WithTimeout(t.Context(), 10*time.Second)
			defer stop()
			events := 0
			if err := store.Run(ctx, func(ev link.Event) {
				kept.Handle(ev)
				packed.Handle(ev)
				if events++; events == 4000 {
					stop()
				}
			}); err != nil && ctx.Err() == nil {
				t.Fatal(err)
			}
			all, sn := kept.Snapshot().Entries, packed.Snapshot()
			if older := sn.FirstEntry - sn.Oldest(); older < 256 {
				t.Fatalf("%d rows of %d are packed", older, len(all))
			}
			for _, e := range all {
				sameRow(t, e, sn.Entry(e.N))
			}
		})
	}
}

func sameRow(t *testing.T, a, b *diagnostics.Entry) {
	t.Helper()
	x, y := *a, *b
	x.Msg, y.Msg = nil, nil
	if !x.At.Equal(y.At) {
		t.Fatalf("#%d: time %v, was %v", a.N, y.At, x.At)
	}
	x.At, y.At = time.Time{}, time.Time{}
	if x != y {
		t.Fatalf("#%d: %+v, was %+v", a.N, y, x)
	}
	if (a.Msg == nil) != (b.Msg == nil) {
		t.Fatalf("#%d: its message is lost", a.N)
	}
	if a.Msg == nil {
		return
	}
	if !reflect.DeepEqual(a.Msg.Fields(), b.Msg.Fields()) || !reflect.DeepEqual(a.Msg.HeaderParts(), b.Msg.HeaderParts()) || !reflect.DeepEqual(a.Msg.Head(), b.Msg.Head()) {
		t.Fatalf("#%d: fields differ:\n%v\n%v", a.N, b.Msg.Fields(), a.Msg.Fields())
	}
	if a.Msg.Raw() != b.Msg.Raw() || a.Msg.MTI != b.Msg.MTI || a.Msg.PAN() != b.Msg.PAN() || a.Msg.Trailing != b.Msg.Trailing {
		t.Fatalf("#%d: its message differs", a.N)
	}
	for i := range 2 * len(a.Msg.Raw()) {
		if a.Msg.MaskedNibble(i) != b.Msg.MaskedNibble(i) {
			t.Fatalf("#%d: half byte %d masked: %v", a.N, i, b.Msg.MaskedNibble(i))
		}
	}
}
