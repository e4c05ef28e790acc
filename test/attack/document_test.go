package attack_test

import (
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/mcpengine/mcpengine/auth/broker"
	"github.com/mcpengine/mcpengine/internal/brokertest"
)

// I1: a metadata document is about the URL that it is at, and complete.
func TestAttackI01Document(t *testing.T) {
	t.Parallel()
	good := map[string]any{"client_id": docURL, "client_name": "App", "redirect_uris": []string{appRedirect}}
	change := func(changes map[string]any) string {
		document := maps.Clone(good)
		maps.Copy(document, changes)
		text, err := json.Marshal(document)
		if err != nil {
			t.Fatal(err)
		}
		return string(text)
	}
	pad := func(size int) string { return change(nil) + strings.Repeat(" ", size-len(change(nil))) }
	for what, test := range map[string]struct {
		document string
		status   int
	}{
		"good":                {change(nil), 200},
		"5 KiB":               {pad(5 << 10), 200},
		"5 KiB and a byte":    {pad(5<<10 + 1), 400},
		"a megabyte":          {pad(1 << 20), 400},
		"another client":      {change(map[string]any{"client_id": "https://client.example/other.json"}), 400},
		"a slash":             {change(map[string]any{"client_id": docURL + "/"}), 400},
		"in capitals":         {change(map[string]any{"client_id": "https://CLIENT.example/client.json"}), 400},
		"no client id":        {change(map[string]any{"client_id": nil}), 400},
		"no name":             {change(map[string]any{"client_name": " "}), 400},
		"no redirect URIs":    {change(map[string]any{"redirect_uris": []string{}}), 400},
		"a string":            {change(map[string]any{"redirect_uris": appRedirect}), 400},
		"a bad redirect URI":  {change(map[string]any{"redirect_uris": []string{appRedirect, "javascript:alert(1)"}}), 400},
		"a secret":            {change(map[string]any{"client_secret": "x"}), 400},
		"a method of secrets": {change(map[string]any{"token_endpoint_auth_method": "client_secret_basic"}), 400},
		"a key without keys":  {change(map[string]any{"token_endpoint_auth_method": "private_key_jwt"}), 400},
		"names twice":         {strings.Replace(change(nil), "{", `{"client_id":"https://evil.example/x",`, 1), 400},
		"by case":             {`{"Client_ID":"` + docURL + `","client_name":"App","redirect_uris":["` + appRedirect + `"]}`, 400},
		"two documents":       {change(nil) + change(nil), 400},
		"a list":              {"[" + change(nil) + "]", 400},
		"a page":              {"<html>", 400},
		"nothing":             {"", 400},
		"invalid UTF-8":       {change(map[string]any{"client_name": "App"})[:20] + "\xff" + change(nil)[20:], 400},
	} {
		d := newDeputy(t, nil)
		d.publish(test.document)
		c := brokertest.NewClient(t, d.internet, brokerURL, appRedirect, resourceURL)
		c.ID = docURL
		stays(t, what, d.browser(t).Get(c.AuthorizationURL(nil)), test.status)
	}
}

// I2: nothing but a public document is fetched, whatever an id looks like.
func TestAttackI02Fetch(t *testing.T) {
	t.Parallel()
	var reached []string
	d := newDeputy(t, nil)
	everywhere := recorder(func(r *http.Request) { reached = append(reached, r.URL.String()) })
	d.config.DocumentClient.Transport = everywhere
	_, d.engine = d.replica(t, resourceURL, deputyKey)
	d.internet["rs.example"] = d.engine
	for _, id := range []string{
		"http://client.example/client.json", "https://127.0.0.1/c.json", "https://[::1]/c.json", "https://10.0.0.1/c.json", "https://169.254.169.254/latest/meta-data",
		"https://localhost/c.json", "https://2130706433/c.json", "https://0x7f.0.0.1/c.json", "https://0177.0.0.1/c.json", "https://127.1/c.json", "https://client.example",
		"https://client.example/", "https://client.example:8443/c.json", "https://client.example:443/c.json", "https://user@client.example/c.json",
		"https://client.example/c.json?x=1", "https://client.example/c.json?", "https://client.example/c.json#f", "https://client.example/a/../c.json",
		"https://client.example/./c.json", "https://client.example//c.json", "https://client.example/%2e%2e/c.json", "https://CLIENT.example/c.json",
		"https://client.example/" + strings.Repeat("a", 600), "ftp://client.example/c.json", "file:///etc/passwd", "https:///c.json", "https://client.example\\@evil/c.json",
		"https://client.example/c d.json", "https://client.example/c.json\r\nHost: evil", "gopher://127.0.0.1:6379/_x", "https://::1/c.json", "https://client.example./../x",
	} {
		c := brokertest.NewClient(t, d.internet, brokerURL, appRedirect, resourceURL)
		c.ID = id
		stays(t, id, d.browser(t).Get(c.AuthorizationURL(nil)), http.StatusBadRequest)
	}
	if len(reached) > 0 {
		t.Errorf("fetched: %q", reached)
	}
}

