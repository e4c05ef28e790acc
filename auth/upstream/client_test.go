package upstream_test

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"

	"github.com/mcpengine/mcpengine/auth"
	"github.com/mcpengine/mcpengine/auth/idp"
	"github.com/mcpengine/mcpengine/auth/upstream"
	"github.com/mcpengine/mcpengine/internal/brokertest"
)

// credentials gets a token with an authentication, and returns what the endpoint saw.
func credentials(t *testing.T, a upstream.Authentication) map[string][]string {
	t.Helper()
	e := brokertest.Okta(t, "api://orders")
	b := newBed(t, idp.Okta(okta, resource), e,
		upstream.ClientCredentials("orders", upstream.Okta(okta, "0oa1", a), upstream.WithScopes("orders.read")))
	ctx := b.resource.ContextWithUpstream(t.Context(), nil, &auth.User{Issuer: okta, Subject: "alice"})
	if _, err := auth.Upstream(ctx, "orders"); err != nil {
		t.Fatalf("%v\n%s", err, b.logged())
	}
	return e.Requests()[0]
}

// An assertion is signed by the key, about the client, for the endpoint, and good for a
// minute.
func TestPrivateKey(t *testing.T) {
	t.Parallel()
	rsaKey, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	_, edKey, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	keys := map[jose.SignatureAlgorithm]crypto.Signer{jose.RS256: rsaKey, jose.EdDSA: edKey}
	for alg, curve := range map[jose.SignatureAlgorithm]elliptic.Curve{jose.ES256: elliptic.P256(), jose.ES384: elliptic.P384(), jose.ES512: elliptic.P521()} {
		if keys[alg], err = ecdsa.GenerateKey(curve, rand.Reader); err != nil {
			t.Fatal(err)
		}
	}
	for alg, key := range keys {
		form := credentials(t, upstream.PrivateKey("key-1", key))
		if form["client_secret"] != nil || form["client_assertion_type"][0] != "urn:ietf:params:oauth:client-assertion-type:jwt-bearer" {
			t.Errorf("%s: form %v", alg, form)
		}
		checkAssertion(t, form["client_assertion"][0], alg, key.Public(), "kid", "key-1")
	}
	certificate := tls.Certificate{Certificate: [][]byte{[]byte("certificate")}, PrivateKey: rsaKey}
	sum := sha256.Sum256([]byte("certificate"))
	form := credentials(t, upstream.Certificate(certificate))
	checkAssertion(t, form["client_assertion"][0], jose.PS256, rsaKey.Public(), "x5t#S256", base64.RawURLEncoding.EncodeToString(sum[:]))
}

func checkAssertion(t *testing.T, assertion string, alg jose.SignatureAlgorithm, key crypto.PublicKey, header, value string) {
	t.Helper()
	parsed, err := jwt.ParseSigned(assertion, []jose.SignatureAlgorithm{alg})
	if err != nil {
		t.Errorf("%s: %v", alg, err)
		return
	}
	var claims jwt.Claims
	if err := parsed.Claims(key, &claims); err != nil {
		t.Errorf("%s: %v", alg, err)
	}
	h := parsed.Headers[0]
	if got := h.KeyID; header == "kid" && got != value {
		t.Errorf("%s: kid %q", alg, got)
	}
	if got := h.ExtraHeaders[jose.HeaderKey(header)]; header != "kid" && got != value {
		t.Errorf("%s: %s is %v", alg, header, got)
	}
	want := jwt.Expected{Issuer: "0oa1", Subject: "0oa1", AnyAudience: []string{okta + "/v1/token"}, Time: time.Now()}
	if err := claims.ValidateWithLeeway(want, 0); err != nil || claims.ID == "" || claims.Expiry.Time().Sub(claims.IssuedAt.Time()) != time.Minute {
		t.Errorf("%s: claims %+v: %v", alg, claims, err)
	}
}

// Keys and secrets come from files. A secret that is replaced is used at once.
func TestFiles(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "secret")
	write := func(text string) {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("old\n")
	a := upstream.SecretFromFile(path)
	write(" secret \n")
	if form := credentials(t, a); form["client_secret"][0] != "secret" {
		t.Errorf("secret %q", form["client_secret"])
	}
	if form := credentials(t, a.InForm()); form["client_id"][0] != "0oa1" || form["client_secret"][0] != "secret" {
		t.Errorf("form %q", form)
	}
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	pkcs8, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	sec1, err := x509.MarshalECPrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	for kind, der := range map[string][]byte{"PRIVATE KEY": pkcs8, "EC PRIVATE KEY": sec1} {
		write(string(pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der})))
		form := credentials(t, upstream.PrivateKeyFromFile("key-1", path))
		checkAssertion(t, form["client_assertion"][0], jose.ES256, key.Public(), "kid", "key-1")
	}
	write("no key")
	_, err = auth.NewResource(resource, idp.Okta(okta, resource),
		auth.WithUpstream(upstream.ClientCredentials("a", upstream.Okta(okta, "0oa1", upstream.PrivateKeyFromFile("k", path)))))
	if err == nil || !strings.Contains(err.Error(), "PEM") {
		t.Errorf("a file without a key: %v", err)
	}
}

// Credentials are not shown by what prints a configuration.
func TestPrintedClient(t *testing.T) {
	t.Parallel()
	c := upstream.Okta(okta, "0oa1", upstream.Secret("the secret"))
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q"} {
		for _, value := range []any{c, &c, c.Authentication, []upstream.Client{c}} {
			if text := fmt.Sprintf(verb, value); strings.Contains(text, "the secret") {
				t.Errorf("%s: %s", verb, text)
			}
		}
	}
}

