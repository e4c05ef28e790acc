package handshake_test

import (
	"context"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/mcpengine/mcpengine"
)

const noVersion = `the request names no protocol version: send initialize first, or params._meta[\"io.modelcontextprotocol/protocolVersion\"] with every request; ` +
	`supported protocol versions: 2026-07-28, 2025-11-25, 2025-06-18, 2025-03-26, 2024-11-05`

// The rows of the compatibility matrix that concern a server with 2026-07-28
// and the handshake versions (2026-07-28, versioning, "Compatibility Matrix").
func TestCompatibilityMatrix(t *testing.T) {
	discovered := `{"supportedVersions":["2026-07-28","2025-11-25","2025-06-18","2025-03-26","2024-11-05"],`
	unsupported := `{"code":-32022,"message":"Unsupported protocol version \"2030-01-01\", supported: 2026-07-28, 2025-11-25, 2025-06-18, 2025-03-26, 2024-11-05"`
	for _, test := range []struct {
		name string
		send []string
		want []string // parts of the answers
	}{
		{"client of 2026-07-28", []string{stateless("1", "prompts/list", "")}, []string{`"resultType":"complete"`}},
		{"client of 2026-07-28 that discovers first", []string{stateless("1", "server/discover", "")}, []string{discovered}},
		{
			"stateless client of an unknown version",
			[]string{strings.Replace(stateless("1", "prompts/list", ""), "2026-07-28", "2030-01-01", 1), stateless("2", "prompts/list", "")},
			[]string{unsupported, `"resultType":"complete"`},
		},
		{
			"stateless request that names a handshake version",
			[]string{strings.Replace(stateless("1", "prompts/list", ""), "2026-07-28", "2025-11-25", 1)},
			[]string{`{"code":-32022,`},
		},
		{"client of all versions that discovers first", []string{stateless("1", "server/discover", ""), stateless("2", "prompts/list", "")}, []string{discovered, `"resultType":"complete"`}},
		{"client of a handshake version", []string{initializeRequest("1", "2025-06-18", "{}"), initialized, request("2", "prompts/list", "")}, []string{`"protocolVersion":"2025-06-18"`, `{"prompts":[{"name":"greet","title":"Greet"}]}}`}},
		{"initialize with an unknown version", []string{initializeRequest("1", "2025-01-01", "{}")}, []string{`"protocolVersion":"2025-11-25"`}},
		{"initialize with 2026-07-28", []string{initializeRequest("1", "2026-07-28", "{}")}, []string{`"protocolVersion":"2025-11-25"`}},
		{"client of a handshake version that does not initialize", []string{request("1", "prompts/list", "")}, []string{noVersion}},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c := connectStdio(t, newFixture())
				c.send(test.send...)
				got := c.got()
				if len(got) != len(test.want) {
					t.Fatalf("%d answers, want %d: %q", len(got), len(test.want), got)
				}
				for i, want := range test.want {
					if !strings.Contains(got[i], want) {
						t.Errorf("answer %d is %s, want %s in it", i+1, got[i], want)
					}
				}
				c.end()
			})
		})
	}
}

// Requests of 2026-07-28 and of a handshake version on one connection do not
// wait for each other and do not mix.
func TestStatelessBesideHandshake(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFixture()
		c := connectStdio(t, f)
		c.send(stateless(`"listen"`, "subscriptions/listen", `,"notifications":{"promptsListChanged":true,"resourceSubscriptions":["file:///a"]}`))
		c.wants(notification("notifications/subscriptions/acknowledged", `{"_meta":{"io.modelcontextprotocol/subscriptionId":"listen"},"notifications":{"promptsListChanged":true,"resourceSubscriptions":["file:///a"]}}`))
		c.open("2025-11-25")
		c.send(callTo("1", "ask_user"))
		c.wants(request(`"s-1"`, "elicitation/create", `{"mode":"form","message":"Name?",`+nameForm))
		// A request of 2026-07-28 on the same connection asks in its own way.
		c.send(strings.Replace(stateless("2", "tools/call", `,"name":"ask_user","arguments":{}`), `clientCapabilities":{}`, `clientCapabilities":{"elicitation":{}}`, 1))
		if got := c.got(); len(got) != 1 || !strings.Contains(got[0], `"resultType":"input_required"`) {
			t.Errorf("answer = %q", got)
		}
		c.send(`{"jsonrpc":"2.0","id":"s-1","result":{"action":"decline"}}`)
		c.wants(success("1", `{"content":[{"type":"text","text":"the user declined"}],"isError":true}`))

		f.RemovePrompts("greet")
		c.wantsAnyOrder(
			notification("notifications/prompts/list_changed", `{"_meta":{"io.modelcontextprotocol/subscriptionId":"listen"}}`),
			notification("notifications/prompts/list_changed", `{}`),
		)
		f.ResourceUpdated("file:///a")
		c.wants(notification("notifications/resources/updated", `{"_meta":{"io.modelcontextprotocol/subscriptionId":"listen"},"uri":"file:///a"}`))
		c.send(notification("notifications/cancelled", `{"requestId":"listen"}`))
		f.ResourceUpdated("file:///a")
		c.end()
	})
}

