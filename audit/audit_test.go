package audit_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/mcpengine/mcpengine"
	"github.com/mcpengine/mcpengine/audit"
	"github.com/mcpengine/mcpengine/auth"
	"github.com/mcpengine/mcpengine/client"
	"github.com/mcpengine/mcpengine/mcp"
)

type transfer struct {
	To      string `json:"to" sensitive:"false"`
	Cents   int    `json:"cents" sensitive:"false"`
	PIN     string `json:"pin" sensitive:"true"`
	Comment string `json:"comment,omitempty"`
}

// newEngine returns a bank whose requests are recorded.
func newEngine(t *testing.T, trail *audit.Trail) *mcpengine.Engine {
	t.Helper()
	resource, err := auth.NewResource("https://bank.example/mcp", auth.StaticTokens(map[string]auth.User{
		auth.HashToken("ann"): {Subject: "ann", ClientID: "phone", Scopes: []string{"pay"}, Claims: map[string]any{"org": "acme"}},
		auth.HashToken("ben"): {Subject: "ben"},
	}), auth.OpenDiscovery())
	if err != nil {
		t.Fatal(err)
	}
	e := mcpengine.New("bank", mcpengine.WithAuth(resource), trail, mcpengine.WithLogger(slog.New(slog.DiscardHandler)))
	mcpengine.AddTool(e, "transfer", "", func(_ context.Context, in transfer) (string, error) {
		if in.Cents > 1000 {
			return "", errors.New("too much")
		}
		return "done", nil
	}, mcpengine.RequireScopes("pay"))
	mcpengine.AddTool(e, "close", "", func(context.Context, struct{}) (string, error) { return "closed", nil }, mcpengine.Allow(auth.InGroup("board")))
	mcpengine.AddResource(e, "account://ann", "", func(context.Context, struct{}) (string, error) { return "", nil }, mcpengine.RequireScopes("pay"))
	return e
}

func connect(t *testing.T, e *mcpengine.Engine, token string) *client.Client {
	t.Helper()
	c, err := client.Connect(t.Context(), "https://bank.example/mcp",
		client.WithHTTPClient(&http.Client{Transport: client.InMemory(e)}), client.WithHeader("Authorization", "Bearer "+token),
		client.WithImplementation(mcp.Implementation{Name: "till", Version: "1"}))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return c
}

// calls returns the records of tool calls.
func calls(all []audit.Record) (found []audit.Record) {
	for _, r := range all {
		if r.Method == mcp.MethodToolsCall {
			found = append(found, r)
		}
	}
	return found
}

