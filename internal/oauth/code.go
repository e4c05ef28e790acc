package oauth

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"time"

	"github.com/mcpengine/mcpengine/internal/peer"
	"github.com/mcpengine/mcpengine/internal/weburl"
)

// signInTimeout is how long a person may take.
const signInTimeout = 5 * time.Minute

// AuthorizationCode is the grant of a person with a browser, with PKCE (OAuth
// 2.1, section 4.1). Its zero value opens the system's browser and waits for it
// to come back to a free port of 127.0.0.1.
type AuthorizationCode struct {
	// Open shows a URL to the person: https, or http on this machine. The
	// default is [OpenBrowser]. It must not wait for the person.
	Open func(ctx context.Context, authorizationURL string) error

	// Visit takes the place of the browser and of listening: it returns the URL
	// that the authorization server redirects to. RedirectURI is required with
	// it. Optional.
	Visit func(ctx context.Context, authorizationURL string) (callbackURL string, err error)

	// RedirectURI is where the authorization server is told to redirect to. The
	// default is a free port. Without Visit it has to be an http URL of this
	// machine with a port.
	RedirectURI string

	// Timeout is how long the person may take, 5 minutes by default.
	Timeout time.Duration
}

func (AuthorizationCode) grantTypes() []string { return []string{grantCode} }

func (AuthorizationCode) user() string { return person }

// person is the user of the grants that a person gives.
const person = "person"

func (g AuthorizationCode) obtain(ctx context.Context, f *flow) (*token, error) {
	if err := f.checkPKCE(); err != nil {
		return nil, err
	}
	if g.Timeout <= 0 {
		g.Timeout = signInTimeout
	}
	ctx, cancel := context.WithTimeout(ctx, g.Timeout)
	defer cancel()
	a := &attempt{flow: f, state: rand.Text(), verifier: rand.Text() + rand.Text(), redirectURI: g.RedirectURI}
	visit := g.Visit
	if visit == nil {
		l, err := f.listen(ctx, g.RedirectURI)
		if err != nil {
			return nil, err
		}
		defer l.close()
		a.redirectURI = l.uri
		visit = func(ctx context.Context, target string) (string, error) { return l.visit(ctx, g, target, a) }
	}
	var err error
	if f.client, err = f.register(ctx, a.redirectURI); err != nil {
		return nil, err
	}
	return a.run(ctx, visit)
}

// checkPKCE returns an error unless the authorization server supports PKCE
// (security-considerations, "Authorization Code Protection").
func (f *flow) checkPKCE() error {
	switch {
	case f.server.Authorize == "":
		return errors.New("the authorization server has no authorization endpoint")
	case supports(f.server.ChallengeMethods, "S256"):
		return nil
	case f.preset.assumePKCE:
		return nil
	case f.config.InsecureNoPKCE:
		f.config.Logger.Warn("the authorization server does not say that it supports PKCE: an intercepted code may be used by others", "issuer", f.server.Issuer)
		return nil
	}
	return ErrNoPKCE
}

// An attempt is one authorization request, with the values that its answer must
// match.
type attempt struct {
	*flow
	state, verifier, redirectURI string
}

func (a *attempt) run(ctx context.Context, visit func(context.Context, string) (string, error)) (*token, error) {
	target, err := a.url()
	if err != nil {
		return nil, err
	}
	done := peer.AwaitPerson(ctx)
	callback, err := visit(ctx, target)
	done()
	if err != nil {
		if ctx.Err() != nil {
			// A server that does not know the client any more shows that to the
			// person and redirects nowhere.
			err = errors.Join(fmt.Errorf("wait for the browser: %w", ctx.Err()), a.forget(context.WithoutCancel(ctx)))
		}
		return nil, fmt.Errorf("sign in at %s: %w", a.server.Issuer, err)
	}
	u, err := url.Parse(callback)
	if err != nil {
		return nil, fmt.Errorf("sign in at %s: the callback is not a URL", a.server.Issuer)
	}
	code, err := a.code(u.Query())
	if err != nil {
		return nil, fmt.Errorf("sign in at %s: %w", a.server.Issuer, err)
	}
	return a.request(ctx, url.Values{
		"grant_type":    {grantCode},
		"code":          {code},
		"redirect_uri":  {a.redirectURI},
		"code_verifier": {a.verifier},
	}, code, a.verifier)
}

