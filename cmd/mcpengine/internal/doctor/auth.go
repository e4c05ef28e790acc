package doctor

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/mcpengine/mcpengine/internal/oauth"
	"github.com/mcpengine/mcpengine/internal/peer"
	"github.com/mcpengine/mcpengine/internal/weburl"
	"github.com/mcpengine/mcpengine/mcp"
)

// listTools is a request that needs a token where server/discover does not.
func listTools() request { return request{version: stateless(), method: mcp.MethodToolsList} }

// admit finds out whether requests need credentials, and reports whether the server
// lets us in, with the token that is kept if it wants one.
func (x *exam) admit(ctx context.Context) bool {
	x.seen.refusal = refusalOf(x.seen.discover)
	if x.seen.refusal == nil && x.seen.discover.good() {
		if r, err := x.ask(ctx, listTools()); err == nil {
			x.seen.refusal = refusalOf(r)
		}
	}
	if x.seen.refusal == nil {
		if x.hasCredential() {
			x.ok("auth.accepted", "the server takes the credentials in the headers")
		}
		return true
	}
	if x.hasCredential() {
		x.add("auth.accepted", Failure, "Send other credentials in the header.", "the server refuses the credentials in the headers: %s", x.seen.refusal)
		return false
	}
	x.madeUp(ctx)
	return x.signedIn(ctx)
}

func (x *exam) hasCredential() bool { return len(x.fields["Authorization"]) > 0 }

// refusalOf returns the demand for credentials in a reply, or nil.
func refusalOf(r *reply) *peer.AuthError {
	challenges := peer.Challenges(r.header)
	if r.status != http.StatusUnauthorized && (r.status != http.StatusForbidden || len(challenges) == 0) {
		return nil
	}
	return &peer.AuthError{Status: r.status, Challenges: challenges}
}

// madeUp sends a token that nobody has given out.
func (x *exam) madeUp(ctx context.Context) {
	q := listTools()
	q.edit = func(h http.Header) { h.Set("Authorization", "Bearer mcpengine-doctor-made-this-up") }
	r, err := x.ask(ctx, q)
	if err != nil {
		return
	}
	refused := refusalOf(r)
	switch {
	case r.good():
		x.fail("auth.verified", "a made-up token is taken")
	case refused == nil:
		x.warn("auth.verified", "a made-up token is answered with %s", r.says())
	default:
		x.ok("auth.verified", "a made-up token is refused")
		if c := peer.FindChallenge(refused.Challenges, "bearer"); c != nil && c.Param("error") == "" {
			x.warn("header.authorization", "a made-up token is answered like none, without invalid_token: Authorization is lost on the way, or the server does not say")
		} else {
			x.ok("header.authorization", "Authorization arrives")
		}
	}
}

// signedIn sends the token that is kept, if there is one, and reports whether the
// server takes it. A token that is about to expire is left alone: it would be renewed.
func (x *exam) signedIn(ctx context.Context) bool {
	if x.Authorizer == nil {
		return false
	}
	status, err := x.Authorizer.Status(ctx)
	if err != nil || status == nil || !status.Expires.IsZero() && status.Expires.Before(x.Now().Add(time.Minute)) {
		return false // the steps of the sign-in tell
	}
	probe, err := http.NewRequestWithContext(ctx, http.MethodPost, x.URL, http.NoBody)
	if err != nil || x.Authorizer.Authorize(ctx, probe) != nil {
		return false
	}
	_, credential, _ := strings.Cut(probe.Header.Get("Authorization"), " ")
	x.hide(credential)
	x.seen.token = true
	r, err := x.ask(ctx, discover())
	if err == nil && refusalOf(r) == nil {
		x.seen.discover = r
		r, err = x.ask(ctx, listTools())
	}
	switch {
	case err != nil:
		x.fail("auth.accepted", "the token that is kept gets no answer: %s", reason(err))
		return false
	case refusalOf(r) != nil:
		x.fail("auth.accepted", "the server refuses the token that is kept: %s", refusalOf(r))
		return false
	}
	x.ok("auth.accepted", "the server takes the token that is kept")
	return true
}

