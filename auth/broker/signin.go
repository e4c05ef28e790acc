package broker

import (
	"crypto/rand"
	"crypto/sha256"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/mcpengine/mcpengine/auth"
)

// maxAttempts bounds the cookies of the sign-ins under way of one browser, in bytes.
// They count towards the header of a request, for which gateways allow 8 to 10 KiB.
const maxAttempts = 5500

// browser returns the name of the browser, which it sets unless there is one. A
// consent page belongs to one browser, so that nobody can have a page of their own
// sent by another person's browser.
func (s *server) browser(w http.ResponseWriter, r *http.Request) string {
	name := rand.Text()
	if cookie, err := r.Cookie(s.cookie(cookieBrowser)); err == nil && len(cookie.Value) == len(name) && isPrintable(cookie.Value, len(name)) {
		name = cookie.Value
	}
	s.setCookie(w, cookieBrowser, name, formLife)
	return name
}

// sendToProvider begins the sign-in at the provider after the consent. The request
// is kept in a cookie from now on: an authorization URL of the provider does not
// work in another person's browser.
func (s *server) sendToProvider(w http.ResponseWriter, r *http.Request, f *form) {
	e, err := s.upstream.discover(r.Context())
	if err != nil {
		s.env.Logger.WarnContext(r.Context(), "sign-in not possible", "issuer", s.upstream.issuer, "error", auth.Redact(err))
		w.Header().Set("Retry-After", "5")
		s.showProblem(w, http.StatusServiceUnavailable, problem{Text: s.upstream.name + " does not answer. Try again in a moment."})
		return
	}
	state := rand.Text()
	a := attempt{grant: f.grant, State: f.State, Verifier: rand.Text() + rand.Text(), Nonce: rand.Text(), Expiry: s.in(attemptLife)}
	sealed, err := s.seal(purposeAttempt, a, state)
	if err != nil {
		s.showProblem(w, http.StatusInternalServerError, problem{Text: "The sign-in failed."})
		return
	}
	s.dropAttempts(w, r, sealed)
	s.setCookie(w, attemptCookie(state), sealed, attemptLife)
	s.leave(w, s.authorizationURL(e, state, &a))
}

// attemptCookie names the cookie of a sign-in. The state itself stays out of the
// name, because the provider knows it.
func attemptCookie(state string) string { return cookieAttempt + digest(state)[:12] }

// dropAttempts removes the cookies of other sign-ins when they and the next one
// take up too much.
func (s *server) dropAttempts(w http.ResponseWriter, r *http.Request, next string) {
	var names []string
	size := len(next)
	for _, cookie := range r.Cookies() {
		if name, ok := strings.CutPrefix(cookie.Name, s.cookie(cookieAttempt)); ok {
			names, size = append(names, cookieAttempt+name), size+len(cookie.Value)
		}
	}
	if size <= maxAttempts {
		return
	}
	for _, name := range names {
		s.setCookie(w, name, "", -time.Second)
	}
}

// authorizationURL is our request to the provider.
func (s *server) authorizationURL(e *endpoints, state string, a *attempt) string {
	sum := sha256.Sum256([]byte(a.Verifier))
	u := *e.authorize
	q, scopes := u.Query(), s.upstream.scopes
	if s.upstream.offline && e.offline && !slices.Contains(scopes, offlineAccess) {
		scopes = append(slices.Clip(scopes), offlineAccess)
	}
	for name, value := range s.upstream.parameters {
		q.Set(name, value)
	}
	for name, value := range map[string]string{
		"response_type":         "code",
		"client_id":             s.upstream.clientID,
		"redirect_uri":          s.callback(),
		"scope":                 strings.Join(scopes, " "),
		"state":                 state,
		"nonce":                 a.Nonce,
		"code_challenge":        base64url.EncodeToString(sum[:]),
		"code_challenge_method": "S256",
	} {
		q.Set(name, value)
	}
	u.RawQuery = q.Encode()
	return u.String()
}

// ownParameters are the parameters that a configuration cannot replace.
var ownParameters = []string{
	"response_type", "response_mode", "client_id", "redirect_uri", "scope", "state", "nonce", "code_challenge", "code_challenge_method",
	"request", "request_uri",
}

// serveCallback is where the provider sends the browser back. It redeems nothing:
// the provider's code goes into ours, sealed, and is redeemed when ours is. So the
// provider, which allows a code once, is asked by whichever replica gets ours.
func (s *server) serveCallback(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodGet {
		w.Header().Set("Allow", "GET")
		w.WriteHeader(http.StatusMethodNotAllowed)
		return
	}
	if !s.limits.authorize.takeFor(r, s.env.Now()) {
		w.Header().Set("Retry-After", "60")
		s.showProblem(w, http.StatusTooManyRequests, problem{Text: "There were too many sign-ins in the last minute. Wait a minute and try again."})
		return
	}
	q, err := parseParameters(r.URL.RawQuery)
	state := q.Get("state")
	if err != nil || state == "" || len(r.URL.RawQuery) > maxQuery {
		s.showProblem(w, http.StatusBadRequest, problem{Text: "The answer of " + s.upstream.name + " is malformed."})
		return
	}
	var a attempt
	cookie, err := r.Cookie(s.cookie(attemptCookie(state)))
	if err != nil || s.open(purposeAttempt, cookie.Value, state, &a, &a.Expiry) != nil {
		s.showProblem(w, http.StatusForbidden, problem{Text: "This sign-in was not begun in this browser, or it took too long. Go back to your client and sign in again."})
		return
	}
	s.setCookie(w, attemptCookie(state), "", -time.Second)
	answer, err := s.answer(r, q, &a)
	if err != nil {
		e := &requestError{"server_error", "the sign-in failed"}
		if denied, ok := err.(*requestError); ok { //nolint:errorlint // made here
			e = denied
		}
		s.env.Logger.InfoContext(r.Context(), "sign-in failed", "issuer", s.upstream.issuer, "error", auth.Redact(err))
		s.leave(w, s.errorURL(a.Redirect, a.State, e))
		return
	}
	parameters := url.Values{"code": {answer}, "iss": {s.issuer}}
	if a.State != "" {
		parameters.Set("state", a.State)
	}
	s.leave(w, answerURL(a.Redirect, parameters))
}

// answer returns our code for the provider's.
func (s *server) answer(r *http.Request, q url.Values, a *attempt) (string, error) {
	// The answer may come from another provider, which wants the code of this one
	// (RFC 9207, section 2.4).
	e, err := s.upstream.discover(r.Context())
	if err != nil {
		return "", err
	}
	if iss := q.Get("iss"); q.Has("iss") && iss != e.issuer || !q.Has("iss") && e.sendsIssuer {
		return "", &auth.InvalidTokenError{Reason: "the answer names another issuer, or none"}
	}
	switch q.Get("error") {
	case "":
	case "access_denied":
		return "", &requestError{"access_denied", "the person did not agree"}
	default:
		return "", &auth.InvalidTokenError{Reason: "the provider answered with an error"}
	}
	theirs := q.Get("code")
	if theirs == "" || !isPrintable(theirs, maxQuery) {
		return "", &auth.InvalidTokenError{Reason: "the answer has no code"}
	}
	return s.seal(purposeCode, code{grant: a.grant, Code: theirs, Verifier: a.Verifier, Nonce: a.Nonce, Expiry: s.in(codeLife)}, "")
}
