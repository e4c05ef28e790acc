package idp_test

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/hmac"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/mcpengine/mcpengine/auth"
	"github.com/mcpengine/mcpengine/auth/authtest"
	"github.com/mcpengine/mcpengine/auth/idp"
)

// Tests A01 to A29 are about the form of a token and its signature.

func TestTokenA01A02NoSignature(t *testing.T) {
	t.Parallel()
	b := newBed(t)
	b.accept(t, b.token(nil))
	payload := b64([]byte(b.claims()))
	for _, alg := range []string{"none", "None", "nOnE", "NONE"} {
		header := b64([]byte(`{"alg":"` + alg + `","typ":"at+jwt"}`))
		b.refuse(t, header+"."+payload+".")
		b.refuse(t, header+"."+payload+"."+b64([]byte("x")))
	}
}

func TestTokenA03SymmetricSignatureByThePublicKey(t *testing.T) {
	t.Parallel()
	b := newBed(t)
	b.publish(t, rsaJWK(nil))
	public := &rsaKey().PublicKey
	der, err := x509.MarshalPKIXPublicKey(public)
	if err != nil {
		t.Fatal(err)
	}
	secrets := map[string][]byte{
		"PEM":     pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der}),
		"DER":     der,
		"PKCS #1": x509.MarshalPKCS1PublicKey(public),
		"modulus": public.N.Bytes(),
	}
	for _, secret := range secrets {
		for _, alg := range []string{"HS256", "hs256"} {
			input := b64([]byte(`{"alg":"`+alg+`","kid":"own","typ":"at+jwt"}`)) + "." + b64([]byte(b.claims()))
			mac := hmac.New(sha256.New, secret)
			mac.Write([]byte(input))
			b.refuse(t, input+"."+b64(mac.Sum(nil)))
		}
	}
	b.accept(t, b.sign(t, "RS256", rsaKey(), nil))
}

func TestTokenA05BadSignatureByAKnownKeyFetchesNothing(t *testing.T) {
	t.Parallel()
	b := newBed(t)
	good := b.token(nil)
	b.accept(t, good)
	header, payload, signature := parts(t, good)
	_, _, other := parts(t, b.token(authtest.Claims{"sub": "bob"}))
	raw, _ := base64.RawURLEncoding.DecodeString(signature)
	for i := range 500 {
		flipped := bytes.Clone(raw)
		flipped[i%len(raw)] ^= byte(1 + i/len(raw))
		b.refuse(t, header+"."+payload+"."+b64(flipped))
	}
	b.refuse(t, header+"."+payload+".")
	b.refuse(t, header+"."+payload+"."+other)
	b.refuse(t, header+"."+payload+"."+b64(make([]byte, 64)))
	if got := b.idp.Requests(authtest.KeysPath); got != 1 {
		t.Errorf("%d fetches of the keys, want 1", got)
	}
}

func TestTokenA06PayloadSwapped(t *testing.T) {
	t.Parallel()
	b := newBed(t)
	header, _, signature := parts(t, b.token(nil))
	_, payload, _ := parts(t, b.token(authtest.Claims{"sub": "admin"}))
	b.refuse(t, header+"."+payload+"."+signature)
}

func TestTokenA08EdDSAKeysOfSmallOrder(t *testing.T) {
	t.Parallel()
	top := "ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f"
	for _, point := range []string{
		"01" + strings.Repeat("00", 31), // the identity
		strings.Repeat("00", 32),        // of order 4
		strings.Repeat("00", 31) + "80",
		"ec" + top, // of order 2
		"26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05", // of order 8
		"26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc85",
		"c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
		"c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03fa",
		"ed" + top, // 0, not reduced
		"ee" + top, // 1, not reduced
	} {
		public, err := hex.DecodeString(point)
		if err != nil {
			t.Fatal(err)
		}
		b := newBed(t)
		b.publish(t, map[string]any{"kty": "OKP", "crv": "Ed25519", "kid": "own", "x": b64(public)}, rsaJWK(map[string]any{"kid": "rsa"}))
		b.refuse(t, forge(t, b, public))
	}
}

func TestTokenA09AlgorithmOfAnotherKey(t *testing.T) {
	t.Parallel()
	b := newBed(t)
	b.publish(t, rsaJWK(map[string]any{"alg": "RS256"}))
	b.accept(t, b.sign(t, "RS256", rsaKey(), nil))
	b.refuse(t, b.sign(t, "RS512", rsaKey(), nil))
	b.refuse(t, b.sign(t, "PS256", rsaKey(), nil))
	if got := b.idp.Requests(authtest.KeysPath); got != 1 {
		t.Errorf("%d fetches of the keys, want 1", got)
	}
}

