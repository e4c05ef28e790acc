//go:build bench

package river_test

import (
	"cmp"
	"fmt"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/mcpengine/mcpengine"
	"github.com/mcpengine/mcpengine/internal/pgtest"
)

// benchVariable says how many tasks TestOverhead runs in each round.
const benchVariable = "BENCH_TASKS"

const (
	benchRounds  = 5
	benchCallers = 16
	benchWorkers = 32

	// bar is what a task may cost at most, where a plain job of River costs 1.
	bar = 1.3
)

// A cost is what one call costs. The processor time includes the database's.
type cost struct {
	cpu, wall                time.Duration
	statements, transactions float64
}

func (c cost) String() string {
	s := fmt.Sprintf("%6.0f µs of processor time, %5.0f tasks per second", c.cpu.Seconds()*1e6, 1/c.wall.Seconds())
	if c.statements > 0 {
		s += fmt.Sprintf(", %.2f statements and %.2f transactions", c.statements, c.transactions)
	}
	return s
}

func median(costs []cost) cost {
	slices.SortFunc(costs, func(a, b cost) int { return cmp.Compare(a.cpu, b.cpu) })
	return costs[len(costs)/2]
}

// make bench-tasks builds this with the tag bench: it takes minutes.
//
// A durable tool costs at most a little more than a tool that inserts a plain job
// of River, measured in turns, in one process and on one database.
func TestOverhead(t *testing.T) {
	n, err := strconv.Atoi(os.Getenv(benchVariable))
	if err != nil {
		t.Fatal("set " + benchVariable + " to a number of tasks")
	}
	for _, callers := range []int{benchCallers, 1} {
		t.Run(fmt.Sprintf("sqlite/%d", callers), func(t *testing.T) {
			compare(t, n, callers, func(t *testing.T) *database {
				return &database{address: "sqlite:" + filepath.Join(t.TempDir(), "tasks.db")}
			})
		})
		t.Run(fmt.Sprintf("postgres/%d", callers), func(t *testing.T) {
			p := pgtest.Start(t)
			compare(t, n, callers, func(*testing.T) *database { return &database{address: p.URL("postgres"), server: p} })
		})
	}
	t.Run("fastmcp", func(t *testing.T) { measureFastMCP(t, n) })
}

// compare measures both in turns and reports the medians.
func compare(t *testing.T, n, callers int, open func(*testing.T) *database) {
	t.Helper()
	var ratios []float64
	var jobs, durables []cost
	for range benchRounds {
		job, durable := open(t).measure(t, n, callers, startJobs), open(t).measure(t, n, callers, startTasks)
		jobs, durables = append(jobs, job), append(durables, durable)
		ratios = append(ratios, float64(durable.cpu)/float64(job.cpu))
	}
	slices.Sort(ratios)
	job, durable, ratio := median(jobs), median(durables), ratios[benchRounds/2]
	if d := open(t); d.server != nil {
		job.statements, job.transactions = d.count(t, n, callers, startJobs)
		durable.statements, durable.transactions = d.count(t, n, callers, startTasks)
	}
	t.Logf("%d callers at once: a task costs %.2f of a plain job (%.2f to %.2f)\n\tplain job     %s\n\tdurable tool  %s",
		callers, ratio, ratios[0], ratios[benchRounds-1], job, durable)
	if callers > 1 && ratio > bar {
		t.Errorf("a task costs %.2f of a plain job, want at most %v", ratio, bar)
	}
}

// A database is where rounds run.
type database struct {
	address string
	server  *pgtest.Server // nil for SQLite
}

// A starter starts a server with the tool quick, which calls done when its work
// is done.
type starter func(t *testing.T, address string, done func()) (e *mcpengine.Engine, stop func())

// round starts a server and makes n calls, after a few that open connections. It
// calls measured with the part that counts.
func (d *database) round(t *testing.T, n, callers int, start starter, measured func(calls func())) {
	t.Helper()
	var done atomic.Int64
	all := make(chan struct{})
	engine, stop := start(t, d.address, func() {
		if done.Add(1) == int64(n+callers) {
			close(all)
		}
	})
	call(t, engine, callers, callers)
	measured(func() {
		call(t, engine, n, callers)
		<-all
	})
	stop()
}

func (d *database) measure(t *testing.T, n, callers int, start starter) (c cost) {
	t.Helper()
	var cpu time.Duration
	d.round(t, n, callers, start, func(calls func()) {
		begin := time.Now()
		cpu = d.cpu(t)
		calls()
		c.wall = time.Since(begin) / time.Duration(n)
	})
	c.cpu = (d.cpu(t) - cpu) / time.Duration(n) // what became of the last ones is written
	return c
}

// count returns what one call asks of the database.
func (d *database) count(t *testing.T, n, callers int, start starter) (statements, transactions float64) {
	t.Helper()
	commits := func() int {
		return d.server.Count(t, "postgres", "SELECT xact_commit FROM pg_stat_database WHERE datname = 'postgres'")
	}
	d.server.LogStatements(t, true)
	defer d.server.LogStatements(t, false)
	var before, committed int
	d.round(t, n, callers, start, func(calls func()) {
		before, committed = d.server.Statements(t), commits()
		calls()
	})
	return float64(d.server.Statements(t)-before) / float64(n), float64(commits()-committed) / float64(n)
}

// cpu returns the processor time that this process and the database have taken.
func (d *database) cpu(t *testing.T) time.Duration {
	t.Helper()
	own := pgtest.ProcessCPU(t, os.Getpid())
	if d.server == nil {
		return own
	}
	return own + d.server.CPU(t)
}

// call makes n calls of the tool quick.
func call(t *testing.T, e *mcpengine.Engine, n, callers int) {
	t.Helper()
	var next atomic.Int64
	var running sync.WaitGroup
	for range callers {
		running.Go(func() {
			for next.Add(1) <= int64(n) {
				r := httptest.NewRequestWithContext(t.Context(), "POST", "/mcp", strings.NewReader(
					`{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"quick","arguments":{},"_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientCapabilities":{"extensions":{"io.modelcontextprotocol/tasks":{}}}}}}`))
				for name, value := range map[string]string{"Content-Type": "application/json", "Accept": "application/json, text/event-stream", "MCP-Protocol-Version": "2026-07-28", "Mcp-Method": "tools/call", "Mcp-Name": "quick"} {
					r.Header.Set(name, value)
				}
				w := httptest.NewRecorder()
				e.ServeHTTP(w, r)
				if body := w.Body.String(); !strings.Contains(body, `"result"`) {
					t.Errorf("call: %s", body)
					return
				}
			}
		})
	}
	running.Wait()
}
