package auth_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log"
	"net/http"
	"net/http/httptest"
	"os"
	"time"

	"github.com/mcpengine/mcpengine/auth"
	"github.com/mcpengine/mcpengine/auth/idp"
)

func Example() {
	resource, err := auth.NewResource("https://mcp.example.com/mcp",
		idp.OIDC("https://id.example.com", "https://mcp.example.com/mcp", idp.StrictType()),
		auth.WithScopes("mcp:read"),
		auth.WithHierarchy("mcp:write", "mcp:read"))
	if err != nil {
		log.Fatal(err)
	}
	mux := http.NewServeMux()
	for _, path := range resource.Paths() {
		mux.Handle(path, resource.Handler())
	}
	mux.HandleFunc("POST /mcp", func(w http.ResponseWriter, r *http.Request) {
		user, refused := resource.Authenticate(r)
		switch {
		case refused != nil:
			refused.ServeHTTP(w, r)
		case user == nil:
			resource.Unauthenticated("mcp:read").ServeHTTP(w, r)
		case !resource.Granted(user, "mcp:read"):
			resource.Insufficient("mcp:read").ServeHTTP(w, r)
		default:
			fmt.Fprintln(w, "hello", user.Subject)
		}
	})

	w := httptest.NewRecorder()
	mux.ServeHTTP(w, httptest.NewRequestWithContext(context.Background(), "POST", "/mcp", nil))
	fmt.Println(w.Code, w.Header().Get("WWW-Authenticate"))
	// Output: 401 Bearer resource_metadata="https://mcp.example.com/.well-known/oauth-protected-resource/mcp", scope="mcp:read"
}

// open stands for what a program does with a provider.
func open(p auth.Provider) {
	_, err := auth.NewResource("https://mcp.example.com/mcp", p)
	fmt.Fprintln(os.Stdout, p.Issuer(), err)
}

func ExampleStaticTokens() {
	open(auth.StaticTokens(map[string]auth.User{
		"9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08": {Subject: "nightly-report", Machine: true, Scopes: []string{"mcp:read"}},
	}))
	// Output: urn:mcpengine:static <nil>
}

func ExampleHashToken() {
	fmt.Println(auth.HashToken("test"))
	// Output: 9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08
}

func ExampleCustom() {
	var db *sql.DB
	open(auth.Custom("https://accounts.example.com", func(ctx context.Context, token string) (*auth.User, error) {
		u := &auth.User{}
		err := db.QueryRowContext(ctx, "SELECT owner FROM token WHERE hash = $1 AND expiry > now()", auth.HashToken(token)).Scan(&u.Subject)
		if errors.Is(err, sql.ErrNoRows) {
			return nil, auth.ErrInvalidToken
		}
		return u, err // any other error is a 503
	}))
	// Output: https://accounts.example.com <nil>
}

func ExampleRule() {
	rule := auth.All(
		auth.Person(),
		auth.Any(auth.HasRole("admin"), auth.InGroup("operators")),
		auth.VerifiedEmailDomain("example.com"),
	)
	fmt.Println("the caller must", rule)
	user := &auth.User{Issuer: "https://id.example.com", Subject: "alice", Roles: []string{"admin"}, Email: "alice@example.com"}
	fmt.Println(rule.Check(context.Background(), user))
	// Output:
	// the caller must (be a person and (have the role "admin" or be in the group "operators") and have a verified e-mail address at example.com)
	// (be a person and (have the role "admin" or be in the group "operators") and have a verified e-mail address at example.com): have a verified e-mail address at example.com: the caller does not satisfy the rule
}

func ExampleRuleFunc() {
	rule := auth.RuleFunc("have an account in good standing", func(_ context.Context, u *auth.User) error {
		if u.Claims["standing"] != "good" {
			return errors.New("the account is suspended")
		}
		return nil
	})
	fmt.Println(rule.Check(context.Background(), &auth.User{Subject: "alice"}))
	// Output: have an account in good standing: the account is suspended
}

func ExampleResource_Granted() {
	resource, err := auth.NewResource("https://mcp.example.com/mcp",
		idp.OIDC("https://id.example.com", "https://mcp.example.com/mcp"),
		auth.WithHierarchy("mcp:admin", "mcp:write"),
		auth.WithHierarchy("mcp:write", "mcp:read"))
	if err != nil {
		log.Fatal(err)
	}
	admin := &auth.User{Scopes: []string{"mcp:admin"}}
	fmt.Println(resource.Granted(admin, "mcp:read", "mcp:write"), admin.HasScope("mcp:read"))
	// Output: true false
}

