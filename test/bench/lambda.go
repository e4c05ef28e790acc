package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/mcpengine/mcpengine/internal/locallambda"
	"github.com/mcpengine/mcpengine/test/internal/wire"
)

// lambdaRivals are the programs below lambda. Ours is its own bootstrap, plain
// is a typed handler of aws-lambda-go, and go-sdk an HTTP handler behind one.
var lambdaRivals = []string{oursName, plainName, "go-sdk"}

// A function is a program on a stand-in for AWS Lambda.
type function struct {
	bootstrap string
	row       row
}

// measureLambda measures a warm invocation and the start of a process, with one
// tool and with a hundred. The programs take turns in every round.
func measureLambda(ctx context.Context, p plan) (results []*lambdaResult, err error) {
	dir, err := os.MkdirTemp("", "bench")
	if err != nil {
		return nil, fmt.Errorf("create build folder: %w", err)
	}
	defer os.RemoveAll(dir)
	var functions []function
	for _, name := range lambdaRivals {
		if err := buildFunction(ctx, dir, name); err != nil {
			return nil, err
		}
	}
	for _, s := range []setup{{text, 1}, {text, 100}} {
		for _, name := range lambdaRivals {
			f := function{filepath.Join(dir, name), callRow("lambda", s)}
			if err := f.verify(ctx, name); err != nil {
				return nil, fmt.Errorf("verify %s on Lambda: %w", name, err)
			}
			functions = append(functions, f)
			results = append(results, &lambdaResult{Rival: name, Tools: s.tools})
		}
	}
	for range p.rounds {
		for i, f := range functions {
			cpu, err := f.warm(ctx, p.calls)
			if err != nil {
				return nil, fmt.Errorf("measure %s on Lambda: %w", results[i].Rival, err)
			}
			results[i].CPU = append(results[i].CPU, cpu)
		}
	}
	// The order is random, because a start takes 0.2 ms less when the start before
	// it has filled the caches. The seed is fixed.
	order := rand.New(rand.NewPCG(1, 1)) //nolint:gosec // no secret
	for range p.starts {
		for _, i := range order.Perm(len(functions)) {
			start, _, err := functions[i].run(ctx, 0)
			if err != nil {
				return nil, fmt.Errorf("start %s on Lambda: %w", results[i].Rival, err)
			}
			results[i].Start = append(results[i].Start, float64(start)/float64(time.Millisecond))
		}
	}
	return results, nil
}

// buildFunction builds a program the way the CLI does. The tag leaves out the
// part of aws-lambda-go for the retired go1.x runtime.
func buildFunction(ctx context.Context, dir, name string) error {
	command := exec.CommandContext(ctx, "go", "build", "-trimpath", "-tags=lambda.norpc", "-ldflags=-s -w",
		"-o", filepath.Join(dir, name), "github.com/mcpengine/mcpengine/test/bench/lambda/"+name)
	command.Env = append(os.Environ(), "CGO_ENABLED=0")
	if output, err := command.CombinedOutput(); err != nil {
		return fmt.Errorf("build %s for Lambda: %w: %s", name, err, output)
	}
	return nil
}

func (f function) platform(ctx context.Context) (*locallambda.Platform, error) {
	return locallambda.New(ctx, locallambda.Options{
		Bootstrap: f.bootstrap,
		Env:       []string{fmt.Sprintf("TOOLS=%d", f.row.setup.tools), "GOMAXPROCS=1"},
		Log:       os.Stderr,
	})
}

// verify checks that the program does the work before it is measured.
func (f function) verify(ctx context.Context, name string) error {
	p, err := f.platform(ctx)
	if err != nil {
		return err
	}
	defer p.Stop()
	return f.row.verify(rival{name: name}, func(r wire.Request) (answer, error) {
		return invoke(ctx, p, functionEvent(r))
	})
}

// warm returns the processor time of an invocation in µs: the time of a process
// with many invocations, less the time of a process with one.
func (f function) warm(ctx context.Context, calls int) (float64, error) {
	_, idle, err := f.run(ctx, 1)
	if err != nil {
		return 0, err
	}
	_, busy, err := f.run(ctx, 1+calls)
	return float64(busy-idle) / float64(calls) / float64(time.Microsecond), err
}

