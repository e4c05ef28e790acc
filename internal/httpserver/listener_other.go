//go:build !linux

package httpserver

import "net"

// refuseNew does nothing: this system closes a listener at once or not at all.
func refuseNew(net.Listener) {}
