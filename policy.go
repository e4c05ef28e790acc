package mcpengine

import (
	"errors"
	"fmt"

	"github.com/mcpengine/mcpengine/auth"
)

// A policy says which callers may use a feature. The zero policy admits every
// verified caller; without [WithAuth] every policy admits everybody.
type policy struct {
	public bool // no caller has to be verified
	hidden bool
	scopes []string
	rules  []auth.Rule
	faults []error
}

// WithAuth protects the engine with a resource of package auth, an
// *auth.Resource. From then on every feature needs a valid access token unless
// it is [Public], and so do lists and server/discover unless the resource has
// auth.OpenDiscovery. Over HTTP, in every protocol version and on AWS Lambda, a
// caller without a token is answered with 401, and a caller that may not use a
// feature with 403, in both cases before the handler or any middleware runs.
// Over stdio callers are not verified, so that only public features work.
//
// New panics when it is given twice.
func WithAuth(resource auth.Authority) Option {
	return engineOption(func(e *Engine) {
		switch {
		case resource == nil:
			panic("mcpengine: WithAuth: no resource")
		case e.auth != nil:
			panic("mcpengine: WithAuth: given twice")
		}
		e.auth = resource
	})
}

type policyOption func(*policy)

func (o policyOption) applyToTool(c *toolConfig)         { o(&c.policy) }
func (o policyOption) applyToResource(c *resourceConfig) { o(&c.policy) }
func (o policyOption) applyToPrompt(c *promptConfig)     { o(&c.policy) }
func (o policyOption) applyToMethod(c *methodConfig)     { o(&c.policy) }

// Public opens a feature to everybody, verified or not. A token that is sent
// nevertheless has to be valid. Most clients list features before they use one,
// and clients of handshake versions begin with initialize: over HTTP they need
// auth.OpenDiscovery to get as far as the feature without a token.
func Public() PolicyOption {
	return policyOption(func(p *policy) { p.public = true })
}

// RequireScopes demands that the caller's token was granted every one of the
// scopes, by itself or by way of auth.WithHierarchy, beside what every feature
// demands: a valid token. A token that lacks one is answered with 403 and all of
// the scopes, so that the client can ask for them at once. Given again, it adds
// scopes.
//
// The feature cannot be added without a scope or with one that is not valid,
// without [WithAuth], or together with [Public].
func RequireScopes(scopes ...string) PolicyOption {
	return policyOption(func(p *policy) {
		p.scopes = append(p.scopes, scopes...)
		if len(scopes) == 0 {
			p.faults = append(p.faults, errors.New("RequireScopes: no scope"))
		}
		for _, scope := range scopes {
			if !auth.ValidScope(scope) {
				p.faults = append(p.faults, fmt.Errorf("RequireScopes: scope %q is not valid", scope))
			}
		}
	})
}

// Allow demands that the caller satisfies every one of the rules, each an
// auth.Rule, such as auth.InGroup("admin"). A caller that does not is answered
// with a plain 403, because another token would not help, and does not find the
// feature in lists: a rule is therefore asked often and should answer fast.
// Given again, it adds rules.
//
// The feature cannot be added without a rule, without [WithAuth], or together
// with [Public].
func Allow(rules ...auth.Rule) PolicyOption {
	return policyOption(func(p *policy) {
		p.rules = append(p.rules, rules...)
		if len(rules) == 0 {
			p.faults = append(p.faults, errors.New("Allow: no rule"))
		}
	})
}

// Hidden keeps from callers that may not use a feature that it exists: it is
// left out of their lists, and using it is answered as if the feature did not
// exist. They are not told which scopes would open it either. Without it a
// feature that only lacks a scope is listed, so that clients can ask for the
// scope.
//
// The feature cannot be added without [WithAuth], or together with [Public].
func Hidden() PolicyOption {
	return policyOption(func(p *policy) { p.hidden = true })
}

// check refuses options that contradict each other or the engine.
func (p *policy) check(e *Engine) error {
	closed := len(p.scopes) > 0 || len(p.rules) > 0 || len(p.faults) > 0 || p.hidden
	switch {
	case p.public && closed:
		return errors.New("Public contradicts RequireScopes, Allow and Hidden")
	case closed && e.auth == nil:
		return errors.New("RequireScopes, Allow and Hidden need WithAuth, without which nobody is verified")
	}
	return errors.Join(p.faults...)
}
