package diagnostics_test

import (
	"bytes"
	"cmp"
	"context"
	"encoding/gob"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/goccy/go-yaml"

	"tillscope/diagnostics"
	"tillscope/link"
	"tillscope/sim"
	"tillscope/wire"
)

// play is one run of the simulated store.
type play struct {
	scenario  string
	seed      int64
	terminals int
	dialect   string
	speed     float64
	length    time.Duration // of the wall's clock
}

func (p play) String() string {
	return fmt.Sprintf("%s-%d-%d-%s-%g-%v", filepath.Base(p.scenario), p.seed, p.terminals, cmp.Or(p.dialect, "cup"), p.speed, p.length)
}

// tape is what a play left: the events of the line, and what really happened. It is played to the diagnosis afterwards, as
// often as needed and always the same.
type tape struct {
	Play      string
	Scenario  string
	Causes    []string // that the scenario amounts to
	Speed     float64
	Info      link.Info
	Events    []link.Event
	Truth     []sim.Outcome
	Statement []byte
}

type closer struct{ bytes.Buffer }

func (closer) Close() error { return nil }

// record plays the store. Tapes are kept in the folder that TILLSCOPE_TAPES names, if any.
func record(p play) (*tape, error) {
	dir := os.Getenv("TILLSCOPE_TAPES")
	file := filepath.Join(dir, p.String()+".gob")
	if dir != "" {
		if f, err := os.Open(file); err == nil {
			defer f.Close()
			t := &tape{}
			return t, gob.NewDecoder(f).Decode(t)
		}
	}
	statement := &closer{}
	store, err := sim.New(sim.Options{Scenario: p.scenario, Seed: p.seed, Terminals: p.terminals, Dialect: p.dialect, Speed: p.speed})
	if err != nil {
		return nil, err
	}
	store.WriteStatement(statement)
	t := &tape{Play: p.String(), Scenario: p.scenario, Causes: store.Scenario().Causes(), Speed: p.speed, Info: store.Info()}
	ctx, cancel := context.WithTimeout(context.Background(), p.length)
	defer cancel()
	if err := store.Run(ctx, func(ev link.Event) { t.Events = append(t.Events, ev) }); err != nil {
		return nil, err
	}
	t.Truth, t.Statement = store.Truth(), statement.Bytes()
	if dir != "" {
		f, err := os.Create(file)
		if err != nil {
			return nil, err
		}
		defer f.Close()
		return t, gob.NewEncoder(f).Encode(t)
	}
	return t, nil
}

// recordAll plays several stores at once: they wait most of the time.
func recordAll(plays []play, each func(*tape)) error {
	var mu sync.Mutex
	var wg sync.WaitGroup
	var failed error
	slots := make(chan struct{}, 10)
	for _, p := range plays {
		wg.Add(1)
		slots <- struct{}{}
		go func() {
			defer wg.Done()
			t, err := record(p)
			<-slots
			mu.Lock()
			defer mu.Unlock()
			if err != nil {
				failed = fmt.Errorf("%s: %w", p, err)
				return
			}
			each(t)
		}()
	}
	wg.Wait()
	return failed
}

// score is how good the diagnosis was.
type score struct {
	runs, right     int
	affected        []int          // transactions that the fault had struck when it stood on top
	seconds         []float64      // of the shop's time since the first of them
	txns, txnsRight int            // transactions with the truth about them
	quiet           int            // runs without a fault
	alarms          []string       // of those
	both, bothRight int            // of runs with several faults
	calls           [11]calls      // by tenths of confidence
	confusion       map[string]int // "truth -> said"
	wrongCalls      map[string]int // the same, of causes that stood on top on the way
	byCause         map[string]*[2]int
	misjudged       map[string]int
}

// calls are causes that were named, on the way and at the end, at any rank and in runs of any kind: each once a run and tenth, since
// what is said again about the same evidence says nothing more about how well it is reckoned.
type calls struct {
	n, right int
	stated   float64 // sum
}

func newScore() *score {
	return &score{confusion: map[string]int{}, wrongCalls: map[string]int{}, byCause: map[string]*[2]int{}, misjudged: map[string]int{}}
}

