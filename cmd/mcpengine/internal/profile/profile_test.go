package profile_test

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/mcpengine/mcpengine/cmd/mcpengine/internal/profile"
)

func TestCheckName(t *testing.T) {
	t.Parallel()
	for name, ok := range map[string]bool{
		"weather": true, "Weather_2-b": true, "0": true, strings.Repeat("a", 64): true,
		"": false, strings.Repeat("a", 65): false, "-x": false, "_x": false, ".": false, "..": false,
		"a/b": false, `a\b`: false, "a.b": false, "a b": false, "ü": false, "a\x00": false,
		"con": false, "NUL": false, "com1": false, "LPT9": false, "comx": true, "con1": true,
	} {
		if err := profile.CheckName(name); (err == nil) != ok {
			t.Errorf("CheckName(%q) = %v", name, err)
		}
	}
}

// full is a profile with everything in it.
func full() *profile.Profile {
	return &profile.Profile{
		URL: "https://example.com/mcp?x=1&y=2", Mode: "http", Protocol: "2026-07-28",
		Headers: []profile.Header{
			{Name: "X-Literal", Value: "a b"},
			{Name: "X-File", File: "/tmp/f"},
			{Name: "X-Env", Env: "TOKEN"},
			{Name: "Authorization", Command: []string{"token", "--print"}},
		},
		ClientID: "id", ClientSecret: &profile.Secret{Env: "SECRET"}, Scopes: []string{"read", "write"},
		Tools:   profile.Filter{Allow: []string{"a"}, Deny: []string{"b"}, ReadOnly: true},
		Timeout: profile.Duration(90 * time.Second),
		CAFile:  "/ca.pem", CertFile: "/cert.pem", KeyFile: "/key.pem", Native: map[string]string{"cursor": "https://example.com/mcp"},
	}
}

func TestEncodeDecode(t *testing.T) {
	t.Parallel()
	for _, want := range []*profile.Profile{{URL: "http://localhost:8000/mcp"}, {URL: "lambda://weather"}, {URL: "lambda://weather:prod/x", AWS: &profile.AWS{Profile: "work", Region: "eu-west-1"}}, {URL: "https://example.com/mcp", AWS: &profile.AWS{}}, full()} {
		data, err := profile.Encode(want)
		if err != nil {
			t.Fatal(err)
		}
		got, err := profile.Decode(data)
		if err != nil {
			t.Fatalf("Decode(%s): %v", data, err)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("Decode(Encode(p)) (-want +got):\n%s", diff)
		}
	}
}

// What is misspelt, said twice or out of bounds is refused and not ignored.
func TestDecodeRefuses(t *testing.T) {
	t.Parallel()
	const ok = `{"url":"https://example.com",`
	tests := []struct{ name, data, want string }{
		{"nothing", ``, "EOF"},
		{"no URL", `{}`, "the URL is not one of"},
		{"a file", `{"url":"file:///etc/passwd"}`, "the URL is not one of"},
		{"a password", `{"url":"https://a:hunter2@example.com"}`, "user name or password"},
		{"a fragment", `{"url":"https://example.com#x"}`, "fragment"},
		{"a long URL", `{"url":"https://example.com/` + strings.Repeat("x", 9000) + `"}`, "more than 8192 bytes"},
		{"an unknown member", ok + `"tool":{"deny":["rm"]}}`, "tool"},
		{"another case", ok + `"Tools":{"deny":["rm"]}}`, "Tools"},
		{"a name twice", ok + `"mode":"http","mode":"sse"}`, "duplicate"},
		{"more data", ok + `"mode":"http"} {}`, "after top-level value"},
		{"a mode", ok + `"mode":"stdio"}`, `mode "stdio" is not`},
		{"a protocol version", ok + `"protocol":"v3"}`, "is not a date"},
		{"a timeout", ok + `"timeout":"-1s"}`, "not between"},
		{"a certificate without its key", ok + `"certFile":"/c"}`, "needs both"},
		{"a secret without an id", ok + `"clientSecret":{"env":"X"}}`, "needs a client id"},
		{"a secret at two places", ok + `"clientId":"x","clientSecret":{"env":"X","file":"/y"}}`, "exactly one"},
		{"a scope of two words", ok + `"scopes":["a b"]}`, "one word"},
		{"a header of the protocol", ok + `"headers":[{"name":"mcp-session-ID","value":"x"}]}`, "belongs to the protocol"},
		{"an invalid header name", ok + `"headers":[{"name":"a b","value":"x"}]}`, "not the name of a header"},
		{"a header without a value", ok + `"headers":[{"name":"a"}]}`, "exactly one of"},
		{"a header that ends early", ok + `"headers":[{"name":"a","value":"x\r\nb: hunter2"}]}`, "control character"},
		{"an invalid function URL", `{"url":"lambda://a/b?c"}`, "only a path may follow"},
		{"a signature and a sign-in", ok + `"aws":{},"clientId":"x"}`, "not signed in to with OAuth"},
		{"a function and a sign-in", `{"url":"lambda://a","scopes":["x"]}`, "not signed in to with OAuth"},
		{"a signature and a token", ok + `"aws":{},"headers":[{"name":"AUTHORIZATION","value":"x"}]}`, "taken by the signature"},
		{"a session token", `{"url":"lambda://a","headers":[{"name":"x-amz-security-token","value":"hunter2"}]}`, "taken by the signature"},
		{"a service of a function", `{"url":"lambda://a","aws":{"service":"s3"}}`, "always for the service lambda"},
		{"a function over HTTP+SSE", `{"url":"lambda://a","mode":"sse"}`, "does not outlive its answer"},
		{"a region", ok + `"aws":{"region":"eu/west"}}`, "AWS region"},
		{"a service", ok + `"aws":{"service":"a.b"}}`, "AWS service"},
		{"an AWS profile", ok + `"aws":{"profile":"a\nb"}}`, "AWS profile"},
		{"AWS credentials", ok + `"aws":{"accessKeyId":"x"}}`, "accessKeyId"},
		{"many scopes", ok + `"scopes":["a"` + strings.Repeat(`,"a"`, 1000) + `]}`, "more than 1000"},
		{"a large file", ok + `"caFile":"` + strings.Repeat("x", 300<<10) + `"}`, "more than 256 KiB"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			p, err := profile.Decode([]byte(test.data))
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("Decode = %v, %v; want an error with %q", p, err, test.want)
			}
			if err != nil && strings.Contains(err.Error(), "hunter2") {
				t.Errorf("the error tells a secret: %v", err)
			}
		})
	}
}

