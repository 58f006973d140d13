package sim

import (
	"testing"
	"time"

	"tillscope/wire"
)

// Whatever a host can read it can answer: a store that cannot pack its own answer would end.
func FuzzHostAnswers(f *testing.F) {
	dialects := wire.Dialects()
	var hosts []*host
	for i, dialect := range dialects {
		s, err := New(Options{Seed: 1, Unpaced: true, Dialect: dialect})
		if err != nil {
			f.Fatal(err)
		}
		h, terminals, err := s.build(nil)
		if err != nil {
			f.Fatal(err)
		}
		hosts = append(hosts, h)
		t := terminals[0]
		for _, m := range []message{
			{mti: "0800", f: fields{11: "000001", 41: t.own, 42: merchant, 60: "00000001003", 62: "Sequence No12313631000001"}},
			{mti: "0200", f: fields{2: cardsOf(0)[0].PAN, 3: "000000", 4: "000000012800", 11: "000002", 22: "021", 25: "00", 41: t.own, 42: merchant, 49: "156", 60: "2200000100060"}},
			{mti: "0400", f: fields{3: "000000", 4: "000000012800", 11: "000002", 39: "98", 41: t.own, 42: merchant, 60: "2200000100060"}},
			{mti: "0500", f: fields{11: "000003", 41: t.own, 42: merchant, 48: totals{}.field48('0', '0'), 60: "00000001201"}},
			{mti: "0320", f: fields{11: "000004", 41: t.own, 42: merchant, 48: "0100000002" + "00006224240000040010" + "000000012800", 60: "00000001201"}},
			{mti: "0820", f: fields{11: "000005", 41: t.own, 42: merchant, 60: "00000001301"}},
		} {
			m.head, m.at = usualHead(), time.Date(2026, 3, 4, 5, 6, 7, 0, beijing)
			frame, err := s.codec.pack(m, nil)
			if err != nil {
				f.Fatal(err)
			}
			f.Add(i, frame[2:])
		}
	}
	f.Fuzz(func(t *testing.T, i int, payload []byte) {
		h := hosts[uint(i)%uint(len(hosts))]
		req, err := h.codec.unpack(payload)
		if err != nil {
			return
		}
		p := h.travel(req, 0)
		if _, err := h.answer(req, &p); err != nil {
			t.Errorf("%s was read and not answered: %v", req.mti, err)
		}
	})
}
