package handshake_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/mcpengine/mcpengine/internal/handshake"
	"github.com/mcpengine/mcpengine/internal/jsonrpc"
	"github.com/mcpengine/mcpengine/internal/stdio"
)

// An echo answers every request, and subscriptions until they are cancelled.
// It asks the client first where it can.
type echo struct{}

func (echo) Handle(ctx context.Context, req *jsonrpc.Request, notify func(jsonrpc.Notification)) *jsonrpc.Response {
	if filter := req.Params.Get("notifications"); req.Method == "subscriptions/listen" && filter != nil {
		notify(jsonrpc.Notification{
			Method: "notifications/subscriptions/acknowledged",
			Params: fmt.Appendf(nil, `{"notifications":%s}`, filter),
		})
		<-ctx.Done()
	}
	if req.Method == "ask" && req.Asker != nil {
		// No answer comes in time, unless the input guesses the id.
		_, _ = req.Asker.Ask(ctx, "roots/list", nil)
	}
	resp := jsonrpc.NewResponse()
	resp.BeginResult(req.ID)
	resp.Body = append(resp.Body, "{}"...)
	resp.EndResult()
	return resp
}

// FuzzConn checks two guarantees for arbitrary input: the server writes only
// messages, and it answers each request with a unique valid id exactly once.
func FuzzConn(f *testing.F) {
	opening := initializeRequest("0", "2025-03-26", everything) + "\n" + initialized + "\n"
	for _, seed := range []string{
		"", "garbage\n7\n[]", request("1", "ping", ""), initialized, opening + opening,
		opening + request("1", "ask", "") + "\n" + success(`"s-1"`, "{}") + "\n" + success(`"s-1"`, "{}"),
		opening + request("1", "ask", "") + "\n" + notification("notifications/cancelled", `{"requestId":1}`),
		opening + batch(request("1", "ping", ""), request(`"a"`, "ask", ""), `7`, batch(), initialized, success(`"s-1"`, "{}")),
		opening + batch(request("1", "ping", ""), request("1", "ping", ""), notification("notifications/cancelled", `{"requestId":1}`)),
		opening + request("1", "resources/subscribe", `{"uri":"u"}`) + "\n" + request("2", "resources/unsubscribe", `{"uri":"u"}`),
		opening + request("1", "logging/setLevel", `{"level":"debug"}`) + "\n" + stateless("2", "m", "") + "\n" + request("3", "subscriptions/listen", ""),
		strings.Replace(opening, "2025-03-26", "2024-11-05", 1) + batch(request("1", "ping", "")),
		stateless("1", "initialize", "") + "\n" + stateless("2", "subscriptions/listen", "") + "\n" + opening,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, input []byte) {
		var out bytes.Buffer
		conn := handshake.NewConn(echo{}, handshake.ConnConfig{})
		err := stdio.Serve(t.Context(), conn, bytes.NewReader(input), &out, stdio.Config{MaxConcurrent: 2, Grace: 1})
		if err != nil {
			t.Fatalf("Serve: %v", err)
		}
		sent, cancels := requests(input)
		got := answers(t, out.Bytes())
		for id, n := range sent {
			switch {
			case n > 1 && got[id] <= n: // the later ones may be refused without id
			case n == 1 && got[id] == 1:
			case n == 1 && got[id] == 0 && cancels:
			default:
				t.Errorf("the id %s is sent %d times and answered %d times", id, n, got[id])
			}
		}
		for id, n := range got {
			if sent[id] == 0 && n > 0 {
				t.Errorf("the id %s is answered, but was never sent", id)
			}
		}
	})
}

// requests counts the messages that have to be answered, by id, and reports
// whether any may have been cancelled. The messages of an array count only when
// it is a batch, so that one may be answered but need not.
func requests(input []byte) (sent map[string]int, cancels bool) {
	sent = map[string]int{}
	add := func(line []byte) {
		var req jsonrpc.Request
		err := req.Parse(line)
		if req.ID == nil {
			cancels = cancels || req.Method == "notifications/cancelled"
			return
		}
		if members, _ := jsonrpc.ParseObject(line); err != nil && members.Get("method") == nil && (members.Get("result") != nil || members.Get("error") != nil) {
			sent[key(req.ID)] += 2 // a response: refused before the handshake, ignored after it
			return
		}
		sent[key(req.ID)]++
	}
	for line := range bytes.SplitSeq(input, []byte("\n")) {
		line = bytes.TrimSuffix(line, []byte("\r"))
		items, err := jsonrpc.SplitBatch(line)
		if err != nil {
			add(line)
			continue
		}
		for _, item := range items {
			add(item)
			add(item)
		}
	}
	return sent, cancels
}

// answers counts the responses by id.
func answers(t *testing.T, out []byte) map[string]int {
	got := map[string]int{}
	count := func(message []byte) {
		var m map[string]json.RawMessage
		if err := json.Unmarshal(message, &m); err != nil || string(m["jsonrpc"]) != `"2.0"` {
			t.Errorf("not a message: %q", message)
		}
		if m["method"] == nil && m["id"] != nil {
			got[key(m["id"])]++
		}
	}
	for line := range bytes.Lines(out) {
		var items []json.RawMessage
		if json.Unmarshal(line, &items) != nil {
			count(line)
			continue
		}
		if len(items) == 0 {
			t.Errorf("an empty batch: %q", line)
		}
		for _, item := range items {
			count(item)
		}
	}
	return got
}

// key returns the same text for ids that are the same JSON value.
func key(id []byte) string {
	if id[0] == '"' {
		return `"` + jsonrpc.UnquoteString(id)
	}
	if string(id) == "-0" {
		return "0"
	}
	return string(id)
}
