package broker

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"

	"github.com/mcpengine/mcpengine/auth"
	"github.com/mcpengine/mcpengine/auth/idp"
	"github.com/mcpengine/mcpengine/internal/guard"
	"github.com/mcpengine/mcpengine/internal/seal"
	"github.com/mcpengine/mcpengine/internal/weburl"
)

// The endpoints, below the path of the issuer.
const (
	pathAuthorize = "/oauth/authorize"
	pathCallback  = "/oauth/callback"
	pathToken     = "/oauth/token" //nolint:gosec // a path
	pathRegister  = "/oauth/register"
	pathRevoke    = "/oauth/revoke"
	pathKeys      = "/oauth/keys"

	wellKnown = "/.well-known/oauth-authorization-server" // RFC 8414, section 3
)

// A broker is the provider as it was configured.
type broker struct {
	upstream *upstream
	config   Config
}

// Issuer implements [auth.Provider]. It is the issuer of the users and not of the
// tokens.
func (b *broker) Issuer() string { return b.upstream.issuer }

// A server is a broker at work for one resource.
type server struct {
	config    Config
	upstream  *upstream
	env       auth.Environment
	issuer    string
	resource  string
	host      string
	secure    bool // served over https
	users     []string
	documents *documents
	limits    *limits
	enterprise
	renewals

	keys    auth.Keys
	signers func() []signer
	own     *auth.Verifier // of our access tokens
}

// Open implements [auth.Provider].
func (b *broker) Open(env auth.Environment) (*auth.Verifier, error) {
	home, err := weburl.ParseSecure(env.Resource)
	if err != nil {
		return nil, fmt.Errorf("resource: %w", err)
	}
	config, err := b.config.withDefaults(home.Host)
	if err != nil {
		return nil, err
	}
	s := &server{
		config: config, resource: env.Resource, host: home.Host, secure: home.Scheme == "https",
		issuer: home.Scheme + "://" + home.Host + config.Path,
		users:  []string{b.upstream.issuer},
		limits: newLimits(),
	}
	env.Client = guard.Harden(env.Client)
	s.env = env
	if s.upstream, err = b.upstream.open(env, config); err != nil {
		return nil, err
	}
	s.documents = newDocuments(config.DocumentClient, home, env.Now)
	if err := s.openEnterprises(); err != nil {
		return nil, err
	}
	s.renewals = newRenewals()
	s.useKeys(seal.RandomRing())
	if s.own, err = s.openOwn(); err != nil {
		return nil, err
	}
	return &auth.Verifier{
		Verify:              s.verify,
		AuthorizationServer: s.issuer,
		Recognizes:          s.own.Recognizes,
		Issuers:             s.users[1:],
		Endpoints:           s.endpoints(),
		UseKeys:             s.useKeys,
		ProviderToken:       s.providerToken(),
		SignIn:              s.signIn(),
	}, nil
}

// useKeys implements [auth.Verifier].UseKeys.
func (s *server) useKeys(keys auth.Keys) {
	s.keys = keys
	s.signers = sync.OnceValue(func() []signer { return newSigners(keys) })
}

// openOwn returns the verifier of the tokens that the broker issues. It is the
// same as for every other issuer, and asks for the keys in this process.
func (s *server) openOwn() (*auth.Verifier, error) {
	env := s.env
	env.Client = &http.Client{Transport: ownKeys{s}}
	return idp.OIDC(s.issuer, s.resource, idp.StrictType(), idp.WithAlgorithms(algorithm), idp.StrictAudience()).Open(env)
}

// verify returns the user of an access token of the broker, under the issuer and
// subject that the user has at the provider.
func (s *server) verify(ctx context.Context, token string) (*auth.User, error) {
	u, err := s.own.Verify(ctx, token)
	if err != nil {
		return nil, err
	}
	own := *u
	own.Issuer, _ = u.Claims[claimIssuer].(string)
	n := len(own.Issuer)
	if !slices.Contains(s.users, own.Issuer) || len(u.Subject) <= n+1 || u.Subject[:n] != own.Issuer || u.Subject[n] != ' ' {
		return nil, &auth.InvalidTokenError{Reason: "the user is of an issuer that is not configured"}
	}
	own.Subject = u.Subject[n+1:]
	more, _ := u.Claims[claimMore].(map[string]any)
	if _, held := u.Claims[claimToken]; held || more != nil {
		own.Claims = mergeClaims(u.Claims, more)
	}
	return &own, nil
}

// endpoints returns what the broker serves, by path.
func (s *server) endpoints() map[string]http.Handler {
	metadata, base := http.HandlerFunc(s.serveMetadata), s.config.Path
	all := map[string]http.Handler{
		wellKnown + base:     metadata,
		base + pathKeys:      http.HandlerFunc(s.serveKeys),
		base + pathAuthorize: http.HandlerFunc(s.serveAuthorize),
		base + pathCallback:  http.HandlerFunc(s.serveCallback),
		base + pathToken:     s.api(s.serveToken),
		base + pathRevoke:    s.api(s.serveRevoke),
	}
	if !s.config.NoRegistration {
		all[base+pathRegister] = s.api(s.serveRegister)
	}
	// Some clients take the resource for the issuer and look below its path.
	if u, err := url.Parse(s.resource); err == nil && strings.Trim(u.Path, "/") != "" {
		if path := wellKnown + strings.TrimSuffix(u.Path, "/"); all[path] == nil {
			all[path] = metadata
		}
	}
	return all
}

// callback is the redirect URI of the broker's client at the provider.
func (s *server) callback() string { return s.issuer + pathCallback }

// signIn describes, for Engine.Explain, which ways to sign in are switched on.
func (s *server) signIn() auth.SignIn {
	ways := []string{"client id metadata documents"}
	if !s.config.NoRegistration {
		ways = append(ways, "dynamic registration")
	}
	who := "people with an account at " + s.upstream.issuer
	if len(s.config.Enterprises) > 0 {
		ways = append(ways, "identity assertions")
		who += ", people for whom " + strings.Join(s.config.Enterprises, " or ") + " vouches"
	}
	why := "broker: " + strings.Join(ways, ", ") + "; no scopes"
	if len(s.config.Scopes) > 0 {
		why = "broker: " + strings.Join(ways, ", ") + "; scopes " + strings.Join(s.config.scopes(), " ")
	}
	return auth.SignIn{Server: s.issuer, Who: who, Why: why}
}

// ownKeys answers requests for the broker's own metadata and keys.
type ownKeys struct{ server *server }

var errNotOwn = errors.New("not a URL of the broker")

func (o ownKeys) RoundTrip(req *http.Request) (*http.Response, error) {
	switch s := o.server; req.URL.String() {
	case s.issuer + "/.well-known/openid-configuration":
		return answerOf(req, s.metadata()), nil
	case s.issuer + pathKeys:
		return answerOf(req, s.keySet()), nil
	}
	return nil, errNotOwn
}
