//go:build !linux

package link

import (
	"context"
	"fmt"
	"runtime"
)

type ring struct{}

func (c *Capture) open() error {
	if runtime.GOOS == "windows" {
		return fmt.Errorf(`capturing on an interface works on Linux: here, pipe a capture in, as in "C:\Program Files\Wireshark\dumpcap.exe" -i %d -w - -f "tcp" | tillscope open -`, c.iface.Index)
	}
	return fmt.Errorf("capturing on an interface works on Linux: here, pipe a capture in, as in `sudo tcpdump -i %s -U -w - tcp | tillscope open -`", c.iface.Name)
}

// Run is never reached: there is no capture here.
func (c *Capture) Run(context.Context, func(Event)) error { return c.open() }
