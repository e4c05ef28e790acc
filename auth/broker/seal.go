package broker

import (
	"crypto/sha256"
	"encoding/json"
	"errors"
	"time"
)

// The purposes of the keys. Each kind of value has its own, so that a value of one
// kind cannot be used as another.
const (
	purposeClient  = "broker client id"
	purposeForm    = "broker consent form"
	purposeAttempt = "broker sign-in under way"
	purposeCode    = "broker authorization code"
	purposeRefresh = "broker refresh token"
	purposeSigning = "broker access tokens"
	purposeHeld    = "broker token of the provider"
)

// How long the kinds are good.
const (
	formLife    = 10 * time.Minute
	attemptLife = 10 * time.Minute
	codeLife    = time.Minute
)

// A registration is what a client id of dynamic registration holds. It is good as
// long as the key is there.
type registration struct {
	Name      string   `json:"n,omitempty"`
	Redirects []string `json:"r"`
	Issued    int64    `json:"i"`
}

// A grant is what a client asks for and a person agrees to. It travels in the form
// of the consent page, then in the cookie of the sign-in, and at last in the code.
type grant struct {
	Client    string   `json:"c"`           // digest of its id
	Key       bool     `json:"a,omitempty"` // the client authenticates by a key
	Redirect  string   `json:"r"`
	Implied   bool     `json:"ri,omitempty"` // the request did not name the redirect URI
	Challenge string   `json:"k"`
	Scopes    []string `json:"g,omitempty"`
}

// A form is the hidden field of the consent page. Its associated data is the cookie
// of the browser.
type form struct {
	grant
	State  string `json:"s,omitempty"` // of the client
	Expiry int64  `json:"x"`
}

// An attempt is a sign-in under way, from the consent until the provider sends the
// browser back. It is a cookie, so that it belongs to one browser. Its associated
// data is the state that the provider gives back.
type attempt struct {
	grant
	State    string `json:"s,omitempty"`
	Verifier string `json:"v"` // of our PKCE at the provider
	Nonce    string `json:"n"`
	Expiry   int64  `json:"x"`
}

// A code is an authorization code. It holds the provider's code, which is redeemed
// when this one is.
type code struct {
	grant
	Code     string `json:"u"`
	Verifier string `json:"v"`
	Nonce    string `json:"n"`
	Expiry   int64  `json:"x"`
}

// A refresh is a refresh token. It holds the provider's.
type refresh struct {
	Client  string   `json:"c"` // digest of its id
	Key     bool     `json:"a,omitempty"`
	Scopes  []string `json:"g,omitempty"`
	Issuer  string   `json:"i"`
	Subject string   `json:"s"`
	Token   string   `json:"u"`
	Expiry  int64    `json:"x"`
}

// maxRefresh bounds a refresh token, which a client has to store and send.
const maxRefresh = 16 << 10

func (s *server) seal(purpose string, value any, associated string) (string, error) {
	plaintext, err := json.Marshal(value)
	if err != nil {
		return "", err
	}
	return s.keys.Seal(purpose, plaintext, []byte(associated)), nil
}

var errSealed = errors.New("a sealed value is not ours, not of this kind, or has expired")

// open reads a sealed value. Expiry points to its time, or is nil for a value
// without one.
func (s *server) open(purpose, sealed, associated string, into any, expiry *int64) error {
	plaintext, err := s.keys.Open(purpose, sealed, []byte(associated))
	if err != nil || json.Unmarshal(plaintext, into) != nil {
		return errSealed
	}
	if expiry != nil && s.env.Now().Unix() >= *expiry {
		return errSealed
	}
	return nil
}

// in returns the time after a span, as sealed values have it.
func (s *server) in(span time.Duration) int64 { return s.env.Now().Add(span).Unix() }

// digest names a text in a cookie's name or in a map.
func digest(text string) string {
	sum := sha256.Sum256([]byte(text))
	return base64url.EncodeToString(sum[:])
}
