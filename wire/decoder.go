package wire

import (
	"fmt"
	"math"
	"slices"
)

// Options name what is known of a line. What is empty is detected. Dialect is an id or the path of a JSON file.
type Options struct{ Framing, Header, Dialect string }

// Detection is what a line was found to carry.
type Detection struct {
	Framing, Header, Dialect string
	Confidence               float64 // 0 to 1
	RunnerUp                 string  // the next best reading, "framing/header/dialect"
	Foreign                  string  // another protocol: "TLS", "HTTP"
	Turned                   int     // how often the evidence spoke for another reading after one was taken

	skip int // length of a header of an unknown kind
}

// unknownHeader is the header id of bytes before the MTI that are none of the known headers.
const unknownHeader = "unknown"

// reading is one candidate: framing, header and dialect.
type reading struct {
	framing, header string
	dialect         *dialect
	form            *Form
	skip            int  // length of a header of an unknown kind
	final           bool // no field is looked for that stands otherwise
}

// headerLen is how long the header at the front of a payload is. ok is false when the payload does not begin like it.
func (r *reading) headerLen(b []byte) (n int, ok bool) {
	if r.skip > 0 {
		return r.skip, len(b) >= r.skip
	}
	return headerLen(r.header, b)
}

func (r *reading) String() string { return r.framing + "/" + r.header + "/" + r.dialect.id }

// candidates are all readings that the options allow.
func (o Options) candidates() ([]reading, error) {
	all, err := chosen(o.Dialect)
	if err != nil {
		return nil, err
	}
	fs, hs := Framings(), Headers()
	if o.Framing != "" {
		if !slices.Contains(fs, o.Framing) {
			return nil, fmt.Errorf("no framing %q: choose one of %v", o.Framing, fs)
		}
		fs = []string{o.Framing}
	}
	if o.Header != "" {
		if !slices.Contains(hs, o.Header) {
			return nil, fmt.Errorf("no header %q: choose one of %v", o.Header, hs)
		}
		hs = []string{o.Header}
	}
	var out []reading
	for _, f := range fs {
		for _, h := range hs {
			for _, d := range all {
				if d.rare && len(all) > 1 && (!slices.Contains(d.framings, f) || !slices.Contains(d.headers, h)) {
					continue
				}
				out = append(out, reading{framing: f, header: h, dialect: d, form: &Form{f, h, d.id, d}})
			}
		}
	}
	return out, nil
}

// trialFrames is over how many frames of a line its readings are compared before the best is kept; badFrames is how many
// frames in a row may not fit before they are compared again.
const (
	trialFrames = 12
	badFrames   = 3
)

// Decoder reads the connections of one line. It is not safe for concurrent use, and those that are Like one another must not be
// used at the same time either.
type Decoder struct {
	candidates []reading
	groups     []group // candidates by framing, but for those without
	unframed   int     // the first candidate without a framing; they are last
	scores     []float64
	trial      int // frames compared since the comparison began
	best       int // of candidates
	settled    bool
	sure       bool // one reading by the options: nothing to compare
	bad        int  // frames in a row that did not fit
	inStep     int  // frames in a row that stood in the framing of the best
	strays     int  // and that had something else before them
	// Frames that were not understood and tried in other forms, the form that most of them fit, and how many more fit it than not.
	tried, fitted int
	other         string
	talked        bool // control bytes came before any frame
	learns        bool // a header of an unknown kind may be looked for
	distrusts     bool // masking trusts not even header, type and bitmap of the latest message
	det           Detection
	recalled      string    // the latest note about the line
	spans         [128]span // room for walks
	scratch       []byte    // for the masking
	*shared
	patches []patch
	far     int // how often two fields at once were looked for
}

// shared is what decoders that are Like one another have together.
type shared struct {
	room  room
	plans plans
}

// group is the candidates of one framing.
type group struct {
	framing  string
	readings []reading
}

// NewDecoder makes a decoder for one line. It fails when an id in o is not known or its file cannot be used.
func NewDecoder(o Options) (*Decoder, error) {
	c, err := o.candidates()
	if err != nil {
		return nil, err
	}
	return newDecoder(slices.Clip(c), o.Header == ""), nil
}

// Like makes another decoder for a line of which as much is known. What they can read is shared, and so are plans and the room for
// messages: a line of its own costs little. Neither is to be used while the other is.
func (d *Decoder) Like() *Decoder {
	like := newDecoder(slices.Clip(d.candidates), d.learns)
	like.shared = d.shared
	return like
}

