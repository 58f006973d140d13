package link

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"strings"
	"syscall"
	"time"
)

// attemptWait is how long one address may take to answer a probe's connect.
const attemptWait = 5 * time.Second

// DNS is what the resolver knows of a name.
type DNS struct{ Addresses []netip.Addr }

// probeDNS asks this machine's resolver for the host's name.
func probeDNS(ctx context.Context, t Target) Finding {
	addrs, literal, err := resolve(ctx, t)
	var dns *net.DNSError
	switch {
	case literal:
		return Finding{Outcome: "literal", OK: true, Detail: DNS{addrs}}
	case err == nil:
		return Finding{Outcome: "found", OK: true, Args: []any{join(addrs)}, Detail: DNS{addrs}}
	case errors.As(err, &dns) && dns.IsNotFound:
		return Finding{Outcome: "unknown"}
	case errors.As(err, &dns):
		return Finding{Outcome: "silent", Args: []any{dns.Err}}
	}
	return failed(err)
}

func resolve(ctx context.Context, t Target) (addrs []netip.Addr, literal bool, err error) {
	name, _, err := net.SplitHostPort(t.Host)
	if err != nil {
		return nil, false, err
	}
	if a, err := netip.ParseAddr(name); err == nil {
		return []netip.Addr{a}, true, nil
	}
	addrs, err = net.DefaultResolver.LookupNetIP(ctx, "ip", name)
	for i := range addrs {
		addrs[i] = addrs[i].Unmap()
	}
	return addrs, false, err
}

func join[T fmt.Stringer](list []T) string {
	var out []string
	for _, x := range list {
		out = append(out, x.String())
	}
	return strings.Join(out, ", ")
}

// TCP is what each address of the host answered to a connect.
type TCP struct{ Attempts []Attempt }

// Attempt is one connect: open, refused, silent or unreachable.
type Attempt struct {
	Address netip.AddrPort
	Outcome string
	Took    time.Duration
}

func (a Attempt) String() string {
	return fmt.Sprintf("%s %s (%d ms)", a.Address, a.Outcome, a.Took.Milliseconds())
}

// probeTCP connects to every address of the host and closes again without sending a byte. The outcome is the best one.
func probeTCP(ctx context.Context, t Target) Finding {
	addrs, _, err := resolve(ctx, t)
	if err != nil {
		return failed(err)
	}
	_, service, _ := net.SplitHostPort(t.Host)
	port, err := net.DefaultResolver.LookupPort(ctx, "tcp", service)
	if err != nil {
		return failed(err)
	}
	found, best := TCP{}, "unreachable"
	for _, a := range addrs {
		at := netip.AddrPortFrom(a, uint16(port))
		begun := time.Now()
		c, err := dialProbe(ctx, t, at.String())
		o := Attempt{Address: at, Took: time.Since(begun)}
		switch {
		case err == nil:
			o.Outcome = "open"
			c.Close()
		case refused(err):
			o.Outcome = "refused"
		case errors.Is(err, syscall.EHOSTUNREACH) || errors.Is(err, syscall.ENETUNREACH) || errors.Is(err, syscall.EADDRNOTAVAIL) || !isTimeout(err):
			o.Outcome = "unreachable"
		default:
			o.Outcome = "silent"
		}
		found.Attempts = append(found.Attempts, o)
		for _, word := range []string{"open", "refused", "silent"} { // from the best to the worst
			if o.Outcome == word || best == word {
				best = word
				break
			}
		}
	}
	return Finding{Outcome: best, OK: best == "open", Args: []any{join(found.Attempts)}, Detail: found}
}

func isTimeout(err error) bool {
	var n net.Error
	return errors.As(err, &n) && n.Timeout() || errors.Is(err, context.DeadlineExceeded)
}

func dialProbe(ctx context.Context, t Target, address string) (net.Conn, error) {
	d := net.Dialer{Timeout: attemptWait}
	d.SetMultipathTCP(false)
	if t.Bind != "" {
		a, err := netip.ParseAddr(t.Bind)
		if err != nil {
			return nil, err
		}
		d.LocalAddr = &net.TCPAddr{IP: a.AsSlice(), Zone: a.Zone()}
	}
	return d.DialContext(ctx, "tcp", address)
}

// TLS is what a handshake showed.
type TLS struct {
	Version, Cipher   string
	Subject, Issuer   string
	Names             []string
	NotBefore, Expiry time.Time
	ClientCertificate bool // the host asks for one, which the probe has not
}

