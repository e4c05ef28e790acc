package messages_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"log/slog"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/mcpengine/mcpengine"
	"github.com/mcpengine/mcpengine/examples/internal/messages"
	"github.com/mcpengine/mcpengine/internal/pgtest"
)

// open opens the store of an environment.
func open(t *testing.T, env map[string]string) messages.Store {
	t.Helper()
	store, err := openWith(t.Context(), env, slog.New(slog.NewTextHandler(io.Discard, nil)))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(store.Close)
	return store
}

func openWith(ctx context.Context, env map[string]string, logger *slog.Logger) (messages.Store, error) {
	getenv := func(name string) string { return env[name] }
	settings, err := mcpengine.ConfigFrom[messages.Settings](nil, getenv)
	if err != nil {
		return nil, err
	}
	return messages.Open(ctx, settings, getenv, logger)
}

// Both stores do the same.
func TestStores(t *testing.T) {
	t.Parallel()
	t.Run("SQLite", func(t *testing.T) {
		t.Parallel()
		testStore(t, func(t *testing.T, name string) map[string]string {
			return map[string]string{"SQLITE_FILE": filepath.Join(t.TempDir(), name+" ?#%.db")}
		})
	})
	t.Run("PostgreSQL", func(t *testing.T) {
		t.Parallel()
		server := pgtest.Start(t)
		testStore(t, func(t *testing.T, name string) map[string]string {
			return map[string]string{"DATABASE_URL": server.Database(t, name)}
		})
	})
}

