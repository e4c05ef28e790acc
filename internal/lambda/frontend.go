package lambda

import "strings"

// A frontEnd is one of the services that turn HTTP requests into events. Their
// events differ in shape, and so do the answers they expect.
type frontEnd struct {
	name    string
	shape   shape
	streams bool // it can be set to stream
	limit   int  // of a buffered answer, in bytes as encoded
}

// A shape is how an answer is laid out.
type shape uint8

const (
	// shapeCookies has single headers and a list of cookies.
	shapeCookies shape = iota
	// shapeBoth has single headers, and multiValueHeaders for repeated ones.
	shapeBoth
	// shapeStatus has a statusDescription, and headers or multiValueHeaders as
	// the event had.
	shapeStatus
)

// maxPayload bounds the answer of a buffered invocation, for every front end: a
// REST API would carry 10 MB, but Lambda only 6 MB.
const maxPayload = 6 << 20

// maxBalanced is the limit of a load balancer.
const maxBalanced = 1 << 20

var (
	functionURL = &frontEnd{"Function URL", shapeCookies, true, maxPayload}
	httpAPI     = &frontEnd{"HTTP API", shapeCookies, false, maxPayload}
	httpAPI1    = &frontEnd{"HTTP API, payload format 1.0", shapeBoth, false, maxPayload}
	restAPI     = &frontEnd{"REST API", shapeBoth, true, maxPayload}
	balancer    = &frontEnd{"load balancer", shapeStatus, false, maxBalanced}
)

// frontEnd returns the front end that the event came through, or nil if it came
// from somewhere else.
func (e *event) frontEnd() *frontEnd {
	c := &e.RequestContext
	switch {
	case bool(c.ELB) && e.HTTPMethod != "":
		return balancer
	case e.Version == "2.0" && c.HTTP.Method != "":
		if strings.Contains(c.DomainName, ".lambda-url.") {
			return functionURL
		}
		return httpAPI
	case e.HTTPMethod != "" && c.ResourcePath != "":
		if e.Version == "1.0" {
			return httpAPI1
		}
		return restAPI
	}
	return nil
}
