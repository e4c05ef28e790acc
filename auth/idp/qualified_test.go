package idp_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/mcpengine/mcpengine/auth"
	"github.com/mcpengine/mcpengine/auth/authtest"
	"github.com/mcpengine/mcpengine/auth/idp"
)

// checkQualified checks a user of a provider that is one of two: roles and groups have
// the issuer before them, as the program spells it, and rules may name the issuer.
func checkQualified(t *testing.T, p auth.Provider, header, claims authtest.Claims, alone *auth.User) {
	t.Helper()
	const second = "https://second.example"
	for name, b := range map[string]*bed{
		"first":  newBedOf(t, p, auth.WithProvider(idp.OIDC(second, resourceURL))),
		"second": newBedOf(t, idp.OIDC(second, resourceURL), auth.WithProvider(p)),
	} {
		b.net.serve(strings.TrimSuffix(p.Issuer(), "/"), b.idp)
		b.net.serve(second, b.idp)
		u := b.accept(t, b.idp.Sign(header, bearing(claims, nil)))
		for what, names := range map[string][2][]string{"roles": {alone.Roles, u.Roles}, "groups": {alone.Groups, u.Groups}} {
			var want []string
			for _, plain := range names[0] {
				want = append(want, p.Issuer()+"#"+plain)
			}
			if !slices.Equal(names[1], want) {
				t.Errorf("%s provider: %s %q, want %q", name, what, names[1], want)
			}
		}
		// The other issuer uses the same names and means others.
		other := b.accept(t, b.idp.AccessToken(resourceURL, authtest.Claims{"iss": second, "sub": alone.Subject, "roles": alone.Roles, "groups": alone.Groups}))
		rules := []auth.Rule{auth.FromIssuer(p.Issuer()), auth.FromIssuer(strings.TrimSuffix(p.Issuer(), "/")), auth.IsUser(p.Issuer(), alone.Subject)}
		for _, role := range alone.Roles {
			rules = append(rules, auth.HasRole(p.Issuer()+"#"+role))
		}
		for _, group := range alone.Groups {
			rules = append(rules, auth.InGroup(p.Issuer()+"#"+group))
		}
		for _, rule := range rules {
			if err := rule.Check(t.Context(), u); err != nil {
				t.Errorf("%s provider: %v", name, err)
			}
			if err := rule.Check(t.Context(), other); err == nil {
				t.Errorf("%s provider: a user of %s does %s", name, second, rule)
			}
		}
	}
}
