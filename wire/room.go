package wire

import "unsafe"

// room is where decoders make their messages: in blocks, since one by one the allocator and the garbage collector would
// cost as much as the decoding. A block stays in memory while any of its messages does: so the lines of a watch share one,
// whose messages go together, and blocks begin small and grow with the traffic.
type room struct {
	messages []Message
	size     int    // of the latest block, in messages
	bytes    []byte // of the latest block of texts, as far as it is taken
}

// texts is room for the texts of nearly every message's fields.
const texts = 80

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

// space is where the bytes of a message of n bytes, and the texts of its fields behind them, are made.
func (r *room) space(n int) []byte {
	if n += texts; cap(r.bytes)-len(r.bytes) < n {
		r.bytes = make([]byte, 0, max(r.size*n, n))
	}
	return r.bytes[len(r.bytes):len(r.bytes):cap(r.bytes)]
}

// text is b, which was made in the latest space, as a string without another copy. Nobody writes to it any more: the next
// space begins behind it. Where b outgrew its space, it is an array of its own.
func (r *room) text(b []byte) string {
	if len(b) == 0 {
		return ""
	}
	if at := len(r.bytes); len(b) <= cap(r.bytes)-at && unsafe.SliceData(b) == unsafe.SliceData(r.bytes[at:cap(r.bytes)]) {
		r.bytes = r.bytes[:at+len(b)]
	}
	return unsafe.String(unsafe.SliceData(b), len(b))
}