func ExampleResource_Insufficient() {
	resource, err := auth.NewResource("https://mcp.example.com/mcp",
		idp.EntraID("11111111-2222-3333-4444-555555555555", "aaaaaaaa-bbbb-cccc-dddd-eeeeeeeeeeee"))
	if err != nil {
		log.Fatal(err)
	}
	refused := resource.Insufficient("Board.Read", "Board.Write")
	fmt.Println(refused.Status, refused.Code)
	fmt.Println(string(refused.Data))
	// Output:
	// 403 insufficient_scope
	// {"error":"insufficient_scope","error_description":"the access token lacks a scope that this operation needs","resource_metadata":"https://mcp.example.com/.well-known/oauth-protected-resource/mcp","scope":"api://aaaaaaaa-bbbb-cccc-dddd-eeeeeeeeeeee/Board.Read api://aaaaaaaa-bbbb-cccc-dddd-eeeeeeeeeeee/Board.Write"}
}

func ExampleUserFrom() {
	ctx := auth.ContextWithUser(context.Background(), &auth.User{Issuer: "https://id.example.com", Subject: "alice"})
	fmt.Println(auth.UserFrom(ctx).ID())
	fmt.Println(auth.UserFrom(context.Background()) == nil)
	// Output:
	// https://id.example.com alice
	// true
}

// sessions is a provider of the server's own: it knows tokens by the sessions of
// a web application.
type sessions struct {
	lookup func(token string) (user string, err error)
}

func (sessions) Issuer() string { return "https://app.example.com" }

func (s sessions) Open(auth.Environment) (*auth.Verifier, error) {
	return &auth.Verifier{
		AuthorizationServer: "https://app.example.com",
		Refusals:            600, // a minute: lookup asks a database
		Verify: func(_ context.Context, token string) (*auth.User, error) {
			user, err := s.lookup(token)
			switch {
			case errors.Is(err, sql.ErrNoRows):
				return nil, &auth.InvalidTokenError{Reason: "no such session"}
			case err != nil:
				return nil, err // 503, and the log has the type of the error
			}
			return &auth.User{Issuer: s.Issuer(), Subject: user}, nil
		},
	}, nil
}

func ExampleProvider() {
	provider := sessions{lookup: func(string) (string, error) { return "alice", nil }}
	resource, err := auth.NewResource("https://app.example.com/mcp", provider)
	if err != nil {
		log.Fatal(err)
	}
	req := httptest.NewRequestWithContext(context.Background(), "POST", "/mcp", nil)
	req.Header.Set("Authorization", "Bearer 0123456789abcdef")
	user, _ := resource.Authenticate(req)
	fmt.Println(user.ID())
	// Output: https://app.example.com alice
}

func ExampleFromIssuer() {
	staff := auth.All(auth.FromIssuer("https://id.example.com"), auth.VerifiedEmailDomain("example.com"))
	fmt.Println("the caller must", staff)
	// Output: the caller must (come from the issuer https://id.example.com and have a verified e-mail address at example.com)
}

func ExampleParseScopes() {
	fmt.Println(auth.ParseScopes("mcp:read mcp:write"), auth.ParseScopes("mcp:read\tmcp:write"))
	// Output: [mcp:read mcp:write] []
}

func ExampleRedact() {
	const token = "0123456789abcdef"
	err := fmt.Errorf("ask about %s: %w", token, context.DeadlineExceeded)
	fmt.Println(auth.Redact(err))
	// Output: *fmt.wrapError: context deadline exceeded
}

// orders is a way to tokens of the server's own.
type orders struct{}

func (orders) Audience() string { return "https://orders.example.com" }

func (orders) OpenUpstream(auth.Environment) (*auth.UpstreamSource, error) {
	return &auth.UpstreamSource{
		Origins: []string{"https://orders.example.com"},
		Token: func(_ context.Context, c *auth.UpstreamCaller) (auth.Token, error) {
			return auth.NewToken("made-for-"+c.User.Subject, time.Now().Add(time.Minute)), nil
		},
	}, nil
}

func ExampleUpstream() {
	resource, err := auth.NewResource("https://mcp.example.com/mcp", sessions{func(string) (string, error) { return "alice", nil }},
		auth.WithUpstream(orders{}))
	if err != nil {
		log.Fatal(err)
	}
	// What the engine does for a request.
	req := httptest.NewRequestWithContext(context.Background(), "POST", "/mcp", nil)
	req.Header.Set("Authorization", "Bearer 0123456789abcdef")
	user, _ := resource.Authenticate(req)
	ctx := resource.ContextWithUpstream(req.Context(), req, user)

	// What a handler does.
	token, err := auth.Upstream(ctx, "https://orders.example.com")
	fmt.Println(token, token.Secret(), err)
	_, err = auth.Upstream(ctx, "https://reports.example.com")
	fmt.Println(err)
	// Output:
	// [token] made-for-alice <nil>
	// no token for https://reports.example.com: no API of this audience is configured: add it with auth.WithUpstream
}

func ExampleUpstreamClient() {
	// The handler of a tool.
	_ = func(ctx context.Context, _ struct{}) (int, error) {
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, "https://orders.example.com/open", http.NoBody)
		if err != nil {
			return 0, err
		}
		resp, err := auth.UpstreamClient("https://orders.example.com").Do(req)
		if err != nil {
			return 0, err // an error that says "sign in again" becomes 401
		}
		defer resp.Body.Close()
		return resp.StatusCode, nil
	}
}
