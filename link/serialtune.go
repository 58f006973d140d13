package link

import (
	"bytes"
	"math/bits"
	"sync"
	"time"
)

const (
	quiet     = 200 * time.Millisecond // between messages: what was heard may be weighed
	heardMin  = 24                     // bytes below which nothing can be said
	heardMax  = 4096                   // bytes that are weighed without a pause
	trustFor  = 1024                   // bytes for which a good reading is believed
	heldMax   = 1 << 16                // bytes kept while the settings are sought
	scraps    = 3                      // pauses with fewer bytes each: a receiver that is far too slow hears only these
	makeSense = 0.3                    // share above which bytes make sense
	badTurns  = 3                      // readings in a row without any sense, after which it is said
)

// speeds are tried in this order: the commonest first.
var speeds = []int{9600, 115200, 19200, 38400, 57600, 4800, 2400, 1200, 230400}

// tuner hands on what a line's ports hear, and judges whether it makes sense. While the settings of the line are sought,
// it holds the bytes back from the analysis, never from the relay.
type tuner struct {
	s *Serial

	mu      sync.Mutex
	mode    Mode
	modes   []Mode // to be tried in turn, when they are sought
	at      int
	seeking bool
	held    []Event
	holds   int // bytes
	lost    int // bytes that made no sense
	heard   [2][]byte
	last    time.Time
	paused  time.Time // the last byte before the pause that was looked at
	scraps  int       // pauses with too few bytes before them
	trusted int       // bytes for which no reading is needed
	bad     int       // readings in a row without sense
	frames  int       // seen in earlier readings of these settings
	told    bool
}

func newTuner(s *Serial) *tuner {
	t := &tuner{s: s, mode: s.o.Mode, seeking: s.o.Auto}
	if t.seeking {
		t.modes = candidates(s.o.Mode)
	}
	return t
}

// candidates are the modes to try. Seven data bits need no turn of their own: read as eight, their parity shows in every
// byte. Where the parity is said, the speed alone is sought.
func candidates(first Mode) []Mode {
	out := []Mode{first}
	formats := []Mode{first}
	if first.DataBits == 8 && first.Parity == "none" {
		even, odd := first, first
		even.Parity, odd.Parity = "even", "odd"
		formats = append(formats, even, odd)
	}
	for _, m := range formats {
		for _, m.Baud = range speeds {
			if m != first {
				out = append(out, m)
			}
		}
	}
	return out
}

func (t *tuner) current() Mode {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.mode
}

// hear takes a copy of what passed, and hands it on unless the settings are sought.
func (t *tuner) hear(dir Dir, b []byte, at time.Time) {
	t.mu.Lock()
	defer t.mu.Unlock()
	ev := t.s.event(Data, dir)
	ev.At, ev.Data = at, bytes.Clone(b)
	t.last = at
	if t.seeking {
		t.held = append(t.held, ev)
		for t.holds += len(b); t.holds > heldMax; t.held = t.held[1:] {
			t.holds -= len(t.held[0].Data)
			t.lost += len(t.held[0].Data)
		}
	} else {
		t.s.queue.put(ev)
	}
	if t.trusted = t.trusted - len(b); t.trusted <= 0 {
		t.trusted = 0
		if h := &t.heard[dir]; len(*h) < heardMax {
			*h = append(*h, b...)
		}
	}
}

