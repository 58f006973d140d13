package sim

import (
	"slices"
	"time"
)

// Calendar is when money moves between banks: on working days. Days are written 2026-10-01.
type Calendar struct {
	Holidays []string `yaml:"holidays"` // beside weekends
	Workdays []string `yaml:"workdays"` // weekend days that are worked to make up for a holiday
	Cutoff   string   `yaml:"cutoff"`   // hh:mm after which a sale belongs to the next day; 23:00
}

const dayForm = "2006-01-02"

func (c Calendar) check() error {
	for i, list := range [][]string{c.Holidays, c.Workdays} {
		for _, d := range list {
			if _, err := time.Parse(dayForm, d); err != nil {
				return problemf("calendar."+[]string{"holidays", "workdays"}[i], "%q is no day, as in 2026-10-01", d)
			}
		}
	}
	if _, err := time.Parse("15:04", c.cutoff()); err != nil {
		return problemf("calendar.cutoff", "%q is no time, as in 23:00", c.Cutoff)
	}
	return nil
}

func (c Calendar) cutoff() string {
	if c.Cutoff == "" {
		return "23:00"
	}
	return c.Cutoff
}

func (c Calendar) works(day time.Time) bool {
	d := day.Format(dayForm)
	if slices.Contains(c.Workdays, d) {
		return true
	}
	return day.Weekday() != time.Saturday && day.Weekday() != time.Sunday && !slices.Contains(c.Holidays, d)
}

// clearingDay is the day to which a sale belongs: its own, after the cut-off the next.
func (c Calendar) clearingDay(at time.Time) time.Time {
	if at.Format("15:04") >= c.cutoff() {
		at = at.AddDate(0, 0, 1)
	}
	return at
}

// payday is T+1: the first working day after the clearing day. No calendar is so full that a year has none.
func (c Calendar) payday(cleared time.Time) time.Time {
	day := cleared.AddDate(0, 0, 1)
	for range 366 {
		if c.works(day) {
			break
		}
		day = day.AddDate(0, 0, 1)
	}
	return day
}
