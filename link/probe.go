package link

import (
	"context"
	"time"
)

// Probe is an active test of a live line. Those of Probes are all that this program ever sends to one by itself; none can
// move money. Its title, what it does and what that risks are the texts probe.ID.title and probe.ID.risk.
type Probe struct {
	ID      string
	Confirm bool // a person must have agreed to the risk: Target.Confirmed
	Serial  bool // it tests Target.Port, not Target.Host
	run     func(context.Context, Target) Finding
}

// Probes are all of them, the harmless ones first.
var Probes = []Probe{
	{ID: "dns", run: probeDNS},
	{ID: "tcp", run: probeTCP},
	{ID: "tls", run: probeTLS},
	{ID: "modem", Serial: true, run: probeModem},
	{ID: "loopback", Serial: true, Confirm: true, run: probeLoopback},
	{ID: "echo", Confirm: true, run: probeEcho},
}

// Target is what a probe may touch.
type Target struct {
	Host string // host:port, the host by name or by address
	Bind string // local address to connect from, as the tap does; empty lets the system choose

	Port string  // a serial port
	Mode Mode    // its settings
	Line *Serial // the source that holds the port, when one does

	// Echo is a whole 0800 echo message with its framing, and Whole tells when an answer is. Whoever knows the dialect gives both.
	Echo  []byte
	Whole func(answer []byte) bool

	Confirmed bool
}

// Finding is what a probe found.
type Finding struct {
	Probe   string
	Outcome string // a word of this probe; its sentence is the text Key with Args
	OK      bool   // what was tried works
	Args    []any
	Took    time.Duration
	Detail  any // DNS, TCP, TLS, ModemLines, Loopback or Echo, nil when it did not come that far
}

// Key names the sentence.
func (f Finding) Key() string {
	switch f.Outcome {
	case Unconfirmed, Untargeted, Cancelled, Failed:
		return "probe." + f.Outcome
	}
	return "probe." + f.Probe + "." + f.Outcome
}

// Outcomes that every probe may have.
const (
	Unconfirmed = "unconfirmed" // nothing was done: nobody agreed to it
	Untargeted  = "untargeted"  // nothing was done: there is no host or port to test
	Cancelled   = "cancelled"
	Failed      = "failed" // something else is wrong; the argument has the system's words
)

// Run does the probe, within ctx and at most half a minute.
func (p Probe) Run(ctx context.Context, t Target) Finding {
	begun := time.Now()
	if t.Mode == (Mode{}) {
		t.Mode = DefaultMode
	}
	var f Finding
	switch {
	case p.Serial && t.Port == "" || !p.Serial && t.Host == "" || p.ID == "echo" && len(t.Echo) == 0:
		f = Finding{Outcome: Untargeted}
	case p.Confirm && !t.Confirmed:
		f = Finding{Outcome: Unconfirmed}
	default:
		limited, cancel := context.WithTimeout(ctx, 30*time.Second)
		defer cancel()
		if f = p.run(limited, t); !f.OK && ctx.Err() != nil {
			f = Finding{Outcome: Cancelled}
		}
	}
	f.Probe, f.Took = p.ID, time.Since(begun)
	return f
}

func failed(err error) Finding { return Finding{Outcome: Failed, Args: []any{words(err)}} }
