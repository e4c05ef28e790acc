package registry_test

import (
	"bytes"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"encoding/hex"
	"encoding/pem"
	"errors"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-containerregistry/pkg/name"
	images "github.com/google/go-containerregistry/pkg/registry"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/remote"

	"github.com/mcpengine/mcpengine/cmd/mcpengine/internal/registry"
	"github.com/mcpengine/mcpengine/cmd/mcpengine/internal/registry/fakeregistry"
	"github.com/mcpengine/mcpengine/internal/manifest"
)

// weather is a manifest that can be published.
func weather() *manifest.Manifest {
	return &manifest.Manifest{
		Name: "io.github.acme/weather", Description: "Forecasts for every city.", Version: "1.2.3", License: "MIT",
		Author:  &manifest.Author{Name: "Acme"},
		Remotes: []manifest.Transport{{Type: "streamable-http", URL: "https://mcp.acme.example/mcp"}},
	}
}

// start serves a registry.
func start(t *testing.T, fake *fakeregistry.Server) *registry.Client {
	t.Helper()
	server := httptest.NewServer(fake)
	t.Cleanup(server.Close)
	return &registry.Client{URL: server.URL}
}

func TestEncode(t *testing.T) {
	t.Parallel()
	m := weather()
	m.Icons = []manifest.Icon{{Src: "local.png"}, {Src: "https://acme.example/w.png"}}
	text, err := registry.New(m).Encode()
	if err != nil {
		t.Fatal(err)
	}
	const want = `{
  "$schema": "https://static.modelcontextprotocol.io/schemas/2025-12-11/server.schema.json",
  "name": "io.github.acme/weather",
  "description": "Forecasts for every city.",
  "version": "1.2.3",
  "icons": [
    {
      "src": "https://acme.example/w.png"
    }
  ],
  "remotes": [
    {
      "type": "streamable-http",
      "url": "https://mcp.acme.example/mcp"
    }
  ]
}
`
	if diff := cmp.Diff(want, string(text)); diff != "" {
		t.Errorf("server.json (-want +got):\n%s", diff)
	}
}

// faults returns the rules that are broken, with why.
func faults(checks []registry.Check) (all []string) {
	for _, c := range checks {
		if c.State == registry.Fault {
			all = append(all, c.Rule+": "+c.Detail)
		}
	}
	return all
}

func TestCheck(t *testing.T) {
	t.Parallel()
	stdio := manifest.Transport{Type: "stdio"}
	for _, test := range []struct {
		name   string
		change func(*manifest.Manifest)
		want   string // in the fault, or "" for none
	}{
		{"a good one", func(*manifest.Manifest) {}, ""},
		{"nothing to connect to", func(m *manifest.Manifest) { m.Remotes = nil }, "give --mcpb, --image or --deployed"},
		{"101 characters", func(m *manifest.Manifest) { m.Description = strings.Repeat("é", 101) }, "it has 101"},
		{"100 characters", func(m *manifest.Manifest) { m.Description = strings.Repeat("é", 100) }, ""},
		{"a bad name", func(m *manifest.Manifest) { m.Name = "weather" }, "name: must be a namespace and a name"},
		{"a bundle without a digest", func(m *manifest.Manifest) {
			m.Packages = []manifest.Package{{RegistryType: "mcpb", Identifier: "https://github.com/a/b/releases/download/v1/a.mcpb", Transport: stdio}}
		}, "has none: give its file with --mcpb"},
		{"a package without a version", func(m *manifest.Manifest) {
			m.Packages = []manifest.Package{{RegistryType: "npm", Identifier: "@acme/weather", Transport: stdio}}
		}, "@acme/weather has none"},
		{"an image with a space", func(m *manifest.Manifest) {
			m.Packages = []manifest.Package{{RegistryType: "oci", Identifier: "ghcr.io/acme /weather:1", Transport: stdio}}
		}, "packages[0].identifier: must match"},
		{"an image", func(m *manifest.Manifest) {
			m.Packages = []manifest.Package{{RegistryType: "oci", Identifier: "ghcr.io/acme/weather:1", Transport: stdio}}
		}, ""},
	} {
		m := weather()
		test.change(m)
		got := strings.Join(faults(registry.New(m).Check(m)), "\n")
		if (test.want == "") != (got == "") || !strings.Contains(got, test.want) {
			t.Errorf("%s: faults %q, want %q", test.name, got, test.want)
		}
	}
}

