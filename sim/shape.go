package sim

import (
	"encoding/hex"
	"fmt"
	"maps"
	"strings"
	"time"
)

// beijing is the clock of every host of this line.
var beijing = time.FixedZone("CST", 8*3600)

const (
	acquirerID = "48210000"
	mcc        = "5411" // a grocery
	merchant   = "898310054110001"
)

// The dialects beside UnionPay's say the same with other message types and fields. shape and unshape translate; what a
// version has no place for stays in the private fields 60 to 63.

// types93 are the message types of 1993 and 2003 (behind the version's digit) that are not those of 1987.
var types93 = map[string]string{"400": "420", "410": "430", "500": "520", "510": "530", "800": "804", "810": "814", "820": "824", "830": "834"}

var types87 = inverse(types93)

func inverse(m map[string]string) map[string]string {
	out := map[string]string{}
	for k, v := range m {
		out[v] = k
	}
	return out
}

// actions are the action codes of ISO 8583:1993 by the response codes of 1987.
var actions = map[string]string{"00": "000", "01": "107", "02": "108", "03": "109", "04": "200", "05": "100", "06": "909", "07": "207", "09": "923", "10": "002",
	"11": "003", "12": "902", "13": "110", "14": "111", "15": "908", "19": "903", "20": "909", "21": "118", "22": "902", "23": "113", "25": "914", "30": "904", "33": "201",
	"34": "202", "35": "203", "36": "204", "37": "205", "38": "206", "40": "115", "41": "208", "43": "209", "45": "100", "51": "116", "52": "114", "54": "101",
	"55": "117", "56": "118", "57": "119", "58": "120", "59": "102", "60": "103", "61": "121", "62": "104", "63": "122", "65": "123", "66": "105", "68": "911",
	"75": "106", "77": "915", "90": "906", "91": "907", "92": "908", "94": "913", "95": "915", "96": "909", "97": "109", "98": "911", "99": "919", "A0": "916"}

var responses = map[string]string{"000": "00", "300": "00", "400": "00", "500": "00", "600": "00", "800": "00", "100": "05", "109": "03", "118": "56", "902": "12", "908": "92", "909": "96", "911": "98", "915": "77"}

func init() {
	for two, three := range actions {
		if _, said := responses[three]; !said {
			responses[three] = two
		}
	}
}

// reasons are the message reason codes of ISO 8583:1993 by the reversal reasons that field 39 gives on UnionPay's line.
var reasons = map[string]string{"98": "4021", "96": "4007", "A0": "4020", "06": "4002", "17": "4000"}

// shape gives a message the dialect's form.
func (c *codec) shape(m message) (mti string, f fields) {
	f = maps.Clone(m.f)
	if c.dialect == "cup" {
		return m.mti, f
	}
	now := m.at
	request := m.mti[2]%2 == 0
	delete(f, 53)
	f[7] = now.UTC().Format("0102150405")
	if v := f[62]; c.text62 && v != "" && m.mti[:2] == "08" && !strings.HasPrefix(v, "Sequence") {
		f[62] = strings.ToUpper(hex.EncodeToString([]byte(v)))
	}
	if c.text55 && f[55] != "" {
		f[55] = strings.ToUpper(hex.EncodeToString([]byte(f[55])))
	}
	if c.version == '0' {
		if request {
			f[12], f[13] = now.Format("150405"), now.Format("0102")
		}
		if f[4] != "" && request {
			f[18] = mcc
		}
		if m.mti[:2] == "08" {
			f[70] = net70(f[60])
		}
		if v := f[48]; m.mti == "0510" && len(v) == 62 {
			f[66] = string(max(v[30], v[61])) // the worse of both results
		}
		if m.orig != nil {
			f[90] = fmt.Sprintf("%s%s%s%011s%011d", m.orig.mti, m.orig.stan, m.orig.at.UTC().Format("0102150405"), acquirerID, 0)
		}
		return m.mti, f
	}
	class := m.mti[1:]
	if other, ok := types93[class]; ok {
		class = other
	}
	stampForm, day := "060102150405", "060102"
	if c.version == '2' {
		stampForm, day = "20060102150405", "20060102"
	}
	f[12] = now.Format(stampForm)
	delete(f, 13)
	if f[15] != "" {
		f[15] = now.Format(day)
	}
	if v := f[22]; v != "" {
		f[22] = posData(v, f[60])
		if c.version == '2' {
			f[22] += "0000"
		}
	}
	delete(f, 25)
	delete(f, 26)
	if request {
		f[24] = function(m.mti, f[60])
		if f[4] != "" {
			f[26] = mcc
		}
	}
	if m.mti[1] == '4' && request {
		f[25] = reasons[f[39]]
		delete(f, 39)
	}
	if v := f[39]; v != "" {
		f[39] = action(v, m.mti)
		if c.version == '2' { // four digits, the class in front
			f[39] = f[39][:1] + "0" + f[39][1:]
		}
	}
	if m.orig != nil {
		if o := "1" + m.orig.mti[1:]; c.version == '1' {
			f[56] = o + m.orig.stan + m.orig.at.Format(stampForm) + fmt.Sprintf("%02d", len(acquirerID)) + acquirerID
		} else {
			f[56] = "2" + m.orig.mti[1:] + "000000" + m.orig.stan + m.orig.at.Format(stampForm)
		}
	}
	if c.version == '2' {
		if v := f[4]; v != "" {
			f[4] = "1562" + v
		}
		if v := f[11]; v != "" {
			f[11] = "000000" + v
		}
		f[41] = fmt.Sprintf("%-16s", f[41])
		delete(f, 49)
	}
	return string(c.version) + class, f
}

