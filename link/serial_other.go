//go:build !linux

package link

import "runtime"

// NoPorts is what to do when a system shows no serial port.
var NoPorts = map[bool]string{
	true:  "plug the adapter in and look for its COM number in the Device Manager, under Ports (COM & LPT); one with a yellow mark lacks its driver",
	false: "plug the adapter in and look for its name with `ls /dev/cu.*`; one that does not come up lacks its driver",
}[runtime.GOOS == "windows"]

// rememberPort gives the name of a port at any later time. Here the system keeps an adapter's name: Windows its COM number,
// macOS one made of its serial number.
func rememberPort(name string) func() string { return func() string { return name } }

func permissionFix(name string) string {
	if runtime.GOOS == "windows" {
		return "start the terminal window as administrator, and see whether another program has it"
	}
	return "`sudo chmod a+rw " + name + "` opens it until it is plugged in again"
}

// whoHas cannot be told here: Windows refuses a port that is in use without a name.
func whoHas(string) string {
	if runtime.GOOS == "windows" {
		return " by another program (a COM port has one user at a time; the number is in the Device Manager)"
	}
	return " by another program (`lsof | grep cu.` names it)"
}