// add counts what another score has.
func (s *score) add(o *score) {
	s.runs, s.right, s.txns, s.txnsRight, s.both, s.bothRight = s.runs+o.runs, s.right+o.right, s.txns+o.txns, s.txnsRight+o.txnsRight, s.both+o.both, s.bothRight+o.bothRight
	s.affected, s.seconds, s.alarms = append(s.affected, o.affected...), append(s.seconds, o.seconds...), append(s.alarms, o.alarms...)
	s.quiet += o.quiet
	for i := range o.calls {
		s.calls[i].n += o.calls[i].n
		s.calls[i].right += o.calls[i].right
		s.calls[i].stated += o.calls[i].stated
	}
	for _, m := range [...][2]map[string]int{{s.confusion, o.confusion}, {s.wrongCalls, o.wrongCalls}, {s.misjudged, o.misjudged}} {
		for k, n := range m[1] {
			m[0][k] += n
		}
	}
	for id, c := range o.byCause {
		if s.byCause[id] == nil {
			s.byCause[id] = &[2]int{}
		}
		s.byCause[id][0] += c[0]
		s.byCause[id][1] += c[1]
	}
}

var accuse = map[string]bool{"balance.insufficient": false, "balance.account-status": false, "risk.limit": false, "risk.verification": false, "risk.blacklist": false, "bank.clearing-pending": false}

func accuses(cause string) bool {
	own, ok := accuse[cause]
	return !ok || own
}

// judge plays a tape to the diagnosis and compares.
func (s *score) judge(t *tape) error {
	o := diagnostics.Options{Info: t.Info, TimeScale: t.Speed}
	if err := withStatement(&o, t); err != nil {
		return err
	}
	session, err := diagnostics.NewSession(o)
	if err != nil {
		return err
	}
	struck := map[string]bool{} // transactions that a fault struck, by terminal and trace number
	truth := map[string]sim.Outcome{}
	for _, x := range t.Truth {
		truth[x.Terminal+x.STAN] = x
		if x.Cause != "" && slices.Contains(t.Causes, x.Cause) {
			struck[x.Terminal+x.STAN] = true
		}
	}
	healthy, single := len(t.Causes) == 0 || t.Scenario == "noisy", len(t.Causes) == 1 && t.Scenario != "noisy"
	seen, checked := 0, 0
	var first, at time.Time
	done := false
	known := map[int]bool{}
	type claim struct {
		cause string
		tenth int
	}
	claimed := map[claim]bool{}
	count := func(sn *diagnostics.Snapshot) {
		for _, c := range sn.Causes {
			made := claim{c.ID, tenth(c.Confidence)}
			if !accuses(c.ID) || claimed[made] {
				continue
			}
			claimed[made] = true
			right := !healthy && slices.Contains(t.Causes, c.ID)
			s.call(c.Confidence, right)
			if !right {
				s.wrongCalls[fmt.Sprintf("%.2f of %s: %s", c.Confidence, t.Play, c.ID)]++
			}
		}
	}
	looks := 0
	look := func() {
		if looks++; !single && looks%sometimes != 0 {
			return
		}
		sn := session.Snapshot()
		count(sn)
		for i := len(sn.Transactions) - 1; i >= 0 && i >= len(sn.Transactions)-40; i-- {
			x := sn.Transactions[i]
			if struck[x.Terminal+x.STAN] && !known[x.N] {
				known[x.N] = true
				if seen++; seen == 1 {
					first = at
				}
			}
		}
		if !single || seen == 0 || seen == checked && done {
			return
		}
		checked = seen
		if len(sn.Causes) > 0 && accuses(sn.Causes[0].ID) {
			if sn.Causes[0].ID == t.Causes[0] && !done {
				done = true
				s.affected = append(s.affected, seen)
				s.seconds = append(s.seconds, at.Sub(first).Seconds()*t.Speed)
			}
		} else if len(sn.Causes) > 0 && sn.Causes[0].ID == t.Causes[0] && !done {
			done = true
			s.affected = append(s.affected, seen)
			s.seconds = append(s.seconds, at.Sub(first).Seconds()*t.Speed)
		}
	}
	for i, ev := range t.Events {
		for gap := ev.At.Sub(at); i > 0 && gap > 20*time.Millisecond; gap -= 20 * time.Millisecond {
			at = at.Add(20 * time.Millisecond)
			session.Tick(at)
		}
		at = ev.At
		session.Handle(ev)
		if ev.Kind == link.Data || ev.Kind == link.Reset {
			look()
		}
	}
	session.End(nil)
	sn := session.Snapshot()
	count(sn)
	top := "none"
	var accused []string
	for _, c := range sn.Causes {
		if accuses(c.ID) {
			accused = append(accused, c.ID)
		}
	}
	if len(sn.Causes) > 0 {
		top = sn.Causes[0].ID
	}
	switch {
	case healthy:
		s.quiet++
		if len(accused) > 0 {
			s.alarms = append(s.alarms, t.Play+": "+strings.Join(accused, " "))
		}
	case single:
		s.runs++
		c := s.byCause[t.Causes[0]]
		if c == nil {
			c = &[2]int{}
			s.byCause[t.Causes[0]] = c
		}
		c[1]++
		if top == t.Causes[0] {
			s.right++
			c[0]++
		} else {
			s.misjudged[fmt.Sprintf("%s: says %s, then %s", t.Play, top, strings.Join(accused, " "))]++
		}
		s.confusion[t.Causes[0]+" -> "+top]++
		for _, a := range accused {
			if a != t.Causes[0] && a != top {
				s.confusion[t.Causes[0]+" -> also "+a]++
			}
		}
	default:
		s.both++
		all := true
		for _, want := range t.Causes {
			all = all && slices.ContainsFunc(sn.Causes, func(c diagnostics.Cause) bool { return c.ID == want })
		}
		if all {
			s.bothRight++
		} else {
			s.misjudged[fmt.Sprintf("%s: wants %v, says %v", t.Play, t.Causes, accused)]++
		}
	}
	for _, x := range sn.Transactions {
		want, ok := truth[x.Terminal+x.STAN]
		if !ok || x.Type == "signon" || x.Type == "settlement" || x.Type == "upload" || x.Type == "management" || x.Type == "echo" || x.Type == "reversal" {
			continue
		}
		said := x.Cause
		through := x.ResponseCode == "00" && x.Arrived != "no"
		if said == "bank.clearing-pending" && want.Cause != said && through {
			said = ""
		}
		wanted := want.Cause
		// What went through in the end has arrived, as far as the line goes, whatever it met on the way.
		if through && !strings.HasPrefix(wanted, "risk.payout") && wanted != "bank.account-info" && said == "" {
			wanted = ""
		}
		s.txns++
		if said == wanted {
			s.txnsRight++
		} else {
			s.confusion[fmt.Sprintf("transaction of %s: %s (%s) -> %s [%s %s]", filepath.Base(t.Scenario), cmp.Or(want.Cause, "none"), strings.Join(want.Faults, "+"), cmp.Or(said, "none"), x.Type, x.ResponseCode)]++
		}
	}
	return nil
}

