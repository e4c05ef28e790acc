package interop_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/mcpengine/mcpengine/test/internal/wire"
)

// A tour is one way through our server: with a client of the TypeScript SDK, in
// a protocol version, over a transport.
type tour struct{ client, version, transport string }

// tours are all the ways there are. Two are left out: sdk, the first generation
// of the SDK, ends with version 2025-11-25, and HTTP+SSE is a transport of the
// handshake versions.
func tours() (all []tour) {
	for _, version := range handshakeVersions {
		for _, transport := range []string{"http", "sse", "stdio"} {
			all = append(all, tour{"sdk", version, transport}, tour{"client", version, transport})
		}
	}
	return append(all, tour{"client", wire.Version, "http"}, tour{"client", wire.Version, "stdio"})
}

// A sight is the result that a client has to get at a stop: a value, or the
// code of an error. It has a reason if it differs from the result in
// 2026-07-28.
type sight struct{ stop, saw, fails, reason string }

// sights returns the results of a client of 2026-07-28, in the order of the
// tour.
func (way tour) sights() []sight {
	hasSession := way.transport == "http" && way.version != wire.Version
	connected := fmt.Sprintf(`{"version": %q, "session": %t, "server": "fixture", "instructions": "For tests."}`,
		way.version, hasSession)
	return []sight{
		{stop: "connect", saw: connected},
		{stop: "ping", saw: `{}`},
		{stop: "list tools", saw: `["greet", "add", "climb", "complain", "touch", "learn",
			"sign_up", "sign_in", "ask_model", "list_roots", "wait", "wait_cancelled"]`},
		{stop: "call", saw: `{"text": "Hello, Ada!"}`},
		{stop: "call for structure", saw: `{"text": "{\"sum\":5}", "structured": {"sum": 5}}`},
		{stop: "call with invalid arguments", saw: `true`},
		{stop: "call what is not there", fails: `-32602`},
		{stop: "progress", saw: `[["ascent", 1, 3, "camp 1"], ["ascent", 2, 3, "camp 2"], ["ascent", 3, 3, "camp 3"]]`},
		{stop: "logging", saw: `["warning", "fixture", "a complaint"]`},
		{stop: "resources", saw: `{"resources": ["note://welcome"], "templates": ["note://{id}"],
			"contents": [["note://welcome", "Welcome!"], ["note://7", "note 7"]]}`},
		{stop: "read what is not there", fails: `-32602`},
		{stop: "prompts", saw: `{"prompts": ["review"], "messages": [["user", "Review main.go."]]}`},
		{stop: "completion", saw: `["main.go", "main_test.go"]`},
		{stop: "elicitation", saw: `{"asked": ["Your GitHub user name?", ["user"]], "text": "signed up ada"}`},
		{stop: "elicitation by URL", saw: `{"asked": ["Please sign in.", "https://login.example/start"], "text": "signed in"}`},
		{stop: "sampling", saw: `{"asked": [10, "Capital of France?"], "text": "oracle says Paris"}`},
		{stop: "roots", saw: `{"asked": ["roots/list"], "text": "file:///home/ada"}`},
		{stop: "cancellation", saw: `["aborted", "cancelled"]`},
		{stop: "subscription", saw: `"note://welcome"`},
		{stop: "list changed", saw: `"ta-da"`},
		{stop: "what went wrong", saw: `[]`},
		{stop: "close", saw: `"closed"`},
	}
}

// An exception is a sight that differs for one client, or for both, up to a
// version or from a version on.
type exception struct {
	client, until, from string
	sight               sight
}

func exceptions() []exception {
	return []exception{
		{
			from:  wire.Version,
			sight: sight{stop: "ping", fails: `"METHOD_NOT_SUPPORTED_BY_PROTOCOL_VERSION"`, reason: "the version has no ping"},
		},
		{
			until: "2025-03-26",
			sight: sight{stop: "call for structure", saw: `{"text": "{\"sum\":5}"}`, reason: "structured content came with 2025-06-18"},
		},
		{
			until: "2024-11-05",
			sight: sight{stop: "progress", saw: `[["ascent", 1, 3, null], ["ascent", 2, 3, null], ["ascent", 3, 3, null]]`, reason: "the message of progress came with 2025-03-26"},
		},
		{
			client: "sdk",
			sight:  sight{stop: "read what is not there", fails: `-32002`, reason: "the code before 2026-07-28; the other client shows its users the new one"},
		},
		{
			until: "2025-03-26",
			sight: sight{stop: "elicitation", fails: `-32602`, reason: "elicitation came with 2025-06-18"},
		},
		{
			until: "2025-06-18",
			sight: sight{stop: "elicitation by URL", fails: `-32602`, reason: "elicitation by URL came with 2025-11-25"},
		},
	}
}

