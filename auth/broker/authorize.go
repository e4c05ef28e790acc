package broker

import (
	"context"
	"errors"
	"html/template"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/mcpengine/mcpengine/auth"
	"github.com/mcpengine/mcpengine/internal/weburl"
)

const (
	maxQuery      = 16 << 10
	maxState      = 2 << 10
	maxScopeParam = 4 << 10

	// maxForm bounds the request that a consent page carries, which becomes a cookie.
	// Browsers keep cookies of 4 KiB.
	maxForm = 3300
)

// A requestError refuses an authorization request of a known client with a good
// redirect URI.
type requestError struct{ code, description string }

func (e *requestError) Error() string { return e.description }

// serveAuthorize is the authorization endpoint (OAuth 2.1, section 3.1). It asks the
// person, and after the consent it sends the browser to the provider.
func (s *server) serveAuthorize(w http.ResponseWriter, r *http.Request) {
	switch {
	case !s.limits.authorize.takeFor(r, s.env.Now()):
		w.Header().Set("Retry-After", "60")
		s.showProblem(w, http.StatusTooManyRequests, problem{Text: "There were too many sign-ins in the last minute. Wait a minute and try again."})
	case r.Method == http.MethodGet || r.Method == http.MethodHead:
		s.ask(w, r)
	case r.Method == http.MethodPost:
		s.decide(w, r)
	default:
		w.Header().Set("Allow", "GET, HEAD, POST")
		w.WriteHeader(http.StatusMethodNotAllowed)
	}
}

// ask shows the consent page for an authorization request.
func (s *server) ask(w http.ResponseWriter, r *http.Request) {
	if len(r.URL.RawQuery) > maxQuery {
		s.showProblem(w, http.StatusBadRequest, problem{Text: "The request is too long."})
		return
	}
	q, err := parseParameters(r.URL.RawQuery)
	if err != nil {
		s.showProblem(w, http.StatusBadRequest, problem{Text: "The request is malformed: " + err.Error() + "."})
		return
	}
	c, err := s.client(r.Context(), q.Get("client_id"))
	if err != nil {
		s.refuseClient(w, err)
		return
	}
	redirect, ok := c.redirectOf(q)
	if !ok {
		s.showProblem(w, http.StatusBadRequest, problem{Text: "The address to return to is not one that the client has registered. Nothing was sent there."})
		return
	}
	f, err := s.readRequest(q, c, redirect)
	if err != nil {
		s.refuseRequest(w, redirect, q.Get("state"), err)
		return
	}
	browser := s.browser(w, r)
	sealed, err := s.seal(purposeForm, f, browser)
	if err != nil || len(sealed) > maxForm {
		s.refuseRequest(w, redirect, "", &requestError{"invalid_request", "the redirect URI, the state and the scopes are too long together"})
		return
	}
	s.showConsent(w, c, f, sealed)
}

// refuseClient shows why a client cannot sign people in. There is nowhere to send
// the browser.
func (s *server) refuseClient(w http.ResponseWriter, err error) {
	text := "The client that sent you here is unknown. Remove the server in your client and add it again."
	if e, ok := errors.AsType[errInvalidClient](err); ok {
		text = "The client that sent you here cannot be identified: " + e.Error() + "."
	}
	status := http.StatusBadRequest
	if errors.Is(err, errTooMany) || errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		status, text = http.StatusServiceUnavailable, "The client that sent you here cannot be identified at the moment. Try again in a minute."
		w.Header().Set("Retry-After", "60")
	}
	s.showProblem(w, status, problem{Text: text})
}

// refuseRequest shows the fault of a request and offers to tell the client.
// The browser is not sent there by itself: a stranger may have registered the
// client to be redirected to (RFC 9700, section 4.11.2).
func (s *server) refuseRequest(w http.ResponseWriter, redirect, state string, err error) {
	e, ok := errors.AsType[*requestError](err)
	if !ok {
		e = &requestError{"server_error", "the request failed"}
	}
	s.showProblem(w, http.StatusBadRequest, problem{
		Text: "The client asked for something that this server does not do: " + e.description + ".",
		// The redirect URI has been checked, so that its scheme runs no script.
		Back: template.URL(s.errorURL(redirect, state, e)), To: destinationOf(redirect), //nolint:gosec // as said
	})
}

func (s *server) errorURL(redirect, state string, e *requestError) string {
	parameters := url.Values{"error": {e.code}, "error_description": {e.description}, "iss": {s.issuer}}
	if state != "" && isPrintable(state, maxState) {
		parameters.Set("state", state)
	}
	return answerURL(redirect, parameters)
}

