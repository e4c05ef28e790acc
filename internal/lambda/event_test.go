package lambda_test

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"maps"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/mcpengine/mcpengine/internal/lambda"
)

// A seen is a request as the handler sees it.
type seen struct {
	Method, URI, Path, Query, Host, RemoteAddr, Body string
	Header                                           http.Header
}

// see returns the request that the handler gets for an event.
func see(t *testing.T, config lambda.Config, event string) seen {
	t.Helper()
	var got *seen
	handler := http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			t.Errorf("read body: %v", err)
		}
		if r.ContentLength != int64(len(body)) {
			t.Errorf("ContentLength = %d, want %d", r.ContentLength, len(body))
		}
		got = &seen{r.Method, r.RequestURI, r.URL.Path, r.URL.RawQuery, r.Host, r.RemoteAddr, string(body), r.Header}
	})
	out, err := lambda.New(handler, config).Invoke(t.Context(), []byte(event))
	if err != nil {
		t.Fatalf("Invoke: %v", err)
	}
	if got == nil {
		t.Fatalf("the handler was not called: %s", out)
	}
	return *got
}

// functionURL returns an event of a Function URL. The given members replace its
// own.
func functionURL(t testing.TB, members string) string {
	return overlay(t, `{
		"version": "2.0", "routeKey": "$default", "rawPath": "/mcp", "rawQueryString": "",
		"headers": {"host": "abc.lambda-url.eu-west-1.on.aws", "content-type": "application/json"},
		"requestContext": {
			"accountId": "anonymous", "apiId": "abc", "domainPrefix": "abc", "stage": "$default",
			"domainName": "abc.lambda-url.eu-west-1.on.aws", "requestId": "url-1",
			"http": {"method": "POST", "path": "/mcp", "protocol": "HTTP/1.1", "sourceIp": "192.0.2.7"}
		},
		"body": "{}", "isBase64Encoded": false
	}`, members)
}

func httpAPI(t testing.TB, members string) string {
	return overlay(t, `{
		"version": "2.0", "routeKey": "$default", "rawPath": "/mcp", "rawQueryString": "",
		"headers": {"host": "api1.execute-api.eu-west-1.amazonaws.com"},
		"requestContext": {
			"apiId": "api1", "domainPrefix": "api1", "stage": "$default",
			"domainName": "api1.execute-api.eu-west-1.amazonaws.com", "requestId": "api-1",
			"http": {"method": "POST", "path": "/mcp", "sourceIp": "192.0.2.7"}
		},
		"body": "{}", "isBase64Encoded": false
	}`, members)
}

func restAPI(t testing.TB, members string) string {
	return overlay(t, `{
		"resource": "/{proxy+}", "path": "/mcp", "httpMethod": "POST",
		"headers": {"Host": "api2.execute-api.eu-west-1.amazonaws.com", "X-Tag": "b"},
		"multiValueHeaders": {"Host": ["api2.execute-api.eu-west-1.amazonaws.com"], "X-Tag": ["a", "b"]},
		"queryStringParameters": null, "multiValueQueryStringParameters": null,
		"pathParameters": {"proxy": "mcp"}, "stageVariables": null,
		"requestContext": {
			"resourcePath": "/{proxy+}", "httpMethod": "POST", "path": "/prod/mcp", "stage": "prod",
			"apiId": "api2", "domainPrefix": "api2", "requestId": "rest-1",
			"identity": {"sourceIp": "192.0.2.7", "userArn": null}
		},
		"body": null, "isBase64Encoded": false
	}`, members)
}

func balancer(t testing.TB, members string) string {
	return overlay(t, `{
		"requestContext": {"elb": {"targetGroupArn": "arn:aws:elasticloadbalancing:eu-west-1:1:targetgroup/t/1"}},
		"httpMethod": "POST", "path": "/mcp", "queryStringParameters": {},
		"headers": {"host": "lb.example", "x-forwarded-for": "192.0.2.7"},
		"body": "", "isBase64Encoded": false
	}`, members)
}