func TestEndOfStatelessSubscription(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := connectStdio(t, newFixture())
		c.open("2025-11-25")
		c.send(stateless("1", "subscriptions/listen", `,"notifications":{"toolsListChanged":true}`), request("2", "resources/subscribe", `{"uri":"file:///a"}`))
		c.got()
		c.in.Close()
		// The end is only announced for the listen request: the subscription to
		// a resource is not a request.
		c.wants(
			success("1", `{"resultType":"complete","_meta":{"io.modelcontextprotocol/subscriptionId":1,"io.modelcontextprotocol/serverInfo":{"name":"fixture","version":"1"}}}`),
			notification("notifications/cancelled", `{"requestId":1}`),
		)
		c.end()
	})
}

func TestInitialized(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFixture()
		c := connectStdio(t, f)
		c.send(initialized) // too early: it is ignored
		c.send(initializeRequest("0", "2025-11-25", everything))
		c.got()

		// Before the notification requests are served, but no notifications
		// sent.
		c.send(request("1", "prompts/list", ""))
		c.wants(success("1", `{"prompts":[{"name":"greet","title":"Greet"}]}`))
		f.RemoveTools("panic")
		c.wants()
		c.send(callTo("2", "ask_roots"))
		c.wants(success("2", `{"content":[{"type":"text","text":"the client cannot be asked before it has sent notifications/initialized"}],"isError":true}`))

		c.send(initialized, initialized)
		c.wants() // no change from before the notification
		f.RemoveTools("work")
		c.wants(notification("notifications/tools/list_changed", `{}`))
		f.RemoveResources("file:///b")
		c.wants(notification("notifications/resources/list_changed", `{}`))
		f.RemovePrompts("greet")
		c.wants(notification("notifications/prompts/list_changed", `{}`))
		c.end()
	})
}

func TestInitializeTwice(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := connectStdio(t, newFixture())
		c.send(request("1", "initialize", `{"protocolVersion":"2025-06-18"}`))
		c.wants(failure("1", "-32602", "params.capabilities must be an object"))
		c.open("2025-06-18")
		c.send(initializeRequest("2", "2025-11-25", everything))
		c.wants(failure("2", "-32600", "the connection is initialized already, with protocol version 2025-06-18"))
		c.send(callTo("3", "ask_user")) // the first handshake still counts
		c.wants(request(`"s-1"`, "elicitation/create", `{"message":"Name?",`+nameForm))
		c.in.Close()
		c.wants(success("3", `{"content":[{"type":"text","text":"the client is gone"}],"isError":true}`))
		c.end()
	})
}

func TestPing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := connectStdio(t, newFixture())
		c.send(request("1", "ping", ""))
		c.wants(success("1", "{}"))
		c.open("2025-11-25")
		c.send(request("2", "ping", `{"_meta":{"progressToken":1}}`))
		c.wants(success("2", "{}"))
		c.send(stateless("3", "ping", ""))
		c.wants(failure("3", "-32601", `Method not found: \"ping\"`))
		c.end()
	})
}

