package awsauth_test

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/mcpengine/mcpengine/cmd/mcpengine/internal/awsauth"
	"github.com/mcpengine/mcpengine/internal/peer"
)

// post sends a body through a transport, with a header of ours.
func post(t *testing.T, transport http.RoundTripper, url, body string) (*http.Response, string, error) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("Mcp-Method", "tools/call")
	r.Header.Set("Mcp-Name", "a  b")
	resp, err := (&http.Client{Transport: transport}).Do(r)
	if err != nil {
		return nil, "", err
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	return resp, string(text), err
}

func signer(t *testing.T, url string, config awsauth.Config) http.RoundTripper {
	t.Helper()
	config.Base = http.DefaultTransport
	transport, err := awsauth.NewSigner(url, config)
	if err != nil {
		t.Fatal(err)
	}
	return transport
}

func TestSigner(t *testing.T) {
	isolate(t, someone)
	server := httptest.NewServer(guard(t, "execute-api", "ap-south-1", http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		io.Copy(w, r.Body)
	})))
	defer server.Close()
	transport := signer(t, server.URL, awsauth.Config{Service: "execute-api", Region: "ap-south-1"})
	for _, target := range []string{"/mcp", "", "/a%20b/%C3%BC/c+d?x=1&b=a%20b&a=%2F", "/stage//mcp/"} {
		resp, text, err := post(t, transport, server.URL+target, `{"jsonrpc":"2.0"}`)
		if err != nil || resp.StatusCode != http.StatusOK || text != `{"jsonrpc":"2.0"}` {
			t.Errorf("POST %s = %v %s, %v", target, resp, text, err)
			continue
		}
		if resp.Request.Header.Get("Authorization") != "" {
			t.Error("the response tells the signature")
		}
	}
}

// A streamed answer is passed on as it arrives.
func TestSignerStreams(t *testing.T) {
	isolate(t, someone)
	next := make(chan bool)
	server := httptest.NewServer(guard(t, "lambda", "eu-west-1", http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		for i := range 3 {
			fmt.Fprintf(w, "data: %d\n\n", i)
			http.NewResponseController(w).Flush()
			<-next
		}
	})))
	defer server.Close()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, server.URL, http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := signer(t, server.URL, awsauth.Config{Service: "lambda"}).RoundTrip(r)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	event := make([]byte, len("data: 0\n\n"))
	for i := range 3 {
		if _, err := io.ReadFull(resp.Body, event); err != nil || string(event) != fmt.Sprintf("data: %d\n\n", i) {
			t.Fatalf("event %d = %q, %v", i, event, err)
		}
		next <- true
	}
}

// Only requests to one origin are signed, and a redirect is not followed.
func TestSignerStaysWhereItIs(t *testing.T) {
	isolate(t, someone)
	requests := 0
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		requests++
		http.Redirect(w, r, "/elsewhere", http.StatusTemporaryRedirect)
	}))
	defer server.Close()
	transport := signer(t, server.URL, awsauth.Config{Service: "lambda"})
	resp, _, err := post(t, transport, server.URL, "")
	if err != nil || resp.StatusCode != http.StatusTemporaryRedirect || requests != 1 {
		t.Errorf("a redirect: %v, %v after %d requests", resp, err, requests)
	}
	if resp, _, err := post(t, transport, server.URL, strings.Repeat("x", 10<<20+1)); err != nil || resp.StatusCode != http.StatusRequestEntityTooLarge || requests != 1 {
		t.Errorf("a large request: %v, %v", resp, err)
	}
	other := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { t.Error("another origin gets a request") }))
	defer other.Close()
	if _, _, err := post(t, transport, other.URL, ""); err == nil {
		t.Error("a request to another origin is carried")
	}
}

