package mcpengine_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"sync"

	"github.com/mcpengine/mcpengine"
	"github.com/mcpengine/mcpengine/client"
	"github.com/mcpengine/mcpengine/mcp"
	"github.com/mcpengine/mcpengine/mcptest"
)

// A noteShelf is the state of the extension of the examples.
type noteShelf struct {
	engine *mcpengine.Engine

	mu    sync.Mutex
	texts map[string]string
}

type notebookNote struct {
	URI  string `json:"uri"`
	Text string `json:"text"`
}

type notebookKey struct {
	URI string `json:"uri" minLength:"1"`
}

// extension returns the extension com.example/notes.
func (n *noteShelf) extension() mcpengine.Extension {
	return mcpengine.Extension{
		ID:       "com.example/notes",
		Settings: func(string) any { return map[string]bool{"write": true} },
		Features: []mcpengine.Feature{
			mcpengine.NewMethod("notes/get", n.get, mcpengine.MirrorParam("uri")),
			mcpengine.NewMethod("notes/put", n.put),
		},
		Notifications: []string{"notifications/notes/changed"},
		Listen: []mcpengine.ListenField{
			mcpengine.NewListenField("noteUris", mcpengine.ListenHandler[[]string]{Accept: n.accept, Notify: n.notify}),
		},
		Start: func(_ context.Context, e *mcpengine.Engine) error {
			n.engine = e
			return nil
		},
	}
}

func (n *noteShelf) get(_ context.Context, in notebookKey) (notebookNote, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	text, ok := n.texts[in.URI]
	if !ok {
		return notebookNote{}, mcp.Errorf(mcp.CodeInvalidParams, "there is no note %q", in.URI)
	}
	return notebookNote{in.URI, text}, nil
}

func (n *noteShelf) put(_ context.Context, in notebookNote) (struct{}, error) {
	n.mu.Lock()
	n.texts[in.URI] = in.Text
	n.mu.Unlock()
	n.engine.Changed("noteUris", in.URI)
	return struct{}{}, nil
}

// accept honours what exists.
func (n *noteShelf) accept(_ context.Context, asked []string) (honoured, keys []string, err error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	for _, uri := range asked {
		if _, ok := n.texts[uri]; ok {
			honoured = append(honoured, uri)
		}
	}
	return honoured, honoured, nil
}

func (n *noteShelf) notify(_ context.Context, uri string) (string, any, bool) {
	return "notifications/notes/changed", map[string]string{"uri": uri}, true
}

// An extension brings methods and a field of subscriptions. A client declares it.
func ExampleExtension() {
	ctx := context.Background()
	n := &noteShelf{texts: map[string]string{"note:1": "milk"}}
	e := mcpengine.New("notes", mcpengine.WithExtension(n.extension()))
	c := mcptest.New(e, client.WithExtension("com.example/notes", nil))
	defer c.Close()

	note, err := client.Do[notebookNote](ctx, c, "notes/get", notebookKey{"note:1"}, client.WithMirror("note:1"))
	fmt.Println(note.Text, err)

	for change, err := range c.Listen(ctx, mcp.SubscriptionFilter{}, client.WithListenField("noteUris", []string{"note:1", "note:2"})) {
		switch {
		case err != nil:
			fmt.Println(err)
		case change.Fields != nil:
			fmt.Printf("honoured: %s\n", change.Fields["noteUris"])
			_, err := client.Do[struct{}](ctx, c, "notes/put", notebookNote{"note:1", "milk, bread"})
			fmt.Println("put:", err)
			continue
		default:
			fmt.Println(change.Method)
		}
		break
	}
	// Output:
	// milk <nil>
	// honoured: ["note:1"]
	// put: <nil>
	// notifications/notes/changed
}

