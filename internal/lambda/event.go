package lambda

import (
	"net/http"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// An event is what this package reads of the events of every front door. The
// names that two of them share mean the same in both; door tells which one it
// is, and with that which of the members count.
type event struct {
	// Function URL and HTTP API, payload format 2.0.
	Version        string   `json:"version"`
	RouteKey       string   `json:"routeKey"`
	RawPath        string   `json:"rawPath"`
	RawQueryString string   `json:"rawQueryString"`
	Cookies        []string `json:"cookies"`

	// REST API and load balancer.
	HTTPMethod  string `json:"httpMethod"`
	Resource    string `json:"resource"`
	Path        string `json:"path"`
	Query       pairs  `json:"queryStringParameters"`
	MultiQuery  pairs  `json:"multiValueQueryStringParameters"`
	MultiHeader fields `json:"multiValueHeaders"`

	Header          fields         `json:"headers"`
	PathParameters  pairs          `json:"pathParameters"`
	Body            text           `json:"body"`
	IsBase64Encoded bool           `json:"isBase64Encoded"`
	RequestContext  requestContext `json:"requestContext"`
}

type requestContext struct {
	RequestID    string `json:"requestId"`
	APIID        string `json:"apiId"`
	DomainName   string `json:"domainName"`
	DomainPrefix string `json:"domainPrefix"`
	Stage        string `json:"stage"`
	ResourcePath string `json:"resourcePath"`
	ELB          given  `json:"elb"`
	HTTP         struct {
		Method   string `json:"method"`
		SourceIP string `json:"sourceIp"`
	} `json:"http"`
	Identity struct {
		SourceIP string `json:"sourceIp"`
	} `json:"identity"`
	Authorizer struct {
		IAM given `json:"iam"`
	} `json:"authorizer"`
}

// parse reads an event. It fails when payload is not strict JSON, when a member
// is not what its name promises, and when no front door made it.
func (e *event) parse(payload []byte) (*door, error) {
	if err := json.Unmarshal(payload, e); err != nil {
		if jsontext.Value(payload).IsValid() {
			if kind := known(payload); kind != "" {
				return nil, &EventError{Kind: kind}
			}
		}
		return nil, &EventError{Err: err}
	}
	d := e.door()
	if d == nil {
		return nil, &EventError{Kind: describe(payload)}
	}
	return d, nil
}

// header returns the headers of the request. Where the event has them both
// ways, those with repeats are complete.
func (e *event) header() http.Header {
	switch {
	case e.MultiHeader.header != nil:
		return e.MultiHeader.header
	case e.Header.header != nil:
		return e.Header.header
	}
	return http.Header{}
}
