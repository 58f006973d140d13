package link

import (
	"os"
	"path/filepath"
	"strings"
)

// sysTTY is where the kernel shows its ports.
var sysTTY = "/sys/class/tty"

// systemPorts reads what the kernel shows. It opens none of the ports: to open one raises its DTR, which resets some
// terminals, and sets its speed, which a console would not survive.
func systemPorts() ([]SerialPort, error) {
	found, err := os.ReadDir(sysTTY)
	if os.IsNotExist(err) {
		return nil, nil // a system without ports
	}
	var out []SerialPort
	for _, f := range found {
		at := filepath.Join(sysTTY, f.Name())
		device, err := filepath.EvalSymlinks(filepath.Join(at, "device"))
		if err != nil || attribute(at, "type") == "0" { // a pseudo terminal; a place for a port that was never filled
			continue
		}
		p := SerialPort{Name: "/dev/" + f.Name()}
		for ; len(device) > 1; device = filepath.Dir(device) {
			if vendor := attribute(device, "idVendor"); vendor != "" {
				p.USB = strings.ToUpper(vendor + ":" + attribute(device, "idProduct"))
				p.Product, p.Manufacturer, p.Serial = attribute(device, "product"), attribute(device, "manufacturer"), attribute(device, "serial")
				break
			}
		}
		out = append(out, p)
	}
	return out, err
}

// attribute is one line that the kernel tells of a device, empty when it tells none.
func attribute(device, name string) string {
	b, err := os.ReadFile(filepath.Join(device, name))
	if err != nil {
		return ""
	}
	return strings.TrimSpace(string(b))
}
