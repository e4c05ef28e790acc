package auth

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"path"
	"slices"
	"strings"
	"time"

	"github.com/mcpengine/mcpengine/internal/caller"
)

// A Resource is the protected resource: one MCP endpoint and the providers whose
// tokens it takes. It is safe for concurrent use and starts no goroutines.
type Resource struct {
	url         string
	metadataURL string
	paths       []string
	metadata    []byte
	hierarchy   hierarchy
	open        bool // discovery is
	logger      *slog.Logger
	verifiers   []*verifier // never empty
}

// NewResource returns the protected resource with the given public URL, which is
// compared byte for byte with what tokens are for and is never taken from a
// request. It has the form https://mcp.example.com/mcp: lower case, no default
// port, no query, no fragment; http is for loopback addresses.
//
// Mistakes in the arguments of the provider are reported here. Nothing is
// fetched before the first token comes.
func NewResource(resource string, provider Provider, opts ...ResourceOption) (*Resource, error) {
	config := resourceConfig{
		environment: environment{
			resource:  resource,
			client:    http.DefaultClient,
			now:       time.Now,
			logger:    slog.New(slog.DiscardHandler),
			leeway:    30 * time.Second,
			cacheSize: 1024,
		},
		hierarchy: hierarchy{},
		providers: []Provider{provider},
	}
	for _, opt := range opts {
		opt(&config)
	}
	config.client = harden(config.client)
	config.now = wallClock(config.now)
	r := &Resource{url: resource, logger: config.logger, open: config.open}
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
	return r, r.describe(u, config.scopes)
}

// canonical parses the URL of a resource and refuses every spelling but one, so
// that comparing bytes compares resources (basic/authorization, "Canonical
// Server URI").
func canonical(resource string) (*url.URL, error) {
	u, err := checkURL(resource)
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

// connect puts the providers to work.
func (r *Resource) connect(config *resourceConfig) error {
	for i, p := range config.providers {
		if p == nil {
			return errors.New("no provider")
		}
		env := config.environment
		v, err := p.open(&env)
		if err != nil {
			return fmt.Errorf("provider %s: %w", p.Issuer(), err)
		}
		if i > 0 {
			v.check = qualify(v)
		}
		for _, other := range r.verifiers {
			if overlap(other.issuers, v.issuers) {
				return fmt.Errorf("provider %s: given twice", v.issuer)
			}
		}
		r.verifiers = append(r.verifiers, v)
	}
	if len(r.verifiers) > 1 {
		for _, v := range r.verifiers {
			if v.issuers == nil {
				return fmt.Errorf("provider %s: its tokens do not say who issued them, so it must be the only one", v.issuer)
			}
		}
	}
	return nil
}

func overlap(a, b []string) bool {
	return slices.ContainsFunc(a, func(s string) bool { return slices.Contains(b, s) })
}

// qualify puts the issuer before the roles and groups of its users.
func qualify(v *verifier) func(context.Context, string) (*User, error) {
	check := v.check
	return func(ctx context.Context, token string) (*User, error) {
		u, err := check(ctx, token)
		if err != nil {
			return nil, err
		}
		copied := *u
		for _, names := range []*[]string{&copied.Roles, &copied.Groups} {
			*names = slices.Clone(*names)
			for i := range *names {
				(*names)[i] = v.issuer + "#" + (*names)[i]
			}
		}
		return &copied, nil
	}
}

// wallClock strips the monotonic reading. Where processes are frozen between
// requests, only the wall clock goes on.
func wallClock(now func() time.Time) func() time.Time {
	return func() time.Time { return now().Round(0) }
}

// Authenticate returns who sent the request. Nil and nil means that it carries
// no credentials: serve it what is public, and [Resource.Unauthenticated] for
// the rest. A challenge means that it must be refused as it says, even where
// nothing is protected.
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
	if err == nil {
		return user, nil
	}
	if errors.Is(err, ErrInvalidToken) {
		r.logger.DebugContext(req.Context(), "access token refused", "reason", err)
		return nil, r.invalidToken(err)
	}
	r.logger.WarnContext(req.Context(), "access token not checked", "error", err)
	after := retryAfter
	if u, ok := errors.AsType[unavailable](err); ok {
		after = u.after
	}
	return nil, r.unavailable(after)
}

func (r *Resource) verify(ctx context.Context, token string) (*User, error) {
	if len(token) > MaxTokenBytes {
		return nil, refuse("token of more than %d bytes", MaxTokenBytes)
	}
	v := r.verifiers[0]
	if len(r.verifiers) > 1 || !v.remembers {
		if err := checkCharacters(token); err != nil {
			return nil, err
		}
	}
	if len(r.verifiers) > 1 {
		if v = r.route(token); v == nil {
			return nil, refuse("token of an unknown issuer")
		}
	}
	user, err := v.check(ctx, token)
	switch {
	case err != nil:
		return nil, err
	case user == nil || user.Issuer != v.issuer || user.Subject == "":
		return nil, fmt.Errorf("provider %s: a token without a subject passed", v.issuer)
	}
	// Other requests with this token have the same user: setting a field or
	// appending to one must not reach them.
	own := *user
	own.Scopes, own.Roles, own.Groups = slices.Clip(own.Scopes), slices.Clip(own.Roles), slices.Clip(own.Groups)
	return &own, nil
}

// route finds the provider that a token says it is from. The claim is not yet
// verified; it selects whose rules and keys the token has to satisfy.
func (r *Resource) route(token string) *verifier {
	parts := strings.Split(token, ".")
	if len(parts) != 3 {
		return nil
	}
	payload, err := decodePart(parts[1])
	if err != nil {
		return nil
	}
	claims, err := decodeObject(payload)
	if err != nil {
		return nil
	}
	iss, _ := claims["iss"].(string)
	for _, v := range r.verifiers {
		if slices.Contains(v.issuers, iss) {
			return v
		}
	}
	return nil
}

// Granted reports whether the token of the caller covers every one of the
// scopes, taking account of those that imply others. Nobody has none.
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

var _ caller.Authority = (*Resource)(nil)

// base64url is the encoding of RFC 7515. Strict refuses stray bits behind the
// last byte: a token has one spelling.
var base64url = base64.RawURLEncoding.Strict()

// decodePart decodes base64url. The decoder would skip line ends.
func decodePart(s string) ([]byte, error) {
	if strings.ContainsAny(s, "\r\n") {
		return nil, errors.New("line end in base64url")
	}
	data, err := base64url.DecodeString(s)
	if err != nil {
		return nil, errors.New("not base64url")
	}
	return data, nil
}
