package brokertest

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"
)

// An Exchange is the token endpoint of a provider that gives tokens for APIs behind a
// server, and remembers what it was asked. Its quirks are those of the provider's
// documentation in November 2026.
type Exchange struct {
	tb     testing.TB
	answer func(url.Values) (int, map[string]any)

	mu       sync.Mutex
	requests []url.Values
	override http.Handler
}

// Override answers in place of the provider, and no longer when h is nil.
func (e *Exchange) Override(h http.Handler) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.override = h
}

// Requests returns what the endpoint was asked, each with the credentials of the
// client as "client_id" and "client_secret".
func (e *Exchange) Requests() []url.Values {
	e.mu.Lock()
	defer e.mu.Unlock()
	return append([]url.Values(nil), e.requests...)
}

// ServeHTTP is the token endpoint.
func (e *Exchange) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if err := r.ParseForm(); err != nil || r.Method != http.MethodPost {
		e.tb.Errorf("token request: %s, %v", r.Method, err)
	}
	form := r.PostForm
	if id, secret, ok := r.BasicAuth(); ok {
		form.Set("client_id", id)
		form.Set("client_secret", secret)
	}
	e.mu.Lock()
	e.requests = append(e.requests, form)
	override := e.override
	e.mu.Unlock()
	if override != nil {
		override.ServeHTTP(w, r)
		return
	}
	status, answer := e.answer(form)
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.WriteHeader(status)
	if err := json.NewEncoder(w).Encode(answer); err != nil {
		e.tb.Error(err)
	}
}

// EntraID is the token endpoint of a tenant of Microsoft Entra ID for an application
// registration: on-behalf-of and client credentials. It knows no parameter "resource",
// wants scopes of one API, and an assertion for the registration.
//
// A subject with the name of an error, such as "interaction_required", gets it.
func EntraID(tb testing.TB, applicationID string) *Exchange {
	return &Exchange{tb: tb, answer: func(form url.Values) (int, map[string]any) {
		api, scope, _ := cutLast(form.Get("scope"), "/")
		switch {
		case form.Has("resource"):
			return entraError("invalid_request", 901002, "", "")
		case form.Get("client_id") != applicationID || form.Get("client_secret") != "secret" && form.Get("client_assertion") == "":
			return entraError("invalid_client", 7000215, "", "")
		case scope == "" || strings.Contains(form.Get("scope"), " "):
			return entraError("invalid_scope", 70011, "", "")
		case form.Get("grant_type") == "client_credentials":
			return http.StatusOK, map[string]any{"token_type": "Bearer", "expires_in": 3599, "ext_expires_in": 3599, "access_token": "app." + hash(api) + ".x"}
		case form.Get("grant_type") != "urn:ietf:params:oauth:grant-type:jwt-bearer" || form.Get("requested_token_use") != "on_behalf_of":
			return entraError("unsupported_grant_type", 70003, "", "")
		}
		claims := Claims(form.Get("assertion"))
		switch subject := fmt.Sprint(claims["sub"]); {
		case claims["aud"] != applicationID:
			return entraError("invalid_grant", 50013, "", "")
		case subject == "interaction_required":
			return entraError("interaction_required", 50079, "basic_action", `{"access_token":{"capolids":{"essential":true,"values":["c1"]}}}`)
		case subject == "consent_required":
			return entraError("invalid_grant", 65001, "consent_required", "")
		default:
			return http.StatusOK, map[string]any{
				"token_type": "Bearer", "scope": api + "/User.Read " + api + "/.default", "expires_in": 3736, "ext_expires_in": 3736,
				"access_token": TokenFor(api, subject),
			}
		}
	}}
}

func entraError(code string, number int, suberror, claims string) (int, map[string]any) {
	answer := map[string]any{
		"error": code, "error_codes": []int{number}, "timestamp": "2026-11-30 10:00:00Z", "trace_id": "t", "correlation_id": "c",
		"error_description": fmt.Sprintf("AADSTS%d: a description that quotes the request", number),
	}
	for name, value := range map[string]string{"suberror": suberror, "claims": claims} {
		if value != "" {
			answer[name] = value
		}
	}
	return http.StatusBadRequest, answer
}

// Okta is the token endpoint of an authorization server of Okta whose audience is
// given: token exchange and client credentials. It wants scopes.
func Okta(tb testing.TB, audience string) *Exchange {
	return &Exchange{tb: tb, answer: func(form url.Values) (int, map[string]any) {
		claims := Claims(form.Get("subject_token"))
		fail := func(code string) (int, map[string]any) {
			return http.StatusBadRequest, map[string]any{"error": code, "error_description": "The token " + form.Get("subject_token") + " is not good."}
		}
		answer := map[string]any{"token_type": "Bearer", "expires_in": 3600, "scope": form.Get("scope")}
		switch {
		case form.Get("client_id") != "0oa1" || form.Get("client_secret") != "secret" && form.Get("client_assertion") == "":
			return http.StatusUnauthorized, map[string]any{"error": "invalid_client", "error_description": "The client secret supplied is invalid."}
		case form.Get("scope") == "":
			return fail("invalid_scope")
		case form.Get("grant_type") == "client_credentials":
			answer["access_token"] = "service." + hash(audience) + ".x"
		case form.Get("grant_type") != "urn:ietf:params:oauth:grant-type:token-exchange" || form.Get("subject_token_type") != "urn:ietf:params:oauth:token-type:access_token":
			return fail("unsupported_grant_type")
		case form.Get("audience") != audience:
			return fail("invalid_target")
		case claims["sub"] == nil:
			return fail("invalid_grant")
		default:
			answer["access_token"] = TokenFor(audience, fmt.Sprint(claims["sub"]))
			answer["issued_token_type"] = "urn:ietf:params:oauth:token-type:access_token"
		}
		return http.StatusOK, answer
	}}
}

// TokenFor is the token of a subject for an API, as the providers here issue it.
func TokenFor(api, subject string) string { return "api." + hash(api) + "." + hash(subject) }

// Claims returns the claims of a JWT, which is not verified, and nil for another text.
func Claims(token string) map[string]any {
	parts := strings.Split(token, ".")
	if len(parts) != 3 {
		return nil
	}
	var claims map[string]any
	text, err := base64.RawURLEncoding.DecodeString(parts[1])
	if err != nil || json.Unmarshal(text, &claims) != nil {
		return nil
	}
	return claims
}

// hash spells a text with the characters of a token.
func hash(text string) string { return base64.RawURLEncoding.EncodeToString([]byte(text)) }

// cutLast cuts a text around the last separator.
func cutLast(text, separator string) (before, after string, found bool) {
	i := strings.LastIndex(text, separator)
	if i < 0 {
		return text, "", false
	}
	return text[:i], text[i+len(separator):], true
}
