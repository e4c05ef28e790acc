package broker

import (
	"crypto/ed25519"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"maps"
	"net/http"
	"strings"
	"time"

	"github.com/mcpengine/mcpengine/auth"
)

// algorithm signs access tokens (RFC 8037, section 3.1).
const algorithm = "EdDSA"

// Claims of an access token that RFC 9068 does not have: the issuer at which the
// user signed in, further claims of that issuer, and its own access token.
const (
	claimIssuer = "idp"
	claimMore   = "idp_claims"
	claimToken  = "idp_token" // sealed
)

// maxAccessToken bounds an access token. Gateways bound all header fields of a
// request to 8 to 10 KiB.
const maxAccessToken = 6 << 10

var base64url = base64.RawURLEncoding.Strict()

// A signer is a key for access tokens.
type signer struct {
	private ed25519.PrivateKey
	jwk     jwk
	header  string // of its tokens, encoded
}

// A jwk is the public half of a signer (RFC 8037, section 2).
type jwk struct {
	Curve     string `json:"crv"`
	Kind      string `json:"kty"`
	X         string `json:"x"`
	ID        string `json:"kid,omitempty"`
	Use       string `json:"use,omitempty"`
	Algorithm string `json:"alg,omitempty"`
}

// newSigners derives a signer from each key. Replicas with the same keys have the
// same signers, and what rotates the keys rotates them.
func newSigners(keys auth.Keys) []signer {
	seeds := keys.Derive(purposeSigning)
	signers := make([]signer, len(seeds))
	for i, seed := range seeds {
		signers[i] = newSigner(seed)
	}
	return signers
}

func newSigner(seed []byte) signer {
	private := ed25519.NewKeyFromSeed(seed)
	public, _ := private.Public().(ed25519.PublicKey)
	j := jwk{Curve: "Ed25519", Kind: "OKP", X: base64url.EncodeToString(public)}
	// The members in this order are the thumbprint's (RFC 7638, section 3; RFC 8037,
	// appendix A.3).
	text, _ := json.Marshal(j) // strings can be encoded
	sum := sha256.Sum256(text)
	j.ID, j.Use, j.Algorithm = base64url.EncodeToString(sum[:12]), "sig", algorithm
	header := `{"alg":"` + algorithm + `","typ":"at+jwt","kid":"` + j.ID + `"}`
	return signer{private: private, jwk: j, header: base64url.EncodeToString([]byte(header))}
}

// keySet is the JSON Web Key Set of the signers (RFC 7517, section 5).
func (s *server) keySet() []byte {
	var set struct {
		Keys []jwk `json:"keys"`
	}
	for _, k := range s.signers() {
		set.Keys = append(set.Keys, k.jwk)
	}
	text, _ := json.Marshal(set) // strings can be encoded
	return text
}

func (s *server) serveKeys(w http.ResponseWriter, r *http.Request) { publish(w, r, s.keySet()) }

// sign makes a compact JWS (RFC 7515, section 7.1) of the claims.
func (s *server) sign(c *claims) (string, error) {
	payload, err := json.Marshal(c)
	if err != nil {
		return "", err
	}
	k := s.signers()[0]
	text := make([]byte, 0, len(k.header)+2+base64url.EncodedLen(len(payload))+base64url.EncodedLen(ed25519.SignatureSize))
	text = append(append(text, k.header...), '.')
	text = base64url.AppendEncode(text, payload)
	signature := ed25519.Sign(k.private, text)
	text = base64url.AppendEncode(append(text, '.'), signature)
	return string(text), nil
}

// claims are the claims of an access token (RFC 9068, section 2.2).
type claims struct {
	Issuer        string         `json:"iss"`
	Subject       string         `json:"sub"` // issuer and subject of the user
	Audience      string         `json:"aud"`
	ClientID      string         `json:"client_id"`
	Scope         string         `json:"scope,omitempty"`
	IssuedAt      int64          `json:"iat"`
	Expiry        int64          `json:"exp"`
	ID            string         `json:"jti"`
	UserIssuer    string         `json:"idp"`
	Name          string         `json:"name,omitempty"`
	Email         string         `json:"email,omitempty"`
	EmailVerified bool           `json:"email_verified,omitempty"`
	Roles         []string       `json:"roles,omitempty"`
	Groups        []string       `json:"groups,omitempty"`
	More          map[string]any `json:"idp_claims,omitempty"`
	Held          string         `json:"idp_token,omitempty"`
}

// accessToken returns a token for a user, and how long it is good.
func (s *server) accessToken(u *auth.User, clientID string, scopes []string, h held) (string, time.Duration, error) {
	now, life := s.env.Now(), s.config.AccessTokenLifetime
	c := &claims{
		Issuer:        s.issuer,
		Subject:       u.Issuer + " " + u.Subject,
		Audience:      s.resource,
		ClientID:      clientID,
		Scope:         strings.Join(scopes, " "),
		IssuedAt:      now.Unix(),
		Expiry:        now.Add(life).Unix(),
		ID:            rand.Text(),
		UserIssuer:    u.Issuer,
		Name:          u.Name,
		Email:         u.Email,
		EmailVerified: u.EmailVerified,
		Roles:         u.Roles,
		Groups:        u.Groups,
	}
	for _, name := range s.config.Claims {
		if value, ok := u.Claims[name]; ok {
			if c.More == nil {
				c.More = map[string]any{}
			}
			c.More[name] = value
		}
	}
	if s.holds(h) {
		if token, life, err := s.signWith(c, h); token != "" || err != nil {
			return token, life, err
		}
	}
	token, err := s.sign(c)
	if err == nil && len(token) > maxAccessToken {
		s.env.Logger.Warn("the access token leaves out the groups, roles and further claims of a user, which are too many: rules see none",
			"issuer", u.Issuer, "subject", u.Subject, "groups", len(u.Groups), "roles", len(u.Roles))
		c.Roles, c.Groups, c.More = nil, nil, nil
		token, err = s.sign(c)
	}
	return token, life, err
}

// mergeClaims returns the claims of a token together with the further claims of the
// user's issuer, and without the issuer's token.
func mergeClaims(token, more map[string]any) map[string]any {
	merged := maps.Clone(token)
	delete(merged, claimMore)
	delete(merged, claimToken)
	for name, value := range more {
		if _, present := merged[name]; !present {
			merged[name] = value
		}
	}
	return merged
}
