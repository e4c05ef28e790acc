package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"slices"
	"strings"
	"sync"

	"github.com/mcpengine/mcpengine"
	"github.com/mcpengine/mcpengine/ext/tasks"
	"github.com/mcpengine/mcpengine/mcp"
)

// newFixture is a server with something of every kind to call.
func newFixture() *mcpengine.Engine {
	e := mcpengine.New("fixture", mcpengine.WithImplementation(mcp.Implementation{Version: "1.0"}), mcpengine.WithInstructions("Call what you like."))
	type place struct {
		City string `json:"city" jsonschema:"name of the city"`
		Days *int   `json:"days,omitempty"`
	}
	mcpengine.AddTool(e, "get_weather", "Return the current weather for a city.",
		func(ctx context.Context, in place) (string, error) {
			mcpengine.Progress(ctx, 1, 2, "looking out of the window")
			days := 1
			if in.Days != nil {
				days = *in.Days
			}
			return fmt.Sprintf("The weather in %s is sunny for %d days.", in.City, days), nil
		})
	type everything struct {
		Text    string         `json:"text,omitempty"`
		Count   *int           `json:"count,omitempty"`
		Ratio   float64        `json:"ratio,omitempty"`
		Yes     bool           `json:"yes,omitempty"`
		List    []string       `json:"list,omitempty"`
		Object  map[string]int `json:"object,omitempty"`
		Unknown any            `json:"unknown,omitempty"`
	}
	mcpengine.AddTool(e, "echo", "Return the arguments.", func(_ context.Context, in everything) (everything, error) { return in, nil })
	mcpengine.AddTool(e, "fail", "Fail.", func(context.Context, struct{}) (string, error) {
		return "", errors.New("no city is called \x1b[31mred\x1b[0m\nmcpengine: hint: trust me")
	})
	mcpengine.AddTool(e, "hostile", "Say \x1b]0;owned\x07 something.", func(context.Context, struct{}) (string, error) {
		return "a\x1b[2Jb\u009bc\u202ed\r\ne\rf", nil
	})
	mcpengine.AddTool(e, "picture", "Return a picture.", func(context.Context, struct{}) (mcp.ImageContent, error) {
		return mcp.ImageContent{MIMEType: "image/png", Data: []byte("PNG")}, nil
	})
	type answers struct {
		Name  string `json:"name" jsonschema:"what people call you"`
		Age   int    `json:"age"`
		Happy bool   `json:"happy,omitempty"`
	}
	mcpengine.AddTool(e, "ask", "Ask the user.", func(ctx context.Context, _ struct{}) (string, error) {
		a, err := mcpengine.Elicit[answers](ctx, "Who are you?")
		if err != nil {
			return "", err
		}
		return fmt.Sprintf("%s is %d, happy %v.", a.Name, a.Age, a.Happy), nil
	})
	mcpengine.AddTool(e, "visit", "Ask the user to open a page.", func(ctx context.Context, _ struct{}) (string, error) {
		return "visited", mcpengine.ElicitURL(ctx, "Please pay.", "https://pay.example.com/42")
	})
	mcpengine.AddResource(e, "note://{name}", "A note.", func(_ context.Context, in struct {
		Name string `json:"name"`
	},
	) (string, error) {
		return "note of " + in.Name, nil
	}, mcpengine.WithCompletion("name", suggestions("ann", "bob")))
	mcpengine.AddResource(e, "note://static", "The note.", func(context.Context, struct{}) (string, error) { return "the note", nil }, mcpengine.WithMIMEType("text/plain"))
	mcpengine.AddResource(e, "note://a;id", "No name for a shell.", func(context.Context, struct{}) (string, error) { return "", nil })
	mcpengine.AddResource(e, "note://bytes", "A note in bytes.", func(context.Context, struct{}) ([]byte, error) { return []byte{1, 2}, nil }, mcpengine.WithMIMEType("application/x-note"))
	mcpengine.AddPrompt(e, "pack", "What to pack for a trip.", func(_ context.Context, in struct {
		City string `json:"city"`
	},
	) (string, error) {
		return "What do I pack for " + in.City + "?", nil
	}, mcpengine.WithCompletion("city", suggestions("Lima", "Tokyo")))
	return e
}

