package tui

import (
	"context"
	"fmt"
	"io"
	"time"

	"tillscope/diagnostics"
)

// Plain is the line-oriented front end, for pipes and for terminals that are none: one line a message, a line when a
// branch or the verdict changes. It returns when the source has ended or ctx has.
func Plain(ctx context.Context, out io.Writer, o Options) error {
	codes, err := diagnostics.Codes()
	if err != nil {
		return err
	}
	p := &plainWriter{out: out, o: o, writer: writer{lang: o.Lang, look: newLook(o.ASCII, nil), codes: codes}}
	clock := time.NewTicker(refresh)
	defer clock.Stop()
	for {
		sn := o.Session.Snapshot()
		p.take(sn)
		if p.err != nil || sn.Ended {
			return p.err
		}
		select {
		case <-ctx.Done():
			p.take(o.Session.Snapshot())
			return p.err
		case <-clock.C:
		}
	}
}

type plainWriter struct {
	out      io.Writer
	o        Options
	writer   writer
	seen     int // number of the newest entry written
	branches [7]diagnostics.State
	verdict  string
	err      error
}

func (p *plainWriter) line(format string, args ...any) {
	if p.err == nil {
		_, p.err = fmt.Fprintf(p.out, format+"\n", args...)
	}
}

func (p *plainWriter) take(sn *diagnostics.Snapshot) {
	short, wide := names(sn)
	p.writer.wide = wide
	for _, e := range sn.Entries {
		if e.N <= p.seen {
			continue
		}
		if lost := e.N - p.seen - 1; lost > 0 {
			p.line("%s", p.o.Lang.T("traffic.gap", lost))
		}
		p.seen = e.N
		p.line("#%-5d %s", e.N, p.writer.row(e, sn.Transaction(e.Txn), short[e.Terminal], false).text())
	}
	for i, b := range sn.Branches {
		if old := p.branches[i]; old != b.Status {
			p.branches[i] = b.Status
			if old != "" || b.Status != diagnostics.Unknown {
				p.line("%s %s: %s (%s)", p.writer.look.state[b.Status], p.o.Lang.T("branch."+b.ID), p.o.Lang.T("state."+string(b.Status)), b.Because)
			}
		}
	}
	verdict := ""
	if len(sn.Causes) > 0 {
		verdict = sn.Causes[0].ID
	}
	if verdict != p.verdict {
		if p.verdict = verdict; verdict != "" {
			p.line("= %s: %s", verdict, sn.Causes[0].Title)
		}
	}
}