// url is the authorization request.
func (a *attempt) url() (string, error) {
	u, err := parseEndpoint(a.server.Authorize)
	if err != nil {
		return "", fmt.Errorf("authorization endpoint: %w", err)
	}
	sum := sha256.Sum256([]byte(a.verifier))
	q := u.Query()
	for name, value := range map[string]string{
		"response_type":         "code",
		"client_id":             a.client.ID,
		"redirect_uri":          a.redirectURI,
		"state":                 a.state,
		"code_challenge":        base64.RawURLEncoding.EncodeToString(sum[:]),
		"code_challenge_method": "S256",
	} {
		q.Set(name, value)
	}
	a.setResource(q)
	a.setScope(q)
	if strings.Contains(" "+q.Get("scope")+" ", " "+offlineAccess+" ") {
		q.Set("prompt", "consent") // without it the scope is ignored (OpenID Connect Core, section 11)
	}
	for name, value := range a.preset.params {
		q.Set(name, value)
	}
	if a.key != nil {
		thumbprint, err := a.key.thumbprint()
		if err != nil {
			return "", err
		}
		q.Set("dpop_jkt", thumbprint)
	}
	u.RawQuery = q.Encode()
	return u.String(), nil
}

var errState = errors.New("the callback belongs to another sign-in")

// mine reports whether a callback is the answer to this attempt.
func (a *attempt) mine(q url.Values) bool {
	return len(q["state"]) == 1 && subtle.ConstantTimeCompare([]byte(q.Get("state")), []byte(a.state)) == 1
}

// needsIssuer reports whether the answer has to name its issuer although the
// metadata does not promise it. An authorization endpoint of another origin may
// belong to an honest server, whose code would then go to the token endpoint of
// the author of the metadata (RFC 9700, section 4.4). An issuer that the user
// or a preset names is trusted with its metadata.
func (f *flow) needsIssuer() bool {
	if f.preset.name != "" || f.config.Client.Issuer != "" || f.config.InsecureNoIssuer {
		return false
	}
	issuer, err := url.Parse(f.server.Issuer)
	if err != nil {
		return true
	}
	endpoint, err := url.Parse(f.server.Authorize)
	return err != nil || weburl.Origin(issuer) != weburl.Origin(endpoint)
}

// code reads the authorization response. It checks the sender first: the text
// of an error from another server is not shown (basic/authorization,
// "Authorization Response Validation").
func (a *attempt) code(q url.Values) (string, error) {
	if !a.mine(q) {
		return "", errState
	}
	for _, name := range []string{"code", "iss", "error", "error_description"} {
		if len(q[name]) > 1 {
			return "", errors.New("the callback has a parameter twice")
		}
	}
	switch _, present := q["iss"]; {
	case present && q.Get("iss") != a.server.Issuer: // as the metadata spells it (RFC 9207, section 2.4)
		return "", fmt.Errorf("callback of %.256q, not of %s: %w", q.Get("iss"), a.server.Issuer, ErrIssuer)
	case !present && a.server.SendsIssuer:
		return "", fmt.Errorf("callback without an issuer: %w", ErrIssuer)
	case !present && a.needsIssuer():
		return "", ErrMixUp
	}
	code := q.Get("code")
	switch {
	case q.Get("error") != "":
		return "", newError(0, q.Get("error"), q.Get("error_description"), code, a.state)
	case code == "" || !plainText(code):
		return "", errors.New("the callback has no code")
	}
	return code, nil
}
