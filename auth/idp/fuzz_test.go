package idp_test

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/mcpengine/mcpengine/auth"
	"github.com/mcpengine/mcpengine/auth/authtest"
	"github.com/mcpengine/mcpengine/auth/idp"
)

// No header makes a caller of anybody but a token of the provider's does, and
// every refusal is one of those there are.
func FuzzAuthorization(f *testing.F) {
	b := newBed(f)
	good := b.token(nil)
	for _, seed := range []string{"", "Bearer", "Bearer " + good, "bearer  x.y.z", "Basic eA==", "Bearer\tx", "Bearer " + good + "\n", "Bearer a b"} {
		f.Add(seed, "")
	}
	f.Add("Bearer x", "access_token=1&a=%zz;")
	f.Fuzz(func(t *testing.T, header, query string) {
		req := request(header)
		req.URL.RawQuery = query
		user, c := b.resource.Authenticate(req)
		switch {
		case user != nil && (c != nil || !strings.HasSuffix(header, " "+good)):
			t.Errorf("%q made %s of the caller", header, user.ID())
		case user == nil && c == nil:
			t.Error("a header was ignored")
		case c != nil && c.Status != http.StatusBadRequest && c.Status != http.StatusUnauthorized:
			t.Errorf("status %d", c.Status)
		}
		if c != nil && strings.ContainsAny(strings.Join(c.Header.Values("WWW-Authenticate"), ""), "\r\n\\") {
			t.Errorf("header %q", c.Header)
		}
	})
}

// Whatever a provider signs, a user has the identity that the claims spell out
// in so many words.
func FuzzToken(f *testing.F) {
	b := newBed(f)
	f.Add([]byte(goodHeader), []byte(b.claims()))
	f.Add([]byte(`{"alg":"none"}`), []byte(`{"iss":"https://id.example"}`))
	f.Add([]byte(strings.Replace(goodHeader, "}", `,"crit":["x"]}`, 1)), []byte(b.claims()))
	f.Add([]byte(goodHeader), []byte(strings.Replace(b.claims(), "{", `{"SUB":"x","cnf":{"jkt":1},`, 1)))
	f.Add([]byte(goodHeader), []byte(strings.Replace(b.claims(), "alice", `\ud800`, 1)))
	f.Fuzz(func(t *testing.T, header, claims []byte) {
		user, c := b.send(b.idp.SignRaw(header, claims))
		if c != nil {
			if c.Status != http.StatusUnauthorized {
				t.Errorf("status %d", c.Status)
			}
			return
		}
		var said struct {
			Iss, Sub string
			Exp      int64
			Aud      any
			Cnf      any
		}
		if err := json.Unmarshal(claims, &said); err != nil {
			t.Fatalf("accepted claims that are not JSON: %v", err)
		}
		var names map[string]any
		_ = json.Unmarshal(claims, &names)
		if names["iss"] != issuer || names["sub"] != user.Subject || user.Subject == "" || said.Cnf != nil ||
			names["exp"].(float64) <= float64(start.Add(-time.Minute).Unix()) {
			t.Errorf("claims %s made %s", claims, user.ID())
		}
	})
}

// A key set never does more than hold keys.
func FuzzKeySet(f *testing.F) {
	op := authtest.NewProvider(f)
	op.Rotate("EdDSA")
	op.Rotate("RS256")
	f.Add(op.KeySet())
	f.Add([]byte(`{"keys":[{"kty":"RSA","n":"AQAB","e":"AQAB"},{"kty":"OKP","crv":"Ed25519","x":"AQ"}]}`))
	f.Add([]byte(`{"keys":[{"kty":"EC","crv":"P-256","x":"","y":"AA","key_ops":["verify"]}]}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		_, err := auth.NewResource(resourceURL, idp.OIDC(issuer, resourceURL, idp.WithKeySet(data)))
		if err == nil && !json.Valid(data) {
			t.Errorf("took keys from what is not JSON: %q", data)
		}
	})
}

// What the issuer's metadata says is believed only when it is about the issuer.
func FuzzDiscovery(f *testing.F) {
	b := newBed(f)
	f.Add([]byte(`{"issuer":"https://id.example","jwks_uri":"https://id.example/keys"}`))
	f.Add([]byte(`{"issuer":"https://id.example/","jwks_uri":"https://id.example/keys"}`))
	f.Add([]byte(`{"issuer":"https://id.example","jwks_uri":"http://127.0.0.1/keys"}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		n := &network{hosts: map[string]http.Handler{}}
		mux := http.NewServeMux()
		mux.Handle("/.well-known/openid-configuration", text(string(data)))
		mux.Handle("/keys", b.idp)
		n.hosts["id.example"] = mux
		r, err := auth.NewResource(resourceURL, idp.OIDC(issuer, resourceURL),
			auth.WithClock(b.clock.Now), auth.WithHTTPClient(&http.Client{Transport: n}))
		if err != nil {
			t.Fatal(err)
		}
		user, c := r.Authenticate(request("Bearer " + b.token(nil)))
		var doc map[string]any
		_ = json.Unmarshal(data, &doc)
		switch {
		case c != nil && c.Status != http.StatusServiceUnavailable:
			t.Errorf("status %d", c.Status)
		case user != nil && doc["issuer"] != issuer && doc["issuer"] != issuer+"/":
			t.Errorf("keys by the metadata of %v", doc["issuer"])
		}
	})
}

// An answer about an opaque token makes a user only of an active one for us.
func FuzzIntrospection(f *testing.F) {
	f.Add([]byte(`{"active":false}`))
	f.Add([]byte(`{"active":true,"sub":"a","aud":"https://rs.example/mcp","exp":1795352400,"scope":"x"}`))
	f.Add([]byte(`{"active":true,"sub":"a","aud":["https://rs.example/mcp"],"exp":"1795352400","token_type":"Bearer"}`))
	clock := &clock{now: start}
	f.Fuzz(func(t *testing.T, data []byte) {
		n := &network{hosts: map[string]http.Handler{"id.example": text(string(data))}}
		r, err := auth.NewResource(resourceURL,
			idp.Introspection(issuer, resourceURL, idp.IntrospectionEndpoint{URL: issuer + "/i", ClientID: "i", ClientSecret: "s"}),
			auth.WithClock(clock.Now), auth.WithHTTPClient(&http.Client{Transport: n}))
		if err != nil {
			t.Fatal(err)
		}
		user, c := r.Authenticate(request("Bearer some-opaque-token"))
		var answer map[string]any
		_ = json.Unmarshal(data, &answer)
		if c == nil && (answer["active"] != true || user.Subject == "" || answer["sub"] != user.Subject) {
			t.Errorf("%s made %s", data, user.ID())
		}
	})
}
