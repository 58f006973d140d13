package link

import (
	"cmp"
	"fmt"
	"net"
	"net/netip"
	"os"
	"slices"
	"strings"
)

// Interface is a place where a line may be watched.
type Interface struct {
	Name      string   `json:"name"`
	State     string   `json:"state"` // up or down
	Loopback  bool     `json:"loopback"`
	Hardware  string   `json:"hardware,omitempty"` // the MAC address
	Addresses []string `json:"addresses"`
}

// Interfaces lists the network interfaces of this machine.
func Interfaces() ([]Interface, error) {
	all, err := net.Interfaces()
	if err != nil {
		return nil, fmt.Errorf("the interfaces of this machine cannot be listed: %w", err)
	}
	out := []Interface{}
	for _, i := range all {
		x := Interface{Name: i.Name, State: "down", Loopback: i.Flags&net.FlagLoopback != 0, Hardware: i.HardwareAddr.String(), Addresses: []string{}}
		if i.Flags&net.FlagUp != 0 {
			x.State = "up"
		}
		addrs, err := i.Addrs()
		if err != nil {
			return nil, fmt.Errorf("the addresses of %s cannot be listed: %w", i.Name, err)
		}
		for _, a := range addrs {
			x.Addresses = append(x.Addresses, a.String())
		}
		out = append(out, x)
	}
	return out, nil
}

// findInterface finds an interface that can be watched now.
func findInterface(name string) (*net.Interface, error) {
	i, err := net.InterfaceByName(name)
	if err != nil {
		all, lerr := Interfaces()
		if lerr != nil {
			return nil, lerr
		}
		var names []string
		for _, x := range all {
			names = append(names, x.Name+" ("+x.State+")")
		}
		return nil, fmt.Errorf("no interface %q: there are %s", name, strings.Join(names, ", "))
	}
	if i.Flags&net.FlagUp == 0 {
		return nil, fmt.Errorf("%s is down: bring it up, as in `sudo ip link set %s up`", name, name)
	}
	return i, nil
}

// Capture watches a line from beside it: what passes on a network interface of this machine, mirrored to it or its own.
type Capture struct {
	iface *net.Interface
	ports []uint16
	own   pair // the connection over which this program is used, which would show itself
	tally Tally
	ring  ring
}

// NewCapture begins to capture at once, the ports' TCP traffic or, without ports, all. It works on Linux, and needs the
// right to open raw sockets.
func NewCapture(name string, ports []uint16) (*Capture, error) {
	i, err := findInterface(name)
	if err != nil {
		return nil, err
	}
	c := &Capture{iface: i, ports: slices.Compact(slices.Sorted(slices.Values(ports))), own: sshConnection(os.Getenv("SSH_CONNECTION"))}
	if err := c.open(); err != nil {
		return nil, err
	}
	return c, nil
}

// Info describes the capture.
func (c *Capture) Info() Info {
	describe := c.iface.Name
	for i, p := range c.ports {
		describe += fmt.Sprintf("%s%d", map[bool]string{true: " port ", false: ", "}[i == 0], p)
	}
	return Info{Kind: "capture", Describe: describe}
}

// Notes tell, once Run has ended, what the capture missed and what the network did.
func (c *Capture) Notes() []string { return c.tally.Notes() }

// wanted says that a segment is one of those that were asked for: the kernel lets more through than that.
func (c *Capture) wanted(s *segment) bool {
	if len(c.ports) > 0 && !slices.Contains(c.ports, s.from.port) && !slices.Contains(c.ports, s.to.port) {
		return false
	}
	return c.own == (pair{}) || c.own != (pair{s.from, s.to}) && c.own != (pair{s.to, s.from})
}

// sshConnection reads the variable that sshd sets: client address and port, server address and port.
func sshConnection(v string) pair {
	f := strings.Fields(v)
	if len(f) != 4 {
		return pair{}
	}
	end := func(addr, port string) (e endpoint, err error) {
		a, err := netip.ParseAddr(addr)
		p, perr := net.LookupPort("tcp", port)
		return endpoint{a.WithZone("").As16(), uint16(p)}, cmp.Or(err, perr)
	}
	client, err := end(f[0], f[1])
	server, serr := end(f[2], f[3])
	if cmp.Or(err, serr) != nil {
		return pair{}
	}
	return pair{client, server}
}
