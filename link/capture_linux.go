package link

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/gopacket/gopacket/afpacket"
	"github.com/gopacket/gopacket/layers"
	"golang.org/x/sys/unix"
)

// The ring that the kernel fills: 8 MiB, which is 200,000 messages a second for as long as this program is not asked.
const (
	ringBlock  = 256 << 10 // a block holds the largest packet that a card puts together
	ringBlocks = 32
	ringDelay  = 20 * time.Millisecond  // after which a block is handed over although it is not full
	ringWait   = 100 * time.Millisecond // how often the clock goes on without packets
	statsEvery = time.Second
)

type ring struct {
	packets *afpacket.TPacket
	lt      layers.LinkType
	promisc int // the socket that keeps the card listening to what is not for this machine
}

// hardware types of interfaces, as the kernel numbers them.
const (
	hardwareEthernet = 1
	hardwareLoopback = 772
	hardwareNone     = 65534 // tunnels: packets begin with IP
	hardwarePPP      = 512
	hardwareRaw      = 519
)

func (c *Capture) open() error {
	name := c.iface.Name
	text, err := os.ReadFile("/sys/class/net/" + name + "/type")
	if err != nil {
		return fmt.Errorf("what kind of interface %s is cannot be read: %w", name, err)
	}
	kind, _ := strconv.Atoi(strings.TrimSpace(string(text)))
	switch kind {
	case hardwareEthernet, hardwareLoopback:
		c.ring.lt = layers.LinkTypeEthernet
	case hardwareNone, hardwarePPP, hardwareRaw:
		c.ring.lt = layers.LinkTypeRaw
	default:
		return fmt.Errorf("%s is an interface of kind %d, which cannot be captured here: pipe a capture in, as in `sudo tcpdump -i %s -U -w - tcp | tillscope open -`", name, kind, name)
	}
	program, err := filter(c.ports, c.ring.lt == layers.LinkTypeEthernet, kind == hardwareLoopback)
	if err != nil {
		return err
	}
	t, err := afpacket.NewTPacket(afpacket.OptInterface(name), afpacket.OptFrameSize(4096), afpacket.OptBlockSize(ringBlock), afpacket.OptNumBlocks(ringBlocks),
		afpacket.OptBlockTimeout(ringDelay), afpacket.OptPollTimeout(ringWait), afpacket.TPacketVersion3)
	switch {
	case errors.Is(err, unix.EPERM) || errors.Is(err, unix.EACCES):
		return needsRight(name)
	case err != nil:
		return fmt.Errorf("%s cannot be captured: %w", name, err)
	}
	if err := t.SetBPF(program); err != nil {
		t.Close()
		return fmt.Errorf("the kernel does not take the filter for %s: %w", name, err)
	}
	// What came before the filter was there is let go, and counts nowhere.
	if err := t.InitSocketStats(); err != nil {
		t.Close()
		return fmt.Errorf("%s cannot be captured: %w", name, err)
	}
	c.ring.packets, c.ring.promisc = t, -1
	if kind == hardwareEthernet {
		c.ring.promisc = promiscuous(c.iface.Index)
	}
	return nil
}

// needsRight says how to get the right to capture.
func needsRight(name string) error {
	program, err := os.Executable()
	if err != nil {
		program = "$(which tillscope)"
	}
	return fmt.Errorf("capturing on %s needs the right to open raw sockets: give it once with `sudo setcap cap_net_raw+ep %s`, or run this with sudo, or pipe a capture in, as in `sudo tcpdump -i %s -U -w - tcp | tillscope open -`",
		name, program, name)
}

// promiscuous makes a card listen to what is not addressed to it, as on a mirrored port, for as long as the socket is
// open. Cards that cannot are captured without.
func promiscuous(index int) (fd int) {
	fd, err := unix.Socket(unix.AF_PACKET, unix.SOCK_RAW|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return -1
	}
	if err := unix.SetsockoptPacketMreq(fd, unix.SOL_PACKET, unix.PACKET_ADD_MEMBERSHIP, &unix.PacketMreq{Ifindex: int32(index), Type: unix.PACKET_MR_PROMISC}); err != nil {
		_ = unix.Close(fd)
		return -1
	}
	return fd
}

// Run captures until ctx ends.
func (c *Capture) Run(ctx context.Context, sink func(Event)) error {
	f := newFeed()
	return f.run(ctx, func() error { return c.capture(ctx, f) }, sink)
}

func (c *Capture) capture(ctx context.Context, f *feed) error {
	t := c.ring.packets
	defer func() {
		t.Close()
		if c.ring.promisc >= 0 {
			_ = unix.Close(c.ring.promisc)
		}
	}()
	p := newParser(&c.tally)
	a := newAssembler(&c.tally, c.ports, f.emit, f.data)
	checked, ended, failed := time.Now(), time.Time{}, 0
	for {
		if ctx.Err() != nil && ended.IsZero() {
			ended = time.Now() // what was captured until now still counts
		}
		b, ci, err := t.ZeroCopyReadPacketData()
		switch {
		case !ended.IsZero() && (err != nil || ci.Timestamp.After(ended)):
			c.count(f, ended)
			p.close()
			a.close(time.Second)
			return nil
		case errors.Is(err, afpacket.ErrTimeout):
			failed = 0
			a.tick(instant(time.Now().UnixNano()))
			f.flush()
		case errors.Is(err, unix.EINTR):
		case err != nil:
			i, ierr := net.InterfaceByIndex(c.iface.Index)
			if ierr != nil {
				return fmt.Errorf("the capture has ended: the interface %s is gone", c.iface.Name)
			}
			if failed++; i.Flags&net.FlagUp != 0 && failed > 50 {
				return fmt.Errorf("the capture has ended: %w", err)
			}
			time.Sleep(ringWait) // it is down, and the capture goes on when it is up again
			a.tick(instant(time.Now().UnixNano()))
			f.flush()
		default:
			failed = 0
			if p.packet(c.ring.lt, b, instant(ci.Timestamp.UnixNano())) && c.wanted(&p.segment) {
				a.segment(&p.segment)
			}
			if f.idle() {
				f.flush()
			}
		}
		if now := time.Now(); now.Sub(checked) >= statsEvery {
			checked = now
			c.count(f, now)
		}
	}
}

// count asks the kernel how many packets it had to drop, and tells it.
func (c *Capture) count(f *feed, now time.Time) {
	_, v3, err := c.ring.packets.SocketStats()
	if err != nil {
		return
	}
	if more := int(v3.Drops()) - c.tally.Dropped; more > 0 {
		c.tally.Dropped += more
		f.emit(Event{At: now, Kind: Gap, Count: more})
	}
}
