package awsauth_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/mcpengine/mcpengine/client"
	"github.com/mcpengine/mcpengine/cmd/mcpengine/internal/awsauth"
	"github.com/mcpengine/mcpengine/cmd/mcpengine/internal/deploy/fakeaws"
	"github.com/mcpengine/mcpengine/cmd/mcpengine/internal/profile"
	"github.com/mcpengine/mcpengine/internal/buildtest"
	"github.com/mcpengine/mcpengine/internal/locallambda"
	"github.com/mcpengine/mcpengine/internal/peer"
)

// account is an AWS account with a function named weather, which checks the
// signatures of invocations.
func account(t *testing.T, invoke fakeaws.Invoke) *fakeaws.Server {
	t.Helper()
	fake := &fakeaws.Server{Invoke: invoke}
	fake.AddFunction("weather", nil)
	server := httptest.NewServer(guard(t, "lambda", fakeaws.Region, fake))
	t.Cleanup(server.Close)
	isolate(t, someone)
	t.Setenv("AWS_REGION", fakeaws.Region)
	t.Setenv("AWS_ENDPOINT_URL", server.URL)
	return fake
}

func carry(t *testing.T, p *profile.Profile) (string, http.RoundTripper) {
	t.Helper()
	url, transport, err := awsauth.Carry(p, http.DefaultTransport)
	if err != nil {
		t.Fatal(err)
	}
	return url, transport
}

// The built weather server answers invocations, whatever its answers look like.
func TestInvokeWeather(t *testing.T) {
	bootstrap := buildtest.Program(t, "../../../../examples", "./weather")
	for _, mode := range []string{"buffered", "stream"} {
		t.Run(mode, func(t *testing.T) {
			p, err := locallambda.New(t.Context(), locallambda.Options{
				Bootstrap: bootstrap, Stream: mode == "stream", Env: []string{"MCPENGINE_LAMBDA_MODE=" + mode},
			})
			if err != nil {
				t.Fatal(err)
			}
			defer p.Stop()
			account(t, func(r *http.Request, event []byte) ([]byte, string) {
				result, err := p.Invoke(context.WithoutCancel(r.Context()), event)
				if err != nil {
					t.Error(err)
				}
				return result.Payload, result.FunctionError
			})
			for _, target := range []string{
				"lambda://weather", "lambda://weather:prod/mcp",
				"lambda://arn:aws:lambda:" + fakeaws.Region + ":123456789012:function:weather:$LATEST",
			} {
				url, transport := carry(t, &profile.Profile{URL: target})
				c, err := client.Connect(t.Context(), url, client.WithHTTPClient(&http.Client{Transport: transport}))
				if err != nil {
					t.Fatalf("%s: %v", target, err)
				}
				result, err := c.CallTool(t.Context(), "get_weather", map[string]string{"city": "Zürich\x00<&>"})
				if err != nil || !strings.Contains(fmt.Sprint(result.Content), "The weather in Zürich") {
					t.Errorf("%s: %v, %v", target, result, err)
				}
				c.Close()
			}
		})
	}
}

// A function gets the same event as from a Function URL.
func TestInvokeEvent(t *testing.T) {
	var got string
	account(t, func(_ *http.Request, event []byte) ([]byte, string) {
		got = string(event)
		return []byte(`{"statusCode":201,"headers":{"x-a":"b","content-length":"999","www-authenticate":"Bearer","location":"/x","x-evil":"a\r\nb","":"x"},"cookies":["a=1","b=2"],"body":"AAH/","isBase64Encoded":true}`), ""
	})
	url, transport := carry(t, &profile.Profile{URL: "lambda://weather/a%20b"})
	resp, text, err := post(t, transport, url+"?x=1", "\xff")
	if err != nil || resp.StatusCode != http.StatusCreated || text != "\x00\x01\xff" || resp.ContentLength != 3 {
		t.Errorf("POST = %v %q, %v", resp, text, err)
	}
	if h := resp.Header; h.Get("X-A") != "b" || h.Get("Www-Authenticate") != "Bearer" || len(h["Set-Cookie"]) != 2 || len(h) != 3 {
		t.Errorf("the header is %v", h)
	}
	for _, want := range []string{
		`"version":"2.0"`, `"rawPath":"/a%20b"`, `"rawQueryString":"x=1"`, `"body":"/w=="`, `"isBase64Encoded":true`,
		`"mcp-name":"a  b"`, `"method":"POST"`, `"domainName":"weather.lambda-url.invalid"`, `"content-length":"1"`,
	} {
		if !strings.Contains(got, want) {
			t.Errorf("the event has no %s: %s", want, got)
		}
	}
	if strings.Contains(got, "authorizer") || strings.Contains(got, "AKIATEST") || strings.Contains(got, "session") {
		t.Errorf("the event tells more than it should: %s", got)
	}
}

