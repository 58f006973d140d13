package sim

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"math/rand/v2"
	"net"
	"os"
	"time"
)

var (
	errAnswer = errors.New("the answer does not belong to the request")
	errModule = errors.New("the communication module broke off")
	errPower  = errors.New("the power was lost")
	errSeal   = errors.New("the answer's MAC is wrong")
	errWait   = errors.New("no answer in time")
	errPort   = errors.New("the port driver does not answer")
)

// conn is one end of a line: a TCP connection or a serial port.
type conn interface {
	io.ReadWriteCloser
	SetReadDeadline(time.Time) error
}

// dialer reaches the host from a terminal; wrong is the fault in its address, nil when that is right.
type dialer func(ctx context.Context, wrong *live) (conn, error)

// exchange sends one request and reads its answer, over a connection of its own or a standing one. It says whether the
// request may have left.
func (t *terminal) exchange(ctx context.Context, req message, mak []byte) (res message, sent bool, err error) {
	m := t.moment()
	t.n++
	blame := func(f *live) *live {
		if f != nil {
			t.truth.blame(t.tid(), req.f[11], f)
		}
		return f
	}
	find := func(kind string) *live { return blame(t.faults.find(kind, m)) }
	req.f[41], req.f[42], req.head = t.own, merchant, t.head()
	if f := find("setup.tid"); f != nil {
		req.f[41] = f.Value
	}
	if f := find("setup.mid"); f != nil {
		req.f[42] = f.Value
	}
	if req.at.IsZero() {
		req.at = t.clock.today()
	}
	for _, kind := range []string{"setup.tpdu", "software.old", "keys.master"} {
		find(kind) // these are in the message already
	}
	codec := t.codec
	if f := find("setup.framing"); f != nil {
		other := *t.codec
		other.framing, codec = f.Value, &other
	}
	frame, err := codec.pack(req, mak)
	if err != nil {
		t.fail(err)
		return res, false, err
	}
	c, err := t.connect(ctx, find)
	if err != nil {
		return res, false, err
	}
	whole := false
	defer func() {
		if !whole || !t.scenario.Pace.Standing {
			t.hangUp()
		}
	}()
	stop := context.AfterFunc(ctx, func() { c.Close() })
	defer stop()
	patience := &patient{conn: c, clock: t.clock, end: t.clock.patience(t.scenario.Pace.Wait),
		vain: func() bool { return t.clock.unpaced && t.aside.of(req.f[41]).forsaken }}
	if f := find("setup.tls"); f != nil {
		return res, false, t.speakTLS(patience)
	}
	if f := find("driver"); f != nil {
		if frame, err = drive(patience, f, frame); err != nil {
			return res, false, err
		}
	}
	if find("line.noise") != nil {
		flip(frame, m)
	}
	if find("serial.baud") != nil {
		misclock(frame)
	}
	var broke error
	if find("module.drop") != nil {
		broke = errModule
	} else if find("module.power") != nil {
		broke = errPower
	}
	end := t.aside.begin(req.f[41], broke != nil)
	defer end()
	if _, err := c.Write(frame); err != nil {
		return res, true, err
	}
	if broke != nil {
		// Long enough for the request to be on its way, too short for the answer.
		t.clock.wait(ctx, 12*time.Millisecond)
		t.aside.arrival(ctx, req.f[41])
		abort(c)
		return res, true, broke
	}
	payload, err := readFrame(patience, t.codec.framing)
	if err != nil {
		if errors.Is(err, errWait) && t.faults.any("line.outage") != nil {
			abort(c) // to the terminal this connection never stood
		}
		return res, true, err
	}
	got, err := t.codec.unpack(payload)
	if err != nil {
		return res, true, err
	}
	err = t.accept(req, got, mak)
	whole = err == nil // after another answer than the awaited one a standing connection is out of step
	return got.message, true, err
}

// accept checks an answer as terminals do, and notes what the host asks for.
func (t *terminal) accept(req message, got parcel, mak []byte) error {
	code := got.f[39]
	if got.mti != req.mti[:2]+string(req.mti[2]+1)+"0" || code == "" {
		return errAnswer
	}
	for _, n := range []int{3, 4, 11, 41, 42} {
		v, there := got.f[n]
		switch {
		case v == req.f[n], !there && n != 11 && n != 41: // not every host repeats them all
		case n == 4 && code == "10", n == 42 && code != "00":
		default:
			return errAnswer
		}
	}
	// Terminals check the MAC of approvals only: a host that does not know the terminal has no key to seal with.
	if mak != nil && approved(code) && !got.sealed(mak) {
		return errSeal
	}
	if t.asked = got.head.require; t.asked == 0 {
		t.asked = '0'
	}
	return nil
}

// connect takes the standing connection, or makes one.
func (t *terminal) connect(ctx context.Context, find func(string) *live) (conn, error) {
	if t.conn != nil {
		return t.conn, nil
	}
	wrong := find("setup.address")
	if wrong == nil {
		wrong = find("setup.port")
	}
	// A dial knows the wall's time only: it does not mind a pause.
	ctx, cancel := context.WithTimeout(ctx, t.clock.wall(t.scenario.Pace.Wait))
	defer cancel()
	c, err := t.dial(ctx, wrong)
	if err != nil {
		return nil, err
	}
	t.conn = c
	return c, nil
}

func (t *terminal) hangUp() {
	if t.conn != nil {
		_ = t.conn.Close()
		t.conn = nil
	}
}

// patient reads a connection until the shop's time is over.
type patient struct {
	conn
	clock *clock
	end   time.Duration
	vain  func() bool // no answer will come
}

func (p *patient) Read(b []byte) (int, error) {
	for {
		deadline, ok := p.clock.untilDeadline(p.end)
		if !ok || p.vain() {
			return 0, errWait
		}
		if err := p.conn.SetReadDeadline(deadline); err != nil {
			return 0, err
		}
		n, err := p.conn.Read(b)
		if n > 0 || !errors.Is(err, os.ErrDeadlineExceeded) {
			return n, err
		}
	}
}

// speakTLS says hello as a terminal does whose parameters name a TLS host. The host here knows nothing of it. All that is
// random in the hello of TLS 1.2 comes from the seed.
func (t *terminal) speakTLS(c *patient) error {
	client := tls.Client(tlsConn{c}, &tls.Config{ServerName: "pos.acquirer.example", InsecureSkipVerify: true, //nolint:gosec // nothing is trusted: no handshake ever ends well here
		MinVersion: tls.VersionTLS12, MaxVersion: tls.VersionTLS12, Rand: rand.NewChaCha8([32]byte(draw(t.rng, 32)))})
	err := client.Handshake()
	if err == nil {
		err = errAnswer
	}
	return err
}

// tlsConn lends a line to crypto/tls, which asks for more of a connection than it uses here.
type tlsConn struct{ *patient }

func (tlsConn) LocalAddr() net.Addr              { return nil }
func (tlsConn) RemoteAddr() net.Addr             { return nil }
func (tlsConn) SetDeadline(time.Time) error      { return nil }
func (tlsConn) SetReadDeadline(time.Time) error  { return nil }
func (tlsConn) SetWriteDeadline(time.Time) error { return nil }

// abort closes with a reset where the line has one.
func abort(c conn) {
	if tcp, ok := c.(*net.TCPConn); ok {
		_ = tcp.SetLinger(0)
	}
	_ = c.Close()
}
