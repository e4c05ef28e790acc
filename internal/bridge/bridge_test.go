package bridge_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/mcpengine/mcpengine/internal/bridge"
	"github.com/mcpengine/mcpengine/internal/peer"
)

// A tool can be called, across all versions and transports.
func TestCall(t *testing.T) {
	t.Parallel()
	eachPair(t, func(t *testing.T, p pair) {
		h := p.open(t, newEngine())
		h.send(request(p.host, "1", "tools/list", ""))
		h.result("1")
		if got, want := h.call(p.host, "2", "weather", `{"city":"Paris","region":" north"}`), "sunny in Paris north"; got != want {
			t.Errorf("the tool says %q, want %q", got, want)
		}
		if err := h.close(); err != nil {
			t.Errorf("the bridge ended with %v", err)
		}
	})
}

// A server's questions reach the host in the way of the host's version.
func TestQuestions(t *testing.T) {
	t.Parallel()
	eachPair(t, func(t *testing.T, p pair) {
		h := p.open(t, newEngine())
		if got, want := h.call(p.host, "1", "ask", `{}`), "hello Ada, 2 roots"; got != want {
			t.Errorf("the tool says %q, want %q", got, want)
		}
	})
}

// URL elicitation reaches a host that declares it.
func TestDefectURLElicitation(t *testing.T) {
	t.Parallel()
	for _, p := range []pair{{previous, latest}, {previous, previous}, {latest, latest}, {latest, previous}} {
		t.Run(p.String(), func(t *testing.T) {
			t.Parallel()
			h := p.open(t, newEngine())
			answer := h.reply["elicitation/create"]
			h.reply["elicitation/create"] = func(m message) string {
				var params struct{ Mode, URL, ElicitationID string }
				if err := json.Unmarshal(m.Params, &params); err != nil {
					t.Error(err)
				}
				if params.Mode != "url" || params.URL != "https://example.com/consent" {
					t.Errorf("the host is asked %s", m.Params)
				}
				if p.host == previous && params.ElicitationID == "" {
					t.Error("the elicitation of a URL has no id, which the host's version requires")
				}
				return answer(m)
			}
			if got, want := h.call(p.host, "1", "visit", `{}`), "visited"; got != want {
				t.Errorf("the tool says %q, want %q", got, want)
			}
		})
	}
}

// Progress has the host's token, and arrives before the result.
func TestProgress(t *testing.T) {
	t.Parallel()
	eachPair(t, func(t *testing.T, p pair) {
		h := p.open(t, newEngine())
		req := request(p.host, "7", "tools/call", `"name":"climb","arguments":{}`)
		if p.host == latest {
			req = strings.Replace(req, `"_meta":{`, `"_meta":{"progressToken":"t\u0031","io.modelcontextprotocol/logLevel":"warning",`, 1)
		} else {
			req = strings.Replace(req, `"params":{`, `"params":{"_meta":{"progressToken":"t\u0031"},`, 1)
		}
		h.send(req)
		for step := 1; step <= 3; step++ {
			var params struct {
				ProgressToken json.RawMessage
				Progress      int
			}
			if err := json.Unmarshal(h.notification("notifications/progress").Params, &params); err != nil {
				t.Fatal(err)
			}
			if string(params.ProgressToken) != `"t\u0031"` || params.Progress != step {
				t.Errorf("progress %s of %d, want %q of %d", params.ProgressToken, params.Progress, `"t\u0031"`, step)
			}
			h.notification("notifications/message")
		}
		h.result("7")
	})
}

// A host gets log messages from its level on, and no others.
func TestLogLevel(t *testing.T) {
	t.Parallel()
	for _, p := range []pair{{previous, latest}, {previous, previous}} {
		t.Run(p.String(), func(t *testing.T) {
			t.Parallel()
			h := p.open(t, newEngine())
			h.send(request(p.host, "1", "logging/setLevel", `"level":"error"`))
			h.result("1")
			h.call(p.host, "2", "climb", `{}`)
			for _, m := range h.seen {
				if m.Method == "notifications/message" {
					t.Errorf("the host received %s", m.raw)
				}
			}
			h.send(request(p.host, "3", "logging/setLevel", `"level":"loud"`))
			if m := h.response("3"); m.Error == nil || m.Error.Code != -32602 {
				t.Errorf("an unknown level is answered with %s", m.raw)
			}
		})
	}
	t.Run("not asked for", func(t *testing.T) {
		t.Parallel()
		for _, server := range []string{latest, previous} {
			h := pair{latest, server}.open(t, newEngine())
			h.call(latest, "2", "climb", `{}`)
			if len(h.seen) > 0 {
				t.Errorf("a host that asks for no log messages received %s", h.seen[0].raw)
			}
		}
	})
}

