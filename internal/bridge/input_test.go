package bridge_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/mcpengine/mcpengine/internal/bridge"
)

// stateOf sends a call that requires input, and returns its requestState.
func (h *host) stateOf(id, tool string) string {
	h.t.Helper()
	h.send(request(latest, id, "tools/call", fmt.Sprintf(`"name":%q,"arguments":{}`, tool)))
	result := h.result(id)
	var asked struct{ ResultType, RequestState string }
	if err := json.Unmarshal([]byte(result), &asked); err != nil || asked.ResultType != "input_required" {
		h.t.Fatalf("the result is %s", result)
	}
	return asked.RequestState
}

// asks answers a call with a question, and ends with the request.
func asks(ended chan<- struct{}) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/event-stream")
		fmt.Fprintf(w, `data: {"jsonrpc":"2.0","id":%s,"method":"elicitation/create","params":{"message":"Who?","requestedSchema":{"type":"object","properties":{}}}}`+"\n\n", r.Header.Get("Test-Id"))
		_ = http.NewResponseController(w).Flush()
		<-r.Context().Done()
		ended <- struct{}{}
	}
}

// If the input does not arrive before the time-out, the request ends on the
// server, and its state is no longer accepted.
func TestInputTimeout(t *testing.T) {
	t.Parallel()
	bubble(t, previous, bridge.Config{}, func(t *testing.T, h *host, s *fake) {
		ended := make(chan struct{}, 1)
		s.handle("tools/call", asks(ended))
		began := time.Now()
		state := h.stateOf("1", "visit")
		<-ended
		if took := time.Since(began); took != 10*time.Minute {
			t.Errorf("it took %v, want 10 min", took)
		}
		h.send(request(latest, "2", "tools/call", fmt.Sprintf(`"name":"visit","arguments":{},"inputResponses":{"1":{"action":"accept"}},"requestState":%q`, state)))
		if m := h.response("2"); m.Error == nil || m.Error.Code != -32602 {
			t.Errorf("the answer is %s", m.raw)
		}
	})
}

// The number of inputs that a server may require at once is bounded.
func TestManyInputs(t *testing.T) {
	t.Parallel()
	for n, ok := range map[int]bool{32: true, 33: false} {
		s := newFake(t, latest)
		var questions []string
		for i := range n {
			questions = append(questions, fmt.Sprintf(`"%d":{"method":"roots/list","params":{}}`, i))
		}
		s.handle("tools/call", func(w http.ResponseWriter, r *http.Request) {
			result := `{"resultType":"input_required","inputRequests":{` + strings.Join(questions, ",") + `}}`
			if strings.Contains(s.last("tools/call"), "inputResponses") {
				result = `{"resultType":"complete","content":[]}`
			}
			reply(w, fmt.Sprintf(`{"jsonrpc":"2.0","id":%s,"result":%s}`, r.Header.Get("Test-Id"), result))
		})
		h := newHost(t, bridge.Config{URL: s.url})
		asked := 0
		h.reply = map[string]func(message) string{"roots/list": func(m message) string {
			asked++
			return fmt.Sprintf(`{"jsonrpc":"2.0","id":%s,"result":{"roots":[]}}`, m.ID)
		}}
		h.initialize(previous)
		h.send(request(previous, "1", "tools/call", `"name":"act"`))
		if m := h.response("1"); (m.Error == nil) != ok || ok && asked != n || !ok && asked != 0 {
			t.Errorf("%d questions, of which %d are asked: %s", n, asked, m.raw)
		}
	}
}

// Contradictory messages are refused: a second handshake, and a batch with a
// request of a version without batches.
func TestTwoHandshakes(t *testing.T) {
	t.Parallel()
	s := newFake(t, latest)
	s.answer("tools/list", `{"tools":[]}`)
	h := newHost(t, bridge.Config{URL: s.url})
	h.initialize("2025-03-26")
	h.send(`{"jsonrpc":"2.0","id":1,"method":"initialize","params":{"protocolVersion":"2025-06-18","capabilities":{},"clientInfo":{"name":"host","version":"1"}}}`)
	if m := h.response("1"); m.Error == nil || m.Error.Code != -32600 {
		t.Errorf("a second handshake is answered with %s", m.raw)
	}
	h.send("[" + request(latest, "2", "tools/list", "") + "," + request(previous, "3", "tools/list", "") + "]")
	if got := h.batch(); strings.Count(got, `"error"`) != 1 || strings.Count(got, `"tools"`) != 1 {
		t.Errorf("the batch is answered with %s", got)
	}
}

