package idp

import (
	"context"
	"encoding/hex"
	"encoding/json"
	"errors"
	"hash/crc32"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/mcpengine/mcpengine/auth"
	"github.com/mcpengine/mcpengine/internal/guard"
)

// GitHubIssuer is the issuer of the users of [GitHub].
const GitHubIssuer = "https://github.com/login/oauth"

// gitHubRefusals is how many bad tokens GitHub is asked about in a minute. It
// answers 5,000 questions of one app in an hour, and renewals need most of them.
const gitHubRefusals = 30

// GitHub accepts tokens that users of GitHub gave to one OAuth App or GitHub
// App, whose id and secret are the arguments. GitHub is asked about each token
// whether it belongs to this app. A token of another app, or a personal access
// token, may have been given to somebody else and is refused.
//
// The subject is the numeric id of the account, which does not change with the
// login; Name is the login. Scopes are GitHub's and not the server's.
func GitHub(clientID, clientSecret string) auth.Provider { return github{clientID, clientSecret} }

type github struct{ id, secret string }

// Issuer implements [auth.Provider].
func (github) Issuer() string { return GitHubIssuer }

func (g github) Open(env auth.Environment) (*auth.Verifier, error) {
	if g.id == "" || g.secret == "" {
		return nil, errors.New("no client id or no client secret")
	}
	env.Client = guard.Harden(env.Client)
	verify := func(ctx context.Context, token string) (*auth.User, error) {
		if !isGitHubToken(token) {
			return nil, refuse("not a token that GitHub gives to apps")
		}
		return g.ask(ctx, env, token)
	}
	return &auth.Verifier{
		Verify: verify, AuthorizationServer: GitHubIssuer,
		Refusals: gitHubRefusals, Remember: rememberTime,
	}, nil
}

// isGitHubToken reports whether GitHub can have given the token to an app for a
// user: gho_ or ghu_ and, in tokens of the usual length, a checksum at the end;
// or the 40 hexadecimal digits of a token from before 2021. Personal access
// tokens and installation tokens have other prefixes.
//
// https://github.blog/engineering/platform-security/behind-githubs-new-authentication-token-formats/
func isGitHubToken(token string) bool {
	prefix, rest, found := strings.Cut(token, "_")
	if !found {
		_, err := hex.DecodeString(token)
		return err == nil && len(token) == 40
	}
	if prefix != "gho" && prefix != "ghu" {
		return false
	}
	const random, checksum = 30, 6
	return len(rest) != random+checksum || rest[random:] == base62(crc32.ChecksumIEEE([]byte(rest[:random])))
}

// base62 writes a number in the six digits of a checksum.
func base62(n uint32) string {
	const digits = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
	var text [6]byte
	for i := range text {
		text[len(text)-1-i] = digits[n%62]
		n /= 62
	}
	return string(text[:])
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
		return nil, refuse("token belongs to another app")
	}
	if _, err := id.Int64(); err != nil {
		return nil, refuse("the answer names no user")
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
