package mcpengine_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/mcpengine/mcpengine"
	"github.com/mcpengine/mcpengine/auth"
)

// One caller makes 50 times as many calls as it may. The 99th percentile of the
// latency of 20 others is at most 1.5 times that of a quiet server. Each call needs
// one of 8 connections to a database for 10 ms. The time is that of synctest: what
// the callers wait for is each other, and not the machine.
func TestFairness(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		send := func(e *mcpengine.Engine) (func(*http.Request), func()) {
			return func(r *http.Request) { e.ServeHTTP(httptest.NewRecorder(), r) }, func() {}
		}
		const length = 5 * time.Second
		calm := p99(flood(t, send, length, 0, fairLimits()...))
		flooded := p99(flood(t, send, length, 50*fairShare, fairLimits()...))
		open := p99(flood(t, send, length, 50*fairShare))
		t.Logf("99th percentile: %v on a quiet server, %v beside a flood, %v without limits", calm, flooded, open)
		if calm == 0 || float64(flooded) > 1.5*float64(calm) {
			t.Errorf("99th percentile: %v beside a flood, %v on a quiet server: more than 1.5 times", flooded, calm)
		}
		if open < 10*calm {
			t.Errorf("without limits it is %v: the flood is none", open)
		}
	})
}

// BenchmarkFairness measures the same over HTTP, on a machine that has to be quiet.
//
//	go test -run '^$' -bench Fairness -benchtime 1x .
func BenchmarkFairness(b *testing.B) {
	send := func(e *mcpengine.Engine) (func(*http.Request), func()) {
		server := httptest.NewServer(e)
		transport := &http.Transport{MaxIdleConnsPerHost: 1000}
		return func(r *http.Request) {
			r.URL.Scheme, r.URL.Host, r.RequestURI = "http", server.Listener.Addr().String(), ""
			if resp, err := transport.RoundTrip(r); err == nil { // else the time is over
				_, _ = io.Copy(io.Discard, resp.Body)
				resp.Body.Close()
			}
		}, func() { transport.CloseIdleConnections(); server.Close() }
	}
	for b.Loop() {
		const length = 4 * time.Second
		var calm, flooded []time.Duration
		for range 5 { // in turn, so that both see the same machine
			calm = append(calm, flood(b, send, length, 0, fairLimits()...)...)
			flooded = append(flooded, flood(b, send, length, 50*fairShare, fairLimits()...)...)
		}
		quiet, limited, open := p99(calm), p99(flooded), p99(flood(b, send, length, 50*fairShare))
		b.ReportMetric(0, "ns/op")
		b.ReportMetric(float64(quiet.Microseconds())/1000, "quiet-p99-ms")
		b.ReportMetric(float64(limited.Microseconds())/1000, "limited-p99-ms")
		b.ReportMetric(float64(limited)/float64(quiet), "limited/quiet")
		b.ReportMetric(float64(open)/float64(quiet), "unlimited/quiet")
	}
}

// fairShare is how many calls a caller may make in a minute: 20 a second.
const fairShare = 1200

func fairLimits() []mcpengine.Option {
	return []mcpengine.Option{mcpengine.CallsPerMinute(fairShare), mcpengine.CallsAtOnce(4)}
}

func p99(took []time.Duration) time.Duration {
	slices.Sort(took)
	return took[len(took)*99/100]
}

// flood returns the latencies of 20 callers, each with 8 calls a second, while
// another one makes so many calls a minute.
func flood(tb testing.TB, connect func(*mcpengine.Engine) (send func(*http.Request), end func()), length time.Duration, perMinute int, limits ...mcpengine.Option) (took []time.Duration) {
	tb.Helper()
	const callers, interval = 20, 125 * time.Millisecond
	users := make(map[string]auth.User)
	for i := range callers + 1 {
		users[auth.HashToken(fmt.Sprint("caller-", i))] = auth.User{Subject: fmt.Sprint(i)}
	}
	resource, err := auth.NewResource("https://mcp.example.com/mcp", auth.StaticTokens(users))
	if err != nil {
		tb.Fatal(err)
	}
	e := mcpengine.New("fair", append(limits, quiet(), mcpengine.WithAuth(resource), mcpengine.WithHTTP(mcpengine.HTTPConfig{AllowedHosts: []string{"127.0.0.1"}}))...)
	pool := make(chan bool, 8)
	mcpengine.AddTool(e, "query", "", func(ctx context.Context, _ none) (string, error) {
		select {
		case pool <- true:
		case <-ctx.Done():
			return "", ctx.Err()
		}
		defer func() { <-pool }()
		<-time.After(10 * time.Millisecond)
		return "done", nil
	})
	send, end := connect(e)
	defer end()
	ctx, cancel := context.WithTimeout(tb.Context(), length)
	defer cancel()
	ask := func(caller int) {
		r := newRequest(ctx, "http://127.0.0.1/mcp", call("query"))
		r.Header.Set("Authorization", fmt.Sprint("Bearer caller-", caller))
		send(r)
	}
	var all sync.WaitGroup
	if perMinute > 0 {
		all.Go(func() { everySoOften(ctx, time.Minute/time.Duration(perMinute), &all, func() { ask(0) }) })
	}
	var mu sync.Mutex
	for i := range callers {
		all.Go(func() {
			everySoOften(ctx, interval, &all, func() {
				began := time.Now()
				ask(i + 1)
				if ctx.Err() != nil {
					return
				}
				mu.Lock()
				defer mu.Unlock()
				took = append(took, time.Since(began))
			})
		})
	}
	all.Wait()
	return took
}

// everySoOften calls do in each interval until ctx ends, however long do takes.
func everySoOften(ctx context.Context, interval time.Duration, all *sync.WaitGroup, do func()) {
	ticks := time.NewTicker(interval)
	defer ticks.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticks.C:
			all.Go(do)
		}
	}
}
