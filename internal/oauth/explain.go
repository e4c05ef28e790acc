package oauth

import (
	"context"
	"encoding/base64"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/mcpengine/mcpengine/internal/peer"
)

// A Step is one step on the way to a token, and what the client makes of it. It
// holds no secret: URLs have no query, and of a token only claims about its use
// are read.
type Step struct {
	// Name says what the step is about.
	Name string `json:"step"`

	// Request is what was asked, and empty for a step without a request.
	Request string `json:"request,omitempty"`

	// Answer is what the server said, and empty where it said nothing.
	Answer string `json:"answer,omitempty"`

	// Decision is what follows from it.
	Decision string `json:"decision"`

	// Caution is what may fail with other clients, or later. It is empty where
	// nothing is doubtful.
	Caution string `json:"caution,omitempty"`

	// Fault is why the sign-in cannot go on, or nil. Decision has its text.
	Fault error `json:"-"`
}

// The names of steps.
const (
	StepChallenge      = "challenge"
	StepResource       = "resource metadata"
	StepServer         = "authorization server"
	StepMetadata       = "authorization server metadata"
	StepRegistration   = "client registration"
	StepAuthentication = "client authentication"
	StepPKCE           = "PKCE"
	StepIssuer         = "issuer of the answer"
	StepIndicator      = "resource parameter"
	StepScopes         = "scopes"
	StepToken          = "token"
	StepAudience       = "token audience"
)

// A trace notes steps. A nil trace notes nothing.
type trace struct{ steps []Step }

func (t *trace) note(s Step) {
	if t != nil {
		t.steps = append(t.steps, s)
	}
}

// decide says what follows from the last step.
func (t *trace) decide(format string, args ...any) {
	if t != nil {
		t.steps[len(t.steps)-1].Decision = fmt.Sprintf(format, args...)
	}
}

// fail says that the last step fails.
func (t *trace) fail(err error) {
	last := &t.steps[len(t.steps)-1]
	last.Decision, last.Fault = printable(err.Error(), 300), err
}

// failed returns a step that fails if err is not nil.
func (s Step) failed(err error) Step {
	if err != nil {
		s.Decision, s.Fault = printable(err.Error(), 300), err
	}
	return s
}

// Explain takes the steps of a sign-in up to the point where a person would be
// asked, and reports each. The refusal is the server's answer to a request without
// a token; nil means that the server has answered such a request. Explain signs
// nobody in, registers no client and leaves the store alone. A step that fails is
// the last of the sign-in.
func (a *Authorizer) Explain(ctx context.Context, refused *peer.AuthError) []Step {
	t := &trace{}
	d := a.explainChallenge(t, refused)
	a.explainDiscovery(ctx, t, d, refused != nil)
	a.explainToken(ctx, t)
	return t.steps
}

func (a *Authorizer) explainChallenge(t *trace, refused *peer.AuthError) demand {
	s := Step{Name: StepChallenge, Request: "the MCP server, without a token: " + shown(a.url.String())}
	if refused == nil {
		s.Answer, s.Decision = "a result", "no token is needed to connect; some features may still need one"
		t.note(s)
		return demand{}
	}
	d := demandOf(refused.Status, refused.Challenges)
	s.Answer = fmt.Sprintf("HTTP status %d", refused.Status)
	for _, c := range refused.Challenges {
		if s.Answer += ", "; c.Field != "" {
			s.Answer += c.Field + ": "
		}
		s.Answer += printable(c.Scheme, 32)
		for _, name := range []string{"error", "resource_metadata", "scope"} {
			if value := c.Param(name); value != "" && name == "resource_metadata" {
				s.Answer += fmt.Sprintf(" %s=%q", name, shown(value))
			} else if value != "" {
				s.Answer += fmt.Sprintf(" %s=%q", name, printable(value, 300))
			}
		}
	}
	switch {
	case !d.serious:
		s.Decision = "this is no demand for a token: another sign-in would not help"
		s.Fault = ErrRefused
	case d.metadata != "":
		s.Decision = "a token is needed; the challenge says where the metadata of the server is"
	default:
		s.Decision = "a token is needed; the challenge does not say where the metadata of the server is, so the well-known places are tried"
	}
	if d.serious {
		s.Caution = cautionOf(refused.Challenges, d)
	}
	if d.serious && d.bound {
		s.Decision += "; only a token that is bound to a key is taken (DPoP)"
	}
	t.note(s)
	return d
}