// overlay replaces members of a JSON object, one level deep in requestContext.
func overlay(t testing.TB, base, members string) string {
	t.Helper()
	var event, over map[string]any
	if err := json.Unmarshal([]byte(base), &event); err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal([]byte("{"+members+"}"), &over); err != nil {
		t.Fatal(err)
	}
	for name, value := range over {
		if name != "requestContext" {
			event[name] = value
			continue
		}
		maps.Copy(event["requestContext"].(map[string]any), value.(map[string]any))
	}
	text, err := json.Marshal(event)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func TestRequestOfEachFrontEnd(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name  string
		event string
		want  seen
	}{
		{
			name: "a Function URL keeps the query and splits cookies off",
			event: functionURL(t, `"rawQueryString": "a=1&a=2&b=x%20y&c=", "cookies": ["s=1", "t=2"],
				"queryStringParameters": {"a": "1,2", "b": "x y", "c": ""}, "body": "{\"a\":\"é\\n\"}"`),
			want: seen{
				Method: "POST", URI: "/mcp?a=1&a=2&b=x%20y&c=", Path: "/mcp", Query: "a=1&a=2&b=x%20y&c=",
				Host: "abc.lambda-url.eu-west-1.on.aws", RemoteAddr: "192.0.2.7:0", Body: `{"a":"é\n"}`,
				Header: http.Header{"Content-Type": {"application/json"}, "Cookie": {"s=1; t=2"}},
			},
		},
		{
			name:  "an HTTP API",
			event: httpAPI(t, `"headers": {"accept": "a,b", "mcp-name": "x", "x-tag": "1,2"}`),
			want: seen{
				Method: "POST", URI: "/mcp", Path: "/mcp", Host: "api1.execute-api.eu-west-1.amazonaws.com",
				RemoteAddr: "192.0.2.7:0", Body: "{}",
				Header: http.Header{"Accept": {"a,b"}, "Mcp-Name": {"x"}, "X-Tag": {"1,2"}},
			},
		},
		{
			name:  "a REST API repeats headers and decodes the query",
			event: restAPI(t, `"queryStringParameters": {"a": "x y"}, "multiValueQueryStringParameters": {"a": ["1&2", "x y"], "é": [""]}`),
			want: seen{
				Method: "POST", URI: "/mcp?a=1%262&a=x+y&%C3%A9=", Path: "/mcp", Query: "a=1%262&a=x+y&%C3%A9=",
				Host: "api2.execute-api.eu-west-1.amazonaws.com", RemoteAddr: "192.0.2.7:0",
				Header: http.Header{"X-Tag": {"a", "b"}},
			},
		},
		{
			name:  "a load balancer with single values leaves the query encoded",
			event: balancer(t, `"queryStringParameters": {"a": "x%20y", "b": ""}, "body": "hi"`),
			want: seen{
				Method: "POST", URI: "/mcp?a=x%20y&b=", Path: "/mcp", Query: "a=x%20y&b=",
				Host: "lb.example", RemoteAddr: "192.0.2.7:0", Body: "hi",
				Header: http.Header{"X-Forwarded-For": {"192.0.2.7"}},
			},
		},
		{
			name: "a load balancer with lists of values",
			event: `{"requestContext": {"elb": {}}, "httpMethod": "PUT", "path": "/a%20b", "multiValueQueryStringParameters": {"a": ["1", "%26"]},
				"multiValueHeaders": {"host": ["lb.example"], "x-tag": ["1", "2"], "x-forwarded-for": ["10.9.9.9, 2001:db8::1"]}, "body": "", "isBase64Encoded": false}`,
			want: seen{
				Method: "PUT", URI: "/a%20b?a=1&a=%26", Path: "/a b", Query: "a=1&a=%26",
				Host: "lb.example", RemoteAddr: "[2001:db8::1]:0",
				Header: http.Header{"X-Tag": {"1", "2"}, "X-Forwarded-For": {"10.9.9.9, 2001:db8::1"}},
			},
		},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			if diff := cmp.Diff(test.want, see(t, lambda.Config{}, test.event)); diff != "" {
				t.Errorf("request (-want +got):\n%s", diff)
			}
		})
	}
}

