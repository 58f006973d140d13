package link

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// What no packet shows stands in a recording as the comment of an empty one, in these words, so that the recording tells
// the same story as the line did. Wireshark shows it as a packet comment:
//
//	tillscope silent took=10.2s
//	tillscope retransmitted size=88 count=1
const commentPrefix = "tillscope "

// endsComment names the two ends of a connection where they are no addresses: serial ports, hosts by name.
const endsComment = commentPrefix + "ends "

// How data was read that passed, as who decodes says it of the line and of the frame that begins there.
const (
	lineComment  = commentPrefix + "line "
	frameComment = commentPrefix + "frame "
)

var commentWords = map[Kind]string{
	Unreached: "unreached", Gap: "gap", Retransmitted: "retransmitted", Stalled: "stalled", Slow: "slow", Silent: "silent",
	HalfOpen: "half-open", Signals: "signals", Unplugged: "unplugged", Plugged: "plugged",
	Tuned: "tuned", Garbled: "garbled", Stood: "stood",
}

// comment puts an event into words. Kinds that packets show have none.
func comment(ev Event) string {
	word, ok := commentWords[ev.Kind]
	if !ok {
		return ""
	}
	var b strings.Builder
	b.WriteString(commentPrefix + word)
	if ev.Took > 0 {
		fmt.Fprintf(&b, " took=%s", ev.Took)
	}
	for _, n := range []struct {
		name string
		n    int
	}{{"lost", ev.Lost}, {"size", ev.Size}, {"count", ev.Count}} {
		if n.n > 0 {
			fmt.Fprintf(&b, " %s=%d", n.name, n.n)
		}
	}
	if ev.Note != "" {
		fmt.Fprintf(&b, " note=%q", ev.Note)
	}
	return b.String()
}

// commented reads such words. Whatever else a comment says is no event.
func commented(s string) (ev Event, ok bool) {
	rest, ok := strings.CutPrefix(s, commentPrefix)
	if !ok {
		return ev, false
	}
	word, rest, _ := strings.Cut(rest, " ")
	ok = false
	for kind, w := range commentWords {
		if w == word {
			ev.Kind, ok = kind, true
		}
	}
	for ok && rest != "" {
		name, value, _ := strings.Cut(rest, "=")
		if name == "note" {
			note, err := strconv.Unquote(value)
			ev.Note = note
			return ev, err == nil
		}
		value, rest, _ = strings.Cut(value, " ")
		n, _ := strconv.Atoi(value)
		switch n = max(n, 0); name {
		case "took":
			d, err := time.ParseDuration(value)
			ev.Took, ok = max(d, 0), err == nil
		case "lost":
			ev.Lost = n
		case "size":
			ev.Size = n
		case "count":
			ev.Count = n
		}
	}
	return ev, ok
}

// ends puts the two ends of a connection into words, or gives nothing when packets show them as they are.
func ends(terminal, host string, shown [2]string) string {
	if terminal == shown[ToHost] && host == shown[ToTerminal] {
		return ""
	}
	return fmt.Sprintf("%s%q %q", endsComment, terminal, host)
}

func endsOf(s string) (terminal, host string, ok bool) {
	rest, ok := strings.CutPrefix(s, endsComment)
	if !ok {
		return "", "", false
	}
	first, err := strconv.QuotedPrefix(rest)
	if err != nil {
		return "", "", false
	}
	second, err := strconv.QuotedPrefix(strings.TrimPrefix(rest[len(first):], " "))
	if err != nil {
		return "", "", false
	}
	terminal, _ = strconv.Unquote(first)
	host, _ = strconv.Unquote(second)
	return terminal, host, true
}

// read tells how the data of a packet were read.
func read(comments []string) (line, frame string) {
	for _, words := range comments {
		if said, ok := strings.CutPrefix(words, lineComment); ok {
			line = said
		} else if said, ok := strings.CutPrefix(words, frameComment); ok {
			frame = said
		}
	}
	return line, frame
}

// note takes in what a recording says beside the packet s, which was taken in before.
func (a *assembler) note(s *segment, words string) {
	told, ok := commented(words)
	if ok && told.Kind == Stood { // of the watch: the connection may be gone
		a.emit(Event{At: s.at.time(), Kind: Stood, Took: told.Took, Note: told.Note})
		return
	}
	key, fromA := pair{s.from, s.to}, true
	if compare(s.from, s.to) > 0 {
		key, fromA = pair{s.to, s.from}, false
	}
	c := a.conns[key]
	if c == nil {
		return
	}
	if terminal, host, ok := endsOf(words); ok {
		if !c.opened {
			c.terminal, c.host = terminal, host
		}
		return
	}
	if !ok {
		return
	}
	dir := ToTerminal
	if fromA == c.fromA {
		dir = ToHost
	}
	ev := c.event()
	ev.At, ev.Kind, ev.Dir, ev.Note = s.at.time(), told.Kind, dir, told.Note
	ev.Took, ev.Lost, ev.Size, ev.Count = told.Took, told.Lost, told.Size, told.Count
	switch h := &c.half[dir]; told.Kind {
	case Unreached:
		if !c.opened && c.syn != 0 {
			a.unreached(c, s.at, told.Note)
		}
	case Gap: // the packet stands behind the hole
		a.flush(c, dir)
		a.tally.Gaps++
		a.tally.Lost += told.Lost
		h.known, h.next = true, s.seq
		a.emit(ev)
	default:
		a.emit(ev)
	}
}
