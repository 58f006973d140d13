package tui

import (
	"context"
	"flag"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"unicode/utf8"

	tea "charm.land/bubbletea/v2"
	"github.com/charmbracelet/x/ansi"

	"tillscope/assets"
	"tillscope/diagnostics"
	"tillscope/link"
	"tillscope/sim"
)

// states are what the screen can be in: keys that lead there from the start. Every region is among them.
var states = map[string][]string{
	"traffic": nil, "browsing": {"home"}, "marked": {"up", "m", "N", "look here", "enter"}, "filter": {"/", "sale 余"}, "wrong filter": {"/", "colour=red"},
	"filtered": {"/", "rc=51", "enter"}, "nothing": {"/", "zzz", "enter"}, "frozen": {"space"},
	"message": {"up", "up", "tab", "down", "down"}, "unfolded": {"up", "up", "tab", "home", "l"}, "bytes": {"up", "up", "tab", "b", "l", "l"},
	"compare": {"up", "up", "d"}, "undecoded": {"end", "tab"}, "event": {"/", "reset", "enter", "tab"},
	"status": {"tab", "tab"}, "diagnosis": {"tab", "tab", "tab", "end"}, "zoom": {"z"},
	"transactions": {"2", "end"}, "sorted": {"2", "s", "s", "S"}, "story": {"2", "down", "tab", "down"},
	"tree": {"3", "down", "down", "down"}, "verdict": {"3", "tab", "down"}, "lines": {"4", "end"}, "report": {"5", "end"},
	"menu": {"?"}, "menu typed": {"?", "xx"}, "palette": {":", "fre"}, "export": {"e"}, "source": {"c"}, "note": {"up", "N"},
	"trainer": {"f"}, "probes": {"3", "t", "j"}, "confirm": {"3", "t", "end", "j", "j", "j", "j", "j", "enter"}, "exercise": {"f", "X"}, "score": {"f", "X", "R"},
	"low": {"B"}, "low tree": {"B", "3"}, "notice": {"p"}, "theme": {"T", "T"}, "hints": {"H"},
}

// full is a model with everything that a program gives it.
func full(t testing.TB, lang string, ascii bool) *Model {
	l, err := assets.Language(lang)
	if err != nil {
		t.Fatal(err)
	}
	store, err := sim.New(sim.Options{Scenario: "mixed"})
	if err != nil {
		t.Fatal(err)
	}
	m, err := newModel(Options{Session: watched(t, lang), Lang: l, ASCII: ascii, FirstRun: true,
		Export: func(Export) (string, error) { return "report.html", nil },
		Record: func(bool) (string, error) { return "", nil },
		Sources: func() []SourceKind {
			return []SourceKind{{ID: "tap", Fields: []SourceField{{ID: "listen", Value: "0.0.0.0:8583"}, {ID: "upstream"}}}, {ID: "sim", Fields: []SourceField{{ID: "scenario", Offers: []string{"a", "b"}, Strict: true}}}}
		},
		Open:    func(string, map[string]string) (Session, error) { return nil, nil },
		Probe:   func(context.Context, link.Probe, diagnostics.Line, bool) link.Finding { return link.Finding{} },
		Trainer: func() Trainer { return store.Control() }})
	if err != nil {
		t.Fatal(err)
	}
	m.Update(tea.WindowSizeMsg{Width: 100, Height: 30})
	return m
}

// everySize draws each region at each size in both languages, and not by turns.
var everySize = flag.Bool("every-size", false, "sweep the screens over every size in each language")

// Over every width from 40 to 200 and every height from 10 to 60: no line is wider or narrower than the screen (one cell more
// shifts all that follows, one less leaves old text), no border is broken, and nothing is blank that has content. Each region is
// drawn at each size, the languages by turns as the colours of a chessboard; what else the screen can be in, at all widths of
// some heights and some widths of all heights.
func TestSweep(t *testing.T) {
	edges := []int{10, 17, 18, 19, 23, 24, 25, 29, 30, 31, 39, 40, 41, 50, 60}
	step := 1
	if testing.Short() {
		step = 7
	}
	for turn, lang := range assets.Languages {
		for name, press := range states {
			t.Run(lang+"/"+name, func(t *testing.T) {
				t.Parallel()
				m := full(t, lang, name == "zoom" || name == "tree")
				keys(m, press...)
				for w := 1; w < 40; w += 5 { // no size makes it fall
					m.Update(tea.WindowSizeMsg{Width: w, Height: w/2 + 1})
					_ = m.View()
				}
				if slices.Contains(regionNames[:], name) && !testing.Short() {
					for w := 40; w <= 200; w++ {
						for h := 10; h <= 60; h++ {
							if *everySize || (w+h)%2 == turn {
								checkScreen(t, m, w, h)
							}
						}
					}
					return
				}
				for w := 40; w <= 200; w += step {
					checkScreen(t, m, w, edges[w%len(edges)])
				}
				for _, w := range []int{40, 59, 60, 61, 79, 80, 81, 119, 120, 121, 179, 180, 181, 200, 210} {
					for h := 10; h <= 60; h += 3 + step {
						checkScreen(t, m, w, h)
					}
				}
			})
		}
	}
	for _, name := range regionNames {
		if _, ok := states[name]; !ok {
			t.Errorf("no state shows the region %s", name)
		}
	}
}