// run starts a process and has it answer so many calls. It returns how long it
// took until the process first asked for an invocation, and the processor time
// of its life.
func (f function) run(ctx context.Context, calls int) (start, cpu time.Duration, err error) {
	p, err := f.platform(ctx)
	if err != nil {
		return 0, 0, err
	}
	err = p.Start(ctx)
	event := functionEvent(f.row.request)
	for range calls {
		if err != nil {
			break
		}
		var got locallambda.Result
		got, err = p.Invoke(ctx, event)
		if err == nil && (got.FunctionError != "" || !strings.Contains(string(got.Payload), forecast(city))) {
			err = fmt.Errorf("wrong answer %.400q %s", got.Payload, got.FunctionError)
		}
	}
	p.Stop()
	if err != nil {
		return 0, 0, err
	}
	ledger := p.Ledger()
	i := slices.IndexFunc(ledger, func(e locallambda.Entry) bool { return e.Kind == locallambda.Ready })
	if i < 0 || ledger[0].Kind != locallambda.Started {
		return 0, 0, errors.New("the process never asked for an invocation")
	}
	return ledger[i].Time.Sub(ledger[0].Time), p.CPU(), nil
}

// invoke carries one event to the function and takes its answer apart.
func invoke(ctx context.Context, p *locallambda.Platform, event []byte) (answer, error) {
	result, err := p.Invoke(ctx, event)
	if err != nil {
		return answer{}, err
	}
	if result.FunctionError != "" {
		return answer{}, fmt.Errorf("invocation failed: %s", result.FunctionError)
	}
	var response struct {
		StatusCode int               `json:"statusCode"`
		Headers    map[string]string `json:"headers"`
		Body       string            `json:"body"`
	}
	if err := json.Unmarshal(result.Payload, &response); err != nil {
		return answer{}, fmt.Errorf("decode answer: %w", err)
	}
	got := answer{status: response.StatusCode, body: []byte(response.Body)}
	for name, value := range response.Headers {
		if strings.EqualFold(name, "Content-Type") {
			got.contentType = value
		}
	}
	return got, nil
}

// functionEvent is the request as a Function URL hands it on.
func functionEvent(r wire.Request) []byte {
	const host = "abc.lambda-url.eu-west-1.on.aws"
	body := r.Body()
	headers := map[string]string{
		"host": host, "content-length": fmt.Sprint(len(body)), "user-agent": "bench/1.0",
		"authorization":      "Bearer eyJhbGciOiJSUzI1NiJ9.e30.c2ln",
		"x-amzn-tls-version": "TLSv1.3", "x-amzn-tls-cipher-suite": "TLS_AES_128_GCM_SHA256",
		"x-amzn-trace-id": "Root=1-6720a1b2-3f1c2d4e5a6b7c8d9e0f1a2b",
		"x-forwarded-for": "192.0.2.7", "x-forwarded-port": "443", "x-forwarded-proto": "https",
	}
	for name, values := range r.Header() {
		headers[strings.ToLower(name)] = strings.Join(values, ",")
	}
	event, err := json.Marshal(map[string]any{
		"version": "2.0", "routeKey": "$default", "rawPath": "/mcp", "rawQueryString": "",
		"headers": headers,
		"requestContext": map[string]any{
			"accountId": "anonymous", "apiId": "abc", "domainName": host, "domainPrefix": "abc",
			"http": map[string]string{
				"method": http.MethodPost, "path": "/mcp", "protocol": "HTTP/1.1",
				"sourceIp": "192.0.2.7", "userAgent": "bench/1.0",
			},
			"requestId": "8f3b1f0e-7a2d-4b35-9d0a-0c9a1d2e3f40", "routeKey": "$default", "stage": "$default",
			"time": "22/Nov/2026:15:30:00 +0000", "timeEpoch": 1795361400000,
		},
		"body": string(body), "isBase64Encoded": false,
	})
	if err != nil {
		panic("bench: encode event: " + err.Error()) // strings and numbers
	}
	return event
}
