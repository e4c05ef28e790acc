package main

import (
	"bufio"
	"context"
	"io"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/mcpengine/mcpengine"
)

// Changes are printed as they happen, a line or an object each.
func TestWatch(t *testing.T) {
	t.Parallel()
	for output, want := range map[string][]string{
		"text": {"notifications/tools/list_changed\n", "notifications/resources/updated note://a\n"},
		"json": {`"method": "notifications/tools/list_changed"`, `"uri": "note://a"`},
	} {
		e := mcpengine.New("watched")
		none := func(context.Context, struct{}) (string, error) { return "", nil }
		mcpengine.AddTool(e, "first", "", none)
		mcpengine.AddResource(e, "note://a", "", none)
		server := httptest.NewServer(e)
		t.Cleanup(server.Close)
		t.Cleanup(e.Close)

		ctx, stop := context.WithCancel(t.Context())
		out, stdout := io.Pipe()
		messages, stderr := io.Pipe()
		ended := make(chan int, 1)
		go func() {
			ended <- run(ctx, []string{"watch", server.URL, "note://a", "note://b", "--output", output, "--trace"}, strings.NewReader(""), stdout, stderr, func(string) string { return "" })
			stdout.Close()
			stderr.Close()
		}()
		lines := bufio.NewReader(messages)
		for { // until it listens
			line, err := lines.ReadString('\n')
			if err != nil {
				t.Fatal(err)
			}
			if strings.Contains(line, "does not report changes of note://b") {
				break
			}
		}
		go func() { _, _ = io.Copy(io.Discard, lines) }()
		mcpengine.AddTool(e, "second", "", none)
		answers := bufio.NewReader(out)
		expect := func(want string) {
			t.Helper()
			for {
				line, err := answers.ReadString('\n')
				if err != nil {
					t.Fatalf("%s: no line with %q: %v", output, want, err)
				}
				if strings.Contains(line, want) {
					return
				}
			}
		}
		expect(want[0])
		e.ResourceUpdated("note://a")
		expect(want[1])
		stop()
		go func() { _, _ = io.Copy(io.Discard, answers) }()
		if code := <-ended; code != exitError {
			t.Errorf("%s: interrupted, it exits with %d", output, code)
		}
	}
}
