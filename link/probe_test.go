package link

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"io"
	"math/big"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"go.bug.st/serial"

	"tillscope/assets"
)

// probe does one and checks that its finding has words.
func probe(t *testing.T, id string, target Target) Finding {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	for _, p := range Probes {
		if p.ID == id {
			f := p.Run(ctx, target)
			say(t, f)
			return f
		}
	}
	t.Fatalf("no probe %s", id)
	return Finding{}
}

func say(t *testing.T, f Finding) {
	t.Helper()
	for _, id := range assets.Languages {
		l, err := assets.Language(id)
		if err != nil {
			t.Fatal(err)
		}
		if s := l.T(f.Key(), f.Args...); !l.Has(f.Key()) || strings.Contains(s, "%!") {
			t.Errorf("%s says %q of %+v", id, s, f)
		}
	}
}

// answerer accepts connections on a loopback address and serves each.
func answerer(t *testing.T, serve func(net.Conn)) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var all sync.WaitGroup
	all.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			all.Go(func() { defer c.Close(); serve(c) })
		}
	})
	t.Cleanup(func() { l.Close(); all.Wait() })
	return l.Addr().String()
}

func TestEveryProbeSaysWhatItDoesAndRisks(t *testing.T) {
	for _, id := range assets.Languages {
		l, err := assets.Language(id)
		if err != nil {
			t.Fatal(err)
		}
		for _, p := range Probes {
			for _, key := range []string{"title", "risk"} {
				if !l.Has("probe." + p.ID + "." + key) {
					t.Errorf("%s has no %s of probe %s", id, key, p.ID)
				}
			}
		}
	}
}

// What needs a yes does nothing without one, and nothing is done to nobody.
func TestProbesThatMayNot(t *testing.T) {
	host := answerer(t, func(net.Conn) { t.Error("the host was called without a yes") })
	if f := probe(t, "echo", Target{Host: host, Echo: []byte("x")}); f.Outcome != Unconfirmed {
		t.Errorf("%+v", f)
	}
	fakePorts(t, map[string]port{})
	if f := probe(t, "loopback", Target{Port: "COM1"}); f.Outcome != Unconfirmed {
		t.Errorf("%+v", f)
	}
	for _, p := range Probes {
		if f := p.Run(t.Context(), Target{Confirmed: true}); f.Outcome != Untargeted {
			t.Errorf("%s on nothing: %+v", p.ID, f)
		}
	}
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	if f := Probes[1].Run(ended, Target{Host: "127.0.0.1:1"}); f.Outcome != Cancelled {
		t.Errorf("%+v", f)
	}
}

func TestProbeDNSAndTCP(t *testing.T) {
	if f := probe(t, "dns", Target{Host: "192.0.2.7:8583"}); f.Outcome != "literal" || !f.OK {
		t.Errorf("%+v", f)
	}
	if f := probe(t, "dns", Target{Host: "localhost:8583"}); f.Outcome != "found" || len(f.Detail.(DNS).Addresses) == 0 {
		t.Errorf("%+v", f)
	}
	got := make(chan int, 9)
	host := answerer(t, func(c net.Conn) { b, _ := io.ReadAll(c); got <- len(b) })
	if f := probe(t, "tcp", Target{Host: host, Bind: "127.0.0.1"}); f.Outcome != "open" || !f.OK || len(f.Detail.(TCP).Attempts) != 1 {
		t.Errorf("%+v", f)
	}
	if n := <-got; n != 0 {
		t.Errorf("a connect that sends nothing sent %d bytes", n)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	l.Close()
	if f := probe(t, "tcp", Target{Host: l.Addr().String()}); f.Outcome != "refused" || f.OK {
		t.Errorf("%+v", f)
	}
}

// certificate makes one that signs itself.
func certificate(t *testing.T, from, to time.Time, ip string) tls.Certificate {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	c := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "host under test"}, NotBefore: from, NotAfter: to,
		IPAddresses: []net.IP{net.ParseIP(ip)}, IsCA: true, BasicConstraintsValid: true}
	der, err := x509.CreateCertificate(rand.Reader, c, c, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}
}

func TestProbeTLS(t *testing.T) {
	now := time.Now()
	good := certificate(t, now.Add(-time.Hour), now.Add(time.Hour), "127.0.0.1")
	talk := func(config *tls.Config) func(net.Conn) {
		return func(c net.Conn) { _, _ = io.Copy(io.Discard, tls.Server(c, config)) }
	}
	pool := x509.NewCertPool()
	leaf, err := x509.ParseCertificate(good.Certificate[0])
	if err != nil {
		t.Fatal(err)
	}
	pool.AddCert(leaf)
	trusted = pool
	t.Cleanup(func() { trusted = nil })
	for _, c := range []struct {
		want  string
		serve func(net.Conn)
	}{
		{"good", talk(&tls.Config{Certificates: []tls.Certificate{good}})},
		{"untrusted", talk(&tls.Config{Certificates: []tls.Certificate{certificate(t, now.Add(-time.Hour), now.Add(time.Hour), "127.0.0.1")}})},
		{"expired", talk(&tls.Config{Certificates: []tls.Certificate{certificate(t, now.Add(-2*time.Hour), now.Add(-time.Hour), "127.0.0.1")}})},
		{"early", talk(&tls.Config{Certificates: []tls.Certificate{certificate(t, now.Add(time.Hour), now.Add(2*time.Hour), "127.0.0.1")}})},
		{"name", talk(&tls.Config{Certificates: []tls.Certificate{certificate(t, now.Add(-time.Hour), now.Add(time.Hour), "192.0.2.7")}})},
		{"old", talk(&tls.Config{Certificates: []tls.Certificate{good}, MinVersion: tls.VersionTLS10, MaxVersion: tls.VersionTLS11})},
		{"alert", talk(&tls.Config{})},
		{"plain", func(c net.Conn) { _, _ = c.Write([]byte("\x00\x1e\x60\x00\x00\x00\x03 not TLS at all")) }},
		{"closed", func(c net.Conn) { _, _ = c.Read(make([]byte, 1<<12)) }},
	} {
		f := probe(t, "tls", Target{Host: answerer(t, c.serve)})
		if f.Outcome != c.want || f.OK != (c.want == "good") {
			t.Errorf("want %s: %+v", c.want, f)
		}
		if d, ok := f.Detail.(TLS); c.want == "good" && (!ok || d.Version == "" || d.Subject == "" || !d.Expiry.Equal(leaf.NotAfter) || len(d.Names) != 1) {
			t.Errorf("detail %+v", f.Detail)
		}
	}
}