// The region comes from the ARN, unless the configuration names one.
func TestInvokeRegion(t *testing.T) {
	account(t, func(*http.Request, []byte) ([]byte, string) { return []byte(`{"statusCode":204}`), "" })
	t.Setenv("AWS_REGION", "us-east-1")
	const arn = "lambda://arn:aws:lambda:%s:123456789012:function:weather"
	for _, p := range []*profile.Profile{
		{URL: fmt.Sprintf(arn, fakeaws.Region)},
		{URL: fmt.Sprintf(arn, "us-west-2"), AWS: &profile.AWS{Region: fakeaws.Region}},
		{URL: "lambda://weather", AWS: &profile.AWS{Region: fakeaws.Region}},
	} {
		url, transport := carry(t, p)
		if resp, _, err := post(t, transport, url, "{}"); err != nil || resp.StatusCode != http.StatusNoContent {
			t.Errorf("%s: %v, %v", p.URL, resp, err)
		}
	}
}

func TestInvokeAnswers(t *testing.T) {
	for _, test := range []struct {
		name, payload, failure string
		status                 int
		body                   string
	}{
		{"a body alone", `"hello"`, "", 200, `"hello"`},
		{"a streamed body", `{"statusCode":404,"headers":{}}` + strings.Repeat("\x00", 8) + "a\x00b", "", 404, "a\x00b"},
		{"an empty streamed body", `{"statusCode":202}` + strings.Repeat("\x00", 8), "", 202, ""},
		{"too few NUL bytes", `{"statusCode":202}` + strings.Repeat("\x00", 7) + "x", "", 502, "NUL bytes that do not separate"},
		{"NUL bytes at the end", `{"statusCode":202}` + strings.Repeat("\x00", 3), "", 502, "NUL bytes that do not separate"},
		{"no JSON", `hello`, "", 502, "is it an MCP server?"},
		{"nothing", ``, "", 502, "is it an MCP server?"},
		{"a status of HTTP/1", `{"statusCode":101}`, "", 502, "the status 101"},
		{"a status that is text", `{"statusCode":"200"}`, "", 502, "does not have the form of an HTTP response"},
		{"no Base64", `{"statusCode":200,"body":"!","isBase64Encoded":true}`, "", 502, "is not base64"},
		{"a failure", `{"errorMessage":"boom","errorType":"Error"}`, "Unhandled", 502, "the function has failed: Unhandled"},
		{"a failure after all", `{"statusCode":200,"body":"x"}`, "Unhandled", 502, "the function has failed: Unhandled"},
		{"too much", `{"statusCode":200,"body":"` + strings.Repeat("x", 6<<20+2000) + `"}`, "", 502, "more than"},
	} {
		t.Run(test.name, func(t *testing.T) {
			account(t, func(*http.Request, []byte) ([]byte, string) { return []byte(test.payload), test.failure })
			url, transport := carry(t, &profile.Profile{URL: "lambda://weather"})
			resp, text, err := post(t, transport, url, "{}")
			if err != nil || resp.StatusCode != test.status || !strings.Contains(text, test.body) {
				t.Errorf("POST = %v %.300q, %v", resp, text, err)
			}
		})
	}
}