func TestBodyIsAbsentNullOrEmpty(t *testing.T) {
	t.Parallel()
	bare := strings.Replace(functionURL(t, ""), `"body":"{}",`, "", 1)
	if strings.Contains(bare, "body") {
		t.Fatal("the event still has a body")
	}
	for _, event := range []string{bare, functionURL(t, `"body": null`), functionURL(t, `"body": ""`), functionURL(t, `"body": "", "isBase64Encoded": true`)} {
		if got := see(t, lambda.Config{}, event).Body; got != "" {
			t.Errorf("body = %q, want none", got)
		}
	}
}

func TestPathBelongsToTheServer(t *testing.T) {
	t.Parallel()
	const custom = `"domainName": "mcp.example", "domainPrefix": "mcp"`
	tests := []struct{ name, event, want string }{
		{"HTTP API, named stage", httpAPI(t, `"rawPath": "/prod/mcp", "requestContext": {"stage": "prod"}`), "/mcp"},
		{"HTTP API, named stage alone", httpAPI(t, `"rawPath": "/prod", "requestContext": {"stage": "prod"}`), "/"},
		{"HTTP API, path that only starts like the stage", httpAPI(t, `"rawPath": "/production", "requestContext": {"stage": "prod"}`), "/production"},
		{"HTTP API, custom domain has no stage in the path", httpAPI(t, `"rawPath": "/mcp/mcp", "requestContext": {"stage": "mcp", `+custom+`}`), "/mcp/mcp"},
		{"HTTP API, custom domain with a base path", httpAPI(t, `"routeKey": "ANY /{proxy+}", "pathParameters": {"proxy": "mcp"}, "rawPath": "/v1/mcp", "requestContext": {"stage": "prod", `+custom+`}`), "/mcp"},
		{"HTTP API, route and named stage", httpAPI(t, `"routeKey": "POST /mcp", "rawPath": "/prod/mcp", "requestContext": {"stage": "prod"}`), "/mcp"},
		{"REST API", restAPI(t, ""), "/mcp"},
		{"REST API, custom domain with a base path", restAPI(t, `"path": "/v1/mcp", "requestContext": {`+custom+`}`), "/mcp"},
		{"REST API, deep", restAPI(t, `"path": "/v1/a/b/c", "resource": "/a/{proxy+}", "pathParameters": {"proxy": "b/c"}`), "/a/b/c"},
		{"REST API, fixed resource", restAPI(t, `"path": "/v1/mcp", "resource": "/mcp", "pathParameters": null`), "/mcp"},
		{"REST API, slash at the end", restAPI(t, `"path": "/v1/mcp/", "resource": "/mcp", "pathParameters": null`), "/mcp/"},
		{"REST API, root", restAPI(t, `"path": "/v1", "resource": "/", "pathParameters": null`), "/"},
		{"REST API, parameter missing", restAPI(t, `"path": "/v1/mcp", "pathParameters": null`), "/v1/mcp"},
		{"REST API, parameter elsewhere", restAPI(t, `"path": "/v1/mcp", "pathParameters": {"proxy": "other"}`), "/v1/mcp"},
		{"Function URL", functionURL(t, `"rawPath": "/prod/mcp", "requestContext": {"stage": "prod"}`), "/prod/mcp"},
		{"encoded", functionURL(t, `"rawPath": "/a%2Fb%20c"`), "/a/b c"},
		{"already decoded", functionURL(t, `"rawPath": "/100%"`), "/100%"},
		{"empty", functionURL(t, `"rawPath": ""`), "/"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			if got := see(t, lambda.Config{}, test.event).Path; got != test.want {
				t.Errorf("path = %q, want %q", got, test.want)
			}
		})
	}
}

func TestEncodedPathIsKept(t *testing.T) {
	t.Parallel()
	if got, want := see(t, lambda.Config{}, functionURL(t, `"rawPath": "/a%2Fb"`)).URI, "/a%2Fb"; got != want {
		t.Errorf("request URI = %q, want %q", got, want)
	}
}

