package auth

import (
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"time"
)

// A Token is an access token for an API behind the server. Logs, formatting and
// JSON show none of it: only [Token.Secret] and [Token.Authorize] use its text.
type Token struct {
	// A pointer, because package fmt prints unexported strings in spite of Format.
	secret *string

	// Expiry is when the token ends. It is zero when the provider did not say.
	Expiry time.Time
}

// NewToken returns a token for a [UpstreamSource] to hand out.
func NewToken(secret string, expiry time.Time) Token {
	return Token{secret: &secret, Expiry: expiry}
}

// Secret returns the text of the token, to be sent to the API and nowhere else. It
// must not be part of a tool's result, because a model may repeat what it sees.
func (t Token) Secret() string {
	if t.secret == nil {
		return ""
	}
	return *t.secret
}

// Authorize puts the token into the header of a request (RFC 6750, section 2.1).
// [UpstreamClient] does the same and also keeps the token at the hosts of the API.
func (t Token) Authorize(req *http.Request) {
	req.Header.Set("Authorization", "Bearer "+t.Secret())
}

// redacted stands for a token wherever one is printed.
const redacted = "[token]"

// Format implements [fmt.Formatter]: every verb prints the same placeholder.
func (Token) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, redacted) }

// LogValue implements [slog.LogValuer].
func (Token) LogValue() slog.Value { return slog.StringValue(redacted) }

// MarshalText implements [encoding.TextMarshaler], so that a token in a struct that
// is encoded as JSON shows nothing.
func (Token) MarshalText() ([]byte, error) { return []byte(redacted), nil }
