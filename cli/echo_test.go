package cli

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/moov-io/iso8583"

	"tillscope/diagnostics"
	"tillscope/link"
	"tillscope/wire"
)

// An echo looks like what its terminal sends: read by the same decoder, it is a management message with its numbers.
func TestEchoLooksLikeTheTerminals(t *testing.T) {
	at := time.Date(2026, 11, 24, 9, 0, 0, 0, time.UTC)
	for _, dialect := range wire.Dialects() {
		version, framings, headers, err := wire.Usual(dialect)
		if err != nil {
			continue // not ours
		}
		spec, err := wire.Spec(dialect)
		if err != nil {
			t.Fatal(err)
		}
		m := iso8583.NewMessage(spec)
		m.MTI(string(version) + "200")
		for n, v := range map[int]string{3: "000000", 11: strings.Repeat("1", spec.Fields[11].Spec().Length), 41: "10010001", 42: "898310054110001"} {
			if n > 40 {
				v = fmt.Sprintf("%-*s", spec.Fields[n].Spec().Length, v)
			}
			if err := m.Field(n, v); err != nil {
				t.Fatal(err)
			}
		}
		body, err := m.Pack()
		if err != nil {
			t.Fatal(err)
		}
		header := map[string]string{"tpdu": "\x60\x00\x03\x00\x00", "tpdu+cup": "\x60\x00\x03\x00\x00\x60\x31\x00\x31\x10\x01", "base24": "ISO023400070"}[headers[0]]
		o := wire.Options{Dialect: dialect, Framing: framings[0], Header: headers[0]}
		if header == "" {
			o.Header = "none"
		}
		request, err := wire.Enframe(o.Framing, append([]byte(header), body...))
		if err != nil {
			t.Fatal(err)
		}
		s, err := diagnostics.NewSession(diagnostics.Options{Wire: o})
		if err != nil {
			t.Fatal(err)
		}
		if _, _, err := echoOf(s.Snapshot(), 1, at); err == nil {
			t.Error("an echo was made up from nothing")
		}
		s.Handle(link.Event{At: at, Conn: 1, Terminal: "192.0.2.31:40001", Host: "192.0.2.7:8583", Kind: link.Data, Data: request})
		frame, whole, err := echoOf(s.Snapshot(), 1, at)
		if err != nil {
			t.Errorf("%s: %v", dialect, err)
			continue
		}
		if !whole(frame) || whole(frame[:len(frame)-1]) {
			t.Errorf("%s: where the echo ends is not seen", dialect)
		}
		d, err := wire.NewDecoder(o)
		if err != nil {
			t.Fatal(err)
		}
		st := d.Stream(true)
		msgs := append(st.Write(frame), st.Close()...)
		if len(msgs) != 1 || msgs[0].Stop != nil || msgs[0].Trailing != 0 || strings.Trim(msgs[0].Get(11), "9") != "" || strings.TrimSpace(msgs[0].Get(41)) != "10010001" || msgs[0].MTI[1] != '8' || msgs[0].HeaderBytes() != header {
			t.Errorf("%s: read as %+v", dialect, msgs)
		}
	}
}

func TestEveryFramingIsWhole(t *testing.T) {
	for _, framing := range wire.Framings() {
		b, err := wire.Enframe(framing, []byte("0800 and more than ten bytes"))
		if err != nil || !wire.Whole(framing, b) || framing != "none" && wire.Whole(framing, b[:len(b)-1]) {
			t.Errorf("%s: % X, %v", framing, b, err)
		}
	}
}