// A published version is a fault, and so is what the registry finds wrong.
func TestAsk(t *testing.T) {
	t.Parallel()
	fake := &fakeregistry.Server{Owner: "acme"}
	c := start(t, fake)
	s := registry.New(weather())
	if got := faults(c.Ask(t.Context(), s)); got != nil {
		t.Errorf("a new version: %q", got)
	}
	if sent := fake.Requests(); slices.Contains(sent, "POST /v0.1/publish") || slices.Contains(sent, "POST /v0.1/auth/github-oidc") {
		t.Errorf("Ask has sent %v", sent)
	}
	publish(t, c, s)
	s.Description = "no sentence"
	got := strings.Join(faults(c.Ask(t.Context(), s)), "\n")
	for _, want := range []string{"1.2.3 is published, and a published version never changes", "description: not a sentence"} {
		if !strings.Contains(got, want) {
			t.Errorf("faults %q, want %q", got, want)
		}
	}

	// A registry that does not answer is no fault of the entry.
	gone := &registry.Client{URL: "http://127.0.0.1:1"}
	for _, check := range gone.Ask(t.Context(), s) {
		if check.State != registry.Unasked {
			t.Errorf("without a registry: %+v", check)
		}
	}
}

func github(c *registry.Client) registry.GitHubActions {
	return registry.GitHubActions{RequestURL: c.URL + "/identity?api-version=2", RequestToken: fakeregistry.RequestToken}
}

func publish(t *testing.T, c *registry.Client, s *registry.Server) {
	t.Helper()
	token, err := c.SignIn(t.Context(), github(c))
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Publish(t.Context(), token, s); err != nil {
		t.Fatal(err)
	}
}

func TestPublish(t *testing.T) {
	t.Parallel()
	fake := &fakeregistry.Server{Owner: "acme"}
	c := start(t, fake)
	s := registry.New(weather())
	publish(t, c, s)
	if text := fake.Published(s.Name, s.Version); !bytes.Contains(text, []byte(`"https://mcp.acme.example/mcp"`)) {
		t.Errorf("published: %s", text)
	}
	token, err := c.SignIn(t.Context(), github(c))
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Publish(t.Context(), token, s); err == nil || !strings.Contains(err.Error(), "cannot publish duplicate version") {
		t.Errorf("published twice: %v", err)
	}
	s.Name = "io.github.other/weather"
	if err := c.Publish(t.Context(), token, s); err == nil || !strings.Contains(err.Error(), "You have permission to publish: io.github.acme/*") {
		t.Errorf("the name of another one: %v", err)
	}
	if err := c.Publish(t.Context(), "guessed", s); err == nil || !strings.Contains(err.Error(), "status 401") || strings.Contains(err.Error(), "guessed") {
		t.Errorf("with another token: %v", err)
	}
}

func TestSignInWithKey(t *testing.T) {
	t.Parallel()
	public, key, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	fake := &fakeregistry.Server{Keys: map[string]ed25519.PublicKey{"acme.example": public}}
	c := start(t, fake)
	good := registry.DomainKey{Domain: "acme.example", Key: key, Now: time.Now}
	for _, http := range []bool{false, true} {
		good.HTTP = http
		if token, err := c.SignIn(t.Context(), good); err != nil || token == "" {
			t.Errorf("SignIn with HTTP %v: %v", http, err)
		}
	}
	if sent := fake.Requests(); !slices.Equal(sent, []string{"POST /v0.1/auth/dns", "POST /v0.1/auth/http"}) {
		t.Errorf("it asked %v", sent)
	}
	_, other, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	for want, bad := range map[string]registry.DomainKey{
		"signature verification failed":  {Domain: "acme.example", Key: other, Now: time.Now},
		"no MCP public key found":        {Domain: "other.example", Key: key, Now: time.Now},
		"timestamp outside valid window": {Domain: "acme.example", Key: key, Now: func() time.Time { return time.Now().Add(time.Hour) }},
	} {
		if _, err := c.SignIn(t.Context(), bad); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("SignIn: %v, want %q", err, want)
		}
	}
}

