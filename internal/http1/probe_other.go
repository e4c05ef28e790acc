//go:build !unix

package http1

// supported says that a connection can be asked whether the server has closed
// it. Where it cannot, the other transport sends everything.
const supported = false

func (c *conn) prepareProbe() {}
