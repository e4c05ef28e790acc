package bridge_test

import (
	"context"
	"fmt"
	"log/slog"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/mcpengine/mcpengine"
	"github.com/mcpengine/mcpengine/internal/bridge"
)

const notesID = "com.example/notes"

// notesEngine is a server with an extension that the bridge does not know.
func notesEngine() *mcpengine.Engine {
	type in struct {
		URI  string `json:"uri"`
		More string `json:"more,omitempty"`
	}
	return mcpengine.New("notes", mcpengine.WithLogger(slog.New(slog.DiscardHandler)), mcpengine.WithExtension(mcpengine.Extension{
		ID:       notesID,
		Settings: func(version string) any { return map[string]string{"for": version} },
		Features: []mcpengine.Feature{
			mcpengine.NewMethod("notes/get", func(ctx context.Context, in in) (any, error) {
				var settings map[string]any
				mcpengine.RequestFrom(ctx).ClientExtension(notesID, &settings)
				return map[string]any{"text": in.URI, "settings": settings, "resultType": "note"}, nil
			}, mcpengine.MirrorParam("uri")),
			mcpengine.NewMethod("notes/watch", func(ctx context.Context, _ struct{}) (struct{}, error) {
				return struct{}{}, mcpengine.Notify(ctx, "notifications/bell", map[string]int{"rings": 1})
			}, mcpengine.Lasting()),
		},
		Notifications: []string{"notifications/bell"},
		Listen: []mcpengine.ListenField{mcpengine.NewListenField("bells", mcpengine.ListenHandler[bool]{
			Accept: func(_ context.Context, asked bool) (bool, []string, error) { return asked, []string{"bell"}, nil },
			Notify: func(context.Context, string) (string, any, bool) {
				return "notifications/bell", map[string]int{"rings": 9}, true
			},
		})},
	}))
}

// declaring makes a request declare the extension.
func declaring(message string) string {
	return strings.ReplaceAll(message, fullCapabilities, `{"extensions":{"com.example/notes":{"depth":3}}}`)
}

// What the bridge does not know reaches a server of 2026-07-28 from hosts of every
// kind of version: what client and server declare, methods, header fields, types of
// results, notifications and the fields of a filter.
func TestExtensionAcrossVersions(t *testing.T) {
	t.Parallel()
	for _, version := range []string{latest, previous} {
		t.Run(version, func(t *testing.T) {
			t.Parallel()
			e := notesEngine()
			server := httptest.NewServer(e)
			t.Cleanup(server.Close)
			config := bridge.Config{URL: server.URL}
			config.Peer.Versions = []string{latest}
			h := newHost(t, config)
			wantDeclared := fmt.Sprintf(`"extensions":{"com.example/notes":{"for":%q}}`, version)
			if version == latest {
				h.send(declaring(request(version, "0", "server/discover", "")))
				if got := h.result("0"); !strings.Contains(got, wantDeclared) {
					t.Errorf("server/discover = %s, want %s", got, wantDeclared)
				}
			} else {
				h.send(fmt.Sprintf(`{"jsonrpc":"2.0","id":0,"method":"initialize","params":{"protocolVersion":%q,"capabilities":{"extensions":{"com.example/notes":{"depth":3}}},"clientInfo":{"name":"host","version":"1"}}}`, version))
				if got := h.result("0"); !strings.Contains(got, `"extensions":{"com.example/notes":`) {
					t.Errorf("initialize = %s", got)
				}
				h.send(`{"jsonrpc":"2.0","method":"notifications/initialized"}`)
			}
			for _, id := range []string{"1", "2"} {
				h.send(declaring(request(version, id, "notes/get", `"more":"x","uri":"note:1"`)))
				if got := h.result(id); !strings.Contains(got, `"text":"note:1"`) || !strings.Contains(got, `"settings":{"depth":3}`) {
					t.Errorf("notes/get = %s", got)
				}
			}
			h.send(declaring(request(version, `"watch"`, "notes/watch", "")))
			if got := string(h.notification("notifications/bell").Params); !strings.Contains(got, `"io.modelcontextprotocol/subscriptionId":"watch"`) || !strings.Contains(got, `"rings":1`) {
				t.Errorf("the notification = %s, want it to name the host's request", got)
			}
			h.result(`"watch"`)
			if version != latest {
				return
			}
			h.send(request(version, "3", "notes/get", `"uri":"note:1"`))
			if got := h.response("3"); got.Error == nil || got.Error.Code != -32021 || !strings.Contains(string(got.Error.Data), notesID) {
				t.Errorf("undeclared: %s", got.raw)
			}
			h.send(declaring(request(version, `"l"`, "subscriptions/listen", `"notifications":{"bells":true}`)))
			if got := string(h.notification("notifications/subscriptions/acknowledged").Params); !strings.Contains(got, `"bells":true`) || !strings.Contains(got, `"l"`) {
				t.Errorf("acknowledged: %s", got)
			}
			e.Changed("bells", "bell")
			if got := string(h.notification("notifications/bell").Params); !strings.Contains(got, `"rings":9`) || !strings.Contains(got, `"io.modelcontextprotocol/subscriptionId":"l"`) {
				t.Errorf("the change = %s", got)
			}
		})
	}
}

// A host of a handshake version that declares an extension gets the types of
// results that it defines from a server that has them only in 2026-07-28.
func TestExtensionResultTypeForHandshake(t *testing.T) {
	t.Parallel()
	s := newFake(t, latest)
	s.answer("tools/call", `{"resultType":"task","taskId":"1"}`)
	s.answer("com.example/do", `{"resultType":"complete","a":1}`)
	h := newHost(t, bridge.Config{URL: s.url})
	h.begin(previous)
	h.send(request(previous, "1", "tools/call", `"name":"t","arguments":{}`))
	if got := h.result("1"); !strings.Contains(got, `"resultType":"task"`) {
		t.Errorf("the result = %s, want its type", got)
	}
	h.send(request(previous, "2", "com.example/do", ""))
	if got := h.result("2"); strings.Contains(got, "resultType") {
		t.Errorf("the complete result = %s, want no type", got)
	}
}