func TestLogLevel(t *testing.T) {
	messages := []string{"debug", "info", "error"}
	for _, test := range []struct {
		level string
		want  []string
	}{
		{"", messages[1:]}, // the server decides
		{"debug", messages},
		{"info", messages[1:]},
		{"notice", messages[2:]},
		{"warning", messages[2:]},
		{"error", messages[2:]},
		{"critical", nil},
		{"alert", nil},
		{"emergency", nil},
	} {
		t.Run(test.level, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c := connectStdio(t, newFixture())
				c.open("2025-11-25")
				lines := callTo("2", "work")
				var want []string
				if test.level != "" {
					want = append(want, success("1", "{}"))
					// Sent in one piece: the level counts for the requests
					// after it.
					lines = request("1", "logging/setLevel", `{"level":"`+test.level+`"}`) + "\n" + lines
				}
				for _, level := range test.want {
					want = append(want, notification("notifications/message", `{"level":"`+level+`","data":"`+level+`"}`))
				}
				c.send(lines)
				c.wantsAnyOrder(append(want, text("2", "worked"))...)
				// The level does not count for 2026-07-28.
				c.send(stateless("3", "tools/call", `,"name":"work","arguments":{}`))
				if got := c.got(); len(got) != 1 {
					t.Errorf("received %q, want an answer only", got)
				}
				c.end()
			})
		})
	}
}

func TestSubscribe(t *testing.T) {
	subscribe := func(id, uri string) string { return request(id, "resources/subscribe", `{"uri":"`+uri+`"}`) }
	unsubscribe := func(id, uri string) string { return request(id, "resources/unsubscribe", `{"uri":"`+uri+`"}`) }
	updated := func(uri string) string {
		return notification("notifications/resources/updated", `{"uri":"`+uri+`"}`)
	}
	synctest.Test(t, func(t *testing.T) {
		f := newFixture()
		c := connectStdio(t, f)
		c.open("2025-06-18")
		f.ResourceUpdated("file:///a")
		c.wants()
		c.send(subscribe("1", "file:///a"), subscribe("2", "file:///b"), subscribe("3", "file:///a"))
		c.wants(success("1", "{}"), success("2", "{}"), success("3", "{}"))
		f.ResourceUpdated("file:///a")
		c.wants(updated("file:///a")) // once
		f.ResourceUpdated("file:///b")
		c.wants(updated("file:///b"))
		c.send(unsubscribe("4", "file:///a"), unsubscribe("5", "file:///a"), unsubscribe("6", "file:///never"))
		c.wants(success("4", "{}"), success("5", "{}"), success("6", "{}"))
		f.ResourceUpdated("file:///a")
		f.ResourceUpdated("file:///b")
		c.wants(updated("file:///b"))
		c.send(subscribe("7", "file:///a"))
		c.wants(success("7", "{}"))
		f.ResourceUpdated("file:///a")
		c.wants(updated("file:///a"))

		for _, id := range []string{"8", "9"} {
			c.send(subscribe(id, "file:///c"))
			c.wants(`{"jsonrpc":"2.0","id":` + id + `,"error":{"code":-32002,"message":"Resource not found","data":{"uri":"file:///c"}}}`)
		}

		// The order of the messages decides, not the order of the answers.
		c.send(subscribe("10", "file:///b") + "\n" + unsubscribe("11", "file:///b") + "\n" + subscribe("12", "file:///b") + "\n" + unsubscribe("13", "file:///a"))
		c.wantsAnyOrder(success("10", "{}"), success("11", "{}"), success("12", "{}"), success("13", "{}"))
		f.ResourceUpdated("file:///a")
		f.ResourceUpdated("file:///b")
		c.wants(updated("file:///b"))
		c.end()
	})
}

func TestConnSubscriptionsAreBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFixture()
		type file struct {
			Name string `json:"name"`
		}
		mcpengine.AddResource(f.Engine, "many:///{name}", "", func(context.Context, file) (string, error) { return "", nil })
		c := connectStdio(t, f)
		c.open("2025-11-25")
		refused := 0
		for i := range 300 {
			c.send(request("1", "resources/subscribe", `{"uri":"many:///`+strings.Repeat("x", i+1)+`"}`))
			switch got := c.got(); {
			case len(got) == 1 && got[0] == success("1", "{}"):
			case len(got) == 1 && got[0] == failure("1", "-32603", "no more than 256 subscriptions are accepted"):
				refused++
			default:
				t.Fatalf("answer = %q", got)
			}
		}
		if refused != 300-255 { // one is for the lists
			t.Errorf("%d of 300 are refused, want 45", refused)
		}
		c.send(request("2", "resources/unsubscribe", `{"uri":"many:///x"}`), request("3", "resources/subscribe", `{"uri":"file:///a"}`))
		c.wants(success("2", "{}"), success("3", "{}"))
		c.end()
	})
}

func TestNoMoreSubscriptionsOnceTheEngineCloses(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFixture()
		c := connectStdio(t, f)
		c.open("2025-11-25")
		f.Close()
		c.send(request("1", "resources/subscribe", `{"uri":"file:///a"}`))
		c.wants(failure("1", "-32603", "the subscription is not accepted"))
		c.end()
	})
}

