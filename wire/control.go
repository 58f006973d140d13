package wire

// Between the frames of a serial line stand single bytes, of which ISO 8583 knows nothing: the receiver acknowledges a
// frame (ACK) or refuses it (NAK), the sender asks whether it may send (ENQ) and gives up (EOT).

// controls holds the one message of each control byte: they are many, all alike, and cost no allocation.
var controls = func() (table [256]*Message) {
	for b, name := range map[byte]string{0x04: "EOT", 0x05: "ENQ", 0x06: "ACK", 0x15: "NAK"} {
		table[b] = &Message{Form: noForm, Oddity: &Oddity{Control: name}, bytes: string(rune(b)), raw: 1}
	}
	return table
}()

// chatter is how many control bytes in a row, before any frame, are taken for what they are: two may be the length of a
// message of which the rest has not come.
const chatter = 3

// control takes a control byte off the front, where one may stand.
func (s *Stream) control(end bool) *Message {
	m := controls[s.buf[0]]
	if m == nil || !s.fresh {
		return nil
	}
	if !s.d.talks() {
		n := s.controlRun()
		if s.d.settled || n < chatter && !(end && n == len(s.buf)) {
			return nil
		}
		s.d.talked = true
	}
	s.drop(1)
	return m
}

// controlBefore takes a control byte off the front of a frame that was found behind such bytes.
func (s *Stream) controlBefore(at int) *Message {
	m := controls[s.buf[0]]
	if m == nil || !s.fresh || s.controlRun() < at || s.buf[at] != stx {
		return nil
	}
	s.drop(1)
	return m
}

// controlRun is how many control bytes stand at the front.
func (s *Stream) controlRun() (n int) {
	for n < len(s.buf) && controls[s.buf[n]] != nil {
		n++
	}
	return n
}

// talks says that control bytes may stand between the frames of this line.
func (d *Decoder) talks() bool {
	if d.settled {
		return d.candidates[d.best].framing == "stx-etx"
	}
	return d.talked || len(d.groups) == 1 && d.groups[0].framing == "stx-etx" && d.unframed == len(d.candidates)
}

// Pending is how many bytes wait for the rest of their frame.
func (s *Stream) Pending() int { return len(s.buf) }

// Broken says that the frame that was begun comes to no end: the receiver refused it, or the sender fell silent inside
// it. What came of it is given as it stands, and a frame begins with the next byte. While nothing is known of the line
// nothing is learnt from a piece: it may read as a whole message of another framing.
func (s *Stream) Broken() (out []*Message) {
	if found := s.inner.total > 0 && s.inner.framing == "stx-etx"; s.d.settled || found || len(s.notes) > 0 || len(s.buf) == 0 {
		out = s.take(true)
	} else {
		out = append(s.out[:0], s.unread(s.buf))
		ended(out)
		s.out = out[:0]
		s.drop(len(s.buf))
		s.buf = nil
	}
	s.synced, s.fresh = true, true
	return out
}

const (
	stx = 0x02
	etx = 0x03
)

// encloses says that y is the inside of x: what stands behind STX is a frame of another framing by itself, and complete
// two bytes earlier.
func (x pending) encloses(y pending) bool {
	return x.start == y.start-1 && x.framing == "stx-etx" && y.framing != "stx-etx"
}

// insideSTX says that a frame is the inside of one from STX to ETX of which the end was damaged.
func (s *Stream) insideSTX(x pending) bool {
	held := s.d.held() && s.d.framing() == "bcd2"
	return x.framing == "bcd2" && s.buf[x.start-1] == stx && !held
}

// misread says of a frame in which no message was found whether its check byte is wrong: then it was damaged on the way,
// and is none of another protocol.
func misread(b []byte, f frame) string {
	if f.end+2 != len(b) || b[0] != stx || b[f.end] != etx {
		return ""
	}
	return checkLRC(b, f)
}

// Reseal makes a copy of this message's bytes, in which card data has been overwritten since, stand in its frame as before:
// the LRC of an stx-etx frame is right in it where it was right on the line, and wrong where it was wrong.
func (m *Message) Reseal(b []byte) {
	raw, n := m.Raw(), len(b)
	if n < 5 || n != len(raw) || raw[0] != stx {
		return
	}
	if f, ok := measure("stx-etx", []byte(raw)); m.Check == "" && (!ok || f.total != n) {
		return // no such frame, or not all of it
	}
	copy(b[:3], raw[:3])
	b[n-2] = etx
	if b[n-1] = lrc(b[1 : n-1]); m.Check != "" {
		b[n-1] ^= 0xFF
	}
}
