package idp

import (
	"slices"
	"strings"

	"github.com/mcpengine/mcpengine/auth"
)

// A token is a JSON Web Token whose form has been checked, but nothing else.
type token struct {
	header
	claims    map[string]any
	signed    string // header "." payload
	signature []byte
}

// A header holds the members of a token's header that are used.
type header struct {
	encoded       string // as it stands in the token
	alg, kid, typ string
}

// parseToken reads the compact serialization of a signed token (RFC 7515,
// section 7.1). It refuses encrypted tokens, which have five parts, and the JSON
// serialization. Only one spelling of a token is accepted. Known is a header that
// has been read before, or nil: the tokens of an issuer have the same header as
// long as they are signed with the same key.
func parseToken(s string, known *header) (*token, error) {
	if len(s) > auth.MaxTokenBytes {
		return nil, refuse("token of more than %d bytes", auth.MaxTokenBytes)
	}
	parts := strings.SplitN(s, ".", 4)
	if len(parts) != 3 {
		return nil, refuse("token is not a compact JWS")
	}
	var decoded [3][]byte
	for i, part := range parts {
		var err error
		if decoded[i], err = decodePart(part); err != nil {
			return nil, refuse("token: %v", err)
		}
		if len(decoded[i]) == 0 {
			return nil, refuse("token with an empty part")
		}
	}
	t := &token{signed: s[:len(parts[0])+1+len(parts[1])], signature: decoded[2]}
	if known != nil && known.encoded == parts[0] {
		t.header = *known
	} else if err := t.read(parts[0], decoded[0]); err != nil {
		return nil, err
	}
	var err error
	if t.claims, err = decodeObject(decoded[1]); err != nil {
		return nil, refuse("claims are not a strict JSON object")
	}
	return t, nil
}

// read takes what it needs from the header (RFC 7515, section 4.1). Keys
// that the token brings along or points to (jku, jwk, x5u, x5c) are not
// evidence of anything and not looked at (RFC 8725, section 3.10).
func (h *header) read(encoded string, decoded []byte) error {
	fields, err := decodeObject(decoded)
	if err != nil {
		return refuse("header is not a strict JSON object") // err may quote it
	}
	h.encoded = encoded
	for _, name := range [...]string{"crit", "b64", "zip", "enc", "cty"} {
		// An extension that has to be understood and is not (RFC 7515, section
		// 4.1.11), or a payload that is not plain claims.
		if _, present := fields[name]; present {
			return refuse("header %s", name)
		}
	}
	for _, field := range [...]struct {
		name string
		to   *string
	}{{"alg", &h.alg}, {"kid", &h.kid}, {"typ", &h.typ}} {
		s, ok := optionalName(fields, field.name)
		if !ok {
			return refuse("header %s", field.name)
		}
		*field.to = s
	}
	if _, ok := algorithms[h.alg]; !ok {
		return refuse("algorithm is not allowed")
	}
	return nil
}

// optionalName reads a member that is absent or a short string with something
// in it.
func optionalName(object map[string]any, name string) (s string, ok bool) {
	value, present := object[name]
	if !present {
		return "", true
	}
	s, ok = value.(string)
	return s, ok && s != "" && len(s) <= maxKidBytes
}

// checkHeader applies the configuration to the header.
func (p *profile) checkHeader(t *token) error {
	if p.algorithms != nil && !slices.Contains(p.algorithms, t.alg) {
		return refuse("algorithm is not allowed")
	}
	// Media types are compared without case, and "application/" may be left
	// out (RFC 7515, section 4.1.9).
	switch typ := strings.TrimPrefix(strings.ToLower(t.typ), "application/"); {
	case p.mediaType != "" && typ == p.mediaType:
	case p.mediaType != "":
		return refuse("token of another type")
	case p.idToken && (typ == "" || typ == "jwt"):
	case !p.idToken && typ == "at+jwt":
	case !p.idToken && !p.strictType && (typ == "" || typ == "jwt"):
		// Not marked: OpenID Connect marks nothing, and Logout and other tokens
		// have types of their own.
		return p.checkUnmarked(t.claims)
	default:
		return refuse("token of another type")
	}
	return nil
}

// checkUnmarked refuses a token with the signs of another kind than an access
// token: an ID token (OpenID Connect Core, section 2), a logout or event
// token (RFC 8417), or what the issuer says it is.
func (p *profile) checkUnmarked(claims map[string]any) error {
	for _, name := range [...]string{"nonce", "at_hash", "c_hash", "s_hash", "events"} {
		if _, present := claims[name]; present {
			return refuse("token with the claim %s is no access token", name)
		}
	}
	if use, present := claims["token_use"]; present && use != "access" {
		return refuse("token_use is not access")
	}
	if typ, ok := claims["typ"].(string); ok && slices.Contains([]string{"ID", "Refresh", "Offline", "Logout"}, typ) {
		return refuse("claim typ of another kind of token")
	}
	return nil
}
