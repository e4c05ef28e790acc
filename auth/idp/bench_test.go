package idp_test

import (
	"crypto"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"strings"
	"testing"
	"time"

	"github.com/mcpengine/mcpengine/auth"
	"github.com/mcpengine/mcpengine/auth/authtest"
	"github.com/mcpengine/mcpengine/auth/idp"
)

// The first verification of a token should cost little more than its signature
// check, at most 1.3 times as much, and the next ones nothing to speak of.
//
//	go test -bench Verify ./auth/idp
func BenchmarkVerify(b *testing.B) {
	bed := newBedOf(b, idp.OIDC(issuer, resourceURL), auth.WithTokenCache(0))
	cached := newBedOf(b, idp.OIDC(issuer, resourceURL))
	bed.publish(b, rsaJWK(nil))
	cached.publish(b, rsaJWK(nil))
	token := bed.sign(b, "RS256", rsaKey(), nil)
	dot := strings.LastIndexByte(token, '.')
	signature, err := base64.RawURLEncoding.DecodeString(token[dot+1:])
	if err != nil {
		b.Fatal(err)
	}
	b.Run("signature alone", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if err := verifyAlone(token[:dot], signature); err != nil {
				b.Fatal(err)
			}
		}
	})
	req := request("Bearer " + token)
	b.Run("first over signature", func(b *testing.B) {
		var alone, first time.Duration
		for b.Loop() {
			began := time.Now()
			if err := verifyAlone(token[:dot], signature); err != nil {
				b.Fatal(err)
			}
			between := time.Now()
			if _, c := bed.resource.Authenticate(req); c != nil {
				b.Fatal(c.Message)
			}
			alone, first = alone+between.Sub(began), first+time.Since(between)
		}
		b.ReportMetric(float64(first)/float64(alone), "×signature")
	})
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

func verifyAlone(signed string, signature []byte) error {
	digest := sha256.Sum256([]byte(signed))
	return rsa.VerifyPKCS1v15(&rsaKey().PublicKey, crypto.SHA256, digest[:], signature)
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