func newDecoder(c []reading, learns bool) *Decoder {
	d := &Decoder{candidates: c, scores: make([]float64, len(c)), unframed: len(c), learns: learns, shared: &shared{}}
	for from := 0; from < len(c); {
		to := from
		for to < len(c) && c[to].framing == c[from].framing {
			to++
		}
		if c[from].framing == "none" {
			d.unframed = from
		} else {
			d.groups = append(d.groups, group{c[from].framing, c[from:to]})
		}
		from = to
	}
	if len(c) == 1 {
		d.settled, d.sure = true, true
		d.det = Detection{Framing: c[0].framing, Header: c[0].header, Dialect: c[0].dialect.id, Confidence: 1}
	}
	return d
}

// Detection tells what the line was found to carry so far; empty ids while it is open.
func (d *Decoder) Detection() Detection { return d.det }

// compare lets one frame speak for every reading that it could be, and takes the best of all frames so far.
func (d *Decoder) compare(b []byte) {
	d.trial++
	for i := range d.candidates {
		r := &d.candidates[i]
		f, ok := measure(r.framing, b)
		if !ok || f.total != len(b) {
			continue
		}
		score, _ := r.weigh(b, f, d.spans[:0])
		d.scores[i] += max(score, -1)
	}
	d.choose()
}

// compareBegun takes the best reading of which b is the beginning of a frame. Nothing says there that the frame ends right, so what came
// has to be strong by itself, and to weigh as much as what else it may be.
func (d *Decoder) compareBegun(b []byte, least float64) bool {
	if len(b) < minFrame {
		return false
	}
	least = max(least, strong)
	for i := range d.candidates {
		r := &d.candidates[i]
		f, ok := measure(r.framing, b)
		if !ok || f.total <= len(b) {
			continue
		}
		f.end = min(f.end, len(b))
		score, w := r.weigh(b, f, d.spans[:0])
		if ends := w.fault == faultShort || w.fault == faultLength && w.at+lookahead > f.end; ends && score >= least {
			d.scores[i] += score
		}
	}
	d.choose()
	return d.settled
}

// tie is what two readings may differ by and still weigh the same: the commoner one, which stands first, is taken.
const tie = 0.1

// doubtful is the confidence below which a message that stops is trusted in nothing: card data may stand where its bitmap
// would.
const doubtful = 0.3

// choose takes the reading with most evidence.
func (d *Decoder) choose() {
	best, next := -1, -1
	for i, s := range d.scores {
		switch {
		case s <= 0:
		case best < 0 || s > d.scores[best]+tie:
			best, next = i, best
		case next < 0 || s > d.scores[next]:
			next = i
		}
	}
	if best < 0 {
		return
	}
	if d.settled && best != d.best {
		d.det.Turned++
	}
	top, second := d.scores[best], 0.0
	r := &d.candidates[best]
	d.best, d.settled = best, true
	d.det.Framing, d.det.Header, d.det.Dialect, d.det.RunnerUp, d.det.skip = r.framing, r.header, r.dialect.id, "", r.skip
	if next >= 0 {
		second = d.scores[next]
		d.det.RunnerUp = d.candidates[next].String()
	}
	d.det.Confidence = confidence(top, second, float64(max(d.trial, 1)))
}

// confidence grows with the evidence for the best reading, and with its lead over the next best. It is told in four digits: more
// mean nothing, and in a recording they would look like a card number.
func confidence(top, next, frames float64) float64 {
	lead := max(top-max(next, 0), 0)
	whole := min(top/frames/8, 1)
	return math.Round(1e4*min(0.99, whole*(0.5+0.5*lead/(lead+2)))) / 1e4
}

// steady says that nothing is to be compared: the reading that was found goes on to fit.
func (d *Decoder) steady() bool {
	return d.settled && (d.sure || d.trial >= trialFrames && d.bad < badFrames)
}

// framing is that of the best reading.
func (d *Decoder) framing() string { return d.candidates[d.best].framing }

// held says that the framing of the line is not only what one frame seemed to have: a stream that is joined in the middle of a
// frame, or whose first bytes were lost, begins like a frame of another framing.
func (d *Decoder) held() bool {
	return d.settled && (d.sure || d.inStep > 1 || d.trial >= trialFrames)
}

