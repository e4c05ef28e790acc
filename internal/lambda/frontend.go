package lambda

import "strings"

// A frontEnd is one of the services that turn HTTP requests into events. They
// agree neither on the shape of the event nor on that of the answer.
type frontEnd struct {
	name    string
	shape   shape
	streams bool // when told to
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

// maxPayload is how much the answer of a buffered invocation may be, whatever
// is in front: a REST API would carry 10 MB, but Lambda hands it 6.
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
