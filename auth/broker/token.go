package broker

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"golang.org/x/sync/singleflight"

	"github.com/mcpengine/mcpengine/auth"
	"github.com/mcpengine/mcpengine/internal/tokencache"
)

const maxTokenRequest = 64 << 10

// An issued is the answer to a token request (RFC 6749, section 5.1).
type issued struct {
	Access    string `json:"access_token"`
	Type      string `json:"token_type"`
	ExpiresIn int64  `json:"expires_in"`
	Refresh   string `json:"refresh_token,omitempty"`
	Scope     string `json:"scope"`
}

// serveToken is the token endpoint (OAuth 2.1, section 3.2).
func (s *server) serveToken(w http.ResponseWriter, r *http.Request) {
	if !s.limits.token.takeFor(r, s.env.Now()) {
		tooMany(w)
		return
	}
	params, ok := readForm(w, r)
	if !ok {
		return
	}
	var t *issued
	var err error
	switch params.Get("grant_type") {
	case grantCode:
		t, err = s.redeem(r.Context(), params)
	case grantRefresh:
		t, err = s.renew(r.Context(), params)
	case grantAssertion:
		t, err = s.assert(r.Context(), params)
	default:
		err = invalid("unsupported_grant_type", "the grant type is not supported")
	}
	if err != nil {
		s.failWith(w, s.refusal(r.Context(), err))
		return
	}
	text, _ := json.Marshal(t) // strings can be encoded
	_, _ = w.Write(text)       // fails when the client has gone
}

// refusal turns an error into the answer. What the provider said goes to the log.
func (s *server) refusal(ctx context.Context, err error) error {
	if _, ok := errors.AsType[*oauthError](err); ok {
		return err
	}
	s.env.Logger.WarnContext(ctx, "token request failed", "issuer", s.upstream.issuer, "error", auth.Redact(err))
	return errUnavailable
}

// readForm reads the parameters of a token or revocation request, or answers.
func readForm(w http.ResponseWriter, r *http.Request) (url.Values, bool) {
	kind, _, _ := strings.Cut(r.Header.Get("Content-Type"), ";")
	if !strings.EqualFold(strings.TrimSpace(kind), "application/x-www-form-urlencoded") {
		fail(w, http.StatusBadRequest, "invalid_request", "the body must be application/x-www-form-urlencoded")
		return nil, false
	}
	body, ok := readBody(w, r, maxTokenRequest)
	if !ok {
		return nil, false
	}
	params, err := parseParameters(string(body))
	if err != nil {
		fail(w, http.StatusBadRequest, "invalid_request", err.Error())
		return nil, false
	}
	return params, true
}

// redeem exchanges a code of ours. The provider is asked last, when everything else
// is right, because asking uses its code up.
func (s *server) redeem(ctx context.Context, params url.Values) (*issued, error) {
	var c code
	if err := s.open(purposeCode, params.Get("code"), "", &c, &c.Expiry); err != nil {
		return nil, errGrant
	}
	id, err := s.authenticate(ctx, params, c.Client, c.Key)
	if err != nil {
		return nil, err
	}
	redirect := params.Get("redirect_uri")
	switch {
	case redirect != c.Redirect && (redirect != "" || !c.Implied):
		return nil, errGrant
	case !proves(params.Get("code_verifier"), c.Challenge):
		return nil, errGrant
	case !s.isOurs(params["resource"]):
		return nil, invalid("invalid_target", "the code is for another resource")
	}
	user, h, err := s.upstream.redeem(ctx, &c, s.callback())
	if err != nil {
		return nil, err
	}
	r := refresh{Client: c.Client, Key: c.Key, Scopes: c.Scopes, Issuer: user.Issuer, Subject: user.Subject, Token: h.durable, Expiry: s.in(s.config.SessionLifetime)}
	return s.issue(user, id, c.Scopes, &r, h)
}

// proves reports whether a verifier belongs to a challenge (RFC 7636, section 4.6).
func proves(verifier, challenge string) bool {
	if len(verifier) < 43 || len(verifier) > 128 {
		return false
	}
	sum := sha256.Sum256([]byte(verifier))
	return subtle.ConstantTimeCompare([]byte(base64url.EncodeToString(sum[:])), []byte(challenge)) == 1
}

