package doctor_test

import (
	"bufio"
	"context"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"testing"
	"time"

	"github.com/mcpengine/mcpengine"
	"github.com/mcpengine/mcpengine/cmd/mcpengine/internal/doctor"
)

func TestMain(m *testing.M) {
	if len(os.Args) > 2 && os.Args[1] == "fixture" {
		fixture(os.Args[2], os.Args[3:])
		return
	}
	os.Exit(m.Run())
}

// fixture is a program that is started.
func fixture(how string, args []string) {
	switch how {
	case "junk":
		fmt.Println("listening on my terminal")
	case "ends":
		fmt.Fprintln(os.Stderr, "one\ntwo\nthree\nno database: client_secret=hidden-value-of-it")
		os.Exit(7)
	case "asks":
		fmt.Fprint(os.Stderr, "starting\nPassword: ")
		conn, err := net.Dial("tcp", args[0]) //nolint:noctx // it tells the test that it has asked
		if err != nil {
			os.Exit(1)
		}
		conn.Close()
		for in := bufio.NewScanner(os.Stdin); in.Scan(); {
		}
		return
	}
	e := mcpengine.New("fixture")
	mcpengine.AddTool(e, "echo", "", func(context.Context, none) (string, error) { return "", nil })
	if err := e.Run(context.Background()); err != nil {
		fmt.Fprintln(os.Stderr, err)
	}
}

func fixtureLine(t *testing.T, args ...string) doctor.Program {
	t.Helper()
	program, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	return doctor.Program{Line: append([]string{program, "fixture"}, args...)}
}

func TestCommand(t *testing.T) {
	t.Parallel()
	config := doctor.Config{Timeout: time.Minute}
	wantWell(t, doctor.Command(t.Context(), fixtureLine(t, "well"), config))
	notExecutable := filepath.Join(t.TempDir(), "program")
	if err := os.WriteFile(notExecutable, []byte("#!/bin/sh\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		name, check string
		program     doctor.Program
	}{
		{"missing", "command.found", doctor.Program{Line: []string{filepath.Join(t.TempDir(), "nothing")}}},
		{"not executable", "command.found", doctor.Program{Line: []string{notExecutable}}},
		{"writes what is no message", "command.output", fixtureLine(t, "junk")},
		{"ends", "command.runs", fixtureLine(t, "ends")},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			if runtime.GOOS == "windows" && test.name == "not executable" {
				t.Skip("Windows has no such mode")
			}
			wantFinding(t, doctor.Command(t.Context(), test.program, config), test.check, doctor.Failure, "")
		})
	}
}

// A program that asks a person is told from one that is silent by what it has written.
func TestWaitsForPerson(t *testing.T) {
	t.Parallel()
	l, err := net.Listen("tcp", "127.0.0.1:0") //nolint:noctx // of a test
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	ctx, giveUp := context.WithCancel(t.Context())
	defer giveUp()
	go func() {
		if conn, err := l.Accept(); err == nil {
			conn.Close()
		}
		giveUp()
	}()
	r := doctor.Command(ctx, fixtureLine(t, "asks", l.Addr().String()), doctor.Config{Timeout: time.Minute})
	wantFinding(t, r, "command.answers", doctor.Failure, "")
	for _, f := range r.Findings() {
		if want := "it waits for a person at a terminal: Password:"; f.Check == "command.answers" && f.Text != want {
			t.Errorf("the text is %q, want %q", f.Text, want)
		}
	}
}
