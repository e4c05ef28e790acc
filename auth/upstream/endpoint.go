package upstream

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/mcpengine/mcpengine/auth"
)

const (
	// attemptTimeout bounds one request to a provider.
	attemptTimeout = 7 * time.Second

	// maxAnswer bounds the answer of a provider.
	maxAnswer = 64 << 10

	maxRetryAfter = time.Hour
)

// An endpoint is the token endpoint of a provider, as one client uses it.
type endpoint struct {
	client   *Client
	env      auth.Environment
	exchange bool // a token exchange, whose answers name the kind of the token
	person   bool // the token is on behalf of a person, who can sign in again
}

// ask sends a token request. It is sent once more, at once, when the connection broke
// off or a gateway in front of the provider had no answer: a token that nobody gets
// does no harm. A provider that is busy or slow is not asked again.
func (e *endpoint) ask(ctx context.Context, form url.Values) (auth.Token, error) {
	status, header, body, err := e.send(ctx, form)
	if broken := err != nil && !isFinal(err); (broken || status == http.StatusBadGateway || status == http.StatusGatewayTimeout) && ctx.Err() == nil {
		status, header, body, err = e.send(ctx, form)
	}
	switch {
	case err != nil:
		return auth.Token{}, &auth.UpstreamError{Reason: "the provider does not answer: " + auth.Redact(err), Temporary: true}
	case status == http.StatusTooManyRequests || status >= http.StatusInternalServerError:
		return auth.Token{}, &auth.UpstreamError{
			Reason: fmt.Sprintf("the provider answers with HTTP status %d", status), Temporary: true, RetryAfter: e.retryAfter(header),
		}
	}
	a, err := parseAnswer(body)
	switch {
	case err != nil:
		return auth.Token{}, &auth.UpstreamError{Reason: fmt.Sprintf("the provider answers with HTTP status %d and no token", status), Temporary: true}
	case a.code != "": // GitHub's status is 200
		return auth.Token{}, a.refusal(e.person)
	case status != http.StatusOK:
		return auth.Token{}, &auth.UpstreamError{Reason: fmt.Sprintf("the provider answers with HTTP status %d", status)}
	}
	return e.accept(a)
}

// accept checks what an answer says about its token (RFC 8693, section 2.2.1).
func (e *endpoint) accept(a *answer) (auth.Token, error) {
	switch {
	case a.token == "":
		return auth.Token{}, &auth.UpstreamError{Reason: "the provider sent no access token"}
	case !strings.EqualFold(a.kind, "Bearer"):
		return auth.Token{}, &auth.UpstreamError{Reason: "the provider sent a token of another type than Bearer"}
	case e.exchange && a.issued != "" && a.issued != accessToken && a.issued != jwt:
		return auth.Token{}, &auth.UpstreamError{Reason: "the provider sent another kind of token than an access token"}
	}
	var expiry time.Time
	if a.life != nil {
		expiry = e.env.Now().Add(*a.life)
	}
	return auth.NewToken(a.token, expiry), nil
}

// send sends one request.
func (e *endpoint) send(ctx context.Context, form url.Values) (status int, h http.Header, body []byte, err error) {
	ctx, cancel := context.WithTimeout(ctx, attemptTimeout)
	defer cancel()
	form, header := maps.Clone(form), http.Header{}
	if err := e.client.Authentication.apply(e.client, form, header, e.env.Now()); err != nil {
		return 0, nil, nil, &auth.UnavailableError{Reason: "the credentials of the client cannot be used: " + auth.Redact(err)}
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, e.client.TokenEndpoint, strings.NewReader(form.Encode()))
	if err != nil {
		return 0, nil, nil, err
	}
	req.Header = header
	req.Header.Set("Accept", "application/json")
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	resp, err := e.env.Client.Do(req)
	if err != nil {
		return 0, nil, nil, err
	}
	defer resp.Body.Close()
	body, err = io.ReadAll(io.LimitReader(resp.Body, maxAnswer+1))
	if err == nil && len(body) > maxAnswer {
		body = nil // no token answer is so long
	}
	return resp.StatusCode, resp.Header, body, err
}

// isFinal reports whether sending a request once more would not help: nothing was
// sent, or the time is up.
func isFinal(err error) bool {
	if errors.Is(err, context.DeadlineExceeded) || errors.Is(err, context.Canceled) {
		return true
	}
	if _, ok := errors.AsType[*auth.UnavailableError](err); ok {
		return true
	}
	var slow interface{ Timeout() bool }
	return errors.As(err, &slow) && slow.Timeout()
}

// retryAfter reads how long the provider wants to be left alone.
func (e *endpoint) retryAfter(h http.Header) time.Duration {
	value := h.Get("Retry-After")
	if seconds, err := strconv.ParseUint(value, 10, 32); err == nil {
		return min(time.Duration(seconds)*time.Second, maxRetryAfter)
	}
	if at, err := http.ParseTime(value); err == nil {
		return min(max(0, at.Sub(e.env.Now())), maxRetryAfter)
	}
	return 0
}

// signInCodes say that the person has to come back (OpenID Connect Core, section
// 3.1.2.6). invalid_grant says that the sign-in is not good any more.
var signInCodes = []string{"interaction_required", "login_required", "consent_required", "account_selection_required", "invalid_grant"}

// knownCodes are the codes that are shown. Others may be anything.
var knownCodes = append(slices.Clip(signInCodes),
	"invalid_request", "invalid_client", "unauthorized_client", "unsupported_grant_type", "invalid_scope", "invalid_target", "access_denied",
	"server_error", "temporarily_unavailable")

// refusal is the error of an answer with an error.
func (a *answer) refusal(person bool) error {
	e := &auth.UpstreamError{
		Code: a.code, Reason: "the provider answers " + a.code,
		SignIn:    person && slices.Contains(signInCodes, a.code),
		Temporary: a.code == "temporarily_unavailable" || a.code == "server_error",
	}
	if !slices.Contains(knownCodes, a.code) {
		e.Code, e.Reason = "", "the provider answers with an error of another kind"
	}
	if a.number != "" {
		e.Reason += " (AADSTS" + a.number + ")"
	}
	if e.SignIn {
		e.Reason += ": the caller has to sign in again"
		e.Claims = a.claims
	}
	return e
}
