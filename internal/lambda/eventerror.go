package lambda

import (
	"bytes"
	"fmt"
	"strings"

	"github.com/mcpengine/mcpengine/internal/jsonrpc"
)

// An EventError says why an event is not an HTTP request.
//
// It fails the invocation instead of being answered as HTTP: whoever sent the
// event, such as a queue, would take that answer for success.
type EventError struct {
	Kind string // what the event is, in words, when no front end made it
	Err  error  // what is wrong with the event otherwise
}

func (e *EventError) Error() string {
	if e.Err != nil {
		return "read the event: " + e.Err.Error()
	}
	return "the event is " + e.Kind + ", not an HTTP request: connect a Function URL, an API Gateway or a load balancer"
}

// Unwrap returns e.Err.
func (e *EventError) Unwrap() error { return e.Err }

// Bounds of what is shown of an unknown event: members, and the length of each.
const (
	maxShown     = 6
	maxShownSize = 64
)

// describe says in words what an event is that no front end made.
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

// known names the events of other services, and JSON that is no event at all.
// It returns "" for what it does not know.
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
	// What cannot be read is not named.
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
	// What cannot be read is not named.
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

// shown returns a short value as it stands. Values may be secrets, so that only
// those are shown that name a service.
func shown(v []byte) string {
	if len(v) == 0 || v[0] != '"' || len(v) > maxShownSize {
		return "an unknown source"
	}
	return string(v)
}
