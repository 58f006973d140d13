package tui

import (
	"strings"

	"tillscope/diagnostics"
	"tillscope/link"
	"tillscope/wire"
)

// unpaired says why there is nothing to compare the selected message with.
func (m *Model) unpaired() string {
	e := m.traffic().current(m)
	if e == nil || e.Msg == nil || e.Msg.Undecoded() {
		return m.t("why.noentry")
	}
	if o := m.entry(e.Pair); e.Pair == 0 || o == nil || o.Msg == nil {
		return m.t("notice.nopair")
	}
	return ""
}

// compare shows request and response side by side. What one of them alone has, and what differs, is marked.
func (p *messagePane) compare(m *Model, w, h int) []string {
	e := m.traffic().current(m)
	request, response := e, m.entry(e.Pair)
	if e.Dir == link.ToTerminal {
		request, response = response, request
	}
	type both struct{ a, b *wire.Field }
	var order []string
	found := map[string]*both{}
	for side, of := range []*diagnostics.Entry{request, response} {
		last := -1 // where in order the previous field of this message stands
		for _, f := range of.Msg.Fields() {
			x := found[f.ID]
			if x == nil {
				x = &both{}
				found[f.ID] = x
				order = append(order[:last+1], append([]string{f.ID}, order[last+1:]...)...)
				last++
			} else {
				for i, id := range order {
					if id == f.ID {
						last = i
					}
				}
			}
			if side == 0 {
				x.a = &f
			} else {
				x.b = &f
			}
		}
	}
	const id = 10
	name := min(max(w/5, 8), 20)
	col := max((w-id-name-6)/2, 8)
	value := func(f *wire.Field, of *diagnostics.Entry) string {
		if f == nil {
			return ""
		}
		s := diagnostics.Clean(f.Value)
		if note := m.meaning(*f, of); note != "" {
			s += "  " + note
		}
		return s
	}
	head := func(e *diagnostics.Entry) string { return "#" + itoa(e.N) + " " + e.Msg.MTI }
	out := []string{m.look.p(strong, m.look.fit("", id+name+3)+m.look.fit(head(request), col+1)+head(response))}
	for _, key := range order {
		x := found[key]
		f := x.a
		sign, t := "  ", dim
		switch {
		case x.a == nil:
			f, sign, t = x.b, "> ", plain
		case x.b == nil:
			sign, t = "< ", plain
		case x.a.Value != x.b.Value:
			sign, t = "* ", differs
		}
		number := key
		if strings.Contains(number, ".") {
			number = " " + number
		}
		out = append(out, m.look.p(t, sign)+m.look.p(accent, m.look.fit(number, id))+m.look.p(dim, m.look.fit(m.nameOf(*f), name))+" "+
			m.look.p(t, m.look.fit(value(x.a, request), col))+" "+m.look.p(t, m.look.fit(value(x.b, response), col)))
	}
	rows := p.window(out[1:], max(h-2, 1))
	rows = append([]string{out[0]}, rows...)
	for len(rows) < h-1 {
		rows = append(rows, "")
	}
	return append(rows, m.look.p(dim, " "+m.t("compare.legend")))
}
