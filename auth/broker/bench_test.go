package broker_test

import (
	"crypto/ed25519"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
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
