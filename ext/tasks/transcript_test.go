package tasks_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/tools/txtar"

	"github.com/mcpengine/mcpengine"
	"github.com/mcpengine/mcpengine/ext/tasks"
)

var update = flag.Bool("update", false, "rewrite the answers in testdata/*.txtar")

// TestTranscripts plays testdata/*.txtar: what hosts send to a server with durable
// tools, message by message, over one session of 2025-11-25. Each section is a
// session with a new server:
//
//	# a remark
//	-> {…}            a message of the host
//	<- {…}            what came back, on any stream
//	== STATUS         the task has come to this status
//
// Times, ids of tasks and ids of the server's requests are written TIME, TTL, TASK
// and REQUEST; a message of the host may name the last two. The tool publish ends
// when its task is waited for.
func TestTranscripts(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("testdata/*.txtar")
	if err != nil || len(files) == 0 {
		t.Fatalf("no transcripts in testdata: %v", err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txtar"), func(t *testing.T) {
			t.Parallel()
			archive, err := txtar.ParseFile(file)
			if err != nil {
				t.Fatal(err)
			}
			for i, section := range archive.Files {
				t.Run(section.Name, func(t *testing.T) {
					got := newHost(t).play(string(section.Data))
					if *update {
						archive.Files[i].Data = []byte(got)
					} else if diff := cmp.Diff(string(section.Data), got); diff != "" {
						t.Errorf("transcript (-want +got):\n%s", diff)
					}
				})
			}
			if *update {
				if err := os.WriteFile(file, txtar.Format(archive), 0o644); err != nil {
					t.Fatal(err)
				}
			}
		})
	}
}

// A host plays one session.
type host struct {
	*testing.T
	url, session, task, request string
	backend                     tasks.Backend
	goOn                        chan struct{} // lets the tool publish end
	messages                    chan string
}

func newHost(t *testing.T) *host {
	t.Helper()
	backend, goOn := tasks.Memory(), make(chan struct{}, 1)
	e := mcpengine.New("reports", mcpengine.WithLogger(quiet()),
		mcpengine.WithExtension(tasks.Extension(backend, tasks.WithLogger(quiet()))))
	t.Cleanup(e.Close)
	mcpengine.AddTool(e, "publish", "Publishes a report.", func(ctx context.Context, _ none) (string, error) {
		mcpengine.Progress(ctx, 1, 2, "drafted")
		a, err := mcpengine.Elicit[approval](ctx, "Publish the report?", mcpengine.WithKey("publish"))
		if err != nil {
			return "", err
		}
		<-goOn
		return fmt.Sprintf("approved: %t", a.Approve), nil
	}, tasks.Durable())
	mcpengine.AddTool(e, "break", "Fails.", func(context.Context, none) (string, error) { panic("of the handler") }, tasks.Durable())
	mcpengine.AddTool(e, "wait", "Waits for its end.", func(ctx context.Context, _ none) (string, error) {
		<-ctx.Done()
		return "", context.Cause(ctx)
	}, tasks.Durable(tasks.Required()))
	server := httptest.NewServer(e)
	t.Cleanup(server.Close)
	return &host{T: t, url: server.URL, backend: backend, goOn: goOn, messages: make(chan string, 16)}
}

// play returns the section as it happened.
func (h *host) play(section string) string {
	var got strings.Builder
	for line := range strings.Lines(section) {
		line = strings.TrimSpace(line)
		kind, rest, _ := strings.Cut(line, " ")
		switch kind {
		case "->":
			h.send(strings.NewReplacer("TASK", h.task, "REQUEST", h.request).Replace(rest))
		case "<-":
			select {
			case message := <-h.messages:
				line = "<- " + h.stable(message)
			case <-time.After(30 * time.Second):
				h.Fatalf("there is no answer; so far:\n%s", got.String())
			}
		case "==":
			h.await(tasks.Status(rest))
		}
		got.WriteString(line + "\n")
	}
	return got.String()
}

// send posts a message. What comes back arrives while other messages are sent.
func (h *host) send(message string) {
	r, err := http.NewRequestWithContext(h.Context(), "POST", h.url, strings.NewReader(message))
	if err != nil {
		h.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("Accept", "text/event-stream, application/json")
	if h.session != "" {
		r.Header.Set("Mcp-Session-Id", h.session)
		r.Header.Set("MCP-Protocol-Version", "2025-11-25")
	}
	response, err := http.DefaultClient.Do(r)
	if err != nil {
		h.Fatal(err)
	}
	if id := response.Header.Get("Mcp-Session-Id"); id != "" {
		h.session = id
	}
	go func() {
		defer response.Body.Close()
		lines := bufio.NewScanner(response.Body)
		for lines.Scan() {
			if data := strings.TrimSpace(strings.TrimPrefix(lines.Text(), "data:")); strings.HasPrefix(data, "{") {
				h.messages <- data
			}
		}
	}()
}

var (
	taskIDs    = regexp.MustCompile(`"taskId":"([A-Z0-9]+)"`)
	requestIDs = regexp.MustCompile(`"id":"(s-[^"]*)"`)
	ttls       = regexp.MustCompile(`"ttl":\d+`)
	times      = regexp.MustCompile(`"\d{4}-\d\d-\d\dT[^"]*Z"`)
	serverInfo = regexp.MustCompile(`"serverInfo":\{[^}]*\}`)
)

// stable replaces what nobody can foresee.
func (h *host) stable(message string) string {
	if found := taskIDs.FindStringSubmatch(message); found != nil {
		h.task = found[1]
	}
	if found := requestIDs.FindStringSubmatch(message); found != nil {
		h.request = found[1]
	}
	var compact bytes.Buffer
	if err := json.Compact(&compact, []byte(message)); err != nil {
		h.Fatalf("%s: %v", message, err)
	}
	message = taskIDs.ReplaceAllString(compact.String(), `"taskId":"TASK"`)
	message = requestIDs.ReplaceAllString(message, `"id":"REQUEST"`)
	message = serverInfo.ReplaceAllString(message, `"serverInfo":{…}`)
	message = ttls.ReplaceAllString(message, `"ttl":TTL`)
	return times.ReplaceAllString(message, `"TIME"`)
}

// await waits until the task has the status.
func (h *host) await(status tasks.Status) {
	if status == tasks.Completed {
		h.goOn <- struct{}{}
	}
	ticker := time.NewTicker(5 * time.Millisecond)
	defer ticker.Stop()
	for deadline := time.Now().Add(30 * time.Second); ; <-ticker.C {
		r, err := h.backend.Get(h.Context(), h.task)
		switch {
		case err == nil && r.Status == status:
			return
		case time.Now().After(deadline):
			h.Fatalf("the task is %+v, %v, want %s", r, err, status)
		}
	}
}
