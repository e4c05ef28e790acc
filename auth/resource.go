package auth

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"path"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/mcpengine/mcpengine/internal/weburl"
)

// A Resource is the protected resource: one MCP endpoint and the providers whose
// tokens it takes. It is safe for concurrent use and starts no goroutines.
type Resource struct {
	url         string
	metadataURL string
	paths       []string
	metadata    []byte
	hierarchy   hierarchy
	open        bool // OpenDiscovery was chosen
	logger      *slog.Logger
	trusted     []*trusted // never empty
	issuers     []string   // of all users, each once
	upstream    *upstreams // nil without WithUpstream
}

// NewResource returns the protected resource with the given public URL, which
// is compared byte for byte with the audience of tokens and is never taken from
// a request. It has the form https://mcp.example.com/mcp: lower case, no
// default port, no query, no fragment; http is for loopback addresses.
//
// Mistakes in the arguments of the provider are reported here. Nothing is
// fetched before the first token comes.
func NewResource(resource string, provider Provider, opts ...ResourceOption) (*Resource, error) {
	config := resourceConfig{
		environment: Environment{
			Resource:   resource,
			Client:     http.DefaultClient,
			Now:        time.Now,
			Logger:     slog.New(slog.DiscardHandler),
			Leeway:     30 * time.Second,
			TokenCache: 1024,
		},
		hierarchy: hierarchy{},
		providers: []Provider{provider},
	}
	for _, opt := range opts {
		opt(&config)
	}
	config.environment.Now = wallClock(config.environment.Now)
	r := &Resource{url: resource, logger: config.environment.Logger, open: config.open}
	u, err := canonical(resource)
	if err != nil {
		return nil, fmt.Errorf("resource: %w", err)
	}
	if err := errors.Join(config.faults...); err != nil {
		return nil, err
	}
	if r.hierarchy, err = config.hierarchy.close(); err != nil {
		return nil, err
	}
	if err := r.connect(&config); err != nil {
		return nil, err
	}
	if err := r.openUpstream(&config); err != nil {
		return nil, err
	}
	return r, r.describe(u, config.scopes)
}

// canonical parses the URL of a resource and refuses every spelling but one, so
// that comparing bytes compares resources (basic/authorization, "Canonical
// Server URI").
func canonical(resource string) (*url.URL, error) {
	u, err := weburl.ParseSecure(resource)
	if err != nil {
		return nil, err
	}
	host := strings.ToLower(u.Host)
	if u.Scheme == "https" {
		host = strings.TrimSuffix(host, ":443")
	} else {
		host = strings.TrimSuffix(host, ":80")
	}
	p := u.Path
	if p != "" {
		if p = path.Clean(u.Path); p != "/" && strings.HasSuffix(u.Path, "/") {
			p += "/"
		}
	}
	if want := u.Scheme + "://" + host + p; want != resource {
		return nil, fmt.Errorf("not in canonical form, which is %q", want)
	}
	return u, nil
}

// A trusted provider has been opened.
type trusted struct {
	*Verifier
	issuers []string // of its users, the provider's own first
	check   func(context.Context, string) (*User, error)
}

// connect puts the providers to work.
func (r *Resource) connect(config *resourceConfig) error {
	for _, p := range config.providers {
		if p == nil {
			return errors.New("no provider")
		}
		v, err := p.Open(config.environment)
		if err != nil {
			return fmt.Errorf("provider%s: %w", named(p.Issuer()), err)
		}
		t := &trusted{Verifier: v, issuers: append([]string{p.Issuer()}, v.Issuers...), check: v.Verify}
		for _, other := range r.trusted {
			if weburl.SameIssuer(other.source(), t.source()) {
				return fmt.Errorf("provider %s: given twice", p.Issuer())
			}
		}
		if v.Refusals > 0 {
			t.check = newMemory(v, config.environment).check
		}
		r.trusted = append(r.trusted, t)
	}
	for _, t := range r.trusted {
		if len(r.trusted) > 1 && t.Recognizes == nil {
			return fmt.Errorf("provider %s: its tokens do not name their issuer, so it must be the only provider", t.issuers[0])
		}
		for _, issuer := range t.issuers {
			if !slices.ContainsFunc(r.issuers, func(known string) bool { return weburl.SameIssuer(known, issuer) }) {
				r.issuers = append(r.issuers, issuer)
			}
		}
	}
	return nil
}

// source names the party whose tokens the provider checks. A broker issues
// tokens of its own to the users of another issuer, so that both can be providers
// of one resource.
func (t *trusted) source() string { return cmp.Or(t.AuthorizationServer, t.issuers[0]) }

// UseKeys hands the keys of the server to the providers that need them. The
// engine calls it.
func (r *Resource) UseKeys(keys Keys) {
	for _, t := range r.trusted {
		if t.UseKeys != nil {
			t.UseKeys(keys)
		}
	}
}

