package idp

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"time"

	"github.com/mcpengine/mcpengine/auth"
)

// GitHubIssuer is the issuer of the users of [GitHub].
const GitHubIssuer = "https://github.com/login/oauth"

// gitHubRefusals is how many bad tokens GitHub is asked about in a minute. It
// answers 5,000 questions of one app in an hour, and renewals need most of them.
const gitHubRefusals = 30

// GitHub accepts tokens that users of GitHub gave to one OAuth App or GitHub
// App, whose id and secret are the arguments. GitHub is asked about each token
// whether it belongs to this app: a token of another app, or a personal access
// token, proves that somebody has it and not that they gave it to us.
//
// The subject is the numeric id of the account, which stays when the login
// changes; Name is the login. Scopes are GitHub's and not the server's.
func GitHub(clientID, clientSecret string) auth.Provider { return github{clientID, clientSecret} }

type github struct{ id, secret string }

// Issuer implements [auth.Provider].
func (github) Issuer() string { return GitHubIssuer }

func (g github) Open(env auth.Environment) (*auth.Verifier, error) {
	if g.id == "" || g.secret == "" {
		return nil, errors.New("no client id or no client secret")
	}
	env.Client = harden(env.Client)
	verify := func(ctx context.Context, token string) (*auth.User, error) { return g.ask(ctx, env, token) }
	return &auth.Verifier{
		Verify: verify, AuthorizationServer: GitHubIssuer,
		Refusals: gitHubRefusals, Remember: rememberTime,
	}, nil
}

// ask uses "check a token" of GitHub's REST API.
func (g github) ask(ctx context.Context, env auth.Environment, token string) (*auth.User, error) {
	body, err := json.Marshal(map[string]string{"access_token": token})
	if err != nil {
		return nil, unavailable("check token: encode request")
	}
	endpoint := "https://api.github.com/applications/" + url.PathEscape(g.id) + "/token"
	a, err := ask(ctx, env.Client, http.MethodPost, endpoint, "application/json", string(body), func(req *http.Request) {
		req.SetBasicAuth(g.id, g.secret)
		req.Header.Set("Accept", "application/vnd.github+json")
		req.Header.Set("X-GitHub-Api-Version", "2022-11-28")
	})
	switch {
	case err != nil:
		return nil, unavailable("check token: %v", err)
	case a.status == http.StatusNotFound || a.status == http.StatusUnprocessableEntity:
		return nil, refuse("GitHub does not know the token as one of the app")
	case a.status != http.StatusOK:
		return nil, unavailable("check token: HTTP status %d", a.status)
	}
	claims, err := decodeObject(a.body)
	if err != nil {
		return nil, unavailable("check token: the answer is not a JSON object")
	}
	return g.read(claims, env.Now())
}

func (g github) read(claims map[string]any, now time.Time) (*auth.User, error) {
	app, _ := claims["app"].(map[string]any)
	account, _ := claims["user"].(map[string]any)
	id, _ := account["id"].(json.Number)
	if app["client_id"] != g.id {
		return nil, refuse("token is of another app")
	}
	if _, err := id.Int64(); err != nil {
		return nil, refuse("token is of nobody")
	}
	u := &auth.User{Issuer: GitHubIssuer, Subject: id.String(), ClientID: g.id, Claims: account}
	u.Name = firstString(account, "login")
	u.Scopes = auth.ParseScopes(claims["scopes"])
	if end, present := claims["expires_at"]; present && end != nil {
		s, _ := end.(string)
		var err error
		if u.Expiry, err = time.Parse(time.RFC3339, s); err != nil {
			return nil, refuse("expires_at is not a time")
		}
		if !now.Before(u.Expiry) {
			return nil, &auth.InvalidTokenError{Reason: "token has expired", Expired: true}
		}
	}
	return u, nil
}