func TestAuthorizationStandIn(t *testing.T) {
	t.Parallel()
	const (
		header = `"headers": {"x-mcp-authorization": "Bearer t", "authorization": "AWS4-HMAC-SHA256 x"}`
		iam    = `"requestContext": {"authorizer": {"iam": {"userId": "U"}}}`
	)
	config := lambda.Config{AuthorizationHeader: "x-mcp-authorization"}
	tests := []struct {
		name   string
		config lambda.Config
		event  string
		want   string
	}{
		{"with IAM it stands in", config, functionURL(t, header+","+iam), "Bearer t"},
		{"on an HTTP API too", config, httpAPI(t, header+","+iam), "Bearer t"},
		{"without IAM it is nothing", config, functionURL(t, header), "AWS4-HMAC-SHA256 x"},
		{"null is not IAM", config, functionURL(t, header+`, "requestContext": {"authorizer": {"iam": null}}`), "AWS4-HMAC-SHA256 x"},
		{"an authorizer of a REST API cannot pose as IAM", config, restAPI(t, `"multiValueHeaders": {"X-Mcp-Authorization": ["Bearer t"]},`+iam), ""},
		{"nothing is configured", lambda.Config{}, functionURL(t, header+","+iam), "AWS4-HMAC-SHA256 x"},
		{"the header is missing", config, functionURL(t, `"headers": {"authorization": "A"},`+iam), "A"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			got := see(t, test.config, test.event).Header
			if got.Get("Authorization") != test.want {
				t.Errorf("Authorization = %q, want %q", got.Get("Authorization"), test.want)
			}
			if test.want == "Bearer t" && got.Get("X-Mcp-Authorization") != "" {
				t.Error("the header that stands in is still there")
			}
		})
	}
}

func TestClientAddressBehindABalancer(t *testing.T) {
	t.Parallel()
	tests := []struct{ forwarded, want string }{
		{"192.0.2.7", "192.0.2.7:0"},
		{"203.0.113.66, 192.0.2.7", "192.0.2.7:0"}, // the client has sent the first one
		{"192.0.2.7:5123", "192.0.2.7:0"},
		{"[2001:db8::1]:5123", "[2001:db8::1]:0"},
		{"unknown", ""},
	}
	for _, test := range tests {
		event := balancer(t, `"headers": {"x-forwarded-for": "`+test.forwarded+`"}`)
		if got := see(t, lambda.Config{}, event).RemoteAddr; got != test.want {
			t.Errorf("RemoteAddr for %q = %q, want %q", test.forwarded, got, test.want)
		}
	}
}

func TestEventsOfOtherServicesFailByName(t *testing.T) {
	t.Parallel()
	tests := []struct{ event, want string }{
		{`{}`, "an empty object"},
		{`null`, "null"},
		{`[1]`, "a JSON array"},
		{`"hello"`, "a JSON string"},
		{`7`, "a JSON number"},
		{`{"key1": "value1", "key2": "secret"}`, `an object with the members "key1", "key2"`},
		{`{"a":1,"b":1,"c":1,"d":1,"e":1,"f":1,"g":1}`, `"e", "f", …`},
		{`{"Records": [{"eventSource": "aws:sqs", "body": "x"}]}`, `a batch of records from "aws:sqs"`},
		{`{"Records": [{"EventSource": "aws:sns"}]}`, `a batch of records from "aws:sns"`},
		{`{"Records": [{}]}`, `a batch of records`},
		{`{"version": "0", "source": "aws.events", "detail-type": "Scheduled Event", "detail": {}}`, `an EventBridge event ("Scheduled Event" from "aws.events")`},
		{`{"version": 0, "source": "aws.events", "detail-type": "Scheduled Event"}`, `EventBridge`},
		{`{"requestContext": {"connectionId": "c", "eventType": "MESSAGE"}, "body": "x"}`, "WebSocket"},
		{`{"version": "2.0", "path": "/", "requestContext": {"serviceArn": "arn"}}`, "VPC Lattice"},
		{`{"type": "TOKEN", "methodArn": "arn:aws:execute-api:x"}`, "authorizer"},
	}
	adapter := lambda.New(http.NotFoundHandler(), lambda.Config{})
	for _, test := range tests {
		out, err := adapter.Invoke(t.Context(), []byte(test.event))
		var eventErr *lambda.EventError
		if !errors.As(err, &eventErr) || !strings.Contains(err.Error(), test.want) {
			t.Errorf("Invoke(%s) = %s, %v, want an error naming %s", test.event, out, err, test.want)
		}
		if err != nil && strings.Contains(err.Error(), "secret") {
			t.Errorf("the error shows a value: %v", err)
		}
	}
}