// cautionOf says what other clients may miss in the challenges of a server.
func cautionOf(all []peer.Challenge, d demand) string {
	used := peer.FindChallenge(all, "bearer")
	if used == nil {
		used = peer.FindChallenge(all, "dpop")
	}
	switch {
	case used == nil:
		return "there is no challenge of the scheme Bearer, so that clients need not take the answer for a demand for a token"
	case d.metadata == "":
		return "the challenge has no resource_metadata, so that clients have to guess where the metadata is"
	case used.Field != challengeField:
		return "the field WWW-Authenticate was renamed to " + used.Field + " on the way, which only some clients read"
	}
	return ""
}

// challengeField is where a challenge stands, unless AWS renames the field.
const challengeField = "WWW-Authenticate"

// explainDiscovery takes the steps that end with the authorization request.
func (a *Authorizer) explainDiscovery(ctx context.Context, t *trace, d demand, refused bool) {
	fetch := a.fetch
	fetch.trace = t
	r, err := fetch.discoverResource(ctx, a.url, d.metadata)
	if err != nil {
		t.fail(err)
		return
	}
	if r.handshake && !refused {
		t.decide("no metadata anywhere: there is nothing to sign in to")
		return
	}
	if r.handshake {
		t.caution("a server that wants tokens has to publish metadata (RFC 9728), which most clients need to sign in")
	}
	issuer, why, err := a.choose(ctx, r)
	s := Step{Name: StepServer, Answer: "the metadata of the server names " + listed(shownAll(r.Servers)), Decision: shown(issuer) + ": " + why}
	if t.note(s.failed(err)); err != nil {
		return
	}
	metadata, err := fetch.metadata(ctx, issuer, r.handshake)
	if err != nil {
		t.fail(err)
		return
	}
	if metadata.assumed {
		t.decide("there is no metadata: the endpoints are assumed at /authorize, /token and /register, as in handshake versions")
	}
	f := a.flow(metadata, r.ID)
	f.explainRegistration(t)
	f.explainAuthentication(t)
	f.explainPKCE(t)
	f.explainIssuer(t)
	f.explainResource(t)
	scopes, err := a.scopes(f, r, nil, d)
	s = Step{Name: StepScopes, Answer: fmt.Sprintf("challenge: %s; metadata of the server: %s", listed(d.scopes), listed(r.ScopesSupported)), Decision: "asked for: " + listed(scopes)}
	for _, scope := range scopes {
		if f.server.Scopes != nil && !supports(f.server.Scopes, scope) {
			s.Caution = fmt.Sprintf("the authorization server does not list the scope %q among those that it knows", printable(scope, 64))
		}
	}
	t.note(s.failed(err))
}

// caution adds a caution to the last step.
func (t *trace) caution(text string) { t.steps[len(t.steps)-1].Caution = text }

func (f *flow) explainRegistration(t *trace) {
	s := Step{Name: StepRegistration, Answer: fmt.Sprintf("client id metadata documents: %s; dynamic registration: %s",
		yesNo(f.server.ClientDocumentsRead), yesNo(f.server.Register != ""))}
	switch f.registration() {
	case preregistered:
		s.Decision = fmt.Sprintf("the configured client id %q is used", printable(f.config.Client.ID, 300))
	case byDocument:
		s.Decision = "the metadata document is the client id: " + shown(f.config.MetadataURL)
	case dynamic:
		s.Decision = "the client registers itself"
		if f.server.ClientDocumentsRead {
			s.Decision += ", because no metadata document of it is configured"
		}
	case unregistered:
		s = s.failed(f.unregistered())
	}
	t.note(s)
}

