package peer

import (
	"context"
	"net/http"
)

// An Authorizer puts credentials on the requests to one server and answers the
// server's challenges. Its methods are called concurrently.
type Authorizer interface {
	// Authorize sets the credentials of an outgoing request, such as its
	// Authorization and DPoP fields. It may take as long as getting a token
	// takes. An error ends the call with an [*AuthError].
	Authorize(ctx context.Context, r *http.Request) error

	// Challenged is told of a response with status 401 or 403. Its Request is
	// the one that was refused and its body has been read and closed. Retry
	// says that the request is worth sending again, with new credentials; a
	// request is sent at most four times. An error ends the call with an
	// [*AuthError].
	Challenged(ctx context.Context, resp *http.Response) (retry bool, err error)
}