// A recorder sees requests and answers none.
type recorder func(*http.Request)

func (r recorder) RoundTrip(req *http.Request) (*http.Response, error) {
	r(req)
	return nil, http.ErrServerClosed
}

// I3: with the client that a server has by default no private address is reached,
// whatever name leads there. localtest.me is such a name; a resolver that does not
// know it refuses as well.
func TestAttackI03PrivateAddress(t *testing.T) {
	t.Parallel()
	d := newDeputy(t, func(c *broker.Config) { c.DocumentClient = nil })
	for _, id := range []string{"https://localhost.localdomain/c.json", "https://localtest.me/c.json"} {
		c := brokertest.NewClient(t, d.internet, brokerURL, appRedirect, resourceURL)
		c.ID = id
		p := d.browser(t).Get(c.AuthorizationURL(nil))
		stays(t, id, p, http.StatusBadRequest)
		if said := brokertest.Text(p.Body); !strings.Contains(said, "cannot be fetched") {
			t.Errorf("%s: the page says %s", id, said)
		}
	}
}

// I4: a document is where its id says: a redirect is not followed. What was found is
// remembered, and the number of fetches is bounded.
func TestAttackI04Requests(t *testing.T) {
	t.Parallel()
	d := newDeputy(t, nil)
	fetches := 0
	serve := func(status int, header, body string) {
		d.internet["client.example"] = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			fetches++
			if name, value, ok := strings.Cut(header, ": "); ok {
				w.Header().Set(name, value)
			}
			w.WriteHeader(status)
			fmt.Fprint(w, strings.ReplaceAll(body, "URL", "https://client.example"+r.URL.Path))
		})
	}
	document := `{"client_id":"URL","client_name":"App","redirect_uris":["` + appRedirect + `"]}`
	d.internet["evil.example"] = http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		t.Error("a redirect was followed")
		w.WriteHeader(http.StatusOK)
	})
	ask := func(path string) brokertest.Page {
		c := brokertest.NewClient(t, d.internet, brokerURL, appRedirect, resourceURL)
		c.ID = "https://client.example/" + path
		return d.browser(t).Get(c.AuthorizationURL(nil))
	}
	serve(http.StatusFound, "Location: https://evil.example/", document)
	stays(t, "a redirect", ask("redirect"), http.StatusBadRequest)
	serve(http.StatusNotFound, "", document)
	stays(t, "404", ask("missing"), http.StatusBadRequest)
	serve(http.StatusOK, "Cache-Control: max-age=999999", document)
	stays(t, "remembered as missing", ask("missing"), http.StatusBadRequest)
	d.wait(31 * time.Second)
	stays(t, "found later", ask("missing"), http.StatusOK)
	before := fetches
	for range 5 {
		ask("missing")
	}
	d.wait(59 * time.Minute)
	ask("missing")
	if fetches != before {
		t.Errorf("%d fetches of a document that is known", fetches-before)
	}
	d.wait(2 * time.Minute)
	if ask("missing"); fetches != before+1 {
		t.Errorf("%d fetches after an hour, want 1", fetches-before)
	}
	d.wait(time.Minute)
	before = fetches
	for i := range 300 {
		ask(fmt.Sprintf("flood/%d", i))
	}
	if fetches-before > 120 {
		t.Errorf("%d fetches in a minute", fetches-before)
	}
}