func testStore(t *testing.T, environment func(t *testing.T, name string) map[string]string) {
	t.Run("what was posted is read", func(t *testing.T) {
		store := open(t, environment(t, "texts"))
		texts := map[string]string{
			"unicode":          "Zoë said 你好, 👩‍👩‍👧 and e\u0301 to \u202eher\u202c",
			"SQL":              `'); DROP TABLE messages; -- " \ % _ $1 ? ::text /*`,
			"line breaks":      "one\r\ntwo\n\n\tthree ",
			"a megabyte":       strings.Repeat("0123456789abcdef", messages.MaxText/16),
			"other characters": "\x01\x1b[31m\ufffe\ufeff",
			"a space":          " ",
		}
		for name, text := range texts {
			id, err := store.Post(t.Context(), messages.Draft{Username: "Robert'); --", Text: text})
			if err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			recent, err := store.Recent(t.Context())
			if err != nil || len(recent) == 0 {
				t.Fatalf("%s: Recent = %d messages, %v", name, len(recent), err)
			}
			if got := recent[0]; got.ID != id || got.Username != "Robert'); --" || got.Text != text {
				t.Errorf("%s: the newest message is %d by %q: %.80q, want %d: %.80q", name, got.ID, got.Username, got.Text, id, text)
			}
			if age := time.Since(recent[0].Timestamp); age < -time.Minute || age > time.Minute {
				t.Errorf("%s: it was posted %v ago", name, age)
			}
		}
	})

	t.Run("a key posts once", func(t *testing.T) {
		store := open(t, environment(t, "keys"))
		first, err := store.Post(t.Context(), messages.Draft{Username: "bob", Text: "hello", Key: "k"})
		if err != nil {
			t.Fatal(err)
		}
		var wait sync.WaitGroup
		for range 8 {
			wait.Go(func() {
				if id, err := store.Post(t.Context(), messages.Draft{Username: "bob", Text: "hello", Key: "k"}); err != nil || id != first {
					t.Errorf("Post again = %d, %v, want %d", id, err, first)
				}
			})
		}
		wait.Wait()
		if id, err := store.Post(t.Context(), messages.Draft{Username: "bob", Text: "other", Key: "k"}); err == nil || !strings.Contains(err.Error(), "use a new key") {
			t.Errorf("Post of another text with the key = %d, %v", id, err)
		}
		if id, err := store.Post(t.Context(), messages.Draft{Username: "eve", Text: "mine", Key: "k"}); err != nil || id == first {
			t.Errorf("Post of another user with the key = %d, %v", id, err)
		}
		if diff := cmp.Diff([]string{"mine", "hello"}, texts(t, store)); diff != "" {
			t.Errorf("the recent messages (-want +got):\n%s", diff)
		}
		for _, key := range []string{strings.Repeat("k", messages.MaxKey+1), "a\nb"} {
			if _, err := store.Post(t.Context(), messages.Draft{Username: "bob", Text: "x", Key: key}); err == nil || !strings.HasPrefix(err.Error(), "the idempotency key ") {
				t.Errorf("Post with the key %q = %v", key, err)
			}
		}
	})
	t.Run("the ten newest, newest first", func(t *testing.T) {
		store := open(t, environment(t, "order"))
		if recent, err := store.Recent(t.Context()); err != nil || len(recent) != 0 {
			t.Errorf("Recent of an empty board = %v, %v", recent, err)
		}
		post(t, store, 12)
		if diff := cmp.Diff([]string{"12", "11", "10", "9", "8", "7", "6", "5", "4", "3"}, texts(t, store)); diff != "" {
			t.Errorf("the recent messages (-want +got):\n%s", diff)
		}
	})

	t.Run("large messages do not keep small ones from being read", func(t *testing.T) {
		store := open(t, environment(t, "large"))
		half := strings.Repeat("x", messages.MaxText/2)
		for _, text := range []string{"1", half, half, "4"} {
			if _, err := store.Post(t.Context(), messages.Draft{Username: "bob", Text: text}); err != nil {
				t.Fatal(err)
			}
		}
		if got := texts(t, store); len(got) != 2 || got[0] != "4" {
			t.Errorf("Recent has %d messages, want the newest 2", len(got))
		}
	})

	t.Run("deleted messages are gone and their numbers too", func(t *testing.T) {
		store := open(t, environment(t, "deleted"))
		post(t, store, 2)
		if err := store.Delete(t.Context(), 2); err != nil {
			t.Fatal(err)
		}
		if err := store.Delete(t.Context(), 2); err == nil || !strings.Contains(err.Error(), "there is no message 2") {
			t.Errorf("Delete(2) again = %v", err)
		}
		if id, err := store.Post(t.Context(), messages.Draft{Username: "bob", Text: "3"}); err != nil || id != 3 {
			t.Errorf("Post = %d, %v, want 3", id, err)
		}
		if diff := cmp.Diff([]string{"3", "1"}, texts(t, store)); diff != "" {
			t.Errorf("the recent messages (-want +got):\n%s", diff)
		}
	})

	t.Run("what is refused says why", func(t *testing.T) {
		store := open(t, environment(t, "refused"))
		for _, test := range []struct{ username, text, want string }{
			{"", "hello", "username is empty"},
			{" \t", "hello", "username is empty"},
			{"a\nb", "hello", "username has control characters"},
			{"a\x00b", "hello", "username has control characters"},
			{strings.Repeat("é", messages.MaxUsername+1), "hello", "username is longer than 512 characters"},
			{"bob", "", "text is empty"},
			{"bob", "a\x00b", "text has a NUL character (U+0000), which cannot be stored"},
			{"bob", strings.Repeat("x", messages.MaxText+1), "text has 1048577 bytes and may have 1048576"},
		} {
			if _, err := store.Post(t.Context(), messages.Draft{Username: test.username, Text: test.text}); err == nil || !strings.HasPrefix(err.Error(), test.want) {
				t.Errorf("Post(%.20q, %.20q) = %v, want %s", test.username, test.text, err, test.want)
			}
		}
		if got := texts(t, store); len(got) != 0 {
			t.Errorf("posted all the same: %.80q", got)
		}
	})

	t.Run("ten that start at once create one table", func(t *testing.T) {
		env := environment(t, "start")
		var wg sync.WaitGroup
		for i := range 10 {
			wg.Go(func() {
				// The table in an SQLite file is created when it is opened.
				store, err := openWith(t.Context(), env, slog.New(slog.NewTextHandler(io.Discard, nil)))
				if err != nil {
					t.Error(err)
					return
				}
				defer store.Close()
				if _, err := store.Post(t.Context(), messages.Draft{Username: "bob", Text: fmt.Sprint(i)}); err != nil {
					t.Error(err)
				}
			})
		}
		wg.Wait()
		if got := texts(t, open(t, env)); len(got) != 10 {
			t.Errorf("there are %d messages, want 10", len(got))
		}
	})
}

// post posts n messages, whose texts are their numbers.
func post(t *testing.T, store messages.Store, n int) {
	t.Helper()
	for i := range n {
		if _, err := store.Post(t.Context(), messages.Draft{Username: "bob", Text: fmt.Sprint(i + 1)}); err != nil {
			t.Fatal(err)
		}
	}
}

