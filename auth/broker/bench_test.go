package broker_test

import (
	"crypto/ed25519"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/mcpengine/mcpengine"
	"github.com/mcpengine/mcpengine/auth"
	"github.com/mcpengine/mcpengine/auth/authtest"
	"github.com/mcpengine/mcpengine/auth/broker"
)

// BenchmarkVerify is a request with a token that was seen before.
func BenchmarkVerify(b *testing.B) {
	bed := newBed(b, nil)
	c := bed.client(b)
	token := c.Redeem(c.Authorize(bed.browser(b)).Get("code"), nil).Text("access_token")
	req := httptest.NewRequestWithContext(b.Context(), http.MethodPost, resource, http.NoBody)
	req.Header.Set("Authorization", "Bearer "+token)
	for b.Loop() {
		if _, challenge := bed.resource.Authenticate(req); challenge != nil {
			b.Fatal(challenge.Message)
		}
	}
}

// BenchmarkSign is what the signature of an access token costs.
func BenchmarkSign(b *testing.B) {
	key := ed25519.NewKeyFromSeed(make([]byte, 32))
	text := []byte(strings.Repeat("a", 600))
	for b.Loop() {
		ed25519.Sign(key, text)
	}
}

// BenchmarkToken is a token request whose provider answers at once: the signature of
// the ID token is checked and the access token is signed.
func BenchmarkToken(b *testing.B) {
	bed := newBed(b, nil)
	c := bed.client(b)
	refresh := c.Redeem(c.Authorize(bed.browser(b)).Get("code"), nil).Text("refresh_token")
	answer := `{"access_token":"x","token_type":"Bearer","refresh_token":"y","id_token":"` +
		bed.idp.IDToken("server", authtest.Claims{"sub": "alice", "nonce": nil}) + `"}`
	r, err := auth.NewResource(resource, broker.OIDC(bed.idp.Issuer(), "server", "secret", broker.Config{}), auth.WithClock(bed.clock),
		auth.WithHTTPClient(&http.Client{Transport: instead{bed.idp.Issuer() + authtest.TokenPath, answer}}))
	if err != nil {
		b.Fatal(err)
	}
	e := mcpengine.New("board", mcpengine.WithAuth(r), mcpengine.WithKeys(keyA))
	began := bed.clock()
	for b.Loop() {
		bed.wait(11 * time.Second) // no answer is remembered for so long
		form := url.Values{"grant_type": {"refresh_token"}, "client_id": {c.ID}, "refresh_token": {refresh}}
		req := httptest.NewRequestWithContext(b.Context(), http.MethodPost, issuer+"/oauth/token", strings.NewReader(form.Encode()))
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		w := httptest.NewRecorder()
		if e.ServeHTTP(w, req); w.Code != http.StatusOK {
			b.Fatalf("%d %s", w.Code, w.Body)
		}
		if bed.clock().Sub(began) > 50*time.Minute {
			bed.wait(began.Sub(bed.clock())) // the ID token ends after an hour
		}
	}
}

// instead answers requests for one URL with a text.
type instead struct{ target, text string }

func (i instead) RoundTrip(req *http.Request) (*http.Response, error) {
	if req.URL.String() != i.target {
		return http.DefaultTransport.RoundTrip(req)
	}
	return &http.Response{StatusCode: http.StatusOK, Header: http.Header{}, Body: io.NopCloser(strings.NewReader(i.text)), Request: req}, nil
}
