package broker

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"slices"
	"time"

	"github.com/mcpengine/mcpengine/auth"
	"github.com/mcpengine/mcpengine/auth/idp"
	"github.com/mcpengine/mcpengine/internal/jsonrpc"
)

// userInfo returns the user of a provider that sends no ID token when a token is
// renewed, which it may leave out (OpenID Connect Core, section 12.2). Its endpoint for
// that says the same about the user (section 5.3). The caller compares the subject with
// the one that an ID token has proved at the sign-in.
func (u *upstream) userInfo(ctx context.Context, access string) (*auth.User, error) {
	e, err := u.discover(ctx)
	if err != nil {
		return nil, err
	}
	if e.userInfo == "" {
		return nil, &auth.UnavailableError{Reason: "the provider sent no ID token and has no userinfo endpoint"}
	}
	claims, err := u.askUserInfo(ctx, e.userInfo, access)
	if err != nil {
		return nil, err
	}
	return u.readUserInfo(ctx, claims)
}

// askUserInfo asks for the claims of the owner of an access token.
func (u *upstream) askUserInfo(ctx context.Context, target, access string) (map[string]any, error) {
	ctx, cancel := context.WithTimeout(ctx, upstreamTimeout)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, target, http.NoBody)
	if err != nil {
		return nil, &auth.UnavailableError{Reason: "userinfo: invalid URL"}
	}
	req.Header.Set("Accept", "application/json")
	req.Header.Set("Authorization", "Bearer "+access)
	resp, err := u.env.Client.Do(req)
	if err != nil {
		return nil, &auth.UnavailableError{Reason: "userinfo: " + auth.Redact(err)}
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer+1))
	switch {
	case err != nil || len(body) > maxAnswer:
		return nil, &auth.UnavailableError{Reason: "userinfo: no answer of a usual size"}
	case resp.StatusCode != http.StatusOK:
		return nil, &auth.UnavailableError{Reason: fmt.Sprintf("userinfo: HTTP status %d", resp.StatusCode)}
	}
	var claims map[string]any
	d := json.NewDecoder(bytes.NewReader(body))
	d.UseNumber() // long numbers keep their digits
	if _, err := jsonrpc.ParseObject(body); err != nil || d.Decode(&claims) != nil {
		return nil, &auth.UnavailableError{Reason: "userinfo: the answer is not a JSON object"}
	}
	return claims, nil
}

// readUserInfo reads claims by the rules for ID tokens. To that end it makes an ID token
// of them, signed with a key that is used once.
func (u *upstream) readUserInfo(ctx context.Context, claims map[string]any) (*auth.User, error) {
	now := u.env.Now()
	for _, name := range []string{"nonce", "azp", "nbf", "cnf"} {
		delete(claims, name)
	}
	claims["iss"], claims["aud"] = u.issuer, u.clientID
	claims["iat"], claims["exp"] = now.Unix(), now.Add(time.Minute).Unix()
	payload, err := json.Marshal(claims)
	if err != nil {
		return nil, err
	}
	seed := make([]byte, ed25519.SeedSize)
	_, _ = rand.Read(seed) // never fails: it ends the process instead
	k := newSigner(seed)
	k.header = base64url.EncodeToString([]byte(`{"alg":"` + algorithm + `","typ":"JWT","kid":"` + k.jwk.ID + `"}`))
	keys, err := json.Marshal(map[string]any{"keys": []jwk{k.jwk}})
	if err != nil {
		return nil, err
	}
	env := u.env
	env.TokenCache, env.Client = 0, &http.Client{Transport: nowhere{}}
	v, err := idp.IDToken(u.issuer, u.clientID, append(slices.Clone(u.identity), idp.WithKeySet(keys))...).Open(env)
	if err != nil {
		return nil, err
	}
	signed := k.header + "." + base64url.EncodeToString(payload)
	signature := ed25519.Sign(k.private, []byte(signed))
	return v.Verify(ctx, signed+"."+base64url.EncodeToString(signature))
}
