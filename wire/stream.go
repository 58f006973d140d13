package wire

import "slices"

// Stream reads one direction of one connection of a line.
type Stream struct {
	d       *Decoder
	buf     []byte
	foreign string
	out     []*Message
	synced  bool // the next frame begins at the front of buf
	stray   bool // what stood before it was no frame
	fresh   bool // it does so by all that is known, although the line is not settled yet

	// While the line is not in step, every place is tried as the beginning of a frame. All of it goes by the position in
	// the stream and not by how it was cut into writes, so that any split gives the same messages.
	pos  int // bytes of buf looked at
	pend queue
	// Where the last of those ends that begin at the front, and of those that would enclose inner.
	front, around int
	need          int // bytes that a message without a length is known to need, 0 when that is not tried
	// The best frame at the front that does not read to its end. It is taken when nothing else at the front is left.
	damaged      pending
	damagedScore float64
	// The best whole frame behind the front. It waits while something at the front, which would hold it, may still be one.
	inner  pending
	trails []trail
	// A whole frame at the front in which something cannot be right waits for one that is a few bytes longer, until that has come.
	odd      pending
	oddUntil int

	notes []frameNote // of the next frames, from a recording
}

// pending is a possible frame whose end has not come yet.
type pending struct {
	start int
	frame
	framing string
	group   int // of the decoder's, for a framing
}

// Stream opens one direction of a connection. Both directions of all connections share what the decoder learns.
func (d *Decoder) Stream(bool) *Stream {
	return &Stream{d: d, synced: true, fresh: true, need: minFrame}
}

// Write takes the next bytes and gives the messages that they complete. Any split of the same bytes gives the same
// messages. The slice is good until the next call; p is not kept.
func (s *Stream) Write(p []byte) []*Message {
	if len(s.buf) > 0 {
		s.buf = append(s.buf, p...)
		return s.take(false)
	}
	s.buf = p // whole messages are read where they are; only a rest is copied
	out := s.take(false)
	s.buf = slices.Clone(s.buf)
	return out
}

// Gap says that bytes are missing here. What was begun is given as it stands; reading goes on at the next frame.
func (s *Stream) Gap() []*Message {
	out := s.take(true)
	s.synced = s.d.recalled != "" // a recording has whole frames
	s.fresh = s.synced
	return out
}

// Close gives what is left: a frame that was cut off comes as a message with Stop set.
func (s *Stream) Close() []*Message { return s.take(true) }

// beginnings is how many bytes name another protocol.
const beginnings = 8

func (s *Stream) take(end bool) []*Message {
	if s.out == nil {
		s.out = make([]*Message, 0, 8) // a line of the cache: two cores would wait for each other over less
	}
	s.out = s.read(s.out[:0], end)
	if end {
		s.notes = nil
		ended(s.out)
	}
	if len(s.buf) == 0 {
		s.buf = nil // the array is not kept for a quiet connection
	}
	return s.out
}

func (s *Stream) read(out []*Message, end bool) []*Message {
	for len(s.buf) > 0 {
		if len(s.notes) > 0 {
			if !end && s.waits() {
				break
			}
			if m := s.again(); m != nil {
				out = append(out, m)
				continue
			}
		}
		if s.foreign == "" && s.fresh && (len(s.buf) >= beginnings || end) && (!s.d.settled || hello(s.buf)) {
			if s.foreign = foreign(s.buf); s.foreign != "" && !s.d.settled {
				s.d.det.Foreign = s.foreign
			}
		}
		if s.foreign != "" {
			for piece := range slices.Chunk(s.buf, maxOpaque) {
				out = append(out, opaque(piece, s.foreign))
			}
			s.buf = nil
			return out
		}
		if m := s.control(end); m != nil {
			out = append(out, m)
			continue
		}
		var m *Message
		var more bool
		if s.synced && s.d.held() && s.d.framing() != "none" {
			m, more = s.next(end)
		} else {
			m, more = s.hunt(end)
		}
		if m != nil {
			out = append(out, m)
		}
		if !more {
			break
		}
	}
	return out
}

