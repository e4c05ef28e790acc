package inspector

import (
	"context"
	"maps"
	"net/http"
	"slices"
	"sync"
	"time"

	"github.com/mcpengine/mcpengine"
	"github.com/mcpengine/mcpengine/client"
	"github.com/mcpengine/mcpengine/ext/tasks/tasksclient"
	"github.com/mcpengine/mcpengine/mcp"
)

// connectTimeout bounds connecting: a server at a URL may never answer, and a
// command may have to be compiled first.
const connectTimeout = 2 * time.Minute

// A session is one connection to the server.
type session struct {
	client *client.Client
	policy func() (mcpengine.Policy, string)
	offers *offers

	ctx    context.Context // ends with the session
	cancel context.CancelFunc
	wait   sync.WaitGroup // of listeners

	mu            sync.Mutex
	subscriptions map[string]*subscription // by URI
}

// Reconnect closes the connection and makes a new one, with the version and the
// identity that the page has chosen. Calls that are under way fail.
func (i *Inspector) Reconnect(ctx context.Context) error {
	i.connecting.Lock()
	defer i.connecting.Unlock()
	i.disconnect()
	i.mu.Lock()
	version, identity := i.version, i.identity
	i.mu.Unlock()
	s, err := i.connect(ctx, version, identity)
	i.mu.Lock()
	i.session, i.failed = s, ""
	if err != nil {
		i.failed = err.Error()
	}
	i.mu.Unlock()
	i.tellState()
	if s != nil {
		i.followLists(s)
	}
	return err
}

// disconnect closes the connection. The caller holds i.connecting.
func (i *Inspector) disconnect() {
	i.mu.Lock()
	s := i.session
	i.session, i.failed = nil, "connecting"
	i.mu.Unlock()
	if s == nil {
		return
	}
	s.cancel()
	s.client.Close()
	s.wait.Wait()
}

func (i *Inspector) connect(ctx context.Context, version, identity string) (*session, error) {
	// The context of a connection lasts as long as the connection does, so that a
	// deadline would end both.
	ctx, cancel := context.WithCancelCause(context.WithoutCancel(ctx))
	timer := time.AfterFunc(connectTimeout, func() { cancel(client.ErrIdle) })
	defer timer.Stop()
	offers := &offers{}
	connected, err := i.options.Target.Connect(ctx, Connection{
		Version: version, Identity: identity,
		Options: []client.Option{
			tasksclient.Follow(0),
			client.WithExtension("io.modelcontextprotocol/ui", map[string]any{"mimeTypes": []string{"text/html;profile=mcp-app"}}),
			client.WithImplementation(mcp.Implementation{Name: "mcpengine-inspector", Title: "MCPEngine inspector", Version: "1"}),
			client.WithHandlers(i.handlers()),
			client.WithObserver(offers.observe),
		},
		HTTP:    i.tap.http,
		Streams: i.tap.streams,
	})
	if err != nil {
		cancel(nil)
		return nil, err
	}
	return &session{
		client: connected.Client, policy: connected.Policy, offers: offers, subscriptions: make(map[string]*subscription),
		ctx: ctx, cancel: func() { cancel(nil) },
	}, nil
}

// current returns the connection, or says why there is none.
func (i *Inspector) current() (*session, error) {
	i.mu.Lock()
	defer i.mu.Unlock()
	if i.session == nil {
		return nil, refuse(http.StatusServiceUnavailable, "there is no connection to the server (%s): reconnect", i.failed)
	}
	return i.session, nil
}

func (s *session) subscribed() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.AppendSeq([]string{}, maps.Keys(s.subscriptions))
}