// explainAuthentication says how clients without a secret, which most hosts are,
// authenticate at the token endpoint.
func (f *flow) explainAuthentication(t *trace) {
	s := Step{Name: StepAuthentication, Answer: "token_endpoint_auth_methods_supported: " + listed(f.server.AuthMethods), Decision: "a public client is taken (none)"}
	if f.server.AuthMethods == nil {
		s.Answer = "token_endpoint_auth_methods_supported is missing: the default is HTTP Basic" // RFC 8414, section 2
	}
	if !supports(f.server.AuthMethods, methodNone) && !f.server.assumed {
		s.Decision = "a public client may be refused"
		s.Caution = "the methods do not include none, so that hosts that are public clients cannot get a token"
	}
	t.note(s)
}

func (f *flow) explainPKCE(t *trace) {
	s := Step{Name: StepPKCE, Answer: "code_challenge_methods_supported: " + listed(f.server.ChallengeMethods), Decision: "S256 is used"}
	err := f.checkPKCE()
	switch {
	case err != nil:
		s = s.failed(err)
	case supports(f.server.ChallengeMethods, "S256"):
	case f.preset.assumePKCE:
		s.Decision = "S256 is used: " + f.preset.name + " supports it and does not say so"
	default:
		s.Decision = "S256 is sent, as the configuration insists, and may be ignored: an intercepted code could then be used by others"
		s.Caution = ErrNoPKCE.Error()
	}
	t.note(s)
}

func (f *flow) explainIssuer(t *trace) {
	s := Step{Name: StepIssuer, Answer: "authorization_response_iss_parameter_supported: " + yesNo(f.server.SendsIssuer)}
	switch {
	case f.server.SendsIssuer:
		s.Decision = "the answer of the browser has to name the issuer (iss)"
	case f.needsIssuer():
		s.Decision = "the answer has to name the issuer (iss) nevertheless, because the authorization endpoint has another origin than the issuer"
		s.Caution = "the metadata does not promise the issuer in the answer (RFC 9207), without which this client refuses to sign in"
	default:
		s.Decision = "the answer need not name the issuer (iss); if it does, it has to be this one"
	}
	t.note(s)
}

func (f *flow) explainResource(t *trace) {
	s := Step{Name: StepIndicator, Answer: "the metadata calls the server " + shown(f.resource)}
	switch value := f.resourceParameter(); {
	case value == "":
		s.Decision = "the parameter is left out, as the configuration says: the token may be good for other servers too"
	case value != f.resource:
		s.Decision = fmt.Sprintf("resource=%s is sent, as the configuration says: the token may be good for other servers too", shown(value))
	default:
		s.Decision = fmt.Sprintf("resource=%s is sent to authorize, to get a token and to renew it", shown(value))
	}
	t.note(s)
}

// explainToken describes the token that there is.
func (a *Authorizer) explainToken(ctx context.Context, t *trace) {
	s := Step{Name: StepToken}
	current, err := a.current(ctx)
	switch {
	case err != nil:
		s = s.failed(err)
	case current == nil:
		s.Decision = "nobody is signed in"
	default:
		current.explain(t, a.config.Now())
		return
	}
	t.note(s)
}

