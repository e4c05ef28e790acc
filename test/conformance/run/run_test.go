package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/mcpengine/mcpengine/internal/buildtest"
	"github.com/mcpengine/mcpengine/test/conformance/server/fixture"
)

const suiteFolder = "../../../.tools/conformance"

// child makes this test binary act as the program under test. So the race
// detector watches the server too, and go test caches the result only until the
// server changes.
const child = "CONFORMANCE_CHILD"

// The values of child.
const (
	serves = "serves"
	ends   = "ends"
)

func TestMain(m *testing.M) {
	switch os.Getenv(child) {
	case serves:
		if err := fixture.New().Run(context.Background()); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
	case ends:
		fmt.Fprintln(os.Stderr, "the port is taken")
		os.Exit(3)
	default:
		m.Run()
	}
}

// asChild returns the path of this test binary, which will act as told.
func asChild(t *testing.T, act string) string {
	t.Helper()
	t.Setenv(child, act)
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	return self
}

// One process at one URL passes every scenario that has to pass, of every
// revision.
func TestConformance(t *testing.T) {
	if _, err := findSuite(suiteFolder); err != nil {
		t.Skip(err)
	}
	program := asChild(t, serves)
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	var stdout strings.Builder
	ok, err := run(ctx, config{place: onHTTP, server: program, out: t.TempDir(), suite: suiteFolder}, &stdout)
	if err != nil || !ok {
		t.Errorf("run = %v, %v; it printed:\n%s", ok, err, stdout.String())
	}
	for _, l := range legs {
		if want := fmt.Sprintf("%d/%d required", l.required, l.required); !strings.Contains(stdout.String(), want) {
			t.Errorf("%s: the run does not print %q", l.revision, want)
		}
	}
}

// A server without the handshake versions serves 2026-07-28 unchanged.
func TestConformanceWithoutHandshake(t *testing.T) {
	if _, err := findSuite(suiteFolder); err != nil {
		t.Skip(err)
	}
	program := buildtest.Program(t, ".", "../server", "-tags", "mcpengine_no_handshake")
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	var stdout strings.Builder
	ok, err := run(ctx, config{revision: "2026-07-28", place: onHTTP, server: program, out: t.TempDir(), suite: suiteFolder}, &stdout)
	if err != nil || !ok {
		t.Errorf("run = %v, %v; it printed:\n%s", ok, err, stdout.String())
	}
}

// As the bootstrap of a function the same server passes every scenario that is
// not excluded, in several processes that are frozen between requests.
func TestConformanceOnLambda(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("the system has no signals to freeze a process with")
	}
	if _, err := findSuite(suiteFolder); err != nil {
		t.Skip(err)
	}
	program := buildtest.Program(t, ".", "../server")
	for _, test := range []struct {
		place  string
		totals []string
	}{
		{onBuffered, []string{"36/37 required", "21/30 required"}},
		{onStreamed, []string{"37/37 required", "23/30 required"}},
	} {
		t.Run(test.place, func(t *testing.T) {
			ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
			defer cancel()
			var stdout strings.Builder
			ok, err := run(ctx, config{place: test.place, server: program, out: t.TempDir(), suite: suiteFolder}, &stdout)
			if err != nil || !ok {
				t.Errorf("run = %v, %v; it printed:\n%s", ok, err, stdout.String())
			}
			for _, want := range test.totals {
				if !strings.Contains(stdout.String(), want) {
					t.Errorf("the run does not print %q", want)
				}
			}
		})
	}
}

// The client passes every scenario that has to pass, of every revision.
func TestConformanceOfTheClient(t *testing.T) {
	if _, err := findSuite(suiteFolder); err != nil {
		t.Skip(err)
	}
	program := buildtest.Program(t, ".", "../client")
	ctx, cancel := context.WithTimeout(t.Context(), 4*time.Minute)
	defer cancel()
	var stdout strings.Builder
	ok, err := run(ctx, config{place: asClient, client: program, out: t.TempDir(), suite: suiteFolder}, &stdout)
	if err != nil || !ok {
		t.Errorf("run = %v, %v; it printed:\n%s", ok, err, stdout.String())
	}
}

// If the server does not start, the error has the server's output.
func TestServerThatEnds(t *testing.T) {
	_, err := startServer(t.Context(), asChild(t, ends))
	if err == nil {
		t.Fatal("startServer of a program that ends = nil error")
	}
	for _, part := range []string{"exit status 3", "the port is taken"} {
		if !strings.Contains(err.Error(), part) {
			t.Errorf("startServer = %q, want it to contain %q", err, part)
		}
	}
}

func TestWrongUse(t *testing.T) {
	t.Parallel()
	empty := t.TempDir()
	for _, test := range []struct {
		name   string
		config config
		want   string
	}{
		{"unknown revision", config{revision: "1999-01-01"}, `revision "1999-01-01" is not run here: choose one of [2026-07-28 2025-11-25]`},
		{"unknown place", config{place: "moon"}, `place "moon" is unknown: choose one of [http lambda-buffered lambda-streamed client]`},
		{"no suite", config{revision: "2026-07-28", suite: empty}, errNotInstalled.Error()},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			var stdout strings.Builder
			ok, err := run(t.Context(), test.config, &stdout)
			if ok || err == nil || err.Error() != test.want {
				t.Errorf("run = %v, %v, want the error %q", ok, err, test.want)
			}
		})
	}
}

func TestParseFlags(t *testing.T) {
	t.Parallel()
	c, err := parseFlags([]string{"-scenario", "caching", "-out", "results"})
	want := config{
		revision: "2026-07-28", scenario: "caching", place: onHTTP, server: "bin/conformance-server",
		client: "bin/conformance-client", out: "results", suite: ".tools/conformance",
	}
	if err != nil || c != want {
		t.Errorf("parseFlags = %+v, %v, want %+v", c, err, want)
	}
}

func TestChoose(t *testing.T) {
	t.Parallel()
	all := []scenario{{"caching", required, true, ""}, {"tasks", extension, false, ""}}

	// A run of one extension fails if the extension does.
	chosen, err := choose(all, "tasks")
	if err != nil || len(chosen) != 1 || chosen[0] != (scenario{"tasks", extension, true, ""}) {
		t.Errorf("choose(tasks) = %+v, %v, want that scenario, which must pass", chosen, err)
	}
	want := `there is no scenario "cache": choose one of [caching tasks]`
	if _, err := choose(all, "cache"); err == nil || err.Error() != want {
		t.Errorf("choose(cache) = %v, want %q", err, want)
	}
}

// An interrupted run is an error, whatever the suite has reported.
func TestInterrupted(t *testing.T) {
	t.Parallel()
	s, err := findSuite(suiteFolder)
	if err != nil {
		t.Skip(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	var output strings.Builder
	err = s.run(ctx, legs[0], "caching", "http://localhost:1/mcp", t.TempDir(), &output)
	if !errors.Is(err, context.Canceled) {
		t.Errorf("run with a cancelled context = %v, want %v", err, context.Canceled)
	}
}
