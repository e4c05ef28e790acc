package main

import (
	"bytes"
	"context"
	"net/http"
	"net/http/httptest"
	"os"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
)

// callAt runs the program in this process, with its files in a folder. A server may
// take as long as it needs on a busy machine.
func callAt(t *testing.T, home string, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	return callWith(t, map[string]string{"MCPENGINE_HOME": home, "MCPENGINE_COMPLETION_TIME": "1m"}, args...)
}

func callWith(t *testing.T, env map[string]string, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	var out, err bytes.Buffer
	getenv := func(name string) string { return env[name] }
	code = run(t.Context(), args, strings.NewReader(""), &out, &err, getenv)
	return code, out.String(), err.String()
}

// completed returns what completes the last argument, without descriptions.
func completed(t *testing.T, home string, args ...string) string {
	t.Helper()
	code, stdout, stderr := callAt(t, home, append([]string{"__completeNoDesc"}, args...)...)
	if code != 0 {
		t.Errorf("%q: exit %d, %s", args, code, stderr)
	}
	return strings.Join(strings.Fields(stdout), " ")
}

// Each word is completed with what the server offers. The number says how the shell goes
// on: 4 without names of files, 6 without a blank either.
func TestCompletionOfServer(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(newChoices())
	defer server.Close()
	home := t.TempDir()
	for line, want := range map[string]string{
		"call URL ":                            "paint_wall price :4",
		"call URL pa":                          "paint_wall :4",
		"call URL paint_wall ":                 "coats= color= shiny= :6",
		"call URL paint_wall color=red ":       "coats= shiny= :6",
		"call URL paint_wall color=gre":        "color=green color=grey :4",
		"call URL paint_wall shiny=":           "shiny=false shiny=true :4",
		"call URL paint_wall coats=":           "coats=1 coats=2 :4",
		"call URL nothing ":                    ":4",
		"prompt URL ":                          "advise :4",
		"prompt URL advise ":                   "room= :6",
		"prompt URL advise room=k":             "room=kitchen :4",
		"complete URL advise room=":            "room=bath room=kitchen :4",
		"read URL ":                            "shop:// :6",
		"read URL shop://":                     "shop://Lima/paints shop://Tokyo/paints :4",
		"read URL shop://T":                    "shop://Tokyo/paints :4",
		"read URL other":                       ":4",
		"call URL price --output ":             "json text :4",
		"call --protocol ":                     "2024-11-05 2025-03-26 2025-06-18 2025-11-25 2026-07-28 :4",
		"completion ":                          "bash fish powershell zsh :4",
		"call -- server ":                      ":0",
		"call URL paint_wall color=red shiny=": "shiny=false shiny=true :4",
	} {
		words := strings.Split(strings.ReplaceAll(line, "URL", server.URL), " ")
		got := strings.Fields(completed(t, home, words...))
		last := len(got) - 1
		slices.Sort(got[:last])
		if got := strings.Join(got, " "); got != want {
			t.Errorf("%s\n got %s\nwant %s", line, got, want)
		}
	}
}

// A server is asked once for its lists in a few seconds, although each press of a key
// is a process. One that does not answer costs a person the wait once.
func TestCompletionIsKept(t *testing.T) {
	t.Parallel()
	var asked atomic.Int32
	choices := newChoices()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked.Add(1)
		choices.ServeHTTP(w, r)
	}))
	home := t.TempDir()
	first := completed(t, home, "call", server.URL, "")
	before := asked.Load()
	server.Close()
	if again := completed(t, home, "call", server.URL, ""); again != first || !strings.Contains(first, "paint_wall") || asked.Load() != before {
		t.Errorf("first %q, then %q, with %d requests more", first, again, asked.Load()-before)
	}

	asked.Store(0)
	ctx, stop := context.WithCancel(t.Context())
	silent := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {
		asked.Add(1)
		<-ctx.Done()
	}))
	defer silent.Close()
	defer stop()
	env := map[string]string{"MCPENGINE_HOME": home, "MCPENGINE_COMPLETION_TIME": "500ms"}
	for i := range 2 {
		before := asked.Load()
		if code, got, _ := callWith(t, env, "__completeNoDesc", "call", silent.URL, ""); got != ":4\n" || code != 0 {
			t.Errorf("completion of a silent server: exit %d, %q", code, got)
		}
		if i > 0 && asked.Load() != before {
			t.Error("the silent server was asked again")
		}
	}
}

// Pressing a key starts no program, whatever it is called.
func TestCompletionStartsNothing(t *testing.T) {
	t.Parallel()
	home := t.TempDir()
	if code, _, stderr := callAt(t, home, "install", "--name", "local", "--", "sh", "-c", "touch "+home+"/started"); code != 0 {
		t.Fatal(stderr)
	}
	if got := completed(t, home, "call", "local", ""); got != ":4" {
		t.Errorf("completion = %q", got)
	}
	if got := completed(t, home, "call", "lo"); got != "local :4" {
		t.Errorf("completion of the name = %q", got)
	}
	if _, err := os.Stat(home + "/started"); err == nil {
		t.Error("the program was started")
	}
}
