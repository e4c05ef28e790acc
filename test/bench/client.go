package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"runtime"
	"sync"
	"time"

	"github.com/modelcontextprotocol/go-sdk/mcp"

	"github.com/mcpengine/mcpengine/client"
	"github.com/mcpengine/mcpengine/test/internal/wire"
)

// A clientResult has the figures of one client in one version. All clients call
// our server behind an [answerer], which answers at next to no cost. Rounds
// with the same index ran next to each other.
type clientResult struct {
	Client  string        `json:"client"`
	Version string        `json:"version"`
	Rounds  []clientRound `json:"rounds"`
}

// A clientRound is a stretch of calls in a process of its own. It counts the
// work of the client and of its HTTP client.
type clientRound struct {
	Calls     int     `json:"calls"`
	PerSecond float64 `json:"per_second"`
	CPU       float64 `json:"cpu_us"`
	Bytes     float64 `json:"bytes"`
	Allocs    float64 `json:"allocs"`
}

func callsPerSecond(r clientRound) float64 { return r.PerSecond }
func callCPU(r clientRound) float64        { return r.CPU }
func callBytes(r clientRound) float64      { return r.Bytes }
func callAllocs(r clientRound) float64     { return r.Allocs }

// A caller calls the tool of a server and returns the text of its result.
type caller struct {
	call  func(context.Context) (string, error)
	close func() error
}

const goSDKName = "go-sdk"

// callers are the clients compared, in the order of the table. Plain sends a
// prepared request and decodes nothing. The others' figures above plain's are
// the cost of their own work.
var callers = []string{oursName, plainName, goSDKName}

// clientVersions are the versions they are compared in.
var clientVersions = []string{wire.Version, handshakeVersion}

// measureClients has the clients call one and the same server, in turns.
func measureClients(ctx context.Context, p plan) (results []*clientResult, err error) {
	r := callRow("client", setup{text, 1})
	server, err := startServer(ctx, "answer", r)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, server.stop()) }()
	for _, version := range clientVersions {
		for _, name := range callers {
			results = append(results, &clientResult{Client: name, Version: version})
		}
	}
	for range p.rounds {
		for _, result := range results {
			var got clientRound
			url := "http://" + server.address + "/mcp"
			if err := askChild(ctx, &got, "client", result.Client, result.Version, url, p.duration.String()); err != nil {
				return nil, err
			}
			result.Rounds = append(result.Rounds, got)
		}
	}
	return results, nil
}

// startServer starts our server for others to call, in the role "serve" or
// "answer".
func startServer(ctx context.Context, role string, r row) (*child, error) {
	s, err := r.rival(oursName)
	if err != nil {
		return nil, err
	}
	r.name = "call-text-1" // which the child looks up
	return startChild(ctx, role, s, r)
}

// clientChild is the body of a client process: args are the client, the version,
// the URL and how long to call.
func clientChild(ctx context.Context, args []string, stdout io.Writer) error {
	if len(args) != 4 {
		return fmt.Errorf("%d arguments for the client, want 4", len(args))
	}
	d, err := time.ParseDuration(args[3])
	if err != nil {
		return fmt.Errorf("parse duration: %w", err)
	}
	c, err := dialCaller(ctx, args[0], args[1], args[2])
	if err != nil {
		return err
	}
	_, err = c.round(ctx, d/3)
	var got clientRound
	if err == nil {
		got, err = c.round(ctx, d)
	}
	if err := errors.Join(err, c.close()); err != nil {
		return fmt.Errorf("call with %s: %w", args[0], err)
	}
	if err := json.NewEncoder(stdout).Encode(got); err != nil {
		return fmt.Errorf("print measurement: %w", err)
	}
	return nil
}

// round keeps so many calls under way as the load has connections, and measures
// what they take of this process.
func (c caller) round(ctx context.Context, d time.Duration) (clientRound, error) {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	cpuBefore, err := processCPU()
	if err != nil {
		return clientRound{}, err
	}
	start := time.Now()
	calls, err := c.repeat(ctx, start.Add(d))
	if err != nil {
		return clientRound{}, err
	}
	took := time.Since(start)
	cpuAfter, err := processCPU()
	if err != nil {
		return clientRound{}, err
	}
	runtime.ReadMemStats(&after)
	n := float64(calls)
	return clientRound{
		Calls: calls, PerSecond: n / took.Seconds(),
		CPU:    float64(cpuAfter-cpuBefore) / float64(time.Microsecond) / n,
		Bytes:  float64(after.TotalAlloc-before.TotalAlloc) / n,
		Allocs: float64(after.Mallocs-before.Mallocs) / n,
	}, nil
}

// repeat calls until the deadline, and once on each connection however late it
// starts: a client that was not asked has not been checked.
func (c caller) repeat(ctx context.Context, deadline time.Time) (int, error) {
	counts, errs := make([]int, connections), make([]error, connections)
	var workers sync.WaitGroup
	for i := range connections {
		workers.Go(func() {
			for errs[i] == nil && (counts[i] == 0 || time.Now().Before(deadline)) {
				var got string
				if got, errs[i] = c.call(ctx); errs[i] == nil && got != forecast(city) {
					errs[i] = fmt.Errorf("wrong text %.100q", got)
				}
				counts[i]++
			}
		})
	}
	workers.Wait()
	total := 0
	for _, n := range counts {
		total += n
	}
	return total, errors.Join(errs...)
}

