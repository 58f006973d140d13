package wire

import (
	"testing"

	"github.com/moov-io/iso8583"
)

func BenchmarkDecode(b *testing.B) {
	f := frame(b, "000001")
	d, err := NewDecoder(Options{})
	if err != nil {
		b.Fatal(err)
	}
	s := d.Stream(true)
	s.Write(f)
	b.ReportAllocs()
	b.SetBytes(int64(len(f)))
	for b.Loop() {
		if len(s.Write(f)) != 1 {
			b.Fatal("no message")
		}
	}
}

// The same bytes by moov's own unpacking, the figure to compare with.
func BenchmarkMoovUnpack(b *testing.B) {
	f := frame(b, "000001")[13:]
	spec, err := Spec("cup")
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	b.SetBytes(int64(len(f)))
	for b.Loop() {
		if err := iso8583.NewMessage(spec).Unpack(f); err != nil {
			b.Fatal(err)
		}
	}
}