// I5: a client that has a key has to use it, for this server, and recently.
func TestAttackI05Key(t *testing.T) {
	t.Parallel()
	d := newDeputy(t, nil)
	public, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	_, other, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	keys := map[string]any{"keys": []any{map[string]any{"kty": "OKP", "crv": "Ed25519", "x": base64.RawURLEncoding.EncodeToString(public), "kid": "1", "use": "sig"}}}
	c := d.documented(t, map[string]any{"token_endpoint_auth_method": "private_key_jwt", "jwks": keys})
	claims := func(changes map[string]any) map[string]any {
		now := d.clock().Unix()
		all := map[string]any{"iss": docURL, "sub": docURL, "aud": brokerURL, "iat": now, "exp": now + 60, "jti": rand.Text()}
		maps.Copy(all, changes)
		return all
	}
	proof := func(assertion string) map[string]string {
		return map[string]string{"client_assertion_type": "urn:ietf:params:oauth:client-assertion-type:jwt-bearer", "client_assertion": assertion}
	}
	code := c.Authorize(d.browser(t)).Get("code")
	for what, changes := range map[string]map[string]string{
		"no proof":           {},
		"another key":        proof(jws(t, other, "EdDSA", claims(nil))),
		"alg none":           proof(unsigned(t, claims(nil))),
		"another client":     proof(jws(t, private, "EdDSA", claims(map[string]any{"sub": "https://client.example/other.json"}))),
		"another issuer":     proof(jws(t, private, "EdDSA", claims(map[string]any{"iss": "https://evil.example"}))),
		"another server":     proof(jws(t, private, "EdDSA", claims(map[string]any{"aud": "https://evil.example"}))),
		"expired":            proof(jws(t, private, "EdDSA", claims(map[string]any{"exp": d.clock().Unix() - 60}))),
		"old":                proof(jws(t, private, "EdDSA", claims(map[string]any{"iat": d.clock().Unix() - 600}))),
		"without a time":     proof(jws(t, private, "EdDSA", claims(map[string]any{"iat": nil}))),
		"without its type":   {"client_assertion": jws(t, private, "EdDSA", claims(nil))},
		"a secret":           {"client_secret": "x"},
		"an access token":    proof(code),
		"a long one":         proof(strings.Repeat("a", 20<<10)),
		"an assertion alone": {"client_id": "", "client_assertion": jws(t, other, "EdDSA", claims(nil))},
	} {
		a := c.Redeem(code, changes)
		if a.Status != http.StatusUnauthorized || a.Text("error") != "invalid_client" {
			t.Errorf("%s: %d %s", what, a.Status, a.Body)
		}
	}
	tokens := c.Redeem(code, proof(jws(t, private, "EdDSA", claims(nil))))
	if tokens.Status != http.StatusOK {
		t.Fatalf("the client's own key: %d %s\n%s", tokens.Status, tokens.Body, d.logged())
	}
	refused(t, "refresh without proof", c.Refresh(tokens.Text("refresh_token"), nil), "invalid_client")
	if a := c.Refresh(tokens.Text("refresh_token"), proof(jws(t, private, "EdDSA", claims(nil)))); a.Status != http.StatusOK {
		t.Errorf("refresh with the key: %d %s", a.Status, a.Body)
	}
	// Keys that are published elsewhere are fetched once in five minutes.
	fetches := 0
	d.internet["keys.example"] = http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		if fetches++; json.NewEncoder(w).Encode(keys) != nil {
			t.Error("the keys are not sent")
		}
	})
	d.wait(2 * time.Hour)
	d.documented(t, map[string]any{"token_endpoint_auth_method": "private_key_jwt", "jwks_uri": "https://keys.example/keys.json"})
	for range 3 {
		published := c.Authorize(d.browser(t)).Get("code")
		if a := c.Redeem(published, proof(jws(t, private, "EdDSA", claims(nil)))); a.Status != http.StatusOK {
			t.Errorf("published keys: %d %s", a.Status, a.Body)
		}
		refused(t, "another key", c.Redeem(c.Authorize(d.browser(t)).Get("code"), proof(jws(t, other, "EdDSA", claims(nil)))), "invalid_client")
	}
	if fetches != 1 {
		t.Errorf("%d fetches of keys, want 1", fetches)
	}

	// The document says by now that there is no key. The grant was made for one.
	code = c.Authorize(d.browser(t)).Get("code")
	d.wait(50 * time.Second)
	d.documented(t, nil)
	d.wait(time.Second)
	refused(t, "a document that lost its key", c.Redeem(code, nil), "invalid_client")
}

