// Package toy is an extension of the protocol, com.example/counter, with a part
// for servers and one for clients.
package toy

import (
	"context"
	"fmt"

	"github.com/mcpengine/mcpengine"
	"github.com/mcpengine/mcpengine/mcp"
)

// ID is the ID of the extension.
const ID = "com.example/counter"

// The methods of the extension, its notification, its field of
// subscriptions/listen and its type of results.
const (
	MethodGet    = "counter/get"
	MethodAdd    = "counter/add"
	MethodList   = "counter/list"
	MethodWatch  = "counter/watch"
	Notification = "notifications/counter"
	Field        = "counters"
	ResultType   = "counting"
)

// Settings are declared by both sides: a server declares the greatest step, and a
// client the greatest step that it wants.
type Settings struct {
	Max int `json:"max"`
}

// Named are the parameters of counter/get and counter/watch.
type Named struct {
	Name string `json:"name" minLength:"1"`
}

// Step are the parameters of counter/add.
type Step struct {
	Name string `json:"name" minLength:"1"`
	By   int    `json:"by,omitempty" default:"1" minimum:"1"`
}

// A Counter is the result of counter/get and counter/add, and the parameters of
// the notification.
type Counter struct {
	Name  string `json:"name"`
	Value int    `json:"value"`
}

// A List is the result of counter/list.
type List struct {
	Names []string `json:"names"`
}

// Counting is the result of a tool made with [Counted].
type Counting struct {
	ResultType string `json:"resultType"`
	Name       string `json:"name"`
}

// A server is the extension on a server.
type server struct {
	counters Counters
	engine   *mcpengine.Engine
	max      int
}

// Extension returns the extension. A step may be at most max.
func Extension(max int) mcpengine.Extension {
	s := &server{max: max}
	return mcpengine.Extension{
		ID:       ID,
		Settings: s.settings,
		Features: []mcpengine.Feature{
			mcpengine.NewMethod(MethodGet, s.get, mcpengine.MirrorParam("name")),
			mcpengine.NewMethod(MethodAdd, s.add, mcpengine.MirrorParam("name")),
			mcpengine.NewMethod(MethodList, s.list, mcpengine.Cacheable(), mcpengine.WithoutDeclaration()),
			mcpengine.NewMethod(MethodWatch, s.watch, mcpengine.Lasting()),
		},
		ResultTypes:   []string{ResultType},
		CallTool:      s.callTool,
		Notifications: []string{Notification},
		Listen: []mcpengine.ListenField{
			mcpengine.NewListenField(Field, mcpengine.ListenHandler[[]string]{Accept: s.accept, Notify: s.notify}),
		},
		Start: s.start,
		Stop:  s.stop,
	}
}

func (s *server) settings(version string) any {
	if version == "2024-11-05" {
		return nil
	}
	return Settings{Max: s.max}
}

func (s *server) start(_ context.Context, e *mcpengine.Engine) error {
	s.engine = e
	s.counters.Open()
	return nil
}

func (s *server) stop(context.Context) error {
	s.counters.Close()
	return nil
}

func (s *server) get(_ context.Context, in Named) (Counter, error) {
	value, ok := s.counters.Get(in.Name)
	if !ok {
		return Counter{}, mcp.Errorf(mcp.CodeInvalidParams, "there is no counter %.64q", in.Name)
	}
	return Counter{in.Name, value}, nil
}

func (s *server) add(ctx context.Context, in Step) (Counter, error) {
	limit := s.max
	var wanted Settings
	if mcpengine.RequestFrom(ctx).ClientExtension(ID, &wanted) && wanted.Max > 0 {
		limit = min(limit, wanted.Max)
	}
	if in.By > limit {
		return Counter{}, mcp.Errorf(mcp.CodeInvalidParams, "by is %d, and at most %d is allowed", in.By, limit)
	}
	value, err := s.counters.Add(in.Name, in.By)
	if err != nil {
		return Counter{}, fmt.Errorf("add to %q: %w", in.Name, err)
	}
	s.engine.Changed(Field, in.Name)
	return Counter{in.Name, value}, nil
}

func (s *server) list(context.Context, struct{}) (List, error) { return List{s.counters.Names()}, nil }

// watch notifies of every change of a counter, its present value first.
func (s *server) watch(ctx context.Context, in Named) (struct{}, error) {
	changed, stop := s.counters.Watch(in.Name)
	defer stop()
	for {
		value, _ := s.counters.Get(in.Name)
		if err := mcpengine.Notify(ctx, Notification, Counter{in.Name, value}); err != nil {
			return struct{}{}, err
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return struct{}{}, ctx.Err()
		}
	}
}

func (s *server) accept(_ context.Context, asked []string) (honoured, keys []string, err error) {
	for _, name := range asked {
		if _, ok := s.counters.Get(name); ok {
			honoured = append(honoured, name)
		}
	}
	return honoured, honoured, nil
}

func (s *server) notify(_ context.Context, name string) (string, any, bool) {
	value, ok := s.counters.Get(name)
	return Notification, Counter{name, value}, ok
}

type counted struct{}

// Counted makes the calls of a tool count. A client that declares the extension
// gets the counter as the result, and every other client the tool's own.
func Counted() mcpengine.ToolOption { return countedOption }

var countedOption = mcpengine.WithValue(counted{}, true)

func (s *server) callTool(next mcpengine.MethodHandler) mcpengine.MethodHandler {
	return func(ctx context.Context, req *mcpengine.Request) (mcpengine.Result, error) {
		if req.FeatureValue(counted{}) == nil {
			return next(ctx, req)
		}
		if _, err := s.counters.Add(req.Name(), 1); err != nil {
			return mcpengine.Result{}, err
		}
		s.engine.Changed(Field, req.Name())
		if !req.ClientExtension(ID, nil) || req.ProtocolVersion() != mcp.LatestProtocolVersion {
			return next(ctx, req) // handshake versions have no types of results
		}
		return mcpengine.NewResult(Counting{ResultType, req.Name()}), nil
	}
}
