package link

import (
	"fmt"
	"time"
)

// Tally counts what a capture held and what became of it. Nothing that could not be read is left out silently.
type Tally struct {
	Packets       int
	Other         int // without TCP: other protocols
	Unknown       int // of a link type that cannot be read
	LinkType      int // that type
	Broken        int // TCP headers that cannot be
	Fragments     int // of IP
	FragmentsLost int // of these, not put together
	Cut           int // segments that the capture's snap length cut off
	Segments      int // of TCP

	Retransmitted int // segments sent again by TCP
	OutOfOrder    int // segments that came too early, and whose predecessors came in time
	Copies        int // segments captured twice
	KeepAlives    int
	ZeroWindows   int // times a receiver closed its window
	Gaps          int // holes that nothing filled
	Lost          int // bytes in them
	OneWay        int // connections of which the capture has only one direction, although the other is acknowledged
	Late          int // segments for connections that had been reset
	Dropped       int // packets that the kernel could not hand over to the capture

	Handshakes, RoundTrips       int // measured
	HandshakeTime, RoundTripTime time.Duration
	WorstRoundTrip               time.Duration

	Lines, Frames int // of text: all, and frames in them
	Skipped       int // lines without a frame
	SkippedAt     int // the first of them
	Damaged       int // lines whose hex is not whole
	DamagedAt     int
	Values        int // lines of a jPOS log, which have values of fields and no bytes
	Blanked       int // lines with digits that someone has blanked out
}

// Notes say in sentences what a person who reads the report has to know about the capture.
func (t *Tally) Notes() []string {
	var out []string
	note := func(n int, format string, args ...any) {
		if n > 0 {
			out = append(out, fmt.Sprintf(format, args...))
		}
	}
	note(t.Unknown, "%d packets have link type %d, which cannot be read", t.Unknown, t.LinkType)
	note(t.Broken, "%d packets have a TCP header that cannot be", t.Broken)
	note(t.FragmentsLost, "%d of %d IP fragments could not be put together", t.FragmentsLost, t.Fragments)
	note(t.Cut, "%d segments were cut off by the capture's snap length: capture with tcpdump -s 0", t.Cut)
	note(t.Dropped, "%d packets were dropped by the kernel before the capture saw them", t.Dropped)
	note(t.Gaps, "%d holes of together %d bytes: these segments are not in the capture", t.Gaps, t.Lost)
	note(t.OneWay, "%d connections are captured in one direction only: mirror both directions of the port (rx and tx)", t.OneWay)
	note(t.Retransmitted, "%d of %d TCP segments were sent again (%.1f %%)", t.Retransmitted, t.Segments, 100*float64(t.Retransmitted)/float64(max(t.Segments, 1)))
	note(t.OutOfOrder, "%d segments came out of order and were put in order", t.OutOfOrder)
	note(t.Copies, "%d segments were captured twice and are counted once", t.Copies)
	note(t.Late, "%d segments came for connections that had ended", t.Late)
	note(t.ZeroWindows, "receivers closed their window %d times", t.ZeroWindows)
	note(t.Skipped, "%d of %d lines hold no frame, the first is line %d", t.Skipped, t.Lines, t.SkippedAt)
	note(t.Damaged, "%d of %d lines hold hex that is not whole, the first is line %d: what was there is read", t.Damaged, t.Lines, t.DamagedAt)
	note(t.Values, "%d lines of a jPOS log have values of fields and no bytes: they are not read", t.Values)
	note(t.Blanked, "%d lines have digits that were blanked out (*): they are read as zeros", t.Blanked)
	if t.Packets > 0 && t.Segments == 0 {
		out = append(out, fmt.Sprintf("none of %d packets holds TCP", t.Packets))
	}
	return out
}