func TestRecords(t *testing.T) {
	t.Parallel()
	var all []audit.Record
	sink := audit.Func(func(_ context.Context, r audit.Record) error {
		all = append(all, r)
		return nil
	})
	e := newEngine(t, audit.New(sink, audit.WithTenant(func(u *auth.User) string { return fmt.Sprint(u.Claims["org"]) })))
	ann, ben := connect(t, e, "ann"), connect(t, e, "ben")
	trace := client.WithMeta(mcp.Meta{"traceparent": "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"})
	_, _ = ann.CallTool(t.Context(), "transfer", transfer{To: "eve", Cents: 5, PIN: "0000"}, trace)
	_, _ = ann.CallTool(t.Context(), "transfer", transfer{To: "eve", Cents: 5000, PIN: "0000"})
	_, _ = ben.CallTool(t.Context(), "transfer", transfer{To: "eve", Cents: 5, PIN: "0000"})
	_, _ = ann.CallTool(t.Context(), "close", nil)
	_, _ = ann.CallTool(t.Context(), "no-such", nil)

	scoped := audit.Record{
		Issuer: auth.StaticIssuer, Program: "till", Method: "tools/call", Kind: "tool", Feature: "transfer", Requested: "transfer",
		Policy: "a verified caller with the scope pay", Why: "RequireScopes", Arguments: []string{"cents", "pin", "to"},
		Values: map[string]json.RawMessage{"to": json.RawMessage(`"eve"`), "cents": json.RawMessage("5")},
	}
	ok := scoped
	ok.Subject, ok.Client, ok.Tenant, ok.TraceID, ok.Allowed, ok.Outcome = "ann", "phone", "acme", "0af7651916cd43dd8448eb211c80319c", true, "ok"
	failed := ok
	failed.TraceID, failed.Outcome = "", "tool_error"
	failed.Values = map[string]json.RawMessage{"to": json.RawMessage(`"eve"`), "cents": json.RawMessage("5000")}
	denied := scoped
	denied.Subject, denied.Tenant, denied.Outcome, denied.Code = "ben", "<nil>", "denied", mcp.CodeInvalidRequest
	ruled := ok
	ruled.TraceID, ruled.Arguments, ruled.Values, ruled.Allowed, ruled.Outcome, ruled.Code = "", nil, nil, false, "denied", mcp.CodeInvalidRequest
	ruled.Feature, ruled.Requested, ruled.Policy, ruled.Why, ruled.Rule = "close", "close", `a verified caller, who must be in the group "board"`, "Allow", `be in the group "board"`
	unknown := ruled
	unknown.Kind, unknown.Feature, unknown.Requested, unknown.Policy, unknown.Why, unknown.Rule = "", "", "no-such", "", "", ""
	unknown.Allowed, unknown.Outcome, unknown.Code = true, "error", mcp.CodeInvalidParams

	got := calls(all)
	if diff := cmp.Diff([]audit.Record{ok, failed, denied, ruled, unknown}, got,
		cmpopts.IgnoreFields(audit.Record{}, "Time", "Duration", "Digest", "Size", "Address")); diff != "" {
		t.Errorf("records (-want +got):\n%s", diff)
	}
	if got[0].Digest != got[2].Digest || got[0].Digest == got[1].Digest || len(got[0].Digest) != 64 {
		t.Errorf("digests %q, %q, %q: want the first and the last alike", got[0].Digest, got[1].Digest, got[2].Digest)
	}
	if got[0].Time.IsZero() || got[0].Duration <= 0 || got[0].Size == 0 {
		t.Errorf("time %v, duration %v, size %d", got[0].Time, got[0].Duration, got[0].Size)
	}
}

// A trace context that is not valid, or of 10 kB, is in no record.
func TestTraceContext(t *testing.T) {
	t.Parallel()
	const trace, span = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
	var got string
	c := connect(t, newEngine(t, audit.New(audit.Func(func(_ context.Context, r audit.Record) error {
		got = r.TraceID
		return nil
	}))), "ann")
	for parent, want := range map[any]string{
		"00-" + trace + "-" + span + "-01":                              trace,
		"cc-" + trace + "-" + span + "-01-what-may-come":                trace,
		"00-" + strings.ToUpper(trace) + "-" + span + "-01":             "",
		"00-" + strings.Repeat("0", 32) + "-" + span + "-01":            "",
		"ff-" + trace + "-" + span + "-01":                              "",
		"00-" + trace[1:] + "g-" + span + "-01":                         "",
		"00-" + trace + "-" + span + "-01" + strings.Repeat("-0", 5000): "",
		strings.Repeat("0", 10_000):                                     "",
		"":                                                              "",
		7:                                                               "",
	} {
		got = "nothing"
		_, _ = c.CallTool(t.Context(), "transfer", transfer{To: "eve"}, client.WithMeta(mcp.Meta{"traceparent": parent}))
		if got != want {
			t.Errorf("%.60v: trace %q, want %q", parent, got, want)
		}
	}
}

