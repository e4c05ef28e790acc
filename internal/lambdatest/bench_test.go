package lambdatest_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/mcpengine/mcpengine/internal/lambdatest"
)

// rivals are our server and what does the same work by hand. The first is what
// the others are measured by.
func rivals() []rival {
	return []rival{{"plain", 1}, {"engine", 1}, {"plain", 100}, {"engine", 100}}
}

type rival struct {
	function string
	tools    int
}

func (r rival) String() string { return fmt.Sprintf("%s-%d", r.function, r.tools) }

// call is a call of the last tool as a Function URL sends it.
func (r rival) call() []byte {
	name := fmt.Sprintf("get_weather_%d", r.tools-1)
	body := fmt.Sprintf(`{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":%q,"arguments":{"city":"Tokyo"},"_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientInfo":{"name":"bench","version":"1.0.0"},"io.modelcontextprotocol/clientCapabilities":{}}}}`, name)
	return fmt.Appendf(nil, `{"version":"2.0","routeKey":"$default","rawPath":"/mcp","rawQueryString":"","headers":{
		"accept":"application/json, text/event-stream","content-type":"application/json","content-length":"%d",
		"mcp-protocol-version":"2026-07-28","mcp-method":"tools/call","mcp-name":%q,
		"authorization":"Bearer eyJhbGciOiJSUzI1NiJ9.e30.c2ln","user-agent":"bench/1.0","host":"abc.lambda-url.eu-west-1.on.aws",
		"x-amzn-tls-version":"TLSv1.3","x-amzn-tls-cipher-suite":"TLS_AES_128_GCM_SHA256","x-amzn-trace-id":"Root=1-6720a1b2-3f1c2d4e5a6b7c8d9e0f1a2b",
		"x-forwarded-for":"192.0.2.7","x-forwarded-port":"443","x-forwarded-proto":"https"},
		"requestContext":{"accountId":"anonymous","apiId":"abc","domainName":"abc.lambda-url.eu-west-1.on.aws","domainPrefix":"abc",
		"http":{"method":"POST","path":"/mcp","protocol":"HTTP/1.1","sourceIp":"192.0.2.7","userAgent":"bench/1.0"},
		"requestId":"8f3b1f0e-7a2d-4b35-9d0a-0c9a1d2e3f40","routeKey":"$default","stage":"$default","time":"22/Nov/2026:15:30:00 +0000","timeEpoch":1795361400000},
		"body":%q,"isBase64Encoded":false}`, len(body), name, body)
}

// run starts the function, makes n calls and returns how long the start took and
// how much processor time it all did.
func (r rival) run(b *testing.B, n int) (start, cpu time.Duration) {
	b.Helper()
	p, err := lambdatest.New(b.Context(), lambdatest.Options{
		Bootstrap: build(b, r.function), Grace: time.Minute, Env: []string{fmt.Sprintf("TOOLS=%d", r.tools)},
	})
	if err != nil {
		b.Fatal(err)
	}
	if err := p.Start(b.Context()); err != nil {
		b.Fatal(err)
	}
	event := r.call()
	for range n {
		result, err := p.Invoke(b.Context(), event)
		if err != nil || result.FunctionError != "" || !strings.Contains(string(result.Payload), "Tokyo is sunny") {
			b.Fatalf("%v: %+v, %v: %s", r, result, err, result.Payload)
		}
	}
	p.Stop()
	ledger := p.Ledger()
	return ledger[1].Time.Sub(ledger[0].Time), p.CPU()
}

// BenchmarkWarm measures the processor time of an invocation, of the whole
// process. Run it with -benchtime 9x: one iteration is a round of all rivals.
func BenchmarkWarm(b *testing.B) {
	const calls = 2000
	taken := map[rival][]float64{}
	for b.Loop() {
		for _, r := range rivals() {
			_, idle := r.run(b, 1)
			_, busy := r.run(b, 1+calls)
			taken[r] = append(taken[r], (busy-idle).Seconds()*1e6/calls)
		}
	}
	report(b, taken, "cpu-µs", func(ours, plain float64) (float64, string) { return ours / plain, "/plain" })
}

// BenchmarkStart measures the time from the start of the process to its first
// question for an invocation. Run it with -benchtime 31x.
func BenchmarkStart(b *testing.B) {
	taken := map[rival][]float64{}
	for b.Loop() {
		for _, r := range rivals() {
			start, _ := r.run(b, 0)
			taken[r] = append(taken[r], start.Seconds()*1e3)
		}
	}
	report(b, taken, "ms", func(ours, plain float64) (float64, string) { return ours - plain, "over-ms" })
}

// report prints the median of each rival, and of what ours is next to the plain
// one in each round.
func report(b *testing.B, taken map[rival][]float64, unit string, compare func(ours, plain float64) (float64, string)) {
	b.Helper()
	b.ReportMetric(0, "ns/op")
	for _, r := range rivals() {
		b.ReportMetric(median(taken[r]), r.String()+"-"+unit)
		if r.function == "plain" {
			continue
		}
		var compared []float64
		var name string
		for i, ours := range taken[r] {
			var v float64
			v, name = compare(ours, taken[rival{"plain", r.tools}][i])
			compared = append(compared, v)
		}
		b.ReportMetric(median(compared), r.String()+"-"+strings.TrimPrefix(name, "/"))
	}
}

func median(values []float64) float64 {
	sorted := slices.Sorted(slices.Values(values))
	return sorted[len(sorted)/2]
}