func TestNewSigner(t *testing.T) {
	t.Parallel()
	for url, want := range map[string]string{
		"https://abc.lambda-url.eu-west-1.on.aws/mcp":                  "",
		"https://abc.execute-api.us-east-1.amazonaws.com/prod/mcp":     "",
		"https://abc.execute-api.cn-north-1.amazonaws.com.cn/":         "",
		"https://vpce-1.execute-api.eu-west-1.vpce.amazonaws.com/":     "",
		"https://example.com/mcp":                                      "which AWS service",
		"https://abc.lambda-url.eu-west-1.on.aws.example.com/mcp":      "which AWS service",
		"https://abc.execute-api.eu-west-1.amazonaws.com.example.com/": "which AWS service",
		"https://execute-api.eu-west-1.example.amazonaws.com/":         "which AWS service",
		"http://abc.lambda-url.eu-west-1.on.aws/mcp":                   "https alone",
		"ftp://localhost": "https alone",
		"https://abc.lambda-url.eu-west-1.on.aws/hunter2%zz": "does not parse",
	} {
		_, err := awsauth.NewSigner(url, awsauth.Config{})
		if want == "" && err != nil || want != "" && (err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "hunter2")) {
			t.Errorf("NewSigner(%q): %v, want %q", url, err, want)
		}
	}
}

// A refusal of AWS is explained, and a refusal of the server is unchanged.
func TestSignerRefused(t *testing.T) {
	isolate(t, someone)
	const invalidSignature = "InvalidSignatureException"
	for _, test := range []struct{ name, code, body, want, hint string }{
		{"expired", "", `{"Message":"The security token included in the request is expired"}`, "credentials have expired", "aws sso login"},
		{"expired by the code", "ExpiredTokenException:http://internal.amazon.com/", `{}`, "credentials have expired", "aws sso login"},
		{"unknown", "", `{"message":"The security token included in the request is invalid."}`, "does not know the credentials", "aws sts get-caller-identity"},
		{"a slow clock", invalidSignature, `{"message":"Signature expired: 20261123T000000Z is now earlier than 20261123T000500Z (20261123T001000Z - 5 min.)"}`, "the clock of this machine is 1h0m", "set the clock"},
		{"a region", invalidSignature, `{"message":"Credential should be scoped to a valid region. "}`, "another region or service", "--aws-region"},
		{"a secret", "", `{"message":"The request signature we calculated does not match the signature you provided. Check your AWS Secret Access Key"}`, "signature wrong", "secret access key"},
		{"a Function URL's permission", "AccessDeniedException", `{"Message":"Forbidden. For troubleshooting Function URL authorization issues, see: https://docs.aws.amazon.com/"}`, "not allowed", "lambda:InvokeFunctionUrl and lambda:InvokeFunction"},
		{"a permission with a name", "", `{"Message":"User: arn:aws:iam::1:user/u is not authorized to perform: execute-api:Invoke on resource: x"}`, "not allowed", "allows execute-api:Invoke,"},
		{"something else", "NewException", `{"message":"no \u001b[31m"}`, "AWS refuses the request: NewException: no \\u001b[31m", "ask the server's operator"},
		{"something else that is not JSON", "NewException", `<html>`, "AWS refuses the request: NewException", "ask the server's operator"},
	} {
		t.Run(test.name, func(t *testing.T) {
			requests := 0
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				requests++
				if test.code != "" {
					w.Header().Set("X-Amzn-Errortype", test.code)
				}
				w.Header().Set("Date", time.Now().Add(-time.Hour).UTC().Format(http.TimeFormat))
				w.WriteHeader(http.StatusForbidden)
				io.WriteString(w, test.body)
			}))
			defer server.Close()
			_, _, err := post(t, signer(t, server.URL, awsauth.Config{Service: "lambda"}), server.URL, "{}")
			checkRefused(t, err, http.StatusForbidden, test.want, test.hint)
			if requests != 1 {
				t.Errorf("the same credentials are sent %d times", requests)
			}
		})
	}
	for _, body := range []string{
		`{"message":"not for you"}`, "", `{"jsonrpc":"2.0","id":1,"error":{"code":1,"message":"is not authorized to perform"},"message":"is not authorized to perform"}`,
		strings.Repeat("x", 100<<10),
	} {
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(http.StatusForbidden)
			io.WriteString(w, body)
		}))
		resp, text, err := post(t, signer(t, server.URL, awsauth.Config{Service: "lambda"}), server.URL, "{}")
		if err != nil || resp.StatusCode != http.StatusForbidden || text != body {
			t.Errorf("a server's own 403: %.100s, %v, want %.100s", text, err, body)
		}
		server.Close()
	}
}