// explain describes the token of a session, and says what becomes of it.
func (s *session) explain(t *trace, now time.Time) {
	answer, decision := "opaque: only the server can tell whom it is for", ""
	c, ok := readClaims(s.credential())
	if ok {
		answer = fmt.Sprintf("a JWT of %s for the audience %s, scopes %s", shown(c.Issuer), listed(shownAll(c.Audience)), listed(c.scopes()))
	}
	answer += fmt.Sprintf("; granted: %s; from %s for %s, client %q", listed(s.Token.Granted), shown(s.Issuer), shown(s.Resource), printable(s.Client.ID, 300))
	if s.Token.Bound {
		answer += "; bound to a key (DPoP)"
	}
	switch {
	case s.Token.Expiry.IsZero():
		answer += "; its expiry is unknown"
	default:
		answer += "; expires " + s.Token.Expiry.UTC().Format(time.RFC3339)
	}
	switch {
	case !s.Token.expired(now):
		decision = "it is sent with every request"
	case s.Token.Refresh != "":
		decision = "it has expired and is renewed before the next request"
	default:
		decision = "it has expired and cannot be renewed: somebody has to sign in"
	}
	token := Step{Name: StepToken, Answer: answer, Decision: decision}
	if s.Token.expired(now) && s.Token.Refresh == "" {
		token.Caution = "every request is refused until somebody signs in"
	}
	t.note(token)
	if !ok || presetOf(s.Issuer).idToken {
		return
	}
	audience := Step{Name: StepAudience, Answer: "for " + listed(shownAll(c.Audience)), Decision: "it is the name of the server"}
	if !slices.Contains(c.Audience, s.Resource) {
		audience.Decision = "the audience is not the server by its own name: it takes the token only if it is configured to"
		audience.Caution = "the token is for " + listed(shownAll(c.Audience)) + " and not for " + shown(s.Resource)
	}
	t.note(audience)
}

// claims are what a token says of its use (RFC 9068, section 2.2).
type claims struct {
	Issuer   string
	Audience []string
	Scope    string
}

func (c claims) scopes() []string { return parseScopes(c.Scope) }

// readClaims reads a JWT without checking it: it is for somebody else.
func readClaims(token string) (claims, bool) {
	parts := strings.Split(token, ".")
	if len(parts) != 3 {
		return claims{}, false
	}
	payload, err := base64.RawURLEncoding.DecodeString(parts[1])
	if err != nil {
		return claims{}, false
	}
	var said struct {
		Issuer   string         `json:"iss"`
		Audience jsontext.Value `json:"aud"`
		Scope    jsontext.Value `json:"scope"`
	}
	if json.Unmarshal(payload, &said) != nil {
		return claims{}, false
	}
	c := claims{Issuer: said.Issuer}
	var one string
	if json.Unmarshal(said.Audience, &one) == nil {
		c.Audience = []string{one}
	} else if json.Unmarshal(said.Audience, &c.Audience) != nil {
		c.Audience = nil
	}
	if json.Unmarshal(said.Scope, &c.Scope) != nil {
		c.Scope = ""
	}
	return c, true
}

// noteFetch notes the answer to a request for metadata.
func (t *trace) noteFetch(name, target string, a *answer, err error) {
	if t == nil {
		return
	}
	s := Step{Name: name, Request: http.MethodGet + " " + shown(target)}
	if a != nil {
		s.Answer = fmt.Sprintf("HTTP status %d", a.status)
		if kind := printable(a.header.Get("Content-Type"), 64); kind != "" {
			s.Answer += ", " + kind
		}
	}
	switch {
	case err != nil:
		s = s.failed(err)
	case a == nil || !a.isMetadata():
		s.Decision = "no metadata there"
	}
	t.note(s)
}

// shown returns a URL as a person may see it: without its query, which may hold a
// secret. Other text stays as it is, and all is cut to a length.
func shown(s string) string {
	u, err := url.Parse(s)
	if err != nil {
		return "(not a URL)"
	}
	if u.RawQuery != "" {
		u.RawQuery = "..."
	}
	u.User, u.Fragment = nil, ""
	return printable(u.String(), 300)
}

func shownAll(all []string) []string {
	texts := make([]string, len(all))
	for i, s := range all {
		texts[i] = shown(s)
	}
	return texts
}

// listed writes a list of a peer's for a person.
func listed(all []string) string {
	if len(all) == 0 {
		return "none"
	}
	return printable(strings.Join(all, " "), 600)
}

func yesNo(b bool) string {
	if b {
		return "yes"
	}
	return "no"
}