// drop takes n bytes off the front.
func (s *Stream) drop(n int) {
	s.buf = s.buf[n:]
	s.pos = 0
	s.pend = s.pend[:0]
	s.need = minFrame
	s.damaged, s.damagedScore = pending{}, 0
	s.inner, s.odd = pending{}, pending{}
	s.front, s.around = 0, 0
	s.trails = s.trails[:0]
}

// next reads the frame at the front of a line in step. more is false when it has not come whole.
func (s *Stream) next(end bool) (m *Message, more bool) {
	r := &s.d.candidates[s.d.best]
	if len(s.buf) < lookahead && !end {
		return nil, false
	}
	f, ok := measure(r.framing, s.buf)
	switch {
	case !ok:
		s.synced = false
		return nil, true
	case len(s.buf) < f.total:
		if end {
			return s.cut(), true
		}
		return nil, false
	}
	b := s.buf[:f.total]
	n, ok := r.headerLen(b[f.payload:f.end])
	if !ok {
		n = 0 // the header of this frame is another one; the MTI decides whether it is there
	}
	if !s.d.sure && s.d.bad == 0 && r.framing != "stx-etx" { // there STX and ETX stand where they belong
		var mti [4]byte
		if _, ok := r.dialect.readMTI(b[min(f.payload+n, f.end):f.end], &mti); !ok {
			// No message here: the length may be wrong, and then the next frame is somewhere inside.
			s.d.bad++
			s.synced = false
			return nil, true
		}
	}
	if s.d.steady() {
		m = s.d.note(r, b, f, s.d.build(r, b, f, n, r.header))
	} else {
		s.d.strays = 0
		m = s.d.decode(b)
	}
	s.buf = s.buf[f.total:] // in step, there is nothing else to forget
	return m, true
}

// cut gives the rest of a line that ended inside a frame.
func (s *Stream) cut() *Message {
	b := s.buf
	if s.odd.total > 0 {
		return s.accept(s.odd)
	}
	if begun := s.begun(); s.damaged.total > 0 && !begun {
		return s.accept(s.damaged)
	}
	if s.inner.total > 0 { // what stands before it, and might have held it, came to no end
		return s.accept(s.inner)
	}
	if s.fresh && s.d.learn(b) {
		m := s.d.decode(b)
		s.drop(len(b))
		return m
	}
	if s.fresh && !s.d.settled && len(b) >= minFrame {
		s.d.compare(b) // all that ever came may be one message without a length
		if s.d.settled && s.d.candidates[s.d.best].framing == "none" {
			m := s.d.decode(b)
			s.drop(len(b))
			return m
		}
	}
	var m *Message
	if s.d.settled {
		r := &s.d.candidates[s.d.best]
		if f, ok := r.begun(b); ok {
			if m = s.d.message(r, b, f); !m.Undecoded() && s.d.distrusts {
				m = nil // see note
			}
		}
	}
	if m == nil {
		m = s.unread(b)
	}
	cut := Stop{Offset: len(b), Field: "frame", Reason: remark("stop.cut")}
	if cut.Known = m.Understood(); m.Stop != nil {
		cut.Suspect = m.Stop.Suspect
	}
	m.odd().Stop = &cut
	s.drop(len(b))
	return m
}

// begun says that the front is rather the beginning of a frame, as a capture has them that keeps no more of each packet, than a
// damaged one of another framing: two bytes are a length in several, and the shorter one ends in what a longer frame has begun with.
func (s *Stream) begun() bool {
	if !s.d.settled {
		return s.fresh && s.d.compareBegun(s.buf, s.damagedScore)
	}
	if s.damaged.framing == s.d.framing() {
		return false
	}
	r := &s.d.candidates[s.d.best]
	f, ok := r.begun(s.buf)
	if !ok {
		return false
	}
	score, _ := r.weigh(s.buf, f, s.d.spans[:0])
	return score >= s.damagedScore
}

