package auth

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"time"
)

// GitHubIssuer is the issuer of the users of [GitHub].
const GitHubIssuer = "https://github.com/login/oauth"

// GitHub accepts tokens that users of GitHub gave to one OAuth App or GitHub
// App, whose id and secret are the arguments. GitHub is asked about each token
// whether it belongs to this app: a token of another app, or a personal access
// token, proves that somebody has it and not that they gave it to us.
//
// The subject is the numeric id of the account, which stays when the login
// changes; Name is the login. Scopes are GitHub's and not the server's.
func GitHub(clientID, clientSecret string) Provider { return github{clientID, clientSecret} }

type github struct{ id, secret string }

// Issuer implements [Provider].
func (github) Issuer() string { return GitHubIssuer }

func (g github) open(env *environment) (*verifier, error) {
	if g.id == "" || g.secret == "" {
		return nil, errors.New("no client id or no client secret")
	}
	remote := newRemote(env, func(ctx context.Context, token string) (*User, error) {
		return g.ask(ctx, env, token)
	})
	return &verifier{issuer: GitHubIssuer, server: GitHubIssuer, check: remote.check, remembers: true}, nil
}

// ask uses "check a token" of GitHub's REST API.
func (g github) ask(ctx context.Context, env *environment, token string) (*User, error) {
	body, err := json.Marshal(map[string]string{"access_token": token})
	if err != nil {
		return nil, errors.New("check token: encode request")
	}
	endpoint := "https://api.github.com/applications/" + url.PathEscape(g.id) + "/token"
	a, err := ask(ctx, env.client, http.MethodPost, endpoint, "application/json", string(body), func(req *http.Request) {
		req.SetBasicAuth(g.id, g.secret)
		req.Header.Set("Accept", "application/vnd.github+json")
		req.Header.Set("X-GitHub-Api-Version", "2022-11-28")
	})
	switch {
	case err != nil:
		return nil, fmt.Errorf("check token: %w", err)
	case a.status == http.StatusNotFound || a.status == http.StatusUnprocessableEntity:
		return nil, refuse("GitHub does not know the token as one of the app")
	case a.status != http.StatusOK:
		return nil, fmt.Errorf("check token: HTTP status %d", a.status)
	}
	claims, err := decodeObject(a.body)
	if err != nil {
		return nil, errors.New("check token: the answer is not a JSON object")
	}
	return g.read(claims, env.now())
}

func (g github) read(claims map[string]any, now time.Time) (*User, error) {
	app, _ := claims["app"].(map[string]any)
	account, _ := claims["user"].(map[string]any)
	id, _ := account["id"].(json.Number)
	if app["client_id"] != g.id {
		return nil, refuse("token is of another app")
	}
	if _, err := id.Int64(); err != nil {
		return nil, refuse("token is of nobody")
	}
	u := &User{Issuer: GitHubIssuer, Subject: id.String(), ClientID: g.id, Claims: account}
	u.Name = firstString(account, "login")
	u.Scopes = values(claims["scopes"], false)
	if end, present := claims["expires_at"]; present && end != nil {
		s, _ := end.(string)
		var err error
		if u.Expiry, err = time.Parse(time.RFC3339, s); err != nil {
			return nil, refuse("expires_at is not a time")
		}
		if !now.Before(u.Expiry) {
			return nil, refusal{reason: "token has expired", expired: true}
		}
	}
	return u, nil
}