// sometimes is how many events pass between two looks at what is named on the way, in runs where nothing else asks for more.
const sometimes = 20

// tenth is the bin of a confidence: 0.9 is from 0.85 up to 0.95.
func tenth(confidence float64) int { return min(int(confidence*10+0.5), 10) }

func (s *score) call(confidence float64, right bool) {
	c := &s.calls[tenth(confidence)]
	c.n++
	c.stated += confidence
	if right {
		c.right++
	}
}

func (s *score) print(w func(string, ...any)) {
	w("top cause right in %d of %d single-fault runs", s.right, s.runs)
	for _, id := range slices.Sorted(keys(s.byCause)) {
		if c := s.byCause[id]; c[0] < c[1] {
			w("  %s: %d of %d", id, c[0], c[1])
		}
	}
	w("all faults found in %d of %d mixed runs", s.bothRight, s.both)
	w("cause right of %d of %d transactions (%.1f %%)", s.txnsRight, s.txns, 100*float64(s.txnsRight)/float64(max(s.txns, 1)))
	w("false alarms: %d in %d runs without a fault", len(s.alarms), s.quiet)
	for _, a := range s.alarms {
		w("  %s", a)
	}
	if n := len(s.affected); n > 0 {
		slices.Sort(s.affected)
		slices.Sort(s.seconds)
		w("on top after %d struck transactions (median), %d (90 %%); %.0f s of the shop's time (median)", s.affected[n/2], s.affected[n*9/10], s.seconds[n/2])
	}
	w("confidence of causes named, each once a run and bin -> right:")
	for i, c := range s.calls {
		if n := float64(c.n); c.n > 0 {
			w("  %.2f to %.2f: stated %.3f on average, right %.3f of %d", max(float64(i)/10-0.05, 0), min(float64(i)/10+0.05, 1), c.stated/n, float64(c.right)/n, c.n)
		}
	}
	for _, k := range slices.Sorted(keys(s.wrongCalls)) {
		w("  %4d on the way %s", s.wrongCalls[k], k)
	}
	for _, k := range slices.Sorted(keys(s.misjudged)) {
		w("  %s", k)
	}
	for _, k := range slices.Sorted(keys(s.confusion)) {
		if from, to, _ := strings.Cut(k, " -> "); from != to {
			w("  %4d %s", s.confusion[k], k)
		}
	}
}

