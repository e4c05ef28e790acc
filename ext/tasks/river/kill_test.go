package river_test

import (
	"bufio"
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/mcpengine/mcpengine"
	"github.com/mcpengine/mcpengine/ext/tasks"
	"github.com/mcpengine/mcpengine/ext/tasks/river"
	"github.com/mcpengine/mcpengine/internal/pgtest"
)

// Environment variables of the programs that the kill test runs.
const (
	tasksVariable  = "RIVER_TEST_TASKS"  // the address of the tasks
	ledgerVariable = "RIVER_TEST_LEDGER" // the driver and the address of the ledger outside
)

// killsVariable says how often a process is killed, on each database.
const killsVariable = "CHAOS_KILLS"

// TestMain makes the test's own program the server that is killed.
func TestMain(m *testing.M) {
	address := os.Getenv(tasksVariable)
	if address == "" {
		m.Run() // go test ends the process by the result
		return
	}
	if err := serveLedger(address, os.Getenv(ledgerVariable)); err != nil {
		panic(err)
	}
}

// The steps of a task of the kill test. Those of the journal's transaction have
// their effect in the database of the tasks, the others outside of it.
var (
	steps  = []string{"tx1", "out1", "tx2", "out2", "tx3"}
	inside = map[string]bool{"tx1": true, "tx2": true, "tx3": true}
)

const ledgerTable = "CREATE TABLE IF NOT EXISTS ledger (task TEXT, step TEXT, idempotency TEXT)"

type ledgerIn struct {
	Name string `json:"name"`
}

// serveLedger is a server that somebody kills.
func serveLedger(address, ledger string) error {
	ctx := context.Background()
	logger := slog.New(slog.DiscardHandler)
	driver, outside, _ := strings.Cut(ledger, " ")
	db, err := sql.Open(driver, outside)
	if err != nil {
		return err
	}
	backend, err := river.Open(ctx, address, river.WithLogger(logger), river.WithRescueAfter(2*time.Second))
	if err != nil {
		return err
	}
	e := mcpengine.New("ledger", mcpengine.WithLogger(logger),
		mcpengine.WithExtension(tasks.Extension(backend, tasks.WithLogger(logger), tasks.WithLease(time.Second))))
	mcpengine.AddTool(e, "ledger", "", func(ctx context.Context, in ledgerIn) (string, error) {
		for _, name := range steps {
			if _, err := mcpengine.Step(ctx, name, func(ctx context.Context) (string, error) {
				return "", writeLedger(ctx, db, in.Name, name)
			}, tasks.Retry(1_000, 100*time.Millisecond)); err != nil {
				return "", err
			}
		}
		return "done", nil
	}, tasks.Durable(tasks.Grace(0)))
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	fmt.Fprintln(os.Stdout, listener.Addr())
	return e.Serve(ctx, listener)
}

func writeLedger(ctx context.Context, outside *sql.DB, task, step string) error {
	insert := fmt.Sprintf("INSERT INTO ledger VALUES ('%s', '%s', '%s')", task, step, tasks.IdempotencyKey(ctx))
	if !inside[step] {
		_, err := outside.ExecContext(ctx, insert)
		return err
	}
	tx, err := tasks.Tx[*sql.Tx](ctx)
	if err != nil {
		return err
	}
	_, err = tx.ExecContext(ctx, insert)
	return err
}

// A victim is a process that serves the ledger.
type victim struct {
	cmd     *exec.Cmd
	address string
}

func startVictim(t *testing.T, address, ledger string) *victim {
	t.Helper()
	program, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	v := &victim{cmd: exec.CommandContext(context.WithoutCancel(t.Context()), program)}
	v.cmd.Env = append(os.Environ(), tasksVariable+"="+address, ledgerVariable+"="+ledger)
	v.cmd.Stderr = os.Stderr
	out, err := v.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := v.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		v.kill()
		t.Fatalf("the server has not started: %v", err)
	}
	v.address = strings.TrimSpace(line)
	return v
}

// kill ends the process as nothing else does.
func (v *victim) kill() {
	_ = v.cmd.Process.Kill() // it may have ended
	_ = v.cmd.Wait()         // its status says that it was killed
}

// begin asks for a task. The server may be killed before it answers.
func (v *victim) begin(ctx context.Context, name string) {
	body := fmt.Sprintf(`{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"ledger","arguments":{"name":%q},"_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientCapabilities":{"extensions":{"io.modelcontextprotocol/tasks":{}}}}}}`, name)
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://"+v.address+"/mcp", strings.NewReader(body))
	if err != nil {
		return
	}
	for name, value := range map[string]string{"Content-Type": "application/json", "Accept": "application/json, text/event-stream", "MCP-Protocol-Version": "2026-07-28", "Mcp-Method": "tools/call", "Mcp-Name": "ledger"} {
		r.Header.Set(name, value)
	}
	response, err := http.DefaultClient.Do(r)
	if err != nil {
		return
	}
	defer response.Body.Close()
	_, _ = io.Copy(io.Discard, response.Body)
}

