package attack_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/mcpengine/mcpengine"
	"github.com/mcpengine/mcpengine/auth"
	"github.com/mcpengine/mcpengine/auth/authtest"
	"github.com/mcpengine/mcpengine/auth/idp"
)

const (
	resourceURL = "https://rs.example/mcp"
	metadataURL = "https://rs.example/.well-known/oauth-protected-resource/mcp"
)

type (
	none  struct{}
	topic struct {
		Topic string `json:"topic"`
	}
)

// A fixture is an engine with protected features, its identity provider and its
// log.
type fixture struct {
	engine *mcpengine.Engine
	idp    *authtest.Provider

	mu  sync.Mutex
	ran []string // the handlers that have run
	log bytes.Buffer
}

// A fixtureConfig holds the options that a test adds to a fixture. Most tests
// use the zero value.
type fixtureConfig struct {
	provider func(op *authtest.Provider) auth.Provider
	resource []auth.ResourceOption
	upstream func(op *authtest.Provider) []auth.UpstreamAPI
	engine   []mcpengine.Option
}

func (f *fixture) Write(p []byte) (int, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.log.Write(p)
}

func (f *fixture) logged() string {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.log.String()
}

// run records that a handler runs.
func (f *fixture) run(name string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.ran = append(f.ran, name)
}

// took returns the handlers that have run since the last call of took.
func (f *fixture) took() []string {
	f.mu.Lock()
	defer f.mu.Unlock()
	ran := f.ran
	f.ran = nil
	return ran
}

// token returns a good access token of alice, with some claims changed.
func (f *fixture) token(claims authtest.Claims) string {
	merged := authtest.Claims{"sub": "alice", "scope": "mcp:read"}
	maps.Copy(merged, claims)
	return f.idp.AccessToken(resourceURL, merged)
}

// newFixture returns an engine whose features have every kind of policy: a tool, a
// prompt, a resource and a template of each.
func newFixture(t testing.TB, config fixtureConfig) *fixture {
	t.Helper()
	f := &fixture{idp: authtest.NewProvider(t)}
	logger := slog.New(slog.NewJSONHandler(f, &slog.HandlerOptions{Level: slog.LevelDebug}))
	provider := idp.OIDC(f.idp.Issuer(), resourceURL)
	if config.provider != nil {
		provider = config.provider(f.idp)
	}
	if config.upstream != nil {
		config.resource = append(config.resource, auth.WithUpstream(config.upstream(f.idp)...))
	}
	resource, err := auth.NewResource(resourceURL, provider, append([]auth.ResourceOption{
		auth.WithLogger(logger),
		auth.WithScopes("mcp:read"),
		auth.WithHierarchy("mcp:admin", "mcp:write"),
		auth.WithHierarchy("mcp:write", "mcp:read"),
	}, config.resource...)...)
	if err != nil {
		t.Fatal(err)
	}
	f.engine = mcpengine.New("fixture", append([]mcpengine.Option{
		mcpengine.WithAuth(resource), mcpengine.WithLogger(logger),
	}, config.engine...)...)
	f.addAll()
	return f
}

// policies returns the options of each feature of the fixture, by the feature's
// name.
func policies() map[string][]mcpengine.FeatureOption {
	admins := mcpengine.Allow(auth.InGroup("admin"))
	return map[string][]mcpengine.FeatureOption{
		"public": {mcpengine.Public()},
		"plain":  nil,
		"read":   {mcpengine.RequireScopes("mcp:read")},
		"write":  {mcpengine.RequireScopes("mcp:write")},
		"both":   {mcpengine.RequireScopes("mcp:write", "reports")},
		"admin":  {mcpengine.RequireScopes("mcp:admin"), admins},
		"staff":  {admins},
		"secret": {mcpengine.RequireScopes("mcp:admin"), mcpengine.Hidden()},
		"person": {mcpengine.Allow(auth.Person())},
		"panics": {mcpengine.Allow(auth.RuleFunc("survive", func(context.Context, *auth.User) error { panic("boom") }))},
		"fails": {mcpengine.Allow(auth.RuleFunc("be in the database", func(context.Context, *auth.User) error {
			return errors.New("the database is down")
		}))},
	}
}

func (f *fixture) addAll() {
	all := policies()
	for _, name := range slices.Sorted(maps.Keys(all)) {
		f.add(name, all[name]...)
	}
}

// add adds a feature of each kind.
func (f *fixture) add(name string, opts ...mcpengine.FeatureOption) {
	complete := func(context.Context, string, map[string]string) ([]string, error) {
		f.run("complete " + name)
		return []string{"done"}, nil
	}
	var tool []mcpengine.ToolOption
	var resource, template []mcpengine.ResourceOption
	var prompt []mcpengine.PromptOption
	for _, opt := range opts {
		tool, resource, template, prompt = append(tool, opt), append(resource, opt), append(template, opt), append(prompt, opt)
	}
	mcpengine.AddTool(f.engine, name, "", func(ctx context.Context, _ none) (string, error) {
		f.run("tool " + name)
		if u := auth.UserFrom(ctx); u != nil {
			return "hello " + u.Subject, nil
		}
		return "hello stranger", nil
	}, tool...)
	mcpengine.AddPrompt(f.engine, name, "", func(context.Context, topic) (string, error) {
		f.run("prompt " + name)
		return "done", nil
	}, append(prompt, mcpengine.WithCompletion("topic", complete))...)
	mcpengine.AddResource(f.engine, "file:///"+name, "", func(context.Context, none) (string, error) {
		f.run("resource " + name)
		return "done", nil
	}, resource...)
	mcpengine.AddResource(f.engine, "file:///"+name+"/{topic}", "", func(context.Context, topic) (string, error) {
		f.run("template " + name)
		return "done", nil
	}, append(template, mcpengine.WithCompletion("topic", complete))...)
}

// checkSecret checks that neither the answer nor the log has a part of a token.
func (f *fixture) checkSecret(t testing.TB, token string, a answer) {
	t.Helper()
	said := f.logged() + a.body
	for _, values := range a.header {
		said += strings.Join(values, " ")
	}
	for part := range strings.SplitSeq(token, ".") {
		if len(part) > 12 && strings.Contains(said, part) {
			t.Error("a part of the token is in the log or in the answer")
		}
	}
}
