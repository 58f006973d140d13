package sim

import (
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"

	"github.com/moov-io/iso8583"
	"github.com/moov-io/iso8583/encoding"
	"github.com/moov-io/iso8583/field"

	"tillscope/wire"
)

// headers are those that the store can write: what design and package wire call them.
var headers = []string{"none", "tpdu", "tpdu+cup", "tpdu+version2", "base24", "visa"}

// codec packs and unpacks the messages of one line: framing, header, dialect and MAC algorithm.
type codec struct {
	dialect, framing, header string
	version                  byte // of ISO 8583, the first digit of the message type
	spec                     *iso8583.MessageSpec
	mac                      macAlgorithm
	text55, text62           bool // chip data and keys are written as hex digits
	hexMAC                   bool // so is the MAC
	perUpload                int  // records that field 48 of a batch upload holds
}

var specs sync.Map // by dialect: moov's specs are only read, and making one takes milliseconds

func specOf(dialect string) (*iso8583.MessageSpec, error) {
	if s, ok := specs.Load(dialect); ok {
		return s.(*iso8583.MessageSpec), nil
	}
	s, err := wire.Spec(dialect)
	if err == nil {
		quicken(s)
		specs.Store(dialect, s)
	}
	return s, err
}

// newCodec makes a codec. Empty framing, header and MAC mean what the dialect usually has.
func newCodec(dialect, framing, header, mac string) (*codec, error) {
	spec, err := specOf(dialect)
	if err != nil {
		return nil, err
	}
	version, usualFramings, usualHeaders, err := wire.Usual(dialect)
	if err != nil {
		return nil, err
	}
	c := &codec{dialect: dialect, framing: framing, header: header, version: version, spec: spec}
	if framing == "" {
		c.framing = append(usualFramings, "len2")[0]
	}
	if header == "" {
		c.header = append(usualHeaders, "none")[0]
	}
	_, c.text55 = spec.Fields[55].(*field.String)
	_, c.text62 = spec.Fields[62].(*field.String)
	c.hexMAC = spec.Fields[64].Spec().Enc != encoding.Binary
	c.perUpload = min(8, (spec.Fields[48].Spec().Length-2)/40)
	if !slices.Contains(framings, c.framing) {
		return nil, problemf("framing", "the store cannot speak the framing %q: choose one of %s", c.framing, strings.Join(framings, ", "))
	}
	if !slices.Contains(headers, c.header) {
		return nil, problemf("header", "the store cannot speak the header %q: choose one of %s", c.header, strings.Join(headers, ", "))
	}
	if mac == "" {
		if mac = "x9.19"; dialect == "cup" {
			mac = "cup"
		}
	}
	if c.mac, err = macBy(mac); err != nil {
		return nil, problem{At: "mac", Why: err.Error()}
	}
	return c, nil
}

// pack builds a whole frame. With a key the message is sealed by its last field, 64 or 128.
func (c *codec) pack(m message, key []byte) ([]byte, error) {
	mti, f := c.shape(m)
	out := iso8583.NewMessage(c.spec)
	out.MTI(mti)
	last := 64
	for n, v := range f {
		if n > 64 {
			last = 128
		}
		if err := put(out, n, v); err != nil {
			return nil, fmt.Errorf("field %d of %s: %w", n, mti, err)
		}
	}
	if key != nil {
		if err := put(out, last, string(make([]byte, 8))); err != nil {
			return nil, err
		}
	}
	body, err := out.Pack()
	if err != nil {
		return nil, fmt.Errorf("cannot pack %s: %w", mti, err)
	}
	if key != nil {
		data, seal := body[:len(body)-c.sealLen()], body[len(body)-c.sealLen():]
		sum, err := c.mac.sum(key, data)
		if err != nil {
			return nil, err
		}
		if c.sealLen() == 16 {
			hex.Encode(seal, sum)
			copy(seal, strings.ToUpper(string(seal)))
		} else {
			copy(seal, sum)
		}
	}
	return wire.Enframe(c.framing, append(c.head(m.head, len(body)), body...))
}

// sealLen is how many bytes the MAC takes on the line: text dialects write it in hex.
func (c *codec) sealLen() int {
	if c.hexMAC {
		return 16
	}
	return 8
}

