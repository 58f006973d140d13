package link

import (
	"go.bug.st/serial"
	"go.bug.st/serial/enumerator"
)

func systemPorts() ([]SerialPort, error) {
	names, err := serial.GetPortsList()
	if err != nil || len(names) == 0 {
		return nil, err
	}
	// Details fail as a whole when one port is half gone; its name is good all the same.
	details, _ := enumerator.GetDetailedPortsList()
	out := make([]SerialPort, len(names))
	for i, name := range names {
		out[i].Name = name
		for _, d := range details {
			if d.Name == name && d.IsUSB {
				out[i] = SerialPort{name, d.VID + ":" + d.PID, d.Product, d.Manufacturer, d.SerialNumber}
			}
		}
	}
	return out, nil
}
