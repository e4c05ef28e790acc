package broker

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"

	"golang.org/x/sync/singleflight"

	"github.com/mcpengine/mcpengine/auth"
	"github.com/mcpengine/mcpengine/auth/idp"
	"github.com/mcpengine/mcpengine/internal/tokencache"
	"github.com/mcpengine/mcpengine/internal/weburl"
)

const (
	upstreamTimeout = 8 * time.Second
	maxAnswer       = 512 << 10
	endpointsTime   = time.Hour
	endpointsRest   = 5 * time.Second // after a failure
)

// An upstream is an identity provider, and the client that the server is there.
type upstream struct {
	issuer           string // of the users
	name             string // for people
	clientID, secret string
	scopes           []string
	parameters       map[string]string

	// endpoints are given for a provider without metadata.
	endpoints *endpoints

	// identity are options for the ID tokens of the provider. opaque checks access
	// tokens of a provider without ID tokens.
	identity []idp.Option
	opaque   auth.Provider

	// accept refines or refuses the user of an ID token.
	accept func(*auth.User) error

	// offline asks for a refresh token by a scope where the metadata has it.
	offline bool

	faults []error

	env      auth.Environment
	verifier *auth.Verifier
	calls    singleflight.Group
	mu       sync.Mutex
	found    *endpoints
	foundAt  time.Time
	failedAt time.Time
}

// Endpoints of a provider.
type endpoints struct {
	issuer      string // as its metadata spells it
	authorize   *url.URL
	token       string
	revoke      string
	userInfo    string
	basic       bool // the client authenticates by HTTP Basic
	sendsIssuer bool
	offline     bool // has the scope offline_access
}

// open returns the upstream at work.
func (u *upstream) open(env auth.Environment, config Config) (*upstream, error) {
	o := &upstream{
		issuer: u.issuer, name: u.name, clientID: u.clientID, secret: u.secret, parameters: map[string]string{},
		scopes: slices.Clone(u.scopes), endpoints: u.endpoints, opaque: u.opaque, accept: u.accept, offline: u.offline, env: env,
	}
	for _, parameters := range []map[string]string{u.parameters, config.ProviderParameters} {
		maps.Copy(o.parameters, parameters)
	}
	for _, scope := range config.ProviderScopes {
		if !auth.ValidScope(scope) {
			return nil, fmt.Errorf("provider scope %q is not valid", scope)
		}
		if !slices.Contains(o.scopes, scope) {
			o.scopes = append(o.scopes, scope)
		}
	}
	if err := errors.Join(u.faults...); err != nil {
		return nil, err
	}
	if u.clientID == "" {
		return nil, errors.New("no client id")
	}
	env.TokenCache = 0 // each token is looked at once
	provider := u.opaque
	if provider == nil {
		o.identity = slices.Concat(u.identity, config.Identity)
		provider = idp.IDToken(u.issuer, u.clientID, o.identity...)
	} else if len(config.Identity) > 0 {
		return nil, errors.New("the provider has no ID tokens that Config.Identity could be about")
	}
	var err error
	if o.verifier, err = provider.Open(env); err != nil {
		return nil, err
	}
	return o, nil
}

