package auth

import (
	"context"

	"github.com/mcpengine/mcpengine/internal/caller"
)

// A User is a verified caller, a person or a program. Issuer and Subject
// together are its identity, which ID joins to one string; neither means
// anything alone. Scopes, Roles, Groups and Claims are what the provider said,
// and an Email is only worth something when EmailVerified says so. The elements
// of its lists and maps may be shared between requests: do not change them in
// place. The token is not in it.
type User = caller.User

// ContextWithUser returns a context that carries the caller.
func ContextWithUser(ctx context.Context, u *User) context.Context {
	return caller.ContextWithUser(ctx, u)
}

// UserFrom returns the caller that ctx carries, and nil when nobody was
// verified.
func UserFrom(ctx context.Context) *User { return caller.UserFrom(ctx) }
