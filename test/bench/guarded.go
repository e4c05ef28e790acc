package main

import (
	"crypto/ed25519"
	"encoding/base64"
	"fmt"
	"net/http"
	"time"

	"github.com/mcpengine/mcpengine"
	"github.com/mcpengine/mcpengine/auth"
	"github.com/mcpengine/mcpengine/auth/idp"
)

// openName is our server without authentication, beside the one with.
const openName = "ours-open"

const (
	guardedRow   = "call-authorized"
	guardedIssue = "https://id.example"
	guardedURL   = "https://rs.example/mcp"
)

// guardedCall is a call that carries an access token, which all requests but
// the first have in common.
func guardedCall() row {
	r := callRow(guardedRow, setup{text, 1})
	r.request.Override = http.Header{"Authorization": {"Bearer " + guardedToken(time.Now())}}
	return r
}

func guardedRivals() []rival {
	return []rival{
		{name: oursName, serve: serveGuarded},
		{name: openName, serve: serveOurs},
		{name: plainName, serve: servePlain},
	}
}

// guardedKey signs for an issuer that the servers know without asking. It is no
// secret, and the same in every process of a run.
func guardedKey() ed25519.PrivateKey {
	return ed25519.NewKeyFromSeed(make([]byte, ed25519.SeedSize))
}

func guardedToken(now time.Time) string {
	encode := base64.RawURLEncoding.EncodeToString
	token := encode([]byte(`{"alg":"EdDSA","kid":"1","typ":"at+jwt"}`)) + "." + encode(fmt.Appendf(nil,
		`{"iss":%q,"aud":%q,"sub":"alice","client_id":"bench","scope":"weather:read","iat":%d,"exp":%d,"jti":"0123456789abcdef"}`,
		guardedIssue, guardedURL, now.Unix(), now.Add(time.Hour).Unix()))
	return token + "." + encode(ed25519.Sign(guardedKey(), []byte(token)))
}

// serveGuarded returns our server with a tool that needs a scope.
func serveGuarded(setup) http.Handler {
	public := base64.RawURLEncoding.EncodeToString(guardedKey().Public().(ed25519.PublicKey))
	resource, err := auth.NewResource(guardedURL, idp.OIDC(guardedIssue, guardedURL, idp.WithKeySet(
		fmt.Appendf(nil, `{"keys":[{"kty":"OKP","crv":"Ed25519","kid":"1","x":%q}]}`, public))))
	if err != nil {
		panic(err) // never: all of it is constant
	}
	engine := mcpengine.New("weather", mcpengine.WithAuth(resource))
	mcpengine.AddTool(engine, toolName(0), toolDescription, oursText, mcpengine.RequireScopes("weather:read"))
	return engine
}
