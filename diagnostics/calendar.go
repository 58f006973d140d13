package diagnostics

import (
	"fmt"
	"strings"
	"time"
)

// calendar says when money that was cleared has to be paid out.
type calendar struct {
	Cycle        int      `yaml:"cycle"`
	CalendarDays bool     `yaml:"calendar-days"`
	Cutoff       string   `yaml:"cutoff"`
	PaidBy       string   `yaml:"paid-by"`
	Zone         float64  `yaml:"zone"`
	Holidays     []string `yaml:"holidays"`
	Workdays     []string `yaml:"workdays"`

	off, on map[string]bool
	zone    *time.Location
}

const day = "2006-01-02"

// check reads the calendar's days: 2026-10-01, or 2026-10-01..2026-10-07.
func (c *calendar) check() error {
	c.zone = time.FixedZone("", int(c.Zone*3600))
	c.off, c.on = map[string]bool{}, map[string]bool{}
	for _, list := range []struct {
		name string
		days []string
		into map[string]bool
	}{{"holidays", c.Holidays, c.off}, {"workdays", c.Workdays, c.on}} {
		for _, d := range list.days {
			first, last, several := strings.Cut(d, "..")
			if !several {
				last = first
			}
			from, err := time.Parse(day, first)
			to, err2 := time.Parse(day, last)
			if err != nil || err2 != nil || to.Before(from) || to.Sub(from) > 60*24*time.Hour {
				return fmt.Errorf("calendar: %s: %q is no day, as in 2026-10-01 or 2026-10-01..2026-10-07", list.name, d)
			}
			for ; !from.After(to); from = from.AddDate(0, 0, 1) {
				list.into[from.Format(day)] = true
			}
		}
	}
	for name, clock := range map[string]string{"cutoff": c.Cutoff, "paid-by": c.PaidBy} {
		if _, err := time.Parse("15:04", clock); err != nil {
			return fmt.Errorf("calendar: %s: %q is no time, as in 23:00", name, clock)
		}
	}
	if c.Cycle < 0 || c.Cycle > 30 {
		return fmt.Errorf("calendar: cycle: %d is no number of days", c.Cycle)
	}
	return nil
}

// works says that banks work on a day.
func (c *calendar) works(at time.Time) bool {
	d := at.Format(day)
	if c.CalendarDays || c.on[d] {
		return true
	}
	return at.Weekday() != time.Saturday && at.Weekday() != time.Sunday && !c.off[d]
}

// due is when a transaction of a time has to be paid out.
func (c *calendar) due(at time.Time) time.Time {
	at = at.In(c.zone)
	if at.Format("15:04") >= c.Cutoff {
		at = at.AddDate(0, 0, 1)
	}
	for range c.Cycle {
		at = at.AddDate(0, 0, 1)
		for n := 0; n < 60 && !c.works(at); n++ {
			at = at.AddDate(0, 0, 1)
		}
	}
	by, _ := time.Parse("15:04", c.PaidBy)
	return time.Date(at.Year(), at.Month(), at.Day(), by.Hour(), by.Minute(), 0, 0, c.zone)
}
