//go:build !linux

package mcpengine

import "net"

// refuseNew does nothing: this system closes a listener at once or not at all.
func refuseNew(net.Listener) {}