func TestMalformedEventsFail(t *testing.T) {
	t.Parallel()
	events := []string{
		``, `{`, `{"a":1}x`, `{"a":1,"a":2}`, "{\"a\":\"\xff\"}", `{"version":"\ud800"}`,
		functionURL(t, `"body": 5`),
		functionURL(t, `"headers": ["a"]`),
		functionURL(t, `"headers": {"a": 1}`),
		functionURL(t, `"headers": {"a": [1]}`),
		functionURL(t, `"headers": {"a": "x\r\ny: z"}`),
		functionURL(t, `"isBase64Encoded": "true"`),
		functionURL(t, `"cookies": "a=b"`),
		restAPI(t, `"multiValueHeaders": {"a": [null]}`),
	}
	adapter := lambda.New(http.NotFoundHandler(), lambda.Config{})
	for _, event := range events {
		if out, err := adapter.Invoke(t.Context(), []byte(event)); err == nil {
			t.Errorf("Invoke(%q) = %s, want an error", event, out)
		}
	}
	values := strings.TrimSuffix(strings.Repeat(`"y",`, 2001), ",")
	if _, err := adapter.Invoke(t.Context(), []byte(restAPI(t, `"multiValueHeaders": {"x": [`+values+`]}`))); err == nil {
		t.Error("2001 header values are accepted")
	}
}

func TestRequestIDReachesTheLog(t *testing.T) {
	t.Parallel()
	var out strings.Builder
	logger := slog.New(lambda.NewLogHandler(slog.NewTextHandler(&out, nil))).With("a", 1)
	handler := http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		if got := lambda.RequestID(r.Context()); got != "url-1" {
			t.Errorf("RequestID = %q, want url-1", got)
		}
		logger.InfoContext(r.Context(), "hello")
	})
	if _, err := lambda.New(handler, lambda.Config{}).Invoke(t.Context(), []byte(functionURL(t, ""))); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(out.String(), "msg=hello a=1 requestId=url-1") {
		t.Errorf("log = %q, want the request id", out.String())
	}
	if got := lambda.RequestID(context.WithoutCancel(t.Context())); got != "" {
		t.Errorf("RequestID outside of a request = %q", got)
	}
}

// The domain of a Function URL is the platform's word. What comes through another
// front end may have been sent with any Host field.
func TestDomain(t *testing.T) {
	t.Parallel()
	const domain = "abc.lambda-url.eu-west-1.on.aws"
	for _, test := range []struct {
		name, event string
		config      lambda.Config
		want        string
	}{
		{"a Function URL", functionURL(t, ""), lambda.Config{Domain: true}, domain},
		{"a Function URL with another Host", functionURL(t, `"headers": {"host": "forged.example"}`), lambda.Config{Domain: true}, domain},
		{"a Function URL of a server that does not ask", functionURL(t, ""), lambda.Config{}, ""},
		{"an HTTP API", httpAPI(t, `"headers": {"host": "`+domain+`"}`), lambda.Config{Domain: true}, ""},
	} {
		got := "(not called)"
		handler := http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { got = lambda.Domain(r.Context()) })
		if _, err := lambda.New(handler, test.config).Invoke(t.Context(), []byte(test.event)); err != nil {
			t.Fatal(err)
		}
		if got != test.want {
			t.Errorf("%s: Domain = %q, want %q", test.name, got, test.want)
		}
	}
}