func (e exception) applies(way tour) bool {
	return (e.client == "" || e.client == way.client) &&
		(e.until == "" || way.version <= e.until) && (e.from == "" || way.version >= e.from)
}

// wanted returns the results that the tour has to have.
func (way tour) wanted() []sight {
	wanted := way.sights()
	for _, e := range exceptions() {
		if e.applies(way) {
			i := slices.IndexFunc(wanted, func(s sight) bool { return s.stop == e.sight.stop })
			wanted[i] = e.sight
		}
	}
	return wanted
}

// TestTypeScriptTour takes the clients of the TypeScript SDK through our
// server, in every version they speak and over every transport.
func TestTypeScriptTour(t *testing.T) {
	t.Parallel()
	peers, err := filepath.Abs(filepath.Join("..", "..", ".tools", "peers"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(filepath.Join(peers, "stamp")); err != nil {
		t.Skip("the clients of the TypeScript SDK are not installed: run scripts/install-peers")
	}
	for _, way := range tours() {
		t.Run(way.client+"/"+way.version+"/"+way.transport, func(t *testing.T) {
			t.Parallel()
			lines := way.run(t, peers)
			for i, want := range way.wanted() {
				if i >= len(lines) {
					t.Fatalf("the tour ended before the stop %q", want.stop)
				}
				lines[i].check(t, want)
			}
		})
	}
}

// A line is what ts/tour.mjs prints for a stop.
type line struct {
	Stop    string          `json:"stop"`
	Saw     json.RawMessage `json:"saw"`
	Error   json.RawMessage `json:"error"`
	Message string          `json:"message"`
}

func (l line) check(t *testing.T, want sight) {
	t.Helper()
	if l.Stop != want.stop {
		t.Fatalf("stop %q, want %q", l.Stop, want.stop)
	}
	if diff := cmp.Diff(decoded(t, want.saw), decoded(t, string(l.Saw))); diff != "" {
		t.Errorf("%s: saw (-want +got):\n%s%s%s", l.Stop, diff, l.Message, want.reason)
	}
	if diff := cmp.Diff(decoded(t, want.fails), decoded(t, string(l.Error))); diff != "" {
		t.Errorf("%s: error (-want +got):\n%s%s%s", l.Stop, diff, l.Message, want.reason)
	}
}

// decoded returns the value of JSON, and nil for an empty text.
func decoded(t *testing.T, data string) (v any) {
	t.Helper()
	if data == "" {
		return nil
	}
	if err := json.Unmarshal([]byte(data), &v); err != nil {
		t.Fatalf("decode %s: %v", data, err)
	}
	return v
}

// run runs the driver against a fixture of its own.
func (way tour) run(t *testing.T, peers string) []line {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	target := ""
	switch way.transport {
	case "http":
		target = serveFixture(t).URL + "/mcp"
	case "sse":
		target = serveFixture(t).URL + "/sse"
	case "stdio":
		self, err := os.Executable()
		if err != nil {
			t.Fatal(err)
		}
		target = self
	}
	driver := exec.CommandContext(ctx, filepath.Join(peers, "node"), filepath.Join("ts", "tour.mjs"),
		peers, way.client, way.version, way.transport, target)
	driver.Env = append(os.Environ(), fixtureVariable+"=stdio")
	var stderr bytes.Buffer
	driver.Stderr = &stderr
	output, err := driver.Output()
	if err != nil {
		t.Errorf("run the driver: %v\n%s", err, stderr.Bytes())
	}
	var lines []line
	for scanner := bufio.NewScanner(bytes.NewReader(output)); scanner.Scan(); {
		var l line
		if err := json.Unmarshal(scanner.Bytes(), &l); err != nil {
			t.Fatalf("decode %s: %v", scanner.Bytes(), err)
		}
		lines = append(lines, l)
	}
	return lines
}
