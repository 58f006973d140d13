package cli

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/moov-io/iso8583"

	"tillscope/diagnostics"
	"tillscope/link"
	"tillscope/wire"
)

// echoOf packs an echo message as the terminal of a line would send it: in its dialect, framing and header, under its own
// numbers, all taken from its latest request. Whole tells when an answer is complete.
func echoOf(sn *diagnostics.Snapshot, line int, at time.Time) (frame []byte, whole func([]byte) bool, err error) {
	var like *wire.Message
	for _, e := range sn.Entries {
		if m := e.Msg; m != nil && e.Line == line && e.Dir == link.ToHost && !m.Undecoded() && m.Foreign == "" && m.Stop == nil {
			like = m
		}
	}
	if like == nil {
		return nil, nil, errors.New("no request of this line was read yet whose form an echo could have")
	}
	spec, err := wire.Spec(like.Dialect)
	if err != nil {
		return nil, nil, err
	}
	if spec.Fields[11] == nil || spec.Fields[41] == nil {
		return nil, nil, fmt.Errorf("%s has no trace number or no terminal", like.Dialect)
	}
	m := iso8583.NewMessage(spec)
	// The last trace number there is: as far as can be from those that the terminal uses next.
	stan := strings.Repeat("9", spec.Fields[11].Spec().Length)
	fields := map[int]string{11: stan, 41: like.Get(41), 42: like.Get(42)}
	switch version := like.MTI[:1]; {
	case like.Dialect == "cup": // echo is network management 301, without batch
		m.MTI("0820")
		fields[60] = "00000000301"
	case version == "0":
		m.MTI("0800")
		fields[7], fields[70] = at.UTC().Format("0102150405"), "301"
	default: // since 1993 the function code says what is managed
		m.MTI(version + "804")
		fields[7], fields[12], fields[24] = at.UTC().Format("0102150405"), at.Format("060102150405"), "831"
		if version == "2" {
			fields[12] = at.Format("20060102150405")
		}
	}
	for n, v := range fields {
		if v == "" || spec.Fields[n] == nil {
			continue
		}
		if err := m.Field(n, v); err != nil {
			return nil, nil, fmt.Errorf("field %d of an echo: %w", n, err)
		}
	}
	body, err := m.Pack()
	if err != nil {
		return nil, nil, fmt.Errorf("an echo cannot be packed as %s: %w", like.Dialect, err)
	}
	frame, err = wire.Enframe(like.Framing, append([]byte(like.HeaderBytes()), body...))
	return frame, func(b []byte) bool { return wire.Whole(like.Framing, b) }, err
}
