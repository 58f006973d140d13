package sim

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"testing"

	"tillscope/link"
	"tillscope/wire"
)

func TestTrafficIsWhatItSays(t *testing.T) {
	for _, dialect := range []string{"cup", "iso87-ascii"} {
		for name, mishaps := range map[string]link.Mishaps{
			"as sent":    {Split: 0.04},
			"mishandled": {Split: 0.04, Lost: 0.02, Resent: 0.02, Doubled: 0.02, Swapped: 0.02},
		} {
			t.Run(dialect+" "+name, func(t *testing.T) { readTraffic(t, dialect, mishaps) })
		}
	}
}

func readTraffic(t *testing.T, dialect string, mishaps link.Mishaps) {
	traffic := Traffic{Dialect: dialect, Messages: 3000, Connections: 20, PerConn: 25, Rate: 500, Seed: 7, Mishaps: mishaps}
	file := filepath.Join(t.TempDir(), "made.pcap")
	var made bytes.Buffer
	if err := traffic.Write(&made); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, made.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	source, err := link.OpenFile(file, nil)
	if err != nil {
		t.Fatal(err)
	}
	d, err := wire.NewDecoder(wire.Options{})
	if err != nil {
		t.Fatal(err)
	}
	streams, types, waiting := map[[2]uint64]*wire.Stream{}, map[string]int{}, map[string]int{}
	opened, closed := 0, 0
	take := func(msgs []*wire.Message) {
		for _, m := range msgs {
			types[m.MTI]++
			if m.Undecoded() || m.Stop != nil || m.Trailing > 0 || m.Dialect != dialect {
				t.Fatalf("a message of %s reads as %s: %+v", dialect, m.Dialect, m.Stop)
			}
			key := m.Get(41) + m.MTI[:2] + m.Get(11)
			if m.MTI[2] == '0' {
				waiting[key]++
			} else {
				waiting[key]--
			}
		}
	}
	err = source.Run(context.Background(), func(ev link.Event) {
		switch ev.Kind {
		case link.Opened:
			opened++
		case link.Closed:
			closed++
		case link.Data:
			key := [2]uint64{ev.Conn, uint64(ev.Dir)}
			if streams[key] == nil {
				streams[key] = d.Stream(ev.Dir == link.ToHost)
			}
			take(streams[key].Write(ev.Data))
		case link.Gap, link.Reset, link.Refused, link.Unreached:
			t.Errorf("%+v in traffic without loss", ev)
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	sum := 0
	for mti, n := range types {
		sum += n
		if answer := mti[:2] + string(mti[2]^1) + mti[3:]; types[answer] != n {
			t.Errorf("%d of %s and %d of %s", n, mti, types[answer], answer)
		}
	}
	if sum != traffic.Messages || types["0200"] < sum/3 || types["0800"] == 0 || types["0400"] == 0 || types["0500"] == 0 {
		t.Errorf("%d messages are %v", traffic.Messages, types)
	}
	for key, n := range waiting {
		if n != 0 {
			t.Errorf("%s has %d requests without answer", key, n)
		}
	}
	if opened != closed || opened < 20 {
		t.Errorf("%d connections opened, %d closed", opened, closed)
	}
	var again bytes.Buffer
	if err := traffic.Write(&again); err != nil || !bytes.Equal(made.Bytes(), again.Bytes()) {
		t.Error("the same seed gave another file")
	}
}