// issue returns tokens for a user. Where nothing can be renewed, r.Token is empty.
func (s *server) issue(user *auth.User, clientID string, scopes []string, r *refresh, h held) (*issued, error) {
	access, life, err := s.accessToken(user, clientID, scopes, h)
	if err != nil {
		return nil, err
	}
	t := &issued{Access: access, Type: "Bearer", ExpiresIn: int64(life / time.Second), Scope: strings.Join(scopes, " ")}
	if r == nil || r.Token == "" {
		return t, nil
	}
	if t.Refresh, err = s.seal(purposeRefresh, r, ""); err != nil {
		return nil, err
	}
	if len(t.Refresh) > maxRefresh {
		s.env.Logger.Warn("no refresh token: the provider's is too long", "issuer", s.upstream.issuer, "bytes", len(r.Token))
		t.Refresh = ""
	}
	return t, nil
}

// renewals joins the renewals of one refresh token that a client with several
// connections sends at the same time. A provider that allows a refresh token once
// would take the second for a theft.
type renewals struct {
	calls singleflight.Group
	done  *tokencache.Cache[*issued]
}

const (
	renewalTime = 10 * time.Second
	maxRenewals = 1024
)

func newRenewals() renewals { return renewals{done: tokencache.New[*issued](maxRenewals)} }

// renew exchanges a refresh token of ours. A resource may be left out.
func (s *server) renew(ctx context.Context, params url.Values) (*issued, error) {
	sealed := params.Get("refresh_token")
	var r refresh
	if len(sealed) > maxRefresh || s.open(purposeRefresh, sealed, "", &r, &r.Expiry) != nil {
		return nil, errGrant
	}
	id, err := s.authenticate(ctx, params, r.Client, r.Key)
	if err != nil {
		return nil, err
	}
	if !s.isOurs(params["resource"]) {
		return nil, invalid("invalid_target", "the refresh token is for another resource")
	}
	scopes, err := s.config.narrowed(params.Get("scope"), r.Scopes)
	if err != nil {
		return nil, err
	}
	name := tokencache.Of(id + " " + strings.Join(scopes, " ") + " " + sealed)
	if t, ok := s.done.Get(name, s.env.Now()); ok {
		return t, nil
	}
	// On this goroutine: the provider has a deadline, so that a client that has gone
	// holds it for a few seconds at most.
	answer, err, _ := s.calls.Do(string(name[:]), func() (any, error) {
		t, err := s.renewOnce(context.WithoutCancel(ctx), r, id, scopes)
		if err == nil {
			s.done.Put(name, t, s.env.Now(), renewalTime)
		}
		return t, err
	})
	t, _ := answer.(*issued)
	return t, err
}

func (s *server) renewOnce(ctx context.Context, r refresh, clientID string, scopes []string) (*issued, error) {
	user, h, err := s.upstream.renew(ctx, &r)
	if err != nil {
		return nil, err
	}
	r.Token = h.durable // the scopes and the end of the session stay
	return s.issue(user, clientID, scopes, &r, h)
}

// narrowed returns the scopes for a renewed access token: fewer than before if the
// client wants fewer, and never more (RFC 6749, section 6). Scopes that do not exist
// are left out as they are of the first request, which hosts repeat.
func (c *Config) narrowed(scope string, granted []string) ([]string, error) {
	if scope == "" {
		return granted, nil
	}
	var wanted []string
	for _, name := range auth.ParseScopes(scope) {
		switch {
		case slices.Contains(granted, name):
			wanted = append(wanted, name)
		case slices.Contains(c.scopes(), name):
			return nil, invalid("invalid_scope", "the scope was not granted")
		}
	}
	return wanted, nil
}

// serveRevoke is the revocation endpoint (RFC 7009). It takes back the provider's
// refresh token. Access tokens end by themselves.
func (s *server) serveRevoke(w http.ResponseWriter, r *http.Request) {
	if !s.limits.revoke.takeFor(r, s.env.Now()) {
		tooMany(w)
		return
	}
	params, ok := readForm(w, r)
	if !ok {
		return
	}
	var kept refresh
	if s.open(purposeRefresh, params.Get("token"), "", &kept, &kept.Expiry) != nil {
		_, _ = w.Write([]byte("{}")) // a token that is not good needs no revoking (RFC 7009, section 2.2)
		return
	}
	if _, err := s.authenticate(r.Context(), params, kept.Client, kept.Key); err != nil {
		s.failWith(w, s.refusal(r.Context(), err))
		return
	}
	if err := s.upstream.revoke(r.Context(), kept.Token); err != nil {
		s.failWith(w, s.refusal(r.Context(), err))
		return
	}
	_, _ = w.Write([]byte("{}")) // fails when the client has gone
}