func TestTokenA09AlgorithmIsNotAllowedHere(t *testing.T) {
	t.Parallel()
	b := newBed(t, idp.WithAlgorithms("RS256"))
	b.publish(t, rsaJWK(nil))
	b.accept(t, b.sign(t, "RS256", rsaKey(), nil))
	b.refuse(t, b.sign(t, "RS384", rsaKey(), nil))
}

func TestTokenA11KeyIsNotForSignatures(t *testing.T) {
	t.Parallel()
	for _, changes := range []map[string]any{
		{"use": "enc"},
		{"use": 1},
		{"key_ops": []string{"encrypt"}},
		{"key_ops": []string{}},
		{"key_ops": "verify"},
	} {
		b := newBed(t)
		b.publish(t, rsaJWK(changes), rsaJWK(map[string]any{"kid": "other"}))
		b.refuse(t, b.sign(t, "RS256", rsaKey(), nil))
		b.accept(t, b.sign(t, "RS256", rsaKey(), map[string]any{"kid": "other"}))
	}
}

func TestTokenA11KeyIsTooShort(t *testing.T) {
	t.Parallel()
	short, err := rsa.GenerateKey(rand.Reader, 1024)
	if err != nil {
		t.Fatal(err)
	}
	b := newBed(t)
	b.publish(t, rsaJWK(map[string]any{"n": b64(short.N.Bytes())}), rsaJWK(map[string]any{"kid": "long"}))
	b.refuse(t, b.sign(t, "RS256", short, nil))
	b.accept(t, b.sign(t, "RS256", rsaKey(), map[string]any{"kid": "long"}))
}

func TestTokenA12SymmetricKeyInTheKeySet(t *testing.T) {
	t.Parallel()
	b := newBed(t)
	secret := bytes.Repeat([]byte("k"), 32)
	b.publish(t, map[string]any{"kty": "oct", "kid": "own", "k": b64(secret)}, rsaJWK(map[string]any{"kid": "rsa"}))
	b.refuse(t, b.sign(t, "HS256", secret, nil))
}

func TestTokenA14HeaderPointsToKeys(t *testing.T) {
	t.Parallel()
	b := newBed(t)
	evil := authtest.NewProvider(t)
	_, payload, _ := parts(t, b.token(nil))
	claims, _ := base64.RawURLEncoding.DecodeString(payload)
	for _, kid := range []string{"key-1", "evil"} {
		for _, name := range []string{"jku", "x5u"} {
			b.refuse(t, evil.SignRaw(fmt.Appendf(nil, `{"alg":"ES256","kid":%q,"typ":"at+jwt",%q:%q}`, kid, name, evil.Issuer()+"/keys"), claims))
		}
	}
	if got := evil.Requests(authtest.KeysPath); got != 0 {
		t.Errorf("the attacker was asked for keys %d times", got)
	}
}

func TestTokenA15HeaderBringsItsKey(t *testing.T) {
	t.Parallel()
	b := newBed(t)
	public := rsaKey().PublicKey
	b.refuse(t, b.sign(t, "RS256", rsaKey(), map[string]any{
		"jwk": rsaJWK(nil), "x5c": []string{base64.StdEncoding.EncodeToString(x509.MarshalPKCS1PublicKey(&public))},
	}))
	// Beside a good signature they do no harm.
	b.accept(t, b.idp.SignRaw([]byte(`{"alg":"ES256","kid":"key-1","typ":"at+jwt","x5c":["AAAA"],"x5t":"AAAA"}`), []byte(b.claims())))
}

func TestTokenA16StrangeKeyIds(t *testing.T) {
	t.Parallel()
	b := newBed(t)
	b.accept(t, b.token(nil))
	for _, kid := range []any{
		"../../dev/null", "' OR 1=1--", "\x00", strings.Repeat("k", 10_000), "🔑", "https://evil.example/keys",
		"", 1, 1.5, true, nil,
		[]string{"key-1"},
		map[string]any{"kid": "key-1"},
	} {
		header, err := json.Marshal(map[string]any{"alg": "ES256", "typ": "at+jwt", "kid": kid})
		if err != nil {
			t.Fatal(err)
		}
		b.refuse(t, b.idp.SignRaw(header, []byte(b.claims())))
	}
	if got := b.idp.Requests(authtest.KeysPath); got > 2 {
		t.Errorf("%d fetches of the keys, want at most one more than 1", got)
	}
}

func TestTokenA19CriticalExtensions(t *testing.T) {
	t.Parallel()
	b := newBed(t)
	for _, more := range []string{
		`"crit":["exp2"],"exp2":1`, `"crit":["b64"],"b64":false`, `"crit":[]`, `"crit":"exp"`, `"crit":null`, `"b64":false`,
	} {
		b.refuse(t, b.idp.SignRaw([]byte(`{"alg":"ES256","kid":"key-1","typ":"at+jwt",`+more+`}`), []byte(b.claims())))
	}
	b.accept(t, b.idp.SignRaw([]byte(goodHeader), []byte(b.claims())))
}

