package authtest

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"maps"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// A signedIn is what a code or a refresh token stands for.
type signedIn struct {
	client, redirect, challenge, nonce string

	person Claims
}

// SignIn says which person signs in at the authorization endpoint from now on, by
// the claims of the ID token. It is "user" at first. With nil, everybody is refused,
// and refresh tokens are no longer good.
func (p *Provider) SignIn(person Claims) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.person = maps.Clone(person)
	if person == nil {
		clear(p.refreshes)
	}
}

// KeepRefreshTokens says whether a refresh token is good more than once. At first
// each is good once, and its use gives the next one.
func (p *Provider) KeepRefreshTokens(keep bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.keeps = keep
}

// OmitIDTokens says whether a refresh brings no ID token, which providers may leave
// out. The userinfo endpoint has the claims of the person.
func (p *Provider) OmitIDTokens(omit bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.omits = omit
}

// userInfo is the userinfo endpoint (OpenID Connect Core, section 5.3).
func (p *Provider) userInfo(w http.ResponseWriter, r *http.Request) {
	p.mu.Lock()
	person, ok := p.accesses[strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer ")]
	p.mu.Unlock()
	if !ok {
		w.WriteHeader(http.StatusUnauthorized)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	_, _ = w.Write(p.encode(person)) // fails when the client has gone
}

// authorize sends the browser back at once (RFC 6749, section 4.1.2).
func (p *Provider) authorize(w http.ResponseWriter, r *http.Request) {
	q := r.URL.Query()
	back, err := url.Parse(q.Get("redirect_uri"))
	if err != nil || back.Host == "" {
		http.Error(w, "no redirect_uri", http.StatusBadRequest)
		return
	}
	answer := url.Values{"state": {q.Get("state")}, "iss": {p.Issuer()}}
	p.mu.Lock()
	if p.person == nil {
		answer.Set("error", "access_denied")
	} else {
		code := rand.Text()
		p.codes[code] = signedIn{q.Get("client_id"), q.Get("redirect_uri"), q.Get("code_challenge"), q.Get("nonce"), p.person}
		answer.Set("code", code)
	}
	p.mu.Unlock()
	back.RawQuery = answer.Encode()
	http.Redirect(w, r, back.String(), http.StatusFound)
}

// exchange is the token endpoint. It takes any secret, a code once, and a refresh
// token as [Provider.KeepRefreshTokens] says.
func (p *Provider) exchange(w http.ResponseWriter, r *http.Request) {
	client, _, basic := r.BasicAuth()
	if !basic {
		client = r.PostFormValue("client_id")
	}
	s, ok := p.take(r)
	w.Header().Set("Content-Type", "application/json")
	if !ok || s.client != client {
		w.WriteHeader(http.StatusBadRequest)
		_, _ = w.Write([]byte(`{"error":"invalid_grant"}`)) // fails when the client has gone
		return
	}
	claims := maps.Clone(s.person)
	claims["nonce"] = nil
	if s.nonce != "" {
		claims["nonce"] = s.nonce
	}
	s.nonce = "" // of the first ID token alone
	access, refresh := rand.Text(), rand.Text()
	p.mu.Lock()
	p.refreshes[refresh], p.accesses[access] = s, s.person
	omit := p.omits && r.PostFormValue("grant_type") == "refresh_token"
	p.mu.Unlock()
	answer := map[string]any{
		"access_token": access, "token_type": "Bearer", "expires_in": int(time.Hour.Seconds()),
		"id_token": p.IDToken(client, claims), "refresh_token": refresh,
	}
	if omit {
		delete(answer, "id_token")
	}
	_, _ = w.Write(p.encode(answer)) // fails when the client has gone
}

// take uses up the code or the refresh token of a request.
func (p *Provider) take(r *http.Request) (s signedIn, ok bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if token := r.PostFormValue("refresh_token"); r.PostFormValue("grant_type") == "refresh_token" {
		s, ok = p.refreshes[token]
		if !p.keeps {
			delete(p.refreshes, token)
		}
		return s, ok
	}
	code := r.PostFormValue("code")
	s, ok = p.codes[code]
	delete(p.codes, code)
	sum := sha256.Sum256([]byte(r.PostFormValue("code_verifier")))
	ok = ok && r.PostFormValue("redirect_uri") == s.redirect &&
		(s.challenge == "" || base64.RawURLEncoding.EncodeToString(sum[:]) == s.challenge)
	return s, ok
}

func (p *Provider) revoke(token string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.refreshes, token)
}
