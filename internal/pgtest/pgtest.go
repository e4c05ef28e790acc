// Package pgtest starts a PostgreSQL of its own for a test.
package pgtest

import (
	"bufio"
	"cmp"
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

// User is the name of the only user of a server, and Password what it begins
// with.
const (
	User     = "board"
	Password = "first"
)

// A Server is a PostgreSQL in a temporary folder, on a free port of the loopback
// interface. It asks for passwords.
type Server struct {
	Port int

	bin, dir string
	password string
}

// Start starts a server and ends it with the test. The test is skipped where
// there is no PostgreSQL.
func Start(t testing.TB) *Server {
	t.Helper()
	bin, err := find()
	if err != nil {
		t.Skip("out of reach: " + err.Error())
	}
	s := &Server{bin: bin, dir: folder(t), password: Password}
	passwords := filepath.Join(s.dir, "password")
	if err := os.WriteFile(passwords, []byte(Password), 0o644); err != nil {
		t.Fatal(err)
	}
	// A test may lose what a crash of the machine takes: nothing is synchronized.
	s.run(t, "initdb", "-D", s.data(), "-U", User, "-A", "scram-sha-256", "--pwfile", passwords, "-E", "UTF8", "--no-locale", "--no-sync")
	// Between finding a free port and using it somebody else may take it.
	for range 5 {
		s.Port = freePort(t)
		if err = s.start(t.Context()); err == nil {
			break
		}
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Stop(t) })
	return s
}

// Stop stops the server at once, as a crash would.
func (s *Server) Stop(t testing.TB) {
	t.Helper()
	if _, err := os.Stat(filepath.Join(s.data(), "postmaster.pid")); err != nil {
		return // it has been stopped
	}
	s.run(t, "pg_ctl", "-D", s.data(), "-m", "immediate", "-w", "stop")
}

// Restart starts the server again after Stop, on the same port.
func (s *Server) Restart(t testing.TB) {
	t.Helper()
	if err := s.start(t.Context()); err != nil {
		t.Fatal(err)
	}
}

// Database creates a database and returns its URL.
func (s *Server) Database(t testing.TB, name string) string {
	t.Helper()
	s.Exec(t, `CREATE DATABASE "`+name+`"`)
	return s.URL(name)
}

// SetPassword changes the password, which ends no connection.
func (s *Server) SetPassword(t testing.TB, password string) {
	t.Helper()
	s.Exec(t, "ALTER USER "+User+" PASSWORD '"+password+"'")
	s.password = password
}

// URL is the address of a database with the credentials in it.
func (s *Server) URL(database string) string {
	return fmt.Sprintf("postgres://%s:%s@127.0.0.1:%d/%s?sslmode=disable", User, s.password, s.Port, database)
}

// Exec executes a statement in the database postgres.
func (s *Server) Exec(t testing.TB, statement string) {
	t.Helper()
	s.query(t, "postgres", statement)
}

// Count returns the number that a query of a database yields.
func (s *Server) Count(t testing.TB, database, query string) int {
	t.Helper()
	n, err := strconv.Atoi(strings.TrimSpace(s.query(t, database, query)))
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func (s *Server) query(t testing.TB, database, statement string) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.WithoutCancel(t.Context()), time.Minute)
	defer cancel()
	var stderr strings.Builder
	cmd := s.psql(ctx, database, "-c", statement)
	cmd.Stderr = &stderr
	output, err := cmd.Output()
	if err != nil {
		t.Fatalf("psql: %v\n%s", err, stderr.String())
	}
	return string(output)
}

// Lock keeps everybody from a table until the function that it returns is
// called.
func (s *Server) Lock(t testing.TB, database, table string) (unlock func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
	cmd := s.psql(ctx, database)
	input, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	output, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	unlock = sync.OnceFunc(func() {
		defer cancel()
		input.Close() // rolls the transaction back
		_ = cmd.Wait()
	})
	t.Cleanup(unlock)
	fmt.Fprintf(input, "BEGIN;\nLOCK TABLE \"%s\";\nSELECT 'locked';\n", table)
	lines := bufio.NewScanner(output)
	for lines.Scan() {
		if lines.Text() == "locked" {
			return unlock
		}
	}
	t.Fatalf("the table %s cannot be locked", table)
	return nil
}

// psql returns the command that runs statements and prints nothing but values.
func (s *Server) psql(ctx context.Context, database string, args ...string) *exec.Cmd {
	args = append([]string{"-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", "-d", s.URL(database)}, args...)
	return exec.CommandContext(ctx, filepath.Join(s.bin, "psql"), args...)
}

func (s *Server) data() string { return filepath.Join(s.dir, "data") }

func (s *Server) start(ctx context.Context) error {
	options := []string{
		"-c listen_addresses=127.0.0.1", "-c port=" + strconv.Itoa(s.Port),
		"-c unix_socket_directories=", "-c fsync=off",
	}
	return s.command(ctx, "pg_ctl", "-D", s.data(), "-w", "-l", filepath.Join(s.dir, "log"), "-o", strings.Join(options, " "), "start")
}

func (s *Server) run(t testing.TB, program string, args ...string) {
	t.Helper()
	// A clean-up runs when the context of its test is done.
	if err := s.command(context.WithoutCancel(t.Context()), program, args...); err != nil {
		t.Fatal(err)
	}
}

func (s *Server) command(ctx context.Context, program string, args ...string) error {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, filepath.Join(s.bin, program), args...)
	cmd.Dir = s.dir
	cmd.SysProcAttr = unprivileged()
	// Output goes to a file: a pipe would stay open as long as the server runs.
	output, err := os.Create(filepath.Join(s.dir, program+".out"))
	if err != nil {
		return err
	}
	defer output.Close()
	cmd.Stdout, cmd.Stderr = output, output
	if err := cmd.Run(); err != nil {
		said, _ := os.ReadFile(output.Name())
		logged, _ := os.ReadFile(filepath.Join(s.dir, "log"))
		return fmt.Errorf("%s: %w\n%s%s", program, err, said, logged)
	}
	return nil
}

// folder makes a temporary folder that belongs to the user who runs the server.
func folder(t testing.TB) string {
	t.Helper()
	// The folders of t.TempDir are closed to other users.
	dir, err := os.MkdirTemp("", "pgtest") //nolint:usetesting // as said above
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	if err := giveAway(dir); err != nil {
		t.Fatal(err)
	}
	return dir
}

// find returns the folder of the programs of PostgreSQL: where Debian puts them,
// the newest one, or else where the path leads.
func find() (string, error) {
	folders, err := filepath.Glob("/usr/lib/postgresql/*/bin/initdb")
	if err != nil {
		return "", err
	}
	if len(folders) > 0 {
		newest := slices.MaxFunc(folders, func(a, b string) int { return cmp.Compare(major(a), major(b)) })
		return filepath.Dir(newest), nil
	}
	initdb, err := exec.LookPath("initdb")
	if err != nil {
		return "", errors.New("PostgreSQL is not installed (scripts/install-postgres)")
	}
	if initdb, err = filepath.EvalSymlinks(initdb); err != nil {
		return "", err
	}
	return filepath.Dir(initdb), nil
}

// major is the version in a path like /usr/lib/postgresql/17/bin/initdb.
func major(path string) int {
	n, _ := strconv.Atoi(filepath.Base(filepath.Dir(filepath.Dir(path))))
	return n
}

func freePort(t testing.TB) int {
	t.Helper()
	var config net.ListenConfig
	listener, err := config.Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	return listener.Addr().(*net.TCPAddr).Port
}