func TestTokenA20CompressedEncryptedAndNested(t *testing.T) {
	t.Parallel()
	b := newBed(t)
	for _, more := range []string{`"zip":"DEF"`, `"enc":"A256GCM"`, `"cty":"JWT"`} {
		b.refuse(t, b.idp.SignRaw([]byte(`{"alg":"ES256","kid":"key-1","typ":"at+jwt",`+more+`}`), []byte(b.claims())))
	}
	b.refuse(t, b64([]byte(`{"alg":"dir","enc":"A256GCM"}`))+"..AAAA.AAAA.AAAA")
	b.refuse(t, b.idp.SignRaw([]byte(goodHeader), []byte(b.token(nil))))
	b.refuse(t, b.token(nil)+".AAAA.AAAA")
}

func TestTokenA21JSONSerialization(t *testing.T) {
	t.Parallel()
	b := newBed(t)
	header, payload, signature := parts(t, b.token(nil))
	one := fmt.Sprintf(`{"protected":%q,"signature":%q}`, header, signature)
	for _, jws := range []string{
		fmt.Sprintf(`{"payload":%q,"protected":%q,"signature":%q}`, payload, header, signature),
		fmt.Sprintf(`{"payload":%q,"signatures":[%s]}`, payload, one),
		fmt.Sprintf(`{"payload":%q,"signatures":[%s,%s]}`, payload, one, one),
	} {
		b.refuse(t, jws)
		b.refuse(t, b64([]byte(jws)))
	}
}

func TestTokenA23OtherSpellingsOfAGoodToken(t *testing.T) {
	t.Parallel()
	b := newBed(t)
	token := b.token(nil)
	b.accept(t, token)
	header, payload, signature := parts(t, token)
	// 64 bytes leave four bits of the last character unused.
	last := strings.IndexByte("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_", signature[len(signature)-1])
	stray := signature[:len(signature)-1] + string("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"[last|1])
	for _, spelling := range []string{
		header + "." + payload + "." + signature + "==",
		header + "." + payload + "." + stray,
		header + "=." + payload + "." + signature,
		token + "\n", token + "\r\n", header + "\n." + payload + "." + signature,
		header + "." + payload + ".\r\n" + signature,
		token + ".", "." + token, token + "\x00", token + "\u00a0",
		strings.Replace(token, ".", "..", 1),
	} {
		b.refuse(t, spelling)
	}
	// The standard alphabet: find a token whose spelling differs.
	for {
		token := b.token(authtest.Claims{"pad": rand.Text()})
		if other := strings.NewReplacer("-", "+", "_", "/").Replace(token); other != token {
			b.refuse(t, other)
			break
		}
	}
}

func TestTokenA24LongTokens(t *testing.T) {
	t.Parallel()
	b := newBed(t)
	fits := b.token(authtest.Claims{"pad": strings.Repeat("x", 11_000)})
	if len(fits) > auth.MaxTokenBytes {
		t.Fatalf("token of %d bytes", len(fits))
	}
	b.accept(t, fits)
	before := b.net.requests
	b.refuse(t, b.token(authtest.Claims{"pad": strings.Repeat("x", 12_000)}))
	b.refuse(t, strings.Repeat("a", auth.MaxTokenBytes+1))
	b.refuse(t, strings.Repeat("a", 1<<20))
	if b.net.requests != before {
		t.Error("a long token caused a request")
	}
}

func TestTokenA26TextThatIsNotUTF8(t *testing.T) {
	t.Parallel()
	b := newBed(t)
	claims := b.claims()
	for _, bad := range []string{
		strings.Replace(claims, "alice", "ali\xffce", 1),
		strings.Replace(claims, "alice", `ali\ud800ce`, 1),
		strings.Replace(claims, "alice", `ali\udc00ce`, 1),
		"\xef\xbb\xbf" + claims,
		utf16Text(claims),
	} {
		b.refuse(t, b.idp.SignRaw([]byte(goodHeader), []byte(bad)))
	}
	for _, bad := range []string{
		"\xef\xbb\xbf" + goodHeader,
		strings.Replace(goodHeader, "}", ",\"x\":\"\xff\"}", 1),
		strings.Replace(goodHeader, "}", `,"x":"\ud800"}`, 1),
	} {
		b.refuse(t, b.idp.SignRaw([]byte(bad), []byte(claims)))
	}
}

