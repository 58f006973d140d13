package wire

import "strings"

// strong is the weight above which a frame is taken for what a reading says even where nothing else speaks for it; weak
// is enough where a frame is expected.
const (
	strong = 6.0
	weak   = 2.5
)

// impossible is the weight of a frame that a reading cannot be at all.
const impossible = -100.0

// weigh says how much a frame speaks for a reading: what a wrong one would hardly show counts for it, what a right one
// would hardly show counts against it. With 0 and less more speaks against it than for it.
func (r *reading) weigh(b []byte, f frame, spans []span) (score float64, w walked) {
	n, ok := r.headerLen(b[f.payload:f.end])
	if !ok {
		return impossible, w
	}
	w = r.dialect.walk(b[:f.end], f.payload+n, spans, nil)
	if w.fault == faultMTI || w.fault == faultBitmap {
		return impossible, w
	}
	return r.score(b, f, n, &w, nil), w
}

func (r *reading) score(b []byte, f frame, header int, w *walked, over []*def) (score float64) {
	d := r.dialect
	if d.version != 0 && w.mti[0] != d.version {
		return impossible
	}
	if !d.bitmap.hex() {
		switch w.hexDigits(b) {
		case 16:
			return impossible
		case 8:
			score = -3
		}
	}
	if len(w.spans) == 0 {
		return -2
	}
	if d.third > atHead && !d.has3(w.fields) {
		score -= strong // it is like others but for that
	}
	if d.own != [2]uint64{} && w.fields[0]&d.own[0]|w.fields[1]&d.own[1] == 0 {
		score -= 1.5
	}
	if w.fields[0]&d.seldom[0]|w.fields[1]&d.seldom[1] != 0 {
		score -= 0.5
	}
	switch r.header {
	case "none":
	case "base24", "tpdu+cup", "cups":
		score += 3
	default:
		score++
	}
	// A dialect is commonest behind its own header and framing; where nothing else decides, this does.
	for i, h := range d.headers {
		if h == r.header {
			score += 0.6 / float64(1+i)
		}
	}
	for i, h := range d.framings {
		if h == r.framing {
			score += 0.6 / float64(1+i)
		}
	}
	good, seen := 0.0, 0.0
	for i := range w.spans {
		v := plausible(b, &w.spans[i], d.as(int(w.spans[i].id), over), w.mti)
		good += max(v, 0)
		if v < 0 {
			score += v
		}
		seen++
	}
	score += good
	switch {
	case w.fault != faultNone:
		// What stands before the fault still speaks, the less the earlier it came: a wrong reading stumbles soon.
		start, end := f.payload+header, float64(w.end)
		switch w.fault {
		case faultShort: // cut off inside the field, maybe
			end = (end + float64(f.end)) / 2
		case faultField:
			score--
		}
		score = score*(end-float64(start))/float64(max(f.end-start, 1)) - 1
	case w.end < f.end:
		score = score*0.8 - 1.5
	case r.framing == "none":
		score += 2
	default:
		score += 4
	}
	return score
}

// hexDigits is how much of the bitmap, read as bytes, is text in hex: 16 when the eight bytes and eight more behind them are hex digits,
// which is the text of a bitmap and hardly ever found in any other message; 8 when these eight are, which is seldom; else 0.
func (w *walked) hexDigits(b []byte) int {
	b = b[w.bitmap:]
	n := 0
	for n < min(len(b), 16) && unhex(b[n]) <= 15 {
		n++
	}
	if n == 0 && b[0] >= 0xC1 {
		for n < min(len(b), 16) && unhex(ebcdic[b[n]]) <= 15 {
			n++
		}
	}
	return n &^ 7
}

