package doctor_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"log"
	"log/slog"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/mcpengine/mcpengine"
	"github.com/mcpengine/mcpengine/cmd/mcpengine/internal/doctor"
	"github.com/mcpengine/mcpengine/cmd/mcpengine/internal/profile"
	"github.com/mcpengine/mcpengine/internal/oauth"
)

type none struct{}

func newEngine(t *testing.T, opts ...mcpengine.Option) *mcpengine.Engine {
	t.Helper()
	e := mcpengine.New("fixture", append(opts, mcpengine.WithLogger(slog.New(slog.DiscardHandler)))...)
	t.Cleanup(e.Close)
	mcpengine.AddTool(e, "echo", "Return nothing.", func(context.Context, none) (string, error) {
		t.Error("a tool was called")
		return "", nil
	})
	return e
}

// A wrapper changes requests and answers, as a proxy would.
type wrapper func(next http.Handler) http.Handler

// serve starts a server with the fixture behind wrappers, and returns it as a target.
func serve(t *testing.T, wrappers ...wrapper) doctor.Target {
	t.Helper()
	var h http.Handler = newEngine(t)
	for _, w := range wrappers {
		h = w(h)
	}
	return targetOf(t, h)
}

func targetOf(t *testing.T, h http.Handler) doctor.Target {
	t.Helper()
	server := httptest.NewServer(h)
	t.Cleanup(server.Close)
	return target(t, server.URL+"/mcp")
}

// target is a server of which nothing is known but its URL.
func target(t *testing.T, rawURL string) doctor.Target {
	t.Helper()
	return doctor.Target{Name: rawURL, URL: rawURL, Profile: &profile.Profile{URL: rawURL}, Authorizer: authorizer(t, rawURL, nil)}
}

