package wire

// Stream reads one direction of one connection of a line.
type Stream struct {
	d       *Decoder
	buf     []byte
	foreign string
	lost    bool // bytes are missing: look for the next frame before trusting a length
}

// Stream opens one direction of a connection. Both directions of all connections share what the decoder learns.
func (d *Decoder) Stream(bool) *Stream { return &Stream{d: d} }

// Write takes the next bytes and gives the messages that they complete. Any split of the same bytes gives the same
// messages.
func (s *Stream) Write(p []byte) []*Message {
	s.buf = append(s.buf, p...)
	return s.take(false)
}

// Gap says that bytes are missing here. What was begun is given as it stands; reading goes on at the next frame.
func (s *Stream) Gap() []*Message {
	out := s.take(true)
	s.lost = true
	return out
}

// Close gives what is left: a frame that was cut off comes as a message with Stop set.
func (s *Stream) Close() []*Message { return s.take(true) }

func (s *Stream) take(end bool) (out []*Message) {
	for len(s.buf) > 0 {
		if s.foreign == "" && !s.d.settled {
			s.foreign = foreign(s.buf)
			if s.foreign != "" {
				s.d.det.Foreign = s.foreign
			}
		}
		if s.foreign != "" {
			out = append(out, opaque(s.buf, s.foreign))
			s.buf = nil
			return out
		}
		n, state := s.next()
		switch {
		case state == whole:
			out = append(out, s.decode(s.buf[:n]))
			s.buf = s.buf[n:]
		case state == garbage:
			out = append(out, opaque(s.buf[:n], ""))
			s.buf = s.buf[n:]
		case end:
			m := opaque(s.buf, "")
			if s.d.settled {
				m = s.d.best.message(s.buf)
			}
			if m.Stop == nil {
				m.Stop = &Stop{}
			}
			m.Stop.Offset, m.Stop.Field, m.Stop.Reason = len(s.buf), "frame", "the line ended in the middle of this frame"
			out = append(out, m)
			s.buf = nil
		default:
			return out
		}
	}
	s.buf = nil // the array is not kept for a quiet connection
	return out
}

type state uint8

const (
	partial state = iota
	whole
	garbage
)

// next finds the frame at the front of the buffer, or how many bytes in front are none.
func (s *Stream) next() (int, state) {
	if s.d.settled && s.d.best.framing == "none" {
		return len(s.buf), whole
	}
	if s.d.settled && s.lost || len(s.buf) >= 2 && !plausible(s.buf) {
		return s.resync()
	}
	if len(s.buf) < 2 {
		return 0, partial
	}
	n := 2 + (int(s.buf[0])<<8 | int(s.buf[1]))
	if len(s.buf) < n {
		return 0, partial
	}
	return n, whole
}

// plausible says that the first two bytes can be the length of a message.
func plausible(b []byte) bool {
	n := int(b[0])<<8 | int(b[1])
	return n >= 12 && n <= maxFrame
}

// resync looks for the next place that reads as a frame, and answers how many bytes before it are none.
func (s *Stream) resync() (int, state) {
	readings := s.d.candidates
	if s.d.settled {
		readings = []reading{s.d.best}
	}
	for i := 0; i+2 <= len(s.buf); i++ {
		if !plausible(s.buf[i:]) {
			continue
		}
		n := 2 + (int(s.buf[i])<<8 | int(s.buf[i+1]))
		if i+n > len(s.buf) {
			continue
		}
		for _, r := range readings {
			if r.weigh(s.buf[i:i+n]) >= 4 {
				s.lost = false
				if i == 0 {
					return n, whole
				}
				return i, garbage
			}
		}
	}
	if len(s.buf) > holdBack {
		return len(s.buf) - holdBack/2, garbage
	}
	return 0, partial
}

// decode reads one frame, settling the line on the first that fits some reading well.
func (s *Stream) decode(frame []byte) *Message {
	d := s.d
	if !d.settled || d.bad >= 3 {
		var best reading
		var runner string
		var top, next float64
		for _, r := range d.candidates {
			w := r.weigh(frame)
			if w > top {
				if best.dialect != nil {
					runner, next = best.String(), top
				}
				best, top = r, w
			} else if w > next {
				runner, next = r.String(), w
			}
		}
		if top >= 6 {
			d.settle(best, confidence(top, next), runner)
		} else if !d.settled {
			if best.dialect != nil {
				return best.message(frame)
			}
			return opaque(frame, "")
		}
	}
	m := d.best.message(frame)
	if m.Undecoded() {
		d.bad++
	} else {
		d.bad = 0
	}
	return m
}