// plausible weighs the value of a field: digits where digits belong, dates that exist, a currency that is one.
func plausible(b []byte, s *span, df *def, mti [4]byte) float64 {
	v := b[s.off:][:s.n]
	id := df.id
	c := df.coding
	chars := s.chars(c)
	if c.packed() {
		bad, filled := 0, 0
		lead := c.lead(chars)
		track := id == 35 || id == 36
		for i := lead; i < lead+chars; i++ {
			switch x := half(v, i); {
			case x <= 9 || track && x == 0xD:
			case track && x == 0xF: // of a track that was made shorter
				filled++
			default:
				bad++
			}
		}
		switch {
		case bad > 0:
			return -2
		case filled > 0:
			return -0.7
		case lead == 1 && v[0]>>4 != 0: // an odd count stands right behind a zero
			return -1.5
		case c == asLBCD && chars%2 == 1 && v[len(v)-1]&15 != 0 && v[len(v)-1]&15 != 0xF:
			if id >= 49 && id <= 51 {
				return -2 // half of a code in text
			}
			return -0.7
		}
	}
	digit := func(i int) int { // the character at i as a digit, -1 when it is none
		switch {
		case i >= chars || !c.packed() && i >= len(v):
			return -1
		case c.packed():
			return int(half(v, c.lead(chars)+i))
		case c == asEBCDIC:
			if v[i] >= 0xF0 && v[i] <= 0xF9 {
				return int(v[i] - 0xF0)
			}
			return -1
		case v[i] >= '0' && v[i] <= '9':
			return int(v[i] - '0')
		}
		return -1
	}
	two := func(i int) int {
		a, b := digit(i), digit(i+1)
		if a < 0 || b < 0 {
			return -1
		}
		return a*10 + b
	}
	numeric := func() bool {
		for i := range chars {
			if digit(i) < 0 {
				return false
			}
		}
		return true
	}
	within := func(i, low, high int) bool { x := two(i); return x >= low && x <= high }
	judge := func(ok bool, gain float64) float64 {
		if ok {
			return gain
		}
		return -1.5
	}
	old := mti[0] == '0'
	switch id {
	case 2:
		if !numeric() || chars < 8 && chars != 0 {
			return judge(numeric(), 0.2)
		}
		sum := 0
		for i := range chars {
			x := digit(chars - 1 - i)
			if i%2 == 1 {
				if x *= 2; x > 9 {
					x -= 9
				}
			}
			sum += x
		}
		if sum%10 == 0 {
			return 1.5
		}
		return 0.4
	case 3, 4, 5, 6, 11:
		if id == 3 && c == asText && privateType(v) {
			return 0
		}
		return judge(numeric(), 1)
	case 7:
		return judge(within(0, 1, 12) && within(2, 1, 31) && within(4, 0, 23) && within(6, 0, 59) && within(8, 0, 59), 1.5)
	case 12:
		switch {
		case chars == 6:
			return judge(within(0, 0, 23) && within(2, 0, 59) && within(4, 0, 59), 1)
		case !numeric():
			return -1.5
		}
		return 0.5
	case 13, 15, 16, 17:
		if chars == 4 && (old || id != 13) {
			zero := two(0) == 0 && two(2) == 0
			if gain := judge(zero || within(0, 1, 12) && within(2, 1, 31), 0.8); gain > 0 || id < 16 {
				return gain
			}
			return -0.7 // some use it otherwise
		}
		if chars == 8 && id == 13 {
			return judge(within(0, 19, 20) && within(4, 1, 12) && within(6, 1, 31), 0.8)
		}
		return judge(numeric(), 0.3)
	case 14:
		return judge(within(2, 1, 12) || two(2) == 0, 0.5)
	case 22:
		if old {
			entry := two(0)
			known := entry >= 0 && entry <= 10 || entry >= 79 && entry <= 98
			return judge(known && (digit(2) <= 4 || digit(2) >= 8), 0.8)
		}
	case 39:
		if c.packed() && len(v) == 1 && v[0]>>4 == 3 {
			return -1 // half of a code in text
		}
		for i := range len(v) {
			x := v[i]
			if c == asEBCDIC {
				x = ebcdic[x]
			}
			if c.packed() || x >= '0' && x <= '9' || x >= 'A' && x <= 'Z' || x == ' ' {
				continue
			}
			return -2
		}
		return 1
	case 49, 50, 51:
		if chars == 3 && numeric() {
			return judge(currencies[[3]byte{byte('0' + digit(0)), byte('0' + digit(1)), byte('0' + digit(2))}], 1.5)
		}
		return judge(c == asText && s.n == 3 && v[0] >= 'A' && v[0] <= 'Z' || s.n != 3, 0.2)
	}
	switch {
	case c.packed():
		return 0.4
	case c == asText || c == asEBCDIC:
		odd := 0
		for _, x := range v {
			if c == asEBCDIC {
				x = ebcdic[x]
			}
			if x < 0x20 || x == 0x7F {
				odd++
			}
		}
		switch {
		case odd == 0 && df.digits == 0 && id >= 37 && id <= 42:
			return 0.8
		case odd == 0:
			return 0.4
		case odd*4 > len(v) && df.digits == 0:
			return -2
		case df.digits == 0:
			return -1
		}
		return -0.3
	case c == asHex:
		for _, x := range v {
			if unhex(x) > 15 {
				return -2
			}
		}
		return 0.5
	case df.tlv:
		for at := 0; ; {
			_, next, more, ok := nextTLV(v, at)
			if !ok {
				return -1
			}
			if !more {
				return 1
			}
			at = next
		}
	}
	return 0.1
}

