package link

import (
	"cmp"
	"fmt"
	"os"
	"os/user"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
)

// NoPorts is what to do when a system shows no serial port.
const NoPorts = "plug the adapter in and look at the end of `sudo dmesg`: it names the new port (ttyUSB0, ttyACM0), or why there is none"

// byID is where the system names USB ports by maker, product and serial number.
var byID = "/dev/serial/by-id"

// rememberPort gives the name of a port at any later time. A USB adapter that is plugged in again may get another number;
// its serial number stays.
func rememberPort(name string) func() string {
	there := func() string { return name }
	real, err := filepath.EvalSymlinks(name)
	if err != nil || real != filepath.Clean(name) { // a symbolic link is a lasting name by itself
		return there
	}
	ids, _ := filepath.Glob(filepath.Join(byID, "*"))
	for _, id := range ids {
		if target, err := filepath.EvalSymlinks(id); err == nil && target == real {
			return func() string {
				if now, err := filepath.EvalSymlinks(id); err == nil {
					return now
				}
				return name
			}
		}
	}
	return there
}

// permissionFix is the command that lets this user open a port.
func permissionFix(name string) string {
	info, err := os.Stat(name)
	if err != nil {
		return "its folder cannot be read; start it as root with sudo"
	}
	st, ok := info.Sys().(*syscall.Stat_t)
	if !ok || info.Mode().Perm()&0o060 != 0o060 || st.Gid == 0 {
		return fmt.Sprintf("it is for its owner only (%s); `sudo chmod a+rw %s` opens it until it is plugged in again", info.Mode().Perm(), name)
	}
	group := strconv.Itoa(int(st.Gid))
	if g, err := user.LookupGroupId(group); err == nil {
		group = g.Name
	}
	if me, err := user.Current(); err == nil {
		if ids, err := me.GroupIds(); err == nil && slices.Contains(ids, strconv.Itoa(int(st.Gid))) {
			return fmt.Sprintf("you belong to its group %s, but this session began before that; log out and in again, or run `newgrp %s`", group, group)
		}
	}
	return fmt.Sprintf("it belongs to the group %s; run `sudo usermod -aG %s %s`, then log out and in again", group, group, "$USER")
}

// whoHas names the program that has a port open, as far as this user may see.
func whoHas(name string) string {
	real, err := filepath.EvalSymlinks(name)
	if err != nil {
		return ""
	}
	open, _ := filepath.Glob("/proc/[0-9]*/fd/*")
	for _, fd := range open {
		if target, err := os.Readlink(fd); err == nil && target == real {
			pid := strings.Split(fd, "/")[2]
			program, _ := os.ReadFile(filepath.Join("/proc", pid, "comm"))
			return fmt.Sprintf(" by %s (process %s)", cmp.Or(strings.TrimSpace(string(program)), "a program"), pid)
		}
	}
	return ""
}