// unshape takes the dialect's form away.
func (c *codec) unshape(mti string, f fields) message {
	if c.dialect == "cup" {
		return message{mti: mti, f: f}
	}
	if v := f[55]; v != "" && c.text55 {
		if b, err := hex.DecodeString(v); err == nil {
			f[55] = string(b)
		}
	}
	if c.version != '0' {
		class := mti[1:]
		if other, ok := types87[class]; ok {
			class = other
		}
		mti = "0" + class
		if v := f[41]; len(v) == 16 {
			f[41] = strings.TrimRight(v, " ")
		}
		if len(f[11]) == 12 {
			f[11] = f[11][6:]
		}
		if len(f[4]) == 16 {
			f[4], f[49] = f[4][4:], f[4][:3]
		}
		if v := f[22]; len(v) >= 12 {
			f[22] = entryMode(v)
		}
		if v := f[39]; v != "" {
			if len(v) == 4 {
				v = v[:1] + v[2:]
			}
			f[39] = response(v)
		}
		if class[0] == '4' && class[1] == '0' {
			for two, four := range reasons {
				if f[25] == four {
					f[39] = two
				}
			}
		}
	}
	if mti[:2] == "08" && c.text62 {
		if b, err := hex.DecodeString(f[62]); err == nil {
			f[62] = string(b)
		}
	}
	return message{mti: mti, f: f}
}

// action is the action code of an answer: approvals are told apart by what was approved.
func action(code, mti string) string {
	if code == "00" {
		switch mti[1] {
		case '3', '4', '5', '6', '8':
			return string(mti[1]) + "00"
		}
	}
	if a, ok := actions[code]; ok {
		return a
	}
	return "909"
}

// response is the response code for an action code. What has none of its own is told by its class alone: approved, refused,
// refused and the card kept, failed.
func response(action string) string {
	if two, ok := responses[action]; ok || action == "" {
		return two
	}
	switch action[0] {
	case '0':
		return "00"
	case '1':
		return "05"
	case '2':
		return "04"
	}
	return "96"
}

// net70 is the network management code of ISO 8583:1987 for UnionPay's.
func net70(f60 string) string {
	if len(f60) < 11 || strings.Trim(f60[8:11], "0123456789") != "" {
		return "001"
	}
	switch code := f60[8:11]; code {
	case "001", "003", "004", "401":
		return "001"
	default:
		return code
	}
}

// function is the function code of ISO 8583:1993.
func function(mti, f60 string) string {
	switch mti[1] {
	case '1':
		return "100"
	case '2':
		return "200"
	case '3':
		return "301"
	case '4':
		return "400"
	case '5':
		return "500"
	case '6':
		return "600"
	}
	switch net70(f60) {
	case "001":
		return "801"
	case "002":
		return "802"
	case "301":
		return "831"
	}
	return "803"
}

// posData is the point of service data code of ISO 8583:1993: twelve characters for what field 22 says in three.
func posData(f22, f60 string) string {
	can, mode, pin := "5", "1", "0" // what the terminal can read, what it did read, whether a PIN proves the holder
	if len(f60) >= 12 && f60[11] == '2' {
		can = "2"
	}
	switch f22[:2] {
	case "02":
		mode = "2"
	case "05":
		mode = "5"
	case "07":
		mode = "7"
	}
	if f22[2] == '1' {
		pin = "1"
	}
	return can + "1" + "0" + "1" + "0" + "1" + mode + pin + "3" + "0" + "4" + "C"
}

func entryMode(data string) string {
	mode := map[byte]string{'2': "02", '5': "05", '7': "07"}[data[6]]
	if mode == "" {
		mode = "01"
	}
	if data[7] == '1' {
		return mode + "1"
	}
	return mode + "2"
}
