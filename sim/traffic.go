package sim

import (
	"cmp"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"io"
	"math/rand/v2"
	"net/netip"
	"strconv"
	"strings"
	"time"

	"github.com/moov-io/iso8583"

	"tillscope/link"
	"tillscope/wire"
)

// Traffic is a capture of a healthy shop's day, as large as one likes: what readers and benchmarks are measured with. It
// does not fail on demand, as a Store does; what happens to its segments is in Mishaps.
type Traffic struct {
	Dialect     string  // cup or iso87-ascii
	Messages    int     // requests and responses
	Connections int     // that stand at the same time, each of its own terminal
	PerConn     int     // exchanges after which a terminal connects again, 0 for never
	Rate        float64 // requests a second, of capture time
	Seed        int64
	Mishaps     link.Mishaps
}

// trafficHost is the acquirer, of a documentation net.
var trafficHost = netip.MustParseAddrPort("198.51.100.10:8583")

// trafficStart is when the capture begins: a fixed day, so that the same seed gives the same file.
var trafficStart = time.Date(2026, 3, 2, 1, 0, 0, 0, time.UTC)

// mix is what terminals say, in percent.
var mix = []struct {
	mti   string
	share int
}{{"0200", 82}, {"0800", 10}, {"0400", 5}, {"0500", 3}}

// models is how many exchanges are packed; all others are copies of one of them with other numbers.
const models = 1024

// till is a terminal of the made traffic.
type till struct {
	conn    *link.ForgedConn
	address netip.AddrPort
	id      string
	stan    int
	left    int    // exchanges until it connects again
	last    *model // the reversal of the latest sale, nil when it was reversed
	sold    int    // the STAN of that sale
	ready   time.Time
}

