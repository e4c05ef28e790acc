package idp

import (
	"context"
	"encoding/json"
	"log/slog"
	"slices"
	"strconv"
	"time"

	"github.com/mcpengine/mcpengine/auth"
)

const (
	maxSubjectBytes = 1024
	maxValues       = 1000 // scopes, roles, groups or audiences of one token

	// maxLife bounds how far away an expiry may be. A token for a century is a
	// mistake or a forgery.
	maxLife = 366 * 24 * time.Hour
)

// accept applies the rules to claims from a token or an issuer's answer, and
// returns the user that they describe. It looks first for what is wrong anywhere
// and then for what is meant for another server.
func (p *profile) accept(claims map[string]any, now time.Time, leeway time.Duration) (*auth.User, error) {
	iss, _ := claims["iss"].(string)
	if !p.isIssuer(iss) {
		return nil, refuse("issuer %.200q is not %q", iss, p.issuer)
	}
	if err := checkBinding(claims); err != nil {
		return nil, err
	}
	expiry, err := p.checkTimes(claims, now, leeway)
	if err != nil {
		return nil, err
	}
	subject, ok := claims["sub"].(string)
	if !ok || subject == "" || len(subject) > maxSubjectBytes {
		return nil, refuse("claim sub")
	}
	u := &auth.User{Issuer: p.issuer, Subject: subject, Expiry: expiry, Claims: claims}
	u.ClientID = firstString(claims, "client_id", "azp", "cid")
	if err := p.checkAudience(claims, u.ClientID); err != nil {
		return nil, err
	}
	for _, r := range p.required {
		if claims[r[0]] != r[1] {
			return nil, refuse("claim %s is not as required", r[0])
		}
	}
	if p.check != nil {
		if err := p.check(claims); err != nil {
			return nil, err
		}
	}
	p.fill(claims, u)
	return u, nil
}

// fill reads the claims that describe the user.
func (p *profile) fill(claims map[string]any, u *auth.User) {
	u.Name = firstString(claims, "name", "preferred_username")
	u.Email, _ = claims["email"].(string)
	u.EmailVerified = u.Email != "" && claims["email_verified"] == true
	// The subject of a client's own token is the client (RFC 9068, section 5).
	u.Machine = u.ClientID != "" && u.Subject == u.ClientID
	if !p.idToken {
		for _, path := range p.scopes {
			if value, present := lookup(claims, path); present {
				u.Scopes = auth.ParseScopes(value)
				break
			}
		}
	}
	if value, ok := lookup(claims, p.roles); ok {
		u.Roles = values(value)
	}
	if value, ok := lookup(claims, p.groups); ok {
		u.Groups = values(value)
	}
	if p.describe != nil {
		p.describe(claims, u)
	}
}

// checkBinding refuses tokens that only the holder of a key may use (RFC 7800,
// section 3.1): nothing here proves possession of it, and as a bearer token it
// would be good for a thief.
func checkBinding(claims map[string]any) error {
	cnf, present := claims["cnf"]
	if !present {
		return nil
	}
	confirmation, _ := cnf.(map[string]any)
	_, dpop := confirmation["jkt"]
	return &auth.InvalidTokenError{Reason: "token is bound to a key", Bound: dpop}
}

// checkTimes checks "exp", "nbf" and "iat" (RFC 7519, sections 4.1.4 to 4.1.6)
// and returns the expiry, which is required.
func (p *profile) checkTimes(claims map[string]any, now time.Time, leeway time.Duration) (time.Time, error) {
	var exp, nbf, iat time.Time
	for _, claim := range [...]struct {
		name string
		to   *time.Time
	}{{"exp", &exp}, {"nbf", &nbf}, {"iat", &iat}} {
		if value, present := claims[claim.name]; present {
			t, ok := numericDate(value)
			if !ok {
				return exp, refuse("claim %s", claim.name)
			}
			*claim.to = t
		}
	}
	switch {
	case exp.IsZero():
		return exp, refuse("claim exp is missing")
	case !now.Before(exp.Add(leeway)):
		return exp, &auth.InvalidTokenError{Reason: "token has expired", Expired: true}
	case exp.After(now.Add(maxLife)):
		return exp, refuse("expiry is more than a year away")
	case now.Add(leeway).Before(nbf):
		return exp, refuse("token is not valid yet")
	case now.Add(leeway).Before(iat):
		return exp, refuse("token was issued in the future")
	case p.maxAge > 0 && now.After(iat.Add(p.maxAge+leeway)): // or no iat
		return exp, refuse("token is too old")
	}
	return exp, nil
}

// numericDate reads whole seconds since 1970. RFC 7519 allows fractions and
// exponents; no issuer needs them, and readers differ about them.
func numericDate(value any) (time.Time, bool) {
	number, _ := value.(json.Number)
	seconds, err := strconv.ParseInt(string(number), 10, 64)
	if err != nil || seconds <= 0 || seconds > 1<<40 {
		return time.Time{}, false
	}
	return time.Unix(seconds, 0), true
}

// checkAudience makes sure that the token was issued for this server
// (basic/authorization, "Token Handling"; RFC 7519, section 4.1.3).
func (p *profile) checkAudience(claims map[string]any, client string) error {
	if len(p.clients) > 0 && !slices.Contains(p.clients, client) {
		return refuse("token was issued to another client")
	}
	aud, present := claims["aud"]
	if !present && p.clientAudience && len(p.clients) > 0 {
		return nil // the client, checked above, stands for the audience
	}
	var audiences []string
	switch aud := aud.(type) {
	case string:
		audiences = []string{aud}
	case []any:
		audiences = values(aud)
	}
	if !slices.ContainsFunc(audiences, p.isAudience) {
		return refuse("token is for another audience")
	}
	if p.strictAudience && slices.ContainsFunc(audiences, func(s string) bool { return !p.isAudience(s) }) {
		return refuse("token is for another audience too")
	}
	return nil
}

func (p *profile) isAudience(s string) bool { return slices.Contains(p.audiences, s) }

// lookup follows a path of names into nested claims.
func lookup(claims map[string]any, path []string) (any, bool) {
	var value any = claims
	for _, name := range path {
		object, _ := value.(map[string]any)
		inner, present := object[name]
		if !present {
			return nil, false
		}
		value = inner
	}
	return value, len(path) > 0
}

// values reads a claim with several values: a list of strings, or one string.
// Any other claim has no values.
func values(claim any) []string {
	switch claim := claim.(type) {
	case string:
		if claim != "" {
			return []string{claim}
		}
	case []any:
		if len(claim) > maxValues {
			return nil
		}
		list := make([]string, 0, len(claim))
		for _, entry := range claim {
			s, ok := entry.(string)
			if !ok || s == "" {
				return nil
			}
			list = append(list, s)
		}
		return list
	}
	return nil
}

// firstString returns the first of the claims that is a string with something
// in it.
func firstString(claims map[string]any, names ...string) string {
	for _, name := range names {
		if s, _ := claims[name].(string); s != "" {
			return s
		}
	}
	return ""
}

// logOverage warns that an issuer left the groups of a user out of the token,
// because there are too many. Rules see a user without groups.
func logOverage(ctx context.Context, logger *slog.Logger, u *auth.User) {
	_, names := u.Claims["_claim_names"]
	_, has := u.Claims["hasgroups"]
	if (names || has) && len(u.Groups) == 0 {
		logger.WarnContext(ctx, "the token leaves out the groups of the user: rules see no groups",
			"issuer", u.Issuer, "subject", u.Subject)
	}
}