// The server is told a log level if it is lower than all levels before.
func TestLevelOfRequests(t *testing.T) {
	t.Parallel()
	s := newFake(t, previous)
	s.answer("initialize", `{"protocolVersion":"2025-11-25","capabilities":{"tools":{},"logging":{}},"serverInfo":{"name":"fake","version":"1"}}`)
	s.answer("logging/setLevel", `{}`)
	s.answer("tools/list", `{"tools":[]}`)
	h := newHost(t, bridge.Config{URL: s.url})
	for i, row := range []struct {
		level string
		told  int
	}{{"info", 1}, {"error", 1}, {"info", 1}, {"debug", 2}, {"notice", 2}} {
		h.send(strings.Replace(request(latest, fmt.Sprint(i), "tools/list", ""), `"_meta":{`, fmt.Sprintf(`"_meta":{"io.modelcontextprotocol/logLevel":%q,`, row.level), 1))
		h.result(fmt.Sprint(i))
		if got := s.count("logging/setLevel"); got != row.told {
			t.Errorf("%s: the server was told %d levels, want %d", row.level, got, row.told)
		}
	}
}

// A state continues the request that it belongs to, and no other. It can be
// used once.
func TestStateOfAnotherRequest(t *testing.T) {
	t.Parallel()
	h := pair{latest, previous}.open(t, newEngine())
	for i, other := range []struct{ method, params string }{
		{"tools/call", `"name":"ask","arguments":{}`},
		{"prompts/get", `"name":"visit"`},
		{"prompts/get", `"name":"greet"`},
	} {
		state := h.stateOf(fmt.Sprint(i), "visit")
		rest := fmt.Sprintf(`,"inputResponses":{"1":{"action":"accept"}},"requestState":%q`, state)
		for _, row := range []struct{ method, params string }{other, {"tools/call", `"name":"visit","arguments":{}`}} {
			h.send(request(latest, `"x"`, row.method, row.params+rest))
			if m := h.response(`"x"`); m.Error == nil || m.Error.Code != -32602 {
				t.Errorf("%s with %s is answered with %s", row.method, row.params, m.raw)
			}
		}
	}
}

// A client is asked only questions that its request declares, even if requests
// before it declared more.
func TestInputNotDeclared(t *testing.T) {
	t.Parallel()
	h := pair{latest, previous}.open(t, newEngine())
	h.stateOf("1", "ask") // this one answers everything
	for id, capabilities := range map[string]string{"2": `{}`, "3": `{"sampling":{},"roots":{}}`} {
		h.send(strings.Replace(request(latest, id, "tools/call", `"name":"ask","arguments":{}`), fullCapabilities, capabilities, 1))
		if m := h.response(id); strings.Contains(m.raw, "input_required") {
			t.Errorf("a client with %s is asked: %s", capabilities, m.raw)
		}
	}
}

// A server's question during a request that cannot require input is refused,
// and the request goes on.
func TestInputNotAllowed(t *testing.T) {
	t.Parallel()
	s := newFake(t, previous)
	answered := make(chan string, 1)
	s.handle("", func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodPost { // to listen, and to end the session
			w.WriteHeader(http.StatusMethodNotAllowed)
			return
		}
		w.WriteHeader(http.StatusAccepted)
		answered <- s.last("")
	})
	s.handle("completion/complete", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/event-stream")
		_, _ = io.WriteString(w, `data: {"jsonrpc":"2.0","id":"q","method":"elicitation/create","params":{"message":"Who?","requestedSchema":{"type":"object","properties":{}}}}`+"\n\n")
		_ = http.NewResponseController(w).Flush()
		select {
		case refusal := <-answered:
			if !strings.Contains(refusal, "-32601") {
				t.Errorf("the question is answered with %s", refusal)
			}
		case <-time.After(patience):
			t.Error("the question is not answered")
		}
		fmt.Fprintf(w, "data: %s\n\n", complete(r.Header.Get("Test-Id")))
	})
	h := newHost(t, bridge.Config{URL: s.url})
	h.send(request(latest, "1", "completion/complete", `"ref":{"type":"ref/prompt","name":"greet"},"argument":{"name":"a","value":""}`))
	if got := h.result("1"); !strings.Contains(got, "content") {
		t.Errorf("the result is %s", got)
	}
}
