package registry

import (
	"context"
	"crypto/ed25519"
	"crypto/x509"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/mcpengine/mcpengine/internal/weburl"
)

// A Credential proves a namespace.
type Credential interface {
	// String says what is used, without a secret.
	String() string

	// exchange returns the path below /auth and the body with which the registry
	// gives a token.
	exchange(ctx context.Context, c *Client) (path string, body map[string]string, err error)
}

// SignIn returns a token of the registry, which lasts for some minutes.
func (c *Client) SignIn(ctx context.Context, with Credential) (token string, err error) {
	path, body, err := with.exchange(ctx, c)
	if err != nil {
		return "", fmt.Errorf("sign in with %s: %w", with, err)
	}
	status, answer, err := c.do(ctx, http.MethodPost, c.URL+api+"/auth/"+path, "", body)
	if err == nil && status != http.StatusOK {
		err = problem(c.URL, status, answer)
	}
	if err != nil {
		return "", fmt.Errorf("sign in with %s: %w", with, err)
	}
	var granted struct {
		RegistryToken string `json:"registry_token"`
	}
	if err := json.Unmarshal(answer, &granted); err != nil || granted.RegistryToken == "" {
		return "", fmt.Errorf("sign in with %s: the registry gives no token", with)
	}
	return granted.RegistryToken, nil
}

// GitHubActions is the identity of a workflow (GitHub, "OpenID Connect reference"). It
// proves io.github.OWNER of the repository that the workflow belongs to.
type GitHubActions struct {
	RequestURL   string // ACTIONS_ID_TOKEN_REQUEST_URL
	RequestToken string // ACTIONS_ID_TOKEN_REQUEST_TOKEN
}

func (GitHubActions) String() string { return "the identity of the workflow in GitHub Actions" }

func (g GitHubActions) exchange(ctx context.Context, c *Client) (string, map[string]string, error) {
	u, err := weburl.ParseSecure(g.RequestURL)
	if err != nil {
		return "", nil, fmt.Errorf("ACTIONS_ID_TOKEN_REQUEST_URL: %w", err)
	}
	registry, err := url.Parse(c.URL)
	if err != nil {
		return "", nil, err
	}
	query := u.Query()
	query.Set("audience", weburl.Origin(registry))
	u.RawQuery = query.Encode()
	status, answer, err := c.do(ctx, http.MethodGet, u.String(), g.RequestToken, nil)
	if err != nil {
		return "", nil, err
	}
	var identity struct{ Value string }
	if status != http.StatusOK || json.Unmarshal(answer, &identity) != nil || identity.Value == "" {
		return "", nil, fmt.Errorf("GitHub gives no identity: status %d", status)
	}
	return "github-oidc", map[string]string{"oidc_token": identity.Value}, nil
}

// A DomainKey proves a domain whose owner has published the public key: in a TXT record
// of its DNS, which covers subdomains, or at /.well-known/mcp-registry-auth.
type DomainKey struct {
	Domain string
	HTTP   bool // published over HTTP and not in DNS
	Key    ed25519.PrivateKey
	Now    func() time.Time
}

// Record returns what the owner of the domain publishes.
func (k DomainKey) Record() string {
	public := k.Key.Public().(ed25519.PublicKey)
	return "v=MCPv1; k=ed25519; p=" + base64.StdEncoding.EncodeToString(public)
}

// Place returns where the record belongs.
func (k DomainKey) Place() string {
	if k.HTTP {
		return "https://" + k.Domain + "/.well-known/mcp-registry-auth"
	}
	return "a TXT record of " + k.Domain
}

func (k DomainKey) String() string { return "the key of " + k.Domain }

func (k DomainKey) exchange(context.Context, *Client) (string, map[string]string, error) {
	path := "dns"
	if k.HTTP {
		path = "http"
	}
	// The registry takes 15 seconds of difference between the clocks.
	timestamp := k.Now().UTC().Format(time.RFC3339)
	return path, map[string]string{
		"domain": k.Domain, "timestamp": timestamp,
		"signed_timestamp": hex.EncodeToString(ed25519.Sign(k.Key, []byte(timestamp))),
	}, nil
}

// ParseKey reads an Ed25519 key: in PEM as openssl genpkey writes it, or its seed in
// hexadecimal, as mcp-publisher takes it. The error does not repeat the text.
func ParseKey(text string) (ed25519.PrivateKey, error) {
	text = strings.TrimSpace(text)
	if block, _ := pem.Decode([]byte(text)); block != nil {
		parsed, err := x509.ParsePKCS8PrivateKey(block.Bytes)
		if key, ok := parsed.(ed25519.PrivateKey); ok && err == nil {
			return key, nil
		}
		return nil, errors.New("not an Ed25519 key in PKCS #8: make one with openssl genpkey -algorithm ed25519")
	}
	if seed, err := hex.DecodeString(text); err == nil && len(seed) == ed25519.SeedSize {
		return ed25519.NewKeyFromSeed(seed), nil
	}
	return nil, errors.New("neither PEM nor 64 hexadecimal digits: make a key with openssl genpkey -algorithm ed25519")
}

// DomainOf returns the domain that a name is in the namespace of.
func DomainOf(name string) string {
	namespace, _, _ := strings.Cut(name, "/")
	labels := strings.Split(namespace, ".")
	slices.Reverse(labels)
	return strings.Join(labels, ".")
}