// dialCaller connects a client. Ours has an HTTP client of its own; the others get
// the same, which keeps a connection for every call under way.
func dialCaller(ctx context.Context, name, version, url string) (caller, error) {
	transport := &http.Transport{MaxIdleConns: connections, MaxIdleConnsPerHost: connections}
	dial := map[string]func(context.Context, *http.Client, string, string) (caller, error){
		oursName: dialOurs, plainName: dialPlain, goSDKName: dialGoSDK,
	}[name]
	if dial == nil {
		return caller{}, errors.New("no client " + name)
	}
	c, err := dial(ctx, &http.Client{Transport: transport}, version, url)
	if err != nil {
		return caller{}, fmt.Errorf("connect with %s: %w", name, err)
	}
	return c, nil
}

func dialOurs(ctx context.Context, _ *http.Client, version, url string) (caller, error) {
	c, err := client.Connect(ctx, url, client.WithProtocolVersion(version))
	if err != nil {
		return caller{}, err
	}
	return caller{func(ctx context.Context) (string, error) {
		return client.Call[string](ctx, c, toolName(0), Place{City: city})
	}, c.Close}, nil
}

func dialGoSDK(ctx context.Context, hc *http.Client, version, url string) (caller, error) {
	session, err := mcp.NewClient(&mcp.Implementation{Name: "bench", Version: "1.0.0"}, nil).Connect(ctx,
		&mcp.StreamableClientTransport{Endpoint: url, HTTPClient: hc}, &mcp.ClientSessionOptions{ProtocolVersion: version})
	if err != nil {
		return caller{}, err
	}
	return caller{func(ctx context.Context) (string, error) {
		result, err := session.CallTool(ctx, &mcp.CallToolParams{Name: toolName(0), Arguments: Place{City: city}})
		if err != nil {
			return "", err
		}
		if text, ok := result.Content[0].(*mcp.TextContent); ok && !result.IsError {
			return text.Text, nil
		}
		return "", errors.New("no text")
	}, session.Close}, nil
}

// dialPlain makes do with package net/http.
func dialPlain(ctx context.Context, hc *http.Client, version, url string) (caller, error) {
	r := callRow("client", setup{text, 1})
	if version == handshakeVersion {
		r.request.Handshake = version
	}
	r, err := r.open(rival{sessions: r.hasHandshake()}, func(request wire.Request) (answer, error) {
		return post(ctx, hc, url, request.Header(), request.Body())
	})
	header, body, text := r.request.Header(), r.request.Body(), []byte(forecast(city))
	return caller{func(ctx context.Context) (string, error) {
		got, err := post(ctx, hc, url, header, body)
		if err == nil && !bytes.Contains(got.body, text) {
			err = fmt.Errorf("wrong answer %.100q", got.body)
		}
		return forecast(city), err
	}, func() error { return nil }}, err
}

func post(ctx context.Context, hc *http.Client, url string, header http.Header, body []byte) (answer, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, url, bytes.NewReader(body))
	if err != nil {
		return answer{}, fmt.Errorf("make request: %w", err)
	}
	r.Header = header
	response, err := hc.Do(r)
	if err != nil {
		return answer{}, fmt.Errorf("send request: %w", err)
	}
	defer response.Body.Close()
	data, err := io.ReadAll(response.Body)
	if err != nil {
		return answer{}, fmt.Errorf("read answer: %w", err)
	}
	return answer{response.StatusCode, response.Header.Get("Content-Type"), response.Header.Get("Mcp-Session-Id"), data}, nil
}

// printClients writes the tables of the clients.
func (r *report) printClients(w io.Writer) error {
	for _, version := range clientVersions {
		base := r.client(goSDKName, version)
		if base == nil {
			continue
		}
		t := table(w, "client: tools/call over HTTP of a server that costs next to nothing, version "+version,
			"calls/s", "×go-sdk", "CPU µs/call", "×go-sdk", "B/call", "×go-sdk", "allocs", "×go-sdk")
		for _, name := range callers {
			x := r.client(name, version)
			fmt.Fprintf(t, "%s\t%.0f\t%.2f\t%.1f\t%.2f\t%.0f\t%.2f\t%.0f\t%.2f\t\n", name,
				median(x.Rounds, callsPerSecond), ratio(x.Rounds, base.Rounds, callsPerSecond),
				median(x.Rounds, callCPU), ratio(x.Rounds, base.Rounds, callCPU),
				median(x.Rounds, callBytes), ratio(x.Rounds, base.Rounds, callBytes),
				median(x.Rounds, callAllocs), ratio(x.Rounds, base.Rounds, callAllocs))
		}
		if err := t.Flush(); err != nil {
			return fmt.Errorf("print table: %w", err)
		}
	}
	return nil
}

// client returns the result of a client in a version, or nil.
func (r *report) client(name, version string) *clientResult {
	for _, x := range r.Clients {
		if x.Client == name && x.Version == version {
			return x
		}
	}
	return nil
}

// clientBars returns the bars of our client beside go-sdk's: twice its calls per
// second, and a third of its processor time beyond net/http's, which both
// use.
func (r *report) clientBars() (bars []bar) {
	for _, version := range clientVersions {
		if our, base := r.client(oursName, version), r.client(goSDKName, version); our != nil && base != nil {
			bars = append(bars,
				bar{"client, " + version + ": calls/s go-sdk/ours", ratio(base.Rounds, our.Rounds, callsPerSecond), 1.0 / 2, 0},
				bar{"client, " + version + ": CPU over plain ours/go-sdk", r.overPlainClient(version, callCPU), 1.0 / 3, 0})
		}
	}
	return bars
}

// overPlainClient returns the cost of our client above the plain one, as a
// share of go-sdk's cost above the plain one.
func (r *report) overPlainClient(version string, figure func(clientRound) float64) float64 {
	plain := median(r.client(plainName, version).Rounds, figure)
	ours, base := median(r.client(oursName, version).Rounds, figure), median(r.client(goSDKName, version).Rounds, figure)
	return (ours - plain) / (base - plain)
}