// discover returns the endpoints of the provider. Old ones are used while it does
// not answer.
func (u *upstream) discover(ctx context.Context) (*endpoints, error) {
	if u.endpoints != nil {
		return u.endpoints, nil
	}
	now := u.env.Now()
	u.mu.Lock()
	found, fresh, resting := u.found, tokencache.Within(now, u.foundAt, endpointsTime), tokencache.Within(now, u.failedAt, endpointsRest)
	u.mu.Unlock()
	if found != nil && (fresh || resting) {
		return found, nil
	}
	if resting {
		return nil, &auth.UnavailableError{Reason: "the provider did not answer a moment ago"}
	}
	answer := u.calls.DoChan("", func() (any, error) { return u.fetchEndpoints(context.WithoutCancel(ctx)) })
	select {
	case a := <-answer:
		e, _ := a.Val.(*endpoints)
		return e, a.Err
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

func (u *upstream) fetchEndpoints(ctx context.Context) (*endpoints, error) {
	e, err := u.getEndpoints(ctx)
	u.mu.Lock()
	defer u.mu.Unlock()
	if err != nil {
		u.failedAt = u.env.Now()
		if u.found != nil {
			return u.found, nil
		}
		return nil, err
	}
	u.found, u.foundAt, u.failedAt = e, u.env.Now(), time.Time{}
	return e, nil
}

func (u *upstream) getEndpoints(ctx context.Context) (*endpoints, error) {
	home, err := url.Parse(u.issuer)
	if err != nil {
		return nil, &auth.UnavailableError{Reason: "discover: the issuer is not a URL"}
	}
	// OpenID Connect Discovery, section 4, or RFC 8414, section 3.
	for _, target := range []string{
		strings.TrimSuffix(u.issuer, "/") + "/.well-known/openid-configuration",
		home.Scheme + "://" + home.Host + wellKnown + strings.TrimSuffix(home.EscapedPath(), "/"),
	} {
		status, body, err := u.send(ctx, http.MethodGet, target, nil, false)
		switch {
		case err != nil:
			return nil, err
		case status == http.StatusOK:
			return parseEndpoints(body, u.issuer, u.secret != "")
		case status != http.StatusNotFound:
			return nil, &auth.UnavailableError{Reason: fmt.Sprintf("discover: HTTP status %d", status)}
		}
	}
	return nil, &auth.UnavailableError{Reason: "discover: the provider has no metadata"}
}

// parseEndpoints reads the metadata of a provider, which must be about that very
// issuer (RFC 8414, section 3.3).
func parseEndpoints(data []byte, issuer string, confidential bool) (*endpoints, error) {
	var m struct {
		Issuer      string   `json:"issuer"`
		Authorize   string   `json:"authorization_endpoint"`
		Token       string   `json:"token_endpoint"`
		Revoke      string   `json:"revocation_endpoint"`
		UserInfo    string   `json:"userinfo_endpoint"`
		Methods     []string `json:"token_endpoint_auth_methods_supported"`
		Scopes      []string `json:"scopes_supported"`
		SendsIssuer bool     `json:"authorization_response_iss_parameter_supported"`
	}
	if err := decodeStrict(data, &m); err != nil {
		return nil, &auth.UnavailableError{Reason: "discover: the metadata is not a JSON object of this kind"}
	}
	if !weburl.SameIssuer(m.Issuer, issuer) {
		return nil, &auth.UnavailableError{Reason: "discover: the metadata is about another issuer"}
	}
	e := &endpoints{issuer: m.Issuer, token: m.Token, revoke: m.Revoke, userInfo: m.UserInfo, sendsIssuer: m.SendsIssuer, offline: slices.Contains(m.Scopes, offlineAccess)}
	// HTTP Basic is the default (RFC 8414, section 2).
	e.basic = confidential && (m.Methods == nil || slices.Contains(m.Methods, "client_secret_basic"))
	for name, target := range map[string]string{"authorization": m.Authorize, "token": m.Token, "revocation": m.Revoke, "userinfo": m.UserInfo} {
		if target == "" && (name == "revocation" || name == "userinfo") {
			continue
		}
		parsed, err := weburl.ParseSecure(target)
		if err != nil || parsed.Scheme == "http" && strings.HasPrefix(issuer, "https:") {
			return nil, &auth.UnavailableError{Reason: "discover: the " + name + " endpoint is missing or not an https URL"}
		}
		if name == "authorization" {
			e.authorize = parsed
		}
	}
	return e, nil
}

// send sends a request to the provider. The errors name its host alone.
func (u *upstream) send(ctx context.Context, method, target string, params url.Values, basic bool) (int, []byte, error) {
	ctx, cancel := context.WithTimeout(ctx, upstreamTimeout)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, method, target, strings.NewReader(params.Encode()))
	if err != nil {
		return 0, nil, &auth.UnavailableError{Reason: "make request: invalid URL"}
	}
	req.Header.Set("Accept", "application/json")
	if params != nil {
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	if basic { // both are form-encoded first (RFC 6749, section 2.3.1)
		req.SetBasicAuth(url.QueryEscape(u.clientID), url.QueryEscape(u.secret))
	}
	resp, err := u.env.Client.Do(req)
	if err != nil {
		return 0, nil, &auth.UnavailableError{Reason: "ask " + req.URL.Host + ": " + auth.Redact(err)}
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer+1))
	if err != nil || len(body) > maxAnswer {
		return 0, nil, &auth.UnavailableError{Reason: "read from " + req.URL.Host + ": no answer of a usual size"}
	}
	return resp.StatusCode, body, nil
}

// form adds the client's credentials to parameters.
func (u *upstream) form(e *endpoints, params url.Values) url.Values {
	params.Set("client_id", u.clientID)
	if u.secret != "" && !e.basic {
		params.Set("client_secret", u.secret)
	}
	return params
}

// tokens are what the provider answers to a token request.
type tokens struct {
	Access  string `json:"access_token"`
	ID      string `json:"id_token"`
	Refresh string `json:"refresh_token"`
	Life    any    `json:"expires_in"`
	Code    string `json:"error"`
}

// goneCodes are the errors that say that a grant is no longer good: OAuth's code,
// GitHub's codes for an authorization code and a refresh token, and the codes of
// OpenID Connect for a person who has to sign in again.
var goneCodes = []string{
	"invalid_grant", "bad_verification_code", "bad_refresh_token", "interaction_required", "login_required", "consent_required",
}

// request sends a token request. GitHub reports its errors with status 200.
func (u *upstream) request(ctx context.Context, params url.Values) (*tokens, error) {
	e, err := u.discover(ctx)
	if err != nil {
		return nil, err
	}
	status, body, err := u.send(ctx, http.MethodPost, e.token, u.form(e, params), e.basic)
	if err != nil {
		return nil, err
	}
	var t tokens
	if err := decodeStrict(body, &t); err != nil {
		return nil, &auth.UnavailableError{Reason: fmt.Sprintf("token request: HTTP status %d, and no JSON object", status)}
	}
	switch {
	case slices.Contains(goneCodes, t.Code):
		return nil, errGrant
	case t.Code != "" || status != http.StatusOK || t.Access == "":
		return nil, &auth.UnavailableError{Reason: fmt.Sprintf("token request: HTTP status %d, error %s", status, knownCode(t.Code))}
	}
	return &t, nil
}

// knownCode returns an error code for the log, unless it may be something else.
func knownCode(code string) string {
	known := []string{
		"invalid_request", "invalid_client", "unauthorized_client", "unsupported_grant_type", "invalid_scope", "invalid_target",
		"incorrect_client_credentials", "redirect_uri_mismatch", "server_error", "temporarily_unavailable",
	}
	if slices.Contains(known, code) {
		return code
	}
	return "of another kind"
}

// redeem exchanges the provider's code.
func (u *upstream) redeem(ctx context.Context, c *code, redirect string) (*auth.User, held, error) {
	t, err := u.request(ctx, url.Values{
		"grant_type": {grantCode}, "code": {c.Code}, "redirect_uri": {redirect}, "code_verifier": {c.Verifier},
	})
	if err != nil {
		return nil, held{}, err
	}
	user, err := u.user(ctx, t, c.Nonce)
	if err != nil {
		return nil, held{}, err
	}
	return user, u.hold(t, ""), nil
}

// renew asks the provider whether the user may go on.
func (u *upstream) renew(ctx context.Context, r *refresh) (*auth.User, held, error) {
	t := &tokens{Access: r.Token}
	if kind, token, _ := strings.Cut(r.Token, ":"); kind == keptAccess {
		t.Access = token
	} else {
		var err error
		if t, err = u.request(ctx, url.Values{"grant_type": {grantRefresh}, "refresh_token": {token}}); err != nil {
			return nil, held{}, err
		}
	}
	user, err := u.user(ctx, t, "")
	switch {
	case err != nil:
		return nil, held{}, err
	case user.Issuer != r.Issuer || user.Subject != r.Subject:
		return nil, held{}, errGrant
	}
	return user, u.hold(t, r.Token), nil
}

// What a refresh token keeps of the provider: its refresh token, or the access
// token where that one has no end.
const (
	keptRefresh = "r"
	keptAccess  = "a"
)

// durable returns what renewing needs, or "" when the provider does not let the
// client go on. A provider that sends no new refresh token means the old one.
func (u *upstream) durable(t *tokens, old string) string {
	switch {
	case t.Refresh != "":
		return keptRefresh + ":" + t.Refresh
	case old != "":
		return old
	case u.opaque != nil:
		return keptAccess + ":" + t.Access
	}
	return ""
}

// user returns the user of an answer of the provider. With a nonce the ID token has
// to be the one of this sign-in (OpenID Connect Core, section 3.1.3.7).
func (u *upstream) user(ctx context.Context, t *tokens, nonce string) (*auth.User, error) {
	token := t.ID
	if u.opaque != nil {
		token, nonce = t.Access, ""
	}
	var found *auth.User
	var err error
	switch {
	case token != "":
		found, err = u.verifier.Verify(ctx, token)
	case nonce != "":
		err = &auth.UnavailableError{Reason: "the provider sent no ID token"}
	default:
		found, err = u.userInfo(ctx, t.Access)
	}
	switch {
	case errors.Is(err, auth.ErrInvalidToken):
		u.env.Logger.WarnContext(ctx, "ID token refused", "issuer", u.issuer, "reason", auth.Redact(err))
		return nil, errGrant
	case err != nil:
		return nil, err
	}
	user := *found
	if said, _ := user.Claims["nonce"].(string); nonce != "" && said != nonce {
		u.env.Logger.WarnContext(ctx, "ID token refused", "issuer", u.issuer, "reason", "it is of another sign-in")
		return nil, errGrant
	}
	if u.accept != nil {
		if err := u.accept(&user); err != nil {
			u.env.Logger.WarnContext(ctx, "user refused", "issuer", u.issuer, "reason", auth.Redact(err))
			return nil, errGrant
		}
	}
	return &user, nil
}

// revoke takes back a refresh token (RFC 7009), where the provider can.
func (u *upstream) revoke(ctx context.Context, kept string) error {
	e, err := u.discover(ctx)
	if err != nil || e.revoke == "" {
		return err
	}
	_, token, _ := strings.Cut(kept, ":")
	status, _, err := u.send(ctx, http.MethodPost, e.revoke, u.form(e, url.Values{"token": {token}, "token_type_hint": {grantRefresh}}), e.basic)
	if err == nil && status != http.StatusOK {
		err = &auth.UnavailableError{Reason: fmt.Sprintf("revoke: HTTP status %d", status)}
	}
	return err
}
