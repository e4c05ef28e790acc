package inspector_test

import (
	"flag"
	"fmt"
	"net/http"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/mcpengine/mcpengine/cmd/mcpengine/internal/inspector"
)

var update = flag.Bool("update", false, "write session_test.go again")

// A recorded session is a test that compiles and passes: session_test.go is one,
// and runs with this package.
func TestRecord(t *testing.T) {
	t.Parallel()
	p := connected(t, inspector.Options{Target: &httpTarget{handler: newServer()}})
	p.call("work").until("result") // before recording begins
	if status, body := p.post("/api/record", `{"on":true}`); status != http.StatusNoContent {
		t.Fatalf("HTTP %d %s", status, body)
	}
	p.send("tools/list", `{}`).until("result")
	p.send("tools/call", `{"name":"get_weather","arguments":{"city":"São \"Paulo\""}}`).until("result")
	for _, answer := range []struct{ tool, answer string }{
		{"ask", `"action":"accept","content":{"name":"Ada"}`},
		{"ask", `"action":"decline"`},
		{"visit", `"action":"accept"`},
		{"sample", `"action":"accept","content":{"role":"assistant","model":"m1","content":{"type":"text","text":"!"}}`},
		{"roots", `"action":"accept","content":{"roots":[{"uri":"file:///a"}]}`},
	} {
		l := p.call(answer.tool)
		q := l.until("question")
		if status, body := p.post("/api/answer", fmt.Sprintf(`{"question":%q,%s}`, q["question"], answer.answer)); status != http.StatusNoContent {
			t.Fatalf("answer %s: HTTP %d %s", answer.tool, status, body)
		}
		l.until("result")
	}
	p.call("refuse").until("error")
	p.send("tasks/get", `{"taskId":"none"}`).until("error")
	p.send("resources/read", `{"uri":"weather://Lima/now"}`).until("result")
	p.send("prompts/get", `{"name":"pack","arguments":{"city":"Lima"}}`).until("result")
	if status, body := p.post("/api/record", `{"on":false}`); status != http.StatusNoContent {
		t.Fatalf("HTTP %d %s", status, body)
	}
	p.call("work").until("result") // after it has ended
	status, got := p.get("/api/record?package=inspector_test")
	if status != http.StatusOK {
		t.Fatalf("HTTP %d %s", status, got)
	}
	if *update {
		if err := os.WriteFile("session_test.go", []byte(got), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile("session_test.go")
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(strings.Split(string(want), "\n"), strings.Split(got, "\n")); diff != "" {
		t.Errorf("the recorded test differs from session_test.go; go test -update writes it again (-want +got):\n%s", diff)
	}
}

// A file of a program of its own needs no changes but its name.
func TestRecordNames(t *testing.T) {
	t.Parallel()
	p := connected(t, inspector.Options{Target: &httpTarget{handler: newServer()}})
	p.post("/api/record", `{"on":true}`)
	p.call("work").until("result")
	_, got := p.get("/api/record?package=shop&server=shop.New(nil)")
	for _, want := range []string{"package shop\n", "mcptest.New(shop.New(nil), client.WithProtocolVersion("} {
		if !strings.Contains(got, want) {
			t.Errorf("the test lacks %q:\n%s", want, got)
		}
	}
	if strings.Contains(got, "context") || strings.Contains(got, "handlers") {
		t.Errorf("a session without questions has handlers:\n%s", got)
	}
}