// A transport answers in turn.
type transport struct {
	answers []func(*http.Request) (*http.Response, error)
	asked   int
}

func (r *transport) RoundTrip(req *http.Request) (*http.Response, error) {
	r.asked++
	if r.asked > len(r.answers) {
		return nil, errors.New("asked too often")
	}
	return r.answers[r.asked-1](req)
}

func status(code int, header http.Header) func(*http.Request) (*http.Response, error) {
	return func(*http.Request) (*http.Response, error) {
		if header == nil {
			header = http.Header{}
		}
		body := http.NoBody
		return &http.Response{StatusCode: code, Header: header, Body: body}, nil
	}
}

func token(req *http.Request) (*http.Response, error) {
	body := `{"access_token":"t","token_type":"Bearer","expires_in":3600}`
	return &http.Response{StatusCode: http.StatusOK, Header: http.Header{}, Body: readCloser{strings.NewReader(body)}, Request: req}, nil
}

type readCloser struct{ *strings.Reader }

func (readCloser) Close() error { return nil }

func broken(*http.Request) (*http.Response, error) { return nil, syscall.ECONNRESET }

func silent(req *http.Request) (*http.Response, error) {
	<-req.Context().Done()
	return nil, req.Context().Err()
}

// A request is sent once more where that may help, and a provider that is slow or busy is
// left alone.
func TestRetry(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		answers []func(*http.Request) (*http.Response, error)
		asked   int
		ok      bool
		took    time.Duration
		rest    time.Duration // until it is asked again
	}{
		"reset, then good":   {[]func(*http.Request) (*http.Response, error){broken, token}, 2, true, 0, 0},
		"gateway, then good": {[]func(*http.Request) (*http.Response, error){status(502, nil), token}, 2, true, 0, 0},
		"reset twice":        {[]func(*http.Request) (*http.Response, error){broken, broken, token}, 2, false, 0, time.Second},
		"silent":             {[]func(*http.Request) (*http.Response, error){silent, token}, 1, false, 7 * time.Second, time.Second},
		"busy":               {[]func(*http.Request) (*http.Response, error){status(503, http.Header{"Retry-After": {"20"}}), token}, 1, false, 0, 20 * time.Second},
		"busy for ever":      {[]func(*http.Request) (*http.Response, error){status(429, http.Header{"Retry-After": {"86400"}}), token}, 1, false, 0, time.Minute},
		"refused":            {[]func(*http.Request) (*http.Response, error){status(403, nil), token}, 1, false, 0, time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				r := &transport{answers: test.answers}
				server, err := auth.NewResource(resource, idp.Okta(okta, resource), auth.WithHTTPClient(&http.Client{Transport: r}),
					auth.WithUpstream(upstream.ClientCredentials("orders", upstream.Okta(okta, "0oa1", upstream.Secret("secret")))))
				if err != nil {
					t.Fatal(err)
				}
				ctx := server.ContextWithUpstream(t.Context(), nil, &auth.User{Issuer: okta, Subject: "alice"})
				began := time.Now()
				_, err = auth.Upstream(ctx, "orders")
				if (err == nil) != test.ok || r.asked != test.asked || time.Since(began) != test.took {
					t.Fatalf("asked %d times in %s: %v", r.asked, time.Since(began), err)
				}
				if test.ok {
					return
				}
				if failed, ok := errors.AsType[*auth.UpstreamError](err); !ok || !failed.Temporary {
					t.Errorf("%+v", err)
				}
				time.Sleep(test.rest - time.Millisecond)
				if _, err := auth.Upstream(ctx, "orders"); err == nil || r.asked != test.asked {
					t.Errorf("before %s it is asked again: %v", test.rest, err)
				}
				time.Sleep(2 * time.Millisecond)
				if _, err := auth.Upstream(ctx, "orders"); err != nil || r.asked != test.asked+1 {
					t.Errorf("after %s: asked %d times, %v", test.rest, r.asked, err)
				}
			})
		})
	}
}

// A caller that goes away stops waiting, and another one gets the answer.
func TestGoneCaller(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		release := make(chan struct{})
		r := &transport{answers: []func(*http.Request) (*http.Response, error){func(req *http.Request) (*http.Response, error) {
			select {
			case <-release:
				return token(req)
			case <-req.Context().Done():
				return nil, req.Context().Err()
			}
		}}}
		server, err := auth.NewResource(resource, idp.Okta(okta, resource), auth.WithHTTPClient(&http.Client{Transport: r}),
			auth.WithUpstream(upstream.ClientCredentials("orders", upstream.Okta(okta, "0oa1", upstream.Secret("secret")))))
		if err != nil {
			t.Fatal(err)
		}
		ctx := server.ContextWithUpstream(t.Context(), nil, &auth.User{Issuer: okta, Subject: "alice"})
		leaving, leave := context.WithCancel(ctx)
		gone, stayed := make(chan error, 1), make(chan error, 1)
		go func() { _, err := auth.Upstream(leaving, "orders"); gone <- err }()
		synctest.Wait()
		go func() { _, err := auth.Upstream(ctx, "orders"); stayed <- err }()
		synctest.Wait()
		leave()
		if err := <-gone; !errors.Is(err, context.Canceled) {
			t.Errorf("the caller that goes away: %v", err)
		}
		close(release)
		if err := <-stayed; err != nil || r.asked != 1 {
			t.Errorf("the other one: %v, asked %d times", err, r.asked)
		}
	})
}