// readRequest reads an authorization request of a known client.
func (s *server) readRequest(q url.Values, c *client, redirect string) (*form, error) {
	for _, name := range []string{"request", "request_uri"} {
		if q.Has(name) {
			return nil, &requestError{name + "_not_supported", "the parameter " + name + " is not supported"}
		}
	}
	switch mode := q.Get("response_mode"); {
	case q.Get("response_type") != "code":
		return nil, &requestError{"unsupported_response_type", "response_type must be code"}
	case mode != "" && mode != "query":
		return nil, &requestError{"invalid_request", "response_mode must be query"}
	case q.Get("code_challenge_method") != "S256" || !isChallenge(q.Get("code_challenge")):
		return nil, &requestError{"invalid_request", "PKCE with code_challenge_method S256 is required"}
	case !isPrintable(q.Get("state"), maxState):
		return nil, &requestError{"invalid_request", "the state is too long or has characters that it cannot have"}
	case !s.isOurs(q["resource"]):
		return nil, &requestError{"invalid_target", "the resource is not the one that this authorization server is for"}
	case slices.Contains(strings.Fields(q.Get("prompt")), "none"):
		return nil, &requestError{"interaction_required", "a person has to agree"}
	}
	scope := q.Get("scope")
	asked := auth.ParseScopes(scope)
	if len(scope) > maxScopeParam || scope != "" && asked == nil {
		return nil, &requestError{"invalid_scope", "the scope is malformed"}
	}
	return &form{
		grant: grant{
			Client: digest(c.id), Key: c.key, Redirect: redirect, Implied: !q.Has("redirect_uri"),
			Challenge: q.Get("code_challenge"), Scopes: s.config.grantable(asked),
		},
		State: q.Get("state"), Expiry: s.in(formLife),
	}, nil
}

// isChallenge reports whether a challenge is a SHA-256 in base64url (RFC 7636,
// section 4.2).
func isChallenge(challenge string) bool {
	sum, err := base64url.DecodeString(challenge)
	return err == nil && len(sum) == 32 && !strings.ContainsAny(challenge, "\r\n")
}

// isOurs reports whether all resources of a request are this server (RFC 8707,
// section 2). A request that names none is for the only one that there is. Scheme
// and host are compared without case, and a slash at the end does not count
// (basic/authorization, "Canonical Server URI").
func (s *server) isOurs(resources []string) bool {
	return !slices.ContainsFunc(resources, func(r string) bool {
		return r != s.resource && canonical(r) != canonical(s.resource)
	})
}

func canonical(resource string) string {
	u, err := url.Parse(resource)
	if err != nil || u.User != nil || strings.Contains(resource, "#") || u.RawQuery != "" || u.ForceQuery {
		return resource
	}
	return weburl.Origin(u) + strings.TrimSuffix(u.EscapedPath(), "/")
}

// decide takes the answer of the person.
func (s *server) decide(w http.ResponseWriter, r *http.Request) {
	expired := problem{Text: "This page has expired or was opened in another browser. Go back to your client and sign in again."}
	if s.isForeign(r) {
		s.showProblem(w, http.StatusForbidden, problem{Text: "The answer came from another website. Go back to your client and sign in again."})
		return
	}
	r.Body = http.MaxBytesReader(w, r.Body, maxQuery)
	if err := r.ParseForm(); err != nil {
		s.showProblem(w, http.StatusBadRequest, expired)
		return
	}
	cookie, err := r.Cookie(s.cookie(cookieBrowser))
	var f form
	if err != nil || s.open(purposeForm, r.PostForm.Get("request"), cookie.Value, &f, &f.Expiry) != nil {
		s.showProblem(w, http.StatusForbidden, expired)
		return
	}
	switch r.PostForm.Get("decision") {
	case "allow":
		s.sendToProvider(w, r, &f)
	case "deny":
		s.leave(w, s.errorURL(f.Redirect, f.State, &requestError{"access_denied", "the person did not agree"}))
	default:
		s.showProblem(w, http.StatusBadRequest, expired)
	}
}

// isForeign reports whether a form was sent by a page of another website. The
// cookie of the browser, which such a page does not bring along, is the second
// check.
func (s *server) isForeign(r *http.Request) bool {
	switch r.Header.Get("Sec-Fetch-Site") {
	case "same-origin":
		return false
	case "":
		origin := r.Header.Get("Origin")
		u, err := url.Parse(s.issuer)
		return origin != "" && (err != nil || origin != u.Scheme+"://"+u.Host)
	}
	return true
}

// leave redirects the browser. The answer to a form is a new GET.
func (s *server) leave(w http.ResponseWriter, target string) {
	h := w.Header()
	h.Set("Location", target)
	h.Set("Cache-Control", "no-store")
	h.Set("Referrer-Policy", "no-referrer")
	w.WriteHeader(http.StatusSeeOther)
}

// Cookies. Over https their names have the prefix that binds them to this host.
const (
	cookieBrowser = "mcpengine-browser"
	cookieAttempt = "mcpengine-signin-"
)

func (s *server) cookie(name string) string {
	if s.secure {
		return "__Host-" + name
	}
	return name
}

func (s *server) setCookie(w http.ResponseWriter, name, value string, life time.Duration) {
	http.SetCookie(w, &http.Cookie{
		Name: s.cookie(name), Value: value, Path: "/", MaxAge: int(life / time.Second),
		Secure: s.secure, HttpOnly: true, SameSite: http.SameSiteLaxMode,
	})
}
