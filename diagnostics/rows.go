package diagnostics

import (
	"bytes"
	"cmp"
	"compress/flate"
	"encoding/binary"
	"io"
	"maps"
	"reflect"
	"slices"
	"sync"
	"time"

	"tillscope/wire"
)

// A row with its message takes some 700 bytes, and a screen keeps a hundred thousand of them. So only the newest rows
// stand as they are. Those behind them are packed: a run of rows becomes the few numbers that an entry is and the masked
// frames, compressed, about 50 bytes a row of generated traffic. Who scrolls back to them has them read again, from the same bytes and to the
// same message, some runs at a time.

// packRows is how many rows are packed at once, and read again at once when one of them is looked at.
const packRows = 256

// packLevel is how hard packs are compressed: they are an eighth smaller than at the least effort, and it costs no more. The next
// eighth would cost twice as much.
const packLevel = 3

// dataBlock is how many bytes stand in a block of packs. They go together, and one by one the allocator would round each of
// them up by an eighth.
const dataBlock = 256 << 10

// openPacks is how many runs stay unpacked: those that a screen shows, and those around them.
const openPacks = 6

// pack is a run of entries, packed. It is immutable: snapshots share it.
type pack struct {
	first int
	data  []byte          // compressed
	kept  []*wire.Message // messages that cannot be made from their bytes alone: the odd ones, of which few lines have many
	pairs map[int]int     // answers that came after it was packed, by entry
}

// Older are the rows of a snapshot before its Entries.
type Older struct {
	packs []*pack
	shelf *shelf
	own   map[*pack]bool // those that no snapshot has seen as they are: they may be changed
}

// first is the number of the oldest row, 0 when there is none.
func (o Older) first() int {
	if len(o.packs) == 0 {
		return 0
	}
	return o.packs[0].first
}

// at is the place of the pack that has entry n, -1 when it is no longer kept.
func (o Older) at(n int) int {
	if len(o.packs) == 0 || n < o.packs[0].first || n >= o.packs[0].first+len(o.packs)*packRows {
		return -1
	}
	return (n - o.packs[0].first) / packRows
}

// run are the rows that are packed together with entry n, nil when that is not kept.
func (o Older) run(n int) []*Entry {
	i := o.at(n)
	if i < 0 {
		return nil
	}
	p := o.packs[i]
	rows := o.shelf.open(p)
	if len(p.pairs) > 0 {
		rows = slices.Clone(rows)
		for n, pair := range p.pairs {
			e := *rows[n-p.first]
			e.Pair = pair
			rows[n-p.first] = &e
		}
	}
	return rows
}

// message is the message of entry n, nil when there is none or it is not kept.
func (o Older) message(n int) *wire.Message {
	if i := o.at(n); i >= 0 {
		return o.shelf.open(o.packs[i])[n-o.packs[i].first].Msg
	}
	return nil
}

// change notes what is new about a packed row: only its answer can be.
func (o *Older) change(n int, f func(*Entry)) {
	i := o.at(n)
	if i < 0 {
		return
	}
	var e Entry
	f(&e)
	p := o.packs[i]
	if !o.own[p] {
		if o.own == nil {
			o.own = map[*pack]bool{}
		}
		if len(o.own) == 0 {
			o.packs = slices.Clone(o.packs)
		}
		other := *p
		p = &other
		p.pairs = maps.Clone(p.pairs)
		o.packs[i], o.own[p] = p, true
	}
	if p.pairs == nil {
		p.pairs = map[int]int{}
	}
	p.pairs[n] = e.Pair
}

// share gives what snapshots may keep.
func (o *Older) share() Older {
	o.own = nil
	return *o
}

// Oldest is the number of the first row that is kept.
func (sn *Snapshot) Oldest() int {
	if n := sn.Older.first(); n > 0 {
		return n
	}
	return sn.FirstEntry
}

// OlderRuns are the numbers of the first rows of the runs in which rows before Entries are packed, the oldest first.
func (sn *Snapshot) OlderRuns() []int {
	out := make([]int, len(sn.Older.packs))
	for i, p := range sn.Older.packs {
		out[i] = p.first
	}
	return out
}

// OlderRun are the rows of the run that row n is packed in, nil when that is not packed. They are read together, some
// microseconds each.
func (sn *Snapshot) OlderRun(n int) []*Entry { return sn.Older.run(n) }

