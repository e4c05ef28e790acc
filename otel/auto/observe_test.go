package auto_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/mcpengine/mcpengine"
	"github.com/mcpengine/mcpengine/client"
	otelmcp "github.com/mcpengine/mcpengine/otel"
	"github.com/mcpengine/mcpengine/otel/auto"
)

const observe = "../../deploy/observe"

// program returns the path of a program of Prometheus.
func program(t *testing.T, name string) string {
	t.Helper()
	path, err := filepath.Abs("../../.tools/prometheus/" + name)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(path); err == nil {
		return path
	}
	if path, err = exec.LookPath(name); err != nil {
		t.Skipf("%s is not installed: run scripts/install-prometheus", name)
	}
	return path
}

func TestAlerts(t *testing.T) {
	t.Parallel()
	promtool := program(t, "promtool")
	for _, args := range [][]string{{"check", "rules", "alerts.yml"}, {"test", "rules", "alerts_test.yml"}, {"check", "config", "prometheus.yml"}} {
		cmd := exec.CommandContext(t.Context(), promtool, args...)
		cmd.Dir = observe
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Errorf("promtool %s: %v\n%s", strings.Join(args, " "), err, out)
		}
	}
}

// TestDashboard scrapes a server with Prometheus, and asks Prometheus each query of
// the dashboard. All have to find something: a name that is misspelt finds nothing.
func TestDashboard(t *testing.T) {
	prometheus := program(t, "prometheus")
	metrics := freeAddress(t)
	host, port, _ := net.SplitHostPort(metrics)
	t.Setenv("OTEL_METRICS_EXPORTER", "prometheus")
	t.Setenv("OTEL_EXPORTER_PROMETHEUS_HOST", host)
	t.Setenv("OTEL_EXPORTER_PROMETHEUS_PORT", port)
	t.Setenv("OTEL_TRACES_EXPORTER", "")
	stop, err := auto.Start(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := stop(context.WithoutCancel(t.Context())); err != nil {
			t.Error(err)
		}
	}()
	api := startPrometheus(t, prometheus, metrics)
	call := newCaller(t)
	for _, query := range queries(t) {
		await(t, "a result of "+query, func() bool {
			call() // rates need counters that move
			return api.found(t, query)
		})
	}
}

// newCaller returns a function that makes calls of a server that end in all ways.
func newCaller(t *testing.T) (call func()) {
	t.Helper()
	e := mcpengine.New("weather", otelmcp.New().Server(), mcpengine.WithLogger(slog.New(slog.DiscardHandler)))
	mcpengine.AddTool(e, "crash", "", func(context.Context, struct{}) (string, error) { panic("storm") })
	mcpengine.AddTool(e, "forecast", "", func(context.Context, struct{}) (string, error) { return "sunny", nil })
	mcpengine.AddTool(e, "broken", "", func(context.Context, struct{}) (string, error) { return "", errors.New("no luck") })
	mcpengine.AddTool(e, "limited", "", func(context.Context, struct{}) (string, error) { return "once", nil }, mcpengine.CallsPerMinute(1))
	c, err := client.Connect(t.Context(), "http://server.example", client.WithHTTPClient(&http.Client{Transport: client.InMemory(e)}))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return func() {
		for _, tool := range []string{"forecast", "broken", "crash", "limited", "no-such"} {
			_, _ = c.CallTool(t.Context(), tool, nil) // the outcomes are what is counted
		}
	}
}

// queries returns the queries of the dashboard, with its variables filled in.
func queries(t *testing.T) (all []string) {
	t.Helper()
	text, err := os.ReadFile(observe + "/dashboard.json")
	if err != nil {
		t.Fatal(err)
	}
	var dashboard struct {
		Panels []struct {
			Targets []struct {
				Expr string `json:"expr"`
			} `json:"targets"`
		} `json:"panels"`
	}
	if err := json.Unmarshal(text, &dashboard); err != nil {
		t.Fatal(err)
	}
	fill := strings.NewReplacer("$job", "mcp", "$__rate_interval", "1m", " or vector(0)", "")
	for _, p := range dashboard.Panels {
		for _, target := range p.Targets {
			all = append(all, fill.Replace(target.Expr))
		}
	}
	if len(all) < 10 {
		t.Fatalf("the dashboard has %d queries: they are not read", len(all))
	}
	return all
}

// An api is the HTTP API of Prometheus.
type api string

// found reports whether a query finds a series with a number.
func (a api) found(t *testing.T, query string) bool {
	t.Helper()
	var answer struct {
		Status string `json:"status"`
		Error  string `json:"error"`
		Data   struct {
			Result []struct {
				Value [2]any `json:"value"`
			} `json:"result"`
		} `json:"data"`
	}
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, string(a)+"/api/v1/query?query="+url.QueryEscape(query), http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return false // it has not started yet
	}
	defer resp.Body.Close()
	if err := json.NewDecoder(resp.Body).Decode(&answer); err != nil {
		return false
	}
	if answer.Status != "success" {
		t.Fatalf("%s: %s", query, answer.Error)
	}
	for _, r := range answer.Data.Result {
		if r.Value[1] != "NaN" {
			return true
		}
	}
	return false
}

func startPrometheus(t *testing.T, program, target string) api {
	t.Helper()
	dir := t.TempDir()
	config := filepath.Join(dir, "prometheus.yml")
	text := fmt.Sprintf("scrape_configs:\n- job_name: mcp\n  scrape_interval: 200ms\n  scrape_timeout: 200ms\n  static_configs:\n  - targets: [%q]\n", target)
	if err := os.WriteFile(config, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	address := freeAddress(t)
	cmd := exec.CommandContext(context.WithoutCancel(t.Context()), program, "--config.file="+config, "--storage.tsdb.path="+filepath.Join(dir, "data"), "--web.listen-address="+address, "--log.level=warn")
	cmd.Stderr = os.Stderr
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	})
	return api("http://" + address)
}

func freeAddress(t *testing.T) string {
	t.Helper()
	l, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

// await waits until a condition holds, which is asked again and again.
func await(t *testing.T, what string, holds func() bool) {
	t.Helper()
	deadline := time.After(2 * time.Minute)
	for !holds() {
		select {
		case <-deadline:
			t.Fatalf("waited in vain for %s", what)
		case <-time.After(100 * time.Millisecond):
		}
	}
}