func TestConnCancel(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFixture()
		c := connectStdio(t, f)
		c.open("2025-11-25")
		c.send(callTo(`"a"`, "wait"), stateless(`"b"`, "tools/call", `,"name":"wait","arguments":{}`))
		c.send(notification("notifications/cancelled", `{"requestId":"c"}`), notification("notifications/cancelled", `{"requestId":"a"}`))
		if len(f.cancelled) != 1 {
			t.Errorf("%d handlers were cancelled, want 1", len(f.cancelled))
		}
		c.send(notification("notifications/cancelled", `{"requestId":"b"}`))
		if len(f.cancelled) != 2 {
			t.Errorf("%d handlers were cancelled, want 2", len(f.cancelled))
		}
		c.end()
	})
}

// "The initialize request MUST NOT be cancelled by clients" (2025-11-25,
// cancellation, "Behavior Requirements").
func TestInitializeIsNotCancelled(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		begun, goOn := make(chan bool, 1), make(chan bool)
		f := newFixture(mcpengine.WithMiddleware(func(next mcpengine.MethodHandler) mcpengine.MethodHandler {
			return func(ctx context.Context, req *mcpengine.Request) (mcpengine.Result, error) {
				if req.Method() == "initialize" {
					begun <- true
					select {
					case <-goOn:
					case <-ctx.Done():
						return mcpengine.Result{}, ctx.Err()
					}
				}
				return next(ctx, req)
			}
		}))
		c := connectStdio(t, f)
		c.send(initializeRequest("1", "2025-11-25", "{}"))
		<-begun
		c.send(notification("notifications/cancelled", `{"requestId":1}`))
		close(goOn)
		if got := c.got(); len(got) != 1 || !strings.Contains(got[0], "protocolVersion") {
			t.Errorf("initialize is answered with %q", got)
		}
		c.end()
	})
}

func TestMethodsOfOtherVersions(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := connectStdio(t, newFixture())
		c.open("2025-11-25")
		for _, method := range []string{"server/discover", "subscriptions/listen", "tasks/list", "nothing"} {
			c.send(request("1", method, `{"notifications":{}}`))
			c.wants(failure("1", "-32601", `Method not found: \"`+method+`\"`))
		}
		for _, method := range []string{"initialize", "logging/setLevel", "resources/subscribe", "resources/unsubscribe"} {
			c.send(stateless("1", method, `,"level":"info","uri":"file:///a"`))
			if got := c.got(); len(got) != 1 || !strings.Contains(got[0], `"code":-32601`) {
				t.Errorf("%s is answered with %q", method, got)
			}
		}
		c.end()
	})
}

// A request cannot add what the client has not said in the handshake.
func TestReservedMetaIsIgnored(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := connectStdio(t, newFixture())
		c.send(initializeRequest("0", "2025-11-25", "{}"), initialized)
		c.got()
		c.send(request("1", "tools/call", `{"name":"ask_roots","arguments":{},"_meta":{"io.modelcontextprotocol/clientCapabilities":{"roots":{}},"io.modelcontextprotocol/logLevel":7}}`))
		if got := c.got(); len(got) != 1 || !strings.Contains(got[0], `"code":-32602,"message":"the client lacks a capability that this request needs"`) {
			t.Errorf("answer = %q", got)
		}
		c.end()
	})
}

// The connection waits for the engine to end a subscription, but not without
// end.
func TestSubscriptionThatDoesNotEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		stuck := make(chan bool)
		f := newFixture(mcpengine.WithMiddleware(func(next mcpengine.MethodHandler) mcpengine.MethodHandler {
			return func(ctx context.Context, req *mcpengine.Request) (mcpengine.Result, error) {
				if req.Method() == "subscriptions/listen" {
					<-stuck
				}
				return next(ctx, req)
			}
		}))
		c := connectStdio(t, f)
		c.open("2025-11-25")
		c.send(request("1", "resources/subscribe", `{"uri":"file:///a"}`), request("2", "ping", ""))
		c.wants(success("2", "{}"))
		c.send(notification("notifications/cancelled", `{"requestId":1}`))
		start := time.Now()
		c.in.Close()
		<-c.done
		if waited := time.Since(start); waited != time.Second {
			t.Errorf("ServeStdio takes %v to end, want 1s", waited)
		}
		close(stuck)
		c.wants()
	})
}
