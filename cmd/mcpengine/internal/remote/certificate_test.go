package remote_test

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"log/slog"
	"math/big"
	"net/http/httptest"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/mcpengine/mcpengine/cmd/mcpengine/internal/profile"
	"github.com/mcpengine/mcpengine/cmd/mcpengine/internal/remote"
	"github.com/mcpengine/mcpengine/internal/bridge"
)

type certificates struct{ ca, cert, key string }

// writeCertificates writes the certificate of the server and one for a client.
func writeCertificates(t *testing.T, server *httptest.Server) certificates {
	t.Helper()
	dir := t.TempDir()
	write := func(name, kind string, der []byte) string {
		file := filepath.Join(dir, name)
		if err := os.WriteFile(file, pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}), 0o600); err != nil {
			t.Fatal(err)
		}
		return file
	}
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(time.Hour)}
	cert, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	private, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	return certificates{
		ca:   write("ca.pem", "CERTIFICATE", server.Certificate().Raw),
		cert: write("cert.pem", "CERTIFICATE", cert),
		key:  write("key.pem", "PRIVATE KEY", private),
	}
}

// A certificate of an own authority is trusted, and the client's is shown.
func TestCertificates(t *testing.T) {
	t.Parallel()
	e := newEngine()
	t.Cleanup(e.Close)
	server := httptest.NewUnstartedServer(e)
	server.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, 0)
	server.TLS = &tls.Config{ClientAuth: tls.RequireAnyClientCert} //nolint:gosec // a test
	server.StartTLS()
	t.Cleanup(server.Close)
	files := writeCertificates(t, server)
	var logged bytes.Buffer
	source := remote.Source{
		Name: "far", Home: t.TempDir(), Now: time.Now, Getenv: func(string) string { return "" },
		Log:     bridge.NewLog(&logged, 0, ""),
		Profile: &profile.Profile{URL: server.URL, CAFile: files.ca, CertFile: files.cert, KeyFile: files.key},
	}
	config, release, err := source.Config()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(release)
	h := newHost(t, config)
	if got, want := h.weather("Bern"), "sunny in Bern"; got != want {
		t.Errorf("the tool says %q, want %q", got, want)
	}
}
