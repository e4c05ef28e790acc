package main_test

import (
	"fmt"
	"strconv"
	"strings"
	"testing"

	"github.com/mcpengine/mcpengine/examples/internal/servertest"
	"github.com/mcpengine/mcpengine/internal/buildtest"
	"github.com/mcpengine/mcpengine/internal/pgtest"
)

// The board as a function, which is the program as it is built.
func TestLambda(t *testing.T) {
	t.Parallel()
	program := buildtest.Program(t, ".", ".")
	t.Run("encryption", func(t *testing.T) { t.Parallel(); testEncryption(t, program) })
	t.Run("password", func(t *testing.T) { t.Parallel(); testPassword(t, program) })
	t.Run("instances", func(t *testing.T) { t.Parallel(); testInstances(t, program) })
}

// The password is in a secret and nowhere else, and may change at any time.
func testPassword(t *testing.T, program string) {
	database := pgtest.Start(t)
	database.Database(t, "board")
	secret := servertest.NewSecret(t)
	environment := append(
		secret.Env(), "PGSSLMODE=disable", // the database of the test has no certificate
		"DB_HOST=127.0.0.1", "DB_PORT="+strconv.Itoa(database.Port), "DB_NAME=board",
	)
	function := servertest.StartFunction(t, program, 1, environment...)
	client := servertest.Client(t, function.URL, "")
	post := func(when, want string) {
		t.Helper()
		text, err := servertest.Call(t.Context(), client, "post_message", map[string]any{"username": "bob", "text": "hello"})
		if got := fmt.Sprint(text, err); !strings.Contains(got, want) {
			t.Errorf("%s: post_message = %s, want %s\nlog: %s", when, got, want, function.Log())
		}
	}
	credentials := func(password string) string {
		return `{"username":"` + pgtest.User + `","password":"` + password + `"}`
	}

	post("may not read the secret", "try again in a minute")
	secret.Set("hunter2")
	post("the secret is something else", "try again in a minute")
	secret.Set(credentials("older"), credentials(pgtest.Password))
	post("at first", "Message 1 is posted.")

	database.SetPassword(t, "second")
	reads := secret.Reads()
	post("the connection outlives the password", "Message 2 is posted.")
	if got := secret.Reads(); got != reads {
		t.Errorf("the secret was read %d times for a connection that was there", got-reads)
	}

	// The instance is frozen, and its connection dies with the database.
	database.Stop(t)
	database.Restart(t)
	secret.Set(credentials("second"))
	post("the password has changed", "is posted.")

	database.SetPassword(t, "third")
	database.Stop(t)
	database.Restart(t)
	secret.Set(credentials("second"), credentials("third"))
	post("the password changes between reading and using it", "is posted.")

	for _, password := range []string{"hunter2", "second", "third"} {
		if strings.Contains(function.Log(), password) {
			t.Errorf("the log has a password:\n%s", function.Log())
		}
	}
}

// A password from a secret does not travel in the clear: the database of the test
// has no certificate.
func testEncryption(t *testing.T, program string) {
	database, secret := pgtest.Start(t), servertest.NewSecret(t)
	secret.Set(`{"username":"` + pgtest.User + `","password":"` + pgtest.Password + `"}`)
	function := servertest.StartFunction(t, program, 1, append(
		secret.Env(), "DB_HOST=127.0.0.1", "DB_PORT="+strconv.Itoa(database.Port), "DB_NAME=postgres",
	)...)
	_, err := servertest.Call(t.Context(), servertest.Client(t, function.URL, ""), "get_messages", map[string]any{})
	if err == nil || !strings.Contains(function.Log(), "server refused TLS connection") {
		t.Errorf("get_messages = %v\n%s", err, function.Log())
	}
}

// Five instances share the database, and each has one connection.
func testInstances(t *testing.T, program string) {
	database := pgtest.Start(t)
	address := database.Database(t, "board")
	function := servertest.StartFunction(t, program, 5, "DATABASE_URL="+address)
	errs := make(chan error)
	const messages = 20
	for i := range messages {
		go func() {
			client := servertest.Client(t, function.URL, "")
			_, err := servertest.Call(t.Context(), client, "post_message", map[string]any{"username": "bob", "text": strconv.Itoa(i)})
			errs <- err
		}()
	}
	for range messages {
		if err := <-errs; err != nil {
			t.Error(err)
		}
	}
	all, connections := database.Count(t, "board", "SELECT count(*) FROM messages"),
		database.Count(t, "board", "SELECT count(*) FROM pg_stat_activity WHERE datname = 'board' AND pid <> pg_backend_pid()")
	if all != messages || connections > 5 {
		t.Errorf("there are %d messages and %d connections, want %d and at most 5", all, connections, messages)
	}
}