// found reads a frame that stood in a framing, behind a stray or not. What one frame alone said is taken back when the next
// stands in another, and what some said when there is always something between them, which may be a part of the next.
func (d *Decoder) found(framing string, b []byte, stray bool) *Message {
	if d.strays++; !stray {
		d.strays = 0
	}
	if d.strays >= badFrames {
		d.inStep = 0
	}
	if d.settled && !d.held() && d.framing() != framing {
		d.begin()
	}
	m := d.decode(b)
	if d.settled && d.framing() == framing {
		d.inStep++
	} else {
		d.inStep = 0
	}
	return m
}

// begin compares all readings anew.
func (d *Decoder) begin() {
	d.bad, d.trial, d.inStep = 0, 0, 0
	clear(d.scores)
}

// decode reads one frame of the line.
func (d *Decoder) decode(b []byte) *Message {
	if !d.sure && !d.steady() {
		if d.bad >= badFrames { // the evidence may have turned: begin anew
			d.begin()
		}
		d.compare(b)
	}
	if !d.settled {
		return opaque(b, "")
	}
	r := &d.candidates[d.best]
	f := r.frame(b)
	return d.note(r, b, f, d.message(r, b, f))
}

// frame is where the parts of b stand, which is one: of another framing, maybe.
func (r *reading) frame(b []byte) frame {
	if f, ok := measure(r.framing, b); ok && f.total == len(b) {
		return f
	}
	return frame{min(2, len(b)), len(b), len(b)}
}

// begun is where the parts of a frame stand of which b is the beginning.
func (r *reading) begun(b []byte) (frame, bool) {
	f, ok := measure(r.framing, b)
	return frame{f.payload, min(f.end, len(b)), len(b)}, ok && f.payload < len(b)
}

// note counts frames that did not fit. Where masking cannot even trust what was taken for header, type and bitmap, nothing was
// understood: those are hidden, and who reads the frame again, from a recording, would not find them.
func (d *Decoder) note(r *reading, b []byte, f frame, m *Message) *Message {
	if !m.Undecoded() && d.distrusts {
		m = opaque(b, "")
	}
	if m.Undecoded() && r.framing == "stx-etx" {
		m.odd().Check = misread(b, f)
	}
	if m.Undecoded() || m.Stop != nil {
		d.bad++
	} else {
		d.bad = 0
	}
	return m
}

// doubts says that a message that stops is trusted in nothing, since the line is hardly known.
func (d *Decoder) doubts(m *Message) bool {
	return m.Stop != nil && !d.sure && d.det.Confidence < doubtful
}

// message decodes one whole frame by a reading.
func (d *Decoder) message(r *reading, b []byte, f frame) *Message {
	header, ok := r.headerLen(b[f.payload:f.end])
	if !ok {
		header = 0 // the header of this frame is another one; the MTI decides whether it is there
	}
	return d.build(r, b, f, header, r.header)
}

func (d *Decoder) build(r *reading, b []byte, f frame, header int, headerID string) *Message {
	m := d.room.message()
	var w walked
	d.plans.walk(r.dialect, b[:f.end], f.payload+header, &w, &m.fields)
	if w.fault == faultMTI {
		d.room.back()
		return opaque(b, "")
	}
	m.Form, m.Oddity = r.form, noOddity
	if r.framing == "stx-etx" && f.total <= len(b) {
		if wrong := checkLRC(b, f); wrong != "" {
			m.odd().Check = wrong
		}
	}
	m.headAt, m.headLen, m.raw = uint16(f.payload), uint16(header), int32(len(b))
	if w.fault != faultNone || w.end < f.end {
		if m.fields.plan != nil { // it ends early, and by a plan it has no spans to be looked at
			w, m.fields.plan = r.dialect.walk(b[:f.end], f.payload+header, nil, nil), nil
		}
		stop := w.stop(r.dialect)
		suspect := r.suspect(b, &w)
		if stop != nil && suspect > 0 {
			stop.Suspect = fmt.Sprint(suspect)
		}
		if m.Check == "" && f.total <= len(b) && !r.final { // or it is damaged, and no other form of a field is what is wrong with it
			if form := d.patched(r, b, f, header, &w, suspect); form != nil {
				m.Form, stop = form, nil
				w = form.dialect.walk(b[:f.end], f.payload+header, nil, nil)
			}
		}
		if stop != nil {
			m.odd().Stop = stop
		} else {
			m.Trailing = f.end - w.end // none, but where a byte is stray
		}
	}
	m.MTI = mtiText(w.mti)
	k := builder{m: m, b: append(d.room.space(len(b)), b...), raw: len(b), hidden: m.hiddenRoom[:0], scratch: &d.scratch}
	k.clean = m.dialect.bitmap == asHex && m.dialect.mti == asText && printable(b[f.payload:f.end])
	if m.fields.plan != nil {
		for i := range m.fields.plan.tasks {
			k.do(&m.fields.plan.tasks[i])
		}
	} else {
		for i := range w.spans {
			k.field(&w.spans[i], &m.dialect.steps[w.spans[i].id])
		}
	}
	if f.end < len(b) && r.framing != "stx-etx" {
		m.Trailing += len(b) - f.end
	}
	rest := w.end
	if m.fields.plan == nil && len(w.spans) == 0 || d.doubts(m) {
		rest = f.payload // what was taken for header, type and bitmap may be anything
	}
	if !d.steady() && m.misplaced(b, &w) {
		rest = f.payload
	}
	if d.distrusts = rest < w.end; d.distrusts {
		m.ready = [len(readyFields)]place{} // made from the scrubbed frame when they are asked for
	}
	to := len(b)
	if r.framing == "stx-etx" && f.total <= to {
		to = f.end // ETX and LRC are no digits of a card
		k.runs(f.total, len(b), runLimit, asText)
	}
	if rest < to {
		k.runs(rest, to, runLimit, asText)
	}
	if header > 0 && headerID == unknownHeader { // the known ones are too short, or no digits
		k.runs(f.payload, f.payload+header, runLimit, asText)
	}
	m.seal(&w, k.hidden)
	m.bytes = d.room.text(k.b)
	return m
}