// unread gives bytes in which no message was found; words are named for what they are.
func (s *Stream) unread(b []byte) *Message {
	other := ""
	if plainText(b) {
		if other = "text"; !s.d.settled {
			s.d.det.Foreign = other
		}
	}
	m := opaque(b, other)
	if f, ok := measure("stx-etx", b); ok { // whether it is known yet that frames stand so, or not
		m.odd().Check = misread(b, f)
	}
	if other == "" && s.d.steady() && len(b) >= minFrame && len(b) <= maxFrame {
		m.Fits = s.d.elsewhere(b)
	}
	return m
}

// garbage gives n bytes that are no frame.
func (s *Stream) garbage(n int) *Message {
	m := s.unread(s.buf[:n])
	s.fresh, s.stray = false, true
	s.drop(n)
	return m
}

// hunt looks for the next frame, byte by byte. more is false when it has to wait.
func (s *Stream) hunt(end bool) (m *Message, more bool) {
	for s.pos < len(s.buf) {
		s.pos++
		if at := s.pos - lookahead; at >= 0 {
			s.begin(at, false)
		}
		if at := s.pos - lookahead - probe; at >= 0 {
			s.begin(at, true)
		}
		if at := s.pos - sight; at >= 0 {
			s.trace(at)
		}
		if m := s.ends(s.pos); m != nil {
			return m, true
		}
		if s.pos == 2*maxFrame { // no frame that began in the first half can still end
			return s.garbage(maxFrame), true
		}
	}
	if !end {
		return nil, false
	}
	return s.cut(), true
}

// probe is how many bytes behind a length are looked at before a place is taken for a possible frame.
const probe = 36

// begin tries a place as the beginning of a frame: of a short one as soon as its length is there, of a long one when
// enough of it has come to tell most chance hits from frames.
func (s *Stream) begin(at int, long bool) {
	b := s.buf[at:s.pos]
	only := ""
	if s.d.held() && s.d.bad < badFrames {
		only = s.d.framing()
	}
	for i, g := range s.d.groups {
		if only != "" && g.framing != only {
			continue
		}
		f, ok := measure(g.framing, b)
		if !ok || long != (f.total > lookahead+probe) {
			continue
		}
		some := !long
		for range openings(g.readings, b, f) {
			some = true
			break
		}
		if some {
			x := pending{at, f, g.framing, i}
			s.pend.add(x)
			if at == 0 {
				s.front = max(s.front, x.total)
			}
			if s.inner.total > 0 && x.encloses(s.inner) {
				s.around = max(s.around, at+x.total)
			}
		}
	}
}

// ends weighs the frames that end at p, and those without a length, and takes the best that is good enough.
func (s *Stream) ends(p int) *Message {
	top := 0.0
	var best pending
	for {
		x, ok := s.pend.at(p)
		if !ok {
			break
		}
		b := s.buf[x.start:p]
		if _, ok := measure(x.framing, b); !ok {
			continue // no ETX
		}
		readings := s.d.groups[x.group].readings
		for i := range readings {
			score, w := readings[i].weigh(b, x.frame, s.d.spans[:0])
			whole := w.fault == faultNone && w.end == x.end
			first := x.start == 0 && s.fresh
			if first && !whole {
				if told := readings[i].told(b, x.frame); told > 0 {
					score, whole = told, true
				}
			}
			switch {
			case whole && (score >= strong || score >= weak && first):
				if top == 0 || x.start < best.start || x.start == best.start && score > top {
					top, best = score, x
				}
			case first && score >= weak && score > s.damagedScore:
				s.damaged, s.damagedScore = x, score
			}
		}
	}
	if top > 0 && best.start > 0 && s.insideSTX(best) {
		top = 0
	}
	if top > 0 && best.start == 0 {
		if until := s.longer(p); until > 0 && s.fresh && s.odd.total == 0 && s.doubtful(best) {
			s.odd, s.oddUntil = best, until
			return nil
		}
		return s.accept(best)
	}
	if s.odd.total > 0 && p >= s.oddUntil {
		return s.accept(s.odd)
	}
	switch {
	case top == 0:
	case s.inner.total == 0 || best.encloses(s.inner):
		s.inner, s.around = best, 0
		for _, x := range s.pend {
			if x.encloses(best) {
				s.around = max(s.around, x.start+x.total)
			}
		}
	case s.inner.precedes(best): // two that follow each other are in nothing that began before them
		return s.accept(s.inner)
	}
	front := s.front > p || p < lookahead+probe
	switch {
	case front && s.fresh:
	case s.damaged.total > 0:
		return s.accept(s.damaged)
	case s.inner.total > 0 && s.around <= p:
		return s.accept(s.inner)
	}
	if s.fresh && s.need > 0 && p >= s.need {
		if m := s.unframed(p); m != nil {
			return m
		}
	}
	switch at := s.follow(p); {
	case at >= 0 && s.inner.total > 0:
		return s.accept(s.inner)
	case at > 0:
		return s.garbageBefore(at)
	case at == 0: // behind a gap, where nobody expected one
		s.drop(0)
		s.fresh = true
	}
	return nil
}

