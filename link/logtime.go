package link

import (
	"regexp"
	"strconv"
	"strings"
	"time"
)

// times are how logs write the time, the longest first. Groups: year, month, day, hour, minute, second, fraction, zone.
var times = []struct {
	re    *regexp.Regexp
	order string
}{
	{regexp.MustCompile(`(\d{4})[-/.年](\d{1,2})[-/.月](\d{1,2})日?[T ,_-]\s*(\d{1,2})[:时](\d{2})[:分](\d{2})秒?(?:[.,:](\d{1,9}))?\s?(Z|[+-]\d{2}:?\d{2})?`), "YMDhmsfz"},
	{regexp.MustCompile(`\b(\d{4})(\d{2})(\d{2})[T _-]?(\d{2}):?(\d{2}):?(\d{2})(?:[.,](\d{1,9}))?\b`), "YMDhmsf"},
	{regexp.MustCompile(`\b(\d{1,2})[-/.](\d{1,2})[-/.](\d{4})[T ,]\s*(\d{1,2}):(\d{2}):(\d{2})(?:[.,:](\d{1,9}))?`), "DMYhmsf"},
	{regexp.MustCompile(`\b(Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)[a-z]* +(\d{1,2}),? (?:(\d{4}) )?(\d{1,2}):(\d{2}):(\d{2})(?:[.,](\d{1,9}))?`), "NDYhmsf"},
	{regexp.MustCompile(`\b(\d{1,2})[-/](\d{1,2}) (\d{1,2}):(\d{2}):(\d{2})(?:[.,](\d{1,9}))?`), "MDhmsf"},
	{regexp.MustCompile(`\b(\d{1,2}):(\d{2}):(\d{2})(?:[.,:](\d{1,9}))?\b`), "hmsf"},
	{regexp.MustCompile(`^\W{0,2}(1\d{9})(?:[.,](\d{1,9}))?\b`), "Ef"},
	{regexp.MustCompile(`^\W{0,2}(1\d{9})(\d{3})\b`), "Ef"},
	{regexp.MustCompile(`\b(1\d{9})\.(\d{3,9})\b`), "Ef"},
}

// twelve is what stands behind an hour that is counted to twelve.
var twelve = regexp.MustCompile(`^ ?([AaPp])\.?[Mm]\.?\b`)

const months = "JanFebMarAprMayJunJulAugSepOctNovDec"

// timeOf finds the time that a line begins with, and answers the line without it. A line that is all hex has none.
func (p *lineParser) timeOf(line string) (at time.Time, clock bool, rest string) {
	head := line[:min(len(line), 80)]
	for i := range times {
		form := (p.form + i) % len(times)
		f := times[form]
		m := f.re.FindStringSubmatchIndex(head)
		// Digits of a frame are no time: before it stands no hex, and it does not go on in more digits.
		if m == nil || m[0] > 40 || m[1] < len(line) && isHex(line[m[1]]) && isHex(line[m[1]-1]) || pairs(line, m[0], m[1]) {
			continue
		}
		year, month, date := p.day.Date()
		var hour, minute, second, nano int
		zone := p.day.Location()
		at, clock = time.Time{}, !strings.Contains(f.order, "D")
		for i, what := range f.order {
			from, to := m[2*i+2], m[2*i+3]
			if from < 0 {
				continue
			}
			text := head[from:to]
			n, _ := strconv.Atoi(text)
			switch what {
			case 'Y':
				year = n
			case 'M':
				month = time.Month(n)
			case 'N':
				month = time.Month(1 + strings.Index(months, text)/3)
			case 'D':
				date = n
			case 'h':
				hour = n
			case 'm':
				minute = n
			case 's':
				second = n
			case 'f':
				nano, _ = strconv.Atoi((text + "000000000")[:9])
			case 'z':
				if z, err := time.Parse("Z07:00", text); err == nil {
					zone = z.Location()
				} else if z, err := time.Parse("-0700", text); err == nil {
					zone = z.Location()
				}
			case 'E':
				at, clock = time.Unix(int64(n), 0), false
			}
		}
		half := twelve.FindStringSubmatchIndex(head[m[1]:])
		if half != nil {
			hour %= 12
			if c := head[m[1]+half[2]]; c == 'P' || c == 'p' {
				hour += 12
			}
			m[1] += half[1]
		}
		// Who counts hours to twelve writes the month first, and nobody has a thirteenth month.
		if strings.HasPrefix(f.order, "DMY") && (half != nil || month > 12) {
			month, date = time.Month(date), int(month)
		}
		if month < 1 || month > 12 || date < 1 || date > 31 || hour > 23 || minute > 59 || second > 60 {
			continue
		}
		if at.IsZero() {
			at = time.Date(year, month, date, hour, minute, second, nano, zone)
		} else {
			at = at.Add(time.Duration(nano))
		}
		p.form = form
		return at, clock, line[:m[0]] + " " + line[m[1]:]
	}
	return time.Time{}, false, line
}

// pairs says that what looks like a time is a part of bytes with colons or dashes between.
func pairs(line string, from, to int) bool {
	return to+1 < len(line) && (line[to] == ':' || line[to] == '-') && isHex(line[to+1]) || from > 1 && (line[from-1] == ':' || line[from-1] == '-') && isHex(line[from-2])
}