func authorizer(t *testing.T, server string, visit func(context.Context, string) (string, error)) *oauth.Authorizer {
	t.Helper()
	u, err := url.Parse(server)
	if err != nil {
		t.Fatal(err)
	}
	config := oauth.Config{Server: server, Store: oauth.NewMemoryStore(), InsecureHTTP: u.Scheme == "http"}
	config.Grant = oauth.AuthorizationCode{}
	if visit != nil {
		config.Grant = oauth.AuthorizationCode{Visit: visit, RedirectURI: "http://127.0.0.1/callback"}
	}
	a, err := oauth.New(config)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

// secure starts a server over TLS with a certificate, and trusts the authority.
func secure(t *testing.T, host string, config *tls.Config, h http.Handler) doctor.Target {
	t.Helper()
	server := httptest.NewUnstartedServer(h)
	server.TLS = config
	server.Config.ErrorLog = log.New(io.Discard, "", 0)
	server.StartTLS()
	t.Cleanup(server.Close)
	_, port, err := net.SplitHostPort(server.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	return target(t, "https://"+net.JoinHostPort(host, port)+"/mcp")
}

// A pair is a certificate with its key.
type pair struct {
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
}

// certify makes a certificate that issuer signs, or that signs itself.
func certify(t *testing.T, issuer *pair, change func(*x509.Certificate)) *pair {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(time.Now().UnixNano()), Subject: pkix.Name{CommonName: "fixture"},
		NotBefore: time.Now().Add(-30 * 24 * time.Hour), NotAfter: time.Now().Add(60 * 24 * time.Hour),
		DNSNames: []string{"localhost"}, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}
	if change != nil {
		change(template)
	}
	parent, signer := template, key
	if issuer != nil {
		parent, signer = issuer.cert, issuer.key
	}
	der, err := x509.CreateCertificate(rand.Reader, template, parent, &key.PublicKey, signer)
	if err != nil {
		t.Fatal(err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return &pair{cert, key}
}

func authority(name string) func(*x509.Certificate) {
	return func(c *x509.Certificate) {
		c.Subject.CommonName, c.IsCA, c.BasicConstraintsValid, c.KeyUsage = name, true, true, x509.KeyUsageCertSign
		c.DNSNames, c.ExtKeyUsage = nil, nil
	}
}

func pool(p *pair) *x509.CertPool {
	all := x509.NewCertPool()
	all.AddCert(p.cert)
	return all
}

func serving(chain ...*pair) *tls.Config {
	c := tls.Certificate{PrivateKey: chain[0].key}
	for _, p := range chain {
		c.Certificate = append(c.Certificate, p.cert.Raw)
	}
	return &tls.Config{Certificates: []tls.Certificate{c}, MinVersion: tls.VersionTLS10} //nolint:gosec // a fault to find
}

// A realm is a server that wants tokens, and its authorization server. Its documents
// may be changed before the first request.
type realm struct {
	target    doctor.Target
	as        *httptest.Server
	resource  map[string]any // nil: not there
	issuer    map[string]any // nil: not there
	challenge string
	takes     func(token string) bool
	strips    bool // Authorization is lost on the way
	audience  string
	expiry    int
}

const goodToken = "doctor-good-token"

func newRealm(t *testing.T, change func(*realm)) *realm {
	t.Helper()
	r := &realm{takes: func(token string) bool { return strings.HasPrefix(token, goodToken) }, expiry: 3600}
	asMux := http.NewServeMux()
	r.as = httptest.NewServer(asMux)
	t.Cleanup(r.as.Close)
	engine := newEngine(t)
	mux := http.NewServeMux()
	server := httptest.NewServer(mux)
	t.Cleanup(server.Close)
	at := server.URL + "/mcp"
	r.audience = at
	r.challenge = fmt.Sprintf(`Bearer resource_metadata="%s/.well-known/oauth-protected-resource/mcp"`, server.URL)
	r.resource = map[string]any{"resource": at, "authorization_servers": []string{r.as.URL}, "scopes_supported": []string{"read"}}
	r.issuer = map[string]any{
		"issuer": r.as.URL, "authorization_endpoint": r.as.URL + "/authorize", "token_endpoint": r.as.URL + "/token",
		"registration_endpoint": r.as.URL + "/register", "code_challenge_methods_supported": []string{"S256"},
		"token_endpoint_auth_methods_supported": []string{"none"}, "scopes_supported": []string{"read"},
		"authorization_response_iss_parameter_supported": true, "client_id_metadata_document_supported": true,
	}
	r.target = target(t, at)
	if change != nil {
		change(r)
	}
	document := func(d *map[string]any) http.HandlerFunc {
		return func(w http.ResponseWriter, req *http.Request) {
			if *d == nil {
				http.NotFound(w, req)
				return
			}
			writeJSON(w, http.StatusOK, *d)
		}
	}
	mux.Handle("/.well-known/oauth-protected-resource/mcp", document(&r.resource))
	asMux.Handle("/.well-known/oauth-authorization-server", document(&r.issuer))
	asMux.HandleFunc("/register", func(w http.ResponseWriter, _ *http.Request) {
		writeJSON(w, http.StatusCreated, map[string]any{"client_id": "registered", "redirect_uris": []string{"http://127.0.0.1/callback"}, "token_endpoint_auth_method": "none"})
	})
	asMux.HandleFunc("/token", func(w http.ResponseWriter, _ *http.Request) {
		writeJSON(w, http.StatusOK, map[string]any{"access_token": r.token(), "token_type": "Bearer", "expires_in": r.expiry, "scope": "read"})
	})
	mux.HandleFunc("/mcp", func(w http.ResponseWriter, req *http.Request) {
		_, token, sent := strings.Cut(req.Header.Get("Authorization"), " ")
		sent = sent && !r.strips
		if sent && r.takes(token) {
			engine.ServeHTTP(w, req)
			return
		}
		challenge := r.challenge
		if sent && challenge != "" {
			challenge += `, error="invalid_token"`
		}
		if challenge != "" {
			w.Header().Set("WWW-Authenticate", challenge)
		}
		w.WriteHeader(http.StatusUnauthorized)
	})
	return r
}

func writeJSON(w http.ResponseWriter, status int, value any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(value)
}

// token is a JWT that only this realm takes.
func (r *realm) token() string {
	claims := fmt.Sprintf(`{"iss":%q,"aud":%q,"scope":"read"}`, r.as.URL, r.audience)
	return goodToken + "." + base64.RawURLEncoding.EncodeToString([]byte(claims)) + ".signature"
}

// signIn keeps a token for the server.
func (r *realm) signIn(t *testing.T) {
	t.Helper()
	r.target.Authorizer = authorizer(t, r.target.URL, func(_ context.Context, page string) (string, error) {
		u, err := url.Parse(page)
		if err != nil {
			return "", err
		}
		q := u.Query()
		back := url.Values{"code": {"secret-code"}, "state": {q.Get("state")}, "iss": {r.as.URL}}
		return q.Get("redirect_uri") + "?" + back.Encode(), nil
	})
	if err := r.target.Authorizer.SignIn(t.Context()); err != nil {
		t.Fatal(err)
	}
}
