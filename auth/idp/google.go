package idp

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"time"

	"github.com/mcpengine/mcpengine/auth"
	"github.com/mcpengine/mcpengine/internal/guard"
)

// GoogleIssuer is the issuer of the users of [Google] and [GoogleAccessToken].
const GoogleIssuer = "https://accounts.google.com"

// Google accepts ID tokens of Google that were issued to one OAuth client. An
// ID token is meant for that client and names the user that logged in there. So
// use a client for this server and nothing else; all its users may call. An ID
// token has no scopes. To admit one Workspace domain only, add
// RequireClaim("hd", "example.com").
func Google(clientID string, opts ...Option) auth.Provider {
	return newProfile(profile{
		issuer:    GoogleIssuer,
		aliases:   []string{"accounts.google.com"}, // older tokens
		audiences: []string{clientID},
		idToken:   true,
		check: func(claims map[string]any) error {
			if _, single := claims["aud"].(string); !single {
				return refuse("several audiences")
			}
			if azp, present := claims["azp"]; present && azp != clientID {
				return refuse("token was issued to another client")
			}
			return nil
		},
	}, opts)
}

const googleTokenInfo = "https://oauth2.googleapis.com/tokeninfo"

// GoogleAccessToken accepts access tokens of Google that were issued to one
// OAuth client. They are opaque, so Google is asked about each. The client has
// to request the scope openid, without which Google does not name the user.
// Scopes are Google's and not the server's.
func GoogleAccessToken(clientID string) auth.Provider { return googleAccess{clientID} }

type googleAccess struct{ clientID string }

// Issuer implements [auth.Provider].
func (googleAccess) Issuer() string { return GoogleIssuer }

func (g googleAccess) Open(env auth.Environment) (*auth.Verifier, error) {
	if g.clientID == "" {
		return nil, errors.New("no client id")
	}
	env.Client = guard.Harden(env.Client)
	verify := func(ctx context.Context, token string) (*auth.User, error) { return g.ask(ctx, env, token) }
	return &auth.Verifier{
		Verify: verify, AuthorizationServer: GoogleIssuer,
		Refusals: maxRefusals, Remember: rememberTime,
	}, nil
}

// ask sends the token in a header, because a URL would keep it.
func (g googleAccess) ask(ctx context.Context, env auth.Environment, token string) (*auth.User, error) {
	a, err := ask(ctx, env.Client, http.MethodPost, googleTokenInfo, formType, "", func(req *http.Request) {
		req.Header.Set("Authorization", "Bearer "+token)
	})
	switch {
	case err != nil:
		return nil, unavailable("tokeninfo: %v", err)
	case a.status == http.StatusBadRequest || a.status == http.StatusUnauthorized:
		return nil, refuse("Google does not know the token")
	case a.status != http.StatusOK:
		return nil, unavailable("tokeninfo: HTTP status %d", a.status)
	}
	claims, err := decodeObject(a.body)
	if err != nil {
		return nil, unavailable("tokeninfo: the answer is not a JSON object")
	}
	return g.read(claims, env.Now(), env.Leeway)
}

// read judges an answer, in which numbers and truth values are strings.
func (g googleAccess) read(claims map[string]any, now time.Time, leeway time.Duration) (*auth.User, error) {
	if claims["aud"] != g.clientID {
		return nil, refuse("token is for another client")
	}
	if azp, present := claims["azp"]; present && azp != g.clientID {
		return nil, refuse("token was issued to another client")
	}
	exp, _ := claims["exp"].(string)
	expiry, ok := numericDate(json.Number(exp))
	switch {
	case !ok:
		return nil, refuse("claim exp")
	case !now.Before(expiry.Add(leeway)):
		return nil, &auth.InvalidTokenError{Reason: "token has expired", Expired: true}
	}
	subject, _ := claims["sub"].(string)
	if subject == "" || len(subject) > maxSubjectBytes {
		return nil, refuse("claim sub")
	}
	u := &auth.User{Issuer: GoogleIssuer, Subject: subject, ClientID: g.clientID, Expiry: expiry, Claims: claims}
	u.Email, _ = claims["email"].(string)
	u.EmailVerified = u.Email != "" && claims["email_verified"] == "true"
	u.Scopes = auth.ParseScopes(claims["scope"])
	return u, nil
}
