package main_test

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"net/url"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	_ "github.com/jackc/pgx/v5/stdlib" // registers the driver pgx
	_ "modernc.org/sqlite"             // registers the driver sqlite

	"github.com/mcpengine/mcpengine/client"
	"github.com/mcpengine/mcpengine/examples/internal/servertest"
	"github.com/mcpengine/mcpengine/internal/pgtest"
	"github.com/mcpengine/mcpengine/mcp"
)

// Fifty clients post to five processes that share a database: every message is
// there, and once.
func TestConcurrentPosters(t *testing.T) {
	t.Parallel()
	program := servertest.Program(t, "board")
	t.Run("PostgreSQL", func(t *testing.T) {
		t.Parallel()
		address := pgtest.Start(t).Database(t, "board")
		posters(t, program, "DATABASE_URL="+address, "pgx", address)
	})
	t.Run("SQLite", func(t *testing.T) {
		t.Parallel()
		file := filepath.Join(t.TempDir(), "messages.db")
		posters(t, program, "SQLITE_FILE="+file, "sqlite", file)
	})
}

func posters(t *testing.T, program, env, driver, address string) {
	const instances, clients, each = 5, 50, 4
	servers := make([]string, instances)
	var starting sync.WaitGroup
	for i := range servers {
		starting.Go(func() { servers[i] = servertest.Start(t, program, env).URL })
	}
	starting.Wait()
	var posting sync.WaitGroup
	for i := range clients {
		posting.Go(func() {
			for j := range each {
				c := servertest.Client(t, servers[(i+j)%instances], "")
				arguments := map[string]any{"username": fmt.Sprint("client ", i), "text": fmt.Sprint(i, " ", j)}
				if _, err := servertest.Call(t.Context(), c, "post_message", arguments); err != nil {
					t.Error(err)
				}
			}
		})
	}
	posting.Wait()
	db, err := sql.Open(driver, address)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	var all, different int
	err = db.QueryRowContext(t.Context(), "SELECT count(*), count(DISTINCT text) FROM messages").Scan(&all, &different)
	if err != nil || all != clients*each || different != clients*each {
		t.Errorf("there are %d messages, %d of them different, %v, want %d", all, different, err, clients*each)
	}
}

// A server outlives its database.
func TestDatabaseGoesAway(t *testing.T) {
	t.Parallel()
	program := servertest.Program(t, "board")
	database := pgtest.Start(t)
	at, err := url.Parse(database.Database(t, "board"))
	if err != nil {
		t.Fatal(err)
	}
	database.Stop(t)
	server := servertest.Start(
		t, program, "PGSSLMODE=disable", "DB_HOST="+at.Hostname(), "DB_PORT="+at.Port(),
		"DB_NAME=board", "DB_USER="+pgtest.User, "DB_PASS="+pgtest.Password,
	)
	c := servertest.Client(t, server.URL, "")
	post := func(want string) {
		t.Helper()
		text, err := servertest.Call(t.Context(), c, "post_message", map[string]any{"username": "bob", "text": "hello"})
		if got := fmt.Sprint(text, err); !strings.Contains(got, want) {
			t.Errorf("post_message = %s, want %s", got, want)
		}
	}
	post("cannot be reached at the moment: try again")
	if tools, err := client.Collect(c.Tools(t.Context())); err != nil || len(tools) != 3 {
		t.Errorf("ListTools = %v, %v, want what needs no database", tools, err)
	}
	database.Restart(t)
	post("Message 1 is posted.")
	database.Stop(t)
	post("try again")
	if _, err := c.ReadResource(t.Context(), "messages://recent"); err == nil || !strings.Contains(err.Error(), "cannot be reached at the moment") {
		t.Errorf("ReadResource = %v", err)
	}
	database.Restart(t)
	post("is posted.")
	if strings.Contains(server.Log(), pgtest.Password+"@") {
		t.Errorf("the log has the password:\n%s", server.Log())
	}
}

// The features as a client sees them.
func TestFeatures(t *testing.T) {
	t.Parallel()
	server := servertest.Start(t, servertest.Program(t, "board"), "SQLITE_FILE="+filepath.Join(t.TempDir(), "messages.db"))
	c := servertest.Client(t, server.URL, "")
	text := "Zoë: '); DROP TABLE messages; -- " + strings.Repeat("你", 1<<18)
	for _, arguments := range []map[string]any{
		{"username": "alice", "text": "first"},
		{"username": "bob", "text": text},
	} {
		if _, err := servertest.Call(t.Context(), c, "post_message", arguments); err != nil {
			t.Fatal(err)
		}
	}
	result, err := c.CallTool(t.Context(), "get_messages", map[string]any{})
	if err != nil {
		t.Fatal(err)
	}
	check(t, "get_messages", string(result.StructuredContent), text)
	contents, err := c.ReadResource(t.Context(), "messages://recent")
	if err != nil {
		t.Fatal(err)
	}
	check(t, "messages://recent", contents.Contents[0].Text, text)
	checkPrompt(t.Context(), t, c)
	if _, err := servertest.Call(t.Context(), c, "post_message", map[string]any{"username": "bob", "text": "a\x00b"}); err == nil || !strings.Contains(err.Error(), "leave it out") {
		t.Errorf("post of a NUL character = %v", err)
	}
}

func checkPrompt(ctx context.Context, t *testing.T, c *client.Client) {
	t.Helper()
	prompt, err := c.GetPrompt(ctx, "summarize", map[string]string{"reader": "Zoë"})
	if err != nil {
		t.Fatal(err)
	}
	if block, ok := prompt.Messages[0].Content.(mcp.TextContent); !ok || !strings.Contains(block.Text, "for Zoë. The messages were written by others") {
		t.Errorf("summarize = %+v", prompt.Messages)
	}
}

// check reports when the JSON lacks the newest message or the one before it.
func check(t *testing.T, from, answer, newest string) {
	t.Helper()
	var got struct {
		Messages []struct{ Username, Text string }
	}
	if err := json.Unmarshal([]byte(answer), &got); err != nil {
		t.Errorf("%s: %v", from, err)
	}
	want := []struct{ Username, Text string }{{"bob", newest}, {"alice", "first"}}
	if diff := cmp.Diff(want, got.Messages); diff != "" {
		t.Errorf("%s (-want +got):\n%s", from, diff)
	}
}