func keys[V any](m map[string]V) func(func(string) bool) {
	return func(yield func(string) bool) {
		for k := range m {
			if !yield(k) {
				return
			}
		}
	}
}

// moreQuiet is how many further plays a seed has of each store without a fault: an alarm there is the worst mistake, and rare.
const moreQuiet = 2.35

// plays are all scenarios over some seeds, with other numbers of terminals and other dialects.
func plays(first, last int) (out []play) {
	for seed := first; seed <= last; seed++ {
		for _, sc := range sim.Scenarios() {
			p := play{scenario: sc.ID, seed: int64(seed), speed: 5, length: 10 * time.Second}
			switch seed % 4 {
			case 2:
				p.terminals = max(sc.Terminals, 3) + 3
			case 3:
				p.dialect = "iso87-ascii"
			case 0:
				p.terminals = 8
			}
			out = append(out, p)
		}
	}
	return out
}

// quietPlays are further stores without a fault, over all dialects and from one terminal to a dozen.
func quietPlays(first, last int) (out []play) {
	var quiet []string
	for _, sc := range sim.Scenarios() {
		if len(sc.Faults) == 0 || sc.ID == "noisy" {
			quiet = append(quiet, sc.ID)
		}
	}
	dialects := wire.Dialects()
	for i := int(moreQuiet * float64(first-1)); i < int(moreQuiet*float64(last)); i++ {
		for _, id := range quiet {
			out = append(out, play{scenario: id, seed: int64(1000 + i), speed: 5, length: 10 * time.Second, terminals: 1 + i*5%12, dialect: dialects[i%len(dialects)]})
		}
	}
	return out
}

// slowed says that a machine that was busy made answers late, which is no wrong call, and whatever follows from it is none.
func (s *score) slowed() bool {
	for said := range s.wrongCalls {
		if strings.HasSuffix(said, ": data.slow") {
			return true
		}
	}
	return false
}

// TestAccuracy plays every scenario once and fails when the diagnosis has become worse. A machine that is busy makes answers
// late by itself, and what is named then is true: a play that is misjudged gets another, at a slower pace.
func TestAccuracy(t *testing.T) {
	if testing.Short() {
		t.Skip("plays the store for half a minute")
	}
	var all []play
	for _, p := range plays(1, 1) {
		p.length = 4 * time.Second
		all = append(all, p)
	}
	good := newScore()
	for pace := 10.0; len(all) > 0; pace /= 2 {
		var again []play
		for i := range all {
			all[i].speed = pace
		}
		err := recordAll(all, func(x *tape) {
			s := newScore()
			if err := s.judge(x); err != nil {
				t.Errorf("%s: %v", x.Play, err)
			}
			if s.right == s.runs && s.bothRight == s.both && len(s.alarms) == 0 && s.txnsRight*100 >= s.txns*85 {
				if !s.slowed() {
					good.add(s)
				}
				return
			}
			if pace > 2.5 {
				again = append(again, play{scenario: x.Scenario, seed: int64(20 - pace), length: time.Duration(60/pace) * time.Second})
				return
			}
			s.print(t.Logf)
			t.Errorf("%s is misjudged", x.Play)
		})
		if err != nil {
			t.Fatal(err)
		}
		all = again
	}
	// What is stated as sure, on the way to a right end, has to be right nearly always: less is far beyond chance.
	if sure := good.calls[10]; sure.right*5 < sure.n*4 {
		good.print(t.Logf)
		t.Errorf("of %d causes that were named with a confidence of 0.95 and more, %d were right", sure.n, sure.right)
	}
}

