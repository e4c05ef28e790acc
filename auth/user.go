package auth

import (
	"context"
	"slices"
	"strconv"
	"strings"
	"time"
)

// A User is a verified caller, a person or a program. The elements of its lists
// and maps may be shared between requests: do not change them in place. It does
// not hold the token.
type User struct {
	// Issuer and Subject together are the identity of the caller; neither
	// means anything alone. [User.ID] joins them.
	Issuer, Subject string

	// ClientID is the OAuth client that the token was issued to, and empty when
	// the token does not name it.
	ClientID string

	// Machine says that the client called for itself and not for a person
	// (RFC 6749, section 4.4).
	Machine bool

	// Name and Email describe the caller. Trust the address only if EmailVerified
	// is true.
	Name, Email   string
	EmailVerified bool

	// Scopes are the scopes of the token, in the server's own spelling.
	// [Resource.Granted] takes account of scopes that imply others.
	Scopes []string

	// Roles and Groups come from the provider.
	Roles, Groups []string

	// Expiry is when the token ends, and zero when it has no end or the provider
	// does not name one.
	Expiry time.Time

	// Claims are all claims of the provider, decoded from JSON. Numbers are of
	// type [encoding/json.Number], so that long ones keep every digit.
	Claims map[string]any
}

// ID returns the identity of the caller as one string. Two users have the same
// ID exactly when both issuer and subject are the same.
func (u *User) ID() string {
	issuer := u.Issuer
	// A plain issuer holds no space and starts with no quotation mark, so the
	// first part of an ID can be told from the second.
	if strings.IndexByte(issuer, ' ') >= 0 || strings.IndexByte(issuer, '"') >= 0 {
		issuer = strconv.Quote(issuer)
	}
	return issuer + " " + u.Subject
}

// HasScope reports whether the token was granted exactly this scope. To take
// account of scopes that imply it, use [Resource.Granted].
func (u *User) HasScope(scope string) bool { return slices.Contains(u.Scopes, scope) }

type userKey struct{}

// ContextWithUser returns a context that carries the caller.
func ContextWithUser(ctx context.Context, u *User) context.Context {
	return context.WithValue(ctx, userKey{}, u)
}

// UserFrom returns the caller that ctx carries, and nil when no caller was
// verified.
func UserFrom(ctx context.Context) *User {
	u, _ := ctx.Value(userKey{}).(*User)
	return u
}
