package cli

import (
	"cmp"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"

	"github.com/goccy/go-yaml"

	"tillscope/link"
	"tillscope/sim"
	"tillscope/tui"
	"tillscope/wire"
)

// kind is a source that can be chosen on the screen.
type kind struct {
	tui.SourceKind
	open func(values map[string]string) (link.Source, error)
}

// kinds are all of them, with what was found on this machine.
func kinds() []kind {
	var scenarios []string
	for _, s := range sim.Scenarios() {
		scenarios = append(scenarios, s.ID)
	}
	captures, _ := filepath.Glob("*.pcap*")
	return []kind{
		{tui.SourceKind{ID: "tap", Fields: []tui.SourceField{
			{ID: "listen", Value: "0.0.0.0:8583", Offers: listenAddresses(), Check: listenable},
			{ID: "upstream", Check: link.CheckHost}}},
			func(v map[string]string) (link.Source, error) {
				return link.NewTap(v["listen"], v["upstream"], link.TapOptions{})
			}},
		{tui.SourceKind{ID: "file", Fields: []tui.SourceField{{ID: "file", Offers: captures, Check: readable}}},
			func(v map[string]string) (link.Source, error) {
				return link.OpenFile(v["file"], plainMessages(wire.Options{}))
			}},
		{tui.SourceKind{ID: "capture", Fields: []tui.SourceField{{ID: "interface", Offers: interfaces(), Strict: true}, {ID: "port", Value: "8583", Check: ports}}},
			func(v map[string]string) (link.Source, error) {
				var wanted []uint16
				for _, p := range portList(v["port"]) {
					n, err := strconv.ParseUint(p, 10, 16)
					if err != nil {
						return nil, ports(v["port"])
					}
					wanted = append(wanted, uint16(n))
				}
				return link.NewCapture(v["interface"], wanted)
			}},
		{tui.SourceKind{ID: "serial", Fields: []tui.SourceField{{ID: "device", Offers: serialPorts(), Missing: noSerial(), Check: present}, {ID: "baud", Value: "auto", Check: speed}, {ID: "second"}, {ID: "far", Check: noneOr(link.CheckHost)}}},
			func(v map[string]string) (link.Source, error) {
				o, err := serialOptions(v["baud"], link.DefaultMode, wire.Options{})
				if err != nil {
					return nil, err
				}
				o.Port, o.Other, o.Host = v["device"], v["second"], v["far"]
				return link.NewSerial(o)
			}},
		{tui.SourceKind{ID: "sim", Fields: []tui.SourceField{{ID: "scenario", Offers: scenarios, Strict: true}}},
			func(v map[string]string) (link.Source, error) { return sim.New(sim.Options{Scenario: v["scenario"]}) }},
	}
}

// offered are the kinds as the screen offers them, those that were used before first.
func offered() []tui.SourceKind {
	var out []tui.SourceKind
	for _, r := range recalled() {
		var words []string
		for _, k := range kinds() {
			if k.ID == r.Kind {
				for _, f := range k.Fields {
					words = append(words, r.Values[f.ID])
				}
				out = append(out, tui.SourceKind{ID: r.Kind, Title: r.Kind + "  " + strings.Join(words, "  "), Values: r.Values})
			}
		}
	}
	for _, k := range kinds() {
		out = append(out, k.SourceKind)
	}
	return out
}

// openKind opens a source that was chosen on the screen. A line that is watched so lives as fast as life.
func openKind(id string, values map[string]string) (link.Source, float64, error) {
	for _, k := range kinds() {
		if k.ID == id {
			s, err := k.open(values)
			return s, 1, err
		}
	}
	return nil, 0, fmt.Errorf("no source %q", id)
}

// listenAddresses are the machine's own addresses with the usual port.
func listenAddresses() (out []string) {
	list, err := net.InterfaceAddrs()
	if err != nil {
		return nil
	}
	for _, a := range list {
		if n, ok := a.(*net.IPNet); ok && n.IP.To4() != nil {
			out = append(out, net.JoinHostPort(n.IP.String(), "8583"))
		}
	}
	return out
}

// interfaces are the names of those that are up, the loopback last.
func interfaces() (names []string) {
	all, err := link.Interfaces()
	if err != nil {
		return nil
	}
	slices.SortStableFunc(all, func(a, b link.Interface) int { return cmp.Compare(loops(a), loops(b)) })
	for _, i := range all {
		if i.State == "up" {
			names = append(names, i.Name)
		}
	}
	return names
}

func loops(i link.Interface) int {
	if i.Loopback {
		return 1
	}
	return 0
}

// serialPorts are the machine's own.
func serialPorts() (names []string) {
	all, err := link.SerialPorts()
	if err != nil {
		return nil
	}
	for _, p := range all {
		names = append(names, p.Name)
	}
	return names
}

// noSerial says why no port was found, where none was.
func noSerial() string {
	if len(serialPorts()) > 0 {
		return ""
	}
	return link.NoPorts
}

func present(s string) error {
	_, err := os.Stat(s)
	if err != nil && runtime.GOOS != "windows" { // there, ports are no files
		return fmt.Errorf("%s cannot be read: %w", s, err)
	}
	return nil
}

func speed(s string) error {
	_, err := serialOptions(s, link.DefaultMode, wire.Options{})
	return err
}

func noneOr(check func(string) error) func(string) error {
	return func(s string) error {
		if s == "" {
			return nil
		}
		return check(s)
	}
}

func portList(s string) []string {
	return strings.FieldsFunc(s, func(r rune) bool { return r == ' ' || r == ',' })
}

func ports(s string) error {
	for _, p := range portList(s) {
		if n, err := strconv.Atoi(p); err != nil || n < 1 || n > 65535 {
			return fmt.Errorf("%s is no port: write numbers from 1 to 65535, with blanks between", p)
		}
	}
	return nil
}

// listenable tries to listen, and says what keeps it from that.
func listenable(s string) error {
	l, err := link.Listen(s)
	if err != nil {
		return err
	}
	return l.Close()
}

func readable(s string) error {
	i, err := os.Stat(s)
	switch {
	case err != nil:
		return fmt.Errorf("%s cannot be read: %w", s, err)
	case i.IsDir():
		return fmt.Errorf("%s is a folder: name the capture in it", s)
	}
	f, err := os.Open(s)
	if err != nil {
		return fmt.Errorf("%w: `sudo chown $USER %s` makes it yours", err, s)
	}
	return f.Close()
}

// used is a source that was chosen before.
type used struct {
	Kind   string            `yaml:"kind"`
	Values map[string]string `yaml:"values"`
}

func recentFile() string { return filepath.Join(stateFolder(), "recent.yaml") }

// recalled are the sources used before, the latest first. A file that cannot be read is as good as none.
func recalled() (out []used) {
	if b, err := os.ReadFile(recentFile()); err == nil && yaml.Unmarshal(b, &out) != nil {
		return nil
	}
	return out
}

// remember puts a source before the others.
func remember(kind string, values map[string]string) error {
	const most = 5
	now := used{kind, values}
	same := func(u used) bool { return u.Kind == kind && fmt.Sprint(u.Values) == fmt.Sprint(values) }
	list := append([]used{now}, slices.DeleteFunc(recalled(), same)...)
	b, err := yaml.Marshal(list[:min(len(list), most)])
	if err != nil {
		return err
	}
	if err := os.MkdirAll(stateFolder(), 0o700); err != nil {
		return err
	}
	return os.WriteFile(recentFile(), b, 0o600)
}