// pairs are stores in which two things are wrong at once, of kinds that do not keep each other from showing.
func pairs(dir string, first, last int) (out []play, err error) {
	byID := map[string]sim.Scenario{}
	for _, sc := range sim.Scenarios() {
		byID[sc.ID] = sc
	}
	for _, two := range [][2]string{{"network.unstable", "bank.issuer-down"}, {"hardware.comm-module", "balance.insufficient"}, {"data.lost", "hardware.card-reader"},
		{"data.slow", "bank.issuer-down"}, {"operation.parameters", "bank.issuer-down"}, {"hardware.security-module", "network.unstable"},
		{"bank.maintenance", "hardware.card-reader"}, {"operation.not-signed-on", "bank.issuer-down"}, {"data.lost", "operation.parameters"}, {"risk.limit", "hardware.card-reader"}} {
		a, b := byID[two[0]], byID[two[1]]
		text, err := yaml.Marshal(map[string]any{"id": "pair", "title": map[string]string{"en": "pair"}, "terminals": 4, "faults": append(slices.Clone(a.Faults), b.Faults...)})
		if err != nil {
			return nil, err
		}
		file := filepath.Join(dir, "pair-"+two[0]+"+"+two[1]+".yaml")
		if err := os.WriteFile(file, text, 0o600); err != nil {
			return nil, err
		}
		for seed := first; seed <= last; seed++ {
			out = append(out, play{scenario: file, seed: int64(seed), speed: 5, length: 10 * time.Second})
		}
	}
	return out, nil
}

// BenchmarkAccuracy plays every scenario over the seeds that TILLSCOPE_SEEDS names, as in 20 or 11-20 (2), and prints how good
// the diagnosis was.
func BenchmarkAccuracy(b *testing.B) {
	first, last := 1, 2
	if v := os.Getenv("TILLSCOPE_SEEDS"); v != "" {
		from, to, both := strings.Cut(v, "-")
		if !both {
			from, to = "1", v
		}
		if _, err := fmt.Sscan(from+" "+to, &first, &last); err != nil || first < 1 || last < first {
			b.Fatalf("TILLSCOPE_SEEDS is a number of seeds, or the first and the last as in 11-20, not %q", v)
		}
	}
	all := append(plays(first, last), quietPlays(first, last)...)
	two, err := pairs(b.TempDir(), (first+1)/2, max(last/2, 1))
	if err != nil {
		b.Fatal(err)
	}
	s := newScore()
	var mu sync.Mutex
	var tapes []*tape
	if err := recordAll(append(all, two...), func(t *tape) { mu.Lock(); tapes = append(tapes, t); mu.Unlock() }); err != nil {
		b.Fatal(err)
	}
	slots := make(chan struct{}, runtime.GOMAXPROCS(0))
	var work sync.WaitGroup
	for _, t := range tapes {
		slots <- struct{}{}
		work.Go(func() {
			defer func() { <-slots }()
			one := newScore()
			if err := one.judge(t); err != nil {
				b.Errorf("%s: %v", t.Play, err)
			}
			mu.Lock()
			defer mu.Unlock()
			s.add(one)
		})
	}
	work.Wait()
	s.print(func(format string, a ...any) { fmt.Printf(format+"\n", a...) })
	b.ReportMetric(100*float64(s.right)/float64(max(s.runs, 1)), "top-%")
	b.ReportMetric(100*float64(s.txnsRight)/float64(max(s.txns, 1)), "txn-%")
	b.ReportMetric(float64(len(s.alarms)), "alarms")
}

// withStatement gives the diagnosis the statement, where the scenario is about the payout.
func withStatement(o *diagnostics.Options, t *tape) (err error) {
	for _, id := range []string{"bank.account-info", "risk.payout-hold", "bank.clearing-pending"} {
		if slices.Contains(t.Causes, id) {
			o.Statement, err = diagnostics.ReadStatement("statement.csv", bytes.NewReader(t.Statement), nil, nil)
		}
	}
	return err
}
