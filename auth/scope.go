package auth

import (
	"fmt"
	"slices"
	"strings"
)

// offlineAccess asks for a refresh token. A resource has nothing to do with refresh
// tokens, so the scope is neither advertised nor challenged for (basic/authorization, "Refresh
// Tokens").
const offlineAccess = "offline_access"

// ValidScope reports whether scope can be named in a request or a challenge: a
// scope-token of RFC 6749, section 3.3, of at most 256 bytes.
func ValidScope(scope string) bool {
	return scope != "" && len(scope) <= maxScopeBytes && strings.IndexFunc(scope, notScope) < 0
}

// maxScopeBytes and maxScopes bound one scope and the scopes of one token.
const (
	maxScopeBytes = 256
	maxScopes     = 1000
)

// notScope reports whether a character cannot stand in a scope (RFC 6749,
// section 3.3).
func notScope(c rune) bool { return c < 0x21 || c > 0x7e || c == '"' || c == '\\' }

// ParseScopes reads the scopes that a token was granted: a string in which
// spaces (U+0020) separate them, as in the claim "scope" of RFC 9068, or a list
// of strings of one scope each. A character that no scope may hold, such as a
// tab or a line end, voids the whole claim: two readers might split it
// differently. Scopes that are too long for [ValidScope] are left out.
func ParseScopes(claim any) []string {
	var scopes []string
	switch claim := claim.(type) {
	case string:
		for scope := range strings.SplitSeq(claim, " ") {
			if scope != "" {
				scopes = append(scopes, scope)
			}
		}
	case []string:
		scopes = slices.Clone(claim)
	case []any:
		for _, entry := range claim {
			scope, ok := entry.(string)
			if !ok {
				return nil
			}
			scopes = append(scopes, scope)
		}
	}
	void := func(s string) bool { return s == "" || strings.IndexFunc(s, notScope) >= 0 }
	if len(scopes) > maxScopes || slices.ContainsFunc(scopes, void) {
		return nil
	}
	return slices.DeleteFunc(scopes, func(s string) bool { return !ValidScope(s) })
}

// standardScopes belong to OpenID Connect and are requested as they are, even
// where a provider puts the name of the API in front of the others.
var standardScopes = []string{"openid", "profile", "email", "address", "phone"}

// A hierarchy says which scopes a scope implies.
type hierarchy map[string][]string

// close makes the hierarchy transitive. A scope that implies itself by way of
// others is an error: then the narrow one would open what the broad one does.
func (h hierarchy) close() (hierarchy, error) {
	closed := make(hierarchy, len(h))
	for scope := range h {
		all, err := h.reach(scope, []string{scope})
		if err != nil {
			return nil, err
		}
		slices.Sort(all)
		closed[scope] = slices.Compact(all)
	}
	return closed, nil
}

func (h hierarchy) reach(scope string, path []string) ([]string, error) {
	var all []string
	for _, implied := range h[scope] {
		if slices.Contains(path, implied) {
			return nil, fmt.Errorf("the scope hierarchy has a cycle: %s", strings.Join(append(path, implied), " implies "))
		}
		below, err := h.reach(implied, append(slices.Clip(path), implied))
		if err != nil {
			return nil, err
		}
		all = append(append(all, implied), below...)
	}
	return all, nil
}

// grants reports whether the granted scopes cover the one that is needed.
// Scopes are compared byte for byte: there are no patterns.
func (h hierarchy) grants(granted []string, needed string) bool {
	return slices.ContainsFunc(granted, func(scope string) bool {
		return scope == needed || slices.Contains(h[scope], needed)
	})
}