func TestTokenA27NamesGivenTwice(t *testing.T) {
	t.Parallel()
	b := newBed(t)
	claims := b.claims()
	for _, more := range []string{
		`"aud":"https://other.example"`, `"aud":"` + resourceURL + `"`, `"iss":"` + issuer + `"`, `"exp":4000000000`,
		`"sub":"admin"`, `"\u0073ub":"admin"`, `"nested":{"a":1,"a":2}`,
	} {
		for _, doubled := range []string{
			strings.Replace(claims, "{", "{"+more+",", 1),
			strings.TrimSuffix(claims, "}") + "," + more + "}",
		} {
			b.refuse(t, b.idp.SignRaw([]byte(goodHeader), []byte(doubled)))
		}
	}
	for _, more := range []string{`"alg":"none"`, `"alg":"ES256"`, `"kid":"key-1"`, `"typ":"at+jwt"`} {
		b.refuse(t, b.idp.SignRaw([]byte(strings.Replace(goodHeader, "{", "{"+more+",", 1)), []byte(claims)))
	}
	// A name of another case is another name and means nothing.
	user := b.accept(t, b.idp.SignRaw([]byte(goodHeader), []byte(strings.Replace(claims, "{", `{"SUB":"admin","Scope":"mcp:admin",`, 1))))
	if user.Subject != "alice" || user.HasScope("mcp:admin") {
		t.Errorf("subject %q, scopes %q: a name of another case counted", user.Subject, user.Scopes)
	}
}

func TestTokenA29ClaimsAreNotOneObject(t *testing.T) {
	t.Parallel()
	b := newBed(t)
	claims := b.claims()
	for _, bad := range []string{
		"[]", "[" + claims + "]", `"claims"`, "null", "1", "", "{", "{}{}", claims + "{}", claims + "x", claims + "\x00",
		strings.Repeat(`{"a":`, 200) + "1" + strings.Repeat("}", 200),
	} {
		b.refuse(t, b.idp.SignRaw([]byte(goodHeader), []byte(bad)))
		b.refuse(t, b.idp.SignRaw([]byte(bad), []byte(claims)))
	}
}

// What each key can do, it does: every algorithm passes with its own key.
func TestEveryAlgorithmPasses(t *testing.T) {
	t.Parallel()
	b := newBed(t)
	type pair struct {
		alg string // that go-jose knows
		key crypto.Signer
	}
	_, edKey, _ := ed25519.GenerateKey(rand.Reader)
	pairs := map[string]pair{
		"RS256": {"RS256", rsaKey()}, "RS384": {"RS384", rsaKey()}, "RS512": {"RS512", rsaKey()},
		"PS256": {"PS256", rsaKey()}, "PS384": {"PS384", rsaKey()}, "PS512": {"PS512", rsaKey()},
		"EdDSA": {"EdDSA", edKey}, "Ed25519": {"EdDSA", edKey},
	}
	keys := []any{rsaJWK(nil), map[string]any{"kty": "OKP", "crv": "Ed25519", "kid": "own", "x": b64(edKey.Public().(ed25519.PublicKey))}}
	for alg, curve := range map[string]elliptic.Curve{"ES256": elliptic.P256(), "ES384": elliptic.P384(), "ES512": elliptic.P521()} {
		key, err := ecdsa.GenerateKey(curve, rand.Reader)
		if err != nil {
			t.Fatal(err)
		}
		pairs[alg] = pair{alg, key}
		point, _ := key.PublicKey.Bytes()
		half := len(point) / 2
		keys = append(keys, map[string]any{
			"kty": "EC", "crv": curve.Params().Name, "kid": "own", "x": b64(point[1 : 1+half]), "y": b64(point[1+half:]),
		})
	}
	b.publish(t, keys...)
	for alg, p := range pairs {
		token := b.sign(t, p.alg, p.key, map[string]any{"alg": alg})
		b.accept(t, token)
		header, payload, signature := parts(t, token)
		raw, _ := base64.RawURLEncoding.DecodeString(signature)
		raw[len(raw)/2] ^= 1
		b.refuse(t, header+"."+payload+"."+b64(raw))
	}
	if got := b.idp.Requests(authtest.KeysPath); got != 1 {
		t.Errorf("%d fetches of the keys, want 1", got)
	}
}

// Keys without ids are found by their kind, and a new one by a single fetch.
func TestTokenWithoutKeyID(t *testing.T) {
	t.Parallel()
	b := newBed(t)
	header := []byte(`{"alg":"ES256","typ":"at+jwt"}`)
	b.accept(t, b.idp.SignRaw(header, []byte(b.claims())))
	b.idp.Rotate("ES256")
	b.idp.Retire()
	b.accept(t, b.idp.SignRaw(header, []byte(b.claims())))
	evil := authtest.NewProvider(t)
	for range 20 {
		b.refuse(t, evil.SignRaw(header, []byte(b.claims())))
	}
	if got := b.idp.Requests(authtest.KeysPath); got != 2 {
		t.Errorf("%d fetches of the keys, want 2", got)
	}
}

var _ http.Handler = (*auth.Challenge)(nil)
