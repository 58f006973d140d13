//go:build !linux

package link

import "net"

// inspect learns nothing where the system does not tell: retransmissions, closed windows and peers that acknowledge
// nothing are not seen then before a write blocks or the system gives up.
func inspect(*net.TCPConn) (s socket) { return s }