// A stream that the function cuts off ends with an error.
func TestInvokeBrokenStream(t *testing.T) {
	account(t, func(*http.Request, []byte) ([]byte, string) {
		return []byte(`{"statusCode":200}` + strings.Repeat("\x00", 8) + "data: 1\n\n"), "Runtime.ExitError"
	})
	url, transport := carry(t, &profile.Profile{URL: "lambda://weather"})
	resp, text, err := post(t, transport, url, "{}")
	if resp == nil || text != "data: 1\n\n" || err == nil || !strings.Contains(err.Error(), "the function has failed: Runtime.ExitError") {
		t.Errorf("POST = %v %q, %v", resp, text, err)
	}
}

func TestInvokeRefused(t *testing.T) {
	fake := account(t, nil)
	url, transport := carry(t, &profile.Profile{URL: "lambda://weather"})

	fake.SetHook(func(string) *fakeaws.Fault {
		return &fakeaws.Fault{Status: http.StatusTooManyRequests, Code: "TooManyRequestsException", Message: "Rate Exceeded."}
	})
	resp, text, err := post(t, transport, url, "{}")
	if err != nil || resp.StatusCode != http.StatusTooManyRequests || resp.Header.Get("Retry-After") != "1" || !strings.Contains(text, "Rate Exceeded.") {
		t.Errorf("throttled: %v %q, %v", resp, text, err)
	}

	fake.SetHook(func(string) *fakeaws.Fault {
		return &fakeaws.Fault{Status: http.StatusForbidden, Code: "AccessDeniedException", Message: "User: arn:aws:iam::1:user/u is not authorized to perform: lambda:InvokeFunction on resource: x"}
	})
	_, _, err = post(t, transport, url, "{}")
	checkRefused(t, err, http.StatusForbidden, "not allowed", "allows lambda:InvokeFunction,")
	fake.SetHook(nil)

	missing, transport := carry(t, &profile.Profile{URL: "lambda://missing"})
	_, _, err = post(t, transport, missing, "{}")
	if err == nil || !strings.Contains(err.Error(), "there is no function missing") {
		t.Errorf("a function that there is not: %v", err)
	}

	_, transport = carry(t, &profile.Profile{URL: "lambda://weather"})
	for _, large := range []string{strings.Repeat("x", 6<<20+1), strings.Repeat("\n", 4<<20)} {
		if resp, _, err := post(t, transport, url, large); err != nil || resp.StatusCode != http.StatusRequestEntityTooLarge {
			t.Errorf("a large request: %v, %v", resp, err)
		}
	}

	t.Setenv("AWS_REGION", "")
	_, transport = carry(t, &profile.Profile{URL: "lambda://weather"})
	_, _, err = post(t, transport, url, "{}")
	checkRefused(t, err, 0, "no AWS region is set", "--aws-region")
}

// The client returns errors of the right types.
func TestClientErrors(t *testing.T) {
	account(t, nil)
	t.Setenv("AWS_ACCESS_KEY_ID", "")
	url, transport := carry(t, &profile.Profile{URL: "lambda://weather"})
	_, err := client.Connect(t.Context(), url, client.WithHTTPClient(&http.Client{Transport: transport}))
	if _, ok := errors.AsType[*client.AuthError](err); !ok || strings.Contains(err.Error(), "lambda-url.invalid") {
		t.Errorf("Connect without credentials: %v", err)
	}
	if _, ok := errors.AsType[*peer.UnreachableError](err); ok {
		t.Errorf("Connect without credentials is worth another try: %v", err)
	}
}

// A cancelled request does not wait for the function.
func TestInvokeCancelled(t *testing.T) {
	started, gone := make(chan struct{}), make(chan struct{})
	account(t, func(r *http.Request, _ []byte) ([]byte, string) {
		close(started)
		<-r.Context().Done()
		close(gone)
		return nil, ""
	})
	url, transport := carry(t, &profile.Profile{URL: "lambda://weather"})
	ctx, cancel := context.WithCancel(t.Context())
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, url, strings.NewReader("{}"))
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan error)
	go func() {
		resp, err := transport.RoundTrip(r)
		if err == nil {
			io.Copy(io.Discard, resp.Body)
			resp.Body.Close()
		}
		done <- err
	}()
	<-started
	cancel()
	<-gone
	if err := <-done; !errors.Is(err, context.Canceled) {
		t.Errorf("RoundTrip = %v", err)
	}
}