// Entry is a row by its number, nil when it is no longer kept.
func (sn *Snapshot) Entry(n int) *Entry {
	if i := n - sn.FirstEntry; i >= 0 {
		if i >= len(sn.Entries) {
			return nil
		}
		return sn.Entries[i]
	}
	if run := sn.Older.run(n); run != nil {
		return run[n-run[0].N]
	}
	return nil
}

// shelf packs and unpacks. A session and its snapshots share it.
type shelf struct {
	dialect  string // as the user said it, empty when it is detected
	mu       sync.Mutex
	forms    []form
	known    map[*wire.Form]int       // index of a form plus 1, 0 when messages of it cannot be made again
	controls map[string]*wire.Message // one of each
	opened   []openedPack             // the latest last
	plain    []byte                   // before it is compressed: room that the next pack takes again
	packed   bytes.Buffer
	data     []byte // the latest block of packs
	zip      *flate.Writer
	unzip    io.Reader
}

type openedPack struct {
	p    *pack
	rows []*Entry
}

// form reads messages from their masked bytes: a decoder that has nothing to find out.
type form struct{ stream *wire.Stream }

// again is the message of masked bytes, nil when they do not give just one.
func (f form) again(raw []byte) *wire.Message {
	list := f.stream.Write(raw)
	if len(list) != 1 {
		f.stream.Close()
		return nil
	}
	return list[0]
}

// formOf is the index plus 1 of the form by which a message can be made again, 0 when it cannot: it is tried, and what comes
// out otherwise stays as it is. Where fields were read as no dialect says, all messages of a form would.
func (s *shelf) formOf(m *wire.Message) int {
	if m.Stop != nil || m.Undecoded() || m.Trailing != 0 || m.Check != "" || m.Foreign != "" || m.Control != "" {
		return 0
	}
	at, known := s.known[m.Form]
	if known {
		if at > 0 && !same(m, s.forms[at-1].again([]byte(m.Raw()))) {
			return 0
		}
		return at
	}
	o := wire.Options{Framing: m.Framing, Header: m.Header, Dialect: cmp.Or(s.dialect, m.Dialect)}
	if d, err := wire.NewDecoder(o); err == nil {
		f := form{d.Stream(true)}
		if b := f.again([]byte(m.Raw())); same(m, b) && reflect.DeepEqual(m.Fields(), b.Fields()) {
			s.forms = append(s.forms, f)
			at = len(s.forms)
		}
	}
	if s.known == nil {
		s.known = map[*wire.Form]int{}
	}
	s.known[m.Form] = at
	return at
}

// same says that a message made again from a's bytes is read as a was: what was hidden is hidden, no more and no less.
// Damaged chip data are hidden as a whole, and look like none afterwards.
func same(a, b *wire.Message) bool {
	if b == nil || b.Stop != nil || b.Trailing != 0 || a.MTI != b.MTI || a.Raw() != b.Raw() {
		return false
	}
	for i := range a.Raw() { // one half of each byte: this is most of what packing costs
		if a.MaskedNibble(2*i) != b.MaskedNibble(2*i) {
			return false
		}
	}
	return true
}

// keep is a message that stands as it is. Bytes between frames are all alike.
func (s *shelf) keep(m *wire.Message) *wire.Message {
	if c := s.controls[m.Control]; c != nil {
		return c
	}
	c := m.Clone()
	if m.Control != "" {
		if s.controls == nil {
			s.controls = map[string]*wire.Message{}
		}
		s.controls[m.Control] = c
	}
	return c
}

// coder writes or reads the numbers and texts of entries: one listing serves both ways.
type coder struct {
	b       []byte
	reading bool
}

func num[T ~int | ~int64 | ~uint8](c *coder, v *T) {
	if !c.reading {
		c.b = binary.AppendVarint(c.b, int64(*v))
		return
	}
	n, size := binary.Varint(c.b)
	*v, c.b = T(n), c.b[max(size, 0):]
}

func (c *coder) text(s *string) {
	n := len(*s)
	if num(c, &n); !c.reading {
		c.b = append(c.b, *s...)
		return
	}
	n = min(n, len(c.b))
	*s, c.b = string(c.b[:n]), c.b[n:]
}