// misplaced says that there are no digits where only digits can be: all fields may stand elsewhere, and a card number in any.
func (m *Message) misplaced(b []byte, w *walked) bool {
	wrong := func(s span) bool {
		df := m.dialect.defs[s.id]
		switch c := df.coding; {
		case c.packed() && s.id != 35 && s.id != 36:
			for i, lead := 0, c.lead(s.chars(c)); i < s.chars(c); i++ {
				if half(b[s.off:], lead+i) > 9 {
					return true
				}
			}
		case c == asText && (s.id <= 4 || s.id == 11):
			if s.id == 3 && privateType(b[s.off:][:s.n]) {
				return false
			}
			for _, x := range b[s.off:][:s.n] {
				if x < '0' || x > '9' {
					return true
				}
			}
		}
		return false
	}
	if p := m.fields.plan; p != nil {
		return slices.ContainsFunc(p.spans, func(x planned) bool { return wrong(m.fields.span(&x)) })
	}
	return slices.ContainsFunc(w.spans, wrong)
}

// allMTI is every message type behind the other, so that none needs an allocation.
var allMTI = func() string {
	b := make([]byte, 0, 4*3000)
	for n := range 3000 {
		b = append(b, byte('0'+n/1000), byte('0'+n/100%10), byte('0'+n/10%10), byte('0'+n%10))
	}
	return string(b)
}()

// mtiText is a message type that readMTI accepted.
func mtiText(m [4]byte) string {
	n := int(m[0]-'0')*1000 + int(m[1]-'0')*100 + int(m[2]-'0')*10 + int(m[3]-'0')
	return allMTI[4*n : 4*n+4]
}

// maxOpaque bounds a message that was not understood, so that half bytes in it are counted with 16 bits.
const maxOpaque = 2 * maxFrame

// opaque is a message of which nothing was understood: every digit run is hidden.
func opaque(b []byte, other string) *Message {
	if other == "TLS" {
		return opaqueAs(b, other, tlsDetail(b))
	}
	return opaqueAs(b, other, "")
}

func opaqueAs(b []byte, other, detail string) *Message {
	m := &Message{Form: noForm, Oddity: &Oddity{Foreign: other, Detail: detail, Stop: &Stop{Field: "frame", Reason: remark("stop.unknown")}}}
	switch {
	case other != "" && detail != "":
		m.Stop.Reason = remark("stop.foreign-detail", other, detail)
	case other != "":
		m.Stop.Reason = remark("stop.foreign", other)
	}
	k := builder{m: m, b: slices.Clone(b), raw: len(b)}
	end := len(b)
	if f, ok := measure("stx-etx", b); ok && f.total == end {
		end = f.end // ETX and LRC are no digits of a card
	}
	k.runs(0, end, runLimit, asText)
	m.seal(&walked{}, k.hidden)
	m.bytes, m.raw = string(k.b), int32(len(b))
	return m
}

