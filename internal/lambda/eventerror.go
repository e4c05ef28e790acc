package lambda

import (
	"bytes"
	"fmt"
	"strings"

	"github.com/mcpengine/mcpengine/internal/jsonrpc"
)

// An EventError says why an event is not an HTTP request.
//
// It fails the invocation and is not answered as HTTP: a sender that is not a
// front end, such as a queue, would take an HTTP answer for success.
type EventError struct {
	Kind string // a description of an event that no front end made
	Err  error  // the error in an event of a front end
}

func (e *EventError) Error() string {
	if e.Err != nil {
		return "read the event: " + e.Err.Error()
	}
	return "the event is " + e.Kind + ", not an HTTP request: connect a Function URL, an API Gateway or a load balancer"
}

// Unwrap returns e.Err.
func (e *EventError) Unwrap() error { return e.Err }

// Bounds of the description of an unknown event: the number of members, and the
// length of each.
const (
	maxShown     = 6
	maxShownSize = 64
)

// describe describes an event that no front end made.
func describe(payload []byte) string {
	if kind := known(payload); kind != "" {
		return kind
	}
	members, err := jsonrpc.ParseObject(payload)
	if err != nil || len(members) == 0 {
		return "an empty object"
	}
	var names []string
	for _, m := range members {
		if len(names) == maxShown {
			names = append(names, "…")
			break
		}
		if len(m.Name) <= maxShownSize {
			names = append(names, string(jsonrpc.AppendString(nil, m.Name)))
		}
	}
	return "an object with the members " + strings.Join(names, ", ")
}

// known names the events of other services, and JSON that is not an event. It
// returns "" for an unknown event.
func known(payload []byte) string {
	payload = bytes.TrimLeft(payload, " \t\r\n")
	switch payload[0] {
	case '{':
	case '[':
		return "a JSON array"
	case '"':
		return "a JSON string"
	case 't', 'f':
		return "a JSON boolean"
	case 'n':
		return "null"
	default:
		return "a JSON number"
	}
	e, err := jsonrpc.ParseObject(payload)
	if err != nil {
		return ""
	}
	// A value that cannot be read is not named.
	records, _ := jsonrpc.ParseArray(e.Get("Records"))
	requestContext, _ := jsonrpc.ParseObject(e.Get("requestContext"))
	switch {
	case len(records) > 0:
		return recordKind(records[0])
	case e.Get("detail-type") != nil:
		return fmt.Sprintf("an EventBridge event (%s from %s)", shown(e.Get("detail-type")), shown(e.Get("source")))
	case requestContext.Get("connectionId") != nil:
		return "one of a WebSocket API"
	case requestContext.Get("serviceArn") != nil:
		return "one of VPC Lattice"
	case e.Get("methodArn") != nil:
		return "a question to an authorizer"
	}
	return ""
}

// recordKind names the service that sent a batch of records. SNS spells the
// member its own way.
func recordKind(record []byte) string {
	// A value that cannot be read is not named.
	members, _ := jsonrpc.ParseObject(record)
	source := members.Get("eventSource")
	if source == nil {
		source = members.Get("EventSource")
	}
	if source == nil {
		return "a batch of records"
	}
	return "a batch of records from " + shown(source)
}

// shown returns a short value unchanged. Values may be secrets, so it is only
// called for values that name a service.
func shown(v []byte) string {
	if len(v) == 0 || v[0] != '"' || len(v) > maxShownSize {
		return "an unknown source"
	}
	return string(v)
}