// stepChecks are the checks of the steps of a sign-in.
var stepChecks = map[string]string{
	oauth.StepChallenge: "auth.challenge", oauth.StepResource: "auth.metadata", oauth.StepServer: "auth.server",
	oauth.StepMetadata: "auth.issuer", oauth.StepRegistration: "auth.client", oauth.StepAuthentication: "auth.none",
	oauth.StepPKCE: "auth.pkce", oauth.StepIssuer: "auth.iss", oauth.StepScopes: "auth.scopes",
	oauth.StepToken: "auth.token", oauth.StepAudience: "auth.audience",
}

// checkOf returns the check of a step. A fault may belong to another check than a
// step that goes well.
func checkOf(s oauth.Step) string {
	switch {
	case errors.Is(s.Fault, oauth.ErrResource):
		return "auth.resource"
	case s.Name == oauth.StepMetadata && s.Fault != nil && !errors.Is(s.Fault, oauth.ErrIssuer):
		return "auth.server"
	}
	return stepChecks[s.Name]
}

// authorization takes the steps of a sign-in up to the browser.
func (x *exam) authorization(ctx context.Context) {
	if x.Authorizer == nil || x.hasCredential() {
		return
	}
	steps := x.Authorizer.Explain(ctx, x.seen.refusal)
	if x.seen.refusal == nil {
		x.ok("auth.challenge", "no token is needed to connect")
		return
	}
	for i, s := range steps {
		if i+1 < len(steps) && steps[i+1].Name == s.Name && s.Fault == nil {
			continue // another place is tried
		}
		x.step(s)
	}
	x.published(ctx, steps)
}

func (x *exam) step(s oauth.Step) {
	check := checkOf(s)
	switch {
	case check == "": // of interest to a sign-in alone
	case s.Fault != nil:
		x.fail(check, "%s", s.Decision)
	case s.Caution != "":
		x.warn(check, "%s", s.Caution)
	case s.Name == oauth.StepToken && s.Answer == "":
		x.add(check, OK, "Run mcpengine auth login "+x.Name+" and then the doctor again, which checks the rest.", "%s", s.Decision)
	case s.Name == oauth.StepRegistration || s.Name == oauth.StepScopes:
		x.ok(check, "%s; %s", s.Answer, s.Decision)
	default:
		x.ok(check, "%s", s.Decision)
	}
}

// published looks for the metadata of the resource at both well-known places, where
// clients look that do not read challenges.
func (x *exam) published(ctx context.Context, steps []oauth.Step) {
	for _, s := range steps {
		if s.Name == oauth.StepResource && (s.Fault != nil || s.Caution != "") {
			return // it has been said
		}
	}
	const place = "/.well-known/oauth-protected-resource"
	path := strings.TrimSuffix(x.url.EscapedPath(), "/")
	ofPath, ofRoot := x.resourceAt(ctx, place+path), ""
	if path != "" {
		ofRoot = x.resourceAt(ctx, place)
	}
	switch {
	case ofPath == "" && ofRoot == "":
		x.warn("auth.metadata", "the metadata is only where the challenge says, and at neither of the well-known places")
		return
	case ofPath == "":
		x.warn("auth.metadata", "the metadata is at the root alone, where clients look last")
		ofPath = ofRoot
	case ofRoot == "" && path != "":
		x.ok("auth.metadata", "it is at the well-known place of the path; nothing is at the root")
	}
	if ofPath != x.Profile.URL && ofPath != x.URL {
		x.warn("auth.resource", "the metadata calls the server %s, and you call it %s: some clients refuse that", ofPath, shown(x.url))
		return
	}
	x.ok("auth.resource", "the metadata calls the server by its URL")
}

// resourceAt returns what the metadata at a path of the server calls it, or "".
func (x *exam) resourceAt(ctx context.Context, path string) string {
	at, err := url.Parse(weburl.Origin(x.url) + path)
	if err != nil {
		return ""
	}
	var said struct {
		Resource string `json:"resource"`
	}
	if json.Unmarshal(x.get(ctx, at), &said) != nil {
		return ""
	}
	return said.Resource
}