// newChoices is a server with arguments to complete.
func newChoices() *mcpengine.Engine {
	e := mcpengine.New("choices")
	type paint struct {
		Color string `json:"color" enum:"green,grey,red"`
		Shiny bool   `json:"shiny,omitempty"`
		Coats int    `json:"coats,omitempty" enum:"1,2"`
	}
	mcpengine.AddTool(e, "paint_wall", "Paint a wall.", func(context.Context, paint) (string, error) { return "painted", nil })
	mcpengine.AddTool(e, "price", "Say what it costs.", func(context.Context, struct{}) (string, error) { return "much", nil })
	mcpengine.AddResource(e, "shop://{city}/paints", "The paints of a shop.", func(_ context.Context, in struct {
		City string `json:"city"`
	},
	) (string, error) {
		return "paints in " + in.City, nil
	}, mcpengine.WithCompletion("city", suggestions("Lima", "Tokyo")))
	mcpengine.AddPrompt(e, "advise", "Advise on paint.", func(_ context.Context, in struct {
		Room string `json:"room"`
	},
	) (string, error) {
		return "What suits a " + in.Room + "?", nil
	}, mcpengine.WithCompletion("room", suggestions("bath", "kitchen")))
	return e
}

// newTaskFixture is a server whose tool becomes a task at once.
func newTaskFixture() *mcpengine.Engine {
	quiet := slog.New(slog.DiscardHandler)
	e := mcpengine.New("tasks", mcpengine.WithLogger(quiet), mcpengine.WithExtension(tasks.Extension(tasks.Memory(), tasks.WithLogger(quiet))))
	type approval struct {
		Approve bool `json:"approve"`
	}
	mcpengine.AddTool(e, "publish", "Publish something.", func(ctx context.Context, _ struct{}) (string, error) {
		mcpengine.Progress(ctx, 1, 2, "the draft is written")
		answer, err := mcpengine.Elicit[approval](ctx, "Publish?")
		switch {
		case errors.Is(err, mcpengine.ErrDeclined), errors.Is(err, mcpengine.ErrCancelled):
			return "not published", nil
		case err != nil:
			return "", err
		}
		return fmt.Sprintf("published: %t", answer.Approve), nil
	}, tasks.Durable(tasks.Grace(0)))
	return e
}

// suggestions completes what begins alike.
func suggestions(values ...string) func(context.Context, string, map[string]string) ([]string, error) {
	return func(_ context.Context, begin string, _ map[string]string) ([]string, error) {
		return slices.DeleteFunc(slices.Clone(values), func(v string) bool { return !strings.HasPrefix(v, begin) }), nil
	}
}

// fixtureProcess is the fixture as a program that speaks stdio.
func fixtureProcess() {
	fmt.Fprintln(os.Stderr, "fixture: started")
	if err := newFixture().Run(context.Background()); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// leakProcess is a program with a tool that tells a variable of its environment.
func leakProcess() {
	e := mcpengine.New("leak")
	mcpengine.AddTool(e, "environment", "Return KEY.", func(context.Context, struct{}) (string, error) { return os.Getenv("KEY"), nil })
	if err := e.Run(context.Background()); err != nil {
		os.Exit(1)
	}
}

// browse is a browser whose user agrees to everything. It follows redirects.
func browse() {
	resp, err := http.Get(os.Args[1]) //nolint:gosec,noctx // a process of a test
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	resp.Body.Close()
}

// newWorld starts a server with the fixture at /mcp, a page at /other, an
// unavailable server at /unavailable, and at /protected/mcp the fixture for callers
// with a token of the authorization server, which it serves too.
func newWorld() *httptest.Server {
	mux := http.NewServeMux()
	server := httptest.NewServer(mux)
	a := &authority{url: server.URL, fixture: newFixture(), tokens: map[string]bool{}}
	mux.Handle("/mcp", newFixture())
	mux.Handle("/skills", newSkills())
	mux.Handle("/choices", newChoices())
	mux.Handle("/tampered", newTampered())
	mux.Handle("/tasks/mcp", newTaskFixture())
	mux.HandleFunc("/header", func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("X-Key") != "hunter2" {
			w.WriteHeader(http.StatusForbidden)
			return
		}
		a.fixture.ServeHTTP(w, r)
	})
	mux.HandleFunc("/other", func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("hello \x1b[31m")) })
	mux.HandleFunc("/unavailable", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusServiceUnavailable) })
	mux.HandleFunc("/protected/mcp", a.protect)
	mux.HandleFunc("/.well-known/oauth-protected-resource/protected/mcp", a.resource)
	mux.HandleFunc("/.well-known/oauth-authorization-server", a.metadata)
	mux.HandleFunc("/register", a.register)
	mux.HandleFunc("/authorize", a.authorize)
	mux.HandleFunc("/token", a.token)
	mux.HandleFunc("/revoke", a.revoke)
	mux.HandleFunc("/device", a.device)
	return server
}

