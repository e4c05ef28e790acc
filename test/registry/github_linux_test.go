package registry_test

import (
	"bufio"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
)

// The hosts of GitHub that are in the way from a workflow to an entry.
const (
	issuer    = "https://token.actions.githubusercontent.com"
	pipelines = "https://pipelines.actions.githubusercontent.com"
)

// A gitHub is GitHub, as the registry and a workflow see it. They reach it through a
// proxy, which takes every host for GitHub.
type gitHub struct {
	t        *testing.T
	key      *rsa.PrivateKey
	proxy    string // its URL
	rootFile string // the root of its certificates, in PEM

	mu     sync.Mutex
	owner  string            // of the repository that the workflow belongs to
	assets map[string][]byte // of releases, by path
}

func startGitHub(t *testing.T) *gitHub {
	t.Helper()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	g := &gitHub{t: t, key: key, owner: "acme", assets: map[string][]byte{}}
	mux := http.NewServeMux()
	mux.HandleFunc("GET token.actions.githubusercontent.com/.well-known/jwks", g.keys)
	mux.HandleFunc("GET pipelines.actions.githubusercontent.com/identity", g.identity)
	mux.HandleFunc("github.com/", g.asset)
	inside := &http.Server{Handler: mux, ReadHeaderTimeout: time.Minute}
	connections := make(connections)
	listener := tls.NewListener(connections, g.certificates())
	served := make(chan struct{})
	go func() { defer close(served); _ = inside.Serve(listener) }()
	proxy := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodConnect {
			t.Errorf("a request to %s in the clear", r.URL)
			return
		}
		conn, rw, err := http.NewResponseController(w).Hijack()
		if err != nil {
			t.Error(err)
			return
		}
		_, _ = rw.WriteString("HTTP/1.1 200 OK\r\n\r\n")
		_ = rw.Flush()
		connections <- buffered{conn, rw.Reader}
	}))
	t.Cleanup(func() {
		proxy.Close()
		_ = inside.Close()
		<-served
	})
	g.proxy = proxy.URL
	return g
}

// connections is a listener for connections that somebody else has accepted.
type connections chan net.Conn

func (c connections) Accept() (net.Conn, error) {
	conn, ok := <-c
	if !ok {
		return nil, net.ErrClosed
	}
	return conn, nil
}

func (c connections) Close() error { close(c); return nil }
func (connections) Addr() net.Addr { return &net.TCPAddr{} }

// buffered is a connection of which a part has been read.
type buffered struct {
	net.Conn
	r *bufio.Reader
}

func (b buffered) Read(p []byte) (int, error) { return b.r.Read(p) }

// certificates makes a root, writes it into rootFile, and returns a configuration with
// a certificate for every host that is asked for.
func (g *gitHub) certificates() *tls.Config {
	g.t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		g.t.Fatal(err)
	}
	root := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "test"}, IsCA: true, BasicConstraintsValid: true,
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour), KeyUsage: x509.KeyUsageCertSign,
	}
	der, err := x509.CreateCertificate(rand.Reader, root, root, key.Public(), key)
	if err != nil {
		g.t.Fatal(err)
	}
	g.rootFile = filepath.Join(g.t.TempDir(), "root.pem")
	if err := os.WriteFile(g.rootFile, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), 0o600); err != nil {
		g.t.Fatal(err)
	}
	return &tls.Config{MinVersion: tls.VersionTLS12, GetCertificate: func(hello *tls.ClientHelloInfo) (*tls.Certificate, error) {
		leaf := &x509.Certificate{
			SerialNumber: big.NewInt(2), DNSNames: []string{hello.ServerName}, NotBefore: root.NotBefore, NotAfter: root.NotAfter,
			ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
		}
		der, err := x509.CreateCertificate(rand.Reader, leaf, root, key.Public(), key)
		return &tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, err
	}}
}

// keys has the key of the identities.
func (g *gitHub) keys(w http.ResponseWriter, _ *http.Request) {
	encode := base64.RawURLEncoding.EncodeToString
	_ = json.NewEncoder(w).Encode(map[string]any{"keys": []any{map[string]string{
		"kty": "RSA", "kid": "1", "use": "sig", "n": encode(g.key.N.Bytes()), "e": encode(big.NewInt(int64(g.key.E)).Bytes()),
	}}})
}

// identity gives a workflow its identity for an audience.
func (g *gitHub) identity(w http.ResponseWriter, r *http.Request) {
	if r.Header.Get("Authorization") != "Bearer workflow" {
		w.WriteHeader(http.StatusUnauthorized)
		return
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	encode := base64.RawURLEncoding.EncodeToString
	claims, err := json.Marshal(map[string]any{
		"iss": issuer, "aud": r.URL.Query().Get("audience"), "sub": "repo:" + g.owner + "/weather:ref:refs/tags/v1.2.0",
		"repository_owner": g.owner, "iat": time.Now().Unix(), "exp": time.Now().Add(time.Minute).Unix(),
	})
	if err != nil {
		g.t.Error(err)
	}
	signed := encode([]byte(`{"alg":"RS256","typ":"JWT","kid":"1"}`)) + "." + encode(claims)
	sum := sha256.Sum256([]byte(signed))
	signature, err := rsa.SignPKCS1v15(rand.Reader, g.key, crypto.SHA256, sum[:])
	if err != nil {
		g.t.Error(err)
	}
	_ = json.NewEncoder(w).Encode(map[string]string{"value": signed + "." + encode(signature)})
}

// asset is a file of a release.
func (g *gitHub) asset(w http.ResponseWriter, r *http.Request) {
	g.mu.Lock()
	defer g.mu.Unlock()
	data, ok := g.assets[strings.TrimSuffix(r.URL.Path, "/")]
	if !ok {
		http.NotFound(w, r)
		return
	}
	_, _ = w.Write(data)
}