// Whatever decodes can be written and read again.
func FuzzDecode(f *testing.F) {
	data, err := json.Marshal(full())
	if err != nil {
		f.Fatal(err)
	}
	f.Add(data)
	f.Add([]byte(`{"url":"lambda://weather","timeout":"1h"}`))
	f.Add([]byte(`{"url":"lambda://weather:1/mcp","aws":{"region":"eu-west-1"}}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		p, err := profile.Decode(data)
		if err != nil {
			return
		}
		again, err := profile.Encode(p)
		if err != nil {
			t.Fatalf("Encode: %v", err)
		}
		q, err := profile.Decode(again)
		if err != nil {
			t.Fatalf("Decode(%s): %v", again, err)
		}
		third, err := profile.Encode(q)
		if err != nil || string(third) != string(again) {
			t.Fatalf("Encode is not stable: %s, then %s, %v", again, third, err)
		}
	})
}

// A local server is a command, with variables, and has nothing of a remote one.
func TestCommand(t *testing.T) {
	t.Parallel()
	local := func(change func(*profile.Profile)) *profile.Profile {
		p := &profile.Profile{Command: []string{"/bin/s", "-x"}, Env: map[string]string{"A": "b"}, SecretEnv: []string{"KEY"}, Native: map[string]string{"cursor": "[]"}}
		change(p)
		return p
	}
	want := local(func(*profile.Profile) {})
	data, err := profile.Encode(want)
	if err != nil {
		t.Fatal(err)
	}
	got, err := profile.Decode(data)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("Decode(Encode(p)) (-want +got):\n%s", diff)
	}
	for problem, p := range map[string]*profile.Profile{
		"the command is empty":                 local(func(p *profile.Profile) { p.Command = []string{} }),
		"and not both":                         local(func(p *profile.Profile) { p.URL = "https://example.com/mcp" }),
		"not both":                             local(func(p *profile.Profile) { p.Headers = []profile.Header{{Name: "A", Value: "b"}} }),
		`"A=" is not the name of a variable`:   local(func(p *profile.Profile) { p.Env = map[string]string{"A=": ""} }),
		`"" is not the name of a variable`:     local(func(p *profile.Profile) { p.SecretEnv = []string{""} }),
		"more than 1000 entries":               local(func(p *profile.Profile) { p.Command = make([]string, 1001); p.Command[0] = "x" }),
		"variables are for a command":          {URL: "https://example.com/mcp", Env: map[string]string{"A": "b"}},
		"the URL is not one of http, https or": {},
	} {
		if err := p.Check(); err == nil || !strings.Contains(err.Error(), problem) {
			t.Errorf("Check() = %v, want %q", err, problem)
		}
	}
}
