// Package lambda serves an [http.Handler] on AWS Lambda.
//
// event.go reads the event that a front end made of an HTTP request, and
// frontend.go tells which front end that was. request.go, path.go and body.go
// turn the event into an [http.Request]. The handler writes to a [writer].
// reply.go encodes the complete answer for the front end, or stream.go sends
// the answer while it is being written.
//
// other.go answers events that no front end made.
//
// runtime.go takes invocations from the platform, and answer.go sends their
// answers back. extension.go registers an extension, without which the platform
// sends no SIGTERM. connection.go has the connection that all of them use.
package lambda

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"sync"
	"time"
)

// A Config adjusts [Run]. Its zero value is ready to use.
type Config struct {
	// Stream says that the front end is set to stream: the invoke mode
	// RESPONSE_STREAM of a Function URL, or the response transfer mode STREAM
	// of a REST API. Events do not reveal the setting. When Stream and the
	// setting disagree, clients get the framing of the response as part of its
	// body. HTTP APIs and load balancers cannot stream and stay buffered.
	Stream bool

	// AuthorizationHeader names a header that replaces Authorization, which the
	// platform uses itself for IAM authorization. It is honoured only on
	// requests that have passed IAM authorization. Optional.
	AuthorizationHeader string

	// Domain lets handlers ask for the domain of a Function URL ([Domain]).
	Domain bool

	// MaxBody bounds the decoded body of a request in bytes. The default is
	// 6 MiB, which is more than an event can hold.
	MaxBody int64

	// Margin is how long before the end of the invocation the context of a
	// request ends, so that there is time to answer. The default is 500 ms.
	Margin time.Duration

	// HealthPath is answered with 200 without calling the handler. The default
	// is "/healthz".
	HealthPath string

	// TooLarge returns the answer that replaces one that is too large. It gets
	// the body of the request. The default is an error without an id.
	TooLarge func(request []byte, reason string) (status int, body []byte)

	// Event answers an invocation whose event no front end made, with a JSON value.
	// It returns an error that wraps [errors.ErrUnsupported] for an event that it
	// does not know. By default no such event is known. An event of a front end
	// never reaches it.
	Event func(ctx context.Context, event []byte) (answer []byte, err error)

	// Flush sends what the program has buffered. It is called after each answer,
	// before the platform freezes the process, and its context ends after 500 ms or
	// with the invocation. Optional.
	Flush func(ctx context.Context)

	// Logger is told of panics and of answers that are too large. By default
	// nothing is logged.
	Logger *slog.Logger
}

const modeVariable = "MCPENGINE_LAMBDA_MODE"

// ParseMode reads from the environment whether the front end streams.
func ParseMode(getenv func(string) string) (stream bool, err error) {
	switch mode := getenv(modeVariable); mode {
	case "", "buffered":
		return false, nil
	case "stream":
		return true, nil
	default:
		return false, fmt.Errorf(`%s is %q: use "stream" or "buffered", whichever the front end is set to`, modeVariable, mode)
	}
}

// An Adapter turns invocations into requests to an [http.Handler].
type Adapter struct {
	handler http.Handler
	config  Config
	dropped sync.Once // the log says that notifications are dropped
	cookies sync.Once // the log says that cookies are dropped
}

// New returns an adapter to h. Most callers want [Run].
func New(h http.Handler, config Config) *Adapter {
	config.MaxBody = cmp.Or(config.MaxBody, 6<<20)
	config.Margin = cmp.Or(config.Margin, 500*time.Millisecond)
	config.HealthPath = cmp.Or(config.HealthPath, "/healthz")
	config.AuthorizationHeader = http.CanonicalHeaderKey(config.AuthorizationHeader)
	if config.Logger == nil {
		config.Logger = slog.New(slog.DiscardHandler)
	}
	return &Adapter{handler: h, config: config}
}

// Run serves the invocations of this execution environment with h until ctx is
// done or the process gets SIGTERM or SIGINT. It then takes no more
// invocations, waits a moment for those under way and returns nil, so that the
// deferred clean-up of main runs. A second signal ends the process at once. The
// platform sends SIGTERM only because Run registers an internal extension:
// without one, it kills the process.
//
// A panic of h ends its request and not the process. Run returns an error when
// the Runtime API breaks off or answers with nonsense. Then main should end.
func Run(ctx context.Context, h http.Handler, config Config) error {
	address := os.Getenv("AWS_LAMBDA_RUNTIME_API")
	if address == "" {
		return errors.New("AWS_LAMBDA_RUNTIME_API is not set: the program does not run on AWS Lambda")
	}
	r := newRuntime(address, New(h, config))
	loops, err := parseConcurrency(os.Getenv)
	if err != nil {
		return r.refuse(err)
	}
	return r.serve(ctx, loops)
}
