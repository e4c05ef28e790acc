package lambda

import (
	"fmt"
	"net/http"

	"github.com/mcpengine/mcpengine/internal/jsonrpc"
)

// An event has the members that this package reads, of all front ends. A member
// that two front ends have means the same in both. The method frontEnd tells
// which front end made the event, and so which members count.
type event struct {
	// Function URL and HTTP API, payload format 2.0.
	Version        string
	RouteKey       string
	RawPath        string
	RawQueryString string
	Cookies        []string

	// REST API and load balancer.
	HTTPMethod  string
	Resource    string
	Path        string
	Query       pairs
	MultiQuery  pairs
	MultiHeader fields

	Header          fields
	PathParameters  pairs
	Body            []byte
	IsBase64Encoded bool
	RequestContext  requestContext
}

type requestContext struct {
	RequestID    string
	APIID        string
	DomainName   string
	DomainPrefix string
	Stage        string
	ResourcePath string
	ELB          bool // whether the member exists, here and in Authorizer
	HTTP         struct{ Method, SourceIP string }
	Identity     struct{ SourceIP string }
	Authorizer   struct{ IAM bool }
}

// parse reads an event. It fails when payload is not strict JSON, when a member
// has the wrong type, and when no front end made the event.
func (e *event) parse(payload []byte) (*frontEnd, error) {
	members, err := jsonrpc.ParseObject(payload)
	for _, m := range members {
		if err == nil {
			if err = e.read(string(m.Name), m.Value); err != nil {
				err = fmt.Errorf("%.64s: %w", m.Name, err)
			}
		}
	}
	if err != nil {
		if jsonrpc.Valid(payload) == nil {
			if kind := known(payload); kind != "" {
				return nil, &EventError{Kind: kind}
			}
		}
		return nil, &EventError{Err: err}
	}
	d := e.frontEnd()
	if d == nil {
		return nil, &EventError{Kind: describe(payload)}
	}
	return d, nil
}

func (e *event) read(name string, value []byte) error {
	switch name {
	case "version":
		return readString(&e.Version, value)
	case "routeKey":
		return readString(&e.RouteKey, value)
	case "rawPath":
		return readString(&e.RawPath, value)
	case "rawQueryString":
		return readString(&e.RawQueryString, value)
	case "cookies":
		return eachString(value, func(cookie string) error {
			e.Cookies = append(e.Cookies, cookie)
			return nil
		})
	case "httpMethod":
		return readString(&e.HTTPMethod, value)
	case "resource":
		return readString(&e.Resource, value)
	case "path":
		return readString(&e.Path, value)
	case "queryStringParameters":
		return e.Query.read(value, oneString)
	case "multiValueQueryStringParameters":
		return e.MultiQuery.read(value, eachString)
	case "multiValueHeaders":
		return e.MultiHeader.read(value, eachString)
	case "headers":
		return e.Header.read(value, oneString)
	case "pathParameters":
		return e.PathParameters.read(value, oneString)
	case "body":
		return readText(&e.Body, value)
	case "isBase64Encoded":
		return readBool(&e.IsBase64Encoded, value)
	case "requestContext":
		return eachMember(value, e.RequestContext.read)
	}
	return nil
}

func (c *requestContext) read(name, value []byte) error {
	switch string(name) {
	case "requestId":
		return readString(&c.RequestID, value)
	case "apiId":
		return readString(&c.APIID, value)
	case "domainName":
		return readString(&c.DomainName, value)
	case "domainPrefix":
		return readString(&c.DomainPrefix, value)
	case "stage":
		return readString(&c.Stage, value)
	case "resourcePath":
		return readString(&c.ResourcePath, value)
	case "elb":
		c.ELB = !isNull(value)
	case "http":
		return eachMember(value, func(name, value []byte) error {
			switch string(name) {
			case "method":
				return readString(&c.HTTP.Method, value)
			case "sourceIp":
				return readString(&c.HTTP.SourceIP, value)
			}
			return nil
		})
	case "identity":
		return eachMember(value, func(name, value []byte) error {
			if string(name) == "sourceIp" {
				return readString(&c.Identity.SourceIP, value)
			}
			return nil
		})
	case "authorizer":
		return eachMember(value, func(name, value []byte) error {
			if string(name) == "iam" {
				c.Authorizer.IAM = !isNull(value)
			}
			return nil
		})
	}
	return nil
}

// header returns the headers of the request. When the event has them in both
// forms, only the multi-value form is complete.
func (e *event) header() http.Header {
	switch {
	case e.MultiHeader.header != nil:
		return e.MultiHeader.header
	case e.Header.header != nil:
		return e.Header.header
	}
	return http.Header{}
}