// A host is notified of changes, in the way of its version.
func TestChanges(t *testing.T) {
	t.Parallel()
	eachPair(t, func(t *testing.T, p pair) {
		h := p.open(t, newEngine())
		if p.host == latest {
			h.send(request(latest, `"sub"`, "subscriptions/listen", `"notifications":{"toolsListChanged":true,"resourceSubscriptions":["file:///readme"]}`))
			ack := h.notification("notifications/subscriptions/acknowledged")
			if !strings.Contains(string(ack.Params), `"io.modelcontextprotocol/subscriptionId":"sub"`) || !strings.Contains(string(ack.Params), `"toolsListChanged":true`) {
				t.Errorf("the acknowledgement is %s", ack.raw)
			}
		} else {
			h.send(request(p.host, "1", "resources/subscribe", `"uri":"file:///readme"`))
			h.result("1")
		}
		h.call(p.host, "2", "touch", `{}`)
		updated := h.notification("notifications/resources/updated")
		if !strings.Contains(string(updated.Params), `"uri":"file:///readme"`) || strings.Contains(string(updated.Params), `"sub"`) != (p.host == latest) {
			t.Errorf("the update is %s", updated.raw)
		}
		if p.host != latest && p.server == latest || p.server == "sse" {
			return // the server's subscription to lists may not be open yet
		}
		h.call(p.host, "3", "grow", `{}`)
		h.notification("notifications/tools/list_changed")
		if p.host != latest {
			return
		}
		h.in.Close()
		if m := h.response(`"sub"`); m.Error != nil || !strings.Contains(string(m.Result), `"io.modelcontextprotocol/subscriptionId":"sub"`) {
			t.Errorf("the subscription ended with %s", m.raw)
		}
	})
}

// A cancelled request ends on the server, and the host gets no response to it.
func TestDefectCancellation(t *testing.T) {
	t.Parallel()
	eachPair(t, func(t *testing.T, p pair) {
		e := newEngine()
		started, ended := addWait(e)
		h := p.open(t, e)
		h.send(request(p.host, "5", "tools/call", `"name":"wait","arguments":{}`))
		within(t, started, "the call starts")
		h.send(`{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":5,"reason":"enough"}}`)
		within(t, ended, "the call is cancelled")
		h.call(p.host, "6", "weather", `{"city":"Rome"}`)
		for m := range drain(h) {
			if string(m.ID) == "5" {
				t.Errorf("a cancelled request is answered with %s", m.raw)
			}
		}
	})
}

// In 2026-07-28 a cancellation closes the stream, and sends no message.
func TestDefectCancellationIsNoPOST(t *testing.T) {
	t.Parallel()
	e := newEngine()
	started, ended := addWait(e)
	t.Cleanup(e.Close)
	methods := make(chan string, 100)
	url := serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		methods <- r.Header.Get("Mcp-Method")
		e.ServeHTTP(w, r)
	}))
	h := newHost(t, bridge.Config{URL: url})
	h.initialize(previous)
	h.send(request(previous, "5", "tools/call", `"name":"wait","arguments":{}`))
	within(t, started, "the call starts")
	h.send(`{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":5}}`)
	within(t, ended, "the call is cancelled")
	if err := h.close(); err != nil {
		t.Error(err)
	}
	close(methods)
	for method := range methods {
		if method == "notifications/cancelled" {
			t.Error("the cancellation was sent as a message")
		}
	}
}

// Mirrored arguments are sent as header fields, even if the host listed the
// tools in a previous run.
func TestDefectMirroredArguments(t *testing.T) {
	t.Parallel()
	for _, listed := range []bool{true, false} {
		t.Run(fmt.Sprint("listed ", listed), func(t *testing.T) {
			t.Parallel()
			h := pair{previous, latest}.open(t, newEngine())
			if listed {
				h.send(request(previous, "1", "tools/list", ""))
				h.result("1")
			}
			if got, want := h.call(previous, "2", "weather", `{"city":"Lyon","region":" ütt"}`), "sunny in Lyon ütt"; got != want {
				t.Errorf("the tool says %q, want %q", got, want)
			}
		})
	}
}

