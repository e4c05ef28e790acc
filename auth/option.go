package auth

import (
	"fmt"
	"log/slog"
	"net/http"
	"time"
)

// A ResourceOption adjusts a [Resource].
type ResourceOption func(*resourceConfig)

type resourceConfig struct {
	environment Environment
	scopes      []string
	hierarchy   hierarchy
	providers   []Provider
	upstream    []UpstreamAPI
	open        bool
	faults      []error
}

func (c *resourceConfig) fault(format string, args ...any) {
	c.faults = append(c.faults, fmt.Errorf(format, args...))
}

// WithScopes sets the scopes that the metadata offers: the few that basic use
// needs, not every scope (basic/authorization, "Scope Selection Strategy"). By
// default the metadata offers no scopes, and clients ask for the scopes that
// challenges name.
func WithScopes(scopes ...string) ResourceOption {
	return func(c *resourceConfig) {
		for _, scope := range scopes {
			if !ValidScope(scope) || scope == offlineAccess {
				c.fault("scope %q cannot be offered", scope)
			}
		}
		c.scopes = scopes
	}
}

// WithHierarchy declares that one scope implies others and all that they
// imply. Give it once for each broad scope.
func WithHierarchy(scope string, implied ...string) ResourceOption {
	return func(c *resourceConfig) {
		for _, s := range append([]string{scope}, implied...) {
			if !ValidScope(s) {
				c.fault("scope %q in the hierarchy is invalid", s)
			}
		}
		c.hierarchy[scope] = append(c.hierarchy[scope], implied...)
	}
}

// OpenDiscovery answers server/discover, initialize and the lists without a
// token, so that clients can see the features before anybody logs in. By
// default they need a token, as everything does that is not public.
func OpenDiscovery() ResourceOption { return func(c *resourceConfig) { c.open = true } }

// WithProvider accepts the tokens of one more issuer. All providers of a
// resource with several must issue JWTs, which name their issuer. Two issuers may
// use one name for different things, so the roles and groups of all of them are
// then qualified: the group "admin" is issuer + "#admin". Rules written for one
// provider have to be adapted; until then they deny.
func WithProvider(p Provider) ResourceOption {
	return func(c *resourceConfig) { c.providers = append(c.providers, p) }
}

// WithLeeway sets how far the clocks of issuer and server may disagree, 30
// seconds by default and 5 minutes at most.
func WithLeeway(d time.Duration) ResourceOption {
	return func(c *resourceConfig) {
		if c.environment.Leeway = d; d < 0 || d > 5*time.Minute {
			c.fault("leeway %s is not between 0 and 5m", d)
		}
	}
}

// WithTokenCache sets how many verified tokens are remembered, 1,024 by
// default. A token is remembered for a minute at most and never past its
// expiry. With 0 no token is remembered.
func WithTokenCache(size int) ResourceOption {
	return func(c *resourceConfig) { c.environment.TokenCache = size }
}

// WithHTTPClient sets the client for requests to providers. The default is
// [http.DefaultClient]. Its redirect policy and cookie jar are not used, and
// each answer has five seconds.
func WithHTTPClient(client *http.Client) ResourceOption {
	return func(c *resourceConfig) {
		if client != nil {
			c.environment.Client = client
		}
	}
}

// WithClock sets the clock, [time.Now] by default.
func WithClock(now func() time.Time) ResourceOption {
	return func(c *resourceConfig) {
		if now != nil {
			c.environment.Now = now
		}
	}
}

// WithLogger sets the logger for refused tokens, with the reason (level debug),
// and for providers that do not answer (level warn). The default logs nothing.
func WithLogger(logger *slog.Logger) ResourceOption {
	return func(c *resourceConfig) {
		if logger != nil {
			c.environment.Logger = logger
		}
	}
}
