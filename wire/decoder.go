package wire

import (
	"bytes"
	"fmt"
	"slices"
)

// Options name what is known of a line. What is empty is detected.
type Options struct{ Framing, Header, Dialect string }

// Detection is what a line was found to carry.
type Detection struct {
	Framing, Header, Dialect string
	Confidence               float64 // 0 to 1
	RunnerUp                 string  // the next best reading, "framing/header/dialect"
	Foreign                  string  // another protocol: "TLS", "HTTP"
}

// maxFrame bounds what a length prefix may announce: longer than any POS message, short enough to notice lost sync.
const maxFrame = 8192

// holdBack bounds the bytes of a stream that wait for detection.
const holdBack = 4096

// headers by id: their length in bytes.
var headerLen = map[string]int{"none": 0, "tpdu": 5, "tpdu+cup": 11}

// framings known, and Decode's way to say that the bytes are one bare frame.
var framings = []string{"len2", "none"}

// reading is one candidate: framing, header and dialect.
type reading struct {
	framing, header string
	dialect         *dialect
}

func (r reading) String() string { return r.framing + "/" + r.header + "/" + r.dialect.id }

// Decoder reads the connections of one line. It is not safe for concurrent use.
type Decoder struct {
	candidates []reading
	best       reading
	settled    bool
	det        Detection
	bad        int // undecoded messages in a row since the line settled
}

// NewDecoder makes a decoder for one line. It fails when an id in o is not known.
func NewDecoder(o Options) (*Decoder, error) {
	c, err := candidates(o, []string{"len2"})
	if err != nil {
		return nil, err
	}
	d := &Decoder{candidates: c}
	if len(c) == 1 {
		d.settle(c[0], 1, "")
	}
	return d, nil
}

func candidates(o Options, allowed []string) ([]reading, error) {
	all, err := dialects()
	if err != nil {
		return nil, err
	}
	if o.Framing != "" {
		if !slices.Contains(framings, o.Framing) {
			return nil, fmt.Errorf("no framing %q: choose one of %v", o.Framing, framings)
		}
		allowed = []string{o.Framing}
	}
	if _, ok := headerLen[o.Header]; o.Header != "" && !ok {
		return nil, fmt.Errorf("no header %q: choose none, tpdu or tpdu+cup", o.Header)
	}
	if o.Dialect != "" && !slices.Contains(Dialects(), o.Dialect) {
		return nil, fmt.Errorf("no dialect %q: choose one of %v", o.Dialect, Dialects())
	}
	var out []reading
	for _, d := range all {
		if o.Dialect != "" && d.id != o.Dialect {
			continue
		}
		for _, f := range allowed {
			for _, h := range []string{"tpdu+cup", "tpdu", "none"} {
				if o.Header == "" || o.Header == h {
					out = append(out, reading{f, h, d})
				}
			}
		}
	}
	return out, nil
}

// Detection tells what the line was found to carry so far; empty ids while it is open.
func (d *Decoder) Detection() Detection { return d.det }

func (d *Decoder) settle(r reading, confidence float64, runnerUp string) {
	d.best, d.settled, d.bad = r, true, 0
	d.det = Detection{Framing: r.framing, Header: r.header, Dialect: r.dialect.id, Confidence: confidence, RunnerUp: runnerUp}
}

// weigh scores how well one frame fits a reading: each thing that a wrong reading would hardly show counts.
func (r reading) weigh(frame []byte) float64 {
	at, ok := r.start(frame)
	if !ok {
		return 0
	}
	w := r.dialect.walk(frame, at, nil)
	if w.mti == "" {
		return 0
	}
	score := 1.0 + float64(len(w.spans))*0.25
	if r.header != "none" && frame[at-headerLen[r.header]] == 0x60 {
		score += 2
	}
	for _, s := range w.spans {
		if fits(frame, s) {
			score += 0.5
		} else {
			score -= 1
		}
	}
	switch {
	case w.stop != nil:
		score *= 0.2
	case w.end != len(frame):
		score *= 0.5
	default:
		score += 4
	}
	return max(score, 0)
}

