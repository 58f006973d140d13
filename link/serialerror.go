package link

import (
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"syscall"

	"go.bug.st/serial"
)

// explainOpen turns the refusal of a port into what failed, why, and what to do about it on this system.
func explainOpen(name string, m Mode, err error) error {
	var pe *serial.PortError
	code := serial.PortErrorCode(-1)
	if errors.As(err, &pe) {
		code = pe.Code()
	}
	switch {
	case code == serial.PermissionDenied || errors.Is(err, fs.ErrPermission):
		return fmt.Errorf("no permission for %s: %s", name, permissionFix(name))
	case code == serial.PortBusy || errors.Is(err, syscall.EBUSY):
		return fmt.Errorf("%s is in use%s: end the program that has it, then start again", name, whoHas(name))
	case code == serial.PortNotFound || errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ENXIO) || errors.Is(err, syscall.ENODEV):
		return fmt.Errorf("there is no port %s: %s", name, portsThere())
	case code == serial.InvalidSerialPort && strings.Contains(err.Error(), "stop bits"), code == serial.InvalidStopBits:
		return fmt.Errorf("%s cannot do %s stop bits on this system: take 1 or 2", name, m.StopBits)
	case code == serial.InvalidSerialPort && strings.Contains(err.Error(), "parity"), code == serial.InvalidParity:
		return fmt.Errorf("%s cannot do %s parity on this system: take none, odd or even", name, m.Parity)
	case code == serial.InvalidSerialPort && strings.Contains(err.Error(), "configuring"), code == serial.InvalidSpeed:
		return fmt.Errorf("%s cannot be set to %s (%w): take settings that the port can do, most often 9600 8N1", name, m, err)
	case code == serial.InvalidSerialPort || errors.Is(err, syscall.EISDIR) || errors.Is(err, syscall.ENOTTY):
		return fmt.Errorf("%s is no serial port: %s", name, portsThere())
	}
	return fmt.Errorf("%s cannot be opened: %w", name, err)
}

// portsThere names the ports of this system, to choose from.
func portsThere() string {
	ports, err := SerialPorts()
	if err != nil || len(ports) == 0 {
		return "this system shows none; " + NoPorts
	}
	names := make([]string, len(ports))
	for i, p := range ports {
		names[i] = p.Name
	}
	return "this system has " + strings.Join(names, ", ") + "; `tillscope serial --list` tells more"
}