// texts is the texts of the recent messages.
func texts(t *testing.T, store messages.Store) []string {
	t.Helper()
	recent, err := store.Recent(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	var texts []string
	for _, m := range recent {
		texts = append(texts, m.Text)
	}
	return texts
}

// A mistake that waiting does not mend stops the start, and no message quotes a
// password.
func TestOpenRefuses(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name string
		env  map[string]string
		want string
	}{
		{"no URL", map[string]string{"DATABASE_URL": "postgres://bob:hunter2@host:port/db"}, "are not the address of a PostgreSQL"},
		{"another database", map[string]string{"DATABASE_URL": "mysql://bob:hunter2@host/db"}, "are not the address of a PostgreSQL"},
		{"no database", map[string]string{"DB_HOST": "host", "DB_USER": "bob", "DB_PASS": "hunter2"}, "DB_NAME is not"},
		{"nobody", map[string]string{"DB_HOST": "host", "DB_NAME": "db"}, "neither DB_SECRET_ARN nor DB_USER is"},
		{"two passwords", map[string]string{"DB_HOST": "host", "DB_NAME": "db", "DB_PASS": "hunter2", "DB_SECRET_ARN": "arn"}, "a password and DB_SECRET_ARN are both set"},
		{"two passwords, one in the URL", map[string]string{"DATABASE_URL": "postgres://bob:hunter2@host/db", "DB_SECRET_ARN": "arn"}, "a password and DB_SECRET_ARN are both set"},
		{"a file on Lambda", map[string]string{"AWS_LAMBDA_RUNTIME_API": "localhost:9001"}, "on AWS Lambda messages need a database"},
		{"no certificates", map[string]string{"DB_HOST": "db", "DB_NAME": "board", "DB_USER": "ada", "PGSSLROOTCERT": "/nowhere/global-bundle.pem"}, "PGSSLROOTCERT"},
		{"no folder", map[string]string{"SQLITE_FILE": "/nowhere/messages.db"}, "SQLITE_FILE names another file"},
	} {
		store, err := openWith(t.Context(), test.env, slog.New(slog.DiscardHandler))
		if err == nil {
			store.Close()
		}
		if err == nil || !strings.Contains(err.Error(), test.want) || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%s: Open = %v, want %s", test.name, err, test.want)
		}
	}
}

// A store is opened while its database is down, says so, and works when the
// database has come up, and again after it was down.
func TestDatabaseComesAndGoes(t *testing.T) {
	t.Parallel()
	server := pgtest.Start(t)
	url := server.Database(t, "board")
	server.Stop(t)

	var log bytes.Buffer
	store, err := openWith(t.Context(), map[string]string{"DATABASE_URL": url}, slog.New(slog.NewTextHandler(&log, nil)))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(store.Close)
	down := func() {
		t.Helper()
		if id, err := store.Post(t.Context(), messages.Draft{Username: "bob", Text: "lost"}); err == nil || !strings.Contains(err.Error(), "try again") {
			t.Errorf("Post = %d, %v", id, err)
		}
		if recent, err := store.Recent(t.Context()); err == nil || !strings.Contains(err.Error(), "try again in a minute") {
			t.Errorf("Recent = %v, %v", recent, err)
		}
	}
	down()
	if !strings.Contains(log.String(), "connection refused") || strings.Contains(log.String(), pgtest.Password+"@") {
		t.Errorf("the log has %s", log.String())
	}
	server.Restart(t)
	post(t, store, 2)
	server.Stop(t)
	down()
	server.Restart(t)
	if diff := cmp.Diff([]string{"2", "1"}, texts(t, store)); diff != "" {
		t.Errorf("the recent messages (-want +got):\n%s", diff)
	}
	if _, err := store.Post(t.Context(), messages.Draft{Username: "bob", Text: "3"}); err != nil {
		t.Error(err)
	}
}

// A connection that breaks while the database works leaves open what it did. A
// message is sent again under its key, and reading is repeated; deleting is not.
func TestConnectionBreaks(t *testing.T) {
	t.Parallel()
	server := pgtest.Start(t)
	store := open(t, map[string]string{"DATABASE_URL": server.Database(t, "board")})
	post(t, store, 1)

	// interrupt calls while the table is locked, and breaks the connection that
	// waits for it.
	interrupt := func(call func() error) error {
		t.Helper()
		unlock := server.Lock(t, "board", "messages")
		result := make(chan error)
		go func() { result <- call() }()
		const waiting = "FROM pg_stat_activity WHERE datname = 'board' AND wait_event_type = 'Lock'"
		for server.Count(t, "board", "SELECT count(pg_terminate_backend(pid)) "+waiting) == 0 {
			if t.Context().Err() != nil {
				t.Fatal("nobody waits for the lock")
			}
		}
		unlock()
		return <-result
	}
	err := interrupt(func() error {
		_, err := store.Post(t.Context(), messages.Draft{Username: "bob", Text: "2"})
		return err
	})
	if err != nil {
		t.Errorf("Post = %v", err)
	}
	err = interrupt(func() error {
		_, err := store.Recent(t.Context())
		return err
	})
	if err != nil {
		t.Errorf("Recent = %v", err)
	}
	err = interrupt(func() error { return store.Delete(t.Context(), 1) })
	if err == nil || !strings.Contains(err.Error(), "it may or may not have happened") {
		t.Errorf("Delete = %v", err)
	}
	if diff := cmp.Diff([]string{"2", "1"}, texts(t, store)); diff != "" {
		t.Errorf("the recent messages (-want +got):\n%s", diff)
	}
}