// A request for an identity goes over https alone, and no secret is in an error.
func TestSignInWithGitHubRefused(t *testing.T) {
	t.Parallel()
	c := start(t, &fakeregistry.Server{Owner: "acme"})
	for url, want := range map[string]string{
		"http://elsewhere.example/identity": "ACTIONS_ID_TOKEN_REQUEST_URL: not an https URL",
		c.URL + "/identity":                 "GitHub gives no identity: status 401",
		c.URL + "/none":                     "GitHub gives no identity: status 404",
	} {
		bad := registry.GitHubActions{RequestURL: url, RequestToken: "secret-token"}
		if _, err := c.SignIn(t.Context(), bad); err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "secret-token") {
			t.Errorf("SignIn at %s: %v, want %q", url, err, want)
		}
	}
}

// A token follows no redirect, and an answer is bounded.
func TestAnswers(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name, want string
		answer     http.HandlerFunc
	}{
		{"a redirect", "publish: status 307", func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path == "/stolen" {
				t.Errorf("the request went on to %s", r.URL)
			}
			http.Redirect(w, r, "/stolen", http.StatusTemporaryRedirect)
		}},
		{"too much", "an answer of more than 1024 KiB", func(w http.ResponseWriter, _ *http.Request) { _, _ = io.CopyN(w, endless{}, 1<<20+1) }},
		{"no JSON", "publish: invalid character", func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "<html>") }},
		{"another entry", `the registry says that it has "a/b"`, func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, `{"server":{"name":"a/b"}}`) }},
		{"a long reason", "publish: status 403: xxx", func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(http.StatusForbidden)
			_, _ = io.WriteString(w, `{"title":"t","detail":"`+strings.Repeat("x", 10_000)+`"}`)
		}},
	} {
		server := httptest.NewServer(test.answer)
		t.Cleanup(server.Close)
		c := &registry.Client{URL: server.URL}
		err := c.Publish(t.Context(), "token", registry.New(weather()))
		if err == nil || !strings.Contains(err.Error(), test.want) || len(err.Error()) > 1000 {
			t.Errorf("%s: %v, want %q", test.name, err, test.want)
		}
	}
}

type endless struct{}

func (endless) Read(p []byte) (int, error) { return len(p), nil }

// elsewhere sends every request to one server.
type elsewhere struct{ *httptest.Server }

func (e elsewhere) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.URL.Host == "127.0.0.1:1" {
		return nil, errors.New("the registry is not asked here")
	}
	r = r.Clone(r.Context())
	r.URL.Scheme, r.URL.Host = "http", e.Listener.Addr().String()
	return http.DefaultTransport.RoundTrip(r)
}

