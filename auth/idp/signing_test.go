package idp_test

import (
	"crypto/ed25519"
	"crypto/rand"
	"crypto/rsa"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"maps"
	"strings"
	"sync"
	"testing"
	"unicode/utf16"

	"github.com/go-jose/go-jose/v4"

	"github.com/mcpengine/mcpengine/auth/authtest"
)

func b64(data []byte) string { return base64.RawURLEncoding.EncodeToString(data) }

var rsaKey = sync.OnceValue(func() *rsa.PrivateKey {
	k, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		panic(err)
	}
	return k
})

// rsaJWK is the public half of rsaKey with some members changed.
func rsaJWK(changes map[string]any) map[string]any {
	public := rsaKey().PublicKey
	jwk := map[string]any{"kty": "RSA", "kid": "own", "n": b64(public.N.Bytes()), "e": "AQAB"}
	maps.Copy(jwk, changes)
	return jwk
}

// publish replaces the keys of the provider.
func (b *bed) publish(t testing.TB, keys ...any) {
	t.Helper()
	data, err := json.Marshal(map[string]any{"keys": keys})
	if err != nil {
		t.Fatal(err)
	}
	b.idp.Override(authtest.KeysPath, text(string(data)))
}

// sign makes a good token with a key that the provider may not have.
func (b *bed) sign(t testing.TB, alg string, key any, header map[string]any) string {
	t.Helper()
	options := new(jose.SignerOptions).WithType("at+jwt").WithHeader("kid", "own")
	for name, value := range header {
		options.WithHeader(jose.HeaderKey(name), value)
	}
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.SignatureAlgorithm(alg), Key: key}, options)
	if err != nil {
		t.Fatal(err)
	}
	signed, err := signer.Sign([]byte(b.claims()))
	if err != nil {
		t.Fatal(err)
	}
	token, err := signed.CompactSerialize()
	if err != nil {
		t.Fatal(err)
	}
	return token
}

func parts(t testing.TB, token string) (header, payload, signature string) {
	t.Helper()
	p := strings.Split(token, ".")
	if len(p) != 3 {
		t.Fatalf("token of %d parts", len(p))
	}
	return p[0], p[1], p[2]
}

// forge makes a token that verifies under a public key of small order and was
// signed by nobody: R is the identity and S is 0, which holds for every message
// whose hash is a multiple of the order.
func forge(t *testing.T, b *bed, public ed25519.PublicKey) string {
	t.Helper()
	signature := make([]byte, ed25519.SignatureSize)
	signature[0] = 1
	for range 1000 {
		_, payload, _ := parts(t, b.token(nil))
		input := b64([]byte(`{"alg":"EdDSA","kid":"own","typ":"at+jwt"}`)) + "." + payload
		if ed25519.Verify(public, []byte(input), signature) {
			return input + "." + b64(signature)
		}
	}
	t.Fatalf("no forgery under %x: the test proves nothing", public)
	return ""
}

func utf16Text(s string) string {
	var text []byte
	for _, unit := range utf16.Encode([]rune(s)) {
		text = binary.LittleEndian.AppendUint16(text, unit)
	}
	return string(text)
}
