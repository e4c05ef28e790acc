package auth_test

import (
	"encoding/base64"
	"strings"
	"testing"

	"github.com/golang-jwt/jwt/v5"

	"github.com/mcpengine/mcpengine/auth"
	"github.com/mcpengine/mcpengine/auth/authtest"
)

// The first verification of a token should cost little more than its signature
// check, and the next ones nothing to speak of.
//
//	go test -bench Verify ./auth
func BenchmarkVerify(b *testing.B) {
	bed := newBedOf(b, auth.OIDC(issuer, resourceURL), auth.WithTokenCache(0))
	cached := newBedOf(b, auth.OIDC(issuer, resourceURL))
	bed.publish(b, rsaJWK(nil))
	cached.publish(b, rsaJWK(nil))
	token := bed.sign(b, jwt.SigningMethodRS256, rsaKey(), nil)
	dot := strings.LastIndexByte(token, '.')
	signature, err := base64.RawURLEncoding.DecodeString(token[dot+1:])
	if err != nil {
		b.Fatal(err)
	}
	b.Run("signature alone", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if err := jwt.SigningMethodRS256.Verify(token[:dot], signature, &rsaKey().PublicKey); err != nil {
				b.Fatal(err)
			}
		}
	})
	req := request("Bearer " + token)
	for name, r := range map[string]*auth.Resource{"first": bed.resource, "cached": cached.resource} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, c := r.Authenticate(req); c != nil {
					b.Fatal(c.Message)
				}
			}
		})
	}
}

func BenchmarkRefuse(b *testing.B) {
	bed := newBed(b)
	for name, token := range map[string]string{
		"expired":       bed.token(authtest.Claims{"exp": start.Unix() - 3600}),
		"bad signature": strings.TrimRight(bed.token(nil), "ABCDEFGHIJKLMNOPQRSTUVWXYZ") + "AAAA",
	} {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				bed.send(token)
			}
		})
	}
}