// Processes are killed at any moment. Every task ends, what its steps write in the
// journal's transaction is there exactly once, and what they write outside is there
// at least once and always under one key.
func TestKill(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("processes that are killed are waited for")
	}
	kills := 12
	if text := os.Getenv(killsVariable); text != "" {
		n, err := strconv.Atoi(text)
		if err != nil {
			t.Fatalf("%s: %v", killsVariable, err)
		}
		kills = n
	}
	t.Run("sqlite", func(t *testing.T) {
		t.Parallel()
		dir := t.TempDir()
		file, outside := filepath.Join(dir, "tasks.db"), filepath.Join(dir, "outside.db")
		const settings = "?_pragma=busy_timeout(20000)&_pragma=journal_mode(WAL)"
		killAll(t, kills, "sqlite:"+file, "sqlite", "file:"+file+settings, "file:"+outside+settings, func() {})
	})
	t.Run("postgres", func(t *testing.T) {
		t.Parallel()
		p := pgtest.Start(t)
		outside := p.URL("postgres") + "&options=-csearch_path%3Doutside"
		db := openLedger(t, "pgx", p.URL("postgres"))
		execute(t, db, "CREATE SCHEMA outside")
		killAll(t, kills, p.URL("postgres"), "pgx", p.URL("postgres"), outside, func() {
			p.Stop(t)
			p.Restart(t)
		})
	})
}

func killAll(t *testing.T, kills int, address, driver, database, outside string, restart func()) {
	t.Helper()
	backend, err := river.Open(t.Context(), address, river.WithLogger(slog.New(slog.DiscardHandler)))
	if err != nil {
		t.Fatal(err)
	}
	defer backend.Close()
	within, without := openLedger(t, driver, database), openLedger(t, driver, outside)
	for _, db := range []*sql.DB{within, without} {
		execute(t, db, ledgerTable)
	}
	for i := range kills {
		v := startVictim(t, address, driver+" "+outside)
		begun := make(chan struct{})
		go func() {
			defer close(begun)
			v.begin(t.Context(), fmt.Sprintf("task-%d", i))
		}()
		moment := time.NewTimer(rand.N(150 * time.Millisecond))
		<-moment.C
		if i == kills/3 || i == 2*kills/3 {
			restart()
		}
		v.kill()
		<-begun
	}
	last := startVictim(t, address, driver+" "+outside)
	defer last.kill()
	last.begin(t.Context(), "task-last")
	all := awaitAll(t, within)
	t.Logf("%d tasks after %d kills", all, kills)
	checkLedger(t, within, without, all)
}

// awaitAll waits until all tasks have ended, and returns how many there are. It
// gives up when none has ended for longer than River takes to find an orphan.
func awaitAll(t *testing.T, db *sql.DB) (all int) {
	t.Helper()
	ticker := time.NewTicker(200 * time.Millisecond)
	defer ticker.Stop()
	last, since := -1, time.Now()
	for {
		all, ended := countTasks(t, db)
		switch {
		case ended == all:
			return all
		case ended != last:
			last, since = ended, time.Now()
		case time.Since(since) > 3*time.Minute:
			t.Fatalf("%d of %d tasks have not ended", all-ended, all)
		}
		<-ticker.C
	}
}

// countTasks counts the tasks, and those that have ended.
func countTasks(t *testing.T, db *sql.DB) (all, ended int) {
	t.Helper()
	rows, err := db.QueryContext(t.Context(), "SELECT record FROM mcpengine_task")
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	for rows.Next() {
		var text string
		if err := rows.Scan(&text); err != nil {
			t.Fatal(err)
		}
		var record tasks.Record
		if err := json.Unmarshal([]byte(text), &record); err != nil {
			t.Fatal(err)
		}
		if record.Status.Ended() {
			ended++
		}
		if record.Status.Ended() && record.Status != tasks.Completed {
			t.Errorf("a task is %s: %v", record.Status, record.Error)
		}
		all++
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	return all, ended
}

// checkLedger compares the effects with what was promised.
func checkLedger(t *testing.T, within, without *sql.DB, all int) {
	t.Helper()
	const count = "SELECT step, task, count(*), count(DISTINCT idempotency) FROM ledger GROUP BY step, task"
	done := make(map[string]int)
	for _, db := range []*sql.DB{within, without} {
		rows, err := db.QueryContext(t.Context(), count)
		if err != nil {
			t.Fatal(err)
		}
		for rows.Next() {
			var step, task string
			var times, keys int
			if err := rows.Scan(&step, &task, &times, &keys); err != nil {
				t.Fatal(err)
			}
			done[step]++
			if keys != 1 || inside[step] && times != 1 {
				t.Errorf("%s of %s: %d times under %d keys", step, task, times, keys)
			}
		}
		if err := rows.Close(); err != nil {
			t.Fatal(err)
		}
	}
	for _, step := range steps {
		if done[step] != all {
			t.Errorf("%s was done for %d of %d tasks", step, done[step], all)
		}
	}
}

func openLedger(t *testing.T, driver, address string) *sql.DB {
	t.Helper()
	db, err := sql.Open(driver, address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	return db
}

func execute(t *testing.T, db *sql.DB, statement string) {
	t.Helper()
	if _, err := db.ExecContext(t.Context(), statement); err != nil {
		t.Fatal(err)
	}
}