// entry is everything of a row but its number and its message. What grows with the traffic is written as what it is beyond the
// row before.
func (c *coder) entry(e *Entry, before *Entry) {
	at := before.At
	sec, nano, pair, txn, again := e.At.Unix()-at.Unix(), e.At.Nanosecond()-at.Nanosecond(), e.Pair, e.Txn-before.Txn, 0
	if e.Pair != 0 {
		pair -= e.N
	}
	if e.Again {
		again = 1
	}
	num(c, &sec)
	num(c, &nano)
	num(c, &e.Line)
	c.text(&e.Terminal)
	num(c, &e.Dir)
	num(c, &e.Kind)
	num(c, &pair)
	num(c, &e.Latency)
	num(c, &txn)
	c.text(&e.Note)
	num(c, &e.Took)
	num(c, &e.Lost)
	num(c, &e.Size)
	num(c, &e.Count)
	num(c, &again)
	if !c.reading {
		return
	}
	e.At, e.Txn, e.Again = time.Unix(at.Unix()+sec, int64(at.Nanosecond()+nano)), before.Txn+txn, again == 1
	if e.Pair = pair; pair != 0 {
		e.Pair += e.N
	}
}

// asKept stands where a row's message is the next of those that were kept. 0 is a row without a message, and what is above is
// the form of the bytes that follow.
const asKept = -1

// pack packs rows.
func (s *shelf) pack(rows []*Entry) *pack {
	s.mu.Lock()
	defer s.mu.Unlock()
	p := &pack{first: rows[0].N}
	c := coder{b: s.plain[:0]}
	before := &Entry{}
	for _, e := range rows {
		c.entry(e, before)
		before = e
		how := 0
		if e.Msg != nil {
			if how = s.formOf(e.Msg); how == 0 {
				how = asKept
				p.kept = append(p.kept, s.keep(e.Msg))
			}
		}
		if num(&c, &how); how > 0 {
			raw := e.Msg.Raw()
			c.text(&raw)
		}
	}
	s.packed.Reset()
	if s.zip == nil {
		s.zip, _ = flate.NewWriter(&s.packed, packLevel)
	} else {
		s.zip.Reset(&s.packed)
	}
	_, _ = s.zip.Write(c.b) // into memory: it cannot fail
	_ = s.zip.Close()
	s.plain = c.b
	if n := s.packed.Len(); n > cap(s.data)-len(s.data) {
		s.data = make([]byte, 0, max(dataBlock, n))
	}
	from := len(s.data)
	s.data = append(s.data, s.packed.Bytes()...)
	p.data = s.data[from:len(s.data):len(s.data)]
	return p
}

// open gives the rows of a pack, without the answers that came after it was packed.
func (s *shelf) open(p *pack) []*Entry {
	s.mu.Lock()
	defer s.mu.Unlock()
	if i := slices.IndexFunc(s.opened, func(o openedPack) bool { return o.p.first == p.first }); i >= 0 {
		o := s.opened[i]
		s.opened = append(slices.Delete(s.opened, i, i+1), o)
		return o.rows
	}
	rows := s.unpack(p)
	if len(s.opened) == openPacks {
		s.opened = slices.Delete(s.opened, 0, 1)
	}
	s.opened = append(s.opened, openedPack{p, rows})
	return rows
}

func (s *shelf) unpack(p *pack) []*Entry {
	if s.unzip == nil {
		s.unzip = flate.NewReader(bytes.NewReader(p.data))
	} else {
		_ = s.unzip.(flate.Resetter).Reset(bytes.NewReader(p.data), nil)
	}
	b, _ := io.ReadAll(s.unzip) // what this program packed a moment ago, in memory
	c := coder{b: b, reading: true}
	all := make([]Entry, packRows)
	rows := make([]*Entry, packRows)
	kept := p.kept
	before := &Entry{}
	for i := range all {
		e := &all[i]
		e.N, rows[i] = p.first+i, e
		c.entry(e, before)
		before = e
		var how int
		switch num(&c, &how); {
		case how == asKept:
			e.Msg, kept = kept[0], kept[1:]
		case how > 0:
			var raw string
			c.text(&raw)
			e.Msg = s.forms[how-1].again([]byte(raw))
		}
	}
	return rows
}
