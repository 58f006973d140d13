package link

import (
	"net"
	"time"

	"golang.org/x/sys/unix"
)

// inspect asks Linux about a connection (TCP_INFO). Kernels before 4.19 do not count the bytes of retransmissions.
func inspect(c *net.TCPConn) (s socket) {
	raw, err := c.SyscallConn()
	if err != nil {
		return s
	}
	_ = raw.Control(func(fd uintptr) {
		i, err := unix.GetsockoptTCPInfo(int(fd), unix.IPPROTO_TCP, unix.TCP_INFO)
		if err != nil {
			return
		}
		s.again, s.againBytes, s.repeats = uint64(i.Total_retrans), i.Bytes_retrans, int(i.Retransmits)
		if i.Unacked > 0 {
			s.unacked = time.Duration(i.Last_ack_recv) * time.Millisecond
		}
		s.unsent = i.Notsent_bytes > 0 && i.Unacked == 0
	})
	return s
}