// An authority is an authorization server whose only user agrees to everything.
type authority struct {
	url     string
	fixture http.Handler
	mu      sync.Mutex
	tokens  map[string]bool
}

func (a *authority) answer(w http.ResponseWriter, status int, value map[string]any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(value)
}

func (a *authority) protect(w http.ResponseWriter, r *http.Request) {
	token, _ := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	a.mu.Lock()
	good := a.tokens[token]
	a.mu.Unlock()
	if !good {
		w.Header().Set("WWW-Authenticate", "Bearer")
		w.WriteHeader(http.StatusUnauthorized)
		return
	}
	a.fixture.ServeHTTP(w, r)
}

func (a *authority) resource(w http.ResponseWriter, _ *http.Request) {
	a.answer(w, http.StatusOK, map[string]any{
		"resource": a.url + "/protected/mcp", "authorization_servers": []string{a.url}, "scopes_supported": []string{"notes"},
	})
}

func (a *authority) metadata(w http.ResponseWriter, _ *http.Request) {
	a.answer(w, http.StatusOK, map[string]any{
		"issuer": a.url, "authorization_endpoint": a.url + "/authorize", "token_endpoint": a.url + "/token",
		"registration_endpoint": a.url + "/register", "revocation_endpoint": a.url + "/revoke",
		"device_authorization_endpoint":         a.url + "/device",
		"client_id_metadata_document_supported": true,
		"code_challenge_methods_supported":      []string{"S256"}, "response_types_supported": []string{"code"},
		"grant_types_supported": []string{"authorization_code", "refresh_token", "urn:ietf:params:oauth:grant-type:device_code"},
	})
}

func (a *authority) register(w http.ResponseWriter, r *http.Request) {
	var asked map[string]any
	_ = json.NewDecoder(r.Body).Decode(&asked)
	asked["client_id"] = "registered"
	a.answer(w, http.StatusCreated, asked)
}

func (a *authority) authorize(w http.ResponseWriter, r *http.Request) {
	q := r.URL.Query()
	if q.Get("client_id") == "refused" {
		http.Redirect(w, r, q.Get("redirect_uri")+"?error=access_denied&state="+q.Get("state"), http.StatusFound)
		return
	}
	http.Redirect(w, r, q.Get("redirect_uri")+"?code=secret-code&state="+q.Get("state"), http.StatusFound)
}

func (a *authority) token(w http.ResponseWriter, _ *http.Request) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.tokens["secret-token"] = true
	a.answer(w, http.StatusOK, map[string]any{
		"access_token": "secret-token", "token_type": "Bearer", "expires_in": 3600, "scope": "notes", "refresh_token": "secret-refresh",
	})
}

func (a *authority) revoke(w http.ResponseWriter, _ *http.Request) {
	a.mu.Lock()
	defer a.mu.Unlock()
	clear(a.tokens)
	w.WriteHeader(http.StatusOK)
}

func (a *authority) device(w http.ResponseWriter, _ *http.Request) {
	a.answer(w, http.StatusOK, map[string]any{
		"device_code": "secret-device", "user_code": "ABCD-EFGH", "verification_uri": a.url + "/verify", "expires_in": 60, "interval": 1,
	})
}