func jws(t testing.TB, key any, alg string, claims map[string]any) string {
	return jwsOf(t, key, map[string]any{"alg": alg, "kid": "1", "typ": "JWT"}, claims)
}

// jwsOf signs claims.
func jwsOf(t testing.TB, key any, header, claims map[string]any) string {
	t.Helper()
	input := encodePart(t, header) + "." + encodePart(t, claims)
	switch key := key.(type) {
	case ed25519.PrivateKey:
		return input + "." + base64.RawURLEncoding.EncodeToString(ed25519.Sign(key, []byte(input)))
	case *ecdsa.PrivateKey:
		sum := sha256.Sum256([]byte(input))
		r, s, err := ecdsa.Sign(rand.Reader, key, sum[:])
		if err != nil {
			t.Fatal(err)
		}
		return input + "." + base64.RawURLEncoding.EncodeToString(append(r.FillBytes(make([]byte, 32)), s.FillBytes(make([]byte, 32))...))
	}
	t.Fatalf("key %T", key)
	return ""
}

func unsigned(t testing.TB, claims map[string]any) string {
	t.Helper()
	return encodePart(t, map[string]any{"alg": "none"}) + "." + encodePart(t, claims) + "."
}

func encodePart(t testing.TB, value map[string]any) string {
	t.Helper()
	for name := range value {
		if value[name] == nil {
			delete(value, name)
		}
	}
	text, err := json.Marshal(value)
	if err != nil {
		t.Fatal(err)
	}
	return base64.RawURLEncoding.EncodeToString(text)
}

