package river_test

import (
	"bytes"
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/mcpengine/mcpengine"
	"github.com/mcpengine/mcpengine/ext/tasks"
	"github.com/mcpengine/mcpengine/ext/tasks/river"
	"github.com/mcpengine/mcpengine/internal/pgtest"
)

// databases are what a test runs on, each a new one.
var databases = []struct {
	name string
	open func(t *testing.T) (address string)
}{
	{"sqlite", func(t *testing.T) string { return "sqlite:" + filepath.Join(t.TempDir(), "tasks.db") }},
	{"postgres", func(t *testing.T) string { return pgtest.Start(t).URL("postgres") }},
}

// onEach runs a test on each database.
func onEach(t *testing.T, test func(t *testing.T, address string)) {
	t.Helper()
	for _, db := range databases {
		t.Run(db.name, func(t *testing.T) {
			t.Parallel()
			test(t, db.open(t))
		})
	}
}

// A server is one process, as far as the database is concerned.
type server struct {
	*testing.T
	engine  *mcpengine.Engine
	backend *river.Backend
}

func start(t *testing.T, address string, add func(*mcpengine.Engine)) *server {
	t.Helper()
	logger := slog.New(slog.DiscardHandler)
	backend, err := river.Open(t.Context(), address, river.WithLogger(logger))
	if err != nil {
		t.Fatal(err)
	}
	e := mcpengine.New("fixture", mcpengine.WithLogger(logger), mcpengine.WithExtension(tasks.Extension(backend, tasks.WithLogger(logger))))
	add(e)
	s := &server{t, e, backend}
	t.Cleanup(s.stop)
	s.send("server/discover", "") // the first request starts the extension
	return s
}

func (s *server) stop() {
	if s.engine != nil {
		s.engine.Close()
		s.backend.Close()
		s.engine = nil
	}
}

// send sends a request and returns the result.
func (s *server) send(method, params string) map[string]any {
	s.Helper()
	const meta = `"_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientCapabilities":{"elicitation":{},"extensions":{"io.modelcontextprotocol/tasks":{}}}}`
	if params != "" {
		params = "," + params
	}
	r := httptest.NewRequestWithContext(s.Context(), "POST", "/mcp", strings.NewReader(fmt.Sprintf(`{"jsonrpc":"2.0","id":1,"method":%q,"params":{%s%s}}`, method, meta, params)))
	var named struct{ Name, TaskID string }
	if err := json.Unmarshal([]byte("{"+strings.TrimPrefix(params, ",")+"}"), &named); err != nil {
		s.Fatal(err)
	}
	for name, value := range map[string]string{
		"Content-Type": "application/json", "Accept": "application/json, text/event-stream",
		"MCP-Protocol-Version": "2026-07-28", "Mcp-Method": method, "Mcp-Name": named.Name + named.TaskID,
	} {
		if value != "" {
			r.Header.Set(name, value)
		}
	}
	w := httptest.NewRecorder()
	s.engine.ServeHTTP(w, r)
	var reply struct {
		Result map[string]any
		Error  any
	}
	if err := json.NewDecoder(bytes.NewReader(w.Body.Bytes())).Decode(&reply); err != nil || reply.Result == nil {
		s.Fatalf("%s %s: %s, %v", method, params, w.Body, err)
	}
	return reply.Result
}

// call begins a task and returns its id.
func (s *server) call(tool string) string {
	s.Helper()
	id, _ := s.send("tools/call", fmt.Sprintf(`"name":%q,"arguments":{}`, tool))["taskId"].(string)
	if id == "" {
		s.Fatalf("%s did not become a task", tool)
	}
	return id
}

// await waits until the task has the status.
func (s *server) await(id, status string) map[string]any {
	s.Helper()
	ticker := time.NewTicker(20 * time.Millisecond)
	defer ticker.Stop()
	for {
		got := s.send("tasks/get", fmt.Sprintf(`"taskId":%q`, id))
		switch got["status"] {
		case status:
			return got
		case "completed", "failed", "cancelled":
			s.Fatalf("the task is %v, want %s", got, status)
		}
		select {
		case <-ticker.C:
		case <-s.Context().Done():
			s.Fatalf("the task is %v, want %s", got, status)
		}
	}
}

func text(task map[string]any) string { return fmt.Sprint(task["result"]) }

