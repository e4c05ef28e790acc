package idp

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"strings"

	"github.com/mcpengine/mcpengine/auth"
	"github.com/mcpengine/mcpengine/internal/guard"
	"github.com/mcpengine/mcpengine/internal/weburl"
)

// An IntrospectionEndpoint is the endpoint at which an issuer answers questions
// about its tokens, with the credentials for it. All fields are required.
type IntrospectionEndpoint struct{ URL, ClientID, ClientSecret string }

// Introspection accepts the opaque access tokens of an issuer by asking it about
// each (RFC 7662). The answer must name the subject, the audience and the
// expiry. Without a subject, which some issuers leave out for clients that act
// for themselves, two callers might be taken for one. Where the issuer leaves
// out the audience, [WithClients] has to name the clients whose tokens are good.
//
// An answer is remembered for a minute, which is how long a revoked token may
// stay good. Options about signatures and token types do not apply and are an
// error.
func Introspection(issuer, audience string, endpoint IntrospectionEndpoint, opts ...Option) auth.Provider {
	p := newProfile(profile{
		issuer:         issuer,
		audiences:      []string{audience},
		clientAudience: true,
		describe: func(claims map[string]any, u *auth.User) {
			if u.Name == "" {
				u.Name, _ = claims["username"].(string)
			}
		},
	}, opts)
	if p.algorithms != nil || p.keys != nil || p.strictType {
		p.fault("opaque tokens have no algorithm, keys or type")
	}
	return &introspection{profile: p, endpoint: endpoint}
}

type introspection struct {
	*profile
	endpoint IntrospectionEndpoint
	env      auth.Environment
}

func (p *introspection) Open(env auth.Environment) (*auth.Verifier, error) {
	if err := p.validate(); err != nil {
		return nil, err
	}
	if _, err := weburl.ParseSecure(p.endpoint.URL); err != nil {
		return nil, unavailable("introspection endpoint: %v", err)
	}
	if p.endpoint.ClientID == "" || p.endpoint.ClientSecret == "" {
		return nil, errors.New("introspection endpoint: no client id or no secret")
	}
	env.Client = guard.Harden(env.Client)
	opened := introspection{profile: p.profile, endpoint: p.endpoint, env: env}
	return &auth.Verifier{
		Verify: opened.introspect, AuthorizationServer: p.issuer, ScopePrefix: p.prefix,
		Refusals: maxRefusals, Remember: rememberTime,
	}, nil
}

func (p *introspection) introspect(ctx context.Context, token string) (*auth.User, error) {
	form := url.Values{"token": {token}, "token_type_hint": {"access_token"}}
	a, err := ask(ctx, p.env.Client, http.MethodPost, p.endpoint.URL, formType, form.Encode(), func(req *http.Request) {
		req.SetBasicAuth(encodeCredentials(p.endpoint.ClientID, p.endpoint.ClientSecret))
	})
	if err != nil {
		return nil, unavailable("introspect: %v", err)
	}
	if a.status != http.StatusOK {
		// Even 401 is about our credentials and not about the token (RFC 7662,
		// section 2.3).
		return nil, unavailable("introspect: HTTP status %d", a.status)
	}
	claims, err := decodeObject(a.body)
	if err != nil {
		return nil, unavailable("introspect: the answer is not a JSON object")
	}
	user, err := p.read(claims)
	if err != nil {
		return nil, err
	}
	user.Scopes = p.granted(user.Scopes)
	return user, nil
}

// read judges an answer (RFC 7662, section 2.2). A token that is active may still
// be meant for another server.
func (p *introspection) read(claims map[string]any) (*auth.User, error) {
	if claims["active"] != true {
		return nil, refuse("token is not active")
	}
	if kind, present := claims["token_type"]; present {
		name, _ := kind.(string)
		if !strings.EqualFold(name, "Bearer") && !strings.EqualFold(name, "access_token") {
			return nil, refuse("token_type is not Bearer")
		}
	}
	if _, present := claims["iss"]; !present {
		claims["iss"] = p.issuer // the issuer itself has answered
	}
	return p.accept(claims, p.env.Now(), p.env.Leeway)
}
