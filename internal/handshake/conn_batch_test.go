package handshake_test

import (
	"strings"
	"testing"
	"testing/synctest"
)

func batch(messages ...string) string { return "[" + strings.Join(messages, ",") + "]" }

// Only one version has batches (2025-03-26, basic, "Batching").
func TestConnBatch(t *testing.T) {
	greet := `{"prompts":[{"name":"greet"}]}`
	for _, test := range []struct {
		name, send string
		want       []string
	}{
		{
			"requests are answered together, in their order",
			batch(request("1", "ping", ""), callTo(`"a"`, "work"), request("2", "prompts/list", "")),
			[]string{
				notification("notifications/message", `{"level":"info","data":"info"}`),
				notification("notifications/message", `{"level":"error","data":"error"}`),
				batch(success("1", "{}"), text(`"a"`, "worked"), success("2", greet)),
			},
		},
		{"one request", batch(request("1", "ping", "")), []string{batch(success("1", "{}"))}},
		{"notifications only", batch(initialized, notification("notifications/roots/list_changed", "{}")), nil},
		{"replies only", batch(success(`"s-1"`, "{}"), failure(`"s-2"`, "1", "no")), nil},
		{
			"notification beside a request",
			batch(initialized, request("1", "ping", "")),
			[]string{batch(success("1", "{}"))},
		},
		{
			"request that is cancelled in the same batch",
			batch(callTo("1", "wait"), request("2", "ping", ""), notification("notifications/cancelled", `{"requestId":1}`)),
			[]string{batch(success("2", "{}"))},
		},
		{"all cancelled", batch(callTo("1", "wait"), notification("notifications/cancelled", `{"requestId":1}`)), nil},
		{
			"wrong messages are answered among the others",
			batch(request("1", "ping", ""), `7`, `{}`, request("2", "nothing", ""), `{"jsonrpc":"2.0","id":3}`, batch(request("4", "ping", "")), request("5", "ping", "")),
			[]string{batch(
				success("1", "{}"),
				failure("", "-32600", "a message is a JSON object"),
				failure("", "-32600", `jsonrpc must be \"2.0\"`),
				failure("2", "-32601", `Method not found: \"nothing\"`),
				failure("3", "-32600", "method must be a non-empty string"),
				failure("", "-32600", "a message is one JSON object: batches are not part of the protocol"),
				success("5", "{}"),
			)},
		},
		{
			"initialize",
			batch(initializeRequest("1", "2025-03-26", "{}"), request("2", "ping", "")),
			[]string{batch(failure("1", "-32600", "the connection is initialized already, with protocol version 2025-03-26"), success("2", "{}"))},
		},
		{
			"the same id twice",
			batch(request("1", "ping", ""), request("1", "prompts/list", "")),
			[]string{batch(success("1", "{}"), failure("", "-32600", "a request with the id 1 is under way already"))},
		},
		{
			"request of 2026-07-28, which knows no batches",
			batch(stateless("1", "prompts/list", ""), request("2", "ping", "")),
			[]string{batch(failure("1", "-32600", "a message is one JSON object: batches are not part of the protocol"), success("2", "{}"))},
		},
		{"empty", `[]`, []string{failure("", "-32600", "the batch is empty")}},
		{"broken", `[` + request("1", "ping", ""), []string{failure("", "-32700", "parse error: unexpected end of text, want ',' or ']' at byte 41")}},
		{
			"too many",
			batch(strings.Split(strings.Repeat(request("1", "ping", "")+"\n", 65), "\n")[:65]...),
			[]string{failure("", "-32600", "a batch has at most 64 messages")},
		},
		{
			"level set for what follows",
			batch(request("1", "logging/setLevel", `{"level":"error"}`), callTo("2", "work")),
			[]string{notification("notifications/message", `{"level":"error","data":"error"}`), batch(success("1", "{}"), text("2", "worked"))},
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c := connectStdio(t, newFixture())
				c.open("2025-03-26")
				c.send(test.send)
				c.wants(test.want...)
				c.send(request("1", "ping", "")) // all ids are free again
				c.wants(success("1", "{}"))
				c.end()
			})
		})
	}
}

func TestNoBatchInOtherVersions(t *testing.T) {
	refused := failure("", "-32600", "a message is one JSON object: batches are not part of the protocol")
	synctest.Test(t, func(t *testing.T) {
		c := connectStdio(t, newFixture())
		c.send(batch(request("1", "ping", "")), batch(initializeRequest("1", "2025-03-26", "{}")))
		c.wants(refused, refused)
		c.end()
	})
	for _, version := range []string{"2025-11-25", "2025-06-18", "2024-11-05"} {
		t.Run(version, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c := connectStdio(t, newFixture())
				c.open(version)
				c.send(batch(request("1", "ping", "")))
				c.wants(refused)
				c.end()
			})
		})
	}
}

// The answer to a batch waits for its last request, and so do the ids.
func TestBatchWithQuestion(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := connectStdio(t, newFixture())
		c.open("2025-03-26")
		c.send(batch(request("1", "ping", ""), callTo("2", "ask_roots")))
		c.wants(askRoots)
		c.send(request("1", "ping", ""))
		c.wants(failure("", "-32600", "a request with the id 1 is under way already"))
		c.send(batch(`{"jsonrpc":"2.0","id":"s-1","result":{"roots":[{"uri":"file:///root"}]}}`, request("3", "ping", "")))
		c.wantsAnyOrder(batch(success("1", "{}"), text("2", "file:///root")), batch(success("3", "{}")))
		c.end()
	})
}