type none struct{}

func add(e *mcpengine.Engine, name string, h func(context.Context) (string, error), opts ...tasks.DurableOption) {
	mcpengine.AddTool(e, name, "", func(ctx context.Context, _ none) (string, error) { return h(ctx) },
		tasks.Durable(append(opts, tasks.Grace(0))...))
}

type approval struct {
	Approve bool `json:"approve"`
}

// A task goes on in another process, and asks its questions there.
func TestTaskOutlivesProcess(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, address string) {
		ran := make(chan string, 10)
		tools := func(e *mcpengine.Engine) {
			add(e, "publish", func(ctx context.Context) (string, error) {
				draft, err := mcpengine.Step(ctx, "draft", func(context.Context) (string, error) {
					ran <- "draft"
					return "the draft", nil
				})
				if err != nil {
					return "", err
				}
				answer, err := mcpengine.Elicit[approval](ctx, "Publish?", mcpengine.WithKey("publish"))
				return fmt.Sprintf("%s, %t", draft, answer.Approve), err
			})
		}
		s := start(t, address, tools)
		id := s.call("publish")
		s.await(id, "input_required")
		s.stop()
		s = start(t, address, tools)
		s.await(id, "input_required")
		s.send("tasks/update", fmt.Sprintf(`"taskId":%q,"inputResponses":{"publish.1":{"action":"accept","content":{"approve":true}}}`, id))
		if got := text(s.await(id, "completed")); !strings.Contains(got, "the draft, true") {
			t.Errorf("result = %s", got)
		}
		if len(ran) != 1 {
			t.Errorf("the step ran %d times", len(ran))
		}
	})
}

// What a step writes in the transaction of the journal is there exactly once, and
// not at all when the step fails.
func TestTx(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, address string) {
		attempts := 0
		s := start(t, address, func(e *mcpengine.Engine) {
			add(e, "write", func(ctx context.Context) (string, error) {
				return mcpengine.Step(ctx, "write", func(ctx context.Context) (string, error) {
					tx, err := tasks.Tx[*sql.Tx](ctx)
					if err != nil {
						return "", err
					}
					for _, statement := range []string{"CREATE TABLE IF NOT EXISTS ledger (entry TEXT)", "INSERT INTO ledger VALUES ('written')"} {
						if _, err := tx.ExecContext(ctx, statement); err != nil {
							return "", err
						}
					}
					if attempts++; attempts < 3 {
						return "", errors.New("not yet")
					}
					var n int
					err = tx.QueryRowContext(ctx, "SELECT count(*) FROM ledger").Scan(&n)
					return fmt.Sprint(n), err
				}, tasks.Retry(3, time.Millisecond))
			})
			add(e, "wrong", func(ctx context.Context) (string, error) {
				return mcpengine.Step(ctx, "wrong", func(ctx context.Context) (string, error) {
					_, err := tasks.Tx[int](ctx)
					return fmt.Sprint(err), nil
				})
			})
		})
		if got := text(s.await(s.call("write"), "completed")); !strings.Contains(got, "text:1 ") || attempts != 3 {
			t.Errorf("result = %s after %d attempts, want one entry", got, attempts)
		}
		if got := text(s.await(s.call("wrong"), "completed")); !strings.Contains(got, "the transaction is a *sql.Tx") {
			t.Errorf("result = %s", got)
		}
	})
}

// A task is cancelled on the replica that runs it, whichever replica is asked.
func TestCancelOnOtherReplica(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, address string) {
		stopped := make(chan time.Time, 1)
		running := make(chan *mcpengine.Engine, 1)
		tools := func(e *mcpengine.Engine) {
			add(e, "run", func(ctx context.Context) (string, error) {
				running <- e
				<-ctx.Done()
				stopped <- time.Now()
				return "", context.Cause(ctx)
			})
		}
		one := start(t, address, tools)
		two := start(t, address, tools)
		id := one.call("run")
		other := one
		if <-running == one.engine {
			other = two
		}
		asked := time.Now()
		other.send("tasks/cancel", fmt.Sprintf(`"taskId":%q`, id))
		if took := (<-stopped).Sub(asked); took > time.Second {
			t.Errorf("the handler was stopped after %v, want a second at most", took)
		}
		other.await(id, "cancelled")
	})
}