// No secret reaches a record, in whatever form it is written down.
func TestNoSecrets(t *testing.T) {
	t.Parallel()
	var log bytes.Buffer
	path := filepath.Join(t.TempDir(), "audit.jsonl")
	file, err := audit.File(path)
	if err != nil {
		t.Fatal(err)
	}
	e := newEngine(t, audit.New(audit.Tee(audit.Log(slog.New(slog.NewJSONHandler(&log, nil))), file)))
	c := connect(t, e, "ann")
	_, _ = c.CallTool(t.Context(), "transfer", transfer{To: "eve", Cents: 5, PIN: "secret-pin", Comment: "secret-comment"})
	if err := file.Close(); err != nil {
		t.Fatal(err)
	}
	kept, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{"log": log.String(), "file": string(kept)} {
		if !strings.Contains(text, `"pin"`) || !strings.Contains(text, `"eve"`) {
			t.Errorf("%s lacks the name of an argument or a value that is no secret: %s", name, text)
		}
		for _, secret := range []string{"secret-pin", "secret-comment", "Bearer"} {
			if strings.Contains(text, secret) {
				t.Errorf("%s has %q: %s", name, secret, text)
			}
		}
	}
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	if info.Mode().Perm()&0o077 != 0 && os.PathSeparator == '/' {
		t.Errorf("the file has mode %v", info.Mode())
	}
}

// Requests that are turned away before their message is read have a record too, and
// so has what a session of a handshake version refuses by itself.
func TestRefusals(t *testing.T) {
	t.Parallel()
	var all []audit.Record
	e := newEngine(t, audit.New(audit.Func(func(_ context.Context, r audit.Record) error {
		all = append(all, r)
		return nil
	})))
	ask := func(edit func(*http.Request), body string) int {
		r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "https://bank.example/mcp", strings.NewReader(body))
		r.RemoteAddr = "192.0.2.7:1234"
		r.Header = http.Header{"Content-Type": {"application/json"}, "Accept": {"application/json, text/event-stream"}}
		edit(r)
		w := httptest.NewRecorder()
		e.ServeHTTP(w, r)
		return w.Code
	}
	const unread = `{"secret":`
	ask(func(r *http.Request) { r.Header.Set("Authorization", "Bearer stolen-token") }, unread)
	ask(func(r *http.Request) { r.Header.Set("Origin", "https://evil.example") }, unread)
	const ben = "Bearer ben"
	session := connectSession(t, e, ben)
	inSession := func(r *http.Request) {
		r.Header.Set("Authorization", ben)
		r.Header.Set("Mcp-Session-Id", session)
		r.Header.Set("Mcp-Protocol-Version", "2025-11-25")
	}
	all = slices.DeleteFunc(all, func(r audit.Record) bool { return r.Method == "initialize" })
	ask(inSession, `{"jsonrpc":"2.0","id":2,"method":"tools/call","params":{"name":"transfer","arguments":{"pin":"0000"}}}`)
	ask(inSession, `{"jsonrpc":"2.0","id":3,"method":"resources/subscribe","params":{"uri":"account://ann"}}`)
	var got []string
	for _, r := range all {
		if r.Address != "192.0.2.7" || r.Allowed || r.Time.IsZero() {
			t.Errorf("the record is %+v", r)
		}
		text, err := json.Marshal(r)
		if err != nil {
			t.Fatal(err)
		}
		for _, secret := range []string{"stolen", "0000", "Bearer"} {
			if strings.Contains(string(text), secret) {
				t.Errorf("the record has %q: %s", secret, text)
			}
		}
		got = append(got, fmt.Sprintf("%s %s %d %s %t", r.Method, r.Subject, r.Status, r.Outcome, r.Why != ""))
	}
	want := []string{
		"  401 denied true",
		"  403 denied true",
		"tools/call ben 0 denied true",
		"resources/subscribe ben 0 denied true",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("records (-want +got):\n%s", diff)
	}
}

// connectSession begins a session of 2025-11-25 and returns its id.
func connectSession(t *testing.T, e *mcpengine.Engine, token string) string {
	t.Helper()
	r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "https://bank.example/mcp",
		strings.NewReader(`{"jsonrpc":"2.0","id":0,"method":"initialize","params":{"protocolVersion":"2025-11-25","capabilities":{},"clientInfo":{"name":"c","version":"1"}}}`))
	r.Header = http.Header{"Content-Type": {"application/json"}, "Accept": {"application/json, text/event-stream"}, "Authorization": {token}}
	w := httptest.NewRecorder()
	e.ServeHTTP(w, r)
	if w.Code != http.StatusOK {
		t.Fatalf("initialize: %d %s", w.Code, w.Body)
	}
	return w.Header().Get("Mcp-Session-Id")
}