// Decode reads bytes that are one frame, with its length in front or without, with few bytes behind it or none.
func Decode(b []byte, o Options) (*Message, Detection, error) {
	if len(b) > maxOpaque {
		return nil, Detection{}, fmt.Errorf("%d bytes are no one message: the longest has %d", len(b), maxFrame)
	}
	d, err := NewDecoder(o)
	if err != nil {
		return nil, Detection{}, err
	}
	if other := foreign(b); other != "" && !d.sure {
		return opaque(b, other), Detection{Foreign: other}, nil
	}
	frames := make([]frame, len(d.candidates))
	for i := range d.candidates {
		r := &d.candidates[i]
		f, ok := measure(r.framing, b)
		short, behind := 0.0, 0.0
		switch {
		case !ok && r.framing == "stx-etx" && closed(b): // its length is wrong, or bytes are missing
			f, short = frame{3, len(b) - 2, len(b)}, 2
		case !ok:
			continue
		case f.total > len(b): // cut off
			short = 1.5 - float64(len(b))/float64(f.total)
			f.end = min(f.end, len(b))
		case f.total < len(b): // something stands behind it
			behind = 1 + float64(len(b)-f.total)/8
		}
		score, _ := r.weigh(b, f, d.spans[:0])
		d.scores[i], frames[i] = score-short-behind, f
	}
	d.trial = 1
	d.choose()
	if d.settled && !d.sure && frames[d.best].total < len(b) {
		d.fit(b, frames)
	}
	if d.sure {
		if f, ok := measure(d.candidates[0].framing, b); ok {
			f.end = min(f.end, len(b))
			frames[0] = f
		}
	}
	if !d.settled || !d.sure && d.scores[d.best] < weak {
		if m, det := d.behindPrefix(b, o, true); m != nil {
			return m, det, nil
		}
		if !d.settled {
			if m, det := d.behindPrefix(b, o, false); m != nil {
				return m, det, nil
			}
		}
		if (!d.settled || frames[d.best].total == 0) && !d.least(frames) {
			if plainText(b) {
				return opaque(b, "text"), Detection{Foreign: "text"}, nil
			}
			return opaque(b, ""), Detection{}, nil
		}
	}
	m := d.message(&d.candidates[d.best], b, frames[d.best])
	if m.Undecoded() {
		return m, Detection{}, nil
	}
	switch {
	case m.dialect.guessed == 1: // the rest fits now, and that speaks for the reading after all
		d.det.Confidence = max(d.det.Confidence, 0.5)
	case m.dialect.guessed > 1: // it may fit by chance
		d.det.Confidence = min(d.det.Confidence, 0.5)
	}
	d.modest(m)
	return m, d.det, nil
}

// modest keeps the confidence that one message gives low when little can have failed in it: it has no length and no header, and one
// field, or a field that was found to stand otherwise than its dialect says.
func (d *Decoder) modest(m *Message) {
	if d.trial > 1 || d.sure || m.Framing != "none" || m.Header != "none" {
		return
	}
	if m.dialect.guessed > 0 || m.count() < 2 {
		d.det.Confidence = min(d.det.Confidence, 0.5)
	}
}

// fit weighs frames that are exactly as long as b anew, in other forms of their fields: a frame behind which something stands was best
// so far, and may be a part of one of them.
func (d *Decoder) fit(b []byte, frames []frame) {
	for i := range d.candidates {
		r, f := &d.candidates[i], frames[i]
		if r.framing == "none" || f.total != len(b) || d.scores[i] <= 0 {
			continue
		}
		n, ok := r.headerLen(b[f.payload:f.end])
		if !ok {
			continue
		}
		w := r.dialect.walk(b[:f.end], f.payload+n, d.spans[:0], nil)
		if over, score := r.locate(b, f, n, &w, r.suspect(b, &w), false); over != nil {
			d.scores[i] = max(d.scores[i], score)
		}
	}
	d.choose()
}

// least takes the reading that most speaks for when more speaks against each: the part of a damaged message that can be
// read is more use than none. Something has to be sure: a message type in text, or a header.
func (d *Decoder) least(frames []frame) bool {
	best := -1
	for i, r := range d.candidates {
		sure := r.header != "none" || r.dialect.mti == asText || r.dialect.mti == asEBCDIC
		if frames[i].total > 0 && sure && d.scores[i] > impossible/2 && (best < 0 || d.scores[i] > d.scores[best]+tie) {
			best = i
		}
	}
	if best < 0 {
		return false
	}
	r := d.candidates[best]
	d.best, d.settled = best, true
	d.det = Detection{Framing: r.framing, Header: r.header, Dialect: r.dialect.id, Confidence: 0.05}
	return true
}
