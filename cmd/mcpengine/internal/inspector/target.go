package inspector

import (
	"context"
	"io"
	"net/http"

	"github.com/mcpengine/mcpengine"
	"github.com/mcpengine/mcpengine/client"
)

// A Target is the server that is inspected.
type Target interface {
	// Kind is "url", "command" or "dev", and Text what a person calls the target:
	// its URL or its command line. Text must hold no secret.
	Kind() string
	Text() string

	// Connect connects to the server. A new connection begins when the last one has
	// been closed.
	Connect(ctx context.Context, c Connection) (*Connected, error)
}

// A Connection is what the inspector asks of a [Target].
type Connection struct {
	// Version is the only protocol version to speak, and "" for any.
	Version string

	// Identity is the name of one of the identities in [Options], and "" for the
	// target's own.
	Identity string

	// Options are for the client, before the options of the target.
	Options []client.Option

	// HTTP wraps the transport of HTTP requests, and Streams the streams of a
	// process, so that messages are recorded. The target uses the one that applies.
	HTTP    func(http.RoundTripper) http.RoundTripper
	Streams func(in io.ReadCloser, out io.WriteCloser) (io.ReadCloser, io.WriteCloser)
}

// A Connected is a connection to a server.
type Connected struct {
	// Client is closed by the inspector.
	Client *client.Client

	// Policy returns the policy of the server, nil if it is not known, and a sentence
	// that says where it is from or why it is not known.
	Policy func() (policy mcpengine.Policy, source string)
}

// An Identity is a caller that the page can switch to.
type Identity struct {
	Name    string   `json:"name"`
	Subject string   `json:"subject,omitempty"`
	Scopes  []string `json:"scopes,omitempty"`
	Roles   []string `json:"roles,omitempty"`
}
