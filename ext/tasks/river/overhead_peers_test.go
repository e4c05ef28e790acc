//go:build bench

package river_test

import (
	"context"
	"encoding/json"
	"log/slog"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	queue "github.com/riverqueue/river"
	"github.com/riverqueue/river/riverdriver"
	"github.com/riverqueue/river/riverdriver/riverpgxv5"
	"github.com/riverqueue/river/riverdriver/riversqlite"

	"github.com/mcpengine/mcpengine"
	"github.com/mcpengine/mcpengine/ext/tasks"
	"github.com/mcpengine/mcpengine/ext/tasks/river"
	"github.com/mcpengine/mcpengine/internal/pgtest"
)

type quickOut struct {
	Done bool `json:"done"`
}

// startTasks starts a durable tool.
func startTasks(t *testing.T, address string, done func()) (*mcpengine.Engine, func()) {
	t.Helper()
	logger := slog.New(slog.DiscardHandler)
	backend, err := river.Open(t.Context(), address, river.WithLogger(logger))
	if err != nil {
		t.Fatal(err)
	}
	e := mcpengine.New("bench", mcpengine.WithLogger(logger), mcpengine.WithExtension(tasks.Extension(backend, tasks.WithLogger(logger), tasks.WithConcurrency(benchWorkers))))
	mcpengine.AddTool(e, "quick", "", func(context.Context, none) (quickOut, error) {
		done()
		return quickOut{true}, nil
	}, tasks.Durable(tasks.Grace(0)))
	return e, func() {
		e.Close()
		backend.Close()
	}
}

// startJobs starts a tool that inserts a plain job, on the driver that River
// recommends for the database.
func startJobs(t *testing.T, address string, done func()) (*mcpengine.Engine, func()) {
	t.Helper()
	backend, err := river.Open(t.Context(), address, river.WithLogger(slog.New(slog.DiscardHandler))) // makes the tables
	if err != nil {
		t.Fatal(err)
	}
	if strings.HasPrefix(address, "sqlite:") {
		e, stop := plainJobs(t, riversqlite.New(backend.DB()), done)
		return e, func() {
			stop()
			backend.Close()
		}
	}
	backend.Close()
	pool, err := pgxpool.New(t.Context(), address+"&pool_max_conns=16")
	if err != nil {
		t.Fatal(err)
	}
	e, stop := plainJobs(t, riverpgxv5.New(pool), done)
	return e, func() {
		stop()
		pool.Close()
	}
}

type quickArgs struct{}

func (quickArgs) Kind() string { return "quick" }

func plainJobs[Tx any](t *testing.T, driver riverdriver.Driver[Tx], done func()) (*mcpengine.Engine, func()) {
	t.Helper()
	logger := slog.New(slog.DiscardHandler)
	workers := queue.NewWorkers()
	queue.AddWorker(workers, queue.WorkFunc(func(context.Context, *queue.Job[quickArgs]) error {
		done()
		return nil
	}))
	client, err := queue.NewClient(driver, &queue.Config{
		Queues: map[string]queue.QueueConfig{queue.QueueDefault: {MaxWorkers: benchWorkers}}, Workers: workers, Logger: logger,
		FetchCooldown: 20 * time.Millisecond, FetchPollInterval: 500 * time.Millisecond,
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := client.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	e := mcpengine.New("bench", mcpengine.WithLogger(logger))
	mcpengine.AddTool(e, "quick", "", func(ctx context.Context, _ none) (string, error) {
		job, err := client.Insert(ctx, quickArgs{}, nil)
		if err != nil {
			return "", err
		}
		return strconv.FormatInt(job.Job.ID, 10), nil
	})
	return e, func() {
		e.Close()
		if err := client.Stop(context.WithoutCancel(t.Context())); err != nil {
			t.Error(err)
		}
	}
}

// pythonPeer is where scripts/install-fastmcp-tasks installs FastMCP's tasks.
const pythonPeer = "../../../.tools/python-peers/fastmcp_tasks/bin/python"

// measureFastMCP reports what a task costs in FastMCP, which has Docket run it on
// Redis: called in the process of the server, and every write of Redis kept in a
// file, as databases do.
func measureFastMCP(t *testing.T, n int) {
	t.Helper()
	if _, err := os.Stat(pythonPeer); err != nil {
		t.Skip("out of reach: FastMCP's tasks are not installed (scripts/install-fastmcp-tasks)")
	}
	program, err := exec.LookPath("redis-server")
	if err != nil {
		t.Skip("out of reach: Redis is not installed (scripts/install-redis)")
	}
	listener, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	_, port, _ := net.SplitHostPort(listener.Addr().String())
	listener.Close()
	redis := exec.CommandContext(t.Context(), program, "--bind", "127.0.0.1", "--port", port, "--save", "", "--appendonly", "yes", "--dir", t.TempDir())
	if err := redis.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() {
		_ = redis.Process.Kill()
		_ = redis.Wait() // its status says that it was killed
	}()
	python, script := filepath.FromSlash(pythonPeer), filepath.Join("testdata", "fastmcp_tasks_bench.py")
	var costs []cost
	for range benchRounds {
		before := pgtest.ProcessCPU(t, redis.Process.Pid)
		output, err := exec.CommandContext(t.Context(), python, script, "redis://127.0.0.1:"+port+"/0",
			strconv.Itoa(n), strconv.Itoa(benchCallers), strconv.Itoa(benchWorkers)).Output()
		var took struct{ Wall, CPU float64 }
		if err != nil || json.Unmarshal(output, &took) != nil {
			t.Fatalf("%s: %s, %v", script, output, err)
		}
		costs = append(costs, cost{
			cpu:  time.Duration(took.CPU*float64(time.Second)) + (pgtest.ProcessCPU(t, redis.Process.Pid)-before)/time.Duration(n),
			wall: time.Duration(took.Wall * float64(time.Second)),
		})
	}
	t.Logf("%d callers at once\n\tFastMCP on Redis  %s", benchCallers, median(costs))
}