// A store that is away, read-only or full refuses the call, instead of losing a
// task, and takes calls again when it is mended.
func TestStoreFaults(t *testing.T) {
	t.Parallel()
	for _, fault := range []struct {
		name                 string
		sqlite, postgres     []string // statements that break the store
		sqliteOK, postgresOK []string // that mend it
	}{
		{"away", nil, nil, nil, nil},
		{
			"read-only",
			[]string{sqliteFault("attempt to write a readonly database")},
			[]string{"ALTER DATABASE postgres SET default_transaction_read_only = on", endConnections, "SET default_transaction_read_only = on"},
			[]string{"DROP TRIGGER fault"},
			[]string{"SET default_transaction_read_only = off", "ALTER DATABASE postgres RESET default_transaction_read_only", endConnections},
		},
		{
			"full",
			[]string{sqliteFault("database or disk is full")},
			[]string{`CREATE FUNCTION fill() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE disk_full; END $$`, "CREATE TRIGGER fill BEFORE INSERT ON mcpengine_task EXECUTE FUNCTION fill()"},
			[]string{"DROP TRIGGER fault"},
			[]string{"DROP TRIGGER fill ON mcpengine_task"},
		},
	} {
		t.Run(fault.name, func(t *testing.T) {
			t.Parallel()
			onEach(t, func(t *testing.T, address string) {
				s := start(t, address, func(e *mcpengine.Engine) {
					add(e, "quick", func(context.Context) (string, error) { return "done", nil })
				})
				statements, mend := fault.sqlite, fault.sqliteOK
				if strings.HasPrefix(address, "postgres:") {
					statements, mend = fault.postgres, fault.postgresOK
				}
				if fault.name == "away" {
					s.backend.Close()
				}
				s.execute(statements)
				if got := s.try(); !strings.Contains(got, `"code":-32603`) || !strings.Contains(got, "try again later") || strings.Contains(got, "SQL") {
					t.Errorf("response = %s", got)
				}
				if fault.name == "away" {
					return
				}
				s.execute(mend)
				if got := s.try(); !strings.Contains(got, `"resultType":"task"`) {
					t.Errorf("response of a store that is mended = %s", got)
				}
			})
		})
	}
}

// sqliteFault makes the table refuse rows. The settings of SQLite that do the same
// end with their connection.
func sqliteFault(message string) string {
	return "CREATE TRIGGER fault BEFORE INSERT ON mcpengine_task BEGIN SELECT RAISE(ABORT, '" + message + "'); END"
}

// endConnections ends all connections but the one that asks for it.
const endConnections = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid() AND backend_type = 'client backend'"

// execute executes statements on a connection of the backend.
func (s *server) execute(statements []string) {
	s.Helper()
	for _, statement := range statements {
		if _, err := s.backend.DB().ExecContext(s.Context(), statement); err != nil {
			s.Fatalf("%s: %v", statement, err)
		}
	}
}

// try calls the tool quick and returns the response.
func (s *server) try() string {
	s.Helper()
	r := httptest.NewRequestWithContext(s.Context(), "POST", "/mcp", strings.NewReader(
		`{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"quick","arguments":{},"_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientCapabilities":{"extensions":{"io.modelcontextprotocol/tasks":{}}}}}}`))
	for name, value := range map[string]string{"Content-Type": "application/json", "Accept": "application/json, text/event-stream", "MCP-Protocol-Version": "2026-07-28", "Mcp-Method": "tools/call", "Mcp-Name": "quick"} {
		r.Header.Set(name, value)
	}
	w := httptest.NewRecorder()
	s.engine.ServeHTTP(w, r)
	return w.Body.String()
}

// An address that names no database says so.
func TestOpenErrors(t *testing.T) {
	t.Parallel()
	for address, want := range map[string]string{
		"tasks.db":                  `begins with "sqlite:" or "postgres:"`,
		"sqlite:":                   "no file",
		"sqlite:/nowhere/else/a.db": "database",
		"postgres://127.0.0.1:1/x":  "database",
	} {
		backend, err := river.Open(t.Context(), address, river.WithLogger(slog.New(slog.DiscardHandler)))
		if err == nil {
			backend.Close()
		}
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("Open(%q) = %v, want %s", address, err, want)
		}
	}
}