// cells splits a row into the text of its cells; the second cell of a wide character is empty. The screens of these tests hold
// no characters that combine; such a one would have one cell too many, and the row be too long.
func cells(row string) (out []string) {
	out = make([]string, 0, len(row))
	for i, r := range row {
		n := 1
		if r >= 0x80 {
			known, ok := cellWidths.Load(r)
			if !ok {
				known = ansi.StringWidth(string(r))
				cellWidths.Store(r, known)
			}
			n = known.(int)
		}
		out = append(out, row[i:i+utf8.RuneLen(r)])
		for range n - 1 {
			out = append(out, "")
		}
	}
	return out
}

var cellWidths sync.Map

func checkScreen(t *testing.T, m *Model, w, h int) {
	t.Helper()
	m.Update(tea.WindowSizeMsg{Width: w, Height: h})
	screen := ansi.Strip(m.View().Content)
	rows := strings.Split(screen, "\n")
	if len(rows) != h {
		t.Fatalf("%dx%d: %d lines", w, h, len(rows))
	}
	grid := make([][]string, h)
	for y, r := range rows {
		grid[y] = cells(r)
		if n := len(grid[y]); n != w {
			t.Fatalf("%dx%d: line %d is %d wide: %q", w, h, y, n, r)
		}
	}
	if bad := strings.IndexFunc(strings.Join(rows, ""), func(r rune) bool { return r < 0x20 || r == 0x7F }); bad >= 0 {
		t.Fatalf("%dx%d: a control character reached the screen", w, h)
	}
	if m.at.size == tooSmall {
		if strings.TrimSpace(screen) == "" {
			t.Fatalf("%dx%d: nothing says that it is too small", w, h)
		}
		return
	}
	if strings.TrimSpace(rows[0]) == "" || strings.TrimSpace(rows[h-1]) == "" || strings.TrimSpace(rows[1]) == "" {
		t.Fatalf("%dx%d: header, stages or footer are blank:\n%s", w, h, screen)
	}
	if m.dialog != nil {
		box := m.dialog.box(m, w-4, h-2)
		wide := width(box[0])
		if err := checkFrame(m, pane{rect{(w - wide) / 2, (h - len(box)) / 2, wide, len(box)}, 0, true, true}, grid); err != "" {
			t.Fatalf("%dx%d: the dialog: %s:\n%s", w, h, err, screen)
		}
		return
	}
	for _, p := range m.at.panes {
		err := checkFrame(m, p, grid)
		if err == "" {
			err = checkFilled(m, p, grid)
		}
		if err != "" {
			t.Fatalf("%dx%d, %s: %s:\n%s", w, h, regionNames[p.region], err, screen)
		}
	}
}

// checkFrame looks at a frame cell by cell, and for text in it.
func checkFrame(m *Model, p pane, grid [][]string) string {
	b := m.look.borders
	corner := func(x, y int, of ...string) bool { return slices.Contains(of, grid[y][x]) }
	right, bottom := p.x+p.w-1, p.y+p.h-1
	if !corner(p.x, p.y, b.topLeft, b.midLeft) || !corner(right, p.y, b.topRight, b.midRight) {
		return "an upper corner is broken"
	}
	if p.last && (!corner(p.x, bottom, b.bottomLeft) || !corner(right, bottom, b.bottomRight)) {
		return "a lower corner is broken"
	}
	_, high := p.inner()
	text := false
	for y := p.y + 1; y < p.y+1+high; y++ {
		if grid[y][p.x] != b.v || grid[y][right] != b.v {
			return fmt.Sprintf("the border is broken at line %d", y)
		}
		for x := p.x + 1; x < right; x++ {
			text = text || strings.TrimSpace(grid[y][x]) != ""
		}
	}
	if !text {
		return "it is blank"
	}
	return ""
}

