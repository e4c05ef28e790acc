//go:build unix

package http1

import "syscall"

// supported says that a connection can be asked whether the server has closed
// it. Where it cannot, the other transport sends everything.
const supported = true

// prepareProbe makes the function that asks. Made once, it costs nothing later.
func (c *conn) prepareProbe() {
	s, ok := c.Conn.(syscall.Conn)
	if !ok {
		return
	}
	raw, err := s.SyscallConn()
	if err != nil {
		return
	}
	c.raw = raw
	c.probe = func(fd uintptr) bool {
		// Anything but "nothing to read yet" means that it is of no use: a byte
		// would be the beginning of a response that nobody asked for.
		_, err := syscall.Read(int(fd), c.unread[:])
		c.quiet = err == syscall.EAGAIN || err == syscall.EWOULDBLOCK
		return true
	}
}