// I6: an identity assertion is of a configured enterprise, for this authorization
// server, this resource and the client that sends it, and good once.
func TestAttackI06Enterprise(t *testing.T) {
	t.Parallel()
	const corp = "https://corp.example"
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	d := newDeputy(t, func(c *broker.Config) { c.Enterprises = []string{corp} })
	d.serveEnterprise(t, corp, key)
	_, d.engine = d.replica(t, resourceURL, deputyKey)
	c := d.client(t, appRedirect)
	claims := func(changes map[string]any) map[string]any {
		now := d.clock().Unix()
		all := map[string]any{
			"iss": corp, "sub": "U1", "aud": brokerURL, "resource": resourceURL, "client_id": c.ID, "jti": rand.Text(), "iat": now, "exp": now + 300,
			"scope": "mcp:read other",
		}
		maps.Copy(all, changes)
		return all
	}
	header := func(typ string) map[string]any { return map[string]any{"alg": "ES256", "kid": "1", "typ": typ} }
	send := func(assertion string, changes map[string]string) brokertest.Answer {
		return c.Token(map[string]string{"grant_type": "urn:ietf:params:oauth:grant-type:jwt-bearer", "assertion": assertion, "client_id": c.ID}, changes)
	}
	good := jwsOf(t, key, header("oauth-id-jag+jwt"), claims(nil))
	a := send(good, nil)
	if a.Status != http.StatusOK || a.Text("scope") != "mcp:read" || a.Text("refresh_token") != "" {
		t.Fatalf("a good assertion: %d %s\n%s", a.Status, a.Body, d.logged())
	}
	if u, challenge := d.user(t, d.resource, a.Text("access_token")); challenge != nil || u.Issuer != corp || u.Subject != "U1" || u.ClientID != c.ID {
		t.Errorf("user %+v, %+v", u, challenge)
	}
	refused(t, "replay", send(good, nil), "invalid_grant")
	other, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	stranger := d.client(t, appRedirect)
	for what, assertion := range map[string]string{
		"another key":       jwsOf(t, other, header("oauth-id-jag+jwt"), claims(nil)),
		"an ID token":       jwsOf(t, key, header("JWT"), claims(nil)),
		"an access token":   jwsOf(t, key, header("at+jwt"), claims(nil)),
		"without a type":    jwsOf(t, key, map[string]any{"alg": "ES256", "kid": "1"}, claims(nil)),
		"another issuer":    jwsOf(t, key, header("oauth-id-jag+jwt"), claims(map[string]any{"iss": "https://evil.example"})),
		"the provider":      jwsOf(t, key, header("oauth-id-jag+jwt"), claims(map[string]any{"iss": d.idp.Issuer()})),
		"another audience":  jwsOf(t, key, header("oauth-id-jag+jwt"), claims(map[string]any{"aud": "https://evil.example"})),
		"two audiences":     jwsOf(t, key, header("oauth-id-jag+jwt"), claims(map[string]any{"aud": []string{brokerURL, "https://evil.example"}})),
		"the resource":      jwsOf(t, key, header("oauth-id-jag+jwt"), claims(map[string]any{"aud": resourceURL})),
		"another client":    jwsOf(t, key, header("oauth-id-jag+jwt"), claims(map[string]any{"client_id": stranger.ID})),
		"no client":         jwsOf(t, key, header("oauth-id-jag+jwt"), claims(map[string]any{"client_id": nil})),
		"no subject":        jwsOf(t, key, header("oauth-id-jag+jwt"), claims(map[string]any{"sub": nil})),
		"no jti":            jwsOf(t, key, header("oauth-id-jag+jwt"), claims(map[string]any{"jti": nil})),
		"no resource":       jwsOf(t, key, header("oauth-id-jag+jwt"), claims(map[string]any{"resource": nil})),
		"expired":           jwsOf(t, key, header("oauth-id-jag+jwt"), claims(map[string]any{"exp": d.clock().Unix() - 60})),
		"of yesterday":      jwsOf(t, key, header("oauth-id-jag+jwt"), claims(map[string]any{"iat": d.clock().Unix() - 86400})),
		"bound to a key":    jwsOf(t, key, header("oauth-id-jag+jwt"), claims(map[string]any{"cnf": map[string]any{"jkt": "x"}})),
		"our own token":     a.Text("access_token"),
		"unsigned":          unsigned(t, claims(nil)),
		"nothing":           "",
		"a client of ours":  c.ID,
		"a very long one":   strings.Repeat("a", 30<<10),
		"an unknown issuer": jwsOf(t, key, header("oauth-id-jag+jwt"), claims(map[string]any{"iss": nil})),
	} {
		refused(t, what, send(assertion, nil), "invalid_grant")
	}
	refused(t, "another resource", send(jwsOf(t, key, header("oauth-id-jag+jwt"), claims(map[string]any{"resource": "https://evil.example/mcp"})), nil), "invalid_target")
	fresh := func() string { return jwsOf(t, key, header("oauth-id-jag+jwt"), claims(nil)) }
	refused(t, "more scopes", send(fresh(), map[string]string{"scope": "mcp:write"}), "invalid_scope")
	refused(t, "an unknown client", send(fresh(), map[string]string{"client_id": "nobody"}), "invalid_client")
	refused(t, "no client", send(fresh(), map[string]string{"client_id": ""}), "invalid_client")
	closed := newDeputy(t, nil)
	c.Issuer, d.internet["rs.example"] = brokerURL, closed.engine
	refused(t, "a server without enterprises", send(fresh(), nil), "unsupported_grant_type")
}

// serveEnterprise publishes the key of an identity provider, in place of the
// internet.
func (d *deputy) serveEnterprise(t testing.TB, issuer string, key *ecdsa.PrivateKey) {
	t.Helper()
	point, err := key.PublicKey.Bytes()
	if err != nil {
		t.Fatal(err)
	}
	encode := base64.RawURLEncoding.EncodeToString
	d.internet[strings.TrimPrefix(issuer, "https://")] = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/keys" {
			fmt.Fprintf(w, `{"keys":[{"kty":"EC","crv":"P-256","kid":"1","x":%q,"y":%q}]}`, encode(point[1:33]), encode(point[33:]))
			return
		}
		fmt.Fprintf(w, `{"issuer":%q,"jwks_uri":%q}`, issuer, issuer+"/keys")
	})
}