// checkRefused wants an error for a wrong caller, without a secret in it.
func checkRefused(t *testing.T, err error, status int, want, hint string) {
	t.Helper()
	refused, ok := errors.AsType[*peer.AuthError](err)
	why, known := errors.AsType[*awsauth.Error](err)
	if !ok || !known || refused.Status != status || !strings.Contains(err.Error(), want) || !strings.Contains(why.Hint(), hint) {
		t.Errorf("the error is %v, want %q with the hint %q", err, want, hint)
	}
	if err != nil && strings.Contains(err.Error(), "hunter2") {
		t.Errorf("the error tells a secret: %v", err)
	}
}

// After a new sign-in, a running bridge need not be started again.
func TestSignerRenews(t *testing.T) {
	isolate(t, nil)
	file := filepath.Join(t.TempDir(), "credentials")
	t.Setenv("AWS_SHARED_CREDENTIALS_FILE", file)
	write := func(key string) {
		if err := os.WriteFile(file, []byte("[work]\naws_access_key_id="+key+"\naws_secret_access_key=hunter2\naws_session_token=session\n"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("AKIAOLD")
	var seen []string
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		if string(body) != "{}" {
			t.Errorf("the body is %q", body)
		}
		key, _, _ := strings.Cut(strings.TrimPrefix(r.Header.Get("Authorization"), "AWS4-HMAC-SHA256 Credential="), "/")
		seen = append(seen, key)
		if key == "AKIAOLD" {
			w.WriteHeader(http.StatusForbidden)
			io.WriteString(w, `{"Message":"The security token included in the request is expired"}`)
			write("AKIATEST")
			return
		}
		if err := verify(r, body, "AKIATEST", "hunter2", "session", "eu-west-1", "lambda"); err != nil {
			t.Error(err)
		}
	}))
	defer server.Close()
	transport := signer(t, server.URL, awsauth.Config{Profile: "work", Service: "lambda", Region: "eu-west-1"})
	for range 2 {
		if resp, _, err := post(t, transport, server.URL, "{}"); err != nil || resp.StatusCode != http.StatusOK {
			t.Errorf("POST = %v, %v", resp, err)
		}
	}
	if got := strings.Join(seen, " "); got != "AKIAOLD AKIATEST AKIATEST" {
		t.Errorf("signed by %s", got)
	}
}

func TestNoIdentity(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { t.Error("a request without a signature") }))
	defer server.Close()
	for _, test := range []struct {
		name       string
		env        map[string]string
		config     awsauth.Config
		want, hint string
	}{
		{"no credentials", map[string]string{"AWS_REGION": "eu-west-1"}, awsauth.Config{}, "there are no AWS credentials", "aws sso login"},
		{"no region", map[string]string{"AWS_ACCESS_KEY_ID": "AKIATEST", "AWS_SECRET_ACCESS_KEY": "hunter2"}, awsauth.Config{}, "no AWS region is set", "--aws-region us-east-1"},
		{"no such profile", nil, awsauth.Config{Profile: "work"}, "work", "aws configure list-profiles"},
	} {
		t.Run(test.name, func(t *testing.T) {
			isolate(t, test.env)
			test.config.Service = "lambda"
			_, _, err := post(t, signer(t, server.URL, test.config), server.URL, "{}")
			checkRefused(t, err, 0, test.want, test.hint)
		})
	}
}