// SignIns says how people get tokens where a provider issues them itself.
func (r *Resource) SignIns() []SignIn {
	var all []SignIn
	for _, t := range r.trusted {
		if t.SignIn != (SignIn{}) {
			all = append(all, t.SignIn)
		}
	}
	return all
}

// named returns the issuer of a provider for an error, unless it is a broken
// URL, which may hold a secret.
func named(issuer string) string {
	if _, err := weburl.Parse(issuer); err != nil && strings.Contains(issuer, "@") {
		return ""
	}
	return " " + strconv.Quote(issuer)
}

// qualified puts the issuer before the roles or groups of a user.
func qualified(issuer string, names []string) []string {
	full := make([]string, len(names))
	for i, name := range names {
		full[i] = issuer + "#" + name
	}
	return full
}

// wallClock strips the monotonic reading. Where processes are frozen between
// requests, only the wall clock goes on.
func wallClock(now func() time.Time) func() time.Time {
	return func() time.Time { return now().Round(0) }
}

// Authenticate returns the caller who sent the request. Two nil values mean
// that the request carries no credentials: serve a public feature, and answer
// with [Resource.Unauthenticated] otherwise. A challenge means that the request
// must be refused with it, even where nothing is protected.
func (r *Resource) Authenticate(req *http.Request) (*User, *Challenge) {
	token, err := bearerToken(req)
	switch {
	case errors.Is(err, errQueryToken):
		return nil, r.invalidRequest("an access token belongs in the Authorization header, not in the query string")
	case errors.Is(err, errOtherScheme):
		return nil, r.Unauthenticated()
	case err != nil:
		return nil, r.invalidRequest("the Authorization header must occur once and hold Bearer and one token")
	case token == "":
		return nil, nil
	}
	user, err := r.verify(req.Context(), token)
	switch {
	case err == nil:
		return user, nil
	case errors.Is(err, ErrInvalidToken):
		r.logger.DebugContext(req.Context(), "access token refused", "reason", Redact(err))
		return nil, r.invalidToken(err)
	}
	r.logger.WarnContext(req.Context(), "access token not checked", "error", Redact(err))
	return nil, r.unavailable()
}

func (r *Resource) verify(ctx context.Context, token string) (*User, error) {
	if len(token) > MaxTokenBytes {
		return nil, &InvalidTokenError{Reason: fmt.Sprintf("token of more than %d bytes", MaxTokenBytes)}
	}
	t := r.trusted[0]
	if len(r.trusted) > 1 {
		if t = r.route(token); t == nil {
			return nil, r.unrecognized(ctx, token)
		}
	}
	user, err := t.check(ctx, token)
	switch {
	case err != nil:
		return nil, err
	case user == nil || !slices.Contains(t.issuers, user.Issuer) || user.Subject == "":
		return nil, &UnavailableError{Reason: "provider " + t.issuers[0] + ": a token without a subject of its own passed"}
	}
	// Other requests with this token have the same user: setting a field or
	// appending to one must not reach them.
	own := *user
	own.Scopes, own.Roles, own.Groups = slices.Clip(own.Scopes), slices.Clip(own.Roles), slices.Clip(own.Groups)
	if len(r.issuers) > 1 {
		own.Roles, own.Groups = qualified(own.Issuer, own.Roles), qualified(own.Issuer, own.Groups)
	}
	return &own, nil
}

// unrecognized returns the reason to refuse a token that no provider recognizes.
// The first provider is asked, because its reason names the issuer of the token
// beside its own.
func (r *Resource) unrecognized(ctx context.Context, token string) error {
	reason := "token of an unknown issuer"
	if _, err := r.trusted[0].check(ctx, token); err != nil {
		reason += ": " + Redact(err)
	}
	return &InvalidTokenError{Reason: reason}
}

// route finds the provider that a token says it is from. The claim is not yet
// verified; it selects whose rules and keys the token has to satisfy.
func (r *Resource) route(token string) *trusted {
	for _, t := range r.trusted {
		if t.Recognizes(token) {
			return t
		}
	}
	return nil
}

// Granted reports whether the token of the caller covers every one of the
// scopes, by itself or by the hierarchy. It is false for a nil user.
func (r *Resource) Granted(u *User, scopes ...string) bool {
	if u == nil {
		return false
	}
	return !slices.ContainsFunc(scopes, func(scope string) bool {
		return !r.hierarchy.grants(u.Scopes, scope)
	})
}

// URL returns the public URL of the resource.
func (r *Resource) URL() string { return r.url }

// DiscoveryOpen reports whether [OpenDiscovery] was chosen.
func (r *Resource) DiscoveryOpen() bool { return r.open }

var _ Authority = (*Resource)(nil)
