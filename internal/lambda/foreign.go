package lambda

import (
	"fmt"
	"strings"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// An EventError says why an event is not an HTTP request.
//
// It fails the invocation instead of being answered as HTTP: whoever sent the
// event, such as a queue, would take that answer for success.
type EventError struct {
	Kind string // what the event is, in words, when no front door made it
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

// describe says in words what an event is that no front door made.
func describe(payload []byte) string {
	if kind := known(payload); kind != "" {
		return kind
	}
	var names memberNames
	if err := json.Unmarshal(payload, &names); err != nil || len(names) == 0 {
		return "an empty object"
	}
	return "an object with the members " + strings.Join(names, ", ")
}

// known names the events of other services, and JSON that is no event at all.
// It returns "" for what it does not know.
func known(payload []byte) string {
	switch jsontext.Value(payload).Kind() {
	case '{':
	case '[':
		return "a JSON array"
	case '"':
		return "a JSON string"
	case '0':
		return "a JSON number"
	case 't', 'f':
		return "a JSON boolean"
	default:
		return "null"
	}
	var e struct {
		Records    []jsontext.Value `json:"Records"`
		Source     jsontext.Value   `json:"source"`
		DetailType jsontext.Value   `json:"detail-type"`
		MethodARN  jsontext.Value   `json:"methodArn"`
		Context    struct {
			ConnectionID jsontext.Value `json:"connectionId"`
			ServiceARN   jsontext.Value `json:"serviceArn"`
		} `json:"requestContext"`
	}
	if err := json.Unmarshal(payload, &e); err != nil {
		return ""
	}
	switch {
	case len(e.Records) > 0:
		return recordKind(e.Records[0])
	case e.DetailType != nil:
		return fmt.Sprintf("an EventBridge event (%s from %s)", shown(e.DetailType), shown(e.Source))
	case e.Context.ConnectionID != nil:
		return "one of a WebSocket API"
	case e.Context.ServiceARN != nil:
		return "one of VPC Lattice"
	case e.MethodARN != nil:
		return "a question to an authorizer"
	}
	return ""
}

// recordKind names the service that sent a batch of records. SNS spells the
// member its own way.
func recordKind(record jsontext.Value) string {
	var r struct {
		Lower jsontext.Value `json:"eventSource"`
		Upper jsontext.Value `json:"EventSource"`
	}
	// What cannot be read is not named.
	_ = json.Unmarshal(record, &r)
	source := r.Lower
	if source == nil {
		source = r.Upper
	}
	if source == nil {
		return "a batch of records"
	}
	return "a batch of records from " + shown(source)
}

// shown returns a short value as it stands. Values may be secrets, so that only
// those are shown that name a service.
func shown(v jsontext.Value) string {
	if v.Kind() != '"' || len(v) > maxShownSize {
		return "an unknown source"
	}
	return string(v)
}

// memberNames are the first names of an object, quoted.
type memberNames []string

// UnmarshalJSONFrom reads the names and skips the values.
func (m *memberNames) UnmarshalJSONFrom(dec *jsontext.Decoder) error {
	if _, err := dec.ReadToken(); err != nil {
		return err
	}
	for dec.PeekKind() != '}' {
		name, err := dec.ReadValue()
		if err != nil {
			return err
		}
		switch {
		case len(*m) < maxShown && len(name) <= maxShownSize:
			*m = append(*m, string(name))
		case len(*m) == maxShown:
			*m = append(*m, "…")
		}
		if err := dec.SkipValue(); err != nil {
			return err
		}
	}
	_, err := dec.ReadToken()
	return err
}