// think weighs what was heard, at a pause of the line or when there is enough. It is the poll's, not the relay's.
func (t *tuner) think(now time.Time) {
	t.mu.Lock()
	n := max(len(t.heard[0]), len(t.heard[1]))
	if n < heardMax && (n == 0 || now.Sub(t.last) < quiet || t.last.Equal(t.paused)) {
		t.mu.Unlock()
		return
	}
	t.paused = t.last
	if t.scraps++; n < heardMin && (t.scraps < scraps || !t.seeking) {
		t.mu.Unlock()
		return
	}
	t.scraps = 0
	heard := t.heard
	t.heard = [2][]byte{}
	t.mu.Unlock()

	sense, format, frames := 0.0, "", 0
	for _, b := range heard {
		share, f, n := t.weigh(b)
		frames += n
		if share *= float64(len(b)) / float64(len(b)+heardMin); share > sense {
			sense, format = share, f
		}
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	switch {
	case sense > makeSense*0.5 && (format == "" || t.seeking):
		t.good(sense, format)
	case t.seeking && frames > 0 && t.frames == 0: // it may be chance: another message tells
		t.frames = frames
	case t.seeking:
		t.next()
	default:
		t.doubt(len(heard[0])+len(heard[1]), format)
	}
}

// good takes the settings for right. A format is the one that bytes of seven bits show when they are read as eight.
func (t *tuner) good(sense float64, format string) {
	t.trusted, t.bad, t.told, t.frames = trustFor, 0, false, 0
	if !t.seeking {
		return
	}
	t.seeking = false
	if format != "" {
		t.mode.DataBits, t.mode.Parity = 7, format
	}
	ev := t.s.event(Tuned, ToHost)
	ev.Note, ev.Count, ev.Lost = t.mode.String(), int(100*sense), t.lost
	t.s.queue.put(ev)
	for _, ev := range t.held {
		if format != "" {
			for i := range ev.Data {
				ev.Data[i] &= 0x7F
			}
		}
		t.s.queue.put(ev)
	}
	t.held, t.holds, t.lost = nil, 0, 0
}

// next tries other settings.
func (t *tuner) next() {
	t.lost += t.holds
	t.held, t.holds, t.frames = nil, 0, 0
	if t.at++; t.at == len(t.modes) {
		t.at = 0
		ev := t.s.event(Garbled, ToHost)
		ev.Size = t.lost
		t.s.queue.put(ev)
	}
	t.mode = t.modes[t.at]
}

// doubt counts readings without sense. Settings that were found are sought again; those that a person chose are not
// changed, but said to look wrong, once.
func (t *tuner) doubt(n int, format string) {
	if t.bad++; t.bad < badTurns {
		return
	}
	if t.bad = 0; t.s.o.Auto {
		t.seeking, t.at = true, -1
		t.next()
		return
	}
	if !t.told {
		t.told = true
		ev := t.s.event(Garbled, ToHost)
		ev.Size = n
		if format != "" {
			m := t.mode
			m.DataBits, m.Parity = 7, format
			ev.Note = m.String()
		}
		t.s.queue.put(ev)
	}
}

// weigh gives the share of bytes that makes sense, and the parity that would make it so when it is not the one set; and how
// many frames there are in them as they are.
func (t *tuner) weigh(b []byte) (share float64, parity string, frames int) {
	if len(b) == 0 {
		return 0, "", 0
	}
	share, frames = t.sense(b)
	if share >= makeSense || t.mode.DataBits != 8 {
		return share, "", frames
	}
	if parity = parityOf(b); parity != "" {
		seven := bytes.Clone(b)
		for i := range seven {
			seven[i] &= 0x7F
		}
		if s, _ := t.sense(seven); s > share {
			return s, parity, frames
		}
	}
	return share, "", frames
}

// sense is what whoever knows the line makes of bytes, or what can be seen from outside.
func (t *tuner) sense(b []byte) (share float64, frames int) {
	share, frames = framedShare(b, t.frames)
	if f := t.s.o.Plausible; f != nil {
		defer func() { _ = recover() }() // the line goes on whatever becomes of its analysis
		share = max(share, f(b))
	}
	return share, frames
}

// parityOf names the parity that the highest bit of every byte is, when it is one throughout.
func parityOf(b []byte) string {
	even, high := 0, 0
	for _, c := range b {
		even += 1 - bits.OnesCount8(c)&1
		high += int(c >> 7)
	}
	switch enough := len(b) - len(b)/20; { // noise is allowed for
	case len(b) < heardMin || high == 0:
	case even >= enough:
		return "even"
	case len(b)-even >= enough:
		return "odd"
	}
	return ""
}

// framedShare is the share of bytes that stands in frames from STX to ETX with a right LRC; or, when nearly all bytes are
// text and what controls a line, somewhat less than all. A frame counts when it is not the only one, and seen are those that
// were there before: an LRC alone is right by chance once in 256 times.
func framedShare(b []byte, seen int) (share float64, frames int) {
	framed, control, marks, words := 0, 0, 0, 0
	var kinds [256]bool
	for i := 0; i < len(b); {
		if n, sure := frameAt(b[i:]); n > 0 {
			framed += n
			i += n
			if frames++; sure {
				frames++
			}
			continue
		}
		switch c := b[i]; {
		case c >= '0' && c <= '9', c >= 'A' && c <= 'Z', c >= 'a' && c <= 'z', c == ' ':
			words++
			kinds[c] = true
		case c >= 0x20 && c < 0x7F:
			marks++
		case c >= 2 && c <= 6, c == 0x15, c == '\r', c == '\n':
			control++
		}
		i++
	}
	if frames+seen < 2 {
		framed = 0
	}
	share = float64(framed) / float64(len(b))
	varied := 0
	for _, k := range kinds {
		if k {
			varied++
		}
	}
	// A wrong speed makes few and odd characters, over and over.
	if all := float64(framed+control+marks+words) / float64(len(b)); all >= 0.95 && (varied >= 5 && words > marks || words+marks == 0) {
		share = max(share, all-0.2)
	}
	return share, frames
}

// frameAt is how long a frame at the front is that begins with STX, ends with ETX and closes with their XOR, 0 when there
// is none. It is sure when the two bytes behind the STX are its length, packed or binary.
func frameAt(b []byte) (n int, sure bool) {
	if b[0] != 2 {
		return 0, false
	}
	var x byte
	for i := 1; i+1 < len(b) && i < 2048; i++ {
		if x ^= b[i]; b[i] == 3 && b[i+1] == x && i >= 4 {
			size := i - 3
			packed := int(b[1]>>4)*1000 + int(b[1]&15)*100 + int(b[2]>>4)*10 + int(b[2]&15)
			return i + 2, packed == size || int(b[1])<<8|int(b[2]) == size
		}
	}
	return 0, false
}
