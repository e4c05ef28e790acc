package client_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/mcpengine/mcpengine"
	"github.com/mcpengine/mcpengine/client"
	"github.com/mcpengine/mcpengine/mcp"
)

const notesID = "com.example/notes"

type noteIn struct {
	URI string `json:"uri"`
}

type noteOut struct {
	Text  string `json:"text"`
	Depth int    `json:"depth"`
}

// notesServer is a server with an extension that uses what a client has for
// extensions.
func notesServer() *mcpengine.Engine {
	bell := func(ctx context.Context, rings int) error {
		return mcpengine.Notify(ctx, "notifications/bell", map[string]int{"rings": rings})
	}
	return mcpengine.New("notes", mcpengine.WithLogger(slog.New(slog.DiscardHandler)), mcpengine.WithExtension(mcpengine.Extension{
		ID: notesID,
		Features: []mcpengine.Feature{
			mcpengine.NewMethod("notes/get", func(ctx context.Context, in noteIn) (noteOut, error) {
				var settings struct {
					Depth int `json:"depth"`
				}
				mcpengine.RequestFrom(ctx).ClientExtension(notesID, &settings)
				return noteOut{"milk " + in.URI, settings.Depth}, bell(ctx, 1)
			}, mcpengine.MirrorParam("uri")),
			mcpengine.NewMethod("notes/watch", func(ctx context.Context, _ struct{}) (any, error) {
				for i := range 3 {
					if err := bell(ctx, i); err != nil {
						return nil, err
					}
				}
				return map[string]string{"resultType": "ended", "why": "enough"}, nil
			}, mcpengine.Lasting()),
			mcpengine.NewTool("later", "", func(context.Context, struct{}) (string, error) { return "at once", nil }),
		},
		ResultTypes: []string{"later"},
		CallTool: func(next mcpengine.MethodHandler) mcpengine.MethodHandler {
			return func(ctx context.Context, req *mcpengine.Request) (mcpengine.Result, error) {
				if !req.ClientExtension(notesID, nil) {
					return next(ctx, req)
				}
				return mcpengine.NewResult(map[string]any{"resultType": "later", "ticket": "note:7"}), nil
			}
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

// everyTransport connects to the server over HTTP and over streams, in 2026-07-28
// and, where handshake is set, in 2025-11-25.
func everyTransport(t *testing.T, handshake bool, test func(t *testing.T, e *mcpengine.Engine, connect func(opts ...client.Option) *client.Client)) {
	t.Helper()
	versions := []string{"2026-07-28"}
	if handshake {
		versions = append(versions, "2025-11-25")
	}
	for _, version := range versions {
		for _, transport := range []string{"HTTP", "streams"} {
			t.Run(transport+" "+version, func(t *testing.T) {
				t.Parallel()
				e := notesServer()
				test(t, e, func(opts ...client.Option) *client.Client {
					t.Helper()
					opts = append(opts, client.WithProtocolVersion(version))
					return dialNotes(t, e, transport, opts)
				})
			})
		}
	}
}

func dialNotes(t *testing.T, e *mcpengine.Engine, transport string, opts []client.Option) *client.Client {
	t.Helper()
	var c *client.Client
	var err error
	if transport == "HTTP" {
		opts = append(opts, client.WithHTTPClient(&http.Client{Transport: client.InMemory(e)}))
		c, err = client.Connect(t.Context(), "http://server.example/mcp", opts...)
	} else {
		serverIn, clientOut := io.Pipe()
		clientIn, serverOut := io.Pipe()
		go func() {
			_ = e.ServeStdio(context.WithoutCancel(t.Context()), serverIn, serverOut)
			serverOut.Close()
		}()
		c, err = client.Attach(t.Context(), clientIn, clientOut, opts...)
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return c
}

// A method of an extension is called with the settings of the client, or of the
// call.
func TestDo(t *testing.T) {
	t.Parallel()
	everyTransport(t, true, func(t *testing.T, _ *mcpengine.Engine, connect func(...client.Option) *client.Client) {
		var bells []string
		handle := func(params json.RawMessage) { bells = append(bells, string(params)) }
		c := connect(client.WithExtension(notesID, map[string]int{"depth": 3}), client.WithNotificationHandler("notifications/bell", handle))
		if _, ok := c.Capabilities().Extensions[notesID]; !ok {
			t.Errorf("the server's extensions are %v", c.Capabilities().Extensions)
		}
		got, err := client.Do[noteOut](t.Context(), c, "notes/get", noteIn{"note:1"}, client.WithMirror("note:1"), client.Idempotent())
		if want := (noteOut{"milk note:1", 3}); err != nil || got != want {
			t.Errorf("Do = %v, %v, want %v", got, err, want)
		}
		if len(bells) != 1 || !strings.Contains(bells[0], `"rings":1`) {
			t.Errorf("notifications: %q", bells)
		}
		depth := 4 // of the call
		if c.Version() != "2026-07-28" {
			depth = 3
		}
		got, err = client.Do[noteOut](t.Context(), c, "notes/get", noteIn{"note:1"}, client.WithMirror("note:1"), client.Declare(notesID, map[string]int{"depth": 4}))
		if err != nil || got.Depth != depth {
			t.Errorf("Do with settings of its own = %v, %v, want depth %d", got, err, depth)
		}
	})
}

// A client that does not declare an extension gets the server's error, and one
// whose settings or parameters do not encode an error of its own.
func TestDoMistakes(t *testing.T) {
	t.Parallel()
	everyTransport(t, true, func(t *testing.T, _ *mcpengine.Engine, connect func(...client.Option) *client.Client) {
		c := connect()
		_, err := client.Do[noteOut](t.Context(), c, "notes/get", noteIn{"note:1"}, client.WithMirror("note:1"))
		if rpcErr, ok := errors.AsType[*mcp.Error](err); !ok || rpcErr.Code != mcp.CodeMissingRequiredClientCapability || !strings.Contains(string(rpcErr.Data), notesID) {
			t.Errorf("undeclared: %v", err)
		}
		for name, do := range map[string]func() error{
			"parameters that are a list": func() error {
				_, err := client.Do[noteOut](t.Context(), c, "notes/get", []int{1})
				return err
			},
			"settings that are a list": func() error {
				_, err := client.Do[noteOut](t.Context(), c, "notes/get", nil, client.Declare(notesID, []int{1}))
				return err
			},
			"settings that do not encode": func() error {
				_, err := client.Do[noteOut](t.Context(), c, "notes/get", nil, client.Declare(notesID, func() {}))
				return err
			},
			"a result of another type": func() error {
				_, err := client.Do[int](t.Context(), c, "notes/get", noteIn{"a:b"}, client.WithMirror("a:b"), client.Declare(notesID, nil))
				return err
			},
		} {
			if err := do(); err == nil {
				t.Errorf("%s: no error", name)
			}
		}
	})
	_, err := client.Connect(t.Context(), "http://server.example/mcp", client.WithExtension(notesID, 7))
	if err == nil || !strings.Contains(err.Error(), notesID) {
		t.Errorf("Connect = %v, want an error that names the extension", err)
	}
}

// A lasting request gets its notifications in order, and any type of result.
func TestDoLasting(t *testing.T) {
	t.Parallel()
	everyTransport(t, true, func(t *testing.T, _ *mcpengine.Engine, connect func(...client.Option) *client.Client) {
		c := connect(client.WithExtension(notesID, nil), client.WithNotificationHandler("notifications/bell", func(json.RawMessage) {
			t.Error("the notification of the call reached the handler of the client")
		}))
		var rings []string
		got, err := client.Do[map[string]any](t.Context(), c, "notes/watch", nil, client.Lasting(),
			client.WithNotifications(func(method string, params json.RawMessage) {
				var p struct {
					Rings int            `json:"rings"`
					Meta  map[string]any `json:"_meta"`
				}
				if err := json.Unmarshal(params, &p); err != nil || p.Meta[mcp.MetaSubscriptionID] == nil {
					t.Errorf("params = %s, %v", params, err)
				}
				rings = append(rings, fmt.Sprint(method, p.Rings))
			}))
		if err != nil || got["why"] != "enough" {
			t.Errorf("Do = %v, %v", got, err)
		}
		if diff := cmp.Diff([]string{"notifications/bell0", "notifications/bell1", "notifications/bell2"}, rings); diff != "" {
			t.Errorf("notifications (-want +got):\n%s", diff)
		}
	})
}

// The filter of a subscription has fields of extensions, and their notifications
// are changes.
func TestListenField(t *testing.T) {
	t.Parallel()
	everyTransport(t, false, func(t *testing.T, e *mcpengine.Engine, connect func(...client.Option) *client.Client) {
		c := connect()
		var got []string
		for change, err := range c.Listen(t.Context(), mcp.SubscriptionFilter{ToolsListChanged: true}, client.Declare(notesID, nil),
			client.WithListenField("bells", true), client.WithListenField("others", []string{"a"})) {
			if err != nil {
				t.Fatal(err)
			}
			if got = append(got, fmt.Sprintf("%s %t %s", change.Method, change.Honoured.ToolsListChanged, change.Fields["bells"])); len(got) == 1 {
				if _, ok := change.Fields["others"]; ok || len(change.Fields) != 1 {
					t.Errorf("acknowledged fields: %v", change.Fields)
				}
				e.Changed("bells", "bell")
				continue
			}
			if !strings.Contains(string(change.Params), `"rings":9`) {
				t.Errorf("params = %s", change.Params)
			}
			break
		}
		if diff := cmp.Diff([]string{"notifications/subscriptions/acknowledged true true", "notifications/bell false "}, got); diff != "" {
			t.Errorf("changes (-want +got):\n%s", diff)
		}
	})
}

// A result of a type that is registered is followed with what the call declared.
// Without that, it is an error.
func TestWithResultType(t *testing.T) {
	t.Parallel()
	everyTransport(t, false, func(t *testing.T, _ *mcpengine.Engine, connect func(...client.Option) *client.Client) {
		follow := func(ctx context.Context, f client.Followed) (json.RawMessage, error) {
			var later struct {
				Ticket string `json:"ticket"`
			}
			if err := json.Unmarshal(f.Result, &later); err != nil {
				return nil, err
			}
			got, err := client.Do[noteOut](ctx, f.Client, "notes/get", noteIn{later.Ticket}, append(f.Options, client.WithMirror(later.Ticket))...)
			if err != nil {
				return nil, err
			}
			return json.RawMessage(fmt.Sprintf(`{"content":[{"type":"text","text":%q}]}`, got.Text)), nil
		}
		c := connect(client.WithResultType("later", follow))
		if got, err := client.Call[string](t.Context(), c, "later", nil, client.Declare(notesID, nil)); err != nil || got != "milk note:7" {
			t.Errorf("a followed call = %q, %v", got, err)
		}
		if got, err := client.Call[string](t.Context(), c, "later", nil); err != nil || got != "at once" {
			t.Errorf("a call that does not declare the extension = %q, %v", got, err)
		}
		_, err := connect().CallTool(t.Context(), "later", nil, client.Declare(notesID, nil))
		if _, ok := errors.AsType[*client.ProtocolError](err); !ok || !strings.Contains(err.Error(), `"later"`) {
			t.Errorf("a type that is not registered: %v", err)
		}
	})
}
