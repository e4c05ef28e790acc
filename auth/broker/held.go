package broker

import (
	"bytes"
	"compress/flate"
	"encoding/binary"
	"encoding/json"
	"errors"
	"io"
	"strconv"
	"strings"
	"time"

	"github.com/mcpengine/mcpengine/auth"
)

// maxWithHeld bounds an access token that holds the provider's. Gateways allow 8 to
// 10 KiB for all header fields of a request.
const maxWithHeld = 4 << 10

// A held is what is kept of the provider's answer to a token request.
type held struct {
	durable string        // for renewing, as [upstream.durable] makes it
	access  string        // the provider's access token
	life    time.Duration // of access, or 0 when the provider did not say
}

func (u *upstream) hold(t *tokens, old string) held {
	h := held{durable: u.durable(t, old), access: t.Access}
	var seconds float64
	switch life := t.Life.(type) {
	case float64:
		seconds = life
	case string: // of Microsoft's version 1
		seconds, _ = strconv.ParseFloat(life, 64) // 0 is unknown
	}
	if seconds > 0 && seconds < maxSession.Seconds() {
		h.life = time.Duration(seconds) * time.Second
	}
	return h
}

// holds reports whether an access token is to hold the provider's.
func (s *server) holds(h held) bool { return s.config.ProviderToken && h.access != "" }

// signWith signs the claims together with the provider's token, sealed, for as long as
// that is good. It returns "" when the token would be too long.
func (s *server) signWith(c *claims, h held) (string, time.Duration, error) {
	own, life := *c, s.config.AccessTokenLifetime
	if h.life > 0 {
		life = min(life, h.life)
	}
	own.Expiry = own.IssuedAt + int64(life/time.Second)
	// Bound to this token: copied into another one, it does not open.
	own.Held = s.keys.Seal(purposeHeld, pack(h.access), []byte(own.ID))
	token, err := s.sign(&own)
	if err == nil && len(token) > maxWithHeld {
		s.env.Logger.Warn("the access token leaves out the token of the provider, which is too long: auth.Upstream returns an error for this user",
			"issuer", c.UserIssuer, "bytes", len(h.access), "length", len(token), "limit", maxWithHeld)
		return "", 0, nil
	}
	return token, life, err
}

// providerToken returns the function for [auth.Verifier].ProviderToken.
func (s *server) providerToken() func(string) (string, error) {
	if !s.config.ProviderToken {
		return nil
	}
	return func(token string) (string, error) {
		var c struct {
			ID   string `json:"jti"`
			Held string `json:"idp_token"`
		}
		parts := strings.Split(token, ".")
		if len(parts) != 3 {
			return "", errNotHeld
		}
		payload, err := base64url.DecodeString(parts[1])
		if err != nil || json.Unmarshal(payload, &c) != nil || c.Held == "" {
			return "", errNotHeld
		}
		packed, err := s.keys.Open(purposeHeld, c.Held, []byte(c.ID))
		if err != nil {
			return "", errNotHeld
		}
		return unpack(packed)
	}
}

var errNotHeld = &auth.UpstreamError{Reason: "the access token holds no token of the provider: it is from before broker.Config.ProviderToken was set, " +
	"from an identity assertion, or the provider's token is too long, which the log says"}

// The forms of a packed token: as it is, or the parts of a JWT, decoded and deflated,
// which saves a third of it.
const (
	packedPlain = 0
	packedJWT   = 1
)

// maxUnpacked bounds a token that is unpacked.
const maxUnpacked = 64 << 10

// pack makes a token short.
func pack(token string) []byte {
	plain := append([]byte{packedPlain}, token...)
	parts := strings.Split(token, ".")
	if len(parts) != 3 {
		return plain
	}
	b := bytes.NewBuffer([]byte{packedJWT})
	w, err := flate.NewWriter(b, flate.BestCompression)
	if err != nil {
		return plain
	}
	for _, part := range parts {
		decoded, err := base64url.DecodeString(part)
		if err != nil || strings.ContainsAny(part, "\r\n") {
			return plain
		}
		_, _ = w.Write(binary.AppendUvarint(nil, uint64(len(decoded)))) // to memory
		_, _ = w.Write(decoded)
	}
	if w.Close() != nil || b.Len() >= len(plain) {
		return plain
	}
	return b.Bytes()
}

var errPacked = errors.New("not a packed token")

// unpack undoes pack.
func unpack(packed []byte) (string, error) {
	if len(packed) == 0 {
		return "", errPacked
	}
	if packed[0] == packedPlain {
		return string(packed[1:]), nil
	}
	text, err := io.ReadAll(io.LimitReader(flate.NewReader(bytes.NewReader(packed[1:])), maxUnpacked))
	if err != nil {
		return "", errPacked
	}
	parts := make([]string, 3)
	for i := range parts {
		n, used := binary.Uvarint(text)
		if used <= 0 || n > uint64(len(text)-used) {
			return "", errPacked
		}
		parts[i] = base64url.EncodeToString(text[used : used+int(n)]) //nolint:gosec // at most the length of text
		text = text[used+int(n):]
	}
	return strings.Join(parts, "."), nil
}