// privateType says that a processing code has a letter in its transaction type, as hosts' own types have: digits follow.
func privateType(v []byte) bool {
	for i, x := range v {
		if (x < '0' || x > '9') && (i > 1 || x < 'A' || x > 'Z') {
			return false
		}
	}
	return len(v) == 6
}

// problem tells what is implausible about a value that could be read, in words.
func problem(df *def, v, mti string) Remark {
	digits := strings.Trim(v, "0123456789") == ""
	two := func(i int) int {
		if i+2 > len(v) {
			return -1
		}
		return int(v[i]-'0')*10 + int(v[i+1]-'0')
	}
	old := strings.HasPrefix(mti, "0")
	switch df.id {
	case 3, 4, 11, 25:
		if !digits && df.max <= 12 && !(df.id == 3 && privateType([]byte(v))) {
			return remark("problem.digits")
		}
	case 13, 15:
		if len(v) == 4 && old && v != "0000" && (!digits || two(0) < 1 || two(0) > 12 || two(2) < 1 || two(2) > 31) {
			return remark("problem.date")
		}
	case 12:
		if len(v) == 6 && (!digits || two(0) > 23 || two(2) > 59 || two(4) > 59) {
			return remark("problem.time")
		}
	case 49:
		if len(v) == 3 && digits && !currencies[[3]byte([]byte(v))] {
			return remark("problem.currency")
		}
	case 55:
		if df.coding == asBinary && df.tlv && v != "" && strings.Trim(v, "*") == "" {
			return remark("problem.chip")
		}
	}
	return Remark{}
}

// currencies are the numeric codes of ISO 4217, funds and test codes included.
var currencies = func() map[[3]byte]bool {
	const list = "008 012 032 036 044 048 050 051 052 060 064 068 072 084 090 096 104 108 116 124 132 136 144 152 156 170 174 188 191 192 203 208 214 222 230 232 238 242 " +
		"262 270 292 320 324 328 332 340 344 348 352 356 360 364 368 376 388 392 398 400 404 408 410 414 417 418 422 426 430 434 446 454 458 462 480 484 496 498 504 512 " +
		"516 524 532 533 548 554 558 566 578 586 590 598 600 604 608 634 643 646 654 682 690 694 702 704 706 710 728 748 752 756 760 764 776 780 784 788 800 807 818 826 " +
		"834 840 858 860 882 886 901 924 925 926 927 928 929 930 931 932 933 934 936 938 940 941 943 944 946 947 948 949 950 951 952 953 955 956 957 958 959 960 961 962 " +
		"963 964 965 967 968 969 970 971 972 973 975 976 977 978 979 980 981 984 985 986 990 994 997 999"
	m := map[[3]byte]bool{}
	for _, c := range strings.Fields(list) {
		m[[3]byte([]byte(c))] = true
	}
	return m
}()
