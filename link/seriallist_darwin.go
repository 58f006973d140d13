package link

import "go.bug.st/serial"

// systemPorts lists names only: what is known of USB adapters needs cgo here, and their names hold the serial number.
func systemPorts() ([]SerialPort, error) {
	names, err := serial.GetPortsList()
	out := make([]SerialPort, len(names))
	for i, name := range names {
		out[i].Name = name
	}
	return out, err
}
