package dev

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"time"
)

// An Identity is a caller that exists only while the server is developed.
type Identity struct {
	Name   string
	Scopes []string
	Roles  []string
}

// tokenTime is how long a token of an identity is good.
const tokenTime = time.Hour

// An issuer signs tokens for identities. Its key is only in the memory of this
// process, and only a server that this process starts is told to trust it.
type issuer struct {
	url, audience string
	key           *ecdsa.PrivateKey
	identities    []Identity
	now           func() time.Time
}

func newIssuer(url, audience string, identities []Identity) (*issuer, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, fmt.Errorf("make the issuer's key: %w", err)
	}
	return &issuer{url, audience, key, identities, time.Now}, nil
}

func encode(data []byte) string { return base64.RawURLEncoding.EncodeToString(data) }

// token returns an access token (RFC 9068) for an identity, "" for the first one.
func (i *issuer) token(name string) (string, error) {
	for _, who := range i.identities {
		if name == "" || who.Name == name {
			return i.sign(who)
		}
	}
	return "", fmt.Errorf("there is no identity %q", name)
}

func (i *issuer) sign(who Identity) (string, error) {
	now := i.now()
	claims := map[string]any{
		"iss": i.url, "aud": i.audience, "sub": who.Name, "client_id": "mcpengine-dev", "jti": rand.Text(),
		"iat": now.Unix(), "exp": now.Add(tokenTime).Unix(), "name": who.Name,
	}
	if len(who.Scopes) > 0 {
		claims["scope"] = strings.Join(who.Scopes, " ")
	}
	if len(who.Roles) > 0 {
		claims["roles"] = who.Roles
	}
	payload, err := json.Marshal(claims)
	if err != nil {
		return "", err
	}
	text := encode([]byte(`{"alg":"ES256","typ":"at+jwt","kid":"dev"}`)) + "." + encode(payload)
	sum := sha256.Sum256([]byte(text))
	r, s, err := ecdsa.Sign(rand.Reader, i.key, sum[:])
	if err != nil {
		return "", fmt.Errorf("sign a token: %w", err)
	}
	signature := make([]byte, 64)
	r.FillBytes(signature[:32])
	s.FillBytes(signature[32:])
	return text + "." + encode(signature), nil
}

// serve adds the documents that a server reads from an issuer (OpenID Connect
// Discovery, section 4; RFC 7517).
func (i *issuer) serve(mux *http.ServeMux, path string) {
	answer := func(pattern string, document any) {
		mux.HandleFunc(pattern, func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "application/json")
			_ = json.NewEncoder(w).Encode(document) // the client may have gone
		})
	}
	answer("GET "+path+"/.well-known/openid-configuration", map[string]any{
		"issuer": i.url, "jwks_uri": i.url + "/keys", "response_types_supported": []string{"none"},
		"subject_types_supported": []string{"public"}, "id_token_signing_alg_values_supported": []string{"ES256"},
	})
	public, _ := i.key.PublicKey.Bytes() // a point of this curve always encodes: 4, x, y
	answer("GET "+path+"/keys", map[string]any{"keys": []map[string]string{{
		"kty": "EC", "crv": "P-256", "alg": "ES256", "use": "sig", "kid": "dev", "x": encode(public[1:33]), "y": encode(public[33:]),
	}}})
}
