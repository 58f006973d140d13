package wire

// trail is a place behind the front at which a message without a length may begin. Inside any frame stands one, too: the place
// counts when another message begins right where it ends.
type trail struct {
	start, from int // of the first message, and of the one that is looked at
	need        int // bytes of the stream that it is known to need
	reading     int // of the candidates
	score       float64
}

// sight is how many bytes show any header, the message type and a bitmap.
const sight = 48 + 4 + 16

// certain is the weight of messages behind each other above which they are no chance: text of digits has seeming ones everywhere.
const certain = 3 * strong

// trace begins the trails of a place.
func (s *Stream) trace(at int) {
	if at == 0 && s.fresh {
		return
	}
	for i := range openings(s.d.candidates[s.d.unframed:], s.buf[at:s.pos], frame{end: sight}) {
		if i += s.d.unframed; s.d.candidates[i].framing == "none" && s.known(i) {
			s.trails = append(s.trails, trail{at, at, s.pos, i, 0})
		}
	}
}

// known says that the line may have a reading without framing.
func (s *Stream) known(i int) bool {
	switch {
	case !s.d.held() || s.d.bad >= badFrames:
		return true
	case s.d.steady():
		return i == s.d.best
	}
	return s.d.framing() == "none"
}

// follow goes on with the trails that wait for no more than p bytes: where two messages follow each other, or one on a line
// that is known to have no framing, the first begins. It is negative when none do.
func (s *Stream) follow(p int) (start int) {
	alone := s.d.held() && s.d.bad < badFrames && !(s.fresh && s.need > 0)
	start = -1
	kept := s.trails[:0]
	for _, x := range s.trails {
		if x.need > p || start >= 0 {
			kept = append(kept, x)
			continue
		}
		r := &s.d.candidates[x.reading]
		f := frame{x.from, p, p}
		score, w := r.weigh(s.buf[:p], f, s.d.spans[:0])
		switch {
		case w.fault == faultNone && w.end > x.from:
			if w.end < p {
				score, _ = r.weigh(s.buf[:w.end], frame{x.from, w.end, w.end}, s.d.spans[:0])
			}
			x.score += score
			switch {
			case score < strong-2:
				continue
			case x.score >= certain && x.from > x.start || x.score >= strong && alone:
				start = x.start
			default:
				x.from, x.need = w.end, max(w.end+sight, p+1)
			}
		case w.fault == faultShort:
			x.need = max(p-w.have+w.want, p+1)
		case w.fault == faultLength && p-w.at < lookahead || w.fault == faultBitmap && p-w.at < 32: // text, and a second one
			x.need = p + 1
		default:
			continue
		}
		kept = append(kept, x)
	}
	s.trails = kept
	return start
}