// If a tool has changed which arguments it mirrors, it is called again with the
// right ones.
func TestMirrorChanges(t *testing.T) {
	t.Parallel()
	s := newFake(t, latest)
	list := `{"tools":[{"name":"t","inputSchema":{"type":"object","properties":{"a":{"type":"string"%s}}}}]}`
	s.answer("tools/list", fmt.Sprintf(list, ""))
	s.handle("tools/call", func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Mcp-Param-A") != "x" {
			w.Header().Set("Content-Type", "application/json")
			w.WriteHeader(http.StatusBadRequest)
			fmt.Fprintf(w, `{"jsonrpc":"2.0","id":%s,"error":{"code":-32020,"message":"Mcp-Param-A is missing"}}`, r.Header.Get("Test-Id"))
			return
		}
		reply(w, fmt.Sprintf(`{"jsonrpc":"2.0","id":%s,"result":{"content":[]}}`, r.Header.Get("Test-Id")))
	})
	h := newHost(t, bridge.Config{URL: s.url})
	h.initialize(previous)
	h.send(request(previous, "1", "tools/list", ""))
	h.result("1")
	s.answer("tools/list", fmt.Sprintf(list, `,"x-mcp-header":"A"`))
	h.send(request(previous, "2", "tools/call", `"name":"t","arguments":{"a":"x"}`))
	h.result("2")
}

// A batch is answered with one batch, if the version has batches.
func TestBatch(t *testing.T) {
	t.Parallel()
	h := pair{"2025-03-26", latest}.open(t, newEngine())
	h.send("[" + request("2025-03-26", "1", "ping", "") + "," + request("2025-03-26", "2", "tools/call", `"name":"missing"`) + "]")
	var batch []message
	raw := h.batch()
	if err := json.Unmarshal([]byte(raw), &batch); err != nil || len(batch) != 2 || string(batch[0].Result) != "{}" || batch[1].Error == nil {
		t.Errorf("the batch is answered with %s", raw)
	}
}

// Ids, unknown members and their order pass unchanged.
func TestRawRelay(t *testing.T) {
	t.Parallel()
	for _, version := range []string{latest, previous} {
		t.Run(version, func(t *testing.T) {
			t.Parallel()
			s := newFake(t, version)
			const result = `{"z":1.50,"a":{"y":[1e2,null],"b":"\u00e9"},"resultType":"complete"}`
			s.answer("vendor/thing", result)
			h := newHost(t, bridge.Config{URL: s.url})
			h.begin(version)
			h.send(request(version, `"i\u0064-9"`, "vendor/thing", `"zz":12345678901234567890,"aa":{"deep":[true]}`))
			if m := h.response(`"i\u0064-9"`); string(m.Result) != result {
				t.Errorf("the result is %s, want %s", m.Result, result)
			}
			if got, want := s.last("vendor/thing"), `"zz":12345678901234567890,"aa":{"deep":[true]}`; !strings.Contains(got, want) {
				t.Errorf("the server received %s, want %s in it", got, want)
			}
		})
	}
}

// An error of the server reaches the host.
func TestErrorsPass(t *testing.T) {
	t.Parallel()
	eachPair(t, func(t *testing.T, p pair) {
		h := p.open(t, newEngine())
		h.send(request(p.host, "1", "tools/call", `"name":"missing"`))
		if m := h.response("1"); m.Error == nil || m.Error.Code != -32602 {
			t.Errorf("the answer is %s", m.raw)
		}
		h.send(request(p.host, "2", "vendor/unknown", ``))
		if m := h.response("2"); m.Error == nil || m.Error.Code != -32601 {
			t.Errorf("the answer is %s", m.raw)
		}
		h.send(request(p.host, "3", "resources/read", `"uri":"file:///nothing"`))
		m := h.response("3")
		if m.Error == nil || p.host == latest && m.Error.Code != -32602 {
			t.Errorf("the answer is %s", m.raw)
		}
	})
}

// Large messages pass in both directions.
func TestLarge(t *testing.T) {
	t.Parallel()
	h := pair{previous, latest}.open(t, newEngine())
	if got := h.call(previous, "1", "large", `{}`); len(got) != 10<<20 {
		t.Errorf("a result of 10 MiB came as %d bytes", len(got))
	}
	city := strings.Repeat("a", 1<<20)
	if got, want := h.call(previous, "2", "weather", `{"city":"`+city+`"}`), "sunny in "+city; got != want {
		t.Errorf("an argument of 1 MiB came as %d bytes", len(got))
	}
}