// fits says whether the bytes of a field look like what the dialect says stands there.
func fits(frame []byte, s span) bool {
	b := frame[s.off : s.off+s.n]
	switch s.def.coding {
	case asBCD, asLBCD:
		for i := range s.chars {
			if n := nibble(string(b), i); n > 9 && s.def.id != 35 && s.def.id != 36 {
				return false
			}
		}
	case asText:
		numeric := s.def.id < 32 || s.def.id == 2
		for _, c := range b {
			if numeric && (c < '0' || c > '9') && !(s.def.id == 28 && (c == 'C' || c == 'D')) || c < 0x20 && s.def.max <= 40 {
				return false
			}
		}
	}
	return true
}

// start is where the message proper begins in a frame, after length and header.
func (r reading) start(frame []byte) (at int, ok bool) {
	if r.framing == "len2" {
		at = 2
	}
	n := headerLen[r.header]
	if len(frame) < at+n+2 {
		return 0, false
	}
	return at + n, true
}

// Decode reads bytes that are one frame, with its length in front or without.
func Decode(frame []byte, o Options) (*Message, Detection, error) {
	c, err := candidates(o, framings)
	if err != nil {
		return nil, Detection{}, err
	}
	if f := foreign(frame); f != "" {
		return opaque(frame, f), Detection{Foreign: f}, nil
	}
	var best, second reading
	var top, next float64
	for _, r := range c {
		if r.framing == "len2" && (len(frame) < 2 || int(frame[0])<<8|int(frame[1]) != len(frame)-2) {
			continue
		}
		if s := r.weigh(frame); s > top {
			second, next, best, top = best, top, r, s
		} else if s > next {
			second, next = r, s
		}
	}
	if best.dialect == nil {
		return opaque(frame, ""), Detection{}, nil
	}
	det := Detection{Framing: best.framing, Header: best.header, Dialect: best.dialect.id, Confidence: confidence(top, next)}
	if second.dialect != nil {
		det.RunnerUp = second.String()
	}
	return best.message(frame), det, nil
}

// confidence grows with the evidence and shrinks with a runner-up that explains nearly as much.
func confidence(top, next float64) float64 {
	return min(0.99, top/(top+1)*(1-next/(top+1)*0.5))
}

// message decodes one whole frame.
func (r reading) message(frame []byte) *Message {
	at, ok := r.start(frame)
	if !ok {
		return opaque(frame, "")
	}
	var room [40]span
	w := r.dialect.walk(frame, at, room[:0])
	m := &Message{Framing: r.framing, Header: r.header, Dialect: r.dialect.id, MTI: w.mti, Stop: w.stop,
		headLen: headerLen[r.header], spans: slices.Clone(w.spans)}
	m.headAt = at - m.headLen
	k := masker{b: slices.Clone(frame)}
	m.card, m.pan = k.card(w.spans)
	for _, s := range w.spans {
		k.field(w.mti, s)
	}
	if w.end < len(frame) {
		if w.stop == nil {
			m.Trailing = len(frame) - w.end
		}
		k.runs(w.end, len(frame), runLimit)
	}
	m.raw, m.hidden = string(k.b), k.hidden
	return m
}

// opaque is a message of which nothing was understood: every digit run is hidden.
func opaque(b []byte, foreign string) *Message {
	k := masker{b: slices.Clone(b)}
	k.runs(0, len(k.b), runLimit)
	reason := "no known framing, header and dialect fits these bytes"
	if foreign != "" {
		reason = "the line carries " + foreign + ", not ISO 8583"
	}
	return &Message{raw: string(k.b), hidden: k.hidden, Foreign: foreign, Stop: &Stop{0, "frame", reason}}
}

// foreign names another protocol by its first bytes.
func foreign(b []byte) string {
	switch {
	case len(b) >= 3 && b[0] >= 0x14 && b[0] <= 0x17 && b[1] == 3 && b[2] <= 4:
		return "TLS"
	case len(b) >= 3 && b[0] == 0x16 && b[1] == 1 && b[2] == 1:
		return "TLCP"
	}
	for _, p := range []string{"GET ", "POST ", "PUT ", "HEAD ", "HTTP/1."} {
		if bytes.HasPrefix(b, []byte(p)) {
			return "HTTP"
		}
	}
	return ""
}