func TestProbeEcho(t *testing.T) {
	question := []byte("\x00\x04echo")
	whole := func(b []byte) bool { return len(b) >= 2 && len(b) >= 2+int(b[0])<<8+int(b[1]) }
	seen := make(chan []byte, 9)
	for _, c := range []struct {
		want  string
		serve func(net.Conn)
	}{
		{"answered", func(c net.Conn) {
			b := make([]byte, len(question))
			_, _ = io.ReadFull(c, b)
			_, _ = c.Write([]byte("\x00\x06an"))
			_, _ = c.Write([]byte("swer"))
			more, _ := io.ReadAll(c)
			seen <- append(b, more...)
		}},
		{"closed", func(c net.Conn) { _, _ = io.ReadFull(c, make([]byte, len(question))) }},
		{"reset", func(c net.Conn) { _, _ = c.Read(make([]byte, 1)); abort(c.(*net.TCPConn)) }},
		{"strange", func(c net.Conn) { _, _ = c.Write(bytes.Repeat([]byte("x"), 2*mostEcho)); _, _ = io.Copy(io.Discard, c) }},
	} {
		f := probe(t, "echo", Target{Host: answerer(t, c.serve), Echo: question, Whole: whole, Confirmed: true})
		if f.Outcome != c.want {
			t.Errorf("want %s: %+v", c.want, f)
		}
	}
	if b := <-seen; !bytes.Equal(b, question) {
		t.Errorf("the host got %q", b)
	}
	mute := answerer(t, func(c net.Conn) { _, _ = io.Copy(io.Discard, c) })
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if f := Probes[5].Run(ctx, Target{Host: mute, Echo: question, Whole: whole, Confirmed: true}); f.Outcome != Cancelled {
		t.Errorf("%+v", f)
	}
}

// loop is a port with a loopback plug that may damage or swallow.
type loop struct {
	*io.PipeReader
	*io.PipeWriter
	bits *serial.ModemStatusBits
	pass func([]byte) []byte
}

func (l *loop) Write(b []byte) (int, error) {
	go func() { _, _ = l.PipeWriter.Write(l.pass(bytes.Clone(b))) }()
	return len(b), nil
}
func (l *loop) Close() error               { l.PipeWriter.Close(); return l.PipeReader.Close() }
func (l *loop) SetMode(*serial.Mode) error { return nil }
func (l *loop) SetDTR(bool) error          { return nil }
func (l *loop) SetRTS(bool) error          { return nil }
func (l *loop) GetModemStatusBits() (*serial.ModemStatusBits, error) {
	if l.bits == nil {
		return nil, errAway
	}
	return l.bits, nil
}

func TestProbesOfASerialPort(t *testing.T) {
	plug := func(bits *serial.ModemStatusBits, pass func([]byte) []byte) {
		r, w := io.Pipe()
		fakePorts(t, map[string]port{"COM1": &loop{r, w, bits, pass}})
	}
	same := func(b []byte) []byte { return b }
	for _, c := range []struct {
		id, want string
		bits     *serial.ModemStatusBits
		pass     func([]byte) []byte
		mode     Mode
	}{
		{"modem", "on", &serial.ModemStatusBits{DSR: true, CTS: true}, same, Mode{}},
		{"modem", "off", &serial.ModemStatusBits{}, same, Mode{}},
		{"modem", "unavailable", nil, same, Mode{}},
		{"loopback", "whole", nil, same, Mode{}},
		{"loopback", "whole", nil, func(b []byte) []byte {
			for i := range b {
				b[i] &= 0x7F
			}
			return b
		}, Mode{Baud: 115200, DataBits: 7, Parity: "even", StopBits: "1"}},
		{"loopback", "damaged", nil, func(b []byte) []byte { b[7] ^= 1; return b }, Mode{}},
		{"loopback", "nothing", nil, func([]byte) []byte { return nil }, Mode{Baud: 115200, DataBits: 8, Parity: "none", StopBits: "1"}},
	} {
		plug(c.bits, c.pass)
		if f := probe(t, c.id, Target{Port: "COM1", Mode: c.mode, Confirmed: true}); f.Outcome != c.want {
			t.Errorf("%s, want %s: %+v", c.id, c.want, f)
		}
	}
	if f := probe(t, "loopback", Target{Port: "COM1", Line: &Serial{}, Confirmed: true}); f.Outcome != "busy" {
		t.Errorf("%+v", f)
	}
	fakePorts(t, map[string]port{})
	if f := probe(t, "modem", Target{Port: "COM1"}); f.Outcome != Failed {
		t.Errorf("%+v", f)
	}
}
