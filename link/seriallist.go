package link

import (
	"cmp"
	"runtime"
	"slices"
	"strings"
)

// SerialPort is a port of this system. What is known of a USB adapter is empty for other ports.
type SerialPort struct {
	Name         string `json:"name"`
	USB          string `json:"usb,omitempty"` // vendor and product, as in 067B:2303
	Product      string `json:"product,omitempty"`
	Manufacturer string `json:"manufacturer,omitempty"`
	Serial       string `json:"serial,omitempty"`
}

// SerialPorts lists the ports of this system by name. Pseudo terminals are none.
func SerialPorts() ([]SerialPort, error) {
	ports, err := systemPorts()
	ports = slices.DeleteFunc(ports, func(p SerialPort) bool {
		// Of the two names of a port on macOS, tty.* waits for a carrier before it opens.
		return p.Name == "" || runtime.GOOS == "darwin" && !strings.HasPrefix(p.Name, "/dev/cu.")
	})
	slices.SortFunc(ports, func(a, b SerialPort) int {
		return cmp.Or(cmp.Compare(len(a.Name), len(b.Name)), cmp.Compare(a.Name, b.Name))
	})
	return ports, err
}
