package sim

import (
	"time"
)

// course is what the line and the host's load do to one exchange.
type course struct {
	m           moment
	wait        time.Duration
	reset, lost bool // lost: the request did not reach the host
	mute        bool // no answer comes back
	noise, cut  bool
	baud        bool
	rate        int // bytes a second, 0 for more than anybody notices
}

// travel says what happens to an exchange on its way.
func (h *host) travel(req parcel, idle time.Duration) course {
	ln := h.lane(req.f[41], req.f[42])
	if ln == nil {
		return course{wait: 60 * time.Millisecond, lost: h.faults.any("line.outage") != nil}
	}
	ln.mu.Lock()
	defer ln.mu.Unlock()
	p := course{m: moment{ln.index, ln.sales, ln.n}, wait: time.Duration(30+ln.rng.IntN(91)) * time.Millisecond}
	coin := ln.rng.IntN(2) == 0
	late := h.scenario.Pace.Wait + time.Duration(300+ln.rng.IntN(500))*time.Millisecond
	ln.n++
	find := func(kind string) *live {
		f := h.faults.find(kind, p.m)
		if f != nil {
			h.truth.blame(req.f[41], req.f[11], f)
		}
		return f
	}
	if h.faults.any("line.outage") != nil {
		p.lost, p.mute = true, true
	}
	if f := h.faults.find("line.half-open", p.m); f != nil && idle > f.Wait {
		h.truth.blame(req.f[41], req.f[11], f)
		p.lost, p.mute = true, true
	}
	if find("line.reset") != nil {
		p.reset, p.lost = true, p.lost || coin
	}
	if find("line.loss") != nil {
		p.mute, p.lost = true, p.lost || coin
	}
	if req.mti != "0800" && find("host.mute") != nil {
		p.mute, p.lost = true, true
	}
	if f := find("line.delay"); f != nil {
		p.wait += f.Wait
	}
	if f := find("line.rate"); f != nil {
		p.rate = f.Rate
		p.wait += time.Duration(len(req.body)) * time.Second / time.Duration(f.Rate)
	}
	if req.mti == "0200" {
		if f := find("host.slow"); f != nil && f.Wait > 0 {
			p.wait += f.Wait
		} else if f != nil {
			p.wait = late
		}
	}
	p.noise, p.cut, p.baud = find("line.noise") != nil, find("line.cut") != nil, find("serial.baud") != nil
	return p
}
