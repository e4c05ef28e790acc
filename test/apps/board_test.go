package apps_test

import (
	"bufio"
	"context"
	"encoding/json"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/mcpengine/mcpengine/client"
	"github.com/mcpengine/mcpengine/internal/buildtest"
)

// patience is how long a scenario may take on a busy machine.
const patience = 2 * time.Minute

// A message of the board, as a person sees it.
type message struct {
	Who  string `json:"who"`
	Said string `json:"said"`
}

// startBoard builds and starts the board of the examples with some messages, and
// returns its address and a client of it.
func startBoard(t *testing.T, posted ...message) (string, *client.Client) {
	t.Helper()
	file := buildtest.Program(t, filepath.Join("..", "..", "examples"), "./board")
	address := startServer(t, file, "SQLITE_FILE="+filepath.Join(t.TempDir(), "messages.db"))
	c, err := client.Connect(t.Context(), address+"/mcp")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	for _, m := range posted {
		post(t, c, m)
	}
	return address, c
}

func post(t *testing.T, c *client.Client, m message) {
	t.Helper()
	result, err := c.CallTool(t.Context(), "post_message", map[string]any{"username": m.Who, "text": m.Said})
	if err != nil || result.IsError {
		t.Fatalf("post_message = %v, %v", result, err)
	}
}

// hostile is what a stranger may write into a page that is not careful.
var hostile = message{`<b onclick=alert(1)>Mallory</b>`, `<img src=x onerror="document.title='owned'"></li><script>alert(1)</script>`}

// A host of each generation renders the result, whatever stands in it.
func TestRender(t *testing.T) {
	t.Parallel()
	h := startHost(t)
	address, _ := startBoard(t, message{"Ada", "Hello,\n  world"}, hostile)
	for _, version := range []string{"2025-11-25", "2026-07-28"} {
		t.Run(version, func(t *testing.T) {
			t.Parallel()
			var saw struct {
				Version  string
				Messages []message
				Markup   int
				Log      []string
			}
			input := map[string]any{}
			if version == "2026-07-28" { // the bridge's client begins with the handshake by itself
				input["version"] = version
			}
			h.run(scenarioContext(t), t, "render", address, input, &saw)
			if saw.Version != version {
				t.Errorf("the host speaks %s", saw.Version)
			}
			if diff := cmp.Diff([]message{hostile, {"Ada", "Hello,\n  world"}}, saw.Messages); diff != "" {
				t.Errorf("messages (-want +got):\n%s", diff)
			}
			if saw.Markup != 0 || len(saw.Log) != 0 {
				t.Errorf("%d elements of a message are in the page; the console has %q", saw.Markup, saw.Log)
			}
		})
	}
}

