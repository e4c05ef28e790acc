package broker

import (
	"context"
	"errors"
	"net/url"
	"strings"
)

// maxClientID bounds the id of a client: a URL, or a sealed registration.
const maxClientID = 2 << 10

// A client is a client whose metadata is known.
type client struct {
	id        string
	name      string
	host      string // of the metadata document, and empty for a registered client
	logo      string // data URI
	redirects []string
	key       bool   // it authenticates by a key
	keySet    []byte // of a client with a key
	keysURL   string // of a client with a key that is published elsewhere
}

// errUnknownClient says that an id is not of a client that may sign people in. It
// does not quote the id.
var errUnknownClient = errors.New("the client is unknown: its registration is not ours or was made with a key that is gone")

// errInvalidClient refuses a client by its metadata document. The reason completes a
// sentence about the document.
type errInvalidClient struct{ reason string }

func (e errInvalidClient) Error() string { return "the metadata document of the client " + e.reason }

func isURL(id string) bool { return strings.Contains(id, "://") }

// client returns the client with an id.
func (s *server) client(ctx context.Context, id string) (*client, error) {
	switch {
	case id == "" || !isPrintable(id, maxClientID):
		return nil, errUnknownClient
	case isURL(id):
		return s.document(ctx, id)
	}
	var r registration
	if err := s.open(purposeClient, id, "", &r, nil); err != nil {
		return nil, errUnknownClient
	}
	return &client{id: id, name: r.Name, redirects: r.Redirects}, nil
}

// redirectOf returns where a client wants the answer. A client with one redirect
// URI may leave it out of its request (OAuth 2.1, section 2.3.2).
func (c *client) redirectOf(q url.Values) (uri string, ok bool) {
	if uri = q.Get("redirect_uri"); uri == "" && len(c.redirects) == 1 {
		return c.redirects[0], true
	}
	return uri, uri != "" && matches(c.redirects, uri)
}