// The bundle at the URL must be the one with the digest, and be there.
func TestAskForBundle(t *testing.T) {
	t.Parallel()
	content := []byte("a bundle")
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !strings.HasSuffix(r.URL.Path, "/weather-mcp.mcpb") {
			http.NotFound(w, r)
			return
		}
		_, _ = w.Write(content)
	}))
	t.Cleanup(server.Close)
	sum := sha256.Sum256(content)
	digest := hex.EncodeToString(sum[:])
	const at = "https://github.com/acme/weather/releases/download/v1.2.3/"
	for _, test := range []struct{ name, file, digest, want string }{
		{"the bundle", "weather-mcp.mcpb", digest, ""},
		{"another bundle", "weather-mcp.mcpb", strings.Repeat("0", 64), "has the digest " + digest},
		{"no bundle", "later-mcp.mcpb", digest, "status 404: upload the bundle before"},
	} {
		m := weather()
		m.Packages = []manifest.Package{{RegistryType: "mcpb", Identifier: at + test.file, FileSHA256: test.digest, Transport: manifest.Transport{Type: "stdio"}}}
		c := &registry.Client{URL: "http://127.0.0.1:1", Transport: elsewhere{server}}
		got := strings.Join(faults(c.Ask(t.Context(), registry.New(m))), "\n")
		if (test.want == "") != (got == "") || !strings.Contains(got, test.want) {
			t.Errorf("%s: %q, want %q", test.name, got, test.want)
		}
	}
}

// The image must name the server.
func TestAskForImage(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(images.New(images.Logger(log.New(io.Discard, "", 0))))
	t.Cleanup(server.Close)
	push := func(tag string, labels map[string]string) {
		config, err := empty.Image.ConfigFile()
		if err != nil {
			t.Fatal(err)
		}
		config = config.DeepCopy()
		config.Config.Labels = labels
		image, err := mutate.ConfigFile(empty.Image, config)
		if err != nil {
			t.Fatal(err)
		}
		ref, err := name.ParseReference("ghcr.io/acme/weather:" + tag)
		if err != nil {
			t.Fatal(err)
		}
		if err := remote.Write(ref, image, remote.WithTransport(elsewhere{server})); err != nil {
			t.Fatal(err)
		}
	}
	push("good", map[string]string{manifest.ImageLabel: "io.github.acme/weather"})
	push("other", map[string]string{manifest.ImageLabel: "io.github.acme/other"})
	push("bare", nil)
	for tag, want := range map[string]string{
		"good":  "",
		"other": `is "io.github.acme/other", and not "io.github.acme/weather"`,
		"bare":  `write LABEL io.modelcontextprotocol.server.name="io.github.acme/weather" into its Dockerfile`,
	} {
		m := weather()
		m.Packages = []manifest.Package{{RegistryType: "oci", Identifier: "ghcr.io/acme/weather:" + tag, Transport: manifest.Transport{Type: "stdio"}}}
		c := &registry.Client{URL: "http://127.0.0.1:1", Transport: elsewhere{server}}
		checks := c.Ask(t.Context(), registry.New(m))
		got := strings.Join(faults(checks), "\n")
		if last := checks[len(checks)-1]; (want == "") != (last.State == registry.OK) || !strings.Contains(got, want) {
			t.Errorf("%s: %+v, want %q", tag, last, want)
		}
	}
}

func TestParseKey(t *testing.T) {
	t.Parallel()
	_, key, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{
		"PEM":         string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})),
		"hexadecimal": hex.EncodeToString(key.Seed()) + "\n",
	} {
		if got, err := registry.ParseKey(text); err != nil || !got.Equal(key) {
			t.Errorf("%s: %v", name, err)
		}
	}
	for _, text := range []string{"", "secret", strings.Repeat("ab", 31), "-----BEGIN PRIVATE KEY-----\nc2VjcmV0\n-----END PRIVATE KEY-----\n"} {
		if _, err := registry.ParseKey(text); err == nil || strings.Contains(err.Error(), "secret") || strings.Contains(err.Error(), "c2Vj") {
			t.Errorf("ParseKey(%q): %v", text, err)
		}
	}
}

func FuzzParseKey(f *testing.F) {
	f.Add(strings.Repeat("ab", 32))
	f.Add("-----BEGIN PRIVATE KEY-----\nMC4CAQAwBQYDK2VwBCIEIA==\n-----END PRIVATE KEY-----\n")
	f.Fuzz(func(t *testing.T, text string) {
		if key, err := registry.ParseKey(text); err == nil && len(key) != ed25519.PrivateKeySize {
			t.Errorf("a key of %d bytes", len(key))
		}
	})
}