// probeTLS makes a TLS handshake, judges the host's certificate and closes. Sent are a greeting and what the handshake
// needs, and no data.
func probeTLS(ctx context.Context, t Target) Finding {
	name, _, err := net.SplitHostPort(t.Host)
	if err != nil {
		return failed(err)
	}
	raw, err := dialProbe(ctx, t, t.Host)
	switch {
	case err != nil && refused(err):
		return Finding{Outcome: "refused"}
	case err != nil && isTimeout(err):
		return Finding{Outcome: "silent"}
	case err != nil:
		return failed(err)
	}
	defer raw.Close()
	found := TLS{}
	c := tls.Client(raw, &tls.Config{
		ServerName:         name,
		InsecureSkipVerify: true, // it is judged below: what is wrong with a certificate is what the probe is asked for
		MinVersion:         tls.VersionTLS10,
		GetClientCertificate: func(*tls.CertificateRequestInfo) (*tls.Certificate, error) {
			found.ClientCertificate = true
			return &tls.Certificate{}, nil
		},
	})
	limited, cancel := context.WithTimeout(ctx, 2*attemptWait)
	defer cancel()
	if err := c.HandshakeContext(limited); err != nil {
		var record tls.RecordHeaderError
		var alert tls.AlertError
		var op *net.OpError
		switch {
		case errors.As(err, &record):
			return Finding{Outcome: "plain"}
		case errors.As(err, &alert) || errors.As(err, &op) && op.Op == "remote error":
			return Finding{Outcome: "alert", Args: []any{err.Error()}}
		case isTimeout(err):
			return Finding{Outcome: "mute"}
		case wasReset(err) || strings.Contains(err.Error(), "EOF"):
			return Finding{Outcome: "closed"}
		}
		return failed(err)
	}
	state := c.ConnectionState()
	found.Version, found.Cipher = tls.VersionName(state.Version), tls.CipherSuiteName(state.CipherSuite)
	leaf := state.PeerCertificates[0]
	found.Subject, found.Issuer = leaf.Subject.String(), leaf.Issuer.String()
	found.Names, found.NotBefore, found.Expiry = leaf.DNSNames, leaf.NotBefore, leaf.NotAfter
	for _, ip := range leaf.IPAddresses {
		found.Names = append(found.Names, ip.String())
	}
	f := Finding{Outcome: judge(state, name, time.Now()), Detail: found}
	f.OK = f.Outcome == "good"
	const day = "2006-01-02"
	switch f.Outcome {
	case "good":
		f.Args = []any{found.Version, found.Expiry.Format(day)}
	case "expired":
		f.Args = []any{found.Expiry.Format(day)}
	case "early":
		f.Args = []any{found.NotBefore.Format(day)}
	case "name":
		f.Args = []any{name, strings.Join(found.Names, ", ")}
	case "untrusted":
		f.Args = []any{found.Issuer}
	case "old":
		f.Args = []any{found.Version}
	}
	return f
}

// trusted are the roots of certificates; nil is the system's own.
var trusted *x509.CertPool

// judge says what is wrong with a handshake, the gravest first.
func judge(state tls.ConnectionState, name string, now time.Time) string {
	leaf := state.PeerCertificates[0]
	switch {
	case now.After(leaf.NotAfter):
		return "expired"
	case now.Before(leaf.NotBefore):
		return "early"
	case leaf.VerifyHostname(name) != nil:
		return "name"
	case state.Version < tls.VersionTLS12:
		return "old"
	}
	between := x509.NewCertPool()
	for _, c := range state.PeerCertificates[1:] {
		between.AddCert(c)
	}
	if _, err := leaf.Verify(x509.VerifyOptions{Roots: trusted, Intermediates: between, CurrentTime: now}); err != nil {
		return "untrusted"
	}
	return "good"
}

// Echo is the host's answer, as it came: it is for the decoder, which masks it.
type Echo struct{ Answer []byte }

// mostEcho bounds an answer that is none.
const mostEcho = 8 << 10

// probeEcho sends the one echo message and waits for its answer.
func probeEcho(ctx context.Context, t Target) Finding {
	c, err := dialProbe(ctx, t, t.Host)
	switch {
	case err != nil && refused(err):
		return Finding{Outcome: "refused"}
	case err != nil && isTimeout(err):
		return Finding{Outcome: "unreached"}
	case err != nil:
		return failed(err)
	}
	defer c.Close()
	stop := context.AfterFunc(ctx, func() { _ = c.SetDeadline(time.Unix(1, 0)) })
	defer stop()
	if _, err := c.Write(t.Echo); err != nil {
		return failed(err)
	}
	var answer []byte
	buf := make([]byte, 2<<10)
	for len(answer) < mostEcho {
		n, err := c.Read(buf)
		answer = append(answer, buf[:n]...)
		switch {
		case len(answer) > 0 && (t.Whole == nil || t.Whole(answer)):
			return Finding{Outcome: "answered", OK: true, Args: []any{len(answer)}, Detail: Echo{answer}}
		case err == nil:
		case isTimeout(err):
			return Finding{Outcome: "silent", Args: []any{len(answer)}, Detail: Echo{answer}}
		case wasReset(err):
			return Finding{Outcome: "reset", Args: []any{len(answer)}, Detail: Echo{answer}}
		default:
			return Finding{Outcome: "closed", Args: []any{len(answer)}, Detail: Echo{answer}}
		}
	}
	return Finding{Outcome: "strange", Args: []any{len(answer)}, Detail: Echo{answer}}
}
