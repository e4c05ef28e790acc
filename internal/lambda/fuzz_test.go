package lambda_test

import (
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	jsonv2 "github.com/go-json-experiment/json"

	"github.com/mcpengine/mcpengine/internal/lambda"
)

// A plainEvent is an event as a general decoder reads it.
type plainEvent struct {
	HTTPMethod        string               `json:"httpMethod"`
	Headers           map[string]*string   `json:"headers"`
	MultiValueHeaders map[string][]*string `json:"multiValueHeaders"`
	Body              *string              `json:"body"`
	IsBase64Encoded   bool                 `json:"isBase64Encoded"`
	RawQueryString    string               `json:"rawQueryString"`
	RequestContext    struct {
		HTTP struct {
			Method string `json:"method"`
		} `json:"http"`
	} `json:"requestContext"`
}

// An arbitrary event is either refused, or becomes a request with the values
// that a general decoder reads in the event. The answer is JSON.
func FuzzEvent(f *testing.F) {
	const query = `"queryStringParameters": {"a": "x%20y"}, "multiValueQueryStringParameters": {"a": ["1", "x y"]}`
	for _, event := range []string{
		functionURL(f, `"cookies": ["a=b"], "rawQueryString": "a=b&c", "body": "{\"é\":\"\\u0000\"}"`),
		functionURL(f, `"headers": {"content-encoding": "gzip"}, "isBase64Encoded": true, "body": "`+zip(f, []byte("hello"))+`"`),
		functionURL(f, `"requestContext": {"authorizer": {"iam": {}}}, "headers": {"x-auth": "t"}`),
		httpAPI(f, `"routeKey": "ANY /a/{proxy+}", "rawPath": "/prod/a/b%2Fc", "pathParameters": {"proxy": "b%2Fc"}, "requestContext": {"stage": "prod"}`),
		restAPI(f, query), restAPI(f, `"path": "/v1/mcp", "body": "x"`),
		balancer(f, query), balancer(f, `"headers": null, "multiValueHeaders": {"Host": ["a"], "x-forwarded-for": ["1.2.3.4, [::1]:80"]}`),
		`{"Records":[{"eventSource":"aws:sqs"}]}`, `{"detail-type":"x","source":"y"}`, `[]`, `{}`,
	} {
		f.Add([]byte(event))
	}
	f.Fuzz(func(t *testing.T, payload []byte) {
		var request *http.Request
		var body []byte
		adapter := lambda.New(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			request = r
			body, _ = io.ReadAll(r.Body)
			w.Write(body)
		}), lambda.Config{AuthorizationHeader: "X-Auth", MaxBody: 1 << 16})
		out, err := adapter.Invoke(t.Context(), payload)
		if err != nil {
			var eventErr *lambda.EventError
			if !json.Valid(payload) && errors.As(err, &eventErr) && eventErr.Kind != "" {
				t.Errorf("what is not JSON is taken for %v", err)
			}
			return
		}
		if !json.Valid(out) {
			t.Fatalf("the answer is not JSON: %q", out)
		}
		if request != nil {
			compare(t, payload, request, body)
		}
	})
}

func compare(t *testing.T, payload []byte, r *http.Request, body []byte) {
	t.Helper()
	var want plainEvent
	if err := jsonv2.Unmarshal(payload, &want); err != nil {
		t.Fatalf("the event is accepted, but %v", err)
	}
	if method := want.HTTPMethod + want.RequestContext.HTTP.Method; !strings.Contains(method, r.Method) || r.Method == "" {
		t.Errorf("method = %q, want %q", r.Method, method)
	}
	if !strings.HasPrefix(r.URL.Path, "/") || !strings.HasPrefix(r.RequestURI, "/") {
		t.Errorf("path = %q, URI = %q, want a slash first", r.URL.Path, r.RequestURI)
	}
	if want.Body != nil && !want.IsBase64Encoded && string(body) != *want.Body && r.Header.Get("Content-Length") == "" {
		t.Errorf("body = %q, want %q", body, *want.Body)
	}
	for name, values := range r.Header {
		for _, value := range values {
			if strings.ContainsAny(value, "\r\n\x00") {
				t.Errorf("header %q = %q", name, value)
			}
		}
	}
	for name, values := range want.MultiValueHeaders {
		for _, value := range values {
			check(t, r, name, *value)
		}
	}
	if want.MultiValueHeaders == nil {
		for name, value := range want.Headers {
			if value != nil {
				check(t, r, name, *value)
			}
		}
	}
}

// check looks for a header's value in the request. It leaves out the headers
// that are elsewhere in a request or that the adapter rewrites.
func check(t *testing.T, r *http.Request, name, value string) {
	t.Helper()
	switch name = http.CanonicalHeaderKey(name); name {
	case "Host", "Cookie", "X-Auth", "Authorization", "Content-Encoding", "Content-Length":
		return
	}
	if !slices.Contains(r.Header[name], value) {
		t.Errorf("header %q = %q, want %q among them", name, r.Header[name], value)
	}
}

// An HTTP request is the same after it has been an event of any front end.
func FuzzRequest(f *testing.F) {
	f.Add(uint8(0), "/mcp", "a=1&a=2", "x-tag", "v", "body", false)
	f.Add(uint8(1), "/a%2Fb", "a=%zz", "accept", "a, b", "é\x00\"", false)
	f.Add(uint8(2), "/a b", "x y=&", "Mcp-Name", "=?base64?YQ==?=", "aGk=", true)
	f.Add(uint8(3), "", ";", "x", "\t", "", true)
	f.Fuzz(func(t *testing.T, front uint8, path, query, name, value, body string, wrapped bool) {
		for _, s := range []string{path, query, name, value, body} {
			if !utf8.ValidString(s) {
				return // JSON has no text for it
			}
		}
		set := func(pairs ...any) string {
			members := map[string]any{"body": body, "isBase64Encoded": wrapped}
			for i := 0; i < len(pairs); i += 2 {
				members[pairs[i].(string)] = pairs[i+1]
			}
			text, err := json.Marshal(members)
			if err != nil {
				t.Fatal(err)
			}
			return string(text[1 : len(text)-1])
		}
		single := map[string]string{name: value}
		multi := map[string][]string{name: {value, "second"}}
		var event string
		switch front % 4 {
		case 0:
			event = functionURL(t, set("rawPath", path, "rawQueryString", query, "headers", single))
		case 1:
			event = httpAPI(t, set("rawPath", path, "rawQueryString", query, "headers", single))
		case 2:
			event = restAPI(t, set("path", path, "multiValueQueryStringParameters", map[string][]string{query: {value}}, "multiValueHeaders", multi))
		case 3:
			event = balancer(t, set("path", path, "queryStringParameters", map[string]string{query: value}, "headers", single))
		}
		var request *http.Request
		var got []byte
		adapter := lambda.New(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
			request = r
			got, _ = io.ReadAll(r.Body)
		}), lambda.Config{HealthPath: "/-"})
		out, err := adapter.Invoke(t.Context(), []byte(event))
		if err != nil || request == nil {
			return // a control character, or invalid Base64
		}
		if !json.Valid(out) {
			t.Errorf("the answer is not JSON: %q", out)
		}
		compare(t, []byte(event), request, got)
		if front%4 < 2 && request.URL.RawQuery != query {
			t.Errorf("query = %q, want %q", request.URL.RawQuery, query)
		}
		if values := request.URL.Query(); front%4 == 2 && values.Get(query) != value {
			t.Errorf("query = %q, want %q = %q", values, query, value)
		}
	})
}
