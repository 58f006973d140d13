package tui

import (
	"bytes"
	"regexp"
	"strconv"
)

// thinner takes out of the output what is on the screen already. Bubble Tea's renderer diffs cells, except on rows with wide
// characters, which it repaints in every frame whether they changed or not: a Chinese screen then costs kilobytes for every
// digit of the clock. Such a row stands between switching the wrap off and on, followed by an absolute move of the cursor:
//
//	ESC[?7l  moves and attributes  ESC[K  the row  ESC[?7h  ESC[24;1H
//
// A row that is the same as it was painted last is left out, its attributes and the move are kept, so that the terminal's pen
// and cursor are where the renderer takes them to be. What scrolls, erases or switches the screen makes all rows unknown.
type thinner struct {
	rows map[int]string // by number: the pen at its beginning and the text, as painted last
	pen  []byte         // attributes since the last reset
}

var (
	sgr       = regexp.MustCompile(`\x1b\[[0-9;:]*m`)
	wideRow   = regexp.MustCompile(`(?s)\x1b\[\?7l(.*?)\x1b\[K(.*?)\x1b\[\?7h(\x1b\[([0-9]+);[0-9]+H)`)
	disturbed = regexp.MustCompile(`\x1b(?:\[[0-9;]*[rLMSTJ]|[MDc]|\[\?(?:1049|47|3)[hl])`)
)

// frame is what of a frame has to be written.
func (t *thinner) frame(b []byte) []byte {
	all := wideRow.FindAllSubmatchIndex(b, -1)
	if len(all) == 0 {
		t.track(b)
		return b
	}
	out := make([]byte, 0, len(b))
	at := 0
	for _, x := range all {
		t.track(b[at:x[0]])
		out = append(out, b[at:x[0]]...)
		at = x[1]
		lead, text, move := b[x[2]:x[3]], b[x[4]:x[5]], b[x[6]:x[7]]
		t.track(lead)
		key := string(t.pen) + "\x00" + string(text)
		row, _ := strconv.Atoi(string(b[x[8]:x[9]]))
		if t.rows[row] != key {
			if t.rows == nil {
				t.rows = map[int]string{}
			}
			t.rows[row] = key
			t.track(text)
			out = append(out, b[x[0]:x[1]]...)
			continue
		}
		for _, s := range sgr.FindAll(b[x[2]:x[5]], -1) {
			out = append(out, s...)
		}
		t.track(text)
		out = append(out, move...)
	}
	t.track(b[at:])
	return tidy(append(out, b[at:]...))
}

// track follows the pen, and forgets the rows where something moves them.
func (t *thinner) track(b []byte) {
	for _, s := range sgr.FindAll(b, -1) {
		if len(s) == 3 || bytes.Equal(s, []byte("\x1b[0m")) {
			t.pen = t.pen[:0]
			continue
		}
		t.pen = append(t.pen, s...)
	}
	if disturbed.Match(b) {
		t.rows = nil
	}
}

var runs = regexp.MustCompile(`(?:\x1b\[[0-9;:]*m|\x1b\[[0-9]+;[0-9]+H)+`)

// tidy shortens runs of attributes and absolute moves: only the last move counts, and of the attributes those since the last
// reset.
func tidy(b []byte) []byte {
	return runs.ReplaceAllFunc(b, func(run []byte) []byte {
		var move, pen []byte
		for len(run) > 0 {
			i := bytes.IndexAny(run, "mH") + 1
			one := run[:i]
			run = run[i:]
			switch {
			case one[i-1] == 'H':
				move = one
			case len(one) == 3:
				pen = append([]byte{}, one...)
			default:
				pen = append(pen, one...)
			}
		}
		return append(pen, move...)
	})
}