// checkFilled looks for rows that stay blank at the end of a pane although it has more to show than it does; where two texts share
// a pane, for those between them, too.
func checkFilled(m *Model, p pane, grid [][]string) string {
	wide, high := p.inner()
	blank, empty, rules := 0, 0, 0 // blank at the end, and in all
	for y := p.y + high; y > p.y; y-- {
		row := strings.Join(grid[y][p.x+1:p.x+p.w-1], "")
		if strings.Trim(row, m.look.borders.h) == "" {
			rules++
		}
		if strings.TrimSpace(row) == "" {
			if empty == p.y+high-y { // none but blank ones below
				blank++
			}
			empty++
		}
	}
	if empty < 2 || blank < 2 && p.region != message { // one may part two paragraphs
		return ""
	}
	const all = 500
	rows := m.panes[p.region].draw(m, wide, all)
	m.panes[p.region].draw(m, wide, high) // scrolls are as they were
	filled, texts := 0, 0
	for i, r := range rows {
		if s := ansi.Strip(r); strings.TrimSpace(s) != "" && strings.Trim(s, m.look.borders.h) != "" {
			filled, texts = i+1, texts+1
		}
	}
	if p.region == message { // fields and bytes share its rows: the blank ones are between them
		if shown := high - empty - rules; empty > 1 && texts > shown {
			return fmt.Sprintf("%d rows are blank, %d of text are not shown", empty, texts-shown)
		}
		return ""
	}
	if filled > high-blank {
		return fmt.Sprintf("%d rows are blank, %d of text are not shown", blank, filled-(high-blank))
	}
	return ""
}

// A message of few fields and many bytes gives its room to them, and one of many fields and few bytes the other way round; a
// drawing that leaves rows blank is found.
func TestFieldsAndBytesShareTheirRoom(t *testing.T) {
	m := full(t, "en", false)
	s := m.o.Session.(*diagnostics.Session)
	s.Handle(link.Event{At: m.snap.Now, Conn: 99, Terminal: "192.0.2.31:40001", Host: "192.0.2.7:8583", Kind: link.Opened})
	s.Handle(link.Event{At: m.snap.Now, Conn: 99, Terminal: "192.0.2.31:40001", Host: "192.0.2.7:8583", Kind: link.Data,
		Data: frame(t, map[int]string{0: "0800", 11: "000009", 62: strings.Repeat("Sequence No ", 16)})})
	m.take()
	keys(m, "end", "tab", "z")
	for h := 18; h <= 60; h++ {
		checkScreen(t, m, 100, h)
		for _, p := range m.at.panes {
			wide, high := p.inner()
			grid := make([][]string, m.h)
			for y := range grid {
				grid[y] = cells(strings.Repeat(" ", m.w))
			}
			for i, r := range m.panes[p.region].draw(m, wide, high-3) { // drawn broken: three rows stay blank
				copy(grid[p.y+1+i][p.x+1:], cells(ansi.Strip(m.look.fit(r, wide))))
			}
			if broken := checkFilled(m, p, grid); (broken == "") != (high-3 >= len(m.message().fields)+1+(len(m.message().of.Raw())+15)/16) {
				t.Fatalf("%d high: a broken drawing is told as %q", h, broken)
			}
		}
	}
}

// The rectangles of every layout tile the screen: each cell belongs to exactly one.
func TestLayoutTiles(t *testing.T) {
	for w := 60; w <= 220; w += 3 {
		for h := 18; h <= 70; h++ {
			for v := scope; v < views; v++ {
				for _, focus := range members[v] {
					for i := range 16 {
						l := arrange(plan{w, h, v, focus, i&1 != 0, i&2 != 0, i&4 != 0, 1 + i>>3*(h/4-1)})
						area := 0
						rects := []rect{l.header, l.stages, l.branches, l.advice, l.hint, l.foot}
						found := false
						for _, p := range l.panes {
							rects = append(rects, p.rect)
							found = found || p.region == focus
							if in, high := p.inner(); in < 20 || high < 1 {
								t.Fatalf("%dx%d view %d: %s has %d by %d cells", w, h, v, regionNames[p.region], in, high)
							}
						}
						for _, r := range rects {
							area += r.w * r.h
							if r.x+r.w > w || r.y+r.h > h {
								t.Fatalf("%dx%d view %d: %+v stands out", w, h, v, r)
							}
						}
						if area != w*h || !found {
							t.Fatalf("%dx%d view %d focus %s: %d of %d cells, focus in sight: %v", w, h, v, regionNames[focus], area, w*h, found)
						}
					}
				}
			}
		}
	}
}

func TestThemes(t *testing.T) {
	list, err := Themes("")
	if err != nil {
		t.Fatal(err)
	}
	for _, th := range list {
		if th.Titles["en"] == "" || th.Titles["zh"] == "" {
			t.Errorf("%s lacks a title", th.ID)
		}
		st, _ := th.styles()
		for _, tok := range []token{selected, lit} { // a cursor must be seen
			if st[tok].Render("x") == "x" {
				t.Errorf("%s does not mark %s", th.ID, tokenNames[tok])
			}
		}
	}
	if len(list) < 5 {
		t.Errorf("%d themes", len(list))
	}
}
