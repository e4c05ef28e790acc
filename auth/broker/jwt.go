package broker

import (
	"errors"
	"strings"

	"github.com/mcpengine/mcpengine/auth"
)

// unverifiedClaims are what a token says before anything of it is checked. They
// choose whose keys the token has to satisfy.
type unverifiedClaims struct {
	Issuer  string `json:"iss"`
	Subject string `json:"sub"`
}

func unverified(token string) (c unverifiedClaims, err error) {
	parts := strings.Split(token, ".")
	if len(parts) != 3 || len(token) > auth.MaxTokenBytes {
		return c, errors.New("not a compact JWS")
	}
	payload, err := base64url.DecodeString(parts[1])
	if err != nil {
		return c, err
	}
	return c, decodeStrict(payload, &c)
}
