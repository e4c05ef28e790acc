package broker

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"time"

	"github.com/mcpengine/mcpengine/auth"
	"github.com/mcpengine/mcpengine/auth/idp"
	"github.com/mcpengine/mcpengine/internal/tokencache"
	"github.com/mcpengine/mcpengine/internal/weburl"
)

const (
	assertionType = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"

	// maxAssertionAge bounds how old a client's proof of identity may be.
	maxAssertionAge = 5 * time.Minute

	maxAssertions = 16384 // that are remembered as used
)

var errClient = &oauthError{http.StatusUnauthorized, "invalid_client", "the client is unknown, is not the one of the grant, or does not prove its identity"}

// authenticate returns the id of the client of a token request, which must be the
// client that a sealed value names. A client with a key has to use it, whatever its
// document says by now.
func (s *server) authenticate(ctx context.Context, params url.Values, want string, key bool) (string, error) {
	id := params.Get("client_id")
	assertion := params.Get("client_assertion")
	if id == "" && assertion != "" {
		id = s.claimedID(assertion)
	}
	switch {
	case id == "":
		return "", errClient
	case want != "" && digest(id) != want:
		return "", errGrant
	case !key && assertion == "":
		return id, nil
	case assertion == "" || params.Get("client_assertion_type") != assertionType:
		return "", errClient
	}
	c, err := s.client(ctx, id)
	if err != nil {
		return "", errClient
	}
	if !c.key {
		return "", errClient
	}
	return id, s.checkAssertion(ctx, c, assertion)
}

// claimedID returns the client that an assertion says it is of. It is not checked.
func (s *server) claimedID(assertion string) string {
	claims, err := unverified(assertion)
	if err != nil {
		return ""
	}
	return claims.Subject
}

// checkAssertion checks a client's proof of identity (RFC 7523, section 3): signed by
// a key of its document, for this authorization server, a few minutes old at most.
func (s *server) checkAssertion(ctx context.Context, c *client, assertion string) error {
	keys, err := s.clientKeys(ctx, c)
	if err != nil {
		return err
	}
	env := s.env
	env.TokenCache, env.Client = 0, &http.Client{Transport: nowhere{}}
	v, err := idp.OIDC(c.id, s.issuer, idp.WithKeySet(keys), idp.WithMaxTokenAge(maxAssertionAge)).Open(env)
	if err != nil {
		return errClient
	}
	u, err := v.Verify(ctx, assertion)
	if err != nil || u.Subject != c.id {
		s.env.Logger.DebugContext(ctx, "client assertion refused", "client", c.id, "reason", auth.Redact(err))
		return errClient
	}
	return nil
}

// clientKeys returns the keys of a client. A set that is published beside the document
// is remembered, and fetching one counts as fetching a document does.
func (s *server) clientKeys(ctx context.Context, c *client) ([]byte, error) {
	if len(c.keySet) > 0 {
		return c.keySet, nil
	}
	name, d := tokencache.Of(c.keysURL), s.documents
	if keys, ok := d.keySets.Get(name, d.now()); ok {
		return keys, nil
	}
	if !s.limits.documents.take("", d.now()) {
		return nil, &oauthError{http.StatusServiceUnavailable, "server_error", "too many documents of clients were fetched in the last minute"}
	}
	ctx, cancel := context.WithTimeout(ctx, documentTimeout)
	defer cancel()
	keys, _, err := d.get(ctx, c.keysURL, maxKeySet)
	if err != nil {
		return nil, errClient
	}
	d.keySets.Put(name, keys, d.now(), keySetTime)
	return keys, nil
}

// nowhere is the transport of a verifier that has all that it needs.
type nowhere struct{}

var errNowhere = errors.New("nothing is fetched here")

func (nowhere) RoundTrip(*http.Request) (*http.Response, error) { return nil, errNowhere }

// An enterprise knows the identity providers whose assertions are grants.
type enterprise struct {
	verifiers map[string]*auth.Verifier
	used      *tokencache.Cache[struct{}]
}

// openEnterprises opens the verifiers of identity assertions.
func (s *server) openEnterprises() error {
	s.enterprise = enterprise{verifiers: map[string]*auth.Verifier{}, used: tokencache.New[struct{}](maxAssertions)}
	env := s.env
	env.TokenCache = 0
	for _, issuer := range s.config.Enterprises {
		v, err := idp.IdentityAssertion(issuer, s.issuer).Open(env)
		if err != nil {
			return err
		}
		s.verifiers[weburl.CanonicalIssuer(issuer)] = v
		if !slices.ContainsFunc(s.users, func(u string) bool { return weburl.SameIssuer(u, issuer) }) {
			s.users = append(s.users, issuer)
		}
	}
	return nil
}

// assert exchanges an identity assertion for an access token (the extension
// io.modelcontextprotocol/enterprise-managed-authorization, section 5). Nobody is
// asked: the enterprise has decided. There is no refresh token, because the client
// can get another assertion as long as the enterprise allows it.
func (s *server) assert(ctx context.Context, params url.Values) (*issued, error) {
	if len(s.verifiers) == 0 {
		return nil, invalid("unsupported_grant_type", "the grant type is not supported")
	}
	assertion := params.Get("assertion")
	said, err := unverified(assertion)
	if err != nil {
		return nil, errGrant
	}
	v := s.verifiers[weburl.CanonicalIssuer(said.Issuer)]
	if v == nil {
		return nil, errGrant
	}
	user, err := v.Verify(ctx, assertion)
	switch {
	case errors.Is(err, auth.ErrInvalidToken):
		s.env.Logger.DebugContext(ctx, "identity assertion refused", "issuer", said.Issuer, "reason", auth.Redact(err))
		return nil, errGrant
	case err != nil:
		return nil, err
	}
	id, err := s.identify(ctx, params)
	if err != nil {
		return nil, err
	}
	resource, _ := user.Claims["resource"].(string)
	switch {
	case user.ClientID != id:
		return nil, errGrant
	case !s.isOurs([]string{resource}) || !s.isOurs(params["resource"]):
		return nil, invalid("invalid_target", "the assertion is for another resource")
	case !s.useOnce(user):
		return nil, errGrant
	}
	scopes, err := s.config.narrowed(params.Get("scope"), s.config.grantable(user.Scopes))
	if err != nil {
		return nil, err
	}
	own := *user
	own.Issuer = s.userIssuer(user.Issuer)
	return s.issue(&own, id, scopes, nil, held{})
}

// identify returns the id of a client that has no code or token of ours yet. It has
// to be known.
func (s *server) identify(ctx context.Context, params url.Values) (string, error) {
	id := params.Get("client_id")
	if id == "" {
		id = s.claimedID(params.Get("client_assertion"))
	}
	c, err := s.client(ctx, id)
	if err != nil {
		return "", errClient
	}
	return s.authenticate(ctx, params, digest(id), c.key)
}

// useOnce reports whether an assertion was not used before in this process. Other
// replicas do not know: an assertion is good for minutes and names its client.
func (s *server) useOnce(u *auth.User) bool {
	jti, _ := u.Claims["jti"].(string)
	name, now := tokencache.Of(u.Issuer+" "+jti), s.env.Now()
	if _, used := s.used.Get(name, now); used {
		return false
	}
	s.used.Put(name, struct{}{}, now, u.Expiry.Sub(now)+s.env.Leeway)
	return true
}

// userIssuer returns the spelling of an issuer that users have.
func (s *server) userIssuer(issuer string) string {
	i := slices.IndexFunc(s.users, func(u string) bool { return weburl.SameIssuer(u, issuer) })
	if i < 0 {
		return issuer
	}
	return s.users[i]
}