// parcel is a message together with what proves its MAC.
type parcel struct {
	message
	body []byte // from the message type on
	c    *codec
}

// sealed proves the last field.
func (p parcel) sealed(key []byte) bool {
	n := p.c.sealLen()
	if len(p.body) < 20+n || key == nil || p.f[64] == "" && p.f[128] == "" {
		return false
	}
	want, err := p.c.mac.sum(key, p.body[:len(p.body)-n])
	got := p.body[len(p.body)-n:]
	if n == 16 {
		return err == nil && strings.EqualFold(hex.EncodeToString(want), string(got))
	}
	return err == nil && string(want) == string(got)
}

var (
	errShort = errors.New("the frame is too short for a message")
	errType  = errors.New("the frame begins with no message type of this version")
)

// unpack reads a frame's payload.
func (c *codec) unpack(payload []byte) (parcel, error) {
	h, body, err := c.splitHead(payload)
	if err != nil {
		return parcel{}, err
	}
	in := iso8583.NewMessage(c.spec)
	if err := in.Unpack(body); err != nil {
		return parcel{}, err
	}
	mti, err := in.GetMTI()
	if err != nil {
		return parcel{}, err
	}
	if len(mti) != 4 || mti[0] != c.version || strings.Trim(mti, "0123456789") != "" {
		return parcel{}, errType
	}
	f := fields{}
	for n := range in.GetFields() {
		switch {
		case n < 2:
		case n == 52 || n == 55 || n == 62 || n == 64 || n == 128:
			b, err := in.GetBytes(n)
			if err != nil {
				return parcel{}, err
			}
			f[n] = string(b)
		default:
			if f[n], err = in.GetString(n); err != nil {
				return parcel{}, err
			}
			if !c.holds(n, f[n]) {
				return parcel{}, fmt.Errorf("field %d holds what cannot stand there", n)
			}
		}
	}
	m := c.unshape(mti, f)
	m.head = h
	return parcel{message: m, body: body, c: c}, nil
}

// holds says that a field can hold a value: moov reads half bytes that are no digits, and characters that are none, and does
// not write them again.
func (c *codec) holds(n int, v string) bool {
	_, err := c.spec.Fields[n].Spec().Enc.Encode([]byte(v))
	return err == nil && (n == 43 || n == 63 || strings.IndexFunc(v, func(r rune) bool { return r > '~' }) < 0)
}

// head writes the header of a message whose body has n bytes.
func (c *codec) head(h head, n int) []byte {
	tpdu := func() []byte {
		b, _ := hex.DecodeString("60" + h.to + h.from)
		return b
	}
	switch c.header {
	case "tpdu":
		return tpdu()
	case "tpdu+cup":
		b, _ := hex.DecodeString(h.app + h.version + string(h.status) + string(h.require) + h.sub)
		return append(tpdu(), b...)
	case "tpdu+version2":
		b, _ := hex.DecodeString(h.version + "00")
		return append(tpdu(), b...)
	case "base24":
		return []byte("ISO026000055")
	case "visa": // 22 bytes: its length, flag, text format, total length, destination and source station, and zeros
		b := make([]byte, 22)
		b[0], b[1], b[2] = 22, 1, 2
		b[3], b[4] = byte((n+22)>>8), byte(n+22)
		copy(b[5:], "\x12\x34\x56\x65\x43\x21")
		return b
	}
	return nil
}

// splitHead takes the header off a payload.
func (c *codec) splitHead(b []byte) (h head, body []byte, err error) {
	n := map[string]int{"tpdu": 5, "tpdu+cup": 11, "tpdu+version2": 7, "base24": 12, "visa": 22}[c.header]
	if len(b) < n+10 {
		return h, nil, errShort
	}
	digits := hex.EncodeToString(b[:n])
	if strings.HasPrefix(c.header, "tpdu") {
		h.to, h.from = digits[2:6], digits[6:10]
	}
	switch c.header {
	case "tpdu+version2":
		h.version = digits[10:12]
	case "tpdu+cup":
		h.app, h.version, h.status, h.require, h.sub = digits[10:12], digits[12:14], digits[14], digits[15], digits[16:22]
	}
	return h, b[n:], nil
}