// A disk that is full loses records: calls are refused then, or the losses counted.
func TestFullDisk(t *testing.T) {
	t.Parallel()
	for mode, want := range map[audit.OnFailure]string{audit.Refuse: "cannot record", audit.Count: "done"} {
		file, err := audit.File("/dev/full")
		if err != nil {
			t.Skipf("out of reach: the system has no /dev/full: %v", err)
		}
		defer file.Close()
		trail := audit.New(file, audit.WithOnFailure(mode), audit.WithLogger(slog.New(slog.DiscardHandler)),
			audit.WithMethods(func(method string) bool { return method == mcp.MethodToolsCall }))
		c := connect(t, newEngine(t, trail), "ann")
		for i := range 3 {
			result, err := c.CallTool(t.Context(), "transfer", transfer{To: "eve", Cents: 5, PIN: "0000"})
			got := fmt.Sprint(err)
			if err == nil {
				got = result.Text()
			}
			if i > 0 && !strings.Contains(got, want) { // the first loss shows that the disk is full
				t.Errorf("mode %d, call %d: %s, want %q", mode, i+1, got, want)
			}
		}
		if trail.Lost() != 3 {
			t.Errorf("mode %d: %d records lost, want 3", mode, trail.Lost())
		}
	}
}

func TestFailure(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name string
		mode audit.OnFailure
		want []string // of three calls: the sink fails from the first on, and works after the second
	}{
		{"refuse", audit.Refuse, []string{"done", "cannot record", "done"}},
		{"count", audit.Count, []string{"done", "done", "done"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			var full bool
			var log bytes.Buffer
			trail := audit.New(audit.Func(func(_ context.Context, r audit.Record) error {
				if full {
					return errors.New("disk full")
				}
				return nil
			}), audit.WithOnFailure(tt.mode), audit.WithLogger(slog.New(slog.NewTextHandler(&log, nil))),
				audit.WithMethods(func(method string) bool { return method == mcp.MethodToolsCall }))
			c := connect(t, newEngine(t, trail), "ann")
			for i, want := range tt.want {
				full = i == 0
				result, err := c.CallTool(t.Context(), "transfer", transfer{To: "eve", Cents: 5, PIN: "0000"})
				got := fmt.Sprint(err)
				if err == nil {
					got = result.Text()
				}
				if !strings.Contains(got, want) {
					t.Errorf("call %d: %s, want %q", i+1, got, want)
				}
			}
			if trail.Lost() != 1 || strings.Count(log.String(), "a record was lost") != 1 || strings.Count(log.String(), "written again") != 1 {
				t.Errorf("%d records lost, log:\n%s", trail.Lost(), &log)
			}
		})
	}
}

func TestFileIsReopened(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "audit.jsonl")
	file, err := audit.File(path)
	if err != nil {
		t.Fatal(err)
	}
	write := func(subject string) {
		t.Helper()
		if err := file.Write(t.Context(), audit.Record{Time: time.Now(), Subject: subject}); err != nil {
			t.Fatal(err)
		}
	}
	write("before")
	if runtime.GOOS == "windows" {
		t.Skip("Windows does not rename open files")
	}
	if err := os.Rename(path, path+".1"); err != nil {
		t.Fatal(err)
	}
	if err := file.Reopen(); err != nil {
		t.Fatal(err)
	}
	write("after")
	if err := file.Close(); err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{path + ".1": "before", path: "after"} {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(string(text), want) || strings.Count(string(text), "\n") != 1 {
			t.Errorf("%s = %s, want the record of %q", name, text, want)
		}
	}
	if err := file.Write(t.Context(), audit.Record{}); err == nil {
		t.Error("a closed file takes a record")
	}
}