// A client that does not declare the extension is told which one is missing.
func ExampleNewMethod() {
	hello := func(_ context.Context, in struct {
		Name string `json:"name" default:"world"`
	},
	) (map[string]string, error) {
		return map[string]string{"greeting": "hello " + in.Name}, nil
	}
	e := mcpengine.New("greeter", mcpengine.WithExtension(mcpengine.Extension{
		ID:       "com.example/greeting",
		Features: []mcpengine.Feature{mcpengine.NewMethod("greeting/say", hello)},
	}))
	c := mcptest.New(e)
	defer c.Close()
	_, err := client.Do[map[string]any](context.Background(), c, "greeting/say", nil)
	fmt.Println(err)
	got, err := client.Do[map[string]any](context.Background(), c, "greeting/say", nil, client.Declare("com.example/greeting", nil))
	fmt.Println(got["greeting"], err)
	// Output:
	// the client must declare the extension com.example/greeting to use greeting/say (-32021)
	// hello world <nil>
}

// An extension answers calls of the tools that it marks with a result of its own
// type, which a client follows.
func ExampleWithValue() {
	type slow struct{}
	later := mcpengine.Extension{
		ID: "com.example/later", ResultTypes: []string{"later"},
		Features: []mcpengine.Feature{
			mcpengine.NewMethod("later/get", func(context.Context, struct{}) (any, error) {
				return map[string]any{"content": []mcp.ContentBlock{mcp.TextContent{Text: "done at last"}}}, nil
			}),
		},
		CallTool: func(next mcpengine.MethodHandler) mcpengine.MethodHandler {
			return func(ctx context.Context, req *mcpengine.Request) (mcpengine.Result, error) {
				if req.FeatureValue(slow{}) == nil || !req.ClientExtension("com.example/later", nil) {
					return next(ctx, req)
				}
				return mcpengine.NewResult(map[string]string{"resultType": "later"}), nil
			}
		},
	}
	e := mcpengine.New("worker", mcpengine.WithExtension(later))
	mcpengine.AddTool(e, "work", "Takes its time.",
		func(context.Context, struct{}) (string, error) { return "done", nil }, mcpengine.WithValue(slow{}, true))
	follow := func(ctx context.Context, f client.Followed) (json.RawMessage, error) {
		return client.Do[json.RawMessage](ctx, f.Client, "later/get", nil, f.Options...)
	}
	c := mcptest.New(e, client.WithExtension("com.example/later", nil), client.WithResultType("later", follow))
	defer c.Close()
	fmt.Println(client.Call[string](context.Background(), c, "work", nil))
	// Output:
	// done at last <nil>
}

// A lasting method sends notifications until its client goes or the engine closes.
func ExampleLasting() {
	count := func(ctx context.Context, in struct {
		To int `json:"to"`
	},
	) (struct{}, error) {
		for i := range in.To {
			if err := mcpengine.Notify(ctx, "notifications/count", map[string]int{"value": i + 1}); err != nil {
				return struct{}{}, err
			}
		}
		return struct{}{}, nil // or wait for ctx
	}
	e := mcpengine.New("counter", mcpengine.WithExtension(mcpengine.Extension{
		ID: "com.example/count", Notifications: []string{"notifications/count"},
		Features: []mcpengine.Feature{mcpengine.NewMethod("count/watch", count, mcpengine.Lasting())},
	}))
	c, err := client.Connect(context.Background(), "http://counter.example/mcp", client.WithExtension("com.example/count", nil),
		client.WithHTTPClient(&http.Client{Transport: client.InMemory(e)}))
	if err != nil {
		fmt.Println(err)
		return
	}
	defer c.Close()
	_, err = client.Do[struct{}](context.Background(), c, "count/watch", map[string]int{"to": 2}, client.Lasting(),
		client.WithNotifications(func(method string, params json.RawMessage) {
			var p struct {
				Value int `json:"value"`
			}
			fmt.Println(method, json.Unmarshal(params, &p), p.Value)
		}))
	fmt.Println(err)
	// Output:
	// notifications/count <nil> 1
	// notifications/count <nil> 2
	// <nil>
}