// If the cache has an entry for the server, the handshake is answered from it,
// even if the server is down.
func TestInitializeFromCache(t *testing.T) {
	t.Parallel()
	for _, version := range []string{latest, previous} {
		t.Run(version, func(t *testing.T) {
			t.Parallel()
			asked := make(chan struct{})
			release := make(chan struct{})
			url := serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				<-release
				http.Error(w, "not yet", http.StatusServiceUnavailable)
			}))
			t.Cleanup(func() { close(release) })
			_ = asked
			result := `{"supportedVersions":["2026-07-28"],"capabilities":{"tools":{}},"instructions":"Be quick.","_meta":{"io.modelcontextprotocol/serverInfo":{"name":"far","version":"2"}}}`
			if version == previous {
				result = `{"protocolVersion":"2025-11-25","capabilities":{"tools":{}},"serverInfo":{"name":"far","version":"2"},"instructions":"Be quick."}`
			}
			cache := newKnowing(peer.Known{Version: version, Transport: "http", Result: json.RawMessage(result)})
			h := newHost(t, bridge.Config{URL: url, Peer: peer.Config{Cache: cache}, Grace: time.Nanosecond})
			got := h.initialize("2025-06-18")
			want := `{"protocolVersion":"2025-06-18","capabilities":{"tools":{}},"serverInfo":{"name":"far","version":"2"},"instructions":"Be quick."}`
			if got != want {
				t.Errorf("initialize is answered with %s, want %s", got, want)
			}
		})
	}
}

// If the server has changed its version, the bridge finds that out.
func TestVersionChanges(t *testing.T) {
	t.Parallel()
	e := newEngine()
	t.Cleanup(e.Close)
	s := newFake(t, previous)
	s.answer("tools/list", `{"tools":[]}`)
	cache := newKnowing(peer.Known{Version: latest, Transport: "http", Result: json.RawMessage(`{"supportedVersions":["2026-07-28"],"capabilities":{}}`)})
	h := newHost(t, bridge.Config{URL: s.url, Peer: peer.Config{Cache: cache}})
	h.initialize(previous)
	h.send(request(previous, "1", "tools/list", ""))
	if got, want := h.result("1"), `{"tools":[]}`; got != want {
		t.Errorf("the list is %s, want %s", got, want)
	}
	if err := h.close(); err != nil { // what runs beside the request has ended then
		t.Error(err)
	}
	if known, _ := cache.Load(""); known.Version != previous {
		t.Errorf("the cache has %s, want %s", known.Version, previous)
	}
}

func TestDiscover(t *testing.T) {
	t.Parallel()
	h := pair{latest, previous}.open(t, newEngine())
	h.send(request(latest, "1", "server/discover", ""))
	var result struct {
		ResultType, Instructions, CacheScope string
		TTLMs                                *int
		SupportedVersions                    []string
		Capabilities                         map[string]any
		Meta                                 map[string]any `json:"_meta"`
	}
	if err := json.Unmarshal([]byte(h.result("1")), &result); err != nil {
		t.Fatal(err)
	}
	if result.ResultType != "complete" || result.Instructions != "Be quick." || result.CacheScope != "private" || result.TTLMs == nil ||
		len(result.SupportedVersions) == 0 || result.SupportedVersions[0] != latest || result.Capabilities["tools"] == nil ||
		result.Meta["io.modelcontextprotocol/serverInfo"] == nil {
		t.Errorf("discover is answered with %+v", result)
	}
	h.send(request(latest, "2", "tools/list", ""))
	if got := h.result("2"); !strings.Contains(got, `"ttlMs":0`) || !strings.Contains(got, `"cacheScope":"private"`) || !strings.Contains(got, `"resultType":"complete"`) {
		t.Errorf("the list %.200s does not say how long it holds", got)
	}
}

// A message that a host may not send is refused at once.
func TestRefusals(t *testing.T) {
	t.Parallel()
	s := newFake(t, latest)
	for name, row := range map[string]struct {
		line string
		code int
	}{
		"no version":           {`{"jsonrpc":"2.0","id":1,"method":"tools/list"}`, -32602},
		"a version to come":    {strings.Replace(request(latest, "1", "tools/list", ""), `/protocolVersion":"2026-07-28"`, `/protocolVersion":"2027-01-01"`, 1), -32022},
		"initialize too small": {`{"jsonrpc":"2.0","id":1,"method":"initialize","params":{}}`, -32602},
		"an previous method":   {request(latest, "1", "logging/setLevel", `"level":"info"`), -32601},
		"no JSON":              {`{"jsonrpc":"2.0","id":1,`, -32700},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := newHost(t, bridge.Config{URL: s.url})
			h.send(row.line)
			if m := h.next(); m.Error == nil || m.Error.Code != row.code {
				t.Errorf("the answer is %s, want the code %d", m.raw, row.code)
			}
		})
	}
}
