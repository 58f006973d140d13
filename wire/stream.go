package wire

import "slices"

// Stream reads one direction of one connection of a line.
type Stream struct {
	d       *Decoder
	buf     []byte
	foreign string
	out     []*Message
	synced  bool // the next frame begins at the front of buf
	fresh   bool // it does so by all that is known, although the line is not settled yet

	// While the line is not in step, every place is tried as the beginning of a frame. All of it goes by the position in
	// the stream and not by how it was cut into writes, so that any split gives the same messages.
	pos  int // bytes of buf looked at
	pend []pending
	need int // bytes that a message without a length is known to need, 0 when that is not tried
	// The best frame at the front that does not read to its end. It is taken when nothing else at the front is left.
	damaged      int
	damagedScore float64
	// The best whole frame behind the front. It waits while something at the front, which would hold it, may still be one.
	inner pending
}

// pending is a possible frame whose end has not come yet.
type pending struct {
	start int
	frame
	readings []reading // of its framing
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
	s.synced, s.fresh = false, false
	return out
}

// Close gives what is left: a frame that was cut off comes as a message with Stop set.
func (s *Stream) Close() []*Message { return s.take(true) }

// beginnings is how many bytes name another protocol.
const beginnings = 8

func (s *Stream) take(end bool) []*Message {
	s.out = s.read(s.out[:0], end)
	if len(s.buf) == 0 {
		s.buf = nil // the array is not kept for a quiet connection
	}
	return s.out
}

func (s *Stream) read(out []*Message, end bool) []*Message {
	for len(s.buf) > 0 {
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
		if s.synced && s.d.settled && s.d.candidates[s.d.best].framing != "none" {
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
	s.damaged, s.damagedScore = 0, 0
	s.inner = pending{}
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
		m = s.d.decode(b)
	}
	s.buf = s.buf[f.total:] // in step, there is nothing else to forget
	return m, true
}

// cut gives the rest of a line that ended inside a frame.
func (s *Stream) cut() *Message {
	b := s.buf
	if s.damaged > 0 {
		return s.accept(0, s.damaged)
	}
	if s.inner.total > 0 { // what stands before it, and might have held it, came to no end
		return s.accept(s.inner.start, s.inner.total)
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
		if f, ok := measure(r.framing, b); ok && f.payload < len(b) {
			m = s.d.message(r, b, frame{f.payload, min(f.end, len(b)), len(b)})
		}
	}
	if m == nil {
		m = s.unread(b)
	}
	cut := Stop{Offset: len(b), Field: "frame", Reason: remark("stop.cut")}
	if m.Stop != nil {
		cut.Suspect = m.Stop.Suspect
	}
	m.odd().Stop = &cut
	s.drop(len(b))
	return m
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
	if other == "" && s.d.steady() && len(b) >= minFrame && len(b) <= maxFrame {
		m.Fits = s.d.elsewhere(b)
	}
	return m
}

// garbage gives n bytes that are no frame.
func (s *Stream) garbage(n int) *Message {
	m := s.unread(s.buf[:n])
	s.fresh = false
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
	b := s.buf[at:]
	only := ""
	if s.d.settled && s.d.bad < badFrames {
		only = s.d.candidates[s.d.best].framing
	}
	for _, g := range s.d.groups {
		if only != "" && g.framing != only {
			continue
		}
		f, ok := measure(g.framing, b)
		if !ok || long != (f.total > lookahead+probe) {
			continue
		}
		opens := func(r reading) bool { return r.opens(b, f) }
		if !long || slices.ContainsFunc(g.readings, opens) {
			s.pend = append(s.pend, pending{at, f, g.readings})
		}
	}
}

// opens says that a header, a message type and a bitmap could stand behind the length.
func (r *reading) opens(b []byte, f frame) bool {
	b = b[:min(f.end, len(b))]
	if f.payload >= len(b) {
		return false
	}
	n, ok := r.headerLen(b[f.payload:])
	if !ok {
		return false
	}
	var mti [4]byte
	k, ok := r.dialect.readMTI(b[min(f.payload+n, len(b)):], &mti)
	if !ok || r.dialect.version != 0 && mti[0] != r.dialect.version {
		return false
	}
	var bits uint64
	_, ok = r.dialect.readBitmap(b[f.payload+n+k:], &bits)
	return ok && bits != 0
}

// ends weighs the frames that end at p, and those without a length, and takes the best that is good enough.
func (s *Stream) ends(p int) *Message {
	top := 0.0
	var best pending
	kept := s.pend[:0]
	for _, x := range s.pend {
		if x.start+x.total != p {
			if x.start+x.total > p {
				kept = append(kept, x)
			}
			continue
		}
		b := s.buf[x.start:p]
		for i := range x.readings {
			score, w := x.readings[i].weigh(b, x.frame, s.d.spans[:0])
			whole := w.fault == faultNone && w.end == x.end
			first := x.start == 0 && s.fresh
			switch {
			case whole && (score >= strong || score >= weak && first):
				if top == 0 || x.start < best.start || x.start == best.start && score > top {
					top, best = score, x
				}
			case first && score >= weak && score > s.damagedScore:
				s.damaged, s.damagedScore = x.total, score
			}
		}
	}
	s.pend = kept
	if top > 0 && best.start > 0 && s.insideSTX(best) {
		top = 0
	}
	if top > 0 && best.start == 0 {
		return s.accept(0, best.total)
	}
	if top > 0 && (s.inner.total == 0 || best.encloses(s.inner)) {
		s.inner = best
	}
	front := slices.ContainsFunc(kept, func(x pending) bool { return x.start == 0 }) || p < lookahead+probe
	switch {
	case front && s.fresh:
	case s.damaged > 0:
		return s.accept(0, s.damaged)
	case s.inner.total > 0 && !slices.ContainsFunc(kept, func(x pending) bool { return x.encloses(s.inner) }):
		return s.accept(s.inner.start, s.inner.total)
	}
	if s.fresh && s.need > 0 && p >= s.need {
		return s.unframed(p)
	}
	return nil
}

// accept takes the frame at a place. What stood before it was none.
func (s *Stream) accept(at, total int) *Message {
	if at > 0 {
		return s.garbageBefore(at)
	}
	m := s.d.decode(s.buf[:total])
	s.drop(total)
	s.synced, s.fresh = true, true
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

// unframed tries to read a message that has no length: it ends where its last field does.
func (s *Stream) unframed(p int) *Message {
	need := 0
	for i := s.d.unframed; i < len(s.d.candidates); i++ {
		r := &s.d.candidates[i]
		if r.framing != "none" || s.d.settled && s.d.bad < badFrames && i != s.d.best {
			continue
		}
		f := frame{0, p, p}
		if n, ok := r.headerLen(s.buf[:p]); !ok && n >= p {
			need = max(need, n+minFrame)
			continue
		}
		score, w := r.weigh(s.buf[:p], f, s.d.spans[:0])
		switch {
		case w.fault == faultNone && w.end == p && (score >= strong-2 || score > 0 && s.d.settled):
			return s.accept(0, p)
		case w.fault == faultNone && w.end < p && w.end > 0 && score > 0:
		case w.fault == faultShort:
			if x := p - w.have + w.want; need == 0 || x < need {
				need = x
			}
		case w.fault == faultLength || w.fault == faultBitmap || w.fault == faultMTI && p < minFrame+24:
			if need == 0 || p+1 < need {
				need = p + 1
			}
		}
	}
	s.need = need
	return nil
}
