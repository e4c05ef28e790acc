package broker_test

import (
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
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

// BenchmarkToken is a token request whose provider answers at once. The signature of
// the ID token is checked and the access token is signed: ×signatures is what the
// request takes for each ns that these two take. Requests and signatures take turns,
// and the median of each counts, so that a busy machine does not matter.
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
	signatures := newSignatures(b)
	form := url.Values{"grant_type": {"refresh_token"}, "client_id": {c.ID}, "refresh_token": {refresh}}.Encode()
	began := bed.clock()
	var requests, bare []time.Duration
	b.ReportAllocs()
	for b.Loop() {
		bed.wait(11 * time.Second) // no answer is remembered for so long
		req := httptest.NewRequestWithContext(b.Context(), http.MethodPost, issuer+"/oauth/token", strings.NewReader(form))
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		w := httptest.NewRecorder()
		start := time.Now()
		e.ServeHTTP(w, req)
		answered := time.Now()
		signatures()
		requests, bare = append(requests, answered.Sub(start)), append(bare, time.Since(answered))
		if w.Code != http.StatusOK {
			b.Fatalf("%d %s", w.Code, w.Body)
		}
		if bed.clock().Sub(began) > 50*time.Minute {
			bed.wait(began.Sub(bed.clock())) // the ID token ends after an hour
		}
	}
	slices.Sort(requests)
	slices.Sort(bare)
	b.ReportMetric(float64(requests[len(requests)/2])/float64(bare[len(bare)/2]), "×signatures")
}

// newSignatures returns a function that checks the signature of an ID token and
// signs an access token.
func newSignatures(b *testing.B) func() {
	provider, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		b.Fatal(err)
	}
	sum := sha256.Sum256([]byte("an ID token"))
	signature, err := ecdsa.SignASN1(rand.Reader, provider, sum[:])
	if err != nil {
		b.Fatal(err)
	}
	key := ed25519.NewKeyFromSeed(make([]byte, ed25519.SeedSize))
	text := []byte(strings.Repeat("a", 600))
	return func() {
		if !ecdsa.VerifyASN1(&provider.PublicKey, sum[:], signature) {
			b.Fatal("the signature is not good")
		}
		ed25519.Sign(key, text)
	}
}

// instead answers requests for one URL with a text.
type instead struct{ target, text string }

func (i instead) RoundTrip(req *http.Request) (*http.Response, error) {
	if req.Method != http.MethodPost || !strings.HasSuffix(i.target, req.URL.Path) {
		return http.DefaultTransport.RoundTrip(req)
	}
	return &http.Response{StatusCode: http.StatusOK, Header: http.Header{}, Body: io.NopCloser(strings.NewReader(i.text)), Request: req}, nil
}
