package wire

import "strings"

// room is where a decoder makes its messages: in blocks, since one by one the allocator and the garbage collector would
// cost as much as the decoding. A block stays in memory while any of its messages does, so blocks begin small and grow
// with the traffic: the decoder of a quiet terminal holds little.
type room struct {
	messages []Message
	size     int // of the latest block, in messages
	bytes    strings.Builder
}

// maxBlock is how many messages stand in a block at the most.
const maxBlock = 32

// message is an empty message.
func (r *room) message() *Message {
	if len(r.messages) == cap(r.messages) {
		r.size = min(max(2*r.size, 1), maxBlock)
		r.messages = make([]Message, 0, r.size)
	}
	r.messages = r.messages[:len(r.messages)+1]
	return &r.messages[len(r.messages)-1]
}

// back takes the latest message back, which nobody has seen.
func (r *room) back() {
	r.messages = r.messages[:len(r.messages)-1]
	r.messages[:len(r.messages)+1][len(r.messages)] = Message{}
}

// text keeps b as a string.
func (r *room) text(b []byte) string {
	at := r.bytes.Len()
	if r.bytes.Cap()-at < len(b) {
		r.bytes = strings.Builder{}
		r.bytes.Grow(max(r.size*len(b), len(b)))
		at = 0
	}
	r.bytes.Write(b)
	return r.bytes.String()[at:]
}