// Write writes the capture as pcap.
func (t Traffic) Write(w io.Writer) error {
	if t.Messages < 2 || t.Connections < 1 || t.PerConn < 0 || t.Rate <= 0 {
		return fmt.Errorf("traffic needs two messages, a connection and a rate above 0")
	}
	rng := rand.New(rand.NewPCG(uint64(t.Seed), 1987))
	kinds, err := t.models(rng)
	if err != nil {
		return err
	}
	f := link.NewForge(w, t.Seed, t.Mishaps)
	tills := make([]*till, min(t.Connections, t.Messages/2))
	for i := range tills {
		ip := netip.AddrFrom4([4]byte{10, byte(i >> 16), byte(i >> 8), byte(i)})
		tills[i] = &till{address: netip.AddrPortFrom(ip, 40000), id: fmt.Sprintf("T%07d", 1+i), ready: trafficStart, left: t.PerConn}
	}
	at, step := trafficStart, time.Duration(float64(time.Second)/t.Rate)
	for n := 0; n+1 < t.Messages; {
		if err := f.Until(at); err != nil {
			return err
		}
		at = at.Add(step)
		s := tills[rng.IntN(len(tills))]
		if s.ready.After(at) {
			continue // it still waits for an answer
		}
		both := rng.IntN(25) == 0 && n+3 < t.Messages // 4 % of sends carry two requests
		n += s.exchange(f, at, rng, kinds, both, t.PerConn)
	}
	for _, s := range tills {
		if s.conn != nil {
			s.conn.Close(later(s.ready, at))
		}
	}
	return f.End()
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

// exchange sends one request or two and their answers.
func (s *till) exchange(f *link.Forge, at time.Time, rng *rand.Rand, kinds map[string][]*model, both bool, perConn int) (messages int) {
	if s.conn == nil {
		s.conn = f.Connect(at, s.address, trafficHost)
		at = at.Add(time.Millisecond)
	}
	var requests, responses []byte
	for range 1 + btoi(both) {
		mti := "0800" // a terminal signs on first
		for roll, i := rng.IntN(100), 0; s.stan > 0; i++ {
			if roll -= mix[i].share; roll < 0 {
				mti = mix[i].mti
				break
			}
		}
		if mti == "0400" && s.last == nil {
			continue // nothing to reverse yet
		}
		m, stan := s.last, s.sold
		if mti == "0400" {
			s.last = nil
		} else {
			s.stan = s.stan%999999 + 1
			m, stan = kinds[mti][rng.IntN(len(kinds[mti]))], s.stan
			if mti == "0200" {
				s.last, s.sold = m.reversal, stan
			}
		}
		requests = m.request.fill(requests, s.id, stan, at)
		responses = m.response.fill(responses, s.id, stan, at)
		messages += 2
	}
	if messages == 0 {
		return 0
	}
	arrived := s.conn.Send(at, link.ToHost, requests)
	thinks := time.Duration(20+rng.IntN(60)) * time.Millisecond
	s.ready = s.conn.Send(arrived.Add(thinks), link.ToTerminal, responses).Add(5 * time.Millisecond)
	if s.left--; s.left == 0 {
		s.conn.Close(s.ready)
		s.conn, s.left = nil, perConn
		s.ready = s.ready.Add(5 * time.Millisecond)
		s.address = netip.AddrPortFrom(s.address.Addr(), max(s.address.Port()+1, 20000))
	}
	return messages
}

func btoi(b bool) int {
	if b {
		return 1
	}
	return 0
}

// model is one exchange, packed once, and the reversal of it.
type model struct {
	request, response form
	reversal          *model
}

// form is a packed message and where the numbers stand that differ from one message to the next.
type form struct {
	frame                  []byte
	packed                 bool // digits are BCD
	stan, rrn, id, at, day int  // offsets, 0 where the message has none
}

// fill appends a copy of the form with its own numbers.
func (f *form) fill(to []byte, id string, stan int, at time.Time) []byte {
	from := len(to)
	to = append(to, f.frame...)
	b := to[from:]
	put := func(off, value, digits int, packed bool) {
		for i := digits - 1; off > 0 && i >= 0; i-- {
			d := byte(value % 10)
			value /= 10
			switch {
			case !packed:
				b[off+i] = '0' + d
			case i%2 == 1:
				b[off+i/2] = d
			default:
				b[off+i/2] |= d << 4
			}
		}
	}
	here := at.In(beijing)
	put(f.stan, stan, 6, f.packed)
	put(f.at, here.Hour()*10000+here.Minute()*100+here.Second(), 6, f.packed)
	put(f.day, int(here.Month())*100+here.Day(), 4, f.packed)
	put(f.rrn, here.YearDay()*1000000+stan, 12, false)
	if f.id > 0 {
		copy(b[f.id:], id)
	}
	return to
}

// models packs the exchanges that all traffic is made of.
func (t Traffic) models(rng *rand.Rand) (map[string][]*model, error) {
	spec, err := wire.Spec(t.Dialect)
	if err != nil {
		return nil, err
	}
	header := ""
	if t.Dialect == "cup" {
		header = tpduOut + cupHeader
	} else if t.Dialect != "iso87-ascii" {
		return nil, fmt.Errorf("traffic is made in cup and iso87-ascii, not in %s", t.Dialect)
	}
	p := packer{rng: rng, spec: spec, dialect: t.Dialect, header: header, cup: t.Dialect == "cup", cards: TestCards()}
	out := map[string][]*model{}
	for _, k := range mix {
		for range max(models*k.share/100, 1) {
			out[k.mti] = append(out[k.mti], p.exchange(k.mti))
		}
	}
	return out, p.err
}

// packer makes models.
type packer struct {
	rng             *rand.Rand
	spec            *iso8583.MessageSpec
	dialect, header string
	cup             bool
	cards           []Card
	err             error
}

// refusals are the response codes of cards that were declined; most are not.
var refusals = []string{"51", "55", "61", "05", "14"}

func (p *packer) exchange(mti string) *model {
	amount := fmt.Sprintf("%012d", 100+p.rng.IntN(500000))
	card := p.cards[p.rng.IntN(len(p.cards))]
	req := fields{11: "000000", 41: "T0000000", 42: "898310000000001"}
	if !p.cup {
		req[7] = "0302090000"
	}
	code := "00"
	switch mti {
	case "0200", "0400":
		req[2], req[3], req[4], req[22], req[25], req[49] = card.PAN, "000000", amount, "022", "00", "156"
		if !p.cup {
			req[12], req[13], req[18], req[32] = "090000", "0302", "5411", "48210000"
			req[43] = fmt.Sprintf("%-25s%-13s%s", "TEST MARKET "+strconv.Itoa(p.rng.IntN(100)), "SHANGHAI", "CN")
		}
		p.entry(req, card, amount)
		if mti == "0200" && p.rng.IntN(100) < 4 {
			code = refusals[p.rng.IntN(len(refusals))]
		}
		if p.cup {
			req[60] = "22" + "000001" + "000" + "50"
		}
	case "0800":
		if p.cup {
			req[60], req[63] = "00"+"000001"+"001", "01 "
		} else {
			req[70] = "001"
		}
	case "0500":
		if p.cup {
			req[48], req[49], req[60], req[63] = totals{debit: sum{int64(p.rng.IntN(1e8)), p.rng.IntN(300)}}.field48('0', '0'), "156", "00"+"000001"+"201", "01 "
		} else {
			req[15], req[74], req[76], req[86], req[88] = "0302", "0000000000", "0000000012", "0000000000000000", fmt.Sprintf("%016d", p.rng.IntN(1e8))
		}
	}
	res := fields{12: "090000", 13: "0302", 37: "000000000000", 39: code}
	for _, n := range []int{2, 3, 4, 7, 11, 25, 41, 42, 49, 60} {
		if v, ok := req[n]; ok {
			res[n] = v
		}
	}
	if mti == "0200" && code == "00" {
		res[38] = fmt.Sprintf("%06d", p.rng.IntN(1e6))
	}
	if v, ok := req[48]; ok && mti == "0500" {
		res[48] = v[:30] + "1" + v[31:61] + "1"
	}
	if mti == "0800" && p.cup {
		res[62] = string(p.bytes(24))
	}
	m := &model{request: p.form(mti, req, p.header), response: p.form(mti[:2]+"10", res, strings.Replace(p.header, tpduOut, tpduBack, 1))}
	if mti == "0200" {
		for _, n := range []int{35, 52, 53, 55} {
			delete(req, n)
		}
		req[39], res[39] = "98", "00"
		delete(res, 38)
		m.reversal = &model{request: p.form("0400", req, p.header), response: p.form("0410", res, strings.Replace(p.header, tpduOut, tpduBack, 1))}
	}
	return m
}

// entry is how the card was read: the stripe, or the chip, with a PIN or without.
func (p *packer) entry(req fields, card Card, amount string) {
	req[14], req[35] = card.Expiry, card.Track2
	if p.rng.IntN(100) < 25 {
		req[22] = "021"
		req[26], req[52], req[53] = "12", string(p.bytes(8)), "2600000000000000"
	}
	if p.rng.IntN(100) < 75 {
		req[22] = "05" + req[22][2:]
		req[23] = "001"
		var b strings.Builder
		for _, e := range [][2]string{{"9F26", hex.EncodeToString(p.bytes(8))}, {"9F27", "80"}, {"9F10", issuerData}, {"9F37", hex.EncodeToString(p.bytes(4))},
			{"9F36", fmt.Sprintf("%04X", p.rng.IntN(65536))}, {"95", "0000040000"}, {"9A", "260302"}, {"9C", "00"}, {"9F02", amount}, {"5F2A", "0156"}, {"82", "7C00"},
			{"9F1A", "0156"}, {"9F03", "000000000000"}, {"9F33", "E0F8C8"}, {"9F34", "420300"}, {"9F35", "22"}, {"84", "A000000333010101"}, {"9F09", "0020"}} {
			b.WriteString(tlv(e[0], e[1]))
		}
		req[55] = b.String()
		if !p.cup {
			req[55] = strings.ToUpper(hex.EncodeToString([]byte(req[55]))) // it is text there
		}
	}
	if p.cup {
		req[64] = string(p.bytes(8)) // nobody on the line has the key to check it
	}
}

func (p *packer) bytes(n int) []byte {
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(p.rng.Uint32())
	}
	return b
}

