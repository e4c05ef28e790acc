package river_test

import (
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"testing"
	"time"
)

// A postgres is a PostgreSQL of a test, in a temporary folder.
type postgres struct {
	t         *testing.T
	bin, data string
	port      int
}

// startPostgres starts a server and ends it with the test.
func startPostgres(t *testing.T) *postgres {
	t.Helper()
	found, err := filepath.Glob("/usr/lib/postgresql/*/bin/initdb")
	if err != nil || len(found) == 0 {
		t.Skip("out of reach: PostgreSQL is not installed (scripts/install-postgres)")
	}
	dir, err := os.MkdirTemp("", "river") //nolint:usetesting // a folder of t.TempDir is closed to the user that runs the server
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	if err := giveAway(dir); err != nil {
		t.Fatal(err)
	}
	p := &postgres{t: t, bin: filepath.Dir(slices.Max(found)), data: filepath.Join(dir, "data")}
	if err := p.command("initdb", "-D", p.data, "-U", "tasks", "-A", "trust", "-E", "UTF8", "--no-locale", "--no-sync"); err != nil {
		t.Fatal(err)
	}
	for range 5 { // between finding a free port and using it somebody else may take it
		p.port = freePort(t)
		if err = p.start(); err == nil {
			break
		}
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.stop)
	return p
}

func (p *postgres) url() string {
	return fmt.Sprintf("postgres://tasks@127.0.0.1:%d/postgres?sslmode=disable", p.port)
}

func (p *postgres) start() error {
	options := fmt.Sprintf("-c listen_addresses=127.0.0.1 -c port=%d -c unix_socket_directories= -c fsync=off", p.port)
	return p.command("pg_ctl", "-D", p.data, "-w", "-l", p.data+".log", "-o", options, "start")
}

// stop stops the server as a crash would.
func (p *postgres) stop() {
	p.t.Helper()
	if err := p.command("pg_ctl", "-D", p.data, "-m", "immediate", "-w", "stop"); err != nil {
		p.t.Error(err)
	}
}

func (p *postgres) command(program string, args ...string) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(p.t.Context()), time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, filepath.Join(p.bin, program), args...)
	cmd.Dir = filepath.Dir(p.data)
	cmd.SysProcAttr = unprivileged()
	// Output goes to a file: a pipe would stay open as long as the server runs.
	output, err := os.Create(filepath.Join(cmd.Dir, program+".out"))
	if err != nil {
		return err
	}
	defer output.Close()
	cmd.Stdout, cmd.Stderr = output, output
	if err := cmd.Run(); err != nil {
		said, _ := os.ReadFile(output.Name())
		logged, _ := os.ReadFile(p.data + ".log")
		return fmt.Errorf("%s: %w\n%s%s", program, err, said, logged)
	}
	return nil
}

func freePort(t *testing.T) int {
	t.Helper()
	var config net.ListenConfig
	listener, err := config.Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	return listener.Addr().(*net.TCPAddr).Port
}