// A person posts through tools/call with the keyboard alone, by the button or
// the shortcut, and the post has a key of its own.
func TestPost(t *testing.T) {
	t.Parallel()
	h := startHost(t)
	for _, key := range []string{"Tab", "Control+Enter"} {
		t.Run(key, func(t *testing.T) {
			t.Parallel()
			address, c := startBoard(t)
			var saw struct {
				Messages []message
				Text     string
				Calls    []struct {
					Meta map[string]string `json:"_meta"`
				}
				Log []string
			}
			h.run(scenarioContext(t), t, "post", address, map[string]any{"username": "Zoë", "text": "hi 你好", "key": key}, &saw)
			want := []message{{"Zoë", "hi 你好"}}
			if diff := cmp.Diff(want, saw.Messages); diff != "" {
				t.Errorf("messages on the screen (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(want, stored(t, c)); diff != "" {
				t.Errorf("messages of the server (-want +got):\n%s", diff)
			}
			if len(saw.Calls) != 1 || len(saw.Calls[0].Meta["dev.mcpengine/idempotencyKey"]) != 32 {
				t.Errorf("calls = %v, want one with a key", saw.Calls)
			}
			if saw.Text != "" || len(saw.Log) != 0 {
				t.Errorf("the form keeps %q; the console has %q", saw.Text, saw.Log)
			}
		})
	}
}

func stored(t *testing.T, c *client.Client) (messages []message) {
	t.Helper()
	result, err := c.CallTool(t.Context(), "get_messages", nil)
	if err != nil {
		t.Fatal(err)
	}
	var content struct {
		Messages []struct{ Username, Text string }
	}
	if err := json.Unmarshal(result.StructuredContent, &content); err != nil {
		t.Fatal(err)
	}
	for _, m := range content.Messages {
		messages = append(messages, message{m.Username, m.Text})
	}
	return messages
}

// What the server refuses is said beside the form, which keeps the text.
func TestRefusedPost(t *testing.T) {
	t.Parallel()
	h := startHost(t)
	address, _ := startBoard(t)
	var saw struct{ Alert, Text string }
	h.run(scenarioContext(t), t, "refuse", address, nil, &saw)
	if saw.Alert != "Not posted: username is empty: say who posts the message" || saw.Text != "hello" {
		t.Errorf("the page has %+v", saw)
	}
}

// What somebody else posts appears without a reload, and a screen reader says so.
func TestLiveRefresh(t *testing.T) {
	t.Parallel()
	h := startHost(t)
	address, c := startBoard(t, message{"Ada", "before"})
	cmd := h.command(scenarioContext(t), t, "live", address, map[string]any{"text": "after"})
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewScanner(stdout)
	if !lines.Scan() || lines.Text() != "ready" {
		t.Fatalf("the scenario wrote %q: %v", lines.Text(), cmd.Wait())
	}
	post(t, c, message{"Grace", "after"})
	lines.Scan()
	if err := cmd.Wait(); err != nil {
		t.Fatal(err)
	}
	var saw struct {
		Messages []message
		News     string
	}
	decode(t, lines.Bytes(), &saw)
	if diff := cmp.Diff([]message{{"Grace", "after"}, {"Ada", "before"}}, saw.Messages); diff != "" {
		t.Errorf("messages (-want +got):\n%s", diff)
	}
	if saw.News != "One new message, from Grace." {
		t.Errorf("a screen reader hears %q", saw.News)
	}
}

// A host that lets views call no tools shows what it has.
func TestReadOnlyHost(t *testing.T) {
	t.Parallel()
	h := startHost(t)
	address, _ := startBoard(t, message{"Ada", "hello"})
	var saw struct {
		Messages []message
		Form     bool
	}
	h.run(scenarioContext(t), t, "read", address, nil, &saw)
	if saw.Form || len(saw.Messages) != 1 {
		t.Errorf("the page has %+v", saw)
	}
}

// The board follows its host: the theme, the colors and the fonts change while it
// is shown, and it answers before it is taken down.
func TestHostContext(t *testing.T) {
	t.Parallel()
	h := startHost(t)
	address, _ := startBoard(t)
	type look struct {
		Background, Scheme string
		Fonts              int
		Teardown           map[string]any
	}
	var saw look
	h.run(scenarioContext(t), t, "theme", address, nil, &saw)
	if diff := cmp.Diff(look{"rgb(1, 2, 3)", "dark", 1, map[string]any{}}, saw); diff != "" {
		t.Errorf("the page (-want +got):\n%s", diff)
	}
}

// The page passes axe's rules, light and dark, and fits a narrow frame.
func TestAccess(t *testing.T) {
	t.Parallel()
	h := startHost(t)
	address, _ := startBoard(t, message{strings.Repeat("long", 30), strings.Repeat("longer", 300)}, message{"Ada", "hello"})
	var saw []struct {
		Scheme           string
		Width            int
		Violations       []string
		Overflow, Height bool
	}
	h.run(scenarioContext(t), t, "access", address, nil, &saw)
	if len(saw) != 4 {
		t.Errorf("%d looks, want 4", len(saw))
	}
	for _, look := range saw {
		if len(look.Violations) > 0 || look.Overflow || !look.Height {
			t.Errorf("at %d pixels, %s: violations %q, wider than the frame %v, as high as the frame %v",
				look.Width, look.Scheme, look.Violations, look.Overflow, look.Height)
		}
	}
}

func scenarioContext(t *testing.T) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	t.Cleanup(cancel)
	return ctx
}