// form packs a message and finds its numbers.
func (p *packer) form(mti string, f fields, header string) form {
	if p.err != nil {
		return form{}
	}
	out := iso8583.NewMessage(p.spec)
	out.MTI(mti)
	for n, v := range f {
		if err := put(out, n, v); err != nil {
			p.err = cmp.Or(p.err, fmt.Errorf("field %d of %s: %w", n, mti, err))
			return form{}
		}
	}
	body, err := out.Pack()
	if err != nil {
		p.err = fmt.Errorf("cannot pack %s: %w", mti, err)
		return form{}
	}
	b := binary.BigEndian.AppendUint16(nil, uint16(len(header)+len(body)))
	b = append(append(b, header...), body...)
	headerID := "none"
	if header != "" {
		headerID = "tpdu+cup"
	}
	m, _, err := wire.Decode(b, wire.Options{Framing: "len2", Header: headerID, Dialect: p.dialect})
	if err == nil && (m.Stop != nil || m.Trailing != 0) {
		err = fmt.Errorf("a packed %s does not decode to its end: %+v", mti, m.Stop)
	}
	if err != nil {
		p.err = err
		return form{}
	}
	fm := form{frame: b, packed: p.cup}
	for _, x := range m.Fields() {
		switch x.ID {
		case "11":
			fm.stan = x.Offset
		case "12":
			fm.at = x.Offset
		case "13":
			fm.day = x.Offset
		case "37":
			fm.rrn = x.Offset
		case "41":
			fm.id = x.Offset
		}
	}
	return fm
}
