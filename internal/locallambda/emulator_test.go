package locallambda_test

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"io"
	"maps"
	"net"
	"net/http"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/mcpengine/mcpengine/internal/buildtest"
)

// The weather server runs under AWS's own emulator of the Runtime API, which hands
// it the events of every front end, with answers that are sent whole.
func TestWeatherUnderTheEmulatorOfAWS(t *testing.T) {
	t.Parallel()
	if runtime.GOOS != "linux" {
		t.Skip("out of reach: the runtime interface emulator is for Linux")
	}
	programs, err := filepath.Glob("../../.tools/bin/aws-lambda-rie-*")
	if err != nil || len(programs) == 0 {
		t.Skip("the runtime interface emulator is not installed: scripts/install-lambda-rie")
	}
	program, err := filepath.Abs(programs[len(programs)-1])
	if err != nil {
		t.Fatal(err)
	}
	url := startEmulator(t, program, buildtest.Program(t, "../../examples", "./weather"))
	const sunny = "The weather in Tokyo is sunny"
	for _, test := range []struct {
		name   string
		event  map[string]any
		status float64 // 0: the function fails
		want   string
	}{
		{"Function URL", urlEvent(nil), 200, sunny},
		{"Function URL, Base64", urlEvent(map[string]any{"body": base64.StdEncoding.EncodeToString([]byte(weatherCall)), "isBase64Encoded": true}), 200, sunny},
		{"Function URL, no body", urlEvent(map[string]any{"body": nil}), 400, "-32700"},
		{"Function URL, another path", urlEvent(map[string]any{"rawPath": "/other"}), 404, "not found"},
		{"REST API", map[string]any{
			"httpMethod": "POST", "path": "/mcp", "resource": "/{proxy+}", "body": weatherCall, "multiValueHeaders": multi(weatherFields()),
			"requestContext": map[string]any{"resourcePath": "/{proxy+}", "httpMethod": "POST", "path": "/prod/mcp", "stage": "prod", "identity": map[string]any{"sourceIp": "192.0.2.1"}},
		}, 200, sunny},
		{"load balancer", map[string]any{
			"httpMethod": "POST", "path": "/mcp", "queryStringParameters": map[string]any{}, "body": weatherCall, "headers": weatherFields(),
			"requestContext": map[string]any{"elb": map[string]any{"targetGroupArn": "arn:aws:elasticloadbalancing:eu-west-1:123456789012:targetgroup/x/1"}},
		}, 200, sunny},
		{"a queue", map[string]any{"Records": []any{}}, 0, "not an HTTP request"},
		{"the function goes on", urlEvent(nil), 200, sunny},
	} {
		event, err := json.Marshal(test.event)
		if err != nil {
			t.Fatal(err)
		}
		answer := invokeEmulator(t, url, string(event))
		var head struct {
			StatusCode         float64
			Body, ErrorMessage string
		}
		if err := json.Unmarshal([]byte(answer), &head); err != nil || head.StatusCode != test.status || !strings.Contains(head.Body+head.ErrorMessage, test.want) {
			t.Errorf("%s: %s, %v; want %v %s", test.name, answer, err, test.status, test.want)
		}
	}
}

const weatherCall = `{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"get_weather","arguments":{"city":"Tokyo"},` +
	`"_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientCapabilities":{}}}}`

func weatherFields() map[string]string {
	return map[string]string{
		"content-type": "application/json", "accept": "application/json, text/event-stream",
		"mcp-protocol-version": "2026-07-28", "mcp-method": "tools/call", "mcp-name": "get_weather",
	}
}

func multi(fields map[string]string) map[string][]string {
	all := map[string][]string{}
	for name, value := range fields {
		all[name] = []string{value}
	}
	return all
}

// urlEvent is the event of a Function URL with other members.
func urlEvent(others map[string]any) map[string]any {
	event := map[string]any{
		"version": "2.0", "rawPath": "/mcp", "rawQueryString": "", "headers": weatherFields(), "body": weatherCall, "isBase64Encoded": false,
		"requestContext": map[string]any{
			"domainName": "abc.lambda-url.eu-west-1.on.aws", "http": map[string]any{"method": "POST", "path": "/mcp", "sourceIp": "192.0.2.1"},
		},
	}
	maps.Copy(event, others)
	return event
}

// freeAddress returns an address of this machine that was free a moment ago.
func freeAddress(t *testing.T) string {
	t.Helper()
	listener, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	return listener.Addr().String()
}

// startEmulator runs a bootstrap under the emulator until the end of the test, and
// returns the URL of the operation Invoke.
func startEmulator(t *testing.T, program, bootstrap string) string {
	t.Helper()
	address := freeAddress(t)
	ctx, cancel := context.WithCancel(context.Background()) //nolint:usetesting // it ends in a cleanup, when the context of the test has ended
	cmd := exec.CommandContext(ctx, program, "--runtime-interface-emulator-address", address, "--runtime-api-address", freeAddress(t), bootstrap)
	cmd.Env = []string{"PATH=/usr/bin:/bin", "AWS_LAMBDA_FUNCTION_NAME=function", "MCPENGINE_LAMBDA_MODE=buffered"}
	cmd.Cancel = func() error { return terminateGroup(cmd) }
	ownGroup(cmd)
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		cancel()
		_ = cmd.Wait() // it was killed
	})
	ticker := time.NewTicker(10 * time.Millisecond)
	defer ticker.Stop()
	for deadline := time.Now().Add(time.Minute); ; <-ticker.C {
		conn, err := new(net.Dialer).DialContext(t.Context(), "tcp", address)
		if err == nil {
			conn.Close()
			return "http://" + address + "/2015-03-31/functions/function/invocations"
		}
		if time.Now().After(deadline) {
			t.Fatalf("the emulator does not listen: %v", err)
		}
	}
}

func invokeEmulator(t *testing.T, url, event string) string {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, url, strings.NewReader(event))
	if err != nil {
		t.Fatal(err)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	answer, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(answer)
}