// longer is where another frame that begins at the front ends, a few bytes behind one that ends at p; 0 when there is none.
func (s *Stream) longer(p int) int {
	for _, x := range s.pend {
		if x.start == 0 && x.total > p && x.total <= p+lookahead {
			return x.total
		}
	}
	return 0
}

// doubtful says that in each reading of a frame there is something that cannot be right.
func (s *Stream) doubtful(x pending) bool {
	b := s.buf[x.start:][:x.total]
	for i := range s.d.groups[x.group].readings {
		r := &s.d.groups[x.group].readings[i]
		if _, w := r.weigh(b, x.frame, s.d.spans[:0]); w.fault == faultNone && w.end == x.end && r.suspect(b, &w) == 0 {
			return false
		}
	}
	return true
}

// precedes says that y, of the same framing, begins where x ends.
func (x pending) precedes(y pending) bool {
	return x.start+x.total == y.start && x.framing == y.framing
}

// accept takes a frame. What stood before it was none.
func (s *Stream) accept(x pending) *Message {
	if x.start > 0 {
		return s.garbageBefore(x.start)
	}
	m := s.d.found(x.framing, s.buf[:x.total], s.stray)
	s.drop(x.total)
	s.synced, s.fresh, s.stray = true, true, false
	return m
}

// garbageBefore gives what stood before a frame; the frame is found again at the front.
func (s *Stream) garbageBefore(at int) *Message {
	if m := s.controlBefore(at); m != nil {
		return m
	}
	m := s.garbage(at)
	s.fresh = true
	return m
}

// unframed tries to read a message that has no length: it ends where its last field does. On a line that is known to have none
// its own reading comes first, and the others only when that cannot be.
func (s *Stream) unframed(p int) *Message {
	s.need = 0
	if s.d.held() && s.d.framing() == "none" {
		if m := s.tryUnframed(s.d.best, p, 0.1); m != nil || s.need > 0 {
			return m
		}
	}
	for i := s.d.unframed; i < len(s.d.candidates); i++ {
		if s.d.candidates[i].framing == "none" && s.known(i) {
			if m := s.tryUnframed(i, p, strong-2); m != nil {
				return m
			}
		}
	}
	return nil
}

// tryUnframed takes what is read to its end with a reading, when it weighs enough. Else need says when it is to be tried again.
func (s *Stream) tryUnframed(i, p int, enough float64) *Message {
	r := &s.d.candidates[i]
	f := frame{0, p, p}
	if n, ok := r.headerLen(s.buf[:p]); !ok && n >= p {
		s.need = max(s.need, n+minFrame)
		return nil
	}
	score, w := r.weigh(s.buf[:p], f, s.d.spans[:0])
	again := p + 1
	switch {
	case w.fault == faultNone && w.end == p && score >= enough:
		return s.accept(pending{frame: f, framing: r.framing})
	case w.fault == faultShort:
		again = p - w.have + w.want
	case w.fault == faultLength && p < w.at+lookahead || w.fault == faultBitmap && p < w.at+32 || w.fault == faultMTI && p < minFrame+24:
	default:
		return nil
	}
	if s.need == 0 || again < s.need {
		s.need = again
	}
	return nil
}
